//! Prints what a server gave: tables as kubectl prints them, objects as JSON, YAML or names. Invariant: text that may
//! come from an attacker reaches a terminal only cleaned.

use serde_json::Value;

use super::output::clean;
use super::resource::Resource;
use crate::api::yaml;

/// How output is printed.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Columns.
    #[default]
    Table,
    /// More columns.
    Wide,
    /// The objects as JSON.
    Json,
    /// The objects as YAML.
    Yaml,
    /// Kind and name only.
    Name,
}

impl Output {
    /// Whether the server is asked for a table.
    pub fn is_table(self) -> bool {
        match self {
            Self::Table | Self::Wide => true,
            Self::Json | Self::Yaml | Self::Name => false,
        }
    }
}

/// An object, or a list of them, as text; tables go through [`Rows`].
pub fn objects(resource: Resource, value: &Value, output: Output) -> String {
    match output {
        Output::Json | Output::Table | Output::Wide => format!("{value:#}\n"),
        Output::Yaml => yaml::write(value),
        Output::Name => {
            let one = std::slice::from_ref(value);
            let items = value.get("items").and_then(Value::as_array).map_or(one, Vec::as_slice);
            let name = |item: &Value| format!("{}/{}\n", resource.singular(), text(&item["metadata"]["name"]));
            items.iter().map(name).collect()
        }
    }
}

/// The rows of a table, ready to be printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    header: Vec<String>,
    /// Cells of each row.
    pub rows: Vec<Vec<String>>,
}

impl Rows {
    /// Reads a `Table` of `meta.k8s.io`; with `namespaces` in a first column.
    pub fn of(table: &Value, is_wide: bool, namespaces: bool) -> Self {
        let definitions = table["columnDefinitions"].as_array().map_or(&[][..], Vec::as_slice);
        let shown: Vec<usize> = definitions
            .iter()
            .enumerate()
            .filter(|(_, column)| is_wide || column["priority"].as_i64().unwrap_or(0) == 0)
            .map(|(index, _)| index)
            .collect();
        let first = namespaces.then(|| "NAMESPACE".to_owned());
        let names = shown
            .iter()
            .map(|index| text(&definitions[*index]["name"]).to_uppercase());
        let rows = table["rows"]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .map(|row| {
                let namespace = namespaces.then(|| text(&row["object"]["metadata"]["namespace"]));
                let cells = shown.iter().map(|index| text(&row["cells"][*index]));
                namespace.into_iter().chain(cells).collect()
            });
        Self {
            header: first.into_iter().chain(names).collect(),
            rows: rows.collect(),
        }
    }

    /// A table of our own.
    pub fn new(header: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self {
            header: header.iter().map(|name| (*name).to_owned()).collect(),
            rows,
        }
    }

    /// The columns of a row that tell whether it changed: all but the age and other times that pass by themselves.
    pub fn lasting(&self, row: &[String]) -> Vec<String> {
        let passes = |name: &String| matches!(name.as_str(), "AGE" | "DURATION");
        let cells = self.header.iter().zip(row).filter(|(name, _)| !passes(name));
        cells.map(|(_, cell)| cell.clone()).collect()
    }

    /// Lines with aligned columns, three spaces between them.
    pub fn lines(&self, with_header: bool) -> Vec<String> {
        let all: Vec<&Vec<String>> = with_header
            .then_some(&self.header)
            .into_iter()
            .chain(&self.rows)
            .collect();
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let cells = all.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        all.iter()
            .map(|row| {
                let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
                cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
            })
            .collect()
    }
}

/// A cell or a member as text, harmless on a terminal.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "<none>".to_owned(),
        Value::String(text) if text.is_empty() => "<none>".to_owned(),
        Value::String(text) => clean(text),
        other => clean(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_is_aligned_and_harmless() {
        let table = json!({
            "columnDefinitions": [
                { "name": "Name", "priority": 0 }, { "name": "Owner", "priority": 1 }, { "name": "Title", "priority": 0 },
            ],
            "rows": [
                { "cells": ["1", "ada", "Bad \u{1b}[2J thing"], "object": { "metadata": { "namespace": "soc" } } },
                { "cells": ["123", null, ""], "object": { "metadata": { "namespace": "shop" } } },
            ],
        });
        let narrow = Rows::of(&table, false, false).lines(true);
        assert_eq!(narrow, ["NAME   TITLE", "1      Bad \\u{1b}[2J thing", "123    <none>"]);
        let wide = Rows::of(&table, true, true).lines(true);
        assert_eq!(wide[0], "NAMESPACE   NAME   OWNER    TITLE");
        assert_eq!(wide[2], "shop        123    <none>   <none>");
    }
}
