//! Deliveries: what is accepted, what is refused, and that an answer means that it is on the disk.

use std::collections::HashSet;
use std::time::Duration;

use riposte::incidents::{Desk, WorkspaceIds};
use riposte::store::Store;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Ask, DEADLINE, House, Reply, alert};

const ALERTS: &str = "/v1/workspaces/soc/alerts";

#[tokio::test]
async fn an_alert_is_accepted_once_and_its_like_joins() {
    let house = House::open().await;
    let first = house.post(ALERTS, &alert("a")).await;
    assert_eq!(first.status, 202);
    let accepted = first.json()["accepted"][0].clone();
    assert_eq!(accepted["incident"]["number"], 1);
    assert_eq!(
        (&accepted["duplicate"], &accepted["joined"]),
        (&json!(false), &json!(false))
    );

    let again = house.post(ALERTS, &alert("a")).await;
    assert_eq!(again.status, 200, "a duplicate makes nothing new");
    let repeated = again.json()["accepted"][0].clone();
    assert_eq!(repeated["alert"], accepted["alert"]);
    assert_eq!(repeated["incident"], accepted["incident"]);
    assert_eq!(repeated["duplicate"], true);

    let like = house.post(ALERTS, &json!([alert("a"), alert("b")])).await;
    assert_eq!(like.status, 202, "one of two is new");
    assert_eq!(like.json()["accepted"][1]["joined"], true);
    assert_eq!(like.json()["accepted"][1]["incident"], accepted["incident"]);
}

