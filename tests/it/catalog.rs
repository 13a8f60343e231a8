//! The catalog: what a folder of files becomes, and how it follows changes.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use riposte::catalog::{Catalog, Folder, FolderError, Handle, Source};
use riposte::definition::Limits;
use tempfile::TempDir;
use tokio::sync::watch::Receiver;

const INCIDENT_TRIGGER: &str = "    triggers:
      Incident:
        type: ApiConnectionWebhook
        inputs:
          body: {callback_url: '@{listCallbackUrl()}'}
          host: {connection: {name: \"@parameters('$connections')['azuresentinel']['connectionId']\"}}
          path: /incident-creation
";

fn manifest(kind: &str, name: &str, spec: &str) -> String {
    format!("apiVersion: riposte.dev/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n{spec}")
}

fn playbook(name: &str) -> String {
    let spec = format!(
        "  definition:\n    parameters: {{$connections: {{type: Object, defaultValue: {{}}}}}}\n{INCIDENT_TRIGGER}    actions: {{}}\n"
    );
    manifest("Playbook", name, &spec)
}

fn rule(name: &str, order: u16, target: &str) -> String {
    let spec = format!(
        "  displayName: It\n  order: {order}\n  triggersOn: Incidents\n  actions:\n  - runPlaybook: {{name: {target}}}\n"
    );
    manifest("AutomationRule", name, &spec)
}

/// A catalog of texts, each a file of its own.
fn catalog(files: &[(&str, &str)]) -> Catalog {
    let sources: Vec<_> = files.iter().map(|(file, text)| Source::read(file, text)).collect();
    Catalog::build(&sources)
}

fn printed(catalog: &Catalog) -> Vec<String> {
    catalog.diagnostics.iter().map(ToString::to_string).collect()
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder is made");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder is made");
        fs::write(path, text).expect("a file is written");
    }
    folder
}

#[test]
fn objects_are_found_by_namespace_and_name() {
    let text = [
        playbook("it"),
        rule("b", 1, "it"),
        rule("a", 1, "it"),
        rule("c", 2, "it").replace("order: 2", "order: 0x1"),
        manifest(
            "ApiConnection",
            "vt",
            "  connector: virustotal\n  parameters: [{name: api_key, value: k}]\n",
        )
        .replace("metadata:", "metadata:\n  namespace: sec"),
        manifest("Connector", "own", "  openapi: {inline: {openapi: 3.0.0}}\n"),
        manifest("PlaybookGrant", "grant", "  from: [{namespace: default}]\n"),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: hunter2}\n".to_owned(),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {key: text}\n".to_owned(),
    ]
    .join("---\n");
    let catalog = catalog(&[("all.yaml", &text)]);
    assert_eq!(printed(&catalog), Vec::<String>::new());
    assert_eq!(catalog.playbook("default", "it").unwrap().workflow.triggers.len(), 1);
    let rules: Vec<_> = catalog.rules("default").iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(rules, ["a", "b", "c"]);
    assert_eq!(catalog.connection("sec", "vt").unwrap().spec.connector, "virustotal");
    assert!(catalog.connection("default", "vt").is_none());
    assert!(catalog.connector("default", "own").is_some());
    assert_eq!(catalog.grants("default").len(), 1);
    assert_eq!(catalog.secret("default", "s", "key").unwrap().expose(), "hunter2");
    assert!(catalog.secret("default", "s", "other").is_none());
    assert_eq!(catalog.config_map("default", "m", "key"), Some("text"));
    let source = Source::read("all.yaml", &text);
    assert!(!format!("{catalog:?} {source:?}").contains("hunter2"));
}

#[test]
fn a_definition_is_the_same_in_both_fields_and_keeps_its_order() {
    let inline = manifest(
        "Playbook",
        "it",
        "  definition:\n    triggers: {manual: {type: Request, kind: Http}}\n    actions: {b: {type: Compose, inputs: {z: 1, a: 2.5}}}\n",
    );
    let text = manifest(
        "Playbook",
        "it",
        "  definitionText: |\n    {\"triggers\": {\"manual\": {\"type\": \"Request\", \"kind\": \"Http\"}},\n     \"actions\": {\"b\": {\"type\": \"Compose\", \"inputs\": {\"z\": 1, \"a\": 2.5}}}}\n",
    );
    let [inline, text] = [&inline, &text].map(|text| {
        let catalog = catalog(&[("it.yaml", text)]);
        assert_eq!(printed(&catalog), Vec::<String>::new());
        catalog.playbook("default", "it").unwrap().clone()
    });
    assert!(inline.definition_text.contains("{\"z\":1,\"a\":2.5}"));
    assert_eq!(
        (&inline.definition_text, &inline.hash),
        (&text.definition_text, &text.hash)
    );
    assert_eq!(inline.hash.len(), 64);
}

