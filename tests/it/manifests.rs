//! Manifests: schemas that document and bound everything, and every problem found with its place.

use riposte::api::manifest::{Decoded, Manifest, decode};
use riposte::api::{Diagnostic, Kind, yaml};
use serde_json::{Map, Value, json};

fn read(text: &str) -> Result<Decoded, Vec<Diagnostic>> {
    let documents = yaml::parse(text).expect("the text is YAML");
    decode(&documents[0], "file.yaml")
}

fn manifest(text: &str) -> Manifest {
    match read(text).expect("the manifest is sound") {
        Decoded::Manifest(manifest) => *manifest,
        foreign @ (Decoded::Foreign { .. } | Decoded::Test) => unreachable!("{foreign:?}"),
    }
}

/// Diagnostics as `line:column code`, in the order of the text.
fn problems(text: &str) -> Vec<String> {
    let mut found = read(text).expect_err("the manifest has problems");
    found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    found
        .iter()
        .map(|found| format!("{}:{} {}", found.line, found.column, found.code))
        .collect()
}

fn object(kind: &str, spec: &str) -> String {
    format!("apiVersion: riposte.dev/v1alpha1\nkind: {kind}\nmetadata:\n  name: it\nspec:\n{spec}")
}

/// A rule on incidents, with lines 6 to 8 before the given ones.
fn rule(rest: &str) -> String {
    object(
        "AutomationRule",
        &format!("  displayName: It\n  order: 1\n  triggersOn: Incidents\n{rest}"),
    )
}

const RUN: &str = "  actions:\n  - runPlaybook: {name: it}\n";

