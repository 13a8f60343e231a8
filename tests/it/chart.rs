//! The chart: its data files are those of the program, its values are described, what it renders is accepted by a real
//! API server, and its account may do what the program's table says and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its harness too"
)]

pub mod content;
pub mod installed;
mod job;
mod lifecycle;
mod permissions;
mod replicas;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use riposte::api::yaml;
use riposte::cluster::rbac::{self, PERMISSIONS, Permission, Scope};
use riposte::definition::limits::TABLE;
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, eventually, failed, succeeded};

const KEEP: &str = "\nmetadata:\n  annotations:\n    helm.sh/resource-policy: keep\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the chart.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/riposte");

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A file must hold a text; `UPDATE=1` writes it.
fn holds(path: &Path, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == text,
        "{} is not up to date: UPDATE=1 cargo test chart",
        path.display()
    );
}

/// The files of a folder by name.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn documents(text: &str) -> Vec<Value> {
    let parsed = yaml::parse(text).unwrap_or_else(|error| panic!("{}", error.error("rendered")));
    parsed
        .into_iter()
        .map(|document| document.json)
        .filter(|json| !json.is_null())
        .collect()
}

#[test]
fn the_permissions_are_those_of_the_programs_table() {
    holds(&root().join("charts/riposte/files/rbac.yaml"), &rbac::chart_data());
}

#[test]
fn the_definitions_are_those_of_the_program_and_are_kept_when_the_chart_goes() {
    let folder = root().join("charts/riposte/files/crds");
    let mut names = BTreeSet::new();
    for path in files("crds") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("\nmetadata:\n").count(), 1, "{}", path.display());
        assert!(!text.contains("\nmetadata:\n  annotations:"), "{}", path.display());
        let name = path.file_name().unwrap().to_owned();
        holds(&folder.join(&name), &text.replacen("\nmetadata:\n", KEEP, 1));
        names.insert(name);
    }
    for path in files("charts/riposte/files/crds") {
        assert!(
            names.contains(path.file_name().unwrap()),
            "{} is of no kind",
            path.display()
        );
    }
}

/// Every place of an object of values, but for what has free keys.
fn places(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        let place = format!("{at}.{name}");
        let is_free = ["resources", "credentials", "affinity"].contains(&name.as_str());
        match member {
            Value::Object(members) if !members.is_empty() && !is_free => places(member, &place, found),
            Value::Object(_) | Value::Array(_) | Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Null => {
                found.insert(place);
            }
        }
    }
}

/// Every place that a schema names, which must be closed.
fn described(schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    assert_eq!(schema["additionalProperties"], false, "{at}");
    for (name, member) in schema["properties"].as_object().unwrap() {
        let place = format!("{at}.{name}");
        if member.get("properties").is_some() {
            described(member, &place, found);
        } else {
            found.insert(place);
        }
    }
}

#[test]
fn the_schema_knows_every_value_and_no_other() {
    let (mut values, mut schema) = (BTreeSet::new(), BTreeSet::new());
    places(&documents(&read("charts/riposte/values.yaml"))[0], "", &mut values);
    let text = read("charts/riposte/values.schema.json");
    described(&serde_json::from_str(&text).unwrap(), "", &mut schema);
    schema.remove(".global");
    assert_eq!(values, schema);
}

#[test]
fn the_schema_knows_every_limit_of_playbooks() {
    let schema: Value = serde_json::from_str(&read("charts/riposte/values.schema.json")).unwrap();
    let names = TABLE.map(|row| row.name);
    assert_eq!(schema["properties"]["limits"]["propertyNames"]["enum"], json!(names));
    let deployment = &rendered(
        "Deployment",
        &["--set-json=limits={\"text-length\":200000000,\"actions\":1000}"],
    )[0];
    let arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        .as_array()
        .unwrap();
    for argument in ["--limit=actions=1000", "--limit=text-length=200000000"] {
        assert!(arguments.contains(&json!(argument)), "{arguments:?}");
    }
}

#[test]
fn the_operator_is_told_of_places_and_pauses() {
    let values = ["--set=maxActiveRuns=500", "--set-json=pauseActions=[\"soc\",\"*\"]"];
    let deployment = &rendered("Deployment", &values)[0];
    let arguments = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    for argument in ["--max-active-runs=500", "--pause-actions=soc", "--pause-actions=*"] {
        assert!(
            arguments.as_array().unwrap().contains(&json!(argument)),
            "{arguments:?}"
        );
    }
}

