//! A flood of runs: what the operator writes of it stays within the budget, by the audit log of the API server, and
//! nothing that must be shown is left out.

use std::collections::BTreeMap;

use futures::future::join_all;
use jiff::Timestamp;
use riposte::engine::start::Request;
use riposte::projection::Settings;
use serde_json::json;

use super::{House, RULE, run};
use crate::control_plane::{AuditEvent, ControlPlane, eventually};

/// Incidents of the flood; each has a run, and both would cost four writes.
const FLOOD: usize = 300;
/// Writes that no flood multiplies: the Lease, the statuses of the few objects that are configured, Events, deletions of
/// old objects, and what must be shown.
const FIXED: usize = 80;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_counted_and_what_must_be_shown_is_shown() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace, &folder).await;
    house.furnish().await;
    house.apply(&RULE.replace("NAME", "comment"));
    house.shows("autorule", "all", "Granted", "True", "Granted").await;

    let begin = Timestamp::now();
    let pods: Vec<String> = (0..FLOOD).map(|number| format!("web-{number}")).collect();
    join_all(pods.iter().map(|pod| house.alert(pod))).await;
    let waits = Request {
        namespace: namespace.to_string(),
        playbook: "waits".into(),
        requester: "rule/all".into(),
        ..Request::default()
    };
    let waiting = house.engine.start(&waits).await.unwrap().remove(0);
    let incident = json!({ "incident": { "id": "1" } });
    house.kubectl(&["create", "-f", "-"], &run("mine", "comment", &incident));

    house.shows("pbrun", "mine", "Succeeded", "True", "Succeeded").await;
    eventually("the run that waits is shown", async || {
        let runs = house.list("pbrun");
        runs.into_iter().find(|run| run["status"]["runId"] == waiting.as_str())
    })
    .await;
    eventually("every run is counted", async || {
        let playbook = house
            .list("pbk")
            .into_iter()
            .find(|one| one["metadata"]["name"] == "comment")?;
        (playbook["status"]["runs"]["succeeded"] == FLOOD + 1).then_some(())
    })
    .await;
    let seconds = usize::try_from((Timestamp::now() - begin).get_seconds().max(1)).unwrap();

    let is_ours = |event: &AuditEvent| {
        let by_operator = event.is_write() && !event.user_agent.starts_with("kubectl");
        by_operator && event.object.namespace == *namespace && event.received_at >= begin
    };
    let writes = plane.audit(is_ours);
    let budget = Settings::default();
    let most = budget.burst as usize + budget.rate as usize * (seconds + 1) + FIXED;
    assert!(
        writes.len() <= most,
        "{} writes in {seconds} s, {most} may be",
        writes.len()
    );

    let mut by_object: BTreeMap<(&str, &str), Vec<&AuditEvent>> = BTreeMap::new();
    for event in writes.iter().filter(|event| !event.object.name.is_empty()) {
        let object = (event.object.resource.as_str(), event.object.name.as_str());
        by_object.entry(object).or_default().push(event);
    }
    let of_runs = by_object
        .keys()
        .filter(|(resource, _)| *resource == "playbookruns")
        .count();
    assert!(of_runs > 3 && of_runs < FLOOD, "{of_runs} runs became objects");
    for ((resource, name), events) in &by_object {
        let span = events[events.len() - 1].received_at - events[0].received_at;
        let seconds = usize::try_from(span.get_seconds()).unwrap();
        assert!(
            events.len() <= 2 + seconds,
            "{resource}/{name} was written {} times in {span:#}",
            events.len()
        );
        let is_plain = *resource == "playbookruns" && *name != "mine";
        assert!(!is_plain || events.len() <= 2, "{name} cost {} writes", events.len());
    }
    house.close().await;
}
