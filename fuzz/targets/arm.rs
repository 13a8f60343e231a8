//! ARM templates: any text is imported.
#![no_main]

use libfuzzer_sys::fuzz_target;
use riposte::arm;

fuzz_target!(|text: &str| {
    let _ = arm::import("fuzz.json", text, &arm::Options::default());
});
