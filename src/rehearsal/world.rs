//! Who answers the calls of a rehearsal: mocks first, then the incidents in memory, then examples.

use std::time::Duration;

use super::example;
use super::incidents::Incidents;
use super::mock::{Asked, Mocks, Served, Unmocked};
use super::stage::Stage;
use crate::connectors::{Connector, Operation};
use crate::engine::call::{Answer, Call, CallError, Target};
use crate::engine::clock::timestamp;
use crate::expression::Value;
use crate::store::Millis;

/// Who answered a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A mock.
    Mock,
    /// The incidents of the rehearsal.
    Incidents,
    /// An example.
    Example,
    /// Nobody: there was no mock, and examples are not wanted.
    Nobody,
}

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// When, by the clock of the rehearsal.
    pub at: Millis,
    /// The call.
    pub call: Call,
    /// The connector that it goes to, if it goes to one.
    pub connector: Option<String>,
    /// What was answered.
    pub outcome: Result<(u16, Option<Value>), String>,
    /// Who answered.
    pub by: By,
}

/// What answers the calls of one rehearsal.
pub(super) struct World<'a> {
    stage: &'a Stage,
    mocks: &'a Mocks,
    unmocked: Unmocked,
    pub(super) incidents: Incidents,
    served: Served,
    pub(super) made: Vec<Made>,
}

impl<'a> World<'a> {
    pub(super) fn new(stage: &'a Stage, mocks: &'a Mocks, unmocked: Unmocked, incidents: Incidents) -> Self {
        Self {
            stage,
            mocks,
            unmocked,
            incidents,
            served: Served::default(),
            made: Vec::new(),
        }
    }

    /// What a call is answered, and how long that takes.
    pub(super) fn answer(&mut self, call: &Call, at: Millis) -> (Duration, Result<Answer, CallError>) {
        let connector = self.stage.connector_of(&call.target);
        let operation = connector.and_then(|connector| find(connector, call));
        let (method, path) = operation_address(call, operation);
        let asked = Asked {
            action: &call.action,
            connector: connector
                .map(|connector| connector.name.as_str())
                .or_else(|| self.stage.kind_of(&call.target)),
            method,
            path,
        };
        let name = asked.connector.map(str::to_owned);
        let (by, delay, outcome) = match self.mocks.answer(&asked, &mut self.served) {
            Some((delay, outcome)) => (By::Mock, delay, outcome),
            None => {
                let (by, outcome) = self.unmocked(call, at, connector, operation);
                (by, Duration::ZERO, outcome)
            }
        };
        self.made.push(Made {
            at,
            call: call.clone(),
            connector: name,
            outcome: match &outcome {
                Ok(answer) => Ok((answer.status, answer.body.clone())),
                Err(error) => Err(error.code.clone()),
            },
            by,
        });
        (delay, outcome)
    }

    fn unmocked(
        &mut self,
        call: &Call,
        at: Millis,
        connector: Option<&'a Connector>,
        operation: Option<&'a Operation>,
    ) -> (By, Result<Answer, CallError>) {
        if let (Some(native), Some(found)) = (
            operation.and_then(|operation| operation.native),
            connector.and_then(|connector| connector.find(&call.method, path_of(call))),
        ) {
            return (
                By::Incidents,
                Ok(self.incidents.perform(native, &found, call, timestamp(at))),
            );
        }
        match self.unmocked {
            Unmocked::Example => {
                let known = connector.zip(operation);
                (
                    By::Example,
                    Ok(example::answer(self.stage.reads(), &call.action, known)),
                )
            }
            Unmocked::Fail => (By::Nobody, Err(not_mocked(call))),
        }
    }

    /// What a service calls back with: a mock's answer to the subscription is the call's body.
    pub(super) fn callback(&self, call: &Call, answer: &Answer) -> Answer {
        let is_mocked = self.made.iter().rev().find(|made| made.call.action == call.action);
        match is_mocked.map(|made| made.by) {
            Some(By::Mock) => answer.clone(),
            _ => example::answer(self.stage.reads(), &call.action, None),
        }
    }
}

fn path_of(call: &Call) -> &str {
    call.path.split('?').next().unwrap_or_default()
}

/// The operation of a connector that a call goes to.
fn find<'c>(connector: &'c Connector, call: &Call) -> Option<&'c Operation> {
    match &call.target {
        Target::Operation { operation, .. } => connector.operations.iter().find(|known| known.id == *operation),
        _ => connector.find(&call.method, path_of(call)).map(|found| found.operation),
    }
}

/// Method and path by which mocks know a call.
fn operation_address<'a>(call: &'a Call, operation: Option<&'a Operation>) -> (&'a str, &'a str) {
    match (&call.target, operation) {
        (Target::Operation { .. }, Some(operation)) => (&operation.method, operation.path.as_str()),
        (Target::Playbook(name) | Target::Batch { playbook: name, .. }, _) => (&call.method, name),
        _ => (&call.method, &call.path),
    }
}

fn not_mocked(call: &Call) -> CallError {
    CallError {
        code: "NotMocked".into(),
        message: format!(
            "the call of action '{}' has no mock: add '{}' or '{} {}' to the mocks",
            call.action, call.action, call.method, call.path
        ),
        retryable: false,
        reached: false,
    }
}