#[test]
fn every_field_is_documented_and_bounded() {
    let mut faults = Vec::new();
    for kind in Kind::ALL {
        let schema = kind.schema();
        walk(kind.as_str(), &schema, &mut faults);
        for (name, definition) in schema["$defs"].as_object().unwrap_or(&Map::new()) {
            walk(name, definition, &mut faults);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

fn walk(path: &str, schema: &Value, faults: &mut Vec<String>) {
    walk_as(path, schema, false, faults);
}

/// A variant of an enum is an object with one property; its description stands beside the property.
fn walk_as(path: &str, schema: &Value, is_variant: bool, faults: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let path = format!("{path}.{name}");
        let around = if is_variant { schema } else { property };
        if around["description"].as_str().is_none_or(str::is_empty) {
            faults.push(format!("{path} has no description"));
        }
        walk(&path, property, faults);
    }
    for keyword in ["oneOf", "anyOf"] {
        for (index, branch) in schema[keyword].as_array().unwrap_or(&Vec::new()).iter().enumerate() {
            if branch.get("const").is_some() && branch["description"].as_str().is_none_or(str::is_empty) {
                faults.push(format!("{path}: {branch} has no description"));
            }
            walk_as(&format!("{path}#{index}"), branch, keyword == "oneOf", faults);
        }
    }
    let is = |name: &str| match &schema["type"] {
        Value::Array(types) => types.iter().any(|one| one == name),
        one => one == name,
    };
    let is_word = schema.get("const").is_some() || schema.get("enum").is_some();
    if is("string") && !is_word && schema.get("maxLength").is_none() {
        faults.push(format!("{path} has no longest length"));
    }
    if is("array") {
        if schema.get("maxItems").is_none() {
            faults.push(format!("{path} has no greatest number of items"));
        }
        walk(&format!("{path}[]"), &schema["items"], faults);
    }
    if (is("integer") || is("number")) && schema.get("maximum").is_none() {
        faults.push(format!("{path} has no maximum"));
    }
    if let Some(values @ Value::Object(_)) = schema.get("additionalProperties") {
        if schema.get("maxProperties").is_none() {
            faults.push(format!("{path} has no greatest number of members"));
        }
        walk(&format!("{path}{{}}"), values, faults);
    }
}

/// Runs `riposte validate` on a file.
fn validate(text: &str, output: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a folder is made");
    let file = folder.path().join("it.yaml");
    std::fs::write(&file, text).expect("a file is written");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_riposte"));
    let command = command.args(["validate", "-o", output]).arg(&file);
    let done = command.output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is text");
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[test]
fn validate_tells_errors_from_warnings() {
    let warned = rule(RUN);
    let broken = format!("{warned}---\n{}", object("Playbook", "  definitionText: 'a: ['\n"));
    let (code, stdout, stderr) = validate(&warned, "text");
    assert_eq!(code, Some(0), "{stdout}");
    assert!(
        stdout.contains("it.yaml:10:25: warning: Playbook `default/it` does not exist"),
        "{stdout}"
    );
    assert_eq!(stderr, "files: 1, errors: 0, warnings: 1\n");
    let (code, stdout, stderr) = validate(&broken, "json");
    assert_eq!(code, Some(1), "{stdout}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["summary"], json!({"files": 1, "errors": 1, "warnings": 1}));
    assert_eq!(report["problems"][1]["code"], "InvalidDefinitionText");
    assert_eq!(report["problems"][1]["line"], 17);
    assert_eq!(stderr, "files: 1, errors: 1, warnings: 1\n");
    let (_, stdout, _) = validate(&broken, "sarif");
    let log: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["level"], "warning");
    assert_eq!(log["runs"][0]["results"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_whole_rule_is_read() {
    let text = rule(
        "  triggersWhen: Updated
  conditions:
  - property: {propertyName: IncidentTitle, operator: Contains, propertyValues: [a]}
  - propertyChanged: {propertyName: IncidentStatus, changeType: ChangedTo, propertyValues: [Closed]}
  - propertyArrayChanged: {arrayType: Labels}
  - propertyArray:
      arrayType: CustomDetails
      itemConditions:
      - property: {propertyName: IncidentCustomDetailsKey, operator: Equals, propertyValues: [k]}
      - propertyArray:
          arrayType: CustomDetailValues
          itemConditions:
          - property: {propertyName: IncidentCustomDetailsValue, operator: Equals, propertyValues: [v]}
  - boolean:
      operator: Or
      innerConditions:
      - boolean:
          operator: And
          innerConditions:
          - property: {propertyName: HostName, operator: Equals, propertyValues: [h]}
  actions:
  - modifyProperties: {status: Closed, classification: FalsePositive, classificationReason: InaccurateData, owner: {}}
  - addIncidentTask: {title: Look}
  - runPlaybook: {name: it, namespace: other}
",
    );
    let Manifest::AutomationRule(rule) = manifest(&text) else {
        panic!()
    };
    assert_eq!(
        (
            rule.metadata.name.as_str(),
            rule.spec.conditions.len(),
            rule.spec.actions.len()
        ),
        ("it", 5, 3)
    );
    assert!(rule.spec.enabled);
}

#[test]
fn what_is_not_ours_is_foreign() {
    let foreign = |api_version: &str, kind: &str| {
        Ok(Decoded::Foreign {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        })
    };
    assert_eq!(
        read("apiVersion: apps/v1\nkind: Deployment\n"),
        foreign("apps/v1", "Deployment")
    );
    assert_eq!(read("apiVersion: v1\nkind: Service\n"), foreign("v1", "Service"));
    assert_eq!(read("[1, 2]\n"), foreign("", ""));
}

#[test]
fn an_unknown_kind_is_refused_by_name() {
    let found = read("apiVersion: riposte.dev/v1\nkind: Playbok\n").unwrap_err();
    let messages: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "file.yaml:1:13: error: version `v1` is not served; use `riposte.dev/v1alpha1`",
            "file.yaml:2:7: error: unknown kind `Playbok`; riposte.dev has Playbook, AutomationRule, ApiConnection, \
             Connector, PlaybookGrant, PlaybookRun, AnalyticsRule, Incident, ContentRepository; did you mean `Playbook`?",
        ]
    );
    assert_eq!(problems("kind: Playbook\n"), ["1:1 MissingField"]);
}

#[test]
fn names_must_be_names() {
    for name in ["Upper", "-a", "a_b", "a..b", "12", "''"] {
        let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n");
        assert_eq!(problems(&text), ["4:9 InvalidName"], "{name}");
    }
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  namespace: a.b\n  labels: {a: 1}\n";
    assert_eq!(
        problems(text),
        ["3:1 MissingField", "4:14 InvalidName", "5:15 InvalidValue"]
    );
}

#[test]
fn all_problems_come_at_once_with_places_and_hints() {
    let text = "\
apiVersion: riposte.dev/v1alpha1
kind: AutomationRule
metadata: {name: it}
specs: 1
spec:
  displayNam: It
  order: 2000
  triggersOn: Incident
  expirationTime: tomorrow
  conditions:
  - property: {propertyName: IncidentTitel, operator: Equals, propertyValues: []}
  - propperty: {}
  - {}
  actions:
  - modifyProperties: {severity: 3, labels: ['']}
  - runPlaybook: {name: It}
";
    let found = read(text).unwrap_err();
    let mut printed: Vec<_> = found.iter().map(ToString::to_string).collect();
    printed.sort_by_key(|line| line.split(':').nth(1).and_then(|line| line.parse::<u32>().ok()));
    let expected = [
        "file.yaml:4:1: error: unknown field `specs`; did you mean `spec`?",
        "file.yaml:5:1: error: field `displayName` is missing",
        "file.yaml:6:3: error: unknown field `displayNam`; did you mean `displayName`?",
        "file.yaml:7:10: error: 2000 is too large, at most 1000 is allowed",
        "file.yaml:8:15: error: `Incident` is not one of Incidents, Alerts; did you mean `Incidents`?",
        "file.yaml:11:30: error: `IncidentTitel` is not known here; did you mean `IncidentTitle`?",
        "file.yaml:11:63: error: the list has 0 items, at least 1 needed",
        "file.yaml:12:5: error: unknown field `propperty`; known here are `property`, `propertyChanged`, \
         `propertyArrayChanged`, `propertyArray`, `boolean`; did you mean `property`?",
        "file.yaml:13:5: error: exactly one of `property`, `propertyChanged`, `propertyArrayChanged`, `propertyArray`, \
         `boolean` must be set",
        "file.yaml:15:34: error: must be a word, one of Informational, Low, Medium, High",
        "file.yaml:15:46: error: the text has 0 characters, at least 1 needed",
        "file.yaml:16:25: error: the text does not have the form `^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`",
    ];
    for (printed, expected) in printed.iter().zip(expected) {
        assert_eq!(printed, expected);
    }
    assert_eq!(printed.len(), expected.len(), "{printed:#?}");
}

#[test]
fn fields_that_go_together_are_checked_in_rules() {
    let cases = [
        (
            "  triggersOn: Alerts\n  triggersWhen: Updated\n",
            RUN,
            vec!["9:17 AlertsOnlyCreated"],
        ),
        (
            "  triggersOn: Alerts\n",
            "  actions:\n  - modifyProperties: {severity: Low}\n  - addIncidentTask: {title: x}\n",
            vec!["10:23 AlertsOnlyRunPlaybook", "11:22 AlertsOnlyRunPlaybook"],
        ),
        (
            "  triggersOn: Incidents\n  expirationTime: 2026-01-01\n",
            RUN,
            vec!["9:19 InvalidTime"],
        ),
        (
            "  triggersOn: Incidents\n  conditions:\n  - propertyChanged: {propertyName: IncidentOwner}\n  - propertyArrayChanged: {arrayType: Alerts}\n",
            RUN,
            vec!["10:22 NeedsUpdated", "11:27 NeedsUpdated"],
        ),
        (
            "  triggersOn: Incidents\n  triggersWhen: Updated\n  conditions:\n  - propertyChanged: {propertyName: IncidentOwner, operator: Equals}\n  - propertyChanged: {propertyName: IncidentOwner, changeType: ChangedTo}\n",
            RUN,
            vec!["11:22 MissingField", "12:22 MissingField"],
        ),
        (
            "  triggersOn: Incidents\n  conditions:\n  - boolean: {operator: Or, innerConditions: [{boolean: {operator: And, innerConditions: [{propertyArrayChanged: {arrayType: Alerts}}]}}]}\n",
            RUN,
            vec!["10:114 NeedsUpdated"],
        ),
        (
            "  triggersOn: Incidents\n",
            "  actions:\n  - modifyProperties: {status: Closed}\n  - modifyProperties: {classification: Undetermined}\n  - modifyProperties: {}\n",
            vec![
                "10:23 MissingClassification",
                "11:23 ClassificationWithoutClosing",
                "12:23 NothingToDo",
            ],
        ),
        (
            "  triggersOn: Incidents\n",
            "  actions:\n  - modifyProperties: {status: Closed, classification: Undetermined, classificationReason: InaccurateData}\n  - modifyProperties: {status: Closed, classification: FalsePositive}\n",
            vec!["10:92 WrongReason", "11:23 MissingReason"],
        ),
        (
            "  triggersOn: Incidents\n  conditions:\n  - propertyArray: {arrayType: CustomDetailValues, itemConditions: [{propertyArray: {arrayType: CustomDetailValues, itemConditions: [{property: {propertyName: IncidentCustomDetailsValue, operator: Equals, propertyValues: [a]}}]}}]}\n",
            RUN,
            vec!["10:32 WrongArray", "10:97 WrongArray"],
        ),
    ];
    for (trigger, actions, expected) in cases {
        let text = object(
            "AutomationRule",
            &format!("  displayName: It\n  order: 1\n{trigger}{actions}"),
        );
        assert_eq!(problems(&text), expected, "{text}");
    }
}

#[test]
fn a_playbook_has_one_definition_and_unique_names() {
    let playbook = |spec: &str| object("Playbook", spec);
    assert_eq!(problems(&playbook("  suspend: true\n")), ["5:1 ExactlyOne"]);
    assert_eq!(
        problems(&playbook("  definition: {}\n  definitionText: '{}'\n")),
        ["5:1 ExactlyOne"]
    );
    let text = playbook(
        "  definition: {anything: [1]}
  parameters:
  - {name: a, value: 1}
  - {name: A, value: 1, valueFrom: {secretKeyRef: {name: s, key: k}}}
  - {name: $connections, value: {}}
  connections:
  - {name: v, connectionRef: {name: v}}
  - {name: v, connectionRef: {name: w}}
",
    );
    assert_eq!(
        problems(&text),
        [
            "9:5 ExactlyOne",
            "9:12 DuplicateName",
            "10:12 ReservedName",
            "13:12 DuplicateName"
        ]
    );
    let text = playbook(&format!("  definitionText: '{}'\n", "x".repeat(1_000_001)));
    assert_eq!(problems(&text), ["6:19 InvalidValue"]);
}

#[test]
fn connections_name_hosts_and_networks_that_parse() {
    let connection = |spec: &str| object("ApiConnection", &format!("  connector: it\n{spec}"));
    let good = connection(
        "  baseUrl: https://misp.example.com:8443/api\n  hosts: [misp.example.com, 'Misp.example.com:8443', '[::1]:80', 10.0.0.1, 'x:443']\n  allowedNetworks: [10.0.0.0/8, 'fd00::/8']\n",
    );
    assert!(matches!(manifest(&good), Manifest::ApiConnection(_)));
    for host in ["https://x", "x/y", "a:0", "a:99999", "user@x", "x?y", "a b"] {
        assert_eq!(
            problems(&connection(&format!("  hosts: ['{host}']\n"))),
            ["7:11 InvalidHost"],
            "{host}"
        );
    }
    for address in ["https://", "https://a:b@c", "http://x/?q=1"] {
        assert_eq!(
            problems(&connection(&format!("  baseUrl: {address}\n"))),
            ["7:12 InvalidUrl"],
            "{address}"
        );
    }
    assert_eq!(
        problems(&connection("  allowedNetworks: [10.0.0.1]\n")),
        ["7:21 InvalidNetwork"]
    );
    let credentials = "{tokenUrl: 'https://a@b', clientId: c, clientSecretFrom: {secretKeyRef: {name: s, key: k}}}";
    let text = connection(&format!("  authentication: {{clientCredentials: {credentials}}}\n"));
    assert_eq!(problems(&text), ["7:50 InvalidUrl"]);
}

#[test]
fn connectors_name_only_declared_parameters() {
    let text = object(
        "Connector",
        "  openapi: {inline: {openapi: 3.0.0}}
  baseUrl: https://{hots}/
  parameters:
  - {name: host}
  authentication: {header: {name: X, value: 'Bearer {token}'}}
",
    );
    assert_eq!(problems(&text), ["7:12 UnknownParameter", "10:45 UnknownParameter"]);
    assert_eq!(
        read(&text).unwrap_err()[0].hint.as_deref(),
        Some("did you mean `host`?")
    );
}

#[test]
fn grants_name_each_workspace_once() {
    let text = object(
        "PlaybookGrant",
        "  from: [{namespace: a}, {namespace: a}]\n  to: [{name: b}, {name: b}]\n",
    );
    assert_eq!(problems(&text), ["6:38 DuplicateName", "7:26 DuplicateName"]);
}

#[test]
fn secrets_are_read_in_both_forms_and_never_shown() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: cGFzc3dvcmQ=}\nstringData: {b: hunter2}\n";
    let secret = manifest(text);
    assert!(!format!("{secret:?}").contains("hunter2") && !format!("{secret:?}").contains("password"));
    let Manifest::Secret(secret) = secret else { panic!() };
    assert_eq!(secret.data["a"].expose(), "password");
    assert_eq!(secret.data["b"].expose(), "hunter2");
    let broken = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: 'hunter2!', b: 12}\n";
    let found = read(broken).unwrap_err();
    assert!(
        found
            .iter()
            .all(|found| !found.to_string().contains("hunter2") && found.code == "InvalidValue")
    );
    assert_eq!(found.len(), 2);
}

#[test]
fn values_of_parameters_are_not_repeated_in_messages() {
    let text = object(
        "ApiConnection",
        "  connector: it\n  parameters:\n  - {name: k, value: hunter2, valueForm: hunter2}\n  authentication: hunter2\n",
    );
    let found = read(&text).unwrap_err();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().all(|found| !found.to_string().contains("hunter2")),
        "{found:?}"
    );
}

