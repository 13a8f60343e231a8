//! Mocks before real services: a call for which there is a mock gets its answer, any other is made.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::catalog::Current;
use crate::connectors::ConnectorServices;
use crate::engine::call::{Admission, Answer, Brake, Call, CallError, Services, Target};
use crate::rehearsal::{Asked, Mocks, Served};
use crate::store::Millis;

/// Services with mocks before them. Riposte's own incidents are real.
pub(super) struct Mocked {
    mocks: Mocks,
    served: Mutex<Served>,
    services: ConnectorServices,
    catalog: Current,
}

impl Mocked {
    pub(super) fn new(mocks: Mocks, services: ConnectorServices, catalog: Current) -> Self {
        Self {
            mocks,
            served: Mutex::default(),
            services,
            catalog,
        }
    }

    /// Name of the connector of a call.
    fn connector(&self, call: &Call) -> Option<String> {
        let (Target::Connection(name) | Target::Operation { connection: name, .. }) = &call.target else {
            return None;
        };
        let catalog = self.catalog.get();
        Some(catalog.connection(&call.namespace, name)?.spec.connector.clone())
    }
}

fn asked<'a>(call: &'a Call, connector: Option<&'a str>) -> Asked<'a> {
    Asked {
        action: &call.action,
        connector,
        method: &call.method,
        path: &call.path,
    }
}

#[async_trait]
impl Services for Mocked {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        let connector = self.connector(call);
        let asked = asked(call, connector.as_deref());
        let answer = {
            // Every step leaves the counts valid.
            let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
            self.mocks.answer(&asked, &mut served)
        };
        match answer {
            Some((delay, outcome)) => {
                tokio::time::sleep(delay).await;
                outcome
            }
            None => self.services.call(call).await,
        }
    }

    /// A mock knows no limits.
    fn admit(&self, call: &Call, now: Millis) -> Admission {
        match self.stands_in(call) {
            true => Admission::Go(None),
            false => self.services.admit(call, now),
        }
    }

    fn changes(&self, call: &Call) -> bool {
        !self.stands_in(call) && self.services.changes(call)
    }

    fn brakes(&self, call: &Call) -> Vec<Brake> {
        match self.stands_in(call) {
            true => Vec::new(),
            false => self.services.brakes(call),
        }
    }

    fn safe_to_repeat(&self, call: &Call) -> bool {
        self.services.safe_to_repeat(call)
    }

    /// Playbooks that are called need not exist where they are mocked.
    fn stands_in(&self, call: &Call) -> bool {
        let connector = self.connector(call);
        self.mocks.has(&asked(call, connector.as_deref()))
    }
}
