//! CSV and HTML tables (Logic Apps: action type `Table`).

use crate::definition::workflow::TableFormat;
use crate::expression::scope::WithItem;
use crate::expression::{EvalError, Scope, Template, Value};

/// A table of texts.
pub struct Rows {
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The rows of an array: by the given columns, else by the members of its objects in their order of appearance.
///
/// # Errors
/// An expression of a column that fails.
pub fn rows(items: &[Value], columns: Option<&[(Template, Template)]>, scope: &dyn Scope) -> Result<Rows, EvalError> {
    match columns {
        Some(columns) => by_columns(items, columns, scope),
        None => Ok(by_members(items)),
    }
}

fn by_columns(items: &[Value], columns: &[(Template, Template)], scope: &dyn Scope) -> Result<Rows, EvalError> {
    let mut headers = Vec::new();
    for (header, _) in columns {
        headers.push(header.evaluate(scope)?.to_text());
    }
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        let scope = WithItem {
            outer: scope,
            item: item.clone(),
        };
        let cells = columns
            .iter()
            .map(|(_, value)| value.evaluate(&scope).map(|value| value.to_text()));
        rows.push(cells.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(Rows { headers, rows })
}

fn by_members(items: &[Value]) -> Rows {
    let mut headers = indexmap::IndexSet::new();
    for object in items.iter().filter_map(Value::as_object) {
        headers.extend(object.iter().map(|(name, _)| name.to_string()));
    }
    let cell = |item: &Value, name: &str| {
        item.as_object()
            .and_then(|object| object.get_exact(name))
            .map(Value::to_text)
            .unwrap_or_default()
    };
    let rows = items
        .iter()
        .map(|item| headers.iter().map(|name| cell(item, name)).collect())
        .collect();
    Rows {
        headers: headers.into_iter().collect(),
        rows,
    }
}

impl Rows {
    /// The table as text.
    pub fn render(&self, format: TableFormat) -> String {
        match format {
            TableFormat::Csv => self.csv(),
            TableFormat::Html => self.html(),
        }
    }

    fn csv(&self) -> String {
        let line = |cells: &[String]| cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\r\n";
        std::iter::once(&self.headers)
            .chain(&self.rows)
            .map(|cells| line(cells))
            .collect()
    }

    fn html(&self) -> String {
        let row = |tag: &str, cells: &[String]| {
            let cells: String = cells
                .iter()
                .map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell)))
                .collect();
            format!("<tr>{cells}</tr>")
        };
        let body: String = self.rows.iter().map(|cells| row("td", cells)).collect();
        format!(
            "<table><thead>{}</thead><tbody>{body}</tbody></table>",
            row("th", &self.headers)
        )
    }
}

/// A CSV cell: quoted where it holds a comma, quote or line break.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Text in HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(json: &str) -> Rows {
        let items = Value::from_json(json).unwrap();
        by_members(items.as_array().unwrap())
    }

    #[test]
    fn tables_are_written_as_logic_apps_writes_them() {
        let fruits = table(r#"[{"ID":0,"Product_Name":"Apples"},{"ID":1,"Product_Name":"Oranges"}]"#);
        assert_eq!(
            fruits.render(TableFormat::Csv),
            "ID,Product_Name\r\n0,Apples\r\n1,Oranges\r\n"
        );
        assert_eq!(
            fruits.render(TableFormat::Html),
            "<table><thead><tr><th>ID</th><th>Product_Name</th></tr></thead><tbody><tr><td>0</td><td>Apples</td></tr>\
             <tr><td>1</td><td>Oranges</td></tr></tbody></table>"
        );
    }

    #[test]
    fn hostile_cells_are_quoted_and_escaped() {
        let rows = table(r#"[{"a":"x,\"y\""},{"b":"<script>"}]"#);
        assert_eq!(
            rows.render(TableFormat::Csv),
            "a,b\r\n\"x,\"\"y\"\"\",\r\n,<script>\r\n"
        );
        assert!(rows.render(TableFormat::Html).contains("<td>&lt;script&gt;</td>"));
    }
}
