//! Tables of `meta.k8s.io/v1`: what kubectl and `riposte get` print. The cells are made of the objects themselves. Pure.

use serde_json::{Value, json};

use super::request::Collection;
use crate::api::Kind;
use crate::store::Millis;

/// A column.
struct Column {
    name: &'static str,
    /// Type as OpenAPI names it.
    kind: &'static str,
    /// Whether only wide tables have it.
    wide: bool,
    description: &'static str,
    cell: Cell,
}

/// Where a cell comes from.
enum Cell {
    /// What stands at a JSON pointer.
    At(&'static str),
    /// Whether a pointer leads to true.
    Flag(&'static str),
    /// The first of these that stands anywhere.
    FirstOf(&'static [&'static str]),
    /// How long ago the time at a pointer is.
    Age(&'static str),
    /// How long it took, from one time to another or to now.
    Span(&'static str, &'static str),
}

const fn column(name: &'static str, kind: &'static str, description: &'static str, cell: Cell) -> Column {
    Column {
        name,
        kind,
        wide: false,
        description,
        cell,
    }
}

const fn wide(name: &'static str, kind: &'static str, description: &'static str, cell: Cell) -> Column {
    Column {
        name,
        kind,
        wide: true,
        description,
        cell,
    }
}

const NAME: Column = Column {
    name: "Name",
    kind: "string",
    wide: false,
    description: "Name of the object.",
    cell: Cell::At("/metadata/name"),
};
const AGE: Column = column(
    "Age",
    "string",
    "How long ago it began.",
    Cell::Age("/metadata/creationTimestamp"),
);
const READY: Column = column(
    "Ready",
    "string",
    "Whether it is valid.",
    Cell::At("/status/conditions/0/status"),
);
const PROBLEM: Column = wide(
    "Message",
    "string",
    "What is wrong.",
    Cell::At("/status/conditions/0/message"),
);

const RUNS: &[Column] = &[
    NAME,
    column("Playbook", "string", "What runs.", Cell::At("/spec/playbook")),
    column("Status", "string", "Where the run stands.", Cell::At("/status/status")),
    column(
        "Incident",
        "string",
        "Number of the incident that it is about.",
        Cell::At("/spec/incidentNumber"),
    ),
    column(
        "Duration",
        "string",
        "How long it took, or takes so far.",
        Cell::Span("/status/startTime", "/status/endTime"),
    ),
    AGE,
];

const INCIDENTS: &[Column] = &[
    NAME,
    column("Severity", "string", "How bad it is.", Cell::At("/status/severity")),
    column("Status", "string", "Where the work stands.", Cell::At("/status/status")),
    column(
        "Alerts",
        "integer",
        "How many alerts it has.",
        Cell::At("/status/alertsCount"),
    ),
    column("Title", "string", "What happened.", Cell::At("/status/title")),
    AGE,
    wide(
        "Owner",
        "string",
        "Who works on it.",
        Cell::FirstOf(&[
            "/status/owner/assignedTo",
            "/status/owner/userPrincipalName",
            "/status/owner/email",
            "/status/owner/objectId",
        ]),
    ),
    wide("Id", "string", "Identity of the incident.", Cell::At("/metadata/uid")),
];

const APPROVALS: &[Column] = &[
    NAME,
    column("Playbook", "string", "What waits.", Cell::At("/spec/playbook")),
    column("Status", "string", "Where it stands.", Cell::At("/status/status")),
    column(
        "Decided",
        "string",
        "How many have decided, of those that are needed.",
        Cell::At("/status/count"),
    ),
    column("Outcome", "string", "What it came to.", Cell::At("/status/outcome")),
    column("Title", "string", "What is asked.", Cell::At("/spec/title")),
    AGE,
    wide("Asked", "string", "Who is asked.", Cell::At("/status/asked")),
    wide(
        "Expires",
        "string",
        "When the run stops waiting.",
        Cell::At("/spec/expires"),
    ),
];

const PLAYBOOKS: &[Column] = &[
    NAME,
    column(
        "Trigger",
        "string",
        "What it starts with.",
        Cell::At("/status/triggerKind"),
    ),
    column(
        "Suspended",
        "boolean",
        "Whether new runs are refused.",
        Cell::Flag("/spec/suspend"),
    ),
    READY,
    PROBLEM,
];

const RULES: &[Column] = &[
    NAME,
    column(
        "Order",
        "integer",
        "Its place among the rules.",
        Cell::At("/spec/order"),
    ),
    column("On", "string", "What it looks at.", Cell::At("/spec/triggersOn")),
    column("When", "string", "When it looks.", Cell::At("/spec/triggersWhen")),
    READY,
    wide(
        "Display-Name",
        "string",
        "What people see.",
        Cell::At("/spec/displayName"),
    ),
    PROBLEM,
];

const CONNECTIONS: &[Column] = &[
    NAME,
    column(
        "Connector",
        "string",
        "The kind of service.",
        Cell::At("/spec/connector"),
    ),
    READY,
    PROBLEM,
];

const OTHERS: &[Column] = &[NAME, READY, PROBLEM];

fn columns(collection: Collection) -> &'static [Column] {
    match collection {
        Collection::Runs => RUNS,
        Collection::Incidents => INCIDENTS,
        Collection::Approvals => APPROVALS,
        Collection::Objects(kind) => {
            let tables = [
                (Kind::Playbook, PLAYBOOKS),
                (Kind::AutomationRule, RULES),
                (Kind::ApiConnection, CONNECTIONS),
            ];
            let own = tables.into_iter().find(|(known, _)| *known == kind);
            own.map_or(OTHERS, |(_, columns)| columns)
        }
    }
}

/// The table of these objects. Ages are counted to `now`.
pub(super) fn table(collection: Collection, objects: &[Value], now: Millis) -> Value {
    let columns = columns(collection);
    let definitions: Vec<Value> = columns
        .iter()
        .map(|column| {
            let format = if column.name == "Name" { "name" } else { "" };
            json!({ "name": column.name, "type": column.kind, "format": format,
                "description": column.description, "priority": u8::from(column.wide) })
        })
        .collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells: Vec<Value> = columns.iter().map(|column| column.cell.of(object, now)).collect();
            let partial = json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                "metadata": object["metadata"] });
            json!({ "cells": cells, "object": partial })
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": { "resourceVersion": "0" },
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