#[test]
fn people_get_no_permission_of_unknown_resources() {
    let known: BTreeSet<_> = PERMISSIONS
        .iter()
        .flat_map(|permission| permission.resources)
        .copied()
        .collect();
    let virtual_ones = [
        "alerts",
        "serviceaccounts",
        "runs",
        "runs/actions",
        "runs/log",
        "runs/cancel",
        "runs/resubmit",
        "runs/approve",
        "approvals",
        "approvals/links",
        "runs/release",
        "brakes/pause",
        "brakes/unpause",
        "playbooks/start",
    ];
    for role in documents(&read("charts/riposte/files/people.yaml"))[0]
        .as_array()
        .unwrap()
    {
        for rule in role["rules"].as_array().unwrap() {
            for resource in rule["resources"].as_array().unwrap() {
                let resource = resource.as_str().unwrap();
                assert!(
                    known.contains(resource) || virtual_ones.contains(&resource),
                    "{resource}"
                );
            }
        }
    }
}

/// Values that reach every branch of the templates.
const VALUES: &[&[&str]] = &[
    &[],
    &[
        "--set=storage.persistent=false,crds.enabled=false,rbac.create=false,admission.enabled=false,journal.enabled=false",
    ],
    &[
        "--set=watchNamespaces={soc,playbooks},credentials.soc.secrets={virustotal},publicUrl=https://riposte.example.com",
        "--set=sealingKey.secretName=sealing,retention.runs=100000,allowNetworks={10.0.0.0/8},defaultWorkspace=soc",
        "--set=podDisruptionBudget.enabled=true,networkPolicy.enabled=true,metrics.serviceMonitor.enabled=true",
        "--set=journal.tls.secretName=serving,journal.tls.caBundle=QUJD,image.registry=r.example.com,image.tag=edge",
        "--set-json=workspaces=[{\"subscription\":\"s\",\"resourceGroup\":\"g\",\"workspace\":\"w\",\"namespace\":\"soc\"}]",
        "--set-json=extraObjects=[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"{{ .Release.Name }}-x\"}}]",
        "--set=admission.stampRequester=always,extraArgs={--verbose},serviceAccount.create=false,serviceAccount.name=mine",
    ],
    REPLICAS,
];

/// Several operators with a database.
const REPLICAS: &[&str] = &[
    "--set=replicas=2,store.postgres.existingSecret=store,sealingKey.secretName=sealing,podDisruptionBudget.enabled=true",
    "--set=journal.tls.secretName=serving,journal.tls.caBundle=QUJD",
];

#[test]
fn with_a_database_operators_replace_each_other_and_without_there_is_one() {
    let spec = |values| rendered("Deployment", values)[0]["spec"].clone();
    let (alone, shared) = (spec(&[]), spec(REPLICAS));
    assert_eq!(
        (&alone["replicas"], &alone["strategy"]["type"]),
        (&json!(1), &json!("Recreate"))
    );
    assert_eq!(
        (&shared["replicas"], &shared["strategy"]["type"]),
        (&json!(2), &json!("RollingUpdate"))
    );
    let environment = &shared["template"]["spec"]["containers"][0]["env"];
    let address = json!({"name": "RIPOSTE_STORE", "valueFrom": {"secretKeyRef": {"name": "store", "key": "url"}}});
    assert!(environment.as_array().unwrap().contains(&address), "{environment}");
    assert_eq!(rendered("PersistentVolumeClaim", &[]).len(), 1);
    assert!(rendered("PersistentVolumeClaim", REPLICAS).is_empty());
}

#[test]
fn every_branch_renders_and_lints() {
    let plane = ControlPlane::shared();
    for values in VALUES {
        let lint = [&["lint", "--strict", CHART], *values].concat();
        succeeded(&plane.helm("admin", &lint));
        let template = [&["template", "riposte", CHART], *values].concat();
        for object in documents(&succeeded(&plane.helm("admin", &template))) {
            assert!(object["metadata"]["name"].is_string(), "{object}");
        }
    }
}

