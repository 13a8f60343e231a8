//! The operator's process ends in the middle of a run, by force or in order; the next one brings the run to its end.

use std::time::Duration;

use super::site::{Site, comments};
use crate::control_plane::{ControlPlane, eventually};
use crate::enrichment::event;
use crate::enrichment::service::MALICIOUS;
use crate::program::Running;

/// An address that is answered at once, and one whose answer is held back.
const ANSWERED: &str = "45.155.205.233";
const HELD: &str = MALICIOUS;
/// How long a pod has to end: `terminationGracePeriodSeconds` of the chart.
const GRACE: Duration = Duration::from_secs(30);

/// A run that has a committed answer about one address, and waits for that about another.
async fn halfway(site: &Site, operator: &Running) -> i64 {
    site.rule(true).await;
    site.services.virus_total.hold(HELD);
    let number = site.deliver(operator, &event(ANSWERED, Some(HELD))).await;
    site.incident(number, 1).await;
    site.services.virus_total.await_calls(HELD, 1).await;
    number
}

/// Awaits that the run goes on with the call that had no answer, and what comes of it.
async fn goes_on(site: &Site, number: i64) {
    let (virus_total, data_collector) = (&site.services.virus_total, &site.services.data_collector);
    virus_total.await_calls(HELD, 2).await;
    virus_total.release();
    site.run_on(number, "True").await;
    let incident = site.incident(number, 2).await;
    let comments = comments(&incident);
    assert!(
        comments[0].contains(ANSWERED) && comments[1].contains(HELD),
        "{comments:?}"
    );
    let asked = [ANSWERED, HELD].map(|address| virus_total.calls(address).len());
    assert_eq!(asked, [1, 2], "only the call without an answer is repeated");
    let held = virus_total.calls(HELD);
    assert_eq!(held[0].key, held[1].key, "a repeated call is the same call");
    let sent = [ANSWERED, HELD].map(|address| data_collector.calls(address).len());
    assert_eq!(sent, [1, 1], "nothing unsafe is sent twice");
    assert_eq!((virus_total.count(), data_collector.count()), (3, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_operator_is_killed_ends_when_it_is_back() {
    let namespace = ControlPlane::shared().namespace().await;
    let site = Site::granted(&namespace).await;
    let operator = site.operator().await;
    let number = halfway(&site, &operator).await;
    operator.kill();

    let _operator = site.operator().await;
    goes_on(&site, number).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_is_told_to_end_lets_everything_go() {
    let namespace = ControlPlane::shared().namespace().await;
    let site = Site::granted(&namespace).await;
    let operator = site.operator().await;
    let number = halfway(&site, &operator).await;
    let holder = async || site.plane.get(&site.namespace, "lease/riposte")["spec"]["holderIdentity"].clone();
    eventually("the operator holds the Lease", async || {
        holder().await.is_string().then_some(())
    })
    .await;

    let (code, took) = operator.terminate();
    assert_eq!(code, 0);
    assert!(took < GRACE, "{took:?}");
    assert!(holder().await.is_null(), "{}", holder().await);

    let _operator = site.operator().await;
    goes_on(&site, number).await;
}
