//! A rule whose playbook nobody granted: what is missing is said, and giving it is enough.

use serde_json::Value;

use super::content::World;
use super::process::comments;
use crate::enrichment::service::MALICIOUS;
use crate::enrichment::{PLAYBOOK, event};

#[tokio::test]
async fn what_is_missing_is_said_and_works_as_it_is_said() {
    let world = World::without_grant().await;
    let dev = world.home.start(&[]).await;
    let number = dev.deliver(&event("45.155.205.233", None)).await;
    let (incident, evaluation) = dev.evaluated(number).await;
    let action = &evaluation["rules"][0]["actions"][0];
    assert_eq!(action["outcome"]["result"], "failed", "{incident:#}");
    let message = action["outcome"]["message"].as_str().unwrap();
    assert!(message.contains(PLAYBOOK) && message.contains("default"), "{message}");
    let remedy = action["outcome"]["remedy"].as_str().unwrap();
    assert!(remedy.contains("kind: PlaybookGrant"), "{remedy}");
    assert_eq!(incident["runs"], Value::Array(Vec::new()), "{incident:#}");

    let seen = dev.stderr().count();
    world.home.write("grant.yaml", remedy);
    dev.stderr().find(seen, "reloaded").await;
    let number = dev.deliver(&event(MALICIOUS, None)).await;
    let (incident, run) = dev.ended(number).await;
    assert_eq!(run["status"], "Succeeded", "{run:#}");
    assert_eq!(comments(&incident).len(), 1, "{incident:#}");
    assert_eq!((world.virus_total.count(), world.data_collector.count()), (1, 1));
}
