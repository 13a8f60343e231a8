//! The main job, from the outside: `riposte dev` as a real process, real content, fakes of the services on loopback.

mod canary;
mod commands;
mod content;
mod crash;
mod faults;
mod grant;
mod process;
mod quickstart;
mod schedule;
mod telemetry;

use crate::enrichment::event;
use crate::enrichment::service::{self, MALICIOUS, REPUTATIONS};
use content::World;
use process::comments;

#[tokio::test]
async fn an_event_becomes_a_comment_of_an_imported_playbook() {
    let world = World::new().await;
    let dev = world.home.start(&[]).await;
    let number = dev.deliver(&event(MALICIOUS, None)).await;
    assert_eq!(number, 1);
    let (incident, run) = dev.ended(number).await;
    assert_eq!(incident["properties"]["severity"], "High");
    let comments = comments(&incident);
    let reputation = format!("Reputation is: {} which indicates likely malicous", REPUTATIONS.0);
    assert!(
        comments.len() == 1 && comments[0].contains(&reputation) && comments[0].contains(MALICIOUS),
        "{comments:?}"
    );
    assert_eq!(run["status"], "Succeeded", "{run:#}");
    assert_eq!(run["actions"]["Send_Data_2"]["status"], "Succeeded", "{run:#}");
    assert_eq!(run["actions"]["Send_Data"]["status"], "Skipped", "{run:#}");
    assert_eq!((world.virus_total.count(), world.data_collector.count()), (1, 1));
    assert_eq!(world.virus_total.calls(MALICIOUS).len(), 1);
    assert_eq!(world.data_collector.calls(MALICIOUS).len(), 1);
    let (_, journal) = dev
        .get(&format!("/v1/runs/{}/events", run["id"].as_str().unwrap()))
        .await;
    let stored = world.home.data();
    for secret in [service::API_KEY, service::WORKSPACE_KEY] {
        assert!(!run.to_string().contains(secret), "{run:#}");
        assert!(!journal.to_string().contains(secret), "{journal:#}");
        let has_secret = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        let holder = stored.iter().find(|(_, bytes)| has_secret(bytes));
        assert_eq!(holder.map(|(path, _)| path), None, "a file holds a credential");
    }
}
