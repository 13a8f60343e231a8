//! What a call goes to: the inputs that say it, and method and path that follow from it.

use super::{Failure, kind_of};
use crate::definition::workflow::{CallAction, CallTarget, Script};
use crate::engine::scope::RunScope;
use crate::expression::{Object, Scope as _, Template, Value};

/// Method and path of a call. Where the target gives them they are empty.
pub(in crate::engine) fn address(target: &CallTarget, inputs: &Value) -> Result<(String, String), String> {
    let text = |name: &str| match inputs.get(name) {
        Some(Value::String(text)) => Ok(text.to_string()),
        Some(other) => Err(format!("'{name}' must be of type String, not {}", kind_of(other))),
        None => Err(format!("'{name}' is missing")),
    };
    let method = || text("method").map(|method| method.to_uppercase());
    Ok(match target {
        CallTarget::Uri => (method()?, text("uri")?),
        CallTarget::Connection(_) => (method()?, text("path")?),
        CallTarget::Function(_) => {
            let id = inputs.at(&["function", "id"]).map(Value::to_text).unwrap_or_default();
            let name = id.rsplit('/').next().unwrap_or_default();
            (method()?, format!("/api/{name}"))
        }
        CallTarget::Operation { .. } => (String::new(), String::new()),
        CallTarget::Playbook { .. } | CallTarget::Batch { .. } | CallTarget::Script(_) => {
            ("POST".into(), String::new())
        }
    })
}

/// What a script sees: the actions that it names, or that its text names, and the trigger.
pub(super) fn script_context(script: &Script, scope: &RunScope<'_>) -> Value {
    let mut actions = Object::new();
    for action in &scope.workflow.actions {
        let declared = script
            .actions
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&action.name));
        if (declared || script.code.contains(&*action.name))
            && let Some(record) = scope.action(&action.name)
        {
            actions.insert(action.name.clone(), record);
        }
    }
    let trigger = script.trigger.then(|| scope.trigger()).flatten();
    Value::object([
        ("actions", Value::from(actions)),
        ("trigger", trigger.unwrap_or_default()),
        ("workflow", scope.workflow()),
    ])
}

/// The inputs that say what is called.
pub(super) fn target_inputs(
    call: &CallAction,
    value: &dyn Fn(&Template) -> Result<Value, Failure>,
    inputs: &mut Object,
) -> Result<(), Failure> {
    let host = |members: Vec<(&str, Value)>| Value::object(members);
    let named = |name: &str, key: &str, value: Value| vec![(name.to_owned(), Value::object([(key, value)]))];
    match &call.target {
        CallTarget::Uri => {
            inputs.insert("method", value(&call.method)?);
            inputs.insert("uri", value(&call.path)?);
        }
        CallTarget::Connection(connection) => {
            inputs.insert("host", Value::object(named("connection", "name", value(connection)?)));
            inputs.insert("method", value(&call.method)?);
            inputs.insert("path", value(&call.path)?);
        }
        CallTarget::Operation {
            connection,
            operation,
            parameters,
        } => {
            let connection = Value::object([("name", value(connection)?)]);
            let operation = value(operation)?;
            inputs.insert(
                "host",
                host(vec![("connection", connection), ("operationId", operation)]),
            );
            if let Some(parameters) = parameters {
                inputs.insert("parameters", value(parameters)?);
            }
        }
        CallTarget::Playbook { workflow } => {
            inputs.insert("host", Value::object(named("workflow", "id", value(workflow)?)));
        }
        CallTarget::Function(id) => {
            inputs.insert("function", host(vec![("id", value(id)?)]));
            inputs.insert("method", value(&call.method)?);
        }
        CallTarget::Batch {
            workflow,
            batch,
            partition,
            message_id,
        } => {
            inputs.insert("host", Value::object(named("workflow", "id", value(workflow)?)));
            inputs.insert("batchName", value(batch)?);
            for (name, template) in [("partitionName", partition), ("messageId", message_id)] {
                if let Some(template) = template {
                    inputs.insert(name, value(template)?);
                }
            }
        }
        CallTarget::Script(script) => {
            inputs.insert("code", script.code.as_str());
        }
    }
    Ok(())
}