#[test]
fn values_that_make_no_sense_are_refused() {
    let plane = ControlPlane::shared();
    let cases = [
        ("storage.sizes=8Gi", "sizes"),
        ("admission.validationActions={Refuse}", "validationActions"),
        ("journal.tls.secretName=serving", "journal.tls.caBundle is needed with"),
        ("journal.tls.caBundle=QUJD", "journal.tls.caBundle is needed only with"),
        ("journal.tls.secretName=Serving", "journal/tls/secretName"),
        ("journal.tls.caBundle=-----BEGIN", "journal/tls/caBundle"),
        ("serviceAccount.create=false", "serviceAccount.name is needed"),
        ("service.port=443", "service.port must not be 443"),
        ("watchNamespaces={Soc}", "watchNamespaces"),
        ("replicas=2", "replicas above 1 need store.postgres.existingSecret"),
        ("store.postgres.existingSecret=store", "needs sealingKey.secretName"),
        (
            "replicas=2,sealingKey.secretName=sealing,store.postgres.existingSecret=store",
            "replicas above 1 need journal.tls.secretName",
        ),
    ];
    for (value, message) in cases {
        let errors = failed(&plane.helm("admin", &["template", "riposte", CHART, "--set", value]));
        assert!(errors.contains(message), "{value}: {errors}");
    }
}

/// The rendered objects of a kind.
fn rendered(kind: &str, values: &[&str]) -> Vec<Value> {
    let template = [&["template", "riposte", CHART], values].concat();
    let objects = documents(&succeeded(&ControlPlane::shared().helm("admin", &template)));
    objects.into_iter().filter(|object| object["kind"] == kind).collect()
}

#[tokio::test]
async fn its_pods_may_run_where_only_restricted_ones_may() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let enforce = "pod-security.kubernetes.io/enforce=restricted";
    succeeded(&plane.kubectl("admin", &["label", "namespace", &namespace, enforce], ""));
    for name in ["riposte", "default"] {
        let _ = plane.kubectl("admin", &["create", "serviceaccount", name, "-n", &namespace], "");
    }
    let template = rendered("Deployment", &[])[0]["spec"]["template"].clone();
    let mut pod =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
    pod["metadata"]["name"] = "operator".into();
    let mut test = rendered("Pod", &[])[0].clone();
    test["metadata"]["namespace"] = (*namespace).into();
    for pod in [pod, test] {
        let create = ["create", "--dry-run=server", "-n", &namespace, "-f", "-"];
        succeeded(&plane.kubectl("admin", &create, &pod.to_string()));
    }
}

#[test]
fn no_cluster_role_of_the_operator_reads_secrets_or_acts_as_others() {
    for values in VALUES {
        for role in rendered("ClusterRole", values) {
            let text = role.to_string();
            assert!(!text.contains("\"secrets\""), "{text}");
            for verb in ["impersonate", "escalate", "\"bind\"", "\"*\""] {
                assert!(!text.contains(verb), "{text}");
            }
        }
    }
}

#[test]
fn the_kinds_are_installed_and_kept() {
    let definitions = rendered("CustomResourceDefinition", &[]);
    assert_eq!(definitions.len(), files("crds").len());
    for definition in definitions {
        assert_eq!(definition["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "-f",
            "-",
        ];
        succeeded(&ControlPlane::shared().kubectl("admin", &apply, &definition.to_string()));
    }
}

#[test]
fn the_operator_may_change_its_api_service_only_where_it_makes_the_certificate() {
    let cases: [(&[&str], bool); 3] = [
        (&[], true),
        (&["--set=journal.enabled=false"], false),
        (
            &["--set=journal.tls.secretName=serving,journal.tls.caBundle=QUJD"],
            false,
        ),
    ];
    for (values, expected) in cases {
        let roles = Value::Array(rendered("ClusterRole", values)).to_string();
        assert_eq!(roles.contains("apiservices"), expected, "{values:?}");
    }
}

#[test]
fn secrets_are_read_by_name_where_names_are_known() {
    let values = ["--set=watchNamespaces={soc,playbooks},credentials.soc.secrets={virustotal}"];
    let roles = rendered("Role", &values);
    let rules = |namespace: &str| {
        let role = roles.iter().find(|role| {
            role["metadata"]["namespace"] == namespace && role["metadata"]["name"] == "riposte-operator-credentials"
        });
        role.unwrap()["rules"].clone()
    };
    let rule = |resource: &str| json!({"apiGroups": [""], "resources": [resource], "verbs": ["get"]});
    let mut by_name = rule("secrets");
    by_name["resourceNames"] = json!(["virustotal"]);
    assert_eq!(rules("soc"), json!([rule("configmaps"), by_name]));
    assert_eq!(rules("playbooks"), json!([rule("configmaps"), rule("secrets")]));
}

/// Whether a user may do something, by the API server's own answer.
pub fn may(user: &str, namespace: &str, group: &str, resource: &str, name: &str, verb: &str) -> bool {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": {"namespace": namespace, "group": group, "resource": resource,
            "subresource": subresource, "name": name, "verb": verb}},
    });
    let create = ["create", "-f", "-", "-o", "json"];
    let answer = succeeded(&ControlPlane::shared().kubectl("admin", &create, &review.to_string()));
    serde_json::from_str::<Value>(&answer).unwrap()["status"]["allowed"] == true
}

