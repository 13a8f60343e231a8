//! Runs whose process is killed in the middle: they go on where they were, no committed answer is asked for again, and
//! nothing unsafe is repeated.

use super::content::World;
use super::process::comments;
use crate::enrichment::event;
use crate::enrichment::service::MALICIOUS;

/// Addresses that are answered at once, and one whose answer is held back.
const FIRST: &str = MALICIOUS;
const SECOND: &str = "45.155.205.233";
const HELD: &str = "91.92.240.8";

#[tokio::test]
async fn a_killed_run_goes_on_where_it_was() {
    let world = World::new().await;
    let (virus_total, data_collector) = (&world.virus_total, &world.data_collector);
    let dev = world.home.start(&[]).await;
    let first = dev.deliver(&event(FIRST, None)).await;
    dev.ended(first).await;

    virus_total.hold(HELD);
    let second = dev.deliver(&event(SECOND, Some(HELD))).await;
    let has_comment = |view: &serde_json::Value| comments(view).iter().any(|comment| comment.contains(SECOND));
    dev.incident(second, has_comment).await;
    virus_total.await_calls(HELD, 1).await;
    dev.kill();

    let dev = world.home.start(&[]).await;
    virus_total.await_calls(HELD, 2).await;
    virus_total.release();
    let (incident, run) = dev.ended(second).await;
    assert_eq!(run["status"], "Succeeded", "{run:#}");
    let comments = comments(&incident);
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert!(
        comments[0].contains(SECOND) && comments[1].contains(HELD),
        "{comments:?}"
    );

    let asked = [FIRST, SECOND, HELD].map(|address| virus_total.calls(address).len());
    assert_eq!(asked, [1, 1, 2], "only the call without an answer is repeated");
    let held = virus_total.calls(HELD);
    assert_eq!(held[0].key, held[1].key, "a repeated call is the same call");
    let sent = [FIRST, SECOND, HELD].map(|address| data_collector.calls(address).len());
    assert_eq!(sent, [1, 1, 1], "nothing unsafe is sent twice");
    assert_eq!((virus_total.count(), data_collector.count()), (4, 3));
    let (incident, _) = dev.ended(first).await;
    assert_eq!(super::comments(&incident).len(), 1);
}

#[tokio::test]
async fn a_killed_call_that_is_not_safe_to_repeat_ends_as_unknown() {
    let world = World::new().await;
    let dev = world.home.start(&[]).await;
    world.data_collector.hold(HELD);
    let number = dev.deliver(&event(HELD, None)).await;
    world.data_collector.await_calls(HELD, 1).await;
    dev.kill();

    let dev = world.home.start(&[]).await;
    let (incident, run) = dev.ended(number).await;
    assert_eq!(run["status"], "Failed", "{run:#}");
    let action = &run["actions"]["Send_Data"];
    assert_eq!(
        (&action["status"], &action["code"]),
        (&"Failed".into(), &"OutcomeUnknown".into()),
        "{run:#}"
    );
    let comment = &run["actions"]["Add_comment_to_incident_(V3)"];
    assert_eq!(comment["status"], "Skipped", "{run:#}");
    assert_eq!(comments(&incident), Vec::<&str>::new());
    assert_eq!((world.virus_total.count(), world.data_collector.count()), (1, 1));
}
