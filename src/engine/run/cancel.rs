//! How a run ends because somebody wishes so: gracefully, which lets the calls in flight end and records their answers,
//! or at once, which breaks them off. A call of another playbook is not waited for: that one goes on by itself.
//! Invariant: from the wish on nothing begins; a graceful one is in the journal, so a crash does not undo it.

use super::{Drive, Step};
use crate::engine::call::Target;
use crate::engine::event::{ActionError, Event};
use crate::engine::journal::Error;
use crate::engine::status::RunStatus;
use crate::store::{DeliveryRow, Sealer};

/// How soon a cancelled run ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Haste {
    /// When the calls in flight have ended.
    #[default]
    Gracefully,
    /// At once: what calls in flight came to is not known.
    Now,
}

impl Haste {
    /// The name under which the wish comes to a run; an execution of an action is named otherwise.
    fn name(self) -> &'static str {
        match self {
            Self::Gracefully => "cancelGracefully",
            Self::Now => "cancel",
        }
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        [Self::Gracefully, Self::Now]
            .into_iter()
            .find(|haste| haste.name() == name)
    }
}

/// The wish to end a run, as it is delivered.
pub(in crate::engine) fn delivery(sealer: &Sealer, run: &str, by: &str, haste: Haste) -> DeliveryRow {
    let name = haste.name();
    DeliveryRow {
        run: run.to_owned(),
        node: name.to_owned(),
        at: super::now(),
        bytes: sealer.seal(&super::inbox::context(run, name), by.as_bytes()),
    }
}

impl Drive<'_> {
    /// Who wishes the run to end before it has begun, if somebody does.
    pub(super) async fn wished_end(&self) -> Result<Option<String>, Error> {
        for row in self.shared.store.inbox(&self.state.opened.run).await? {
            if Haste::of_name(&row.node).is_some() {
                return self.wisher(&row).map(Some);
            }
        }
        Ok(None)
    }

    /// Who it is that a delivery is the wish of.
    pub(super) fn wisher(&self, row: &DeliveryRow) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&self.plain(row)?).into_owned())
    }

    /// Does what somebody wishes: ends the run, or lets nothing begin any more while calls are in flight.
    pub(super) fn heed(&mut self, step: &mut Step, by: String, haste: Haste) -> Result<(), Error> {
        if self.state.closed.is_some() {
            return Ok(());
        }
        if haste == Haste::Now || !self.is_in_flight() {
            let event = self.cancelled(&by);
            self.record(step, event)?;
        } else if self.state.cancelling.is_none() {
            let at = super::now();
            self.record(step, Event::Cancelling { at, by })?;
        }
        Ok(())
    }

    /// Ends a run that is being cancelled, once its calls in flight have ended.
    pub(super) fn end_if_cancelled(&mut self, step: &mut Step) -> Result<(), Error> {
        if let Some(by) = self.state.cancelling.clone()
            && self.state.closed.is_none()
            && !self.is_in_flight()
        {
            let event = self.cancelled(&by);
            self.record(step, event)?;
        }
        Ok(())
    }

    /// Whether a call goes on that a run which ends waits for.
    fn is_in_flight(&self) -> bool {
        let mut flying = self.flying.values();
        flying.any(|(id, call, _)| self.state.active.contains(id) && !matches!(call.target, Target::Playbook(_)))
    }

    /// The event that ends a run whose end somebody wishes.
    pub(super) fn cancelled(&self, by: &str) -> Event {
        let error = ActionError::new("Cancelled", format!("The run was cancelled by {by}."));
        self.planner(&self.moment()).cut(RunStatus::Cancelled, error)
    }
}
