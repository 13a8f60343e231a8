//! Two whole operators share a thousand runs, and one is killed in the middle of calls: what the service saw is held
//! against the journals.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use riposte::definition::{self, Workflow};
use riposte::engine::event::{Event, FrameId, NodeId};
use riposte::expression::Value;

use super::pair::{Callers, Member, PLAYBOOK, Pair};
use super::service::{Manner, Service};
use crate::chaos::CROWDED_TAKEOVER;
use crate::control_plane::{ControlPlane, eventually};
use crate::ledger::{Standing, standings};
use crate::patience::settled;
use crate::postgres::Database;

const RUNS: usize = 1_000;
/// How many calls are in flight when one operator is killed; others are begun meanwhile.
const HELD: usize = 500;
/// How many runs either has ended by itself, at least.
const SHARE: u64 = 20;
/// How long work in the middle of which a process is killed may take.
const PATIENCE: Duration = Duration::from_secs(180);
const ACTIONS: [&str; 4] = ["Look", "Open", "Set", "Tell"];
/// The one of them that must not be repeated.
const UNSAFE: &str = "Open";

/// Of five runs, four are held, each in another action.
fn manner(number: usize, action: &str) -> Manner {
    match ACTIONS.get(number % 5) {
        Some(held) if *held == action => Manner::Held,
        Some(_) | None => Manner::AtOnce,
    }
}

/// What came of the runs.
#[derive(Default)]
struct Summary {
    runs: usize,
    /// Runs of the operator that was killed, open at the kill.
    left: usize,
    /// Calls of those that were in flight.
    in_flight: usize,
    repeated: usize,
    unknown: usize,
    /// How long after the kill the last run with a call in flight went on.
    takeover: Duration,
    faults: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} runs; of the killed operator {} were open, with {} calls in flight: {} were repeated, {} have an unknown \
             outcome; taken over after {:.1} s",
            self.runs,
            self.left,
            self.in_flight,
            self.repeated,
            self.unknown,
            self.takeover.as_secs_f64()
        )
    }
}

/// What is known of a kill.
struct Kill {
    /// When, in milliseconds.
    at: i64,
    /// The shards of the runs that the operator drove.
    shards: HashSet<String>,
    workflow: Workflow,
}

impl Kill {
    /// Looks at a run that has ended. What stood in its journal at the kill is told by the times of the events: the next
    /// operator goes on seconds later.
    fn look_at(
        &self,
        (run, shard, status): (&str, &str, &str),
        journal: &[Event],
        service: &Service,
        into: &mut Summary,
    ) {
        into.runs += 1;
        if status != "Succeeded" {
            into.faults.push(format!("{run} ended as {status}"));
        }
        let (before, after) = journal.split_at(journal.partition_point(|event| event.at() <= self.at));
        let is_left = self.shards.contains(shard) && !before.is_empty() && !after.is_empty();
        let standing = if is_left { standings(before) } else { BTreeMap::new() };
        into.left += usize::from(is_left);
        for action in ACTIONS {
            let node = NodeId(FrameId(0), self.workflow.names[&action.to_lowercase()]);
            let in_flight = matches!(standing.get(&node), Some(Standing::Calling(_)));
            let is_unknown = journal.iter().any(|event| {
                matches!(event, Event::Ended { node: ended, code, .. } if *ended == node && code == "OutcomeUnknown")
            });
            let calls = service.calls(run, action);
            let may_be = match (in_flight, action) {
                (false, _) => !is_unknown && calls == 1,
                // The kill may have come between the intent and the call.
                (true, UNSAFE) => is_unknown && calls <= 1,
                (true, _) => !is_unknown && (1..=2).contains(&calls),
            };
            if !may_be {
                let unknown = if is_unknown { ", its outcome unknown" } else { "" };
                let text = format!("{action} of {run} was called {calls} times{unknown}; in flight: {in_flight}");
                into.faults.push(text);
            }
            into.in_flight += usize::from(in_flight);
            into.repeated += usize::from(calls > 1);
            into.unknown += usize::from(is_unknown);
            if let (true, Some(next)) = (in_flight, after.first()) {
                let later = u64::try_from(next.at() - self.at).unwrap_or_default();
                into.takeover = into.takeover.max(Duration::from_millis(later));
            }
        }
    }
}

