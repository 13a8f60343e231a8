//! The inner side: executes one script with QuickJS.

use std::time::Instant;

use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Function, Runtime};

use super::{MEMORY_MAX, OUTPUT_MAX, Outcome, TIME_MAX, Task};
use crate::expression::Value;

/// The stack of a script, in bytes; deeper recursion is an error of the script.
const STACK_MAX: usize = 512 * 1024;
/// The longest message of an error that is passed on, in characters.
const MESSAGE_MAX: usize = 1_000;

/// Calls the body of a function with a context, and gives the result as JSON. `body` of actions and trigger is short
/// for `outputs.body`.
const CALL: &str = "(code, context) => {
    const shorten = record => {
        if (record && record.body === undefined && record.outputs && record.outputs.body !== undefined) {
            record.body = record.outputs.body;
        }
    };
    Object.values(context.actions || {}).forEach(shorten);
    shorten(context.trigger);
    return JSON.stringify(new Function('workflowContext', code)(context));
}";

/// Executes a script within the limits of time and memory.
pub fn execute(task: &Task) -> Outcome {
    let failed = |error: rquickjs::Error| Outcome::Failed(error.to_string());
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(error),
    };
    let began = Instant::now();
    runtime.set_memory_limit(MEMORY_MAX);
    runtime.set_max_stack_size(STACK_MAX);
    runtime.set_interrupt_handler(Some(Box::new(move || began.elapsed() > TIME_MAX)));
    let context = match Context::full(&runtime) {
        Ok(context) => context,
        Err(error) => return failed(error),
    };
    let result = context.with(|context| run(&context, task));
    match result {
        Ok(result) => Outcome::Result(result),
        Err(_) if began.elapsed() > TIME_MAX => Outcome::Failed(too_slow()),
        Err(message) => Outcome::Failed(message),
    }
}

/// That the time is over.
pub(super) fn too_slow() -> String {
    format!("the script ran longer than {} seconds", TIME_MAX.as_secs())
}

fn run(context: &Ctx<'_>, task: &Task) -> Result<Value, String> {
    let message = |error: CaughtError<'_>| message(&error);
    let call: Function<'_> = context.eval(CALL).catch(context).map_err(message)?;
    let seen = context.json_parse(task.context.to_json()).catch(context);
    let seen = seen.map_err(message)?;
    let result: Option<String> = call.call((task.code.as_str(), seen)).catch(context).map_err(message)?;
    // `undefined`, which has no JSON.
    let Some(text) = result else {
        return Ok(Value::Null);
    };
    if text.len() > OUTPUT_MAX {
        return Err(format!("the result is longer than {OUTPUT_MAX} bytes"));
    }
    Value::from_json(&text).map_err(|error| format!("the result is no JSON: {error}"))
}

/// What a script says of its failure.
fn message(error: &CaughtError<'_>) -> String {
    let text = match error {
        CaughtError::Exception(exception) => {
            let name: Option<String> = exception.get("name").ok();
            let message = exception.message().unwrap_or_default();
            format!("{}: {message}", name.unwrap_or_else(|| "Error".to_owned()))
        }
        CaughtError::Value(value) => value.as_string().and_then(|text| text.to_string().ok()).map_or_else(
            || "the script threw a value that is no error".to_owned(),
            |text| format!("Error: {text}"),
        ),
        CaughtError::Error(error) => error.to_string(),
    };
    text.chars().take(MESSAGE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(code: &str) -> Result<String, String> {
        let context = r#"{"actions": {"Get": {"name": "Get", "outputs": {"statusCode": 200, "body": {"n": 7}}}},
            "trigger": {"outputs": {"body": ["a", "b"]}}, "workflow": {"name": "respond"}}"#;
        let task = Task {
            code: code.to_owned(),
            context: Value::from_json(context).unwrap(),
        };
        match execute(&task) {
            Outcome::Result(value) => Ok(value.to_json()),
            Outcome::Failed(message) => Err(message),
        }
    }

    #[test]
    fn a_script_sees_its_workflow_and_returns_a_value() {
        let cases = [
            ("return workflowContext.actions.Get.outputs.body.n + 1;", "8"),
            ("return workflowContext.actions.Get.body;", r#"{"n":7}"#),
            ("return workflowContext.trigger.outputs.body.join('-');", r#""a-b""#),
            (
                "var x = /a(b+)/.exec('xabb'); return [x[1], workflowContext.workflow.name]",
                r#"["bb","respond"]"#,
            ),
            ("1 + 1", "null"),
            ("return null", "null"),
            (
                "return {a: undefined, b: NaN, c: 9007199254740991, d: 'é😀'}",
                r#"{"b":null,"c":9007199254740991,"d":"é😀"}"#,
            ),
            (
                "return typeof require + typeof process + typeof fetch + typeof std + typeof os",
                r#""undefinedundefinedundefinedundefinedundefined""#,
            ),
        ];
        for (code, expected) in cases {
            assert_eq!(result(code).as_deref(), Ok(expected), "{code}");
        }
    }

    #[test]
    fn what_goes_wrong_is_told_in_the_words_of_the_script() {
        let cases = [
            ("return nothing.here", "ReferenceError: nothing is not defined"),
            ("throw new Error('no such host')", "Error: no such host"),
            ("throw 'text'", "Error: text"),
            ("throw {a: 1}", "the script threw a value that is no error"),
            ("return (", "SyntaxError: "),
            ("var a = {}; a.a = a; return a", "TypeError: circular reference"),
            (
                "return 'x'.repeat(2 * 1024 * 1024)",
                "the result is longer than 1048576 bytes",
            ),
            ("var f = () => f(); f()", "stack"),
            (
                "var a = []; while (true) a.push('x'.repeat(1024 * 1024) + a.length)",
                "out of memory",
            ),
            ("return import('fs')", ""),
        ];
        for (code, expected) in cases {
            let outcome = result(code);
            if expected.is_empty() {
                assert_eq!(outcome.as_deref(), Ok("{}"), "{code}");
                continue;
            }
            let message = outcome.expect_err(code);
            assert!(message.contains(expected), "{code}: {message}");
        }
    }
}