#[tokio::test]
async fn each_format_has_its_path_and_events_find_theirs() {
    let house = House::open().await;
    let falco = json!({ "uuid": "1", "output": "a shell", "priority": "Notice", "rule": "Shell", "time": "2026-03-01T11:59:58Z",
        "output_fields": { "k8s.pod.name": "cart", "k8s.ns.name": "shop" } });
    let sentinel = json!({ "object": { "id": "x", "name": "4c8f0a5e-0000-4000-8000-000000000001",
        "properties": { "title": "From Sentinel", "severity": "Low", "incidentNumber": 4 } } });
    let security_alert = json!({ "SystemAlertId": "4c8f0a5e-0000-4000-8000-000000000002", "AlertDisplayName": "Odd sign-in",
        "Severity": "Medium", "ProviderName": "ASI", "AlertType": "x" });
    let alertmanager = json!({ "version": "4", "groupKey": "g", "receiver": "riposte", "status": "firing", "alerts": [
        { "status": "firing", "labels": { "alertname": "Down" }, "annotations": {}, "startsAt": "2026-03-01T12:00:00Z",
          "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "f1" }] });
    let native = json!({ "title": "Whole", "id": "w", "severity": "Low", "status": "New", "alerts": [alert("z")] });
    let cases = [
        ("falco", &falco),
        ("sentinel/incidents", &sentinel),
        ("sentinel/alerts", &security_alert),
        ("alertmanager", &alertmanager),
        ("incidents", &native),
    ];
    for (path, body) in cases {
        let reply = house.post(&format!("/v1/workspaces/soc/{path}"), body).await;
        assert_eq!(reply.status, 202, "{path}: {reply:?}");
        let reply = house.post("/v1/workspaces/soc/events", body).await;
        assert_eq!(reply.status, 200, "events finds {path} and knows it: {reply:?}");
    }
    let unknown = house
        .post("/v1/workspaces/soc/events", &json!({ "hello": "world" }))
        .await;
    assert!(unknown.problem(400).contains("sentinel/incidents"));
}

#[tokio::test]
async fn what_is_answered_is_on_the_disk() {
    let house = House::open().await;
    let reply = house.post(ALERTS, &alert("a")).await;
    let id = reply.json()["accepted"][0]["incident"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // The files as a killed process leaves them: copied while the store is open.
    let copy = tempfile::tempdir().expect("a folder");
    for name in ["riposte.db", "riposte.db-wal"] {
        std::fs::copy(house.folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let store = Store::open(copy.path()).await.unwrap();
    let desk = Desk::new(store.clone(), WorkspaceIds::default());
    let view = desk.view(&id).await.unwrap().expect("the incident survived");
    assert_eq!((view.incident.number, view.alerts.len()), (1, 1));
}

#[tokio::test]
async fn malformed_bodies_are_refused_with_their_place() {
    let house = House::open().await;
    let reply = house.send(&Ask::post(ALERTS, "{\n  \"title\": }")).await;
    reply.problem(400);
    assert_eq!(reply.json()["place"], json!({ "line": 2, "column": 12 }));
    let reply = house
        .post(
            "/v1/workspaces/soc/sentinel/incidents",
            &json!({ "object": { "properties": 1 } }),
        )
        .await;
    reply.problem(400);
    assert_eq!(reply.json()["place"], json!({ "pointer": "/object/properties" }));
    let reply = house
        .post(ALERTS, &json!({ "title": "x", "severity": "High", "\u{1b}[31m": 1 }))
        .await;
    assert!(!reply.problem(400).contains('\u{1b}'));
    let incidents = house.get("/v1/workspaces/soc/incidents").await.json();
    assert_eq!(incidents["incidents"], json!([]), "nothing of them was taken");
}

#[tokio::test]
async fn only_json_is_taken() {
    let house = House::open().await;
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("text/json+json"),
    ] {
        let ask = Ask {
            content_type,
            ..Ask::post(ALERTS, &alert("a").to_string())
        };
        house.send(&ask).await.problem(415);
    }
    for (id, content_type) in [
        ("b", "application/json; charset=utf-8"),
        ("c", "application/cloudevents+json"),
    ] {
        let ask = Ask {
            content_type: Some(content_type),
            ..Ask::post(ALERTS, &alert(id).to_string())
        };
        assert_eq!(house.send(&ask).await.status, 202, "{content_type}");
    }
}

#[tokio::test]
async fn oversized_bodies_are_refused_with_and_without_a_length() {
    let house = House::with(|settings, _| settings.max_body = 1_000).await;
    let body = format!("[{}{}]", alert("a"), " ".repeat(2_000));
    house.send(&Ask::post(ALERTS, &body)).await.problem(413);

    let announced = format!("{}Content-Length: 99999999\r\n\r\n", Ask::post(ALERTS, "").head());
    house.raw(announced.as_bytes()).await.problem(413);

    let ask = Ask::post(ALERTS, "");
    let chunk = " ".repeat(600);
    let chunks = format!("{0:x}\r\n{chunk}\r\n{0:x}\r\n{chunk}\r\n", chunk.len());
    let chunked = format!("{}Transfer-Encoding: chunked\r\n\r\n{chunks}", ask.head());
    house.raw(chunked.as_bytes()).await.problem(413);

    let small = format!("{:x}\r\n{}\r\n0\r\n\r\n", alert("a").to_string().len(), alert("a"));
    let chunked = format!("{}Transfer-Encoding: chunked\r\n\r\n{small}", ask.head());
    assert_eq!(house.raw(chunked.as_bytes()).await.status, 202);
}

#[tokio::test]
async fn a_slow_client_times_out() {
    let house = House::with(|settings, _| settings.read_timeout = Duration::from_millis(50)).await;
    let begun = format!("{}Content-Length: 100\r\n\r\n[{{", Ask::post(ALERTS, "").head());
    let reply = house.raw(begun.as_bytes()).await;
    reply.problem(408);
    assert_eq!(reply.header("connection"), "close");

    let mut stream = TcpStream::connect(house.address).await.expect("a connection");
    stream.write_all(b"POST /v1/workspaces/soc/al").await.expect("sent");
    let mut bytes = Vec::new();
    let reading = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes);
    tokio::time::timeout(DEADLINE, reading)
        .await
        .expect("the server hangs up on half a head")
        .expect("an orderly end");
}

/// Sends all but the end of a body, and waits until the server has begun with it.
async fn half_sent(house: &House, path: &str, body: &str) -> (TcpStream, String) {
    let ask = Ask::post(path, body);
    let head = format!(
        "{}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        ask.head(),
        body.len()
    );
    let mut stream = TcpStream::connect(house.address).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("sent");
    // The server asks for the body when it has found room for the delivery.
    let mut bytes = [0; 25];
    let reading = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut bytes);
    tokio::time::timeout(DEADLINE, reading)
        .await
        .expect("in time")
        .expect("asked for the body");
    assert_eq!(&bytes, b"HTTP/1.1 100 Continue\r\n\r\n");
    (stream, body.to_owned())
}

#[tokio::test]
async fn overload_is_told_as_the_sender_understands_it() {
    let house = House::with(|settings, _| settings.max_deliveries = 1).await;
    let (mut stream, body) = half_sent(&house, ALERTS, &alert("a").to_string()).await;

    let native = house.post(ALERTS, &alert("b")).await;
    native.problem(429);
    assert_eq!(native.header("retry-after"), "1");
    let alertmanager = house.post("/v1/workspaces/soc/alertmanager", &json!({})).await;
    alertmanager.problem(503);
    assert_eq!(alertmanager.header("retry-after"), "1");
    assert_eq!(
        house.get("/v1/workspaces/soc/incidents").await.status,
        200,
        "views go on"
    );

    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(Reply::read(&mut stream).await.status, 202);
    assert_eq!(house.post(ALERTS, &alert("b")).await.status, 202, "there is room again");
}

/// Asks until there is an answer of a status.
async fn until_status(house: &House, path: &str, body: &serde_json::Value, status: u16) -> Reply {
    let asking = async || match house.post(path, body).await {
        reply if reply.status == status => Ok(reply),
        reply => Err(reply),
    };
    let reply = crate::patience::settled(DEADLINE, asking).await;
    reply.unwrap_or_else(|reply| panic!("{reply:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_behind_takes_no_more_and_loses_nothing_of_what_it_took() {
    let house = House::with(|settings, _| settings.max_behind = Duration::from_millis(100)).await;
    let house = std::sync::Arc::new(house);
    // Another program holds the database, so nothing reaches the disk.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(house.folder.path().join("riposte.db"));
    let mut holder = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut holder).await.unwrap();
    let taken = tokio::spawn({
        let house = house.clone();
        async move { house.post(ALERTS, &alert("a")).await }
    });
    let is_behind = async || match house.store.behind() {
        age if age > Duration::from_millis(100) => Ok(()),
        age => Err(age),
    };
    crate::patience::settled(DEADLINE, is_behind)
        .await
        .expect("the store is behind");

    let refused = house.post(ALERTS, &alert("b")).await;
    refused.problem(429);
    assert_eq!(refused.header("retry-after"), "1");
    house
        .post("/v1/workspaces/soc/alertmanager", &json!({}))
        .await
        .problem(503);
    sqlx::query("ROLLBACK").execute(&mut holder).await.unwrap();

    assert_eq!(taken.await.unwrap().status, 202, "what was taken is stored");
    until_status(&house, ALERTS, &alert("b"), 202).await;
    assert_eq!(house.post(ALERTS, &alert("a")).await.status, 200, "and known");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_like_alerts_makes_few_incidents() {
    let house = std::sync::Arc::new(House::with(|settings, _| settings.max_deliveries = 512).await);
    let mut senders = JoinSet::new();
    for number in 0..500 {
        let house = house.clone();
        senders.spawn(async move { house.post(ALERTS, &alert(&number.to_string())).await });
    }
    let replies = senders.join_all().await;
    assert!(replies.iter().all(|reply| reply.status == 202));
    let numbers: HashSet<i64> = replies
        .iter()
        .map(|reply| reply.json()["accepted"][0]["incident"]["number"].as_i64().unwrap())
        .collect();
    // An incident holds 150 alerts.
    assert_eq!(numbers, (1..=4).collect());
    let opened = replies
        .iter()
        .filter(|reply| reply.json()["accepted"][0]["joined"] == false);
    assert_eq!(opened.count(), 4);
}

#[tokio::test]
async fn a_sender_that_hangs_up_after_the_commit_still_has_its_rules_evaluated() {
    let house = House::open().await;
    let mut stream = TcpStream::connect(house.address).await.expect("a connection");
    stream
        .write_all(Ask::post(ALERTS, &alert("a").to_string()).text().as_bytes())
        .await
        .unwrap();
    let is_there = |answer: &serde_json::Value| answer["incidents"].as_array().is_some_and(|list| !list.is_empty());
    house.get_until("/v1/workspaces/soc/incidents", is_there).await;
    drop(stream);
    house
        .get_until("/v1/workspaces/soc/incidents/1", |answer| {
            answer["runs"][0]["status"] == "Succeeded"
        })
        .await;
}
