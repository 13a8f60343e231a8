//! Texts of the expression language: parsed, and evaluated over a small context.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use riposte::expression::context::{Context, ContextScope};
use riposte::expression::{Template, Value};

fuzz_target!(|text: &str| {
    let context = Context {
        trigger_body: Some(Value::object([("list", Value::array([1.into(), "a".into(), Value::Null]))])),
        ..Context::default()
    };
    let scope = ContextScope::new(context, Timestamp::UNIX_EPOCH, [7; 16]);
    if let Ok(template) = Template::parse(&Value::from(text)) {
        let _ = template.evaluate(&scope);
    }
});
