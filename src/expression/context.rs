//! A scope made of given values: what `riposte eval` and tests evaluate expressions in.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::scope::Scope;
use super::value::{Object, Value};

/// The values that a context file gives; each is optional, others are refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Context {
    /// The body of the trigger's outputs.
    #[serde(deserialize_with = "given")]
    pub trigger_body: Option<Value>,
    /// The outputs of the trigger; `trigger_body` replaces their body.
    #[serde(deserialize_with = "given")]
    pub trigger_outputs: Option<Value>,
    /// The outputs of actions, for example `{"statusCode", "headers", "body"}`, by name.
    #[serde(deserialize_with = "members")]
    pub outputs: Object,
    /// The values of variables by name.
    #[serde(deserialize_with = "members")]
    pub variables: Object,
    /// The values of parameters by name.
    #[serde(deserialize_with = "members")]
    pub parameters: Object,
    /// The current elements of Foreach loops by name.
    #[serde(deserialize_with = "members")]
    pub items: Object,
    /// The current element of the innermost loop.
    #[serde(deserialize_with = "given")]
    pub item: Option<Value>,
    /// The time of the evaluation.
    pub utc_now: Option<Timestamp>,
}

/// Keeps a given `null` apart from a value that is not given.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn members<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Object(object) => Ok((*object).clone()),
        other => Err(serde::de::Error::custom(format!(
            "expected an object, found a value of type {}",
            other.kind()
        ))),
    }
}

/// A scope over a [`Context`].
pub struct ContextScope {
    context: Context,
    trigger: Value,
    now: Timestamp,
    seed: [u8; 16],
    drawn: AtomicU64,
}

impl ContextScope {
    /// A scope; `now` holds where the context gives no time, `seed` is what random values are made of.
    pub fn new(context: Context, now: Timestamp, seed: [u8; 16]) -> Self {
        let mut outputs = match &context.trigger_outputs {
            Some(Value::Object(outputs)) => (**outputs).clone(),
            _ => Object::new(),
        };
        if let Some(body) = &context.trigger_body {
            outputs.insert("body", body.clone());
        }
        let trigger = Value::object([
            ("name", Value::from("manual")),
            ("outputs", Value::from(outputs)),
            ("status", Value::from("Succeeded")),
        ]);
        Self {
            now: context.utc_now.unwrap_or(now),
            trigger,
            context,
            seed,
            drawn: AtomicU64::new(0),
        }
    }
}

impl Scope for ContextScope {
    fn now(&self) -> Timestamp {
        self.now
    }
    fn random(&self) -> [u8; 16] {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        let name = drawn.to_be_bytes();
        *uuid::Uuid::new_v5(&uuid::Uuid::from_bytes(self.seed), &name).as_bytes()
    }
    fn parameter(&self, name: &str) -> Option<Value> {
        self.context.parameters.get(name).cloned()
    }
    fn variable(&self, name: &str) -> Option<Value> {
        self.context.variables.get(name).cloned()
    }
    fn action(&self, name: &str) -> Option<Value> {
        let outputs = self.outputs(name)?;
        Some(Value::object([
            ("name", Value::from(name)),
            ("status", Value::from("Succeeded")),
            ("outputs", outputs),
        ]))
    }
    fn outputs(&self, name: &str) -> Option<Value> {
        self.context.outputs.get(name).cloned()
    }
    fn current_action(&self) -> Option<Value> {
        None
    }
    fn trigger(&self) -> Option<Value> {
        Some(self.trigger.clone())
    }
    fn item(&self) -> Option<Value> {
        self.context.item.clone()
    }
    fn items(&self, name: &str) -> Option<Value> {
        self.context.items.get(name).cloned()
    }
    fn iteration_index(&self, _name: &str) -> Option<i64> {
        None
    }
    fn result(&self, _name: &str) -> Option<Value> {
        None
    }
    fn workflow(&self) -> Value {
        Value::object([("name", Value::from("eval"))])
    }
    fn callback_url(&self) -> Option<String> {
        None
    }
}
