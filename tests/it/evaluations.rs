//! Evaluations of rules by the engine, over a real store and catalog: loops are stopped, and said to be.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use riposte::api::automation_rule::Severity;
use riposte::catalog::{Catalog, Current, Source};
use riposte::connectors::{Client, ConnectorServices, Egress};
use riposte::engine::nested::Settings;
use riposte::engine::start::{Request, StartKind};
use riposte::engine::{Engine, Notice};
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::intake::{Format, decode};
use riposte::rules::evaluation::{CHAIN_MAX, State, Verdict};
use riposte::rules::{Author, IncidentView, Patch};
use riposte::store::{RunFilter, RunRow, Sealer, Store, Transaction};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A test that waits longer for something has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A workspace `soc` with one incident, and an engine that serves these manifests.
struct World {
    _folder: TempDir,
    store: Store,
    desk: Desk,
    engine: Engine,
    incident: String,
    stop: CancellationToken,
}

impl World {
    async fn new(manifests: &str) -> Self {
        Self::with(manifests, Settings::default()).await
    }

    async fn with(manifests: &str, settings: Settings) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let desk = Desk::new(store.clone(), WorkspaceIds::default());
        let source = Source::read("all.yaml", manifests);
        assert!(!source.is_broken(), "{:?}", source.diagnostics());
        let catalog = Current::fixed(Catalog::build([&source]));
        let client = Client::new(Egress::default());
        let services = ConnectorServices::new(Arc::new(catalog.clone()), client, desk.clone());
        let sealer = Sealer::load_or_create(&folder.path().join("key")).unwrap();
        let engine = Engine::with(
            store.clone(),
            sealer,
            Arc::new(services),
            Arc::new(catalog),
            desk.clone(),
            settings,
        );
        let alert = r#"{"title":"Shell in a container","severity":"Medium"}"#;
        let now = Timestamp::now();
        let taken = decode(Format::Alert, alert.as_bytes(), "soc", now).unwrap();
        let accepted = desk.accept(taken, now).await.unwrap().remove(0);
        let stop = CancellationToken::new();
        let (serving, stopped) = (engine.clone(), stop.clone());
        tokio::spawn(async move { serving.serve(stopped).await });
        let world = Self {
            _folder: folder,
            store,
            desk,
            engine,
            incident: accepted.incident.unwrap().0,
            stop,
        };
        world.rests().await;
        world
    }

    /// Waits until nothing runs and nothing is due.
    async fn rests(&self) {
        let mut commits = self.store.subscribe();
        let rest = async {
            while self.store.open_runs_count().await.unwrap() > 0 {
                commits.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, rest).await.expect("it comes to rest");
    }

    async fn view(&self) -> IncidentView {
        self.desk.view(&self.incident).await.unwrap().unwrap()
    }

    /// A person changes the severity; everything that follows from it is over when this returns.
    async fn person_sets(&self, severity: Severity) {
        let patch = Patch {
            severity: Some(severity),
            ..Patch::default()
        };
        let author = Author::User("ada".to_owned());
        let planned = self
            .desk
            .plan_patch(&self.incident, &patch, &author, Timestamp::now())
            .await;
        let operations = planned.unwrap().operations;
        assert!(!operations.is_empty(), "it is a change");
        self.store.commit(Transaction { operations }).await.unwrap();
        self.engine.poke();
        self.rests().await;
    }

    /// The evaluations on updates, oldest first.
    async fn evaluations(&self) -> Vec<(RunRow, State)> {
        let filter = RunFilter {
            kind: Some("evaluation".to_owned()),
            name: Some("IncidentUpdated".to_owned()),
            limit: 10_000,
            ..RunFilter::default()
        };
        let mut found = Vec::new();
        for row in self.store.runs(&filter).await.unwrap().into_iter().rev() {
            let state = self.engine.evaluation(&row.id).await.unwrap();
            found.push((row, state));
        }
        found
    }

    async fn stopped(&self) -> usize {
        let evaluations = self.evaluations().await;
        let rules = evaluations.iter().flat_map(|(_, state)| state.rules());
        rules.filter(|rule| rule.verdict == Verdict::Stopped).count()
    }

    async fn comments_by(&self, author: &str) -> Vec<String> {
        let comments = self.view().await.comments.into_iter();
        comments
            .filter(|comment| comment.author == author)
            .map(|comment| comment.message)
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn sets(name: &str, order: u32, severity: &str) -> String {
    format!(
        "apiVersion: riposte.dev/v1alpha1\nkind: AutomationRule\nmetadata: {{ name: {name}, namespace: soc }}\nspec:\n  \
         displayName: {name}\n  order: {order}\n  triggersOn: Incidents\n  triggersWhen: Updated\n  \
         actions: [{{ modifyProperties: {{ severity: {severity} }} }}]\n---\n"
    )
}

const COMMENTS_ON_UPDATES: &str = r#"
apiVersion: riposte.dev/v1alpha1
kind: AutomationRule
metadata: { name: answer, namespace: soc }
spec:
  displayName: Answer
  order: 1
  triggersOn: Incidents
  triggersWhen: Updated
  actions: [{ runPlaybook: { name: comment } }]
---
apiVersion: riposte.dev/v1alpha1
kind: PlaybookGrant
metadata: { name: own, namespace: soc }
spec: { from: [{ namespace: soc }] }
---
apiVersion: riposte.dev/v1alpha1
kind: ApiConnection
metadata: { name: incidents, namespace: soc }
spec: { connector: azuresentinel }
---
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: { name: comment, namespace: soc }
spec:
  connections: [{ name: azuresentinel, connectionRef: { name: incidents } }]
  definition:
    parameters: { $connections: { type: Object, defaultValue: {} } }
    triggers:
      incident:
        type: ApiConnectionWebhook
        inputs:
          body: { callback_url: "@{listCallbackUrl()}" }
          host: { connection: { name: "@parameters('$connections')['azuresentinel']['connectionId']" } }
          path: /incident-creation
    actions:
      Comment:
        type: ApiConnection
        inputs:
          host: { connection: { name: "@parameters('$connections')['azuresentinel']['connectionId']" } }
          method: post
          path: /Incidents/Comment
          body: { incidentArmId: "@triggerBody()?['object']?['id']", message: "<p>seen</p>" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn two_rules_that_contradict_each_other_come_to_rest_and_a_person_starts_them_anew() {
    let rules = sets("raise", 1, "High") + &sets("lower", 2, "Low");
    let world = World::new(&rules).await;
    world.person_sets(Severity::Informational).await;
    let evaluations = world.evaluations().await;
    let deepest = evaluations.iter().map(|(_, state)| state.depth()).max();
    assert_eq!(deepest, Some(CHAIN_MAX + 1), "{} evaluations", evaluations.len());
    assert!(world.stopped().await > 0);
    let remarks = world.comments_by("Riposte").await;
    let [remark] = remarks.as_slice() else {
        panic!("{remarks:?}")
    };
    assert!(remark.contains("looks like a loop"), "{remark}");

    world.person_sets(Severity::Informational).await;
    let again = world.evaluations().await;
    let (_, first) = &again[evaluations.len()];
    assert_eq!(first.depth(), 0, "a person begins a new chain");
    assert!(first.rules().iter().any(|rule| rule.verdict == Verdict::Matched));
    assert_eq!(world.comments_by("Riposte").await.len(), 1, "once a day");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_incident_are_answered_one_after_the_other_and_each_end_is_told_once() {
    let world = World::new(&sets("raise", 1, "High")).await;
    let mut notices = world.engine.watch();
    let author = Author::User("ada".to_owned());
    let mut operations = Vec::new();
    for number in 0..20 {
        let planned = world
            .desk
            .plan_comment(&world.incident, "x", &author, Timestamp::now(), &format!("c{number}"))
            .await;
        operations.extend(planned.unwrap().operations);
    }
    world.store.commit(Transaction { operations }).await.unwrap();
    for _ in 0..20 {
        world.engine.poke();
    }
    world.rests().await;
    let evaluations = world.evaluations().await;
    assert_eq!(evaluations.len(), 21, "twenty comments, and one change of the severity");
    let mut last = 0;
    for (row, _) in &evaluations {
        let journal = world.store.journal(&row.id, 0).await.unwrap();
        // The first event is the order; the second is the first step of the engine.
        assert!(
            journal[1].at >= last,
            "{} began before the one before it had ended",
            row.id
        );
        last = row.ended_at.unwrap();
    }
    let ordered: Vec<_> = evaluations.into_iter().map(|(row, _)| row.id).collect();
    let mut ends = Vec::new();
    while ends.len() < ordered.len() {
        let told = tokio::time::timeout(PATIENCE, notices.recv())
            .await
            .expect("it is told");
        match told.unwrap() {
            // The end of the evaluation of the new incident may be told only now.
            Notice::Ended { run, .. } if run < ordered[0] => {}
            Notice::Ended { run, .. } => ends.push(run),
            Notice::Run { .. } | Notice::Waiting { .. } => {}
        }
    }
    assert_eq!(ends, ordered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_that_comments_on_each_update_comes_to_rest() {
    let world = World::new(COMMENTS_ON_UPDATES).await;
    world.person_sets(Severity::Low).await;
    // The person's change and eight that followed from it are answered.
    let answers = usize::try_from(CHAIN_MAX).unwrap() + 1;
    assert_eq!(world.comments_by("playbook/comment").await.len(), answers);
    assert_eq!(world.comments_by("Riposte").await.len(), 1);
    assert_eq!(world.stopped().await, 1);
}

/// The playbook that answers runs once at a time, and another one rests for a while.
const ONE_AT_ONCE: &str = r#"
apiVersion: riposte.dev/v1alpha1
kind: AutomationRule
metadata: { name: answer, namespace: soc }
spec:
  displayName: Answer
  order: 1
  triggersOn: Incidents
  triggersWhen: Updated
  actions: [{ runPlaybook: { name: answer } }]
---
apiVersion: riposte.dev/v1alpha1
kind: PlaybookGrant
metadata: { name: own, namespace: soc }
spec: { from: [{ namespace: soc }] }
---
apiVersion: riposte.dev/v1alpha1
kind: ApiConnection
metadata: { name: incidents, namespace: soc }
spec: { connector: azuresentinel }
---
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: { name: answer, namespace: soc }
spec:
  connections: [{ name: azuresentinel, connectionRef: { name: incidents } }]
  definition:
    parameters: { $connections: { type: Object, defaultValue: {} } }
    triggers:
      incident:
        type: ApiConnectionWebhook
        runtimeConfiguration: { concurrency: { runs: 1 } }
        inputs:
          body: { callback_url: "@{listCallbackUrl()}" }
          host: { connection: { name: "@parameters('$connections')['azuresentinel']['connectionId']" } }
          path: /incident-creation
    actions:
      Say: { type: Compose, inputs: seen }
---
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: { name: rest, namespace: soc }
spec:
  definition:
    triggers: { manual: { type: Request, kind: Http, inputs: {} } }
    actions:
      Rest: { type: Wait, inputs: { interval: { count: 2, unit: Second } } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_with_the_last_place_does_not_wait_for_a_run_that_waits_for_a_place() {
    let settings = Settings {
        places: 1,
        ..Settings::default()
    };
    let world = World::with(ONE_AT_ONCE, settings).await;
    let start = async |playbook: &str, kind: StartKind| {
        let request = Request {
            namespace: "soc".to_owned(),
            playbook: playbook.to_owned(),
            kind,
            requester: "user/ada".to_owned(),
            ..Request::default()
        };
        world.engine.start(&request).await.unwrap();
    };
    start("rest", StartKind::Body).await;
    // It waits for the place, which the evaluation gets first: its rule then starts a run that has its turn after it.
    start("answer", StartKind::Incident).await;
    let begun = std::time::Instant::now();
    world.person_sets(Severity::Low).await;
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    assert_eq!(world.evaluations().await.len(), 1);
}
