//! Alerts, incidents, grouping keys, comments, tasks and settings.

use riposte::store::{ACTIVITIES_KEPT, ActivityRow, AlertRow, IncidentFilter, IncidentRow, Operation, Refusal};

use super::{Kind, alert, commit, incident, new_store, note, on_both, refusal, setting};

on_both![
    an_alert_is_found_by_identity_and_by_key,
    a_known_deduplication_key_is_refused_in_its_workspace_only,
    numbers_count_in_each_workspace_and_a_refused_transaction_uses_none,
    an_update_needs_the_version_that_it_was_computed_on,
    incidents_are_listed_newest_first,
    alerts_join_an_incident_once_and_in_order,
    a_grouping_key_has_one_holder_until_it_expires_or_is_released,
    the_same_comment_twice_is_one,
    a_task_changes_in_place,
    activities_are_bounded_and_the_newest_come_first,
    definitions_stay_and_settings_change,
];

fn claim(key: &str, incident: &str, now: i64, expires_at: i64) -> Operation {
    Operation::ClaimGroup {
        workspace: "soc".into(),
        key: key.into(),
        incident: incident.into(),
        now,
        expires_at,
    }
}

fn link(alert: &str, incident: &str) -> Operation {
    Operation::LinkAlert {
        alert: alert.into(),
        incident: incident.into(),
    }
}

fn ids(rows: &[AlertRow]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

async fn an_alert_is_found_by_identity_and_by_key(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [Operation::InsertAlert(alert("a1", "k1"))]).await;
    assert_eq!(store.alert("a1").await.unwrap(), Some(alert("a1", "k1")));
    assert_eq!(
        store.alert_by_dedup("soc", "k1").await.unwrap(),
        Some(alert("a1", "k1"))
    );
    assert_eq!(store.alert_by_dedup("other", "k1").await.unwrap(), None);
    assert_eq!(store.alert("a2").await.unwrap(), None);
}

async fn a_known_deduplication_key_is_refused_in_its_workspace_only(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [Operation::InsertAlert(alert("a1", "k1"))]).await;
    let again = refusal(&store, [setting("x", "1"), Operation::InsertAlert(alert("a2", "k1"))]).await;
    assert_eq!(again, Refusal::DuplicateAlert("a1".into()));
    assert_eq!(
        store.setting("x").await.unwrap(),
        None,
        "the operations before the refused one are undone"
    );
    let elsewhere = AlertRow {
        workspace: "other".into(),
        ..alert("a3", "k1")
    };
    commit(&store, [Operation::InsertAlert(elsewhere)]).await;
    assert!(store.alert("a3").await.unwrap().is_some());
}

async fn numbers_count_in_each_workspace_and_a_refused_transaction_uses_none(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let other = IncidentRow {
        workspace: "other".into(),
        ..incident("o1")
    };
    let made = commit(
        &store,
        [incident("i1"), incident("i2"), other].map(Operation::InsertIncident),
    )
    .await;
    assert_eq!(
        made.incident_numbers,
        [("i1".into(), 1), ("i2".into(), 2), ("o1".into(), 1)]
    );
    let stale = Operation::UpdateIncident {
        expected_version: 9,
        row: incident("i1"),
    };
    refusal(&store, [Operation::InsertIncident(incident("i3")), stale]).await;
    let made = commit(&store, [Operation::InsertIncident(incident("i4"))]).await;
    assert_eq!(made.incident_numbers, [("i4".into(), 3)]);
    let stored = store.incident_by_number("soc", 3).await.unwrap();
    assert_eq!(
        stored,
        Some(IncidentRow {
            number: 3,
            version: 1,
            ..incident("i4")
        })
    );
    assert_eq!(store.incident("i3").await.unwrap(), None);
}

async fn an_update_needs_the_version_that_it_was_computed_on(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [Operation::InsertIncident(incident("i1"))]).await;
    let closed = IncidentRow {
        status: "Closed".into(),
        severity: "Low".into(),
        updated_at: 5_000,
        document: r#"{"closed":true}"#.into(),
        ..incident("i1")
    };
    let update = |expected_version| Operation::UpdateIncident {
        expected_version,
        row: closed.clone(),
    };
    commit(&store, [update(1)]).await;
    let expected = IncidentRow {
        number: 1,
        version: 2,
        ..closed.clone()
    };
    assert_eq!(store.incident("i1").await.unwrap(), Some(expected));
    assert_eq!(refusal(&store, [update(1)]).await, Refusal::StaleIncident("i1".into()));
    let unknown = Operation::UpdateIncident {
        expected_version: 1,
        row: incident("i9"),
    };
    assert_eq!(refusal(&store, [unknown]).await, Refusal::StaleIncident("i9".into()));
}

async fn incidents_are_listed_newest_first(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let at = |id: &str, created_at, status: &str, workspace: &str| {
        let row = IncidentRow {
            created_at,
            status: status.into(),
            workspace: workspace.into(),
            ..incident(id)
        };
        Operation::InsertIncident(row)
    };
    let rows = [
        at("i1", 1, "New", "soc"),
        at("i2", 3, "Closed", "soc"),
        at("i3", 2, "New", "soc"),
    ];
    commit(&store, rows).await;
    commit(&store, [at("o1", 4, "New", "other")]).await;
    let list = async |workspace: Option<&str>, status: Option<&str>, limit| {
        let filter = IncidentFilter {
            workspace: workspace.map(Into::into),
            status: status.map(Into::into),
            limit,
        };
        let rows = store.incidents(&filter).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 10).await, ["o1", "i2", "i3", "i1"]);
    assert_eq!(list(Some("soc"), None, 2).await, ["i2", "i3"]);
    assert_eq!(list(Some("soc"), Some("New"), 10).await, ["i3", "i1"]);
    assert_eq!(list(None, Some("Closed"), 10).await, ["i2"]);
}

