//! The admission policies of the chart on a real API server: who may save what, and what refusals say.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its harness too"
)]

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::chart::CHART;
use crate::control_plane::clients::Namespace;
use crate::control_plane::{ControlPlane, eventually, succeeded};
use crate::patience::settled;

/// How long a policy and a permission may take until the API server goes by them.
const SEEN: Duration = Duration::from_secs(20);

/// Verbs, resource with its group, names (none: all).
type Right<'a> = (&'a str, &'a str, &'a [&'a str]);

/// The kinds, installed once for all tests.
pub fn definitions() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| ControlPlane::shared().apply_kinds());
}

/// A namespace that the policies of a release guard.
struct Guarded {
    plane: &'static ControlPlane,
    namespace: Namespace,
}

impl Guarded {
    async fn new(values: &[&str]) -> Self {
        definitions();
        let plane = ControlPlane::shared();
        let namespace = plane.namespace().await;
        let set = format!("--set=fullnameOverride={namespace},watchNamespaces={{{namespace}}}");
        let install = ["install", "riposte", CHART, "-n", &namespace, &set];
        // No controller frees a claim here, so it would hold the namespace.
        let only = "--set=crds.enabled=false,journal.enabled=false,rbac.create=false,rbac.people=false,storage.persistent=false";
        succeeded(&plane.helm("admin", &[&install[..], &[only], values].concat()));
        Self { plane, namespace }
    }

    /// A user who may write every kind, and beyond that only this.
    fn user(&self, rights: &[Right]) -> String {
        let user = self.plane.fresh_user();
        let mut rules = vec![json!({"apiGroups": ["riposte.dev"], "resources": ["*"],
            "verbs": ["get", "list", "create", "update", "patch", "delete"]})];
        rules.extend(rights.iter().map(|(verb, resource, names)| {
            let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
            json!({"apiGroups": [group], "resources": [resource], "verbs": [verb], "resourceNames": names})
        }));
        self.plane.allow(&self.namespace, &user, &user, &rules.into());
        user
    }

