//! Calls that triggers make, not actions of a run: the question of a poll, the subscription of a webhook. Pure.

use super::actions::Failure;
use super::actions::call::{attempt_timeout, evaluate, pairs};
use super::actions::target::address;
use super::call::{Call, Target};
use super::content::Playbook;
use super::trigger_scope::TriggerScope;
use crate::definition::workflow::{CallAction, CallTarget};
use crate::expression::Value;

/// A call of a trigger.
#[derive(Clone, Copy, Debug)]
pub struct TriggerCall<'a> {
    /// The playbook.
    pub playbook: &'a Playbook,
    /// Name of the trigger.
    pub trigger: &'a str,
    /// The call.
    pub call: &'a CallAction,
}

impl TriggerCall<'_> {
    /// The inputs as people see them, and apart from them what is secret.
    ///
    /// # Errors
    /// An expression that fails.
    pub fn evaluate(&self, scope: &TriggerScope<'_>) -> Result<(Value, Option<Value>), Failure> {
        evaluate(self.trigger, self.call, scope)
    }

    /// The call of evaluated inputs; `id` is the same for every repetition of it.
    ///
    /// # Errors
    /// Inputs that are no call.
    pub fn build(&self, inputs: &Value, credentials: Option<&Value>, id: &str) -> Result<Call, Failure> {
        let name = self.trigger;
        let invalid = |reason: String| {
            let message = format!("The inputs of trigger '{name}' are not valid: {reason}.");
            Failure::new("BadRequest", "InvalidTemplate", message)
        };
        let target = self.target(inputs).map_err(invalid)?;
        let (method, path) = address(&self.call.target, inputs).map_err(invalid)?;
        let secret = |name: &str| credentials.and_then(|credentials| credentials.get(name));
        let mut headers = pairs(inputs.get("headers"));
        let secrets = pairs(secret("headers"));
        headers.retain(|(name, _)| !secrets.iter().any(|(secret, _)| secret.eq_ignore_ascii_case(name)));
        headers.extend(secrets);
        Ok(Call {
            idempotency_key: format!("{id}/{name}"),
            run: id.to_owned(),
            depth: 0,
            namespace: self.playbook.namespace.clone(),
            playbook: self.playbook.name.clone(),
            action: name.to_owned(),
            target,
            method,
            path,
            queries: pairs(inputs.get("queries")),
            headers,
            body: inputs.get("body").cloned(),
            authentication: secret("authentication").cloned(),
            minimum_items: self.call.minimum_items,
            chunked: false,
            callback: None,
            timeout: attempt_timeout(&self.playbook.workflow.limits),
            traceparent: String::new(),
        })
    }

    fn target(&self, inputs: &Value) -> Result<Target, String> {
        if !matches!(self.call.target, CallTarget::Connection(_)) {
            return Ok(Target::Http);
        }
        let id = inputs.at(&["host", "connection", "name"]).and_then(Value::as_str);
        let id = id.ok_or("'host.connection.name' must be a text")?;
        let name = id.rsplit('/').next().unwrap_or(id);
        let mut bound = self.playbook.connections.iter();
        let found = bound.find(|bound| bound.name.eq_ignore_ascii_case(name) || bound.alias.eq_ignore_ascii_case(name));
        found
            .map(|bound| Target::Connection(bound.name.clone()))
            .ok_or_else(|| format!("the playbook binds no connection '{name}'; add it to `spec.connections`"))
    }
}
