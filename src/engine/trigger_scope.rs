//! What an expression of a trigger sees: parameters, the workflow, and what fired, but no actions. Pure.

use jiff::Timestamp;

use super::clock::{Moment, round_trip};
use super::content::Playbook;
use super::event::Payload;
use super::scope::workflow_object;
use super::start::Request;
use crate::definition::workflow::Trigger;
use crate::expression::{Object, Scope, Value};

/// The surroundings of a trigger.
pub struct TriggerScope<'a> {
    /// The playbook.
    pub playbook: &'a Playbook,
    /// Values of its parameters.
    pub parameters: &'a [(String, Payload)],
    /// The trigger object, once it has fired, or its subscription was answered.
    pub trigger: Option<Value>,
    /// The callback URL, where a webhook is subscribed or unsubscribed.
    pub callback: Option<String>,
    /// Time and chance.
    pub moment: &'a Moment,
}

impl TriggerScope<'_> {
    /// The object of a trigger that fired.
    pub fn fired(trigger: &Trigger, outputs: &Object, request: &Request, moment: &Moment) -> Value {
        let at = round_trip(moment.now);
        let mut record: Vec<(&str, Value)> = vec![("name", trigger.name.as_str().into())];
        record.extend(trigger.shown_inputs().map(|inputs| ("inputs", inputs)));
        record.extend([
            ("outputs", outputs.clone().into()),
            ("startTime", at.as_str().into()),
            ("endTime", at.into()),
        ]);
        record.extend(request.scheduled_at.map(|at| ("scheduledTime", round_trip(at).into())));
        record.extend(request.code.as_deref().map(|code| ("code", code.into())));
        record.push(("status", "Succeeded".into()));
        Value::object(record)
    }
}

impl Scope for TriggerScope<'_> {
    fn now(&self) -> Timestamp {
        self.moment.timestamp()
    }
    fn random(&self) -> [u8; 16] {
        self.moment.random()
    }
    fn parameter(&self, name: &str) -> Option<Value> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, payload)| payload.value.clone())
    }
    fn variable(&self, _name: &str) -> Option<Value> {
        None
    }
    fn action(&self, _name: &str) -> Option<Value> {
        None
    }
    fn outputs(&self, _name: &str) -> Option<Value> {
        None
    }
    fn current_action(&self) -> Option<Value> {
        // What subscribed is told apart from what fired.
        self.callback.as_ref().and(self.trigger.clone())
    }
    fn trigger(&self) -> Option<Value> {
        self.trigger.clone()
    }
    fn item(&self) -> Option<Value> {
        None
    }
    fn items(&self, _name: &str) -> Option<Value> {
        None
    }
    fn iteration_index(&self, _name: &str) -> Option<i64> {
        None
    }
    fn result(&self, _name: &str) -> Option<Value> {
        None
    }
    fn workflow(&self) -> Value {
        workflow_object(&self.playbook.namespace, &self.playbook.name, None)
    }
    fn callback_url(&self) -> Option<String> {
        self.callback.clone()
    }
    fn app_setting(&self, name: &str) -> Option<Value> {
        let mut settings = self.playbook.settings.iter();
        let found = settings.find(|given| given.name.eq_ignore_ascii_case(name))?;
        found.value.as_ref().ok().map(|value| value.to_text().into())
    }
}