    fn apply(&self, user: &str, object: &Value, flags: &[&str]) -> std::process::Output {
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "-n",
            &self.namespace,
            "-f",
            "-",
        ];
        self.plane
            .kubectl(user, &[&apply[..], flags].concat(), &object.to_string())
    }

    /// Tries to save an object, until what comes of it is what is expected.
    async fn expect(&self, case: &str, rights: &[Right<'_>], object: &Value, expected: Result<(), &str>) {
        let user = self.user(rights);
        let attempt = async || {
            let output = self.apply(&user, object, &["--dry-run=server"]);
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            let is_met = match expected {
                Ok(()) => output.status.success(),
                Err(text) => errors.contains(text),
            };
            if is_met { Ok(()) } else { Err(errors) }
        };
        if let Err(errors) = settled(SEEN, attempt).await {
            panic!("{case}: expected {expected:?}, got: {errors}");
        }
    }

    /// Saves an object as the administrator.
    fn save(&self, object: &Value) {
        succeeded(&self.apply("admin", object, &[]));
    }
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "riposte.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn playbook(name: &str, more: Value) -> Value {
    let mut spec = json!({"definition": {"triggers": {}, "actions": {}}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object("Playbook", name, spec)
}

fn rule(name: &str, order: u16, playbooks: &[String]) -> Value {
    let actions: Vec<_> = playbooks
        .iter()
        .map(|name| json!({"runPlaybook": {"name": name}}))
        .collect();
    object(
        "AutomationRule",
        name,
        json!({"displayName": "A rule", "order": order, "triggersOn": "Incidents", "actions": actions}),
    )
}

fn run(name: &str, playbook: &str, more: Value) -> Value {
    let mut spec = json!({"playbookRef": {"name": playbook}, "trigger": {"payload": {"body": "{}"}}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object("PlaybookRun", name, spec)
}

fn secret_parameter(name: &str, secret: &str) -> Value {
    json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": "key"}}})
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn running_a_playbook_needs_the_verb_run() {
    let guarded = Guarded::new(&[]).await;
    let wanted = run("by-hand", "close", json!({}));
    let refused = Err("must be allowed to run the playbook");
    guarded.expect("no right", &[], &wanted, refused).await;
    guarded
        .expect(
            "another",
            &[("run", "playbooks.riposte.dev", &["other"])],
            &wanted,
            refused,
        )
        .await;
    guarded
        .expect(
            "by name",
            &[("run", "playbooks.riposte.dev", &["close"])],
            &wanted,
            Ok(()),
        )
        .await;
    guarded
        .expect("all", &[("run", "playbooks.riposte.dev", &[])], &wanted, Ok(()))
        .await;
}

#[tokio::test]
async fn the_requester_is_stamped_whatever_was_claimed() {
    let guarded = Guarded::new(&["--set=admission.stampRequester=always"]).await;
    let user = guarded.user(&[("run", "playbooks.riposte.dev", &[])]);
    let claims = [
        json!({}),
        json!({"requestedBy": {"username": "boss", "groups": ["system:masters"]}}),
    ];
    for claim in claims {
        let wanted = run("stamped", "close", claim);
        let stamped = eventually("the requester is stamped", async || {
            let output = guarded.apply(&user, &wanted, &["--dry-run=server", "-o", "json"]);
            let stamped: Value = serde_json::from_slice(&output.stdout).ok()?;
            stamped["spec"]["requestedBy"]
                .is_object()
                .then(|| stamped["spec"]["requestedBy"].clone())
        })
        .await;
        assert_eq!(stamped["username"], user.as_str(), "{stamped}");
        let groups = stamped["groups"].as_array().unwrap();
        assert!(groups.contains(&"system:authenticated".into()), "{stamped}");
        assert!(!groups.contains(&"system:masters".into()), "{stamped}");
    }
}

#[tokio::test]
async fn the_operator_shows_runs_and_incidents_of_others() {
    let guarded = Guarded::new(&["--set=rbac.create=true,admission.stampRequester=always"]).await;
    let operator = format!("--as=system:serviceaccount:{0}:{0}", &*guarded.namespace);
    let requester = json!({"requestedBy": {"username": "system:serviceaccount:soc:riposte-automation"}});
    for wanted in [run("shown", "close", requester), object("Incident", "inc-1", json!({}))] {
        let create = [
            "create",
            "--dry-run=server",
            "-o",
            "json",
            &operator,
            "-n",
            &guarded.namespace,
            "-f",
            "-",
        ];
        let shown = eventually("the operator's own write", async || {
            let output = guarded.plane.kubectl("admin", &create, &wanted.to_string());
            output.status.success().then_some(output.stdout)
        })
        .await;
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        assert_eq!(shown["spec"]["requestedBy"], wanted["spec"]["requestedBy"]);
    }
}

#[tokio::test]
async fn a_re_apply_of_a_run_by_another_changes_nothing() {
    let guarded = Guarded::new(&["--set=admission.stampRequester=always"]).await;
    let wanted = run("once", "close", json!({}));
    guarded.save(&wanted);
    guarded.expect("another user", &[], &wanted, Ok(())).await;
}

#[tokio::test]
async fn without_a_stamp_the_requester_must_be_the_user() {
    let guarded = Guarded::new(&["--set=admission.stampRequester=never"]).await;
    let rights: &[Right] = &[("run", "playbooks.riposte.dev", &[])];
    let must_be = Err("`spec.requestedBy.username` must be 'tester-");
    guarded
        .expect("nobody", rights, &run("a", "close", json!({})), must_be)
        .await;
    let other = json!({"requestedBy": {"username": "boss"}});
    guarded
        .expect("another", rights, &run("a", "close", other), must_be)
        .await;

    let user = guarded.user(rights);
    let own = |groups: Value| {
        run(
            "a",
            "close",
            json!({"requestedBy": {"username": user, "groups": groups}}),
        )
    };
    let made_up = own(json!(["system:authenticated", "system:masters"]));
    eventually("made-up groups are refused", async || {
        let output = guarded.apply(&user, &made_up, &["--dry-run=server"]);
        String::from_utf8_lossy(&output.stderr)
            .contains("must be groups of who makes")
            .then_some(())
    })
    .await;
    succeeded(&guarded.apply(&user, &own(json!(["system:authenticated"])), &["--dry-run=server"]));
}

#[tokio::test]
async fn naming_a_playbook_in_a_rule_needs_the_verb_attach() {
    let guarded = Guarded::new(&[]).await;
    let (one, twenty) = (names("playbook", 1), names("playbook", 20));
    let refused = Err("must be allowed to attach the playbook");
    guarded.expect("no right", &[], &rule("new", 1, &one), refused).await;
    let last_missing = borrowed(&twenty[..19]);
    let right: Right = ("attach", "playbooks.riposte.dev", &last_missing);
    guarded
        .expect(
            "all but the last",
            &[right],
            &rule("new", 1, &twenty),
            Err("playbook-19' to a rule"),
        )
        .await;
    let each = borrowed(&twenty);
    let right: Right = ("attach", "playbooks.riposte.dev", &each);
    guarded
        .expect("each of twenty by name", &[right], &rule("new", 1, &twenty), Ok(()))
        .await;
    let right: Right = ("attach", "playbooks.riposte.dev", &[]);
    guarded
        .expect("all of the namespace", &[right], &rule("new", 1, &twenty), Ok(()))
        .await;
    let mut elsewhere = rule("new", 1, &one);
    elsewhere["spec"]["actions"][0]["runPlaybook"]["namespace"] = "elsewhere".into();
    guarded
        .expect(
            "another namespace",
            &[right],
            &elsewhere,
            Err("'elsewhere/playbook-0' to a rule"),
        )
        .await;

    guarded.save(&rule("old", 1, &one));
    guarded
        .expect("what is attached stays", &[], &rule("old", 2, &one), Ok(()))
        .await;
    guarded
        .expect(
            "one more",
            &[],
            &rule("old", 2, &twenty[..2]),
            Err("playbook-1' to a rule"),
        )
        .await;
}

#[tokio::test]
async fn changing_more_than_suspend_of_a_playbook_needs_the_verb_author() {
    let guarded = Guarded::new(&[]).await;
    let refused = Err("must be allowed to author the playbook");
    let author: Right = ("author", "playbooks.riposte.dev", &["close"]);
    guarded
        .expect("create", &[], &playbook("close", json!({})), refused)
        .await;
    guarded
        .expect("create as author", &[author], &playbook("close", json!({})), Ok(()))
        .await;
    guarded
        .expect("create another", &[author], &playbook("other", json!({})), refused)
        .await;

    guarded.save(&playbook("close", json!({})));
    guarded
        .expect("suspend", &[], &playbook("close", json!({"suspend": true})), Ok(()))
        .await;
    let changed = playbook(
        "close",
        json!({"suspend": true, "definition": {"actions": {"a": {"type": "Compose", "inputs": 1}}, "triggers": {}}}),
    );
    guarded.expect("change", &[], &changed, refused).await;
    guarded.expect("change as author", &[author], &changed, Ok(())).await;

    let acting = playbook("close", json!({"serviceAccountName": "admin"}));
    guarded
        .expect(
            "account",
            &[author],
            &acting,
            Err("must be allowed to use the ServiceAccount"),
        )
        .await;
    guarded
        .expect(
            "own account",
            &[author, ("use", "serviceaccounts", &["admin"])],
            &acting,
            Ok(()),
        )
        .await;
}

#[tokio::test]
async fn saving_a_playbook_needs_the_verb_use_on_its_connections() {
    let guarded = Guarded::new(&[]).await;
    let author: Right = ("author", "playbooks.riposte.dev", &[]);
    let most = names("connection", 25);
    let with = |names: &[String], text: &str| {
        let connections: Vec<_> = names
            .iter()
            .map(|name| json!({"name": name, "connectionRef": {"name": name}}))
            .collect();
        playbook(
            "calls",
            json!({"connections": connections, "definition": {"actions": {}, "triggers": {}, "outputs": {"o": {"type": "String", "value": text}}}}),
        )
    };
    let refused = Err("must be allowed to use the ApiConnection");
    guarded
        .expect("no right", &[author], &with(&most[..1], ""), refused)
        .await;
    let each = borrowed(&most);
    let all_but_last: Right = ("use", "apiconnections.riposte.dev", &each[..24]);
    guarded
        .expect(
            "all but the last",
            &[author, all_but_last],
            &with(&most, ""),
            Err("connection-24' to save"),
        )
        .await;
    let by_name: Right = ("use", "apiconnections.riposte.dev", &each);
    guarded
        .expect("each by name", &[author, by_name], &with(&most, ""), Ok(()))
        .await;
    guarded
        .expect(
            "all",
            &[author, ("use", "apiconnections.riposte.dev", &[])],
            &with(&most, ""),
            Ok(()),
        )
        .await;

    guarded.save(&with(&most[..1], "before"));
    let case = "another's connection serves no new definition";
    guarded
        .expect(case, &[author], &with(&most[..1], "after"), refused)
        .await;
}

#[tokio::test]
async fn naming_secrets_needs_get_on_each() {
    let guarded = Guarded::new(&[]).await;
    let author: Right = ("author", "playbooks.riposte.dev", &[]);
    let many = names("secret", 21);
    let with = |secrets: &[String]| {
        let named = secrets.iter().enumerate();
        let named = named.map(|(number, secret)| secret_parameter(&format!("p{number}"), secret));
        // One name of two is of an app setting, beginning with the first.
        let (settings, parameters): (Vec<_>, Vec<_>) = named.enumerate().partition(|(number, _)| number % 2 == 0);
        let values = |list: Vec<(usize, Value)>| list.into_iter().map(|(_, value)| value).collect::<Vec<_>>();
        playbook(
            "reads",
            json!({"parameters": values(parameters), "appSettings": values(settings)}),
        )
    };
    let each = borrowed(&many);
    let by_name: Right = ("get", "secrets", &each);
    guarded
        .expect(
            "no right",
            &[author],
            &with(&many[..1]),
            Err("must be allowed to get the Secret"),
        )
        .await;
    guarded
        .expect("twenty by name", &[author, by_name], &with(&many[..20]), Ok(()))
        .await;
    let more = Err("because more than 20 are named");
    guarded
        .expect("more by name", &[author, by_name], &with(&many), more)
        .await;
    guarded
        .expect(
            "more with all",
            &[author, ("get", "secrets", &[])],
            &with(&many),
            Ok(()),
        )
        .await;
    let same = vec!["secret-0".to_owned(); 200];
    guarded
        .expect(
            "one in 200 parameters",
            &[author, ("get", "secrets", &["secret-0"])],
            &with(&same),
            Ok(()),
        )
        .await;
}

#[tokio::test]
async fn a_connection_is_changed_by_who_may_read_its_secrets() {
    let guarded = Guarded::new(&[]).await;
    let key = json!({"secretKeyRef": {"name": "key", "key": "key"}});
    let connection = |more: Value, host: &str| {
        let mut spec = json!({"connector": "virustotal", "hosts": [host]});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object("ApiConnection", "api", spec)
    };
    let forms = [
        json!({"parameters": [secret_parameter("api_key", "key")]}),
        json!({"authentication": {"basic": {"username": "u", "passwordFrom": key}}}),
        json!({"authentication": {"header": {"name": "x-key", "valueFrom": key}}}),
        json!({"authentication": {"bearer": {"tokenFrom": key}}}),
        json!({"authentication": {"clientCredentials": {"tokenUrl": "https://example.com", "clientId": "c", "clientSecretFrom": key}}}),
    ];
    let refused = Err("must be allowed to get the Secret");
    for form in forms {
        let wanted = connection(form, "example.com");
        guarded.expect(&format!("{wanted}"), &[], &wanted, refused).await;
        guarded
            .expect(&format!("{wanted}"), &[("get", "secrets", &["key"])], &wanted, Ok(()))
            .await;
    }
    let form = json!({"parameters": [secret_parameter("api_key", "key")]});
    guarded.save(&connection(form.clone(), "example.com"));
    guarded
        .expect("another host", &[], &connection(form, "evil.example.com"), refused)
        .await;
}

#[tokio::test]
async fn an_analytics_rule_attaches_playbooks_and_uses_its_connection() {
    let guarded = Guarded::new(&[]).await;
    let rule = |more: Value| {
        let mut spec = json!({"name": "R", "kind": "Scheduled", "severity": "Low", "query": "T", "queryFrequency": "1h",
            "queryPeriod": "1h", "triggerOperator": "gt", "triggerThreshold": 0});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object("AnalyticsRule", "rule", spec)
    };
    let attaching = rule(json!({"playbooks": [{"name": "close"}]}));
    guarded
        .expect(
            "no right",
            &[],
            &attaching,
            Err("must be allowed to attach the playbook"),
        )
        .await;
    guarded
        .expect(
            "by name",
            &[("attach", "playbooks.riposte.dev", &["close"])],
            &attaching,
            Ok(()),
        )
        .await;
    let asking = rule(json!({"source": {"connectionRef": {"name": "logs"}}}));
    guarded
        .expect(
            "no right",
            &[],
            &asking,
            Err("must be allowed to use the ApiConnection"),
        )
        .await;
    guarded
        .expect(
            "by name",
            &[("use", "apiconnections.riposte.dev", &["logs"])],
            &asking,
            Ok(()),
        )
        .await;
}

#[tokio::test]
async fn a_repository_is_saved_by_who_may_read_its_secrets_and_use_its_account() {
    let guarded = Guarded::new(&[]).await;
    let wanted = object(
        "ContentRepository",
        "content",
        json!({"url": "https://example.com/content.git", "secretRef": {"name": "git"}, "serviceAccountName": "applier"}),
    );
    let get: Right = ("get", "secrets", &["git"]);
    guarded
        .expect("no right", &[], &wanted, Err("must be allowed to get the Secret"))
        .await;
    guarded
        .expect(
            "no account",
            &[get],
            &wanted,
            Err("must be allowed to use the ServiceAccount"),
        )
        .await;
    guarded
        .expect(
            "both",
            &[get, ("use", "serviceaccounts", &["applier"])],
            &wanted,
            Ok(()),
        )
        .await;
}

#[tokio::test]
async fn a_grant_needs_the_verb_grant() {
    let guarded = Guarded::new(&[]).await;
    let grant = |names: &[String]| {
        let to: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        let mut spec = json!({"from": [{"namespace": "soc"}]});
        if !to.is_empty() {
            spec["to"] = to.into();
        }
        object("PlaybookGrant", "soc", spec)
    };
    let many = names("playbook", 21);
    let each = borrowed(&many);
    let by_name: Right = ("grant", "playbooks.riposte.dev", &each);
    guarded
        .expect(
            "no right",
            &[],
            &grant(&many[..1]),
            Err("must be allowed to grant the playbook"),
        )
        .await;
    guarded
        .expect("twenty by name", &[by_name], &grant(&many[..20]), Ok(()))
        .await;
    let all = Err("must be allowed to grant all playbooks");
    guarded.expect("more by name", &[by_name], &grant(&many), all).await;
    guarded
        .expect("every playbook by name", &[by_name], &grant(&[]), all)
        .await;
    guarded
        .expect(
            "every playbook",
            &[("grant", "playbooks.riposte.dev", &[])],
            &grant(&[]),
            Ok(()),
        )
        .await;
}

#[tokio::test]
async fn changing_an_incident_needs_the_verb_triage() {
    let guarded = Guarded::new(&[]).await;
    guarded.save(&object("Incident", "inc-1", json!({})));
    let wanted = object("Incident", "inc-1", json!({"severity": "High"}));
    guarded
        .expect("no right", &[], &wanted, Err("must be allowed to triage the incident"))
        .await;
    guarded
        .expect(
            "by name",
            &[("triage", "incidents.riposte.dev", &["inc-1"])],
            &wanted,
            Ok(()),
        )
        .await;
}

#[tokio::test]
async fn whoever_may_write_an_object_may_let_it_go() {
    let guarded = Guarded::new(&[]).await;
    let held = |finalizers: Value| {
        let mut held = playbook("held", json!({}));
        held["metadata"]["finalizers"] = finalizers;
        held
    };
    guarded.save(&held(json!(["example.com/held"])));
    let delete = ["delete", "playbook", "held", "--wait=false", "-n", &guarded.namespace];
    succeeded(&guarded.plane.kubectl("admin", &delete, ""));
    let user = guarded.user(&[]);
    let patch = ["patch", "playbook", "held", "-n", &guarded.namespace, "--type=merge"];
    let free = ["-p", r#"{"metadata":{"finalizers":null}}"#];
    let abuse = [
        "-p",
        r#"{"spec":{"definition":{"outputs":{"o":{"type":"String","value":"x"}}}}}"#,
    ];
    eventually("a change of the definition is still refused", async || {
        let abuse = [&patch[..], &abuse, &["--dry-run=server"]].concat();
        let output = guarded.plane.kubectl(&user, &abuse, "");
        String::from_utf8_lossy(&output.stderr)
            .contains("must be allowed to author")
            .then_some(())
    })
    .await;
    succeeded(&guarded.plane.kubectl(&user, &[&patch[..], &free].concat(), ""));
}

#[tokio::test]
async fn a_namespace_with_every_kind_in_it_can_be_deleted() {
    let guarded = Guarded::new(&["--set=admission.stampRequester=always"]).await;
    guarded.save(&playbook("close", json!({})));
    guarded.save(&rule("rule", 1, &["close".to_owned()]));
    // The policy that stamps the requester may take effect later than the one that asks for it.
    let asked = run("run", "close", json!({}));
    let save = async || guarded.apply("admin", &asked, &[]).status.success().then_some(());
    eventually("the run is saved", save).await;
    guarded.save(&object("Incident", "inc-1", json!({})));
    guarded.save(&object("ApiConnection", "api", json!({"connector": "virustotal"})));
    guarded.save(&object(
        "Connector",
        "own",
        json!({"openapi": {"configMapKeyRef": {"name": "api", "key": "api"}}}),
    ));
    guarded.save(&object(
        "PlaybookGrant",
        "grant",
        json!({"from": [{"namespace": "soc"}]}),
    ));
    guarded.save(&object(
        "ContentRepository",
        "content",
        json!({"url": "https://example.com/content.git"}),
    ));
    let namespace = guarded.namespace.to_string();
    let delete = ["delete", "namespace", &namespace, "--timeout=60s"];
    succeeded(&guarded.plane.kubectl("admin", &delete, ""));
}
