//! The walls of the house: who may use whom, what a pure file must not touch, and how long a file may be.
//! Paths are parsed with `syn`, because searching for `use` misses paths inside of code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::TokenTree;
use syn::visit::{self, Visit};

/// The longest file, in lines.
const LINES_MAX: usize = 800;

/// Which rooms a room may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("expression", &[]),
    ("api", &[]),
    ("definition", &["expression", "api"]),
    ("rules", &["api", "expression"]),
    ("grants", &["api"]),
    ("arm", &["api", "connectors", "expression", "definition"]),
    ("intake", &["api", "rules"]),
    ("script", &["expression"]),
    ("store", &[]),
    ("telemetry", &["definition", "engine", "store"]),
    ("incidents", &["api", "expression", "intake", "rules", "store"]),
    (
        "connectors",
        &["api", "engine", "expression", "incidents", "rules", "store"],
    ),
    (
        "engine",
        &[
            "api",
            "connectors",
            "definition",
            "expression",
            "grants",
            "incidents",
            "rules",
            "script",
            "store",
        ],
    ),
    (
        "catalog",
        &[
            "api",
            "arm",
            "connectors",
            "definition",
            "engine",
            "expression",
            "grants",
        ],
    ),
    (
        "server",
        &[
            "api",
            "catalog",
            "definition",
            "engine",
            "expression",
            "incidents",
            "intake",
            "rules",
            "store",
        ],
    ),
    (
        "local",
        &[
            "api",
            "catalog",
            "connectors",
            "engine",
            "expression",
            "incidents",
            "intake",
            "rehearsal",
            "store",
            "telemetry",
        ],
    ),
    (
        "rehearsal",
        &[
            "api",
            "connectors",
            "definition",
            "engine",
            "expression",
            "incidents",
            "intake",
            "rules",
            "store",
        ],
    ),
    (
        "controllers",
        &[
            "api",
            "catalog",
            "cluster",
            "connectors",
            "definition",
            "engine",
            "expression",
            "grants",
            "incidents",
            "projection",
            "rules",
            "store",
        ],
    ),
    (
        "projection",
        &[
            "api",
            "controllers",
            "definition",
            "engine",
            "expression",
            "incidents",
            "rules",
            "store",
        ],
    ),
    (
        "cluster",
        &[
            "api",
            "catalog",
            "connectors",
            "controllers",
            "definition",
            "engine",
            "expression",
            "grants",
            "incidents",
            "projection",
            "server",
            "store",
            "telemetry",
        ],
    ),
    (
        "cli",
        &[
            "api",
            "arm",
            "catalog",
            "cluster",
            "connectors",
            "definition",
            "engine",
            "expression",
            "grants",
            "incidents",
            "intake",
            "local",
            "rehearsal",
            "rules",
            "script",
            "server",
            "store",
            "telemetry",
        ],
    ),
];

/// Between two rooms that use each other, the files that one may use of the other.
const NARROW: &[(&str, &str, &[&str])] = &[
    ("connectors", "engine", &["approval", "call", "callback", "clock"]),
    ("engine", "connectors", &["body", "code_of", "response"]),
    ("catalog", "engine", &["content"]),
    (
        "controllers",
        "engine",
        &[
            "Engine",
            "clock",
            "content",
            "journal",
            "shell",
            "start",
            "subscription",
        ],
    ),
    ("projection", "controllers", &["condition"]),
    ("controllers", "cluster", &["metrics", "permit", "resource", "source"]),
];

/// Files that touch the world; every other file of a pure room is pure.
const PURE_ROOMS: &[&str] = &[
    "expression",
    "api",
    "definition",
    "rules",
    "grants",
    "arm",
    "intake",
    "engine",
    "connectors",
    "rehearsal",
];
const SHELLS: &[&str] = &[
    "engine/approvals.rs",
    "engine/collect.rs",
    "engine/ends.rs",
    "engine/evaluate.rs",
    "engine/interrupted.rs",
    "engine/journal.rs",
    "engine/invoke.rs",
    "engine/nested.rs",
    "engine/places.rs",
    "engine/replica.rs",
    "engine/run.rs",
    "engine/run/inbox.rs",
    "engine/run/queue.rs",
    "engine/run/share.rs",
    "engine/schedule/keeper.rs",
    "engine/schedule/taking.rs",
    "engine/shell.rs",
    "engine/subscription/attempt.rs",
    "engine/subscription/keeper.rs",
    "engine/upkeep.rs",
    "connectors/client.rs",
    "connectors/fake.rs",
    "connectors/resolver.rs",
    "connectors/services.rs",
    "connectors/sentinel/perform.rs",
];

/// What a pure file must not name.
const WORLD: &[&[&str]] = &[
    &["tokio"],
    &["sqlx"],
    &["reqwest"],
    &["axum"],
    &["getrandom"],
    &["std", "fs"],
    &["std", "env"],
    &["std", "net", "TcpStream"],
    &["std", "thread"],
    &["std", "time", "SystemTime"],
    &["std", "time", "Instant"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["Uuid", "new_v4"],
    &["Uuid", "now_v7"],
];

struct Source {
    /// Path below `src`, with slashes.
    name: String,
    text: String,
}

impl Source {
    fn room(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap()
    }

    fn is_pure(&self) -> bool {
        PURE_ROOMS.contains(&self.room()) && !SHELLS.contains(&self.name.as_str())
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut queue = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = queue.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                queue.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                sources.push(Source {
                    name,
                    text: std::fs::read_to_string(path).unwrap(),
                });
            }
        }
    }
    assert!(sources.len() > 50, "the sources are not where this test looks");
    sources
}

