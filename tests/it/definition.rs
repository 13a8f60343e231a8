//! Tests of definition.

mod limits;
mod wrong;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use riposte::definition::workflow::{Frequency, RequestTrigger, RetryPolicy, TriggerKind};
use riposte::definition::{self, Action, ActionKind, Limits, Problem, Severity, Workflow};
use riposte::expression::Value;

use wrong::WRONG_ACTIONS;

/// A workflow with an incident trigger and these actions (the text between the braces).
fn with_actions(actions: &str) -> String {
    format!(
        r#"{{
        "parameters": {{
            "$connections": {{"type": "Object", "defaultValue": {{}}}},
            "Key": {{"type": "securestring"}},
            "Plain": {{"type": "String"}}
        }},
        "triggers": {{"When": {{"type": "ApiConnectionWebhook", "inputs": {{"path": "/incident-creation"}}}}}},
        "actions": {{ {actions} }}
    }}"#
    )
}

fn parse(text: &str) -> Result<(Workflow, Vec<Problem>), Vec<Problem>> {
    definition::parse(&Value::from_json(text).expect("the test's own JSON"))
}

fn accepted(actions: &str) -> Workflow {
    let (workflow, warnings) = parse(&with_actions(actions)).expect("a sound definition");
    assert_eq!(warnings, [], "{actions}");
    workflow
}

fn action<'a>(workflow: &'a Workflow, name: &str) -> &'a Action {
    workflow.action(workflow.find(name).expect("an action of that name"))
}

/// Problems of the actions as `code pointer [span text]`, errors and warnings alike.
fn problems(actions: &str) -> Vec<String> {
    problems_of(&with_actions(actions))
}

fn problems_of(text: &str) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(text).expect("the test's own JSON");
    let found = match parse(text) {
        Ok((_, warnings)) => warnings,
        Err(problems) => {
            assert!(problems.iter().any(|problem| problem.severity == Severity::Error));
            problems
        }
    };
    let show = |problem: Problem| {
        let place = json.pointer(&problem.pointer).expect("the pointer leads somewhere");
        let part = problem
            .span
            .map(|span| place.as_str().expect("a span is in a string")[span].to_owned());
        let warning = if problem.severity == Severity::Warning {
            "warning "
        } else {
            ""
        };
        let part = part.map(|part| format!(" {part}")).unwrap_or_default();
        format!("{warning}{} {}{part}", problem.code, problem.pointer)
    };
    found.into_iter().map(show).collect()
}

#[test]
fn wrong_actions_are_named_with_their_place() {
    for (actions, expected) in WRONG_ACTIONS {
        assert_eq!(problems(actions), *expected, "{actions}");
    }
}

#[test]
fn functions_of_conditions_are_checked_in_object_form_too() {
    let condition = r#""A": {"type": "If", "expression": {"and": [{"equal": [1, 2]}, {"not": []}]}, "actions": {}}"#;
    let expected = [
        "UnknownFunction /actions/A/expression/and/0",
        "WrongArity /actions/A/expression/and/1",
    ];
    assert_eq!(problems(condition), expected);
}

#[test]
fn more_texts_to_encode_than_documented_are_only_warned_of() {
    let action = r#""A": {"type": "Compose", "inputs": "@encodeURIComponent('a', 'b')"}"#;
    let expected = ["warning ExtraArguments /actions/A/inputs encodeURIComponent('a', 'b')"];
    assert_eq!(problems(action), expected);
}