#[test]
fn problems_of_a_definition_stand_at_their_places() {
    let inline = manifest(
        "Playbook",
        "it",
        "  definition:\n    triggers: {manual: {type: Request}}\n    actions:\n      A:\n        type: Compose\n        inputs: 'x @{nosuch(1)}'\n",
    );
    let text = manifest(
        "Playbook",
        "it",
        "  definitionText: |\n    {\n      \"triggers\": {\"manual\": {\"type\": \"Request\"}},\n      \"actions\": {\"A\": {\"type\": \"Compose\", \"inputs\": \"x @{nosuch(1)}\"}}\n    }\n",
    );
    let places = [&inline, &text].map(|text| {
        let catalog = catalog(&[("it.yaml", text)]);
        assert!(catalog.playbook("default", "it").is_none());
        let one = &catalog.diagnostics[0];
        assert!(one.message.contains("nosuch"), "{one}");
        text.lines()
            .nth(one.line as usize - 1)
            .unwrap()
            .chars()
            .skip(one.column as usize - 1)
            .collect::<String>()
    });
    for rest in places {
        assert!(rest.starts_with("nosuch(1)") || rest.starts_with("@{nosuch"), "{rest}");
    }
}

#[test]
fn a_definition_text_that_is_no_yaml_is_refused_at_its_place() {
    let text = manifest(
        "Playbook",
        "it",
        "  definitionText: |\n    a: 1\n    b: [\n    c: 2\n    a: 3\n",
    );
    let broken = catalog(&[("it.yaml", &text)]);
    assert_eq!(broken.diagnostics[0].code, "InvalidDefinitionText");
    assert!(
        (8..=11).contains(&broken.diagnostics[0].line),
        "{:?}",
        broken.diagnostics
    );
    let two = catalog(&[("it.yaml", &manifest("Playbook", "it", "  definitionText: ''\n"))]);
    assert!(two.playbook("default", "it").is_none());
    let two = catalog(&[(
        "it.yaml",
        &manifest("Playbook", "it", "  definitionText: \"a: 1\\n---\\nb: 1\"\n"),
    )]);
    assert_eq!(
        printed(&two),
        ["it.yaml:6:19: error: `definitionText` must hold one document, it holds 2"]
    );
}

