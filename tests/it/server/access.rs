//! Who is let in, and how every answer looks.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Ask, DEADLINE, House, MASTER, Reply, SENDER, alert};

const INCIDENTS: &str = "/v1/workspaces/soc/incidents";

#[tokio::test]
async fn nobody_gets_in_without_a_known_token() {
    let house = House::open().await;
    for path in [INCIDENTS, "/v1/runs", "/v1/runs/x", "/workspaces/soc/incidents/1"] {
        let nobody = Ask {
            token: None,
            ..Ask::get(path)
        };
        for ask in [
            nobody,
            Ask::get(path).token("unknown-0123456789"),
            Ask::get(path).token(""),
        ] {
            let reply = house.send(&ask).await;
            reply.problem(401);
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{path}");
        }
    }
    let twice = format!("{}Authorization: Bearer {MASTER}\r\n\r\n", Ask::get(INCIDENTS).head());
    house.raw(twice.as_bytes()).await.problem(401);
    let basic = Ask {
        token: None,
        ..Ask::get(INCIDENTS)
    };
    let basic = format!("{}Authorization: Basic {MASTER}\r\n\r\n", basic.head());
    house.raw(basic.as_bytes()).await.problem(401);
}

#[tokio::test]
async fn a_token_reaches_its_workspace_only() {
    let house = House::open().await;
    let incident =
        house.post("/v1/workspaces/shop/alerts", &alert("a")).await.json()["accepted"][0]["incident"]["id"].clone();
    let own = house.send(&Ask::get(INCIDENTS).token(SENDER)).await;
    assert_eq!((own.status, own.json()), (200, json!({ "incidents": [] })));
    let foreign = Ask::get("/v1/workspaces/shop/incidents").token(SENDER);
    house.send(&foreign).await.problem(403);
    let foreign = Ask::post("/v1/workspaces/shop/alerts", "{}").token(SENDER);
    house.send(&foreign).await.problem(403);
    // By its id it is not found in another workspace either.
    let borrowed = Ask::get(&format!("{INCIDENTS}/{}", incident.as_str().unwrap()));
    house.send(&borrowed).await.problem(404);

    let started = house
        .post("/v1/workspaces/shop/playbooks/waiting/runs", &json!({ "body": {} }))
        .await;
    let run = started.json()["runs"][0].as_str().unwrap().to_owned();
    let path = format!("/v1/runs/{run}");
    house.send(&Ask::get(&path).token(SENDER)).await.problem(404);
    house
        .send(&Ask::post(&format!("{path}/cancel"), "").token(SENDER))
        .await
        .problem(404);
    house
        .send(&Ask::get("/v1/runs?namespace=shop").token(SENDER))
        .await
        .problem(403);
    let runs = house.send(&Ask::get("/v1/runs").token(SENDER)).await.json();
    assert_eq!(runs["runs"], json!([]));
    assert_eq!(house.get(&path).await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_problem() {
    let house = House::open().await;
    for path in [
        "/",
        "/v2",
        "/v1/runs/none",
        "/v1/workspaces/soc/incidents/9",
        "/v1/workspaces/soc/incidents/none",
    ] {
        house.get(path).await.problem(404);
    }
    let reply = house.send(&Ask::post("/v1/runs", "{}")).await;
    reply.problem(405);
    assert!(reply.header("allow").contains("GET"));
    for name in ["Soc", "so.c", "-soc", "%2e%2e", "so%20c", "%ff"] {
        house
            .get(&format!("/v1/workspaces/{name}/incidents"))
            .await
            .problem(400);
    }
    for query in ["limit=x", "status=Open", "unknown=1"] {
        house.get(&format!("{INCIDENTS}?{query}")).await.problem(400);
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect() {
    let house = House::open().await;
    for path in [INCIDENTS, "/healthz", "/readyz", "/none"] {
        let reply = house.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        assert!(
            reply.header("content-security-policy").contains("default-src 'none'"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn health_needs_no_token() {
    let house = House::open().await;
    for path in ["/healthz", "/readyz"] {
        let ask = Ask {
            token: None,
            ..Ask::get(path)
        };
        assert_eq!(house.send(&ask).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_faulty_store_is_not_ready_and_tells_nothing() {
    let house = House::open().await;
    for name in ["riposte.db", "riposte.db-wal"] {
        std::fs::write(house.folder.path().join(name), "no database at all, whatever reads it").unwrap();
    }
    house.get("/readyz").await.problem(503);
    assert_eq!(house.get("/healthz").await.status, 200, "the process itself is well");
    let reply = house.get(INCIDENTS).await;
    let detail = reply.problem(503);
    assert!(!detail.contains("database") && !detail.contains("sql"), "{detail}");
}

#[tokio::test]
async fn on_loopback_only_its_own_names_are_answered() {
    let house = House::with(|settings, port| settings.loopback_port = Some(port)).await;
    let port = house.address.port();
    let named = |host: String| Ask {
        host,
        ..Ask::get(INCIDENTS)
    };
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(house.send(&named(format!("{host}:{port}"))).await.status, 200, "{host}");
    }
    for host in [
        format!("attacker.example:{port}"),
        "localhost".to_owned(),
        "localhost:1".to_owned(),
    ] {
        house.send(&named(host)).await.problem(421);
    }
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_is_under_way_and_takes_no_more() {
    let house = House::open().await;
    let ask = Ask::post("/v1/workspaces/soc/alerts", &alert("a").to_string());
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = format!(
        "{}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        ask.head(),
        ask.body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut bytes)
        .await
        .unwrap();
    house.stop.cancel();
    let refused = async {
        while TcpStream::connect(house.address).await.is_ok() {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(DEADLINE, refused)
        .await
        .expect("the listener is closed");
    stream.write_all(ask.body.as_bytes()).await.unwrap();
    assert_eq!(Reply::read(&mut stream).await.status, 202);
    let stopped = tokio::time::timeout(Duration::from_secs(5), house.serving).await;
    stopped.expect("the server stops").unwrap().unwrap();
}