#[test]
fn wrong_expressions_are_named_with_the_part() {
    let cases = [
        ("@conact('a')", "UnknownFunction /actions/A/inputs conact('a')"),
        ("x @{length()} y", "WrongArity /actions/A/inputs length()"),
        (
            "@parameters('Nope')",
            "UnknownParameter /actions/A/inputs parameters('Nope')",
        ),
        (
            "@concat('é', variables('V'))",
            "UnknownVariable /actions/A/inputs variables('V')",
        ),
        ("@body('Nope')?['x']", "UnknownAction /actions/A/inputs body('Nope')"),
        ("@outputs('A')", "NotBefore /actions/A/inputs outputs('A')"),
        ("@items('Nope')", "UnknownAction /actions/A/inputs items('Nope')"),
        ("@item()", "warning NotInLoop /actions/A/inputs item()"),
        ("@parameters('plain')", ""),
        ("@body(parameters('Plain'))", ""),
        ("@triggerBody()?['object']", ""),
    ];
    for (text, expected) in cases {
        let actions = format!(r#""A": {{"type": "Compose", "inputs": "{text}"}}"#);
        let expected: Vec<&str> = Some(expected).filter(|text| !text.is_empty()).into_iter().collect();
        assert_eq!(problems(&actions), expected, "{text}");
    }
    let broken = problems(r#""A": {"type": "Compose", "inputs": {"b": ["@concat('a'"]}}"#);
    assert_eq!(broken.len(), 1);
    assert!(
        broken[0].starts_with("InvalidExpression /actions/A/inputs/b/0"),
        "{broken:?}"
    );
}

#[test]
fn misspellings_get_a_hint() {
    let message = |actions: &str| parse(&with_actions(actions)).expect_err("a problem")[0].message.clone();
    let function = message(r#""A": {"type": "Compose", "inputs": "@conact('a')"}"#);
    assert!(function.contains("did you mean 'concat'"), "{function}");
    let kind = message(r#""A": {"type": "Compse", "inputs": 1}"#);
    assert!(kind.contains("did you mean 'Compose'"), "{kind}");
    let name =
        message(r#""Send": {"type": "Compose", "inputs": 1}, "B": {"type": "Compose", "inputs": "@body('Sent')"}"#);
    assert!(name.contains("did you mean 'Send'"), "{name}");
}

#[test]
fn run_after_draws_a_graph_of_siblings() {
    let compose = r#""type": "Compose", "inputs": 1"#;
    let workflow = accepted(&format!(
        r#""A": {{{compose}}}, "B": {{{compose}, "runAfter": {{"a": ["SUCCEEDED", "timedout"]}}}},
           "C": {{{compose}, "runAfter": {{"A": ["Failed"], "B": ["Skipped"]}}}}"#
    ));
    assert_eq!(action(&workflow, "A").successors.len(), 2);
    assert_eq!(action(&workflow, "C").run_after.len(), 2);
    assert_eq!(workflow.block(action(&workflow, "B").block).actions.len(), 3);

    let cases = [
        (r#"{"X": ["Succeeded"]}"#, "UnknownAction /actions/B/runAfter/X"),
        (r#"{"A": []}"#, "InvalidRunAfter /actions/B/runAfter/A"),
        (r#"{"A": ["Done"]}"#, "InvalidRunAfter /actions/B/runAfter/A/0"),
        (
            r#"{"Inner": ["Succeeded"]}"#,
            "InvalidRunAfter /actions/B/runAfter/Inner",
        ),
        (r#"{"B": ["Succeeded"]}"#, "RunAfterCycle /actions/B/runAfter"),
        (r#"["A"]"#, "WrongType /actions/B/runAfter"),
    ];
    for (run_after, expected) in cases {
        let actions = format!(
            r#""A": {{{compose}}}, "S": {{"type": "Scope", "actions": {{"Inner": {{{compose}}}}}}},
               "B": {{{compose}, "runAfter": {run_after}}}"#
        );
        assert_eq!(problems(&actions), [expected], "{run_after}");
    }
    let ring = format!(
        r#""A": {{{compose}, "runAfter": {{"C": ["Succeeded"]}}}}, "B": {{{compose}, "runAfter": {{"A": ["Succeeded"]}}}},
           "C": {{{compose}, "runAfter": {{"B": ["Succeeded"]}}}}, "D": {{{compose}, "runAfter": {{"C": ["Succeeded"]}}}}"#
    );
    assert_eq!(problems(&ring), ["RunAfterCycle /actions/A/runAfter"]);
}

#[test]
fn an_action_reads_only_what_can_have_ended() {
    let reads = |inputs: &str, run_after: &str| {
        problems(&format!(
            r#""First": {{"type": "Compose", "inputs": 1}},
               "Beside": {{"type": "Compose", "inputs": 1}},
               "Choice": {{"type": "If", "runAfter": {{"First": ["Succeeded"]}}, "expression": "@true",
                  "actions": {{"Then": {{"type": "Compose", "inputs": "{inputs}"}}}},
                  "else": {{"actions": {{"Otherwise": {{"type": "Compose", "inputs": 1}}}}}}}},
               "Loop": {{"type": "Foreach", "runAfter": {{{run_after}}}, "foreach": [1],
                  "actions": {{"Inner": {{"type": "Compose", "inputs": "@items('Loop')"}}}}}},
               "Last": {{"type": "Compose", "runAfter": {{"Loop": ["Succeeded"]}}, "inputs": "@outputs('Then')"}}"#
        ))
    };
    let after_choice = r#""Choice": ["Succeeded"]"#;
    assert_eq!(reads("@outputs('First')", after_choice), [""; 0]);
    let then = "NotBefore /actions/Choice/actions/Then/inputs";
    for name in ["Beside", "Otherwise", "Choice", "Loop", "Inner", "Last"] {
        let found = reads(&format!("@outputs('{name}')"), after_choice);
        assert_eq!(found, [format!("{then} outputs('{name}')")]);
    }
    assert_eq!(
        reads("@items('Loop')", after_choice),
        ["NotInLoop /actions/Choice/actions/Then/inputs items('Loop')"]
    );
    assert_eq!(reads("@1", ""), ["NotBefore /actions/Last/inputs outputs('Then')"]);
    assert_eq!(
        reads("@result('First')", after_choice),
        ["NotAScope /actions/Choice/actions/Then/inputs result('First')"]
    );
}

#[test]
fn variables_are_declared_once_at_the_top() {
    let declare = r#"{"type": "InitializeVariable", "inputs": {"variables": [{"name": "V", "type": "String"}]}}"#;
    let after = r#""runAfter": {"D": ["Succeeded"]}"#;
    let set = |value: &str| {
        format!(
            r#""D": {declare}, "S": {{"type": "SetVariable", {after}, "inputs": {{"name": "v", "value": "{value}"}}}}"#
        )
    };
    assert_eq!(problems(&set("x")), [""; 0]);
    let own = "warning SelfReference /actions/S/inputs/value variables('V')";
    assert_eq!(problems(&set("@concat(variables('V'), 'x')")), [own]);
    assert_eq!(
        problems(&format!(r#""D": {declare}, "E": {declare}"#)),
        ["DuplicateVariable /actions/E/inputs/variables/0/name"]
    );
    assert_eq!(
        problems(&format!(r#""S": {{"type": "Scope", "actions": {{"D": {declare}}}}}"#)),
        ["NestedInitializeVariable /actions/S/actions/D"]
    );
    assert_eq!(
        problems(r#""S": {"type": "IncrementVariable", "inputs": {"name": "N"}}"#),
        ["UnknownVariable /actions/S/inputs/name"]
    );
    assert_eq!(
        problems(&format!(
            r#""D": {declare}, "C": {{"type": "Compose", "inputs": "@variables('V')"}}"#
        )),
        ["warning NotBefore /actions/C/inputs variables('V')"]
    );
}

#[test]
fn a_schedule_takes_its_values_from_parameters() {
    let text = r#"{"parameters": {"Unit": {"type": "String", "defaultValue": "Day"}, "Count": {"type": "Int"}},
        "triggers": {"T": {"type": "Recurrence", "recurrence": {
            "frequency": "@parameters('unit')", "interval": "@{parameters('Count')}", "schedule": {"hours": ["8", 17, 8]}}}},
        "actions": {}}"#;
    assert_eq!(problems_of(text), ["MissingValue /triggers/T/recurrence/interval"]);
    let definition = Value::from_json(text).expect("the test's own JSON");
    let given = BTreeMap::from([("count".to_owned(), Value::Int(3))]);
    let (workflow, warnings) = definition::parse_given(&definition, Limits::default(), given).expect("a schedule");
    assert_eq!(warnings, []);
    let TriggerKind::Recurrence(recurrence) = &workflow.triggers[0].kind else {
        panic!("{:?}", workflow.triggers[0].kind);
    };
    assert_eq!((recurrence.frequency, recurrence.interval), (Frequency::Day, 3));
    assert_eq!(recurrence.hours, [8, 17]);
}

#[test]
fn fields_that_a_schema_lacks_and_constants_that_fail_are_warned_of() {
    let parsing = r#""P": {"type": "ParseJson", "inputs": {"content": "{}", "schema": {"type": "object", "properties": {
        "name": {"type": "string"},
        "open": {"type": "object", "properties": {"a": {}}, "additionalProperties": true},
        "list": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}}}}}"#;
    let cases = [
        ("@body('P')?['Name']", ""),
        (
            "@body('P')?['nmae']",
            "the schema of 'body('P')' has no field 'nmae'; did you mean 'name'?",
        ),
        ("@outputs('P')?['body']?['x']", "has no field 'x'"),
        ("@body('P')?['open']?['b']", ""),
        ("@body('P')?['list'][0]?['ids']", "did you mean 'id'?"),
        ("@concat('a', int('b'))", "'concat('a',int('b'))' always fails"),
        (
            "@if(equals(body('P'), 1), int('1'), add('x', 1))",
            "'add('x',1)' always fails",
        ),
        ("@concat(utcNow(), guid())", ""),
    ];
    let warned = |actions: &str| -> Vec<String> {
        let (_, problems) = parse(&with_actions(actions)).expect("a valid workflow");
        problems.into_iter().map(|problem| problem.message).collect()
    };
    for (expression, expected) in cases {
        let found = warned(&format!(
            r#"{parsing}, "A": {{"type": "Compose", "inputs": "{expression}", "runAfter": {{"P": ["Succeeded"]}}}}"#
        ));
        assert_eq!(
            found.len(),
            usize::from(!expected.is_empty()),
            "{expression}: {found:?}"
        );
        assert!(
            found.iter().all(|message| message.contains(expected)),
            "{expression}: {found:?}"
        );
    }
    let looped = format!(
        r#"{parsing}, "L": {{"type": "Foreach", "foreach": "@body('P')?['list']", "runAfter": {{"P": ["Succeeded"]}},
        "actions": {{"A": {{"type": "Compose", "inputs": ["@items('L')?['id']", "@items('L')?['no']", "@item()?['none']"]}}}}}}"#
    );
    assert_eq!(warned(&looped).len(), 2, "{:?}", warned(&looped));
}

#[test]
fn a_managed_identity_is_bound_and_says_nothing_of_the_trigger() {
    let bound = |identity: &str| {
        let text = format!(
            r#"{{"parameters": {{"audience": {{"type": "String", "defaultValue": "x"}}}},
            "triggers": {{"T": {{"type": "Request"}}}}, "actions": {{"A": {{"type": "Http", "inputs": {{
                "method": "GET", "uri": "https://graph.example.com", "authentication": {{
                    "type": "managedServiceIdentity", "audience": "@parameters('audience')"{identity}}}}}}}}}}}"#
        );
        let (workflow, _) = parse(&text).unwrap();
        let names = definition::connections(&workflow).into_iter().collect::<Vec<_>>();
        (names.join(" "), definition::trigger_kind(&workflow))
    };
    assert_eq!(bound(""), ("managedIdentity".to_owned(), "Other"));
    let named = r#", "identity": "/subscriptions/s/userAssignedIdentities/sentinel-reader""#;
    assert_eq!(bound(named), ("sentinel-reader".to_owned(), "Other"));
}

#[test]
fn triggers_of_sentinel_are_told_by_their_path() {
    let kind = |trigger: &str| {
        let text = format!(r#"{{"triggers": {{"T": {trigger}}}, "actions": {{}}}}"#);
        parse(&text).map(|(workflow, _)| (definition::trigger_kind(&workflow), workflow.triggers[0].kind.clone()))
    };
    let webhook = |path: &str| {
        kind(&format!(
            r#"{{"type": "apiconnectionwebhook", "inputs": {{"path": "{path}"}}}}"#
        ))
    };
    assert!(matches!(
        webhook("/incident-creation"),
        Ok(("Incident", TriggerKind::SentinelIncident))
    ));
    assert!(matches!(
        webhook("/subscribe"),
        Ok(("Alert", TriggerKind::SentinelAlert))
    ));
    let entity = webhook("/entity/@{encodeURIComponent('UrlEntity')}");
    assert!(matches!(entity, Ok(("Entity", TriggerKind::SentinelEntity(kind))) if kind == "UrlEntity"));
    let request = kind(r#"{"type": "Request", "kind": "Http", "inputs": {"schema": {}}}"#);
    assert!(matches!(
        request,
        Ok(("Other", TriggerKind::Request(RequestTrigger { schema: None, .. })))
    ));
    let recurrence = kind(r#"{"type": "Recurrence", "recurrence": {"frequency": "Day", "interval": 1}}"#);
    assert!(matches!(recurrence, Ok(("Other", TriggerKind::Recurrence(_)))));

    let code = |trigger: &str| kind(trigger).map(|_| ()).expect_err("a problem")[0].code;
    assert_eq!(
        code(r#"{"type": "ApiConnectionWebhook", "inputs": {"path": "/elsewhere"}}"#),
        "MissingProperty"
    );
    assert_eq!(code(r#"{"type": "ServiceProvider"}"#), "UnsupportedTrigger");
    assert_eq!(
        code(r#"{"type": "Recurrence", "recurrence": {"frequency": "Fortnight", "interval": 1}}"#),
        "InvalidValue"
    );
    assert_eq!(code(r#"{"type": "Reqest"}"#), "UnknownTrigger");
    assert_eq!(problems_of(r#"{"actions": {}}"#), ["NoTrigger "]);
    let two = r#"{"triggers": {"A": {"type": "Request"}, "B": {"type": "Request"}}}"#;
    assert_eq!(problems_of(two), ["SeveralTriggers /triggers/B"]);
}

#[test]
fn connections_are_those_that_actions_name() {
    let call = |name: &str| {
        format!(
            r#"{{"type": "ApiConnection", "inputs": {{"host": {{"connection": {name}}}, "method": "get", "path": "/x"}}}}"#
        )
    };
    let workflow = accepted(&format!(
        r#""A": {}, "B": {}, "C": {}"#,
        call(r#"{"name": "@parameters('$connections')['azuresentinel_1']['connectionId']"}"#),
        call(r#"{"name": "@parameters('$connections')?['teams']?['connectionId']"}"#),
        call(r#"{"referenceName": "office365"}"#),
    ));
    let connections: Vec<String> = definition::connections(&workflow).into_iter().collect();
    assert_eq!(connections, ["azuresentinel_1", "office365", "teams"]);
}

#[test]
fn loops_have_a_concurrency() {
    let concurrency = |options: &str| {
        let workflow = accepted(&format!(
            r#""O": {{"type": "Foreach", "foreach": [1], {options} "actions": {{"S": {{"type": "Scope", "actions": {{
                "I": {{"type": "foreach", "foreach": [1], {options} "actions": {{}}}}}}}}}}}}"#
        ));
        ["O", "I"].map(|name| match action(&workflow, name).kind {
            ActionKind::Foreach { concurrency, .. } => concurrency,
            _ => 0,
        })
    };
    assert_eq!(concurrency(""), [20, 1]);
    assert_eq!(concurrency(r#""operationOptions": "sequential","#), [1, 1]);
    assert_eq!(
        concurrency(r#""runtimeConfiguration": {"concurrency": {"repetitions": 50}},"#),
        [50, 1]
    );
    let wrong = r#""L": {"type": "Foreach", "foreach": [], "actions": {}, "runtimeConfiguration": {"concurrency": {"repetitions": 51}}}"#;
    assert_eq!(
        problems(wrong),
        ["InvalidValue /actions/L/runtimeConfiguration/concurrency/repetitions"]
    );
}

#[test]
fn options_that_change_results_are_refused() {
    let cases = [
        (
            r#""operationOptions": "DisableAsyncPattern, SuppressWorkflowHeaders""#,
            "",
        ),
        (
            r#""operationOptions": "DisableAutomaticDecompression""#,
            "UnsupportedOption /actions/A/operationOptions",
        ),
        (
            r#""operationOptions": "Sequentially""#,
            "warning UnknownOption /actions/A/operationOptions",
        ),
        (
            r#""runtimeConfiguration": {"paginationPolicy": {"minimumItemCount": 0}}"#,
            "InvalidValue /actions/A/runtimeConfiguration/paginationPolicy/minimumItemCount",
        ),
        (
            r#""runtimeConfiguration": {"contentTransfer": {"transferMode": "Chunked"}}"#,
            "",
        ),
        (
            r#""runtimeConfiguration": {"contentTransfer": {"transferMode": "Whole"}}"#,
            "warning UnknownOption /actions/A/runtimeConfiguration/contentTransfer",
        ),
        (
            r#""runtimeConfiguration": {"staticResult": {"name": "x", "staticResultOptions": "Enabled"}}"#,
            "UnknownStaticResult /actions/A/runtimeConfiguration/staticResult/name",
        ),
        (
            r#""runtimeConfiguration": {"staticResult": {"name": "x", "staticResultOptions": "Disabled"}}"#,
            "",
        ),
        (
            r#""runtimeConfiguration": {"secureData": {"properties": ["body"]}}"#,
            "InvalidValue /actions/A/runtimeConfiguration/secureData/properties/0",
        ),
        (r#""limit": {"timeout": "PT30M"}"#, ""),
        (
            r#""limit": {"timeout": "30 minutes"}"#,
            "InvalidDuration /actions/A/limit/timeout",
        ),
    ];
    for (option, expected) in cases {
        let action = format!(r#""A": {{"type": "Http", "inputs": {{"method": "GET", "uri": "http://x"}}, {option}}}"#);
        let expected: Vec<&str> = Some(expected).filter(|text| !text.is_empty()).into_iter().collect();
        assert_eq!(problems(&action), expected, "{option}");
    }
}

#[test]
fn retry_policies_are_read() {
    let http = |policy: &str| {
        format!(r#""A": {{"type": "Http", "inputs": {{"method": "GET", "uri": "http://x", "retryPolicy": {policy}}}}}"#)
    };
    let policy = |policy: &str| match &action(&accepted(&http(policy)), "A").kind {
        ActionKind::Call(call) => call.retry.clone(),
        _ => RetryPolicy::None,
    };
    let seconds = Duration::from_secs;
    let standard = RetryPolicy::Exponential {
        count: 4,
        interval: Duration::from_millis(7_500),
        minimum: seconds(5),
        maximum: seconds(45),
    };
    assert_eq!(policy("null"), standard);
    assert_eq!(policy(r#"{"type": "Default"}"#), standard);
    assert_eq!(policy(r#"{"type": "none"}"#), RetryPolicy::None);
    let fixed = policy(r#"{"type": "fixed", "count": 90, "interval": "PT60S"}"#);
    assert_eq!(
        fixed,
        RetryPolicy::Fixed {
            count: 90,
            interval: seconds(60)
        }
    );
    let exponential = policy(r#"{"type": "exponential", "count": 3, "interval": "PT10S"}"#);
    let whole_range = RetryPolicy::Exponential {
        count: 3,
        interval: seconds(10),
        minimum: seconds(5),
        maximum: seconds(86_400),
    };
    assert_eq!(exponential, whole_range);
    let at = "InvalidRetryPolicy /actions/A/inputs/retryPolicy";
    assert_eq!(problems(&http(r#"{"type": "linear"}"#)), [format!("{at}/type")]);
    let both = problems(&http(r#"{"type": "fixed", "count": 91, "interval": "PT1S"}"#));
    assert_eq!(both, [format!("{at}/count"), format!("{at}/interval")]);
}

#[test]
fn certificates_of_actions_are_warned_of() {
    let found = |authentication: &str| {
        let inputs = format!(r#"{{"method": "GET", "uri": "https://x", "authentication": {authentication}}}"#);
        problems(&format!(r#""A": {{"type": "Http", "inputs": {inputs}}}"#))
    };
    let warned = ["warning UnsupportedAuthentication /actions/A/inputs/authentication"];
    let key = "@parameters('Key')";
    assert_eq!(
        found(&format!(r#"{{"type": "ClientCertificate", "pfx": "{key}"}}"#)),
        warned
    );
    assert_eq!(
        found(&format!(r#"{{"type": "ActiveDirectoryOAuth", "pfx": "{key}"}}"#)),
        warned
    );
    assert_eq!(
        found(&format!(r#"{{"type": "ActiveDirectoryOAuth", "secret": "{key}"}}"#)),
        [""; 0]
    );
}

#[test]
fn secrets_in_the_text_are_warned_of() {
    let http = |password: &str| {
        let authentication = format!(r#"{{"type": "Basic", "username": "u", "password": "{password}"}}"#);
        problems(&format!(
            r#""A": {{"type": "Http", "inputs": {{"method": "GET", "uri": "http://x", "authentication": {authentication}}}}}"#
        ))
    };
    assert_eq!(
        http("hunter2"),
        ["warning LiteralSecret /actions/A/inputs/authentication/password"]
    );
    assert_eq!(http("@parameters('Key')"), [""; 0]);
}

#[test]
fn problems_of_hostile_definitions_are_bounded() {
    let calls = "@{nope()}".repeat(800);
    let actions: Vec<String> = (0..500)
        .map(|index| format!(r#""A{index}": {{"type": "Compose", "inputs": "{calls}"}}"#))
        .collect();
    let problems = parse(&with_actions(&actions.join(","))).expect_err("problems");
    let bytes: usize = problems
        .iter()
        .map(|problem| problem.pointer.len() + problem.message.len())
        .sum();
    assert!(bytes < 2_000_000, "{bytes}");
    assert_eq!(problems.last().map(|problem| problem.code), Some("TooManyProblems"));
}

#[test]
fn secrecy_follows_what_carries_it() {
    let compose = |inputs: &str, after: &str| {
        let after = if after.is_empty() {
            String::new()
        } else {
            format!(r#""{after}": ["Succeeded"]"#)
        };
        format!(r#"{{"type": "Compose", "inputs": "{inputs}", "runAfter": {{{after}}}}}"#)
    };
    let workflow = accepted(&format!(
        r#""Declare": {{"type": "InitializeVariable", "inputs": {{"variables": [
              {{"name": "Secret", "type": "String"}}, {{"name": "Open", "type": "String", "value": "@parameters('Plain')"}}]}}}},
           "Key": {},
           "Copy": {},
           "Set": {{"type": "SetVariable", "inputs": {{"name": "secret", "value": "@{{outputs('Copy')}}"}}, "runAfter": {{"Copy": ["Succeeded"], "Declare": ["Succeeded"]}}}},
           "Loop": {{"type": "Foreach", "foreach": "@array(variables('SECRET'))", "runAfter": {{"Set": ["Succeeded"]}}, "actions": {{
              "Element": {{"type": "Compose", "inputs": "@item()"}},
              "Harmless": {{"type": "Compose", "inputs": "x"}}}}}},
           "Call": {{"type": "Http", "inputs": {{"method": "GET", "uri": "http://x", "headers": {{"k": "@parameters('KEY')"}}}}, "runAfter": {{"Loop": ["Succeeded"]}}}},
           "Answer": {},
           "Try": {},
           "Free": {}"#,
        compose("@parameters('Key')", ""),
        compose("@{toUpper(outputs('Key'))}", "Key"),
        compose("@body('Call')", "Call"),
        compose("@result('Loop')", "Answer"),
        compose("@variables('Open')", "Try"),
    ));
    let secrecy = |name: &str| {
        (
            action(&workflow, name).secure_inputs,
            action(&workflow, name).secure_outputs,
        )
    };
    for name in ["Key", "Copy", "Set", "Element", "Try"] {
        assert_eq!(secrecy(name), (true, true), "{name}");
    }
    for name in ["Loop", "Call"] {
        assert_eq!(secrecy(name), (true, false), "{name}");
    }
    for name in ["Harmless", "Answer", "Free"] {
        assert_eq!(secrecy(name), (false, false), "{name}");
    }
    assert_eq!(workflow.secure_variables.into_iter().collect::<Vec<_>>(), ["secret"]);
}

#[test]
fn declared_secrecy_hides_what_readers_carry() {
    let http = |properties: &str| {
        accepted(&format!(
            r#""Call": {{"type": "Http", "inputs": {{"method": "GET", "uri": "http://x"}},
                 "runtimeConfiguration": {{"secureData": {{"properties": [{properties}]}}}}}},
               "Send": {{"type": "Http", "runAfter": {{"Call": ["Succeeded"]}},
                 "inputs": {{"method": "POST", "uri": "http://x", "body": "@body('Call')"}}}},
               "Later": {{"type": "Compose", "runAfter": {{"Send": ["Succeeded"]}}, "inputs": "@body('Send')"}}"#
        ))
    };
    for properties in [r#""inputs""#, r#""outputs""#] {
        let workflow = http(properties);
        assert!(action(&workflow, "Send").secure_inputs, "{properties}");
        assert!(!action(&workflow, "Send").secure_outputs, "{properties}");
        assert!(!action(&workflow, "Later").secure_inputs, "{properties}");
    }
}

/// The folder of real content, beside the repository or where `RIPOSTE_CORPUS` says.
fn corpus() -> PathBuf {
    let given = std::env::var_os("RIPOSTE_CORPUS").map(PathBuf::from);
    given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"))
}

/// Workflow definitions anywhere in a template, without those that hold ARM expressions.
fn definitions(json: &Value, found: &mut Vec<Value>) {
    let definition = json
        .get("definition")
        .filter(|definition| definition.get("triggers").is_some());
    found.extend(definition.filter(|definition| !has_arm_expression(definition)).cloned());
    match json {
        Value::Object(object) => object.iter().for_each(|(_, value)| definitions(value, found)),
        Value::Array(items) => items.iter().for_each(|item| definitions(item, found)),
        _ => {}
    }
}

fn has_arm_expression(json: &Value) -> bool {
    match json {
        Value::String(text) => text.starts_with('['),
        Value::Object(object) => object.iter().any(|(_, value)| has_arm_expression(value)),
        Value::Array(items) => items.iter().any(has_arm_expression),
        _ => false,
    }
}

#[test]
fn real_definitions_are_read() {
    let corpus = corpus();
    let mut found = Vec::new();
    for folder in ["playbooks", "modern-playbooks"] {
        for entry in std::fs::read_dir(corpus.join(folder))
            .expect("the corpus lies beside the repository, or where RIPOSTE_CORPUS says")
        {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a readable file");
            if let Ok(json) = Value::from_json(text.trim_start_matches('\u{feff}')) {
                definitions(&json, &mut found);
            }
        }
    }
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sound = 0;
    for definition in &found {
        match definition::parse(definition) {
            Ok(_) => sound += 1,
            Err(problems) => {
                for problem in problems.iter().filter(|problem| problem.severity == Severity::Error) {
                    *codes.entry(problem.code).or_default() += 1;
                    if !problem.code.starts_with("Unsupported") {
                        eprintln!("{} {}: {}", problem.code, problem.pointer, problem.message);
                    }
                }
            }
        }
    }
    eprintln!("{sound} of {} definitions are sound; errors: {codes:?}", found.len());
    assert!(sound * 2 > found.len(), "most of the real content is read");
}

/// Any JSON, with the member names of definitions more often than others.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(vec![
        "triggers",
        "actions",
        "type",
        "inputs",
        "runAfter",
        "Foreach",
        "foreach",
        "If",
        "Switch",
        "cases",
        "expression",
        "Compose",
        "SetVariable",
        "variables",
        "name",
        "value",
        "Scope",
        "Request",
        "A",
        "B",
        "Succeeded",
        "and",
        "equals",
        "@body('A')",
        "@{variables('v')}",
        "@concat(",
        "runtimeConfiguration",
        "secureData",
        "limit",
        "timeout",
        "P1D",
        "retryPolicy",
        "parameters",
        "outputs",
        "@parameters('p')",
        "Until",
        "else",
        "default",
        "InitializeVariable",
    ]);
    let leaf = prop_oneof![
        word.clone().prop_map(serde_json::Value::from),
        ".{0,12}".prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(8, 96, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::vec((word.clone(), inner), 0..6).prop_map(|members| {
                let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
                serde_json::Value::Object(members.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(actions in any_json(), trigger in any_json(), whole in any_json()) {
        let mixed = serde_json::json!({
            "triggers": {"T": {"type": "Request", "inputs": trigger}},
            "parameters": {"p": {"type": "SecureString"}},
            "actions": {"A": {"type": "Scope", "actions": actions.clone()}, "B": actions},
        });
        let _ = definition::parse(&Value::from(&mixed));
        let _ = definition::parse(&Value::from(&whole));
    }
}

#[test]
fn deep_values_do_not_overflow_the_stack() {
    let deep = (0..5_000).fold(Value::from("@1"), |inner, _| Value::array([inner]));
    let trigger = Value::object([("type", "Request")]);
    let action = Value::object([("type", Value::from("Compose")), ("inputs", deep)]);
    let definition = Value::object([
        ("triggers", Value::object([("T", trigger)])),
        ("actions", Value::object([("A", action)])),
    ]);
    assert!(definition::parse(&definition).is_err());
}
