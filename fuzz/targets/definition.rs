//! Workflow definitions: any JSON is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use riposte::definition;
use riposte::expression::Value;

fuzz_target!(|text: &str| {
    if let Ok(value) = Value::from_json(text) {
        let _ = definition::parse(&value);
    }
});