impl Cell {
    fn of(&self, object: &Value, now: Millis) -> Value {
        let at = |pointer: &str| object.pointer(pointer).filter(|value| !value.is_null());
        let time = |pointer: &str| at(pointer)?.as_str()?.parse::<jiff::Timestamp>().ok();
        let none = || json!("<none>");
        match self {
            Self::At(pointer) => at(pointer).cloned().unwrap_or_else(none),
            Self::Flag(pointer) => json!(at(pointer) == Some(&Value::Bool(true))),
            Self::FirstOf(pointers) => pointers
                .iter()
                .find_map(|pointer| at(pointer))
                .cloned()
                .unwrap_or_else(none),
            Self::Age(pointer) => time(pointer).map_or_else(none, |start| json!(age(now - start.as_millisecond()))),
            Self::Span(from, to) => {
                let end = time(to).map_or(now, jiff::Timestamp::as_millisecond);
                time(from).map_or_else(none, |start| json!(span(end - start.as_millisecond())))
            }
        }
    }
}

/// A length of time as Kubernetes shows short ones; below two seconds in milliseconds, for most runs are short.
fn span(millis: Millis) -> String {
    match millis {
        ..2_000 => format!("{}ms", millis.max(0)),
        _ => age(millis),
    }
}

/// An age as Kubernetes shows it: one or two units, such as `45s`, `5m10s`, `3h`, `8d`.
fn age(millis: Millis) -> String {
    let seconds = millis.max(0) / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |large: i64, unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit}{small}{small_unit}"),
    };
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        () if hours < 3 => format!("{minutes}m"),
        () if hours < 8 => two(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => two(days, "d", hours % 24, "h"),
        () if days < 730 => format!("{days}d"),
        () if days < 365 * 8 => two(days / 365, "y", days % 365, "d"),
        () => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_those_of_kubectl() {
        for (seconds, expected) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (310, "5m10s"),
            (610, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (100_000, "27h"),
            (200_000, "2d7h"),
            (800_000, "9d"),
            (63_072_000, "2y"),
            (300_000_000, "9y"),
        ] {
            assert_eq!(age(seconds * 1_000), expected);
        }
        assert_eq!((span(7), span(2_500)), ("7ms".to_owned(), "2s".to_owned()));
        assert_eq!(age(-5), "0s");
    }

    #[test]
    fn a_table_has_a_cell_for_each_column() {
        let run = json!({
            "metadata": { "name": "r1", "namespace": "soc", "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": { "playbook": "close" },
            "status": { "status": "Succeeded", "startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:00.25Z" },
        });
        let now = "2026-01-01T01:00:00Z"
            .parse::<jiff::Timestamp>()
            .unwrap()
            .as_millisecond();
        let table = table(Collection::Runs, &[run], now);
        let names: Vec<&Value> = table["columnDefinitions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["name"])
            .collect();
        assert_eq!(names, ["Name", "Playbook", "Status", "Incident", "Duration", "Age"]);
        let cells = json!(["r1", "close", "Succeeded", "<none>", "250ms", "60m"]);
        assert_eq!(table["rows"][0]["cells"], cells);
        assert_eq!(table["rows"][0]["object"]["metadata"]["name"], "r1");
    }
}