async fn alerts_join_an_incident_once_and_in_order(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let rows = [alert("a2", "k2"), alert("a1", "k1")].map(Operation::InsertAlert);
    commit(&store, rows).await;
    commit(&store, [incident("i1"), incident("i2")].map(Operation::InsertIncident)).await;
    commit(
        &store,
        [link("a2", "i1"), link("a1", "i1"), link("a2", "i1"), link("a1", "i2")],
    )
    .await;
    assert_eq!(ids(&store.alerts_of("i1").await.unwrap()), ["a2", "a1"]);
    assert_eq!(ids(&store.alerts_of("i2").await.unwrap()), ["a1"]);
    assert_eq!(store.incident_of_alert("a1").await.unwrap().as_deref(), Some("i1"));
    assert_eq!(store.incident_of_alert("a3").await.unwrap(), None);
}

async fn a_grouping_key_has_one_holder_until_it_expires_or_is_released(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [incident("i1"), incident("i2")].map(Operation::InsertIncident)).await;
    commit(&store, [claim("k", "i1", 0, 100)]).await;
    assert_eq!(store.group_holder("soc", "k", 99).await.unwrap().as_deref(), Some("i1"));
    assert_eq!(store.group_holder("soc", "k", 100).await.unwrap(), None);
    assert_eq!(store.group_holder("other", "k", 99).await.unwrap(), None);
    let taken = refusal(&store, [claim("k", "i2", 99, 200)]).await;
    assert_eq!(taken, Refusal::GroupTaken("i1".into()));

    commit(&store, [claim("k", "i1", 50, 150)]).await;
    assert_eq!(
        store.group_holder("soc", "k", 100).await.unwrap(),
        None,
        "a second claim keeps the older expiry"
    );
    commit(&store, [claim("k", "i2", 100, 200)]).await;
    assert_eq!(
        store.group_holder("soc", "k", 100).await.unwrap().as_deref(),
        Some("i2")
    );
    commit(&store, [claim("k", "i2", 200, 300)]).await;
    assert_eq!(
        store.group_holder("soc", "k", 299).await.unwrap().as_deref(),
        Some("i2"),
        "an expired one is renewed"
    );

    commit(&store, [Operation::ReleaseGroup { incident: "i1".into() }]).await;
    assert!(
        store.group_holder("soc", "k", 299).await.unwrap().is_some(),
        "only the holder's keys are freed"
    );
    commit(&store, [Operation::ReleaseGroup { incident: "i2".into() }]).await;
    assert_eq!(store.group_holder("soc", "k", 299).await.unwrap(), None);
}

async fn the_same_comment_twice_is_one(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [Operation::InsertIncident(incident("i1"))]).await;
    let rows = [
        note("c2", "i1", "two"),
        note("c1", "i1", "one"),
        note("c1", "i1", "again"),
    ];
    commit(&store, rows.map(Operation::InsertComment)).await;
    let comments = store.comments("i1").await.unwrap();
    assert_eq!(comments, [note("c1", "i1", "one"), note("c2", "i1", "two")]);
    assert!(store.comments("i2").await.unwrap().is_empty());
}

async fn a_task_changes_in_place(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [Operation::InsertIncident(incident("i1"))]).await;
    let rows = [
        note("t1", "i1", "todo"),
        note("t1", "i1", "again"),
        note("t2", "i1", "todo"),
    ];
    commit(&store, rows.map(Operation::InsertTask)).await;
    commit(&store, [Operation::UpdateTask(note("t2", "i1", "done"))]).await;
    assert_eq!(
        store.tasks("i1").await.unwrap(),
        [note("t1", "i1", "todo"), note("t2", "i1", "done")]
    );
    assert_eq!(store.task("t2").await.unwrap(), Some(note("t2", "i1", "done")));
    assert_eq!(store.task("t3").await.unwrap(), None);
}

async fn activities_are_bounded_and_the_newest_come_first(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [incident("i1"), incident("i2")].map(Operation::InsertIncident)).await;
    let activity = |incident: &str, version: i64| {
        Operation::InsertActivity(ActivityRow {
            incident: incident.into(),
            version,
            document: version.to_string(),
        })
    };
    let many: Vec<Operation> = (2..=ACTIVITIES_KEPT + 4)
        .map(|version| activity("i1", version))
        .collect();
    commit(&store, many).await;
    commit(&store, [activity("i1", ACTIVITIES_KEPT + 4), activity("i2", 2)]).await;
    let versions = |rows: Vec<ActivityRow>| rows.iter().map(|row| row.version).collect::<Vec<_>>();
    let newest = versions(store.activities("i1", 2).await.unwrap());
    assert_eq!(newest, [ACTIVITIES_KEPT + 4, ACTIVITIES_KEPT + 3]);
    let all = versions(store.activities("i1", u32::MAX).await.unwrap());
    assert_eq!((all.len() as i64, all.last()), (ACTIVITIES_KEPT, Some(&5)));
    assert_eq!(versions(store.activities("i2", 9).await.unwrap()), [2]);
}

async fn definitions_stay_and_settings_change(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let put = |text: &str| Operation::PutDefinition {
        hash: "h".into(),
        text: text.into(),
    };
    commit(
        &store,
        [put("first"), put("second"), setting("s", "1"), setting("s", "2")],
    )
    .await;
    assert_eq!(store.definition("h").await.unwrap().as_deref(), Some("first"));
    assert_eq!(store.setting("s").await.unwrap().as_deref(), Some("2"));
    assert_eq!(store.definition("g").await.unwrap(), None);
    assert_eq!(store.setting("t").await.unwrap(), None);
}