/// A scheduled rule, with lines 6 to 12 before the given ones.
fn analytics(rest: &str) -> String {
    object(
        "AnalyticsRule",
        &format!(
            "  name: It\n  severity: Low\n  query: T\n  queryFrequency: 1h\n  queryPeriod: 1h\n  triggerOperator: gt\n  triggerThreshold: 0\n{rest}"
        ),
    )
}

#[test]
fn analytics_rules_take_the_three_forms_of_durations() {
    for (frequency, period) in [
        ("5m", "14d"),
        ("PT1H", "P1D"),
        ("01:00:00", "1.00:00:00"),
        ("1h", "P1DT1H"),
    ] {
        let text = analytics("").replace("queryFrequency: 1h", &format!("queryFrequency: {frequency:?}"));
        let text = text.replace("queryPeriod: 1h", &format!("queryPeriod: {period:?}"));
        let expected: &[&str] = if frequency == "5m" {
            &["9:19 FrequencyTooShort"]
        } else {
            &[]
        };
        let found = read(&text).err().unwrap_or_default();
        let found: Vec<_> = found
            .iter()
            .map(|one| format!("{}:{} {}", one.line, one.column, one.code))
            .collect();
        assert_eq!(found, expected, "{frequency} {period}");
    }
    let text = analytics("  suppressionDuration: 25h\n  startTimeUtc: tomorrow\n");
    let text = text.replace("queryFrequency: 1h", "queryFrequency: 4m");
    let text = text.replace("queryPeriod: 1h", "queryPeriod: 3m");
    let expected = [
        "9:19 InvalidDuration",
        "10:16 InvalidDuration",
        "10:16 PeriodTooShort",
        "13:24 InvalidDuration",
        "14:17 InvalidTime",
    ];
    assert_eq!(problems(&text), expected);
}

