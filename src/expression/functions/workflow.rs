//! Workflow functions: what an expression sees of its run.

use super::super::error::EvalError;
use super::super::value::Value;
use super::{Arguments, Call, Function, between, exactly};

const SOURCE: &str = "Workflow functions";

pub(super) static WORKFLOW: &[Function] = &[
    Function {
        name: "trigger",
        arity: exactly(0),
        doc: "The trigger of this run: name, outputs, times.",
        source: SOURCE,
        examples: &[("trigger().outputs.body.Severity", "\"High\"")],
        call: Call::Eager(trigger),
    },
    Function {
        name: "triggerOutputs",
        arity: exactly(0),
        doc: "The outputs of the trigger: headers, body and so on.",
        source: SOURCE,
        examples: &[("triggerOutputs()?['body']?['Severity']", "\"High\"")],
        call: Call::Eager(trigger_outputs),
    },
    Function {
        name: "triggerBody",
        arity: exactly(0),
        doc: "The body of the trigger's outputs; null if it has none.",
        source: SOURCE,
        examples: &[
            ("triggerBody()?['Severity']", "\"High\""),
            ("triggerBody()?['x']?['y']", "null"),
        ],
        call: Call::Eager(|arguments| Ok(member(&trigger_outputs(arguments)?, "body"))),
    },
    Function {
        name: "actions",
        arity: between(1, 2),
        doc: "An action that has ended: name, status, code, inputs, outputs, times.",
        source: SOURCE,
        examples: &[("actions('Get_host').status", "\"Succeeded\"")],
        call: Call::Eager(action),
    },
    Function {
        name: "action",
        arity: between(0, 1),
        doc: "The current action, where that is defined.",
        source: SOURCE,
        examples: &[],
        call: Call::Eager(|arguments| {
            let current = arguments.scope.current_action();
            current.ok_or_else(|| arguments.fail("is not expected here: there is no current action"))
        }),
    },
    Function {
        name: "outputs",
        arity: exactly(1),
        doc: "The outputs of an action that has ended; null if it was skipped.",
        source: SOURCE,
        examples: &[("outputs('Get_host')['statusCode']", "200")],
        call: Call::Eager(outputs),
    },
    Function {
        name: "actionOutputs",
        arity: exactly(1),
        doc: "The old name of `outputs`.",
        source: SOURCE,
        examples: &[("actionOutputs('Get_host')['statusCode']", "200")],
        call: Call::Eager(outputs),
    },
    Function {
        name: "body",
        arity: exactly(1),
        doc: "The body of the outputs of an action that has ended; null if it has none.",
        source: SOURCE,
        examples: &[("body('get_HOST')?['name']", "\"web-1\"")],
        call: Call::Eager(body),
    },
    Function {
        name: "actionBody",
        arity: exactly(1),
        doc: "The old name of `body`.",
        source: SOURCE,
        examples: &[("actionBody('Get_host')?['name']", "\"web-1\"")],
        call: Call::Eager(body),
    },
    Function {
        name: "parameters",
        arity: exactly(1),
        doc: "The value of a parameter of the workflow.",
        source: SOURCE,
        examples: &[("parameters('limit')", "20")],
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let value = arguments.scope.parameter(name);
            value.ok_or_else(|| arguments.fail(format!("finds no workflow parameter '{name}'")))
        }),
    },
    Function {
        name: "variables",
        arity: exactly(1),
        doc: "The value of a variable.",
        source: SOURCE,
        examples: &[("variables('numItems')", "20")],
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let value = arguments.scope.variable(name);
            value.ok_or_else(|| arguments.fail(format!("finds no variable '{name}'; it must be initialized before")))
        }),
    },
    Function {
        name: "item",
        arity: exactly(0),
        doc: "The element of the innermost loop or data operation.",
        source: "Collection functions",
        examples: &[("item()", "\"10.0.0.1\"")],
        call: Call::Eager(|arguments| {
            let item = arguments.scope.item();
            item.ok_or_else(|| arguments.fail("is not expected here: it is used outside of a loop or data operation"))
        }),
    },
    Function {
        name: "items",
        arity: exactly(1),
        doc: "The current element of a named Foreach.",
        source: SOURCE,
        examples: &[("items('For_each')", "\"10.0.0.1\"")],
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let item = arguments.scope.items(name);
            item.ok_or_else(|| arguments.fail(format!("is used outside of a loop with the name '{name}'")))
        }),
    },
    Function {
        name: "iterationIndexes",
        arity: exactly(1),
        doc: "The current round of a named Until, from 0.",
        source: SOURCE,
        examples: &[],
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let index = arguments.scope.iteration_index(name);
            index
                .map(Value::Int)
                .ok_or_else(|| arguments.fail(format!("is used outside of an Until with the name '{name}'")))
        }),
    },
    Function {
        name: "result",
        arity: exactly(1),
        doc: "The results of the first-level actions of a Scope, Foreach or Until that has ended.",
        source: SOURCE,
        examples: &[],
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let result = arguments.scope.result(name);
            result.ok_or_else(|| arguments.fail(format!("finds no scope '{name}' that has ended")))
        }),
    },
    Function {
        name: "workflow",
        arity: exactly(0),
        doc: "The workflow and its run: name, id, location, run.name.",
        source: SOURCE,
        examples: &[],
        call: Call::Eager(|arguments| Ok(arguments.scope.workflow())),
    },
    Function {
        name: "listCallbackUrl",
        arity: between(0, 1),
        doc: "The callback URL of the webhook that is being subscribed.",
        source: SOURCE,
        examples: &[],
        call: Call::Eager(|arguments| {
            let url = arguments.scope.callback_url();
            url.map(Value::from)
                .ok_or_else(|| arguments.fail("is not expected here: no webhook is being subscribed"))
        }),
    },
];

fn trigger(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let trigger = arguments.scope.trigger();
    trigger.ok_or_else(|| arguments.fail("is not expected here: there is no trigger"))
}

fn trigger_outputs(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    Ok(member(&trigger(arguments)?, "outputs"))
}

fn action(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let name = arguments.text(0)?;
    let action = arguments.scope.action(name);
    action.ok_or_else(|| no_action(arguments, name))
}

fn outputs(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let name = arguments.text(0)?;
    let outputs = arguments.scope.outputs(name);
    outputs.ok_or_else(|| no_action(arguments, name))
}

fn body(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let name = arguments.text(0)?;
    let body = arguments.scope.body(name);
    body.ok_or_else(|| no_action(arguments, name))
}

fn no_action(arguments: &Arguments<'_>, name: &str) -> EvalError {
    arguments.fail(format!("finds no action '{name}' that has ended"))
}

fn member(value: &Value, name: &str) -> Value {
    value.get(name).cloned().unwrap_or_default()
}
