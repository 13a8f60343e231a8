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
    /// Members of the trigger object: name, inputs, startTime and so on.
    #[serde(deserialize_with = "members")]
    pub trigger: Object,
    /// The body of the trigger's outputs.
    #[serde(deserialize_with = "given")]
    pub trigger_body: Option<Value>,
    /// The outputs of the trigger; `trigger_body` replaces their body.
    #[serde(deserialize_with = "given")]
    pub trigger_outputs: Option<Value>,
    /// Members of the objects of actions by name: status, code, inputs and so on; an action is the one that has `outputs`
    /// or stands here.
    #[serde(deserialize_with = "members")]
    pub actions: Object,
    /// The current action.
    #[serde(deserialize_with = "given")]
    pub action: Option<Value>,
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
    /// The current rounds of Until loops by name.
    #[serde(deserialize_with = "members")]
    pub iteration_indexes: Object,
    /// The results of scopes and loops by name.
    #[serde(deserialize_with = "members")]
    pub results: Object,
    /// The workflow object.
    #[serde(deserialize_with = "given")]
    pub workflow: Option<Value>,
    /// The callback URL of the webhook that is being subscribed.
    pub callback_url: Option<String>,
    /// App settings by name.
    #[serde(deserialize_with = "members")]
    pub app_settings: Object,
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
        let mut trigger = ended("manual", &context.trigger);
        if !outputs.is_empty() || trigger.get("outputs").is_none() {
            trigger.insert("outputs", outputs);
        }
        let trigger = Value::from(trigger);
        Self {
            now: context.utc_now.unwrap_or(now),
            trigger,
            context,
            seed,
            drawn: AtomicU64::new(0),
        }
    }
}

/// What is said of a trigger or an action, and that it has succeeded where nothing else is said.
fn ended(name: &str, said: &Object) -> Object {
    let mut whole: Object = [("name", name), ("status", "Succeeded")].into_iter().collect();
    for (member, value) in said.iter() {
        whole.insert(member.clone(), value.clone());
    }
    whole
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
        let said = self.context.actions.get(name);
        let outputs = self.context.outputs.get(name);
        let spelling = self.context.actions.spelling(name);
        let spelling = spelling.or_else(|| self.context.outputs.spelling(name))?;
        let nothing = Object::new();
        let mut action = ended(spelling, said.and_then(Value::as_object).unwrap_or(&nothing));
        if let Some(outputs) = outputs {
            action.insert("outputs", outputs.clone());
        }
        Some(Value::from(action))
    }
    fn outputs(&self, name: &str) -> Option<Value> {
        let outputs = self.context.outputs.get(name).cloned();
        outputs.or_else(|| {
            Some(
                self.context
                    .actions
                    .get(name)?
                    .get("outputs")
                    .cloned()
                    .unwrap_or_default(),
            )
        })
    }
    fn current_action(&self) -> Option<Value> {
        self.context.action.clone()
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
    fn iteration_index(&self, name: &str) -> Option<i64> {
        self.context.iteration_indexes.get(name)?.as_int()
    }
    fn result(&self, name: &str) -> Option<Value> {
        self.context.results.get(name).cloned()
    }
    fn workflow(&self) -> Value {
        let given = self.context.workflow.clone();
        given.unwrap_or_else(|| Value::object([("name", "eval")]))
    }
    fn callback_url(&self) -> Option<String> {
        self.context.callback_url.clone()
    }
    fn app_setting(&self, name: &str) -> Option<Value> {
        self.context.app_settings.get(name).cloned()
    }
}