fn may_all(account: &str, own: &str, watched: &str, permission: &Permission) -> bool {
    let namespace = match permission.scope {
        Scope::Cluster => "",
        Scope::Watched | Scope::Credentials => watched,
        Scope::Own => own,
        Scope::KubeSystem => "kube-system",
    };
    let name = permission.names.first().copied().unwrap_or("");
    permission.resources.iter().all(|resource| {
        permission
            .verbs
            .iter()
            .all(|verb| may(account, namespace, permission.group, resource, name, verb))
    })
}

#[tokio::test]
async fn an_installed_chart_gives_its_account_the_table_and_nothing_else() {
    let plane = ControlPlane::shared();
    let journal = plane.journal_lock().await;
    let (own, watched, other) = (
        plane.namespace().await,
        plane.namespace().await,
        plane.namespace().await,
    );
    let overrides = format!("--set=fullnameOverride={own},watchNamespaces={{{}}}", &*watched);
    let install = [
        "install",
        "riposte",
        CHART,
        "-n",
        &own,
        &overrides,
        "--set=admission.enabled=false",
    ];
    let without = ["--set=crds.enabled=false", "--set=journal.enabled=true"];
    succeeded(&plane.helm("admin", &[&install[..], &without].concat()));
    // Nobody serves it here, and the deletion of other tests' namespaces would wait for that.
    journal.unregister();
    let account = format!("system:serviceaccount:{}:{}", &*own, &*own);

    for permission in PERMISSIONS {
        eventually(permission.why, async || {
            may_all(&account, &own, &watched, permission).then_some(())
        })
        .await;
    }
    let refused = [
        ("", "", "secrets", "get"),
        (&*other, "", "secrets", "get"),
        (&*own, "", "secrets", "get"),
        (&*watched, "", "secrets", "list"),
        (&*other, "riposte.dev", "playbooks", "list"),
        (&*watched, "riposte.dev", "playbooks", "patch"),
        (&*watched, "riposte.dev", "automationrules", "update"),
        (&*watched, "", "pods", "list"),
        ("", "", "users", "impersonate"),
        (&*watched, "", "serviceaccounts", "impersonate"),
        ("", "rbac.authorization.k8s.io", "clusterroles", "bind"),
        ("", "rbac.authorization.k8s.io", "clusterroles", "escalate"),
        ("", "apiregistration.k8s.io", "apiservices", "patch"),
        (&*other, "rbac.authorization.k8s.io", "roles", "create"),
    ];
    for (namespace, group, resource, verb) in refused {
        assert!(
            !may(&account, namespace, group, resource, "", verb),
            "{verb} {resource} in '{namespace}'"
        );
    }
    succeeded(&plane.helm("admin", &["uninstall", "riposte", "-n", &own]));
}

#[tokio::test]
async fn where_all_namespaces_are_watched_secrets_are_read_only_where_they_are_named() {
    let plane = ControlPlane::shared();
    let (own, named, other) = (
        plane.namespace().await,
        plane.namespace().await,
        plane.namespace().await,
    );
    let set = format!("--set=fullnameOverride={own},journal.enabled=false,credentials.{named}.secrets={{virustotal}}");
    let only = "--set=crds.enabled=false,admission.enabled=false,rbac.people=false,storage.persistent=false";
    succeeded(&plane.helm("admin", &["install", "riposte", CHART, "-n", &own, &set, only]));
    let account = format!("system:serviceaccount:{}:{}", &*own, &*own);
    for permission in PERMISSIONS
        .iter()
        .filter(|permission| permission.scope == Scope::Watched)
    {
        eventually(permission.why, async || {
            may_all(&account, &own, &other, permission).then_some(())
        })
        .await;
    }
    eventually("the named Secret", async || {
        may(&account, &named, "", "secrets", "virustotal", "get").then_some(())
    })
    .await;
    for (namespace, name) in [(&named, "others"), (&other, "virustotal"), (&own, "virustotal")] {
        assert!(
            !may(&account, namespace, "", "secrets", name, "get"),
            "{namespace}/{name}"
        );
    }
    succeeded(&plane.helm("admin", &["uninstall", "riposte", "-n", &own]));
}

