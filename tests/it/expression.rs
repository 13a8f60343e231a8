//! Tests of expression.

use riposte::expression::condition;
use riposte::expression::context::{Context, ContextScope};
use riposte::expression::functions;
use riposte::expression::parser::{self, MAX_LENGTH};
use riposte::expression::{ParseError, Template, Value};

/// The scope in which the examples of the functions hold.
fn scope() -> ContextScope {
    let context: Context = serde_json::from_value(serde_json::json!({
        "triggerBody": {"Severity": "High"},
        "outputs": {"Get_host": {"statusCode": 200, "headers": {}, "body": {"name": "web-1"}}},
        "variables": {"numItems": 20},
        "parameters": {"limit": 20},
        "items": {"For_each": "10.0.0.1"},
        "item": "10.0.0.1",
        "utcNow": "2018-03-01T00:00:00Z"
    }))
    .expect("a context");
    ContextScope::new(context, jiff::Timestamp::UNIX_EPOCH, [7; 16])
}

fn evaluate(text: &str) -> Result<Value, String> {
    let template = Template::parse_text(text).map_err(|error| error.to_string())?;
    template.evaluate(&scope()).map_err(|error| error.to_string())
}

fn json(text: &str) -> Value {
    Value::from_json(text).expect("JSON")
}

#[test]
fn every_example_of_a_function_holds() {
    let mut wrong = Vec::new();
    for function in functions::all() {
        for (expression, expected) in function.examples {
            let value = evaluate(&format!("@{expression}")).map(|value| value.to_json());
            if value.as_deref() != Ok(*expected) {
                wrong.push(format!("{expression}: expected {expected}, got {value:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
