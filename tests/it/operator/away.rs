//! The API server dies while two operators drive runs, and comes back over the same etcd: nothing waits for it but what
//! only it can tell, and what it missed is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::pair::{Callers, Member, PLAYBOOK, Pair};
use super::service::{Manner, Service};
use crate::chart::content::falco;
use crate::control_plane::{ControlPlane, condition, eventually, succeeded};
use crate::patience::settled;
use crate::postgres::Database;

/// How many runs begin before the API server dies, and how many there are at the end.
const BEFORE: usize = 40;
const RUNS: usize = 60;
/// How long runs may take that nothing holds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Of four runs, two are held, one after its unsafe call, and one fails.
fn manner(number: usize, action: &str) -> Manner {
    match (number % 4, action) {
        (1, "Set") | (3, "Look") => Manner::Held,
        (2, "Look") => Manner::Refused,
        _ => Manner::AtOnce,
    }
}

/// A run that a person asks for.
fn asked(name: &str) -> Value {
    json!({"apiVersion": "riposte.dev/v1alpha1", "kind": "PlaybookRun", "metadata": {"name": name},
        "spec": {"playbookRef": {"name": PLAYBOOK}, "trigger": {"payload": {"body": r#"{"number": 0}"#}}}})
}

/// Delivers an alert, which an operator takes.
async fn takes(pair: &Pair, member: &Member, rule: &str) {
    let answer = pair.deliver(member, &falco(rule), &pair.plane.token("admin")).await;
    let status = answer.status().as_u16();
    assert_eq!(status, 202, "{}", answer.text().await.unwrap());
}

/// Each operator serves on: it takes alerts of who it knows, and says of a token that nobody can check what to do.
async fn only_known_senders_deliver(pair: &Pair, members: &[Member]) {
    for member in members {
        takes(pair, member, "Meanwhile").await;
        let refused = pair.deliver(member, &falco("Meanwhile"), "of nobody known").await;
        let (status, again) = (refused.status().as_u16(), refused.headers().contains_key("retry-after"));
        let text = refused.text().await.unwrap();
        let told = text.contains("the token cannot be checked now; ask again");
        assert!(status == 503 && again && told, "{status}: {text}");
        let ready = pair.client.get(format!("{}/readyz", member.process.url));
        assert_eq!(ready.send().await.unwrap().status(), 200, "what was known stays");
    }
}

/// The runs that have objects, with the phases that those show, and how many objects there are.
fn shown(pair: &Pair) -> (BTreeMap<String, String>, usize) {
    let list = pair.plane.get(&pair.namespace, "playbookruns");
    let objects = list["items"].as_array().unwrap();
    let of_object = |object: &Value| {
        let run = object["status"]["runId"].as_str()?.to_owned();
        Some((run, object["status"]["phase"].as_str()?.to_owned()))
    };
    (objects.iter().filter_map(of_object).collect(), objects.len())
}

/// All runs, with how they ended.
async fn ended(pair: &Pair) -> BTreeMap<String, String> {
    let sql = "SELECT id || ' ' || coalesce(status, '') FROM runs WHERE name = $1";
    let runs = pair.ledger.texts(sql, Some(PLAYBOOK)).await;
    let pairs = runs.iter().map(|text| text.split_once(' ').unwrap());
    pairs.map(|(run, status)| (run.to_owned(), status.to_owned())).collect()
}

/// Awaits that each run is an object of its own with its end, and each incident one.
async fn everything_is_shown(pair: &Pair) {
    let expected = ended(pair).await;
    let is_shown = async || {
        let (found, objects) = shown(pair);
        if found == expected && objects == expected.len() {
            Ok(())
        } else {
            Err((objects, found))
        }
    };
    if let Err((objects, found)) = settled(PATIENCE, is_shown).await {
        let open = expected.iter().filter(|(run, status)| found.get(*run) != Some(status));
        panic!(
            "{objects} objects for {} runs, and not as they ended: {:?}",
            expected.len(),
            open.collect::<Vec<_>>()
        );
    }
    let incidents = pair.ledger.texts("SELECT id FROM incidents", None).await.len();
    eventually("each incident is shown", async || {
        let list = pair.plane.get(&pair.namespace, "incidents.riposte.dev");
        (list["items"].as_array()?.len() == incidents).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_end_while_the_api_server_is_dead_and_are_shown_when_it_is_back() {
    let plane = ControlPlane::fragile();
    plane.apply_kinds();
    let service = Service::start(manner).await;
    let pair = Pair::prepare(plane, Database::new().await, |name| service.playbook(name)).await;
    let members = pair.start().await;
    let mut links = Vec::new();
    for member in &members {
        links.push(pair.link(member).await);
        takes(&pair, member, "Before").await;
    }
    let callers = Callers::of(&pair, links);
    callers.begin(BEFORE).await;
    service.holds(BEFORE / 2, PATIENCE).await;

    plane.kill_server().await;
    for member in &members {
        takes(&pair, member, "Between").await;
    }
    callers.begin(RUNS).await;
    service.holds(RUNS / 2, PATIENCE).await;
    service.open();
    let all_ended = settled(PATIENCE, async || match pair.ledger.open_runs().await {
        open if open.is_empty() => Ok(()),
        open => Err(open),
    });
    all_ended
        .await
        .unwrap_or_else(|open| panic!("without the API server {open:?} do not end"));
    only_known_senders_deliver(&pair, &members).await;

    plane.start_server_again().await;
    let create = ["create", "-n", &*pair.namespace, "-f", "-"];
    succeeded(&plane.kubectl("admin", &create, &asked("after").to_string()));
    eventually("a run that is asked for now succeeds", async || {
        let object = plane.get(&pair.namespace, "playbookrun/after");
        (condition(&object, "Succeeded")?["status"] == "True").then_some(())
    })
    .await;
    everything_is_shown(&pair).await;

    let ended = ended(&pair).await;
    let expected = |number: usize| if number % 4 == 2 { "Failed" } else { "Succeeded" };
    let begun = callers.begun();
    assert_eq!(
        ended.len(),
        begun.len() + 1,
        "those of the callers, and the one that was asked for"
    );
    for (number, run) in begun {
        assert_eq!(ended[&run], expected(number), "{run}");
        let calls = ["Look", "Open", "Set", "Tell"].map(|action| service.calls(&run, action));
        assert_eq!(calls, if number % 4 == 2 { [1, 0, 0, 0] } else { [1; 4] }, "{run}");
    }
    for member in &members {
        takes(&pair, member, "After").await;
    }
    everything_is_shown(&pair).await;
}
