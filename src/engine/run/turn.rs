//! Calls that wait for their turn before they are made: a limit of their connection holds them, the wish of its service,
//! or a brake. That a call is held and goes on is in the journal; how often it asks in between is not.
//! Invariant: a call that is held has not been made, so a crash while it waits loses nothing.

use super::{Drive, Step};
use crate::engine::call::{Admission, Brake, Call, Hold};
use crate::engine::event::{Event, NodeId};
use crate::engine::journal::Error;
use crate::engine::state::{Phase, Ready};
use crate::store::{BrakeUse, Error as StoreError, Millis, Operation, Refusal, Transaction};

/// After this time a call asks again that a pause holds.
pub(in crate::engine) const AGAIN: Millis = 60_000;
/// After this time a call asks again that somebody has to let go on: the brake may be gone.
const LATER: Millis = 600_000;
/// Codes of what brakes hold.
const PAUSED: &str = "ActionsPaused";
const PROTECTED: &str = "ProtectedTarget";
const LIMITED: &str = "BrakeLimit";

/// Whether a code is that of a brake, which a person can release.
pub(in crate::engine) fn is_brake(code: &str) -> bool {
    [PAUSED, PROTECTED, LIMITED].contains(&code)
}

impl Drive<'_> {
    /// Lets a call that the step announces be made after the commit, or holds it.
    pub(super) async fn admit(&mut self, step: &mut Step, id: NodeId, call: Call) -> Result<(), Error> {
        match self.admission(id, &call).await? {
            Admission::Go(place) => step.calls.push((id, call, place)),
            Admission::Wait(hold) => {
                let event = self.planner(&self.moment()).held(id, hold);
                self.record(step, event)?;
            }
        }
        Ok(())
    }

    /// Lets a call that is held go on, with the events that say so, if its turn has come.
    pub(super) async fn ask_again(
        &mut self,
        step: &mut Step,
        id: NodeId,
        call: Call,
        events: Vec<Event>,
    ) -> Result<(), Error> {
        match self.admission(id, &call).await? {
            Admission::Go(place) => {
                self.turns.remove(&id);
                for event in events {
                    self.record(step, event)?;
                }
                step.calls.push((id, call, place));
            }
            Admission::Wait(hold) => {
                self.turns.insert(id, hold.until);
                if self.held_by(id) != Some(hold.code) {
                    let event = self.planner(&self.moment()).held(id, hold);
                    self.record(step, event)?;
                }
            }
        }
        Ok(())
    }

    /// Lets a call go on that brakes hold, because somebody wishes so.
    pub(super) async fn release(&mut self, step: &mut Step, id: NodeId, by: String) -> Result<Vec<Ready>, Error> {
        let mut ready = Vec::new();
        if !self.is_held_back(id) || self.state.cancelling.is_some() {
            return Ok(ready);
        }
        let planned = self.planner(&self.moment()).go_on(id, Some(by));
        for event in planned.events {
            ready.extend(self.record(step, event)?);
        }
        self.turns.remove(&id);
        if let Some((id, call)) = planned.call {
            self.admit(step, id, call).await?;
        }
        Ok(ready)
    }

    /// Whether a call may be made now: brakes first, for what they hold takes nothing of its connection's limits.
    async fn admission(&self, id: NodeId, call: &Call) -> Result<Admission, Error> {
        let now = self.moment().now;
        Ok(match self.brake(id, call, now).await? {
            Some(hold) => Admission::Wait(hold),
            None => self.shared.services.admit(call, now),
        })
    }

    /// What brake holds a call, if one does.
    async fn brake(&self, id: NodeId, call: &Call, now: Millis) -> Result<Option<Hold>, Error> {
        if self.state.node(id).is_some_and(|node| node.freed) {
            return Ok(None);
        }
        let hold = |code, message, wait| {
            let until = now + wait;
            Ok(Some(Hold { code, message, until }))
        };
        if let Some(message) = self.shared.pause_of(&call.namespace)
            && self.shared.services.changes(call)
        {
            return hold(PAUSED, message, AGAIN);
        }
        let release = format!("let it go on with `riposte release {} {}`", call.run, call.action);
        for brake in self.shared.services.brakes(call) {
            match brake {
                Brake::Paused { connection } => {
                    let message = format!("the actions of connection '{connection}' are paused by its `spec.brakes`");
                    return hold(PAUSED, message, AGAIN);
                }
                Brake::Protected { connection, value } => {
                    let message = format!("it names '{value}', which connection '{connection}' protects; {release}");
                    return hold(PROTECTED, message, LATER);
                }
                Brake::Limit {
                    connection,
                    operation,
                    most,
                    window_seconds,
                } => {
                    let wish = BrakeUse {
                        brake: format!("{}/{connection}/{operation}", call.namespace),
                        call: call.idempotency_key.clone(),
                        at: now,
                        window: Millis::from(window_seconds) * 1_000,
                        most,
                    };
                    // What was held by a limit waits for a person, not for the end of the window.
                    if self.held_by(id) == Some(LIMITED) || !self.count(wish).await? {
                        let message = format!(
                            "'{operation}' was called {most} times in {window_seconds} s through connection \
                             '{connection}', as often as it may; {release}"
                        );
                        return hold(LIMITED, message, LATER);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Counts a call under a brake; false if as many count as may.
    async fn count(&self, wish: BrakeUse) -> Result<bool, Error> {
        let operations = vec![Operation::UseBrake(wish)];
        match self.shared.store.commit(Transaction { operations }).await {
            Ok(_) => Ok(true),
            Err(StoreError::Refused(Refusal::Braked(_))) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// When an active action next needs attention, if it ever does by itself.
    pub(super) fn timer(&self, id: NodeId) -> Option<Millis> {
        match self.turns.get(&id).filter(|_| self.is_held_back(id)) {
            Some(turn) => self.state.node(id)?.deadline.into_iter().chain([*turn]).min(),
            None => self.state.timer(id),
        }
    }

    /// Makes what brakes hold due: they may be gone.
    pub(super) fn ask_brakes_again(&mut self) {
        let held = self.state.active.iter().copied();
        let held: Vec<NodeId> = held.filter(|id| self.held_by(*id).is_some_and(is_brake)).collect();
        self.turns.extend(held.into_iter().map(|id| (id, 0)));
    }

    pub(super) fn is_held_back(&self, id: NodeId) -> bool {
        self.held_by(id).is_some()
    }

    /// The code of what holds a call.
    fn held_by(&self, id: NodeId) -> Option<&str> {
        match self.state.node(id).map(|node| &node.phase) {
            Some(Phase::Held { code, .. }) => Some(code),
            _ => None,
        }
    }
}
