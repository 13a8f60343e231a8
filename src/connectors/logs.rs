//! Azure Monitor Logs: its operations name a workspace and a time range in words, the service behind it (the Log
//! Analytics query API) takes a resource id and a time span, and answers tables. Pure: calls and answers in, out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::failure::Code;
use super::spec::encode_component;
use crate::engine::call::{Answer, Call, CallError};
use crate::expression::{Object, Value};

/// How an operation stands for a query of the service (`x-riposte-translation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Translation {
    /// The rows as objects: "Run query and list results".
    LogRows,
    /// The rows as an HTML table in base64: "Run query and visualize results".
    LogTable,
}

impl Translation {
    /// The translation of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "logRows" => Some(Self::LogRows),
            "logTable" => Some(Self::LogTable),
            _ => None,
        }
    }

    /// The call that the service understands.
    ///
    /// # Errors
    /// A resource, time range or form of the answer that cannot be asked for.
    pub fn call(self, call: &Call) -> Result<Call, CallError> {
        let form = query(call, "visType").unwrap_or("Html Table");
        if self == Self::LogTable && !form.eq_ignore_ascii_case("Html Table") {
            return Err(refusal(format!("visType '{form}' is not supported; use 'Html Table'")));
        }
        let (text, range) = match call.body.as_ref() {
            Some(Value::String(text)) => (Some(text.as_ref()), query(call, "timerange").unwrap_or_default()),
            Some(body) => (body.get("query").and_then(Value::as_str), range_of(body)?),
            None => (None, ""),
        };
        let text = text.ok_or_else(|| refusal("the body has no query".to_owned()))?;
        let mut body = Object::new();
        body.insert("query", text);
        if let Some(span) = time_span(range)? {
            body.insert("timespan", span);
        }
        Ok(Call {
            method: "POST".to_owned(),
            path: format!("/v1{}/query", resource(call)?),
            queries: Vec::new(),
            body: Some(Value::from(body)),
            ..call.clone()
        })
    }

    /// What the operation answers when the service answers this; errors stay as they are.
    pub fn answer(self, mut answer: Answer) -> Answer {
        let table = answer
            .body
            .as_ref()
            .and_then(|body| body.get("tables")?.as_array()?.first());
        let Some((columns, rows)) = table.filter(|_| answer.status == 200).and_then(parts) else {
            return answer;
        };
        let body = match self {
            Self::LogRows => {
                let row = |row: &Value| {
                    let cells = row.as_array().unwrap_or_default().iter().cloned();
                    Value::object(columns.iter().copied().zip(cells))
                };
                Value::object([("value", Value::array(rows.iter().map(row)))])
            }
            Self::LogTable => {
                let html = STANDARD.encode(html(&columns, rows));
                Value::object([
                    ("body", html.as_str()),
                    ("attachmentContent", html.as_str()),
                    ("attachmentName", "table.html"),
                ])
            }
        };
        answer.body = Some(body);
        answer
    }
}

fn refusal(message: String) -> CallError {
    Code::InvalidRequest.refusal(message)
}

fn query<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    let found = call.queries.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

/// The path of the resource that a call names.
fn resource(call: &Call) -> Result<String, CallError> {
    let part = |name: &str| {
        let value = query(call, name).map(encode_component);
        value.ok_or_else(|| {
            refusal(format!(
                "the query parameter '{name}' is empty; it names what is queried"
            ))
        })
    };
    let kind = query(call, "resourcetype").unwrap_or("Log Analytics Workspace");
    let provider = match kind.to_ascii_lowercase().as_str() {
        "log analytics workspace" => "Microsoft.OperationalInsights/workspaces",
        "application insights" => "Microsoft.Insights/components",
        _ => {
            let known = "'Log Analytics Workspace' or 'Application Insights'";
            return Err(refusal(format!("resourcetype '{kind}' is not supported; use {known}")));
        }
    };
    let (subscription, group, name) = (part("subscriptions")?, part("resourcegroups")?, part("resourcename")?);
    Ok(format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}/{name}"
    ))
}

/// The time range in the body of the operations' second version.
fn range_of(body: &Value) -> Result<&str, CallError> {
    let range = body.get("timerange");
    match range.and_then(|range| range.get("relativeTimeRange")) {
        Some(relative) => Ok(relative.as_str().unwrap_or_default()),
        None if range.and_then(Value::as_object).is_none_or(Object::is_empty) => Ok(""),
        None => Err(refusal(
            "this timerange is not supported; give a relativeTimeRange, or set the time in the query".to_owned(),
        )),
    }
}

