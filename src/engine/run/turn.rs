//! Calls that wait for their turn before they are made: a limit of their connection holds them, or the wish of its
//! service. That a call is held and goes on is in the journal; how often it asks in between is not.
//! Invariant: a call that is held has not been made, so a crash while it waits loses nothing.

use super::{Drive, Step};
use crate::engine::call::{Admission, Call};
use crate::engine::event::{Event, NodeId};
use crate::engine::journal::Error;
use crate::engine::state::Phase;
use crate::store::Millis;

impl Drive<'_> {
    /// Lets a call that the step announces be made after the commit, or holds it.
    pub(super) fn admit(&mut self, step: &mut Step, id: NodeId, call: Call) -> Result<(), Error> {
        let moment = self.moment();
        match self.shared.services.admit(&call, moment.now) {
            Admission::Go(place) => step.calls.push((id, call, place)),
            Admission::Wait(hold) => {
                let event = self.planner(&moment).held(id, hold);
                self.record(step, event)?;
            }
        }
        Ok(())
    }

    /// Lets a call that is held go on, with the events that say so, if its turn has come.
    pub(super) fn ask_again(
        &mut self,
        step: &mut Step,
        id: NodeId,
        call: Call,
        events: Vec<Event>,
    ) -> Result<(), Error> {
        match self.shared.services.admit(&call, self.moment().now) {
            Admission::Go(place) => {
                self.turns.remove(&id);
                for event in events {
                    self.record(step, event)?;
                }
                step.calls.push((id, call, place));
            }
            Admission::Wait(hold) => {
                self.turns.insert(id, hold.until);
            }
        }
        Ok(())
    }

    /// When an active action next needs attention, if it ever does by itself.
    pub(super) fn timer(&self, id: NodeId) -> Option<Millis> {
        match self.turns.get(&id).filter(|_| self.is_held_back(id)) {
            Some(turn) => self.state.node(id)?.deadline.into_iter().chain([*turn]).min(),
            None => self.state.timer(id),
        }
    }

    pub(super) fn is_held_back(&self, id: NodeId) -> bool {
        matches!(self.state.node(id).map(|node| &node.phase), Some(Phase::Held { .. }))
    }
}
