//! Actions that are wrong, with the problems that are named.

/// Wrong actions, and the problems that are named.
pub const WRONG_ACTIONS: &[(&str, &[&str])] = &[
    (
        r#""A": {"type": "Liquid", "inputs": {}}"#,
        &["UnsupportedAction /actions/A/type"],
    ),
    (
        r#""A": {"type": "Until", "actions": {}}"#,
        &["MissingProperty /actions/A"],
    ),
    (
        r#""A": {"type": "Wait", "inputs": {}}"#,
        &["InvalidWait /actions/A/inputs"],
    ),
    (
        r#""A": {"type": "Until", "expression": "@equals(body('B'), 1)", "actions": {"R": {"type": "Response", "inputs": {}}, "B": {"type": "Http", "inputs": {"method": "GET", "uri": "http://x"}}}}"#,
        &["ResponseInLoop /actions/A/actions/R"],
    ),
    (
        r#""A": {"type": "Expression", "kind": "Tomorrow", "inputs": {}}"#,
        &["InvalidValue /actions/A/kind"],
    ),
    (
        r#""A": {"type": "JavaScriptCode", "inputs": {"code": "1", "explicitDependencies": {"actions": ["B"]}}}"#,
        &["UnknownAction /actions/A/inputs/explicitDependencies/actions/0"],
    ),
    (
        r#""A": {"type": "Compse", "inputs": 1}"#,
        &["UnknownAction /actions/A/type"],
    ),
    (r#""A": {"inputs": 1}"#, &["MissingProperty /actions/A"]),
    (r#""A": {"type": "Compose"}"#, &["MissingProperty /actions/A"]),
    (r#""A": 1"#, &["WrongType /actions/A"]),
    (r#""A/b~c": {"type": 7}"#, &["WrongType /actions/A~1b~0c/type"]),
    (
        r#""A": {"type": "Http", "inputs": {"method": "GET"}}"#,
        &["MissingProperty /actions/A/inputs"],
    ),
    (
        r#""A": {"type": "ApiConnection", "inputs": {"host": {}, "method": "get", "path": "/x"}}"#,
        &["MissingProperty /actions/A/inputs/host"],
    ),
    (
        r#""A": {"type": "Compose", "inputs": 1}, "a": {"type": "Compose", "inputs": 1}"#,
        &["DuplicateName /actions/a"],
    ),
    (
        r#""A": {"type": "Terminate", "inputs": {"runStatus": "Stopped"}}"#,
        &["InvalidValue /actions/A/inputs/runStatus"],
    ),
    (
        r#""L": {"type": "Foreach", "foreach": [], "actions": {"T": {"type": "Terminate", "inputs": {"runStatus": "Failed"}}}}"#,
        &["TerminateInLoop /actions/L/actions/T"],
    ),
    (
        r#""A": {"type": "Table", "inputs": {"from": [], "format": "XML", "columns": [{"header": "h"}]}}"#,
        &[
            "InvalidValue /actions/A/inputs/format",
            "MissingProperty /actions/A/inputs/columns/0",
        ],
    ),
    (
        r#""A": {"type": "Switch", "expression": 1, "cases": {"X": {"case": 1, "actions": {}}, "Y": {"case": 1, "actions": {}}, "Z": {"case": true}}}"#,
        &[
            "DuplicateCase /actions/A/cases/Y/case",
            "WrongType /actions/A/cases/Z/case",
        ],
    ),
    (
        r#""A": {"type": "ParseJson", "inputs": {"content": "x", "schema": [{}]}}"#,
        &["warning InvalidSchema /actions/A/inputs/schema"],
    ),
    (
        r#""A": {"type": "If", "expression": {"and": [{"equals": [1, [2]]}]}, "actions": {}}"#,
        &["InvalidExpression /actions/A/expression/and/0/equals/1"],
    ),
];
