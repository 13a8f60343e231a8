//! Workflow functions over the parts of form and multipart bodies, as the intake of a body leaves them:
//! `$formdata` holds keys and values, `$multipart` headers and bodies.

use super::super::error::EvalError;
use super::super::value::Value;
use super::{Arguments, Call, Function, exactly};

const SOURCE: &str = "Workflow functions";

pub(super) static FORM: &[Function] = &[
    Function {
        name: "formDataValue",
        signature: "(action: string, key: string): string",
        arity: exactly(2),
        doc: "The one value of a key in the form data that an action gave.",
        source: SOURCE,
        examples: r#"
            given {"outputs": {"Form": {"body": {"$formdata": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}, {"key": "b", "value": "3"}]}}}}
            formDataValue('Form', 'a') => "1"
            formDataValue('form', 'a') => "1"
            formDataValue('Form', 'x') => null
            formDataValue('Form', 'b') => error: there are 2
        "#,
        call: Call::Eager(|arguments| single(arguments, &action_body(arguments)?, 1)),
    },
    Function {
        name: "formDataMultiValues",
        signature: "(action: string, key: string): array",
        arity: exactly(2),
        doc: "All values of a key in the form data that an action gave.",
        source: SOURCE,
        examples: r#"
            given {"outputs": {"Form": {"body": {"$formdata": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}, {"key": "b", "value": "3"}]}}}}
            formDataMultiValues('Form', 'b') => ["2","3"]
            formDataMultiValues('Form', 'a') => ["1"]
            formDataMultiValues('Form', 'x') => []
            formDataMultiValues('Other', 'a') => error: no action 'Other'
        "#,
        call: Call::Eager(|arguments| Ok(Value::array(values(arguments, &action_body(arguments)?, 1)?))),
    },
    Function {
        name: "triggerFormDataValue",
        signature: "(key: string): string",
        arity: exactly(1),
        doc: "The one value of a key in the trigger's form data.",
        source: SOURCE,
        examples: r#"
            given {"triggerBody": {"$formdata": [{"key": "feedUrl", "value": "https://feeds.example.com/top.xml"}, {"key": "", "value": "=="}]}}
            triggerFormDataValue('feedUrl') => "https://feeds.example.com/top.xml"
            triggerFormDataValue('') => "=="
            triggerFormDataValue('x') => null
            given {"triggerBody": {"name": "no form"}}
            triggerFormDataValue('name') => error: a body that is form data
        "#,
        call: Call::Eager(|arguments| single(arguments, &trigger_body(arguments)?, 0)),
    },
    Function {
        name: "triggerFormDataMultiValues",
        signature: "(key: string): array",
        arity: exactly(1),
        doc: "All values of a key in the trigger's form data.",
        source: SOURCE,
        examples: r#"
            given {"triggerBody": {"$formdata": [{"key": "feedUrl", "value": "https://feeds.example.com/top.xml"}, {"key": "n", "value": "1"}, {"key": "n", "value": "2"}]}}
            triggerFormDataMultiValues('feedUrl') => ["https://feeds.example.com/top.xml"]
            triggerFormDataMultiValues('n') => ["1","2"]
            triggerFormDataMultiValues('x') => []
            triggerFormDataMultiValues(1) => error: be of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::array(values(arguments, &trigger_body(arguments)?, 0)?))),
    },
    Function {
        name: "multipartBody",
        signature: "(action: string, index: int): any",
        arity: exactly(2),
        doc: "The body of a part, counted from 0, of the multipart body that an action gave.",
        source: SOURCE,
        examples: r#"
            given {"outputs": {"Parts": {"body": {"$multipart": [{"body": "first"}, {"body": {"$content-type": "application/octet-stream", "$content": "eT16"}}]}}}}
            multipartBody('Parts', 0) => "first"
            string(multipartBody('Parts', 1)) => "y=z"
            multipartBody('parts', 1).$content => "eT16"
            multipartBody('Parts', 2) => error: there are 2
        "#,
        call: Call::Eager(|arguments| part(arguments, &action_body(arguments)?, 1)),
    },
    Function {
        name: "triggerMultipartBody",
        signature: "(index: int): any",
        arity: exactly(1),
        doc: "The body of a part, counted from 0, of the trigger's multipart body.",
        source: SOURCE,
        examples: r#"
            given {"triggerBody": {"$multipart": [{"headers": {"Content-Type": "text/plain"}, "body": "first"}, {"body": {"a": 1}}]}}
            triggerMultipartBody(0) => "first"
            triggerMultipartBody(1) => {"a":1}
            triggerMultipartBody(1)?['b'] => null
            triggerMultipartBody(-1) => error: be a positive integer
        "#,
        call: Call::Eager(|arguments| part(arguments, &trigger_body(arguments)?, 0)),
    },
];

fn action_body(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let name = arguments.text(0)?;
    let outputs = arguments.scope.outputs(name);
    let outputs = outputs.ok_or_else(|| arguments.fail(format!("finds no action '{name}' that has ended")))?;
    Ok(outputs.get("body").cloned().unwrap_or_default())
}

fn trigger_body(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let trigger = arguments.scope.trigger();
    let trigger = trigger.ok_or_else(|| arguments.fail("is not expected here: there is no trigger"))?;
    Ok(trigger.at(&["outputs", "body"]).cloned().unwrap_or_default())
}

fn values(arguments: &Arguments<'_>, body: &Value, index: usize) -> Result<Vec<Value>, EvalError> {
    let key = arguments.text(index)?;
    let Some(pairs) = body.get("$formdata").and_then(Value::as_array) else {
        return Err(arguments.fail("expects a body that is form data"));
    };
    let of_key = pairs
        .iter()
        .filter(|pair| pair.get("key").and_then(Value::as_str) == Some(key));
    Ok(of_key.filter_map(|pair| pair.get("value").cloned()).collect())
}

fn single(arguments: &Arguments<'_>, body: &Value, index: usize) -> Result<Value, EvalError> {
    let mut values = values(arguments, body, index)?;
    match values.len() {
        0 | 1 => Ok(values.pop().unwrap_or_default()),
        count => Err(arguments.fail(format!("expects one value of this key, but there are {count}"))),
    }
}

fn part(arguments: &Arguments<'_>, body: &Value, index: usize) -> Result<Value, EvalError> {
    let number = arguments.count(index)?;
    let Some(parts) = body.get("$multipart").and_then(Value::as_array) else {
        return Err(arguments.fail("expects a multipart body"));
    };
    let part = parts.get(number).and_then(|part| part.get("body")).cloned();
    part.ok_or_else(|| arguments.fail(format!("finds no part {number}; there are {}", parts.len())))
}
