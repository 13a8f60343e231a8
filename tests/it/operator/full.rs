//! The disk under the database of two operators is full for a while. The database takes what fits into the room that its
//! files have, so some runs are accepted and some are not; those that are lose nothing.

use std::time::Duration;

use super::pair::{Callers, PLAYBOOK, Pair};
use super::service::{Manner, Service};
use crate::control_plane::ControlPlane;
use crate::patience::settled;
use crate::postgres::{Database, Server};

/// How many segments the log of the server has in reserve when the disk gets full: without room for its log the server
/// itself would end.
const RESERVE: usize = 12;
/// How many runs are in the middle of a call when the disk gets full.
const BEFORE: usize = 40;
/// How long runs may take that nothing holds.
const PATIENCE: Duration = Duration::from_secs(90);

/// Each run is held in another action.
fn manner(number: usize, action: &str) -> Manner {
    match ["Look", "Open", "Set", "Tell"][number % 4] == action {
        true => Manner::Held,
        false => Manner::AtOnce,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_the_database_refuses_what_it_cannot_keep_and_loses_nothing() {
    let plane = ControlPlane::shared();
    crate::admission::definitions();
    let service = Service::start(manner).await;
    let database = Database::on(Server::fillable).await;
    let pair = Pair::prepare(plane, database, |name| service.playbook(name)).await;
    let members = pair.start().await;
    let mut links = Vec::new();
    for member in &members {
        links.push(pair.link(member).await);
    }
    let callers = Callers::of(&pair, links.clone());
    callers.begin(BEFORE).await;
    service.holds(BEFORE, PATIENCE).await;

    for _ in 0..RESERVE {
        pair.ledger.texts("SELECT txid_current()::text", None).await;
        pair.ledger.texts("SELECT pg_switch_wal()::text", None).await;
    }
    // Those that are over are used again.
    pair.ledger.texts("CHECKPOINT", None).await;
    pair.ledger.texts("CHECKPOINT", None).await;
    let reserve = "SELECT count(*)::text FROM pg_ls_waldir() WHERE name > pg_walfile_name(pg_current_wal_lsn())";
    let reserve = pair.ledger.texts(reserve, None).await;
    assert!(reserve[0].parse::<usize>().unwrap() > RESERVE / 2, "{reserve:?}");
    Server::fillable().set_disk_full(true);
    for link in &links {
        let refused = callers.begin_until_refused(link).await;
        let status = refused.status();
        let again = refused.headers().contains_key("retry-after");
        let text = refused.text().await.unwrap();
        assert!(
            status == 503 && again && text.contains("full") && text.contains("make room"),
            "{status}: {text}"
        );
    }
    let accepted = callers.begun().len();
    service.open();
    for member in &members {
        let alive = pair.client.get(format!("{}/healthz", member.process.url)).send().await;
        assert_eq!(alive.unwrap().status(), 200);
    }
    // Answers come that cannot be kept now.
    assert_ne!(callers.begin_until_refused(&links[0]).await.status(), 202);
    Server::fillable().set_disk_full(false);

    callers.begin(accepted + BEFORE).await;
    let all_ended = settled(PATIENCE, async || match pair.ledger.open_runs().await {
        open if open.is_empty() => Ok(()),
        open => Err(open),
    });
    all_ended
        .await
        .unwrap_or_else(|open| panic!("there is room again, and {open:?} do not end"));
    let (mut repeated, mut unsafe_calls) = (0, 0);
    for (number, run) in callers.begun() {
        let ended = pair.ledger.run(&run).await;
        let succeeded = Some((PLAYBOOK.to_owned(), Some("Succeeded".to_owned())));
        assert_eq!(ended, succeeded, "the run {run} of number {number}");
        let [look, open, set, tell] = ["Look", "Open", "Set", "Tell"].map(|action| service.calls(&run, action));
        assert!(
            look >= 1 && open <= 1 && set >= 1 && tell >= 1,
            "{run}: {:?}",
            [look, open, set, tell]
        );
        repeated += look + set + tell - 3;
        unsafe_calls += open;
    }
    let runs = callers.begun().len();
    println!(
        "{runs} runs, {accepted} of them before there was room again: {repeated} calls repeated, {unsafe_calls} unsafe ones"
    );
}
