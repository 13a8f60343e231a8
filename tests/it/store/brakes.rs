//! How often calls under a brake are let through.

use riposte::store::{BrakeUse, Operation, Refusal, Store};

use super::{Kind, commit, new_store, on_both, refusal};

on_both![
    a_call_counts_once_and_until_its_window_is_over,
    a_call_counts_from_when_it_is_let_through_last,
    a_call_that_comes_back_after_its_window_counts_anew,
];

/// A call under a brake that lets one call through in any second.
fn one(call: &str, at: i64) -> [Operation; 1] {
    [Operation::UseBrake(BrakeUse {
        brake: "soc/edr/Isolate".into(),
        call: call.into(),
        at,
        window: 1_000,
        most: 1,
    })]
}

async fn is_refused(store: &Store, call: &str, at: i64) {
    let expected = Refusal::Braked("soc/edr/Isolate".into());
    assert_eq!(refusal(store, one(call, at)).await, expected);
}

async fn a_call_counts_once_and_until_its_window_is_over(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, one("a", 0)).await;
    commit(&store, one("a", 0)).await;
    is_refused(&store, "b", 999).await;
    commit(&store, one("b", 1_000)).await;
}

async fn a_call_counts_from_when_it_is_let_through_last(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, one("a", 0)).await;
    commit(&store, one("a", 900)).await;
    is_refused(&store, "b", 1_000).await;
    commit(&store, one("b", 1_900)).await;
}

async fn a_call_that_comes_back_after_its_window_counts_anew(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, one("a", 0)).await;
    commit(&store, one("b", 5_000)).await;
    // Its first attempt was let through long ago, and is still remembered only if nobody looked.
    is_refused(&store, "a", 5_001).await;
    commit(&store, one("c", 6_000)).await;
    commit(&store, one("c", 7_500)).await;
    is_refused(&store, "d", 8_499).await;
}