/// The ISO 8601 span of a range such as `Last 24 hours`, `7d` or `between(datetime(a)..datetime(b))`; `None` leaves
/// the time to the query.
fn time_span(range: &str) -> Result<Option<String>, CallError> {
    let lower = range.trim().to_ascii_lowercase();
    if matches!(lower.as_str(), "" | "set in query") {
        return Ok(None);
    }
    let span = between(&lower).or_else(|| relative(lower.strip_prefix("last").unwrap_or(&lower)));
    let span = span.or_else(|| lower.starts_with('p').then(|| lower.to_ascii_uppercase()));
    span.map(Some).ok_or_else(|| {
        let advice = "use 'Last 24 hours', '7d', an ISO 8601 duration or 'Set in query'";
        refusal(format!("timerange '{range}' cannot be read; {advice}"))
    })
}

fn between(range: &str) -> Option<String> {
    let (from, to) = range.strip_prefix("between(")?.split_once("..")?;
    let moment = |text: &str| {
        let text = text.trim().strip_prefix("datetime(")?.split(')').next()?;
        Some(text.trim().to_ascii_uppercase())
    };
    Some(format!("{}/{}", moment(from)?, moment(to)?))
}

fn relative(range: &str) -> Option<String> {
    let range = range.trim();
    let digits = range.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = range.split_at(digits);
    let number = if number.is_empty() { "1" } else { number };
    match unit.trim() {
        "m" | "minute" | "minutes" => Some(format!("PT{number}M")),
        "h" | "hour" | "hours" => Some(format!("PT{number}H")),
        "d" | "day" | "days" => Some(format!("P{number}D")),
        "w" | "week" | "weeks" => Some(format!("P{number}W")),
        _ => None,
    }
}

/// The names of the columns of a table, and its rows.
fn parts(table: &Value) -> Option<(Vec<&str>, &[Value])> {
    let columns = table.get("columns")?.as_array()?.iter();
    let names = columns.map(|column| column.get("name").and_then(Value::as_str));
    Some((names.collect::<Option<_>>()?, table.get("rows")?.as_array()?))
}

fn html(columns: &[&str], rows: &[Value]) -> String {
    let line = |tag: &str, cells: &mut dyn Iterator<Item = String>| {
        let cells: String = cells.map(|cell| format!("<{tag}>{}</{tag}>", escaped(&cell))).collect();
        format!("<tr>{cells}</tr>")
    };
    let header = line("th", &mut columns.iter().map(|name| (*name).to_owned()));
    let rows = rows.iter().map(|row| {
        let cells = row.as_array().unwrap_or_default().iter();
        line("td", &mut cells.map(text))
    });
    let rows: String = rows.collect();
    format!("<table><thead>{header}</thead><tbody>{rows}</tbody></table>")
}

fn text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.to_string(),
        other => other.to_json(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_ranges_become_spans() {
        let cases = [
            ("Last 24 hours", Some("PT24H")),
            ("Last hour", Some("PT1H")),
            ("Last 90 Days", Some("P90D")),
            ("7d", Some("P7D")),
            ("p1d", Some("P1D")),
            ("Set in query", None),
            ("", None),
            (
                "between(datetime(2024-01-01T00:00:00Z) .. datetime(2024-01-02))",
                Some("2024-01-01T00:00:00Z/2024-01-02"),
            ),
        ];
        for (range, span) in cases {
            assert_eq!(time_span(range).unwrap().as_deref(), span, "{range}");
        }
        for range in ["24", "yesterday", "2024-01-01T00:00:00Z", "between(1..2)"] {
            let read = time_span(range);
            assert!(read.is_err(), "{range}: {read:?}");
        }
    }

    #[test]
    fn tables_become_rows_or_html() {
        let body = r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"a","type":"string"},{"name":"n"}],
            "rows":[["<x>",1],[null,2]]}]}"#;
        let answer = |status| Answer {
            status,
            body: Some(Value::from_json(body).unwrap()),
            ..Answer::default()
        };
        let rows = Translation::LogRows.answer(answer(200)).body.unwrap();
        assert_eq!(rows.to_json(), r#"{"value":[{"a":"<x>","n":1},{"a":null,"n":2}]}"#);
        let html = Translation::LogTable.answer(answer(200)).body.unwrap();
        let html = html.get("attachmentContent").and_then(Value::as_str).unwrap();
        let html = String::from_utf8(STANDARD.decode(html).unwrap()).unwrap();
        assert!(html.contains("<tr><th>a</th><th>n</th></tr>") && html.contains("<td>&lt;x&gt;</td><td>1</td>"));
        let failed = Translation::LogRows.answer(answer(400)).body;
        assert_eq!(failed, answer(400).body);
    }
}
