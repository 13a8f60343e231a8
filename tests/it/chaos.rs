//! The promise of the product, checked from the outside: no run lost, none stuck, no committed answer asked for again, no
//! unsafe call made twice because of a crash. Real processes run random playbooks against a world that keeps what it sees;
//! they are killed, their clocks jump, their disk is full, their database goes away; then the world's record is held
//! against the journals.
//!
//! `CHAOS_CYCLES=1000 cargo test --test it chaos:: -- --nocapture` is the long form; `CHAOS_SEED` repeats what a seed
//! decides, and `CHAOS_KEEP` names a folder for what a failure leaves.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod check;
mod dice;
pub(crate) mod machine;
mod playbook;
mod process;
mod site;
mod storm;
mod summary;
mod worker;
mod world;

use std::time::{Duration, Instant};

use playbook::{of_seed, sequence};
use site::{Kind, Site};
use summary::Fault;

/// How many random playbooks there are.
const PLAYBOOKS: usize = 24;
/// How many runs go on at once in each process.
const OPEN: usize = 30;
/// How soon the runs of a dead process go on in another.
const TAKEOVER: Duration = Duration::from_secs(10);
/// The same beside other tests that have the cores too: the long form, which runs alone, holds to the promise itself.
pub(crate) const CROWDED_TAKEOVER: Duration = Duration::from_secs(40);

/// How long work in the middle of which a process is killed may take.
const PATIENCE: Duration = Duration::from_secs(120);

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

fn seed() -> u64 {
    number("CHAOS_SEED").unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0))
}

/// Runs cycles of kills: so many in the short form, of which these measure a takeover.
async fn storm(kind: Kind, cycles: u32, takes_over: impl Fn(u32) -> bool) {
    let long = number("CHAOS_CYCLES").map(|cycles| u32::try_from(cycles).unwrap());
    let (cycles, demanded) = long.map_or((cycles, 1), |cycles| (cycles, (cycles / 20).max(1)));
    let seed = seed();
    println!("{kind:?} with CHAOS_SEED={seed}");
    let mut site = Site::open(kind, seed, |world| of_seed(seed, PLAYBOOKS, world)).await;
    for cycle in 0..cycles {
        site.cycle(OPEN * site.seats.len(), takes_over(cycle)).await;
        if cycle % 100 == 99 {
            println!("{}", site.summary);
        }
    }
    let summary = site.finish().await;
    summary.demand(demanded);
    let most = if long.is_some() { TAKEOVER } else { CROWDED_TAKEOVER };
    assert!(summary.takeovers.iter().all(|takeover| *takeover < most), "{summary}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_its_promises() {
    storm(Kind::Folder, 12, |_| false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_its_promises() {
    storm(Kind::Server, 12, |cycle| cycle % 20 == 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn effects_before_their_intents_are_noticed() {
    let seed = seed();
    println!("CHAOS_SEED={seed}");
    let mut site = Site::open(Kind::Lagging, seed, |world| of_seed(seed, PLAYBOOKS, world)).await;
    while site.summary.cycles < 20 {
        site.cycle(OPEN, false).await;
        let summary = &site.summary;
        if summary.count(Fault::Early) > 0 && summary.count(Fault::Twice) > 0 {
            return;
        }
    }
    panic!(
        "no call came before its intent, or no unsafe call came twice\n{}",
        site.summary
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_thousand_runs_and_one_is_killed() {
    const RUNS: usize = 1_000;
    let mut site = Site::open(Kind::Calm, seed(), sequence).await;
    site.ledger.shared_by(2).await;
    let begin = |site: &mut Site, count: usize| [(); 4].map(|()| site.begin(count / 4, Duration::from_millis(1)));
    let first = begin(&mut site, RUNS);
    assert!(site.world.called(RUNS, PATIENCE).await, "{}", site.summary);
    site.kill_in_flight(1).await;
    let killed = Instant::now();
    let in_flight = site.look_at_what_is_left(1).await;
    assert!(!in_flight.is_empty(), "the kill hit no call: {}", site.summary);
    first.iter().for_each(|task| task.abort());
    site.await_takeover(killed, &in_flight).await;
    site.seats.pop();
    let missing = RUNS.saturating_sub(site.known_runs());
    for task in begin(&mut site, missing + 3) {
        task.await.unwrap();
    }
    let summary = site.finish().await;
    println!("{summary}");
    assert!(
        summary.faults.is_empty() && summary.runs >= RUNS,
        "{summary}\n{:#?}",
        summary.faults
    );
    assert!(summary.takeovers[0] < CROWDED_TAKEOVER, "{summary}");
}
