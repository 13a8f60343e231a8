//! Answers that stand for services: by action from a file, or examples made from the operations' schemas.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::catalog::Current;
use crate::connectors::example::example;
use crate::connectors::{Connector, ConnectorServices};
use crate::engine::call::{Answer, Call, CallError, Services, Target};
use crate::expression::{Object, Value};

/// Which answers stand for services.
#[derive(Clone, Debug, Default)]
pub struct Mocks {
    /// By lower-case name of the action.
    actions: BTreeMap<String, Mock>,
    /// Whether every other call of a service is answered by an example.
    all: bool,
}

/// The answer of one action.
#[derive(Clone, Debug, PartialEq)]
struct Mock {
    status: u16,
    headers: Object,
    body: Option<Value>,
}

impl Mocks {
    /// Every call of a service is answered by an example made from its operation's schema, or an empty object.
    pub fn all() -> Self {
        Self {
            actions: BTreeMap::new(),
            all: true,
        }
    }

    /// The same with answers by action: `{ACTION: {"statusCode": 200, "headers": {…}, "body": …}}`.
    ///
    /// # Errors
    /// A value of another form; the message names the action.
    pub fn with(mut self, mocks: &Value) -> Result<Self, String> {
        let all = mocks.as_object().ok_or("mocks must be an object of actions")?;
        for (name, mock) in all.iter() {
            self.actions.insert(
                name.to_lowercase(),
                Mock::read(mock).map_err(|reason| format!("mock '{name}': {reason}"))?,
            );
        }
        Ok(self)
    }

    /// The services with these answers before them.
    pub(super) fn before(self, services: ConnectorServices, catalog: Current) -> Mocked {
        Mocked {
            mocks: self,
            services,
            catalog,
        }
    }
}

impl Mock {
    fn read(value: &Value) -> Result<Self, String> {
        let object = value
            .as_object()
            .ok_or("must be an object with `statusCode`, `headers` and `body`")?;
        if let Some((other, _)) = object
            .iter()
            .find(|(name, _)| !["statusCode", "headers", "body"].contains(&&***name))
        {
            return Err(format!(
                "`{other}` is not known; use `statusCode`, `headers` and `body`"
            ));
        }
        let status = object.get("statusCode").map_or(Some(200), Value::as_int);
        let status = status
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| (100..600).contains(status));
        Ok(Self {
            status: status.ok_or("`statusCode` must be an HTTP status")?,
            headers: object
                .get("headers")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            body: object.get("body").cloned(),
        })
    }
}

/// Services with answers before them. Riposte's own incidents are real.
pub(super) struct Mocked {
    mocks: Mocks,
    services: ConnectorServices,
    catalog: Current,
}

impl Mocked {
    fn answer(&self, call: &Call) -> Option<Answer> {
        if let Some(mock) = self.mocks.actions.get(&call.action.to_lowercase()) {
            let Mock { status, headers, body } = mock.clone();
            return Some(Answer {
                status,
                headers,
                body,
                writes: Vec::new(),
            });
        }
        if !self.mocks.all || self.is_native(call) {
            return None;
        }
        let body = self.example(call).unwrap_or_else(|| Value::from(Object::new()));
        Some(Answer {
            status: 200,
            headers: Object::new(),
            body: Some(body),
            writes: Vec::new(),
        })
    }

    fn is_native(&self, call: &Call) -> bool {
        let connector = self.connector(call);
        let found = connector
            .as_ref()
            .and_then(|connector| connector.find(&call.method, &call.path));
        found.is_some_and(|found| found.operation.native.is_some())
    }

    fn example(&self, call: &Call) -> Option<Value> {
        let connector = self.connector(call)?;
        let found = connector.find(&call.method, &call.path)?;
        let schema = found.operation.response.as_ref()?;
        Some(Value::from(example(schema, &connector.document)))
    }

    /// The connector of a call; credentials are not needed for an example.
    fn connector(&self, call: &Call) -> Option<Arc<Connector>> {
        let Target::Connection(name) = &call.target else {
            return None;
        };
        let catalog = self.catalog.get();
        catalog.connector_of(catalog.connection(&call.namespace, name)?).ok()
    }
}

#[async_trait]
impl Services for Mocked {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        match self.answer(call) {
            Some(answer) => Ok(answer),
            None => self.services.call(call).await,
        }
    }

    fn safe_to_repeat(&self, call: &Call) -> bool {
        self.mocks.all || self.services.safe_to_repeat(call)
    }

    /// Playbooks that are called need not exist; scripts need nothing from outside.
    fn stands_in(&self, call: &Call) -> bool {
        let is_named = self.mocks.actions.contains_key(&call.action.to_lowercase());
        is_named || self.mocks.all && matches!(call.target, Target::Playbook(_))
    }
}