/// Every path of a file outside of its tests.
#[derive(Default)]
struct Paths(BTreeSet<Vec<String>>);

impl Paths {
    fn of(source: &Source) -> BTreeSet<Vec<String>> {
        let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.name));
        let mut paths = Self::default();
        paths.visit_file(&file);
        paths.0
    }

    fn add_tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |name: String| prefix.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&with(path.ident.to_string()), &path.tree),
            syn::UseTree::Name(name) => drop(self.0.insert(with(name.ident.to_string()))),
            syn::UseTree::Rename(rename) => drop(self.0.insert(with(rename.ident.to_string()))),
            syn::UseTree::Glob(_) => drop(self.0.insert(prefix.to_vec())),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(prefix, tree)),
        }
    }

    /// Paths inside of a macro's tokens.
    fn add_tokens(&mut self, tokens: proc_macro2::TokenStream) {
        let mut path = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == ':' => {}
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => drop(self.0.insert(std::mem::take(&mut path))),
            }
        }
        self.0.insert(path);
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0
            .insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.add_tokens(item.tokens.clone());
    }
}

/// The room and the file in it that a path leads to, if it leads to a room.
fn target(path: &[String]) -> Option<(&str, Option<&str>)> {
    let position = path.iter().position(|segment| segment == "crate")?;
    let room = path.get(position + 1)?;
    Some((room, path.get(position + 2).map(String::as_str)))
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn rooms_use_only_what_they_may() {
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut problems = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| !matches!(source.name.as_str(), "lib.rs" | "main.rs"))
    {
        let room = source.room();
        let allowed = rooms
            .get(room)
            .unwrap_or_else(|| panic!("the room '{room}' is not in the table"));
        for path in Paths::of(source) {
            let Some((used, file)) = target(&path).filter(|(used, _)| rooms.contains_key(used) && *used != room) else {
                continue;
            };
            let narrow = NARROW.iter().find(|(from, to, _)| *from == room && *to == used);
            let in_file = narrow.is_none_or(|(_, _, files)| file.is_some_and(|file| files.contains(&file)));
            if !allowed.contains(&used) || !in_file {
                problems.push(format!(
                    "src/{}: '{room}' must not use {}",
                    source.name,
                    path.join("::")
                ));
            }
        }
    }
    report(&problems);
}

#[test]
fn pure_files_touch_nothing_of_the_world() {
    let mut problems = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.is_pure() && !source.name.ends_with("tests.rs"))
    {
        for path in Paths::of(source) {
            let names = |world: &&&[&str]| path.windows(world.len()).any(|window| window == **world);
            if WORLD.iter().any(|world| names(&world)) {
                problems.push(format!(
                    "src/{} is pure and must not use {}",
                    source.name,
                    path.join("::")
                ));
            }
        }
    }
    report(&problems);
}

#[test]
fn every_shell_of_the_table_exists() {
    let names: BTreeSet<String> = sources().into_iter().map(|source| source.name).collect();
    let missing: Vec<_> = SHELLS
        .iter()
        .filter(|shell| !names.contains(**shell))
        .map(|shell| (*shell).to_owned())
        .collect();
    report(&missing);
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut problems = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            problems.push(format!("src/{} has {lines} lines, more than {LINES_MAX}", source.name));
        }
        if !(source.text.starts_with("//!") || source.text.starts_with("#![doc")) {
            problems.push(format!("src/{} does not begin with `//!`", source.name));
        }
    }
    report(&problems);
}

#[test]
fn every_manifest_of_the_examples_is_valid() {
    use riposte::api::{manifest, yaml};

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut queue = vec![root.join("examples")];
    let mut problems = Vec::new();
    while let Some(folder) = queue.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_yaml = path.extension().is_some_and(|extension| extension == "yaml");
            if path.is_dir() {
                queue.extend((!path.ends_with("examples/invalid")).then_some(path));
            } else if is_yaml {
                let text = std::fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(root).unwrap().display().to_string();
                match yaml::parse(&text) {
                    Ok(documents) if documents.is_empty() => problems.push(format!("{name} is empty")),
                    Ok(documents) => {
                        let wrong = documents
                            .iter()
                            .filter_map(|document| manifest::decode(document, &name).err());
                        problems.extend(wrong.flatten().map(|wrong| wrong.to_string()));
                    }
                    Err(error) => problems.push(error.error(&name).to_string()),
                }
            }
        }
    }
    report(&problems);
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("src/README.md")).unwrap();
    let named = text.split('`').filter_map(|part| part.split_once(".rs::"));
    let (mut count, mut problems) = (0, Vec::new());
    for (file, test) in named {
        count += 1;
        let path = root.join(format!("tests/it/{file}.rs"));
        let has_test = std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&format!("fn {test}(")));
        if !has_test {
            problems.push(format!("tests/it/{file}.rs has no test '{test}'"));
        }
    }
    assert!(count > 10, "src/README.md names {count} tests");
    report(&problems);
}