#[test]
fn near_real_time_rules_need_no_schedule() {
    let text = object(
        "AnalyticsRule",
        "  name: It\n  kind: NRT\n  severity: Low\n  query: T\n",
    );
    assert!(matches!(manifest(&text), Manifest::AnalyticsRule(_)));
    assert_eq!(problems(&text.replace("  kind: NRT\n", "")), ["5:1 MissingField"]);
}

#[test]
fn alerts_are_grouped_by_something() {
    let grouping = |fields: &str| {
        let fields = format!("    groupingConfiguration: {{{fields}}}\n");
        analytics(&format!("  incidentConfiguration:\n{fields}"))
    };
    assert_eq!(
        problems(&grouping("enabled: true, matchingMethod: Selected")),
        ["14:28 NothingSelected"]
    );
    assert_eq!(problems(&grouping("lookbackDuration: 8d")), ["14:47 InvalidDuration"]);
    for sound in [
        "matchingMethod: Selected",
        "enabled: true",
        "enabled: true, matchingMethod: Selected, groupByAlertDetails: [Severity]",
    ] {
        assert!(
            matches!(manifest(&grouping(sound)), Manifest::AnalyticsRule(_)),
            "{sound}"
        );
    }
}

#[test]
fn runs_are_started_with_json_or_a_time() {
    let run = |trigger: &str| {
        object(
            "PlaybookRun",
            &format!("  playbookRef: {{name: it}}\n  trigger: {trigger}\n"),
        )
    };
    for sound in [
        "{payload: {body: '{\"a\": [1]}'}}",
        "{payload: {body: '1'}}",
        "{entity: {id: a-1, incident: '7'}}",
    ] {
        assert!(matches!(manifest(&run(sound)), Manifest::PlaybookRun(_)), "{sound}");
    }
    assert_eq!(problems(&run("{payload: {body: text}}")), ["7:29 InvalidJson"]);
    assert_eq!(problems(&run("{schedule: {time: noon}}")), ["7:30 InvalidTime"]);
    assert_eq!(problems(&run("{alert: {id: ../x}}")), ["7:25 InvalidValue"]);
}

