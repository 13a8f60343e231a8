//! Services whose calls are counted.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use super::Figures;
use crate::engine::call::{Admission, Answer, Brake, Call, CallError, Services};
use crate::store::Millis;

/// Counts the calls of services.
pub struct Metered {
    services: Arc<dyn Services>,
    figures: Arc<Figures>,
}

impl Metered {
    /// The same services, counted.
    pub fn new(services: Arc<dyn Services>, figures: Arc<Figures>) -> Self {
        Self { services, figures }
    }
}

#[async_trait]
impl Services for Metered {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        let begun = Instant::now();
        let outcome = self.services.call(call).await;
        self.figures.called(call, &outcome, begun.elapsed());
        outcome
    }

    fn admit(&self, call: &Call, now: Millis) -> Admission {
        self.services.admit(call, now)
    }

    fn changes(&self, call: &Call) -> bool {
        self.services.changes(call)
    }

    fn brakes(&self, call: &Call) -> Vec<Brake> {
        self.services.brakes(call)
    }

    fn safe_to_repeat(&self, call: &Call) -> bool {
        self.services.safe_to_repeat(call)
    }

    fn stands_in(&self, call: &Call) -> bool {
        self.services.stands_in(call)
    }
}