/// How many runs of playbooks an operator has ended, by its own word.
async fn ended_by(pair: &Pair, member: &Member) -> u64 {
    let metrics = pair.client.get(format!("{}/metrics", member.process.url));
    let text = metrics.send().await.unwrap().text().await.unwrap();
    let counted = |line: &str| {
        let count = line.strip_prefix(r#"riposte_runs_ended_total{kind="playbook",status="Succeeded"} "#)?;
        count.parse::<u64>().ok()
    };
    text.lines().find_map(counted).unwrap_or_default()
}

/// Waits until an operator has ended its share; gives how many.
async fn has_ended_its_share(pair: &Pair, member: &Member) -> u64 {
    eventually("the operator has ended a share of the runs", async || {
        let ended = ended_by(pair, member).await;
        (ended >= SHARE).then_some(ended)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_operators_share_a_thousand_runs_and_one_is_killed() {
    let plane = ControlPlane::shared();
    crate::admission::definitions();
    let service = Service::start(manner).await;
    let pair = Pair::prepare(plane, Database::new().await, |name| service.playbook(name)).await;
    let [one, other] = pair.start().await;
    let links = vec![pair.link(&one).await, pair.link(&other).await];
    let callers = Callers::of(&pair, links);
    let calling = callers.clone();
    let begun = tokio::spawn(async move { calling.begin(RUNS).await });
    service.holds(HELD, PATIENCE).await;
    let of_one = has_ended_its_share(&pair, &one).await;

    let sql = "SELECT shard::text FROM shards WHERE owner = $1";
    let shards: HashSet<String> = pair.ledger.texts(sql, Some(&one.replica)).await.into_iter().collect();
    one.process.kill();
    let killed = Timestamp::now().as_millisecond();
    service.open();
    begun.await.unwrap();
    let ended = settled(PATIENCE, async || match pair.ledger.open_runs().await.len() {
        0 => Ok(()),
        open => Err(open),
    });
    ended.await.unwrap_or_else(|open| panic!("{open} runs do not end"));
    let of_other = has_ended_its_share(&pair, &other).await;

    let definition = &service.playbook(PLAYBOOK)["spec"]["definition"];
    let (workflow, _) = definition::parse(&Value::from(definition)).unwrap();
    let kill = Kill {
        at: killed,
        shards,
        workflow,
    };
    let mut summary = Summary::default();
    let sql = "SELECT id || ' ' || shard || ' ' || coalesce(status, '') FROM runs WHERE name = $1";
    let runs = pair.ledger.texts(sql, Some(PLAYBOOK)).await;
    for text in &runs {
        let [run, shard, status] = text.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let journal = pair.ledger.journal(run).await;
        kill.look_at((run, shard, status), &journal, &service, &mut summary);
    }
    println!("{summary}; one ended {of_one}, the other {of_other}");
    assert!(summary.faults.is_empty(), "{summary}\n{:#?}", summary.faults);
    let kept: HashSet<&str> = runs.iter().filter_map(|text| text.split(' ').next()).collect();
    let lost: Vec<_> = callers
        .begun()
        .into_values()
        .filter(|run| !kept.contains(&**run))
        .collect();
    assert!(summary.runs >= RUNS && lost.is_empty(), "{summary}; lost: {lost:?}");
    assert!(
        summary.repeated > 0 && summary.unknown > 0,
        "the kill hit too little: {summary}"
    );
    assert!(summary.takeover < CROWDED_TAKEOVER, "{summary}");
}
