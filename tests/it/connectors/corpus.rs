//! Every operation of the built-in connectors that real playbooks call is known, or counted here as known to be missing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use riposte::connectors::example::example;
use riposte::connectors::{Connector, catalog};
use serde_json::{Value as Json, json};

/// Operations that no connector has yet, with the calls of the corpus to them. These numbers may only shrink.
const MISSING: &[(&str, usize)] = &[];

#[test]
fn operations_of_real_playbooks_are_known() {
    let Some(folder) = corpus() else { return };
    let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unknown = Vec::new();
    let mut known = 0;
    for kind in ["playbooks", "modern-playbooks"] {
        for entry in std::fs::read_dir(folder.join(kind)).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
            // Some templates are no JSON; the importer reports them.
            let Ok(template) = serde_json::from_str(text.trim_start_matches('\u{feff}')) else {
                continue;
            };
            each_call(&template, &mut |connector, method, path| {
                let method = if method.is_empty() { "POST" } else { method };
                let found = catalog::built_in(connector).and_then(|connector| connector.find(method, path).map(drop));
                let excused = MISSING
                    .iter()
                    .find(|(prefix, _)| path.starts_with(&format!("/{prefix}/")));
                match (found, excused) {
                    (Some(()), _) => known += 1,
                    (None, Some((prefix, _))) => *missing.entry(prefix).or_default() += 1,
                    (None, None) => unknown.push(format!("{connector} {method} {path}")),
                }
            });
        }
    }
    assert!(known > 1_000, "only {known} calls were found");
    assert_eq!(unknown, Vec::<String>::new());
    for (prefix, limit) in MISSING {
        let count = missing.get(prefix).copied().unwrap_or_default();
        assert!(
            count <= *limit,
            "{prefix}: {count} calls are not supported, it were {limit}"
        );
    }
}

#[test]
fn custom_connectors_are_read() {
    let Some(folder) = corpus() else { return };
    let mut documents = 0;
    for entry in std::fs::read_dir(folder.join("custom-connectors")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let Ok(template) = serde_json::from_str(text.trim_start_matches('\u{feff}')) else {
            continue;
        };
        each_document(&template, &mut |document| {
            documents += 1;
            let spec = serde_json::from_value(json!({"openapi": {"inline": document}})).unwrap();
            let connector = Connector::read("custom", &spec).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            assert!(!connector.operations.is_empty(), "{path:?}");
            for operation in &connector.operations {
                let concrete = operation.path.fill(|_| Some("x")).unwrap();
                let found = connector.find(&operation.method, &concrete).expect("an operation");
                assert_eq!(found.operation.path.fill(|_| Some("x")), Some(concrete), "{path:?}");
                operation
                    .response
                    .iter()
                    .for_each(|schema| drop(example(schema, &connector.document)));
            }
        });
    }
    assert!(documents > 25, "only {documents} documents were found");
}

fn each_document(node: &Json, give: &mut impl FnMut(&Json)) {
    if node.get("swagger").is_some_and(Json::is_string) && node.get("paths").is_some() {
        return give(node);
    }
    match node {
        Json::Object(members) => members.values().for_each(|value| each_document(value, give)),
        Json::Array(items) => items.iter().for_each(|item| each_document(item, give)),
        _ => {}
    }
}

fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("RIPOSTE_CORPUS").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"));
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("no corpus at {}; set RIPOSTE_CORPUS to its folder", folder.display());
    None
}

/// Gives connector, method and path of each call; `@{…}` in a path becomes a segment's text.
fn each_call(node: &Json, give: &mut impl FnMut(&str, &str, &str)) {
    if let Some(inputs) = node.get("inputs").filter(|_| node.get("type").is_some()) {
        let host = inputs
            .get("host")
            .map(Json::to_string)
            .unwrap_or_default()
            .to_lowercase();
        let connector = catalog::all().iter().find(|connector| host.contains(&connector.name));
        let path = inputs.get("path").and_then(Json::as_str);
        if let (Some(connector), Some(path)) = (connector, path) {
            let method = inputs.get("method").and_then(Json::as_str).unwrap_or_default();
            give(&connector.name, method, &concrete(path));
        }
    }
    match node {
        Json::Object(members) => members.values().for_each(|value| each_call(value, give)),
        Json::Array(items) => items.iter().for_each(|item| each_call(item, give)),
        _ => {}
    }
}

fn concrete(path: &str) -> String {
    let mut text = String::new();
    let mut rest = path;
    while let Some((before, tail)) = rest.split_once("@{") {
        text.push_str(before);
        text.push_str("value");
        rest = tail.split_once('}').map_or("", |(_, after)| after);
    }
    text + rest
}