#[test]
fn references_that_lead_nowhere_are_warned_of() {
    let playbook = manifest(
        "Playbook",
        "it",
        &format!(
            "  parameters:
  - {{name: key, valueFrom: {{secretKeyRef: {{name: s, key: k}}}}}}
  connections:
  - {{name: vt, connectionRef: {{name: vt}}}}
  definition:
    parameters: {{$connections: {{type: Object}}, needed: {{type: String}}}}
{INCIDENT_TRIGGER}    actions:
      Get:
        type: ApiConnection
        inputs:
          host: {{connection: {{name: \"@parameters('$connections')['other']['connectionId']\"}}}}
          method: get
          path: /x
      Act:
        type: Http
        inputs: {{method: GET, uri: \"@appsetting('site')\", authentication: {{type: ManagedServiceIdentity}}}}
"
        ),
    );
    let connection = manifest(
        "ApiConnection",
        "vt2",
        "  connector: own\n  authentication: {bearer: {tokenFrom: {secretKeyRef: {name: s, key: k}}}}\n",
    );
    let connector = manifest("Connector", "own", "  openapi: {configMapKeyRef: {name: m, key: k}}\n");
    let alerts = rule("alerts", 1, "it").replace("Incidents", "Alerts");
    let catalog = catalog(&[
        ("a.yaml", &playbook),
        ("b.yaml", &rule("r", 1, "gone")),
        ("c.yaml", &connection),
        ("d.yaml", &connector),
        ("e.yaml", &alerts),
    ]);
    let expected = [
        ("a.yaml", 5, "MissingAppSetting"),
        ("a.yaml", 6, "MissingParameter"),
        ("a.yaml", 7, "MissingSecretKey"),
        ("a.yaml", 7, "UnknownParameter"),
        ("a.yaml", 8, "UnboundConnection"),
        ("a.yaml", 8, "UnboundConnection"),
        ("a.yaml", 9, "MissingConnection"),
        ("b.yaml", 10, "MissingPlaybook"),
        ("c.yaml", 7, "MissingSecretKey"),
        ("d.yaml", 6, "MissingConfigMapKey"),
        ("e.yaml", 10, "UnsupportedTrigger"),
    ];
    let mut found: Vec<_> = catalog
        .diagnostics
        .iter()
        .map(|found| (found.file.as_str(), found.line, found.code.as_str()))
        .collect();
    found.sort_unstable();
    assert_eq!(found, expected, "{:#?}", printed(&catalog));
    assert!(catalog.playbook("default", "it").is_some());
    assert_eq!(catalog.problems("Playbook", "default", "it").len(), 7);
    assert_eq!(catalog.problems("AutomationRule", "default", "r").len(), 1);
    assert!(catalog.problems("AutomationRule", "default", "none").is_empty());
}

/// A connector manifest whose document has one operation.
const GEO: &str = "{swagger: '2.0', host: geo.example, paths: {'/ip/{address}': {get: {}}}}";

#[test]
fn connectors_are_read_from_the_manifest_or_a_config_map() {
    let from_map = |key: &str| format!("  openapi: {{configMapKeyRef: {{name: m, key: {key}}}}}\n");
    let files = [
        (
            "a.yaml",
            manifest("Connector", "inline", &format!("  openapi: {{inline: {GEO}}}\n")),
        ),
        ("b.yaml", manifest("Connector", "mapped", &from_map("good"))),
        (
            "c.yaml",
            manifest("Connector", "broken-inline", "  openapi: {inline: {swagger: '1.2'}}\n"),
        ),
        ("d.yaml", manifest("Connector", "broken-text", &from_map("bad"))),
        ("e.yaml", manifest("Connector", "two-texts", &from_map("two"))),
        (
            "f.yaml",
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\ndata:\n  good: \"{GEO}\"\n  bad: '{{'\n  two: |\n    a: 1\n    ---\n    b: 1\n"
            ),
        ),
    ];
    let files = files.each_ref().map(|(file, text)| (*file, text.as_str()));
    let catalog = catalog(&files);
    let operations = |name: &str| {
        let connector = catalog.connector("default", name).unwrap().connector.as_ref();
        connector.map(|connector| connector.operations.len())
    };
    assert_eq!(operations("inline"), Some(1));
    assert_eq!(operations("mapped"), Some(1));
    for broken in ["broken-inline", "broken-text", "two-texts"] {
        assert_eq!(operations(broken), None, "{broken}");
    }
    let found: Vec<_> = catalog
        .diagnostics
        .iter()
        .map(|one| (&*one.file, one.line, &*one.code))
        .collect();
    let expected = ["c.yaml", "d.yaml", "e.yaml"].map(|file| (file, 6, "InvalidOpenApi"));
    assert_eq!(found, expected, "{:#?}", printed(&catalog));
}

#[test]
fn connections_and_calls_are_held_against_their_connectors() {
    let call = |name: &str, path: &str| {
        format!(
            "      {name}:\n        type: ApiConnection\n        inputs:\n          host: {{connection: {{name: \"@parameters('$connections')['geo']['connectionId']\"}}}}\n          method: get\n          path: \"{path}\"\n"
        )
    };
    let playbook = manifest(
        "Playbook",
        "it",
        &format!(
            "  connections: [{{name: geo, connectionRef: {{name: geo}}}}]\n  definition:\n    parameters: {{$connections: {{type: Object}}}}\n    triggers: {{manual: {{type: Request}}}}\n    actions:\n{}{}{}",
            call("Known", "/ip/@{triggerBody()}"),
            call("Open", "@triggerBody()"),
            call("Unknown", "/ip/@{triggerBody()}/more"),
        ),
    );
    let files = [
        ("a.yaml", playbook.as_str()),
        ("b.yaml", &manifest("ApiConnection", "geo", "  connector: geo\n")),
        (
            "c.yaml",
            &manifest(
                "Connector",
                "geo",
                &format!(
                    "  openapi: {{inline: {GEO}}}\n  parameters: [{{name: key, secure: true}}, {{name: region}}, {{name: more, optional: true}}]\n"
                ),
            ),
        ),
        ("d.yaml", &manifest("ApiConnection", "vt", "  connector: virustotla\n")),
    ];
    assert_eq!(
        printed(&catalog(&files)),
        [
            "a.yaml:28:17: warning: connector `geo` has no operation `GET /ip/{…}/more`; the nearest are `GET /ip/{address}`",
            "b.yaml:5:1: warning: connector `geo` needs the parameter `key`",
            "b.yaml:5:1: warning: connector `geo` needs the parameter `region`",
            "d.yaml:6:14: warning: connector `virustotla` is neither built in nor a Connector of `default`; did you mean \
             `virustotal`?",
        ]
    );
}

/// An ARM template with a workflow, and a connection for it; azuresentinel is not in it.
const TEMPLATE: &str = r#"{
  // Azure takes comments.
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "parameters": {"Name": {"type": "string", "defaultValue": "Block-IP"}},
  "resources": [
    {
      "type": "Microsoft.Web/connections",
      "name": "vt",
      "properties": {"api": {"id": "/managedApis/virustotal"}, "parameterValues": {"api_key": "k"}}
    },
    {
      "type": "Microsoft.Logic/workflows",
      "name": "[parameters('Name')]",
      "properties": {
        "definition": {
          "triggers": {"manual": {"type": "Request"}},
          "actions": {
            "A": {"type": "Compose", "inputs": "x @{triggerBody()}"},
            "B": {
              "type": "ApiConnection",
              "inputs": {
                "host": {"connection": {"name": "@parameters('$connections')['azuresentinel']['connectionId']"}},
                "method": "put",
                "path": "/nothing"
              }
            }
          },
          "parameters": {"$connections": {"type": "Object"}}
        }
      }
    }
  ],
}"#;

#[test]
fn a_template_is_read_in_place() {
    let first = catalog(&[("t.json", TEMPLATE)]);
    let playbook = first.playbook("default", "block-ip").unwrap();
    assert_eq!((playbook.workflow.actions.len(), playbook.file.as_str()), (2, "t.json"));
    assert_eq!(first.connection("default", "vt").unwrap().spec.connector, "virustotal");
    assert!(first.connection("default", "azuresentinel").is_some());
    let found: Vec<_> = first.diagnostics.iter().map(|one| (one.line, &*one.code)).collect();
    assert_eq!(
        found,
        [(6, "MissingSecretKey"), (11, "Advice"), (24, "UnknownOperation")],
        "{:#?}",
        printed(&first)
    );

    let own = manifest(
        "ApiConnection",
        "azuresentinel",
        "  connector: azuresentinel\n  displayName: Own\n",
    );
    let both = catalog(&[("t.json", TEMPLATE), ("z.yaml", &own)]);
    assert_eq!(both.connection("default", "azuresentinel").unwrap().file, "z.yaml");
    assert!(
        both.diagnostics.iter().all(|one| one.code != "DuplicateObject"),
        "{:#?}",
        printed(&both)
    );

    let twice = catalog(&[("t.json", TEMPLATE), ("u.json", TEMPLATE)]);
    let again: Vec<_> = twice
        .diagnostics
        .iter()
        .filter(|one| one.code == "DuplicateObject")
        .collect();
    assert_eq!(again.len(), 1, "only the playbook: {:#?}", printed(&twice));
    assert_eq!((&*again[0].file, again[0].line), ("u.json", 13));
}

#[test]
fn problems_of_a_template_stand_at_their_places() {
    let place = |text: &str| {
        let broken = catalog(&[("t.json", text)]);
        assert!(broken.playbook("default", "block-ip").is_none());
        let one = broken
            .diagnostics
            .iter()
            .find(|one| one.severity == riposte::api::diagnostic::Severity::Error);
        one.map(|one| (one.line, one.column, one.code.clone()))
    };
    let in_string = TEMPLATE.replace("triggerBody()}", "nosuch()}");
    assert_eq!(place(&in_string), Some((18, 53, "UnknownFunction".to_owned())));
    let computed = TEMPLATE.replace("\"x @{triggerBody()}\"", "\"[concat('@', 'nosuch()')]\"");
    assert_eq!(place(&computed), Some((18, 48, "UnknownFunction".to_owned())));
    let template = TEMPLATE.replace("\"x @{triggerBody()}\"", "\"[variables('none')]\"");
    assert_eq!(place(&template), Some((18, 48, "InvalidTemplate".to_owned())));
}

#[test]
fn a_bare_workflow_is_a_playbook_named_after_its_file() {
    let definition =
        r#"{"triggers": {"manual": {"type": "Request"}}, "actions": {"A": {"type": "Compose", "inputs": "[x"}}}"#;
    for text in [definition.to_owned(), format!("{{\"definition\":\n{definition}}}")] {
        let read = catalog(&[("playbooks/Block IP.json", &text)]);
        assert_eq!(printed(&read), Vec::<String>::new());
        let playbook = read.playbook("default", "block-ip").unwrap();
        assert!(playbook.definition_text.contains("\"[x\""));
        let broken = catalog(&[("b.json", &text.replace("Compose", "Xslt"))]);
        let line = if text.contains('\n') { 2 } else { 1 };
        assert_eq!(
            (broken.diagnostics[0].line, &*broken.diagnostics[0].code),
            (line, "UnsupportedAction")
        );
    }
}

#[test]
fn the_same_object_twice_is_an_error_in_the_later_file() {
    let catalog = catalog(&[
        ("a.yaml", &rule("r", 1, "it")),
        ("b.yaml", &rule("r", 2, "it")),
        ("c.yaml", &playbook("it")),
    ]);
    assert_eq!(
        printed(&catalog),
        ["b.yaml:4:9: error: AutomationRule `default/r` is already given at a.yaml:4:9; remove one"]
    );
    assert_eq!(catalog.rules("default")[0].spec.order, 1);
}

#[test]
fn what_is_not_ours_is_noted_and_passed_over() {
    let template = "{\"$schema\": \"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#\", \"resources\": []}";
    let catalog = catalog(&[
        ("a.json", template),
        ("b.yaml", "apiVersion: apps/v1\nkind: Deployment\n"),
        ("c.json", "{\"some\": \"data\"}"),
        ("d.yaml", "enabled: on\n"),
    ]);
    let codes: Vec<_> = catalog
        .diagnostics
        .iter()
        .map(|found| format!("{} {}", found.severity, found.code))
        .collect();
    assert_eq!(
        codes,
        [
            "note ArmTemplate",
            "note ForeignObject",
            "note ForeignObject",
            "note ForeignObject",
            "warning AmbiguousScalar"
        ]
    );
}

#[test]
fn a_folder_is_read_with_its_sub_folders_but_not_all() {
    let it = playbook("it");
    let hidden = rule("hidden", 1, "it");
    let folder = folder(&[
        ("a/b/it.yml", &it),
        (
            "r.json",
            "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"m\"}}",
        ),
        (".git/x.yaml", &hidden),
        ("node_modules/x.yaml", &hidden),
        ("target/x.yaml", &hidden),
        ("events/x.yaml", &hidden),
        ("README.md", "no: manifest"),
        ("broken.json", "{a: 1}"),
    ]);
    fs::write(folder.path().join("latin.yaml"), b"a: \xe9").unwrap();
    let catalog = Folder::read(folder.path(), Limits::default()).unwrap();
    assert!(catalog.playbook("default", "it").is_some());
    assert!(catalog.rules("default").is_empty());
    let codes: Vec<_> = catalog.diagnostics.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["Syntax", "UnreadableFile"]);
    assert!(catalog.diagnostics[0].file.ends_with("broken.json"));

    let one = Folder::read(&folder.path().join("a/b/it.yml"), Limits::default()).unwrap();
    assert_eq!(one.playbooks().count(), 1);
    let error = Folder::read(&folder.path().join("nowhere"), Limits::default()).unwrap_err();
    assert!(matches!(error, FolderError::Unreadable { .. }));
    assert!(Folder::open(&folder.path().join("nowhere"), Limits::default()).is_err());
}

/// Waits until the catalog is as wanted; the deadline is far beyond what a slow machine needs.
async fn until(changes: &mut Receiver<Arc<Catalog>>, wanted: impl Fn(&Catalog) -> bool) -> Arc<Catalog> {
    tokio::time::timeout(Duration::from_secs(30), changes.wait_for(|catalog| wanted(catalog)))
        .await
        .expect("the catalog changes in time")
        .expect("the folder is watched")
        .clone()
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a file is written");
}

#[tokio::test]
async fn a_changed_folder_gives_a_new_catalog() {
    let folder = folder(&[("it.yaml", &playbook("it"))]);
    let handle: Handle = Folder::open(folder.path(), Limits::default()).unwrap();
    let mut changes = handle.changed();
    let first = handle.current();
    assert_eq!(first.playbooks().count(), 1);

    write(folder.path(), "r.yaml", &rule("r", 1, "it"));
    until(&mut changes, |catalog| catalog.rules("default").len() == 1).await;

    fs::create_dir(folder.path().join("sub")).unwrap();
    write(folder.path(), "sub/r2.yaml", &rule("r2", 1, "it"));
    until(&mut changes, |catalog| catalog.rules("default").len() == 2).await;

    fs::remove_file(folder.path().join("r.yaml")).unwrap();
    until(&mut changes, |catalog| catalog.rules("default").len() == 1).await;
    assert_eq!(handle.current().rules("default")[0].name, "r2");
    assert_eq!(first.rules("default").len(), 0, "a snapshot never changes");
}

#[tokio::test]
async fn a_broken_file_keeps_its_last_good_objects_until_it_is_mended() {
    let folder = folder(&[("it.yaml", &playbook("it")), ("r.yaml", &rule("r", 1, "it"))]);
    let handle = Folder::open(folder.path(), Limits::default()).unwrap();
    let mut changes = handle.changed();

    write(folder.path(), "r.yaml", &rule("r", 5000, "it"));
    let broken = until(&mut changes, |catalog| !catalog.diagnostics.is_empty()).await;
    assert_eq!(broken.rules("default")[0].spec.order, 1);
    assert!(printed(&broken)[0].ends_with("r.yaml:7:10: error: 5000 is too large, at most 1000 is allowed"));

    write(
        folder.path(),
        "it.yaml",
        &playbook("it").replace("actions: {}", "actions: {A: {type: Nonsense}}"),
    );
    let broken = until(&mut changes, |catalog| catalog.diagnostics.len() > 1).await;
    assert!(broken.playbook("default", "it").is_some());

    write(folder.path(), "it.yaml", &playbook("it"));
    write(folder.path(), "r.yaml", &rule("r", 7, "it"));
    let mended = until(&mut changes, |catalog| catalog.diagnostics.is_empty()).await;
    assert_eq!(mended.rules("default")[0].spec.order, 7);
}

#[cfg(unix)]
#[tokio::test]
async fn a_mounted_config_map_is_followed_through_its_links() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[
        ("..one/r.yaml", &rule("one", 1, "it")),
        ("..two/r.yaml", &rule("two", 1, "it")),
    ]);
    let path = folder.path();
    symlink("..one", path.join("..data")).unwrap();
    symlink("..data/r.yaml", path.join("r.yaml")).unwrap();
    let handle = Folder::open(path, Limits::default()).unwrap();
    assert_eq!(handle.current().rules("default")[0].name, "one");

    symlink("..two", path.join("..data_tmp")).unwrap();
    fs::rename(path.join("..data_tmp"), path.join("..data")).unwrap();
    until(&mut handle.changed(), |catalog| {
        catalog.rules("default").iter().any(|rule| rule.name == "two")
    })
    .await;
}

#[tokio::test]
async fn one_file_is_watched_as_a_folder_is() {
    let folder = folder(&[("it.yaml", &playbook("it"))]);
    let handle = Folder::open(&folder.path().join("it.yaml"), Limits::default()).unwrap();
    write(folder.path(), "it.yaml", &playbook("other"));
    until(&mut handle.changed(), |catalog| {
        catalog.playbook("default", "other").is_some()
    })
    .await;
}

proptest! {
    #[test]
    fn no_manifest_makes_it_panic(
        kind in "(Playbook|AutomationRule|ApiConnection|Connector|PlaybookGrant|Secret)",
        spec in "[a-z0-9 :\\-\\n{}\\[\\]'\"@]{0,80}",
    ) {
        let text = manifest(&kind, "it", &spec);
        let source = Source::read("it.yaml", &text);
        let _ = Catalog::build([&source]);
    }
}

#[test]
fn operations_that_are_called_by_id_are_known() {
    let connection = manifest("ApiConnection", "sentinel", "  connector: azuresentinel\n");
    let calling = |operation: &str| {
        let spec = format!(
            "  connections: [{{name: sentinel, connectionRef: {{name: sentinel}}}}]
  definition:
    triggers: {{manual: {{type: Request}}}}
    actions:
      Comment:
        type: OpenApiConnection
        inputs:
          host: {{connection: {{name: sentinel}}, operationId: {operation}}}
          parameters: {{'body/message': hello, incident: '@{{triggerBody()}}'}}
"
        );
        let catalog = catalog(&[("c.yaml", &connection), ("p.yaml", &manifest("Playbook", "p", &spec))]);
        printed(&catalog).join("\n")
    };
    let unknown = calling("AddComentV3");
    assert!(
        unknown.contains("has no operation 'AddComentV3'; did you mean 'AddCommentV3'?"),
        "{unknown}"
    );
    let parameter = calling("AddCommentV3");
    assert!(
        parameter.contains("operation 'AddCommentV3' has no parameter 'incident'"),
        "{parameter}"
    );
}