/// What a role of the chart allows and does not allow, each as `verb resource.group`.
const PEOPLE: &[(&str, &[&str], &[&str])] = &[
    (
        "reader",
        &["list playbooks.riposte.dev", "get runs.journal.riposte.dev"],
        &[
            "run playbooks.riposte.dev",
            "patch incidents.riposte.dev",
            "get runs/actions.journal.riposte.dev",
        ],
    ),
    (
        "responder",
        &[
            "triage incidents.riposte.dev",
            "run playbooks.riposte.dev",
            "create playbookruns.riposte.dev",
            "approve playbookruns.riposte.dev",
            "create playbooks/start.journal.riposte.dev",
            "get runs/log.journal.riposte.dev",
        ],
        &[
            "attach playbooks.riposte.dev",
            "create automationrules.riposte.dev",
            "patch playbooks.riposte.dev",
        ],
    ),
    (
        "contributor",
        &[
            "create automationrules.riposte.dev",
            "attach playbooks.riposte.dev",
            "triage incidents.riposte.dev",
        ],
        &[
            "author playbooks.riposte.dev",
            "create playbooks.riposte.dev",
            "create playbookgrants.riposte.dev",
        ],
    ),
    (
        "playbook-operator",
        &["patch playbooks.riposte.dev", "get runs.journal.riposte.dev"],
        &[
            "author playbooks.riposte.dev",
            "run playbooks.riposte.dev",
            "delete playbooks.riposte.dev",
        ],
    ),
    (
        "playbook-runner",
        &["run playbooks.riposte.dev", "create playbookruns.riposte.dev"],
        &[
            "patch playbooks.riposte.dev",
            "author playbooks.riposte.dev",
            "attach playbooks.riposte.dev",
        ],
    ),
    (
        "playbook-contributor",
        &[
            "author playbooks.riposte.dev",
            "create apiconnections.riposte.dev",
            "use apiconnections.riposte.dev",
        ],
        &[
            "grant playbooks.riposte.dev",
            "create playbookgrants.riposte.dev",
            "use serviceaccounts",
            "get secrets",
        ],
    ),
    (
        "playbook-owner",
        &[
            "grant playbooks.riposte.dev",
            "create playbookgrants.riposte.dev",
            "use serviceaccounts",
        ],
        &[
            "attach playbooks.riposte.dev",
            "triage incidents.riposte.dev",
            "get secrets",
        ],
    ),
    (
        "automation-contributor",
        &["run playbooks.riposte.dev"],
        &["get playbooks.riposte.dev", "create playbookruns.riposte.dev"],
    ),
    (
        "alert-sender",
        &["create alerts.riposte.dev"],
        &["create incidents.riposte.dev", "list incidents.riposte.dev"],
    ),
];

#[tokio::test]
async fn people_may_do_what_their_role_says() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let set = format!("--set=fullnameOverride={namespace},crds.enabled=false,journal.enabled=false");
    let only = "--set=rbac.create=false,admission.enabled=false";
    succeeded(&plane.helm("admin", &["install", "riposte", CHART, "-n", &namespace, &set, only]));
    for (role, allowed, denied) in PEOPLE {
        let user = plane.fresh_user();
        let (role_flag, user_flag) = (
            format!("--clusterrole={}-{role}", &*namespace),
            format!("--user={user}"),
        );
        let bind = ["create", "rolebinding", role, &role_flag, &user_flag, "-n", &namespace];
        succeeded(&plane.kubectl("admin", &bind, ""));
        let asked = |question: &str| {
            let (verb, what) = question.split_once(' ').unwrap();
            let (resource, group) = what.split_once('.').unwrap_or((what, ""));
            may(&user, &namespace, group, resource, "", verb)
        };
        for question in *allowed {
            eventually(&format!("{role}: {question}"), async || asked(question).then_some(())).await;
        }
        for question in *denied {
            assert!(!asked(question), "{role}: {question}");
        }
    }
    let user = plane.fresh_user();
    let bind = [
        "create",
        "rolebinding",
        "viewer",
        "--clusterrole=view",
        "--user",
        &user,
        "-n",
        &namespace,
    ];
    succeeded(&plane.kubectl("admin", &bind, ""));
    eventually("who may view sees playbooks too", async || {
        may(&user, &namespace, "riposte.dev", "playbooks", "", "list").then_some(())
    })
    .await;
    assert!(!may(&user, &namespace, "riposte.dev", "playbooks", "", "run"));
    succeeded(&plane.helm("admin", &["uninstall", "riposte", "-n", &namespace]));
}
