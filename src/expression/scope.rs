//! What an expression can see. The engine implements it over the state of a run, `riposte eval` over a context file.

use jiff::Timestamp;

use super::value::Value;

/// The surroundings of one evaluation. Every lookup is by name without regard to case.
pub trait Scope {
    /// The time of this evaluation; the same throughout.
    fn now(&self) -> Timestamp;

    /// Sixteen random bytes, others at each call.
    fn random(&self) -> [u8; 16];

    /// The value of a parameter; `None` if it is not declared.
    fn parameter(&self, name: &str) -> Option<Value>;

    /// The value of a variable; `None` if it is not declared.
    fn variable(&self, name: &str) -> Option<Value>;

    /// The whole object of an action that has ended: name, status, code, inputs, outputs, times, error.
    /// `None` if no such action has ended; a skipped one has no outputs.
    fn action(&self, name: &str) -> Option<Value>;

    /// The outputs of an action that has ended, without building its whole object; `Some(Null)` if it has none.
    fn outputs(&self, name: &str) -> Option<Value>;

    /// The body in the outputs of an action that has ended; of an action of a loop that is looked at from outside, the
    /// bodies of all iterations.
    fn body(&self, name: &str) -> Option<Value> {
        let outputs = self.outputs(name)?;
        Some(outputs.get("body").cloned().unwrap_or_default())
    }

    /// The current action, where that is defined (tracked properties, Until conditions).
    fn current_action(&self) -> Option<Value>;

    /// The trigger object: name, outputs, times and so on.
    fn trigger(&self) -> Option<Value>;

    /// The element of the innermost loop or data operation.
    fn item(&self) -> Option<Value>;

    /// The current element of a named Foreach.
    fn items(&self, name: &str) -> Option<Value>;

    /// The current round of a named Until, from 0.
    fn iteration_index(&self, name: &str) -> Option<i64>;

    /// The results of the first-level actions of a named Scope, Foreach or Until that has ended.
    fn result(&self, name: &str) -> Option<Value>;

    /// The workflow object: name, id, run and so on.
    fn workflow(&self) -> Value;

    /// The callback URL of a webhook subscription, where one is being made.
    fn callback_url(&self) -> Option<String>;

    /// An app setting, which only Logic Apps Standard has; `None` if it is not set.
    fn app_setting(&self, _name: &str) -> Option<Value> {
        None
    }
}

/// A scope with another innermost element: `item()` in Select, Query and Table.
pub struct WithItem<'a> {
    /// The surroundings.
    pub outer: &'a dyn Scope,
    /// The element.
    pub item: Value,
}

impl Scope for WithItem<'_> {
    fn now(&self) -> Timestamp {
        self.outer.now()
    }
    fn random(&self) -> [u8; 16] {
        self.outer.random()
    }
    fn parameter(&self, name: &str) -> Option<Value> {
        self.outer.parameter(name)
    }
    fn variable(&self, name: &str) -> Option<Value> {
        self.outer.variable(name)
    }
    fn action(&self, name: &str) -> Option<Value> {
        self.outer.action(name)
    }
    fn outputs(&self, name: &str) -> Option<Value> {
        self.outer.outputs(name)
    }
    fn body(&self, name: &str) -> Option<Value> {
        self.outer.body(name)
    }
    fn current_action(&self) -> Option<Value> {
        self.outer.current_action()
    }
    fn trigger(&self) -> Option<Value> {
        self.outer.trigger()
    }
    fn item(&self) -> Option<Value> {
        Some(self.item.clone())
    }
    fn items(&self, name: &str) -> Option<Value> {
        self.outer.items(name)
    }
    fn iteration_index(&self, name: &str) -> Option<i64> {
        self.outer.iteration_index(name)
    }
    fn result(&self, name: &str) -> Option<Value> {
        self.outer.result(name)
    }
    fn workflow(&self) -> Value {
        self.outer.workflow()
    }
    fn callback_url(&self) -> Option<String> {
        self.outer.callback_url()
    }
    fn app_setting(&self, name: &str) -> Option<Value> {
        self.outer.app_setting(name)
    }
}
