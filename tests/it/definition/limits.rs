//! The limits of definitions: those of Logic Apps, and others that may be set.

use riposte::definition::limits::Limit;
use riposte::definition::{self, Limits};
use riposte::expression::Value;

use super::{problems, with_actions};

/// What is found where a limit has another value.
fn problems_within(name: &str, value: u32, actions: &str) -> Vec<&'static str> {
    let limits = Limits::default().with(Limit::named(name).unwrap(), value).unwrap();
    let definition = Value::from_json(&with_actions(actions)).unwrap();
    match definition::parse_within(&definition, limits) {
        Ok((workflow, _)) => {
            assert_eq!(workflow.limits, limits);
            Vec::new()
        }
        Err(problems) => problems.iter().map(|problem| problem.code).collect(),
    }
}

#[test]
fn limits_can_be_raised_to_what_memory_and_stack_stand() {
    let scopes = |depth: usize| {
        (0..depth).fold(r#""A0": {"type": "Compose", "inputs": 1}"#.to_owned(), |inner, level| {
            let level = level + 1;
            format!(
                r#""A{level}": {{"type": "Switch", "expression": "x", "cases": {{"C": {{"case": "x", "actions": {{{inner}}}}}}}}}"#
            )
        })
    };
    assert_eq!(problems_within("nesting", 12, &scopes(12)), [""; 0]);
    assert_eq!(problems_within("nesting", 12, &scopes(13)), ["TooDeep"]);
    assert_eq!(problems_within("nesting", 24, &scopes(24)), [""; 0]);
    let actions = |count: usize| {
        let before = |index: usize| match index {
            0 => String::new(),
            _ => format!(r#", "runAfter": {{"A{}": ["Succeeded"]}}"#, index - 1),
        };
        let action = |index| {
            format!(
                r#""A{index}": {{"type": "Compose", "inputs": "@utcNow()"{}}}"#,
                before(index)
            )
        };
        (0..count).map(action).collect::<Vec<_>>().join(",")
    };
    assert_eq!(problems_within("actions", 5_000, &actions(5_000)), [""; 0]);
    assert_eq!(problems_within("actions", 5_000, &actions(5_001)), ["TooManyActions"]);
    let retries = r#""H": {"type": "Http", "inputs": {"method": "GET", "uri": "https://x", "retryPolicy":
        {"type": "fixed", "count": 200, "interval": "PT5S"}}}"#;
    assert_eq!(problems_within("retries", 200, retries), [""; 0]);
    assert_eq!(problems_within("retries", 199, retries), ["InvalidRetryPolicy"]);
}

#[test]
fn limits_are_kept() {
    let nested = |depth: usize| {
        let open = |level: usize| format!(r#""S{level}": {{"type": "Scope", "actions": {{"#);
        (0..depth).map(open).collect::<String>() + r#""Leaf": {"type": "Compose", "inputs": 1}"# + &"}}".repeat(depth)
    };
    assert_eq!(problems(&nested(8)), [""; 0]);
    assert_eq!(problems(&nested(9)).len(), 1);
    assert!(problems(&nested(9))[0].starts_with("TooDeep "));
    let many = |count: usize| {
        let actions: Vec<String> = (0..count)
            .map(|index| format!(r#""A{index}": {{"type": "Compose", "inputs": 1}}"#))
            .collect();
        actions.join(",")
    };
    assert_eq!(problems(&many(500)), [""; 0]);
    assert_eq!(problems(&many(501)), ["TooManyActions /actions/A500"]);
    let name = "n".repeat(81);
    assert_eq!(
        problems(&format!(r#""{name}": {{"type": "Compose", "inputs": 1}}"#)),
        [format!("InvalidName /actions/{name}")]
    );
    let cases: Vec<String> = (0..26)
        .map(|index| format!(r#""C{index}": {{"case": {index}, "actions": {{}}}}"#))
        .collect();
    let switch = format!(
        r#""S": {{"type": "Switch", "expression": 1, "cases": {{{}}}}}"#,
        cases.join(",")
    );
    assert_eq!(problems(&switch), ["TooManyCases /actions/S"]);
}