#[test]
fn wishes_about_an_incident_are_checked_like_those_of_rules() {
    let incident = |spec: &str| object("Incident", &format!("  {spec}\n"));
    assert!(matches!(manifest(&incident("owner: {}")), Manifest::Incident(_)));
    assert_eq!(problems(&incident("status: Closed")), ["5:1 MissingClassification"]);
    assert_eq!(
        problems(&incident("classificationComment: why")),
        ["5:1 ClassificationWithoutClosing"]
    );
}

#[test]
fn repositories_have_addresses_without_credentials() {
    let content = |url: &str| object("ContentRepository", &format!("  url: {url}\n"));
    for sound in ["https://git.example.com/a/b.git", "ssh://git@git.example.com:22/a/b"] {
        assert!(
            matches!(manifest(&content(sound)), Manifest::ContentRepository(_)),
            "{sound}"
        );
    }
    for wrong in [
        "https://me:word@git.example.com/a",
        "https://token@git.example.com/a",
        "ssh://a:b@c/d",
    ] {
        let found = read(&content(wrong)).unwrap_err();
        assert_eq!((found.len(), found[0].code.as_str()), (1, "InvalidUrl"), "{wrong}");
        assert!(
            found[0].message.contains("secretRef") && !found[0].message.contains("token@"),
            "{wrong}"
        );
    }
    assert_eq!(problems(&content("ftp://host/etc")), ["6:8 InvalidValue"]);
}
