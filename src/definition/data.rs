//! Reads the data operations: Compose, Expression, ParseJson, Query, Select, Join, Table.

use super::action::{Entry, nothing};
use super::draft::Draft;
use super::node::Node;
use super::workflow::{ActionKind, TableFormat};
use crate::expression::{Template, Value, condition};

/// `Compose`: its inputs are its value, whatever they are.
pub(super) fn compose(draft: &mut Draft, entry: &Entry) -> ActionKind {
    ActionKind::Compose(draft.required_template(entry.owner(), &entry.node, "inputs"))
}

/// The functions that the kinds of `Expression` stand for, with the inputs that are their parameters in order; those in
/// the second list may be left out.
const FUNCTIONS: [(&str, &str, &[&str], &[&str]); 6] = [
    ("AddToTime", "addToTime", &["baseTime", "interval", "timeUnit"], &[]),
    (
        "ConvertTimeZone",
        "convertTimeZone",
        &["baseTime", "sourceTimeZone", "destinationTimeZone"],
        &["formatString"],
    ),
    ("CurrentTime", "utcNow", &[], &[]),
    ("GetFutureTime", "getFutureTime", &["interval", "timeUnit"], &[]),
    ("GetPastTime", "getPastTime", &["interval", "timeUnit"], &[]),
    (
        "SubtractFromTime",
        "subtractFromTime",
        &["baseTime", "interval", "timeUnit"],
        &[],
    ),
];

/// `Expression`: a date function as an action.
pub(super) fn expression(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let Some(kind) = draft.required(&entry.node, "kind") else {
        return nothing();
    };
    let text = draft.text(&kind).unwrap_or_default();
    let Some((_, function, required, optional)) = FUNCTIONS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(text))
    else {
        let names = FUNCTIONS.map(|(name, ..)| name).join(", ");
        let message = format!("'{text}' is no kind of an Expression; use one of {names}");
        draft.report.error("InvalidValue", &kind.pointer, message);
        return nothing();
    };
    let inputs = entry.node.member("inputs").unwrap_or_else(|| entry.node.clone());
    let mut arguments = Vec::new();
    for name in *required {
        arguments.extend(draft.required(&inputs, name).map(|argument| argument.value.clone()));
    }
    for name in *optional {
        arguments.extend(inputs.member(name).map(|argument| argument.value.clone()));
    }
    draft.optional_template(entry.owner(), &entry.node, "inputs");
    let call = Value::object([(*function, Value::array(arguments))]);
    match condition::parse(&call) {
        Ok(call) => ActionKind::Expression(call),
        Err(errors) => {
            for error in errors {
                draft.report.error(error.code, &inputs.pointer, error.message);
            }
            nothing()
        }
    }
}

/// `ParseJson`.
pub(super) fn parse_json(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    ActionKind::ParseJson {
        content: draft.required_template(entry.owner(), &inputs, "content"),
        schema: schema(draft, &inputs),
    }
}

/// The JSON schema. What is no object is none, which Logic Apps finds out only when it runs.
fn schema(draft: &mut Draft, inputs: &Node) -> Option<Value> {
    let node = inputs.member("schema")?;
    let Some(schema) = node.value.as_object() else {
        let message = "a schema is an object; nothing is checked against this one";
        draft.report.warning("InvalidSchema", &node.pointer, message);
        return None;
    };
    (!schema.is_empty()).then(|| node.value.clone())
}

/// `Query`: "Filter array" in the designer.
pub(super) fn query(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let condition = match draft.required(&inputs, "where") {
        Some(condition) => draft.condition(entry.owner(), &condition, true),
        None => Template::Literal(Value::Null),
    };
    ActionKind::Query {
        from: draft.required_template(entry.owner(), &inputs, "from"),
        condition,
    }
}

/// `Select`.
pub(super) fn select(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let select = match inputs.find("select") {
        Some(select) => draft.element_template(entry.owner(), &select),
        None => {
            draft.missing(&inputs, "select");
            Template::Literal(Value::Null)
        }
    };
    ActionKind::Select {
        from: draft.required_template(entry.owner(), &inputs, "from"),
        select,
    }
}

/// `Join`.
pub(super) fn join(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    ActionKind::Join {
        from: draft.required_template(entry.owner(), &inputs, "from"),
        with: draft.required_template(entry.owner(), &inputs, "joinWith"),
    }
}

/// `Table`: "Create CSV table" and "Create HTML table" in the designer.
pub(super) fn table(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    ActionKind::Table {
        from: draft.required_template(entry.owner(), &inputs, "from"),
        format: table_format(draft, &inputs),
        columns: columns(draft, entry, &inputs),
    }
}

fn table_format(draft: &mut Draft, inputs: &Node) -> TableFormat {
    let Some(node) = draft.required(inputs, "format") else {
        return TableFormat::Csv;
    };
    match node.value.as_str().map(str::to_lowercase).as_deref() {
        Some("csv") => TableFormat::Csv,
        Some("html") => TableFormat::Html,
        _ => {
            let message = "the format of a table is CSV or HTML, and no expression";
            draft.report.error("InvalidValue", &node.pointer, message);
            TableFormat::Csv
        }
    }
}

fn columns(draft: &mut Draft, entry: &Entry, inputs: &Node) -> Option<Vec<(Template, Template)>> {
    let columns = inputs.member("columns")?;
    draft.is_array(&columns);
    let mut pairs = Vec::new();
    for column in columns.items() {
        if !draft.is_object(&column) {
            continue;
        }
        let header = match column.member("header") {
            Some(header) => draft.element_template(entry.owner(), &header),
            None => Template::Literal(Value::from("")),
        };
        let value = match column.find("value") {
            Some(value) => draft.element_template(entry.owner(), &value),
            None => {
                draft.missing(&column, "value");
                Template::Literal(Value::Null)
            }
        };
        pairs.push((header, value));
    }
    (!pairs.is_empty()).then_some(pairs)
}
