//! What goes wrong: broken files, strangers, bodies that are none, services that are not there.

use std::net::TcpListener;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::process::{Home, answer};
use crate::enrichment::event;
use crate::program::DEADLINE;

const FALCO: &str = "/v1/workspaces/default/falco";

/// A rule that labels new incidents.
const RULE: &str = "\
apiVersion: riposte.dev/v1alpha1
kind: AutomationRule
metadata: {name: label}
spec:
  displayName: Label new incidents
  order: 1
  triggersOn: Incidents
  triggersWhen: Created
  actions:
  - modifyProperties: {labels: [LABEL]}
";

fn labels(incident: &Value) -> Vec<&str> {
    let labels = incident["properties"]["labels"].as_array().unwrap();
    labels
        .iter()
        .map(|label| label["labelName"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_broken_file_is_shown_and_its_last_good_version_works_on() {
    let home = Home::new();
    home.write("rule.yaml", &RULE.replace("LABEL", "first"));
    let dev = home.start(&[]).await;
    for (text, place) in [
        (RULE.replace("order: 1", "order: [1"), "rule.yaml:7:"),
        (
            RULE.replace("triggersOn: Incidents", "triggersOn: Cats"),
            "rule.yaml:7:15: error: ",
        ),
    ] {
        let seen = dev.stderr().count();
        home.write("rule.yaml", &text);
        let line = dev.stderr().find(seen, place).await;
        assert!(
            line.starts_with("manifests/rule.yaml:") && line.contains(": error: "),
            "{line}"
        );
    }
    let number = dev.deliver(&event("45.155.205.233", None)).await;
    assert_eq!(labels(&dev.evaluated(number).await.0), ["first"]);

    let seen = dev.stderr().count();
    home.write("rule.yaml", &RULE.replace("LABEL", "second"));
    dev.stderr().find(seen, "reloaded").await;
    let number = dev.deliver(&event("91.92.240.8", None)).await;
    assert_eq!(labels(&dev.evaluated(number).await.0), ["second"]);
}

#[tokio::test]
async fn strangers_and_broken_bodies_are_refused_and_leave_no_trace() {
    let home = Home::new();
    let dev = home.start(&[]).await;
    let post = || {
        let request = dev.client.post(format!("{}{FALCO}", dev.url));
        request.header("content-type", "application/json")
    };
    let good = event("45.155.205.233", None).to_string();
    let (status, problem) = answer(post().body(good.clone())).await;
    assert_eq!((status, &problem["status"]), (401, &json!(401)), "{problem}");
    let (status, problem) = answer(post().bearer_auth("x".repeat(64)).body(good.clone())).await;
    assert_eq!(
        (status, &problem["title"]),
        (401, &json!("A valid token is needed")),
        "{problem}"
    );

    let broken = format!("{}\n,,", &good[..good.len() - 1]);
    let (status, problem) = answer(post().bearer_auth(&dev.token).body(broken)).await;
    assert_eq!(
        (status, &problem["type"]),
        (400, &json!("urn:riposte:problem:malformed")),
        "{problem}"
    );
    assert_eq!(problem["place"]["line"], 2, "{problem}");
    let (status, problem) = answer(post().bearer_auth(&dev.token).body(r#"{"rule": ["a"]}"#)).await;
    assert_eq!(
        (status, &problem["place"]["pointer"]),
        (400, &json!("/rule")),
        "{problem}"
    );
    assert_eq!(announce(&dev.url, &dev.token, 3 << 20).await, 413);

    let (status, view) = dev.get("/v1/workspaces/default/incidents").await;
    assert_eq!((status, view), (200, json!({"incidents": []})));
}

/// Announces a body of this length without sending it; gives the status of the answer.
async fn announce(url: &str, token: &str, length: usize) -> u16 {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST {FALCO} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let reading = tokio::time::timeout(DEADLINE, stream.read_exact(&mut answer));
    reading.await.expect("the server answers").unwrap();
    let text = String::from_utf8_lossy(&answer);
    text.strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap()
}

const PLAYBOOK: &str = "\
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: {name: ask}
spec:
  definition:
    triggers:
      manual: {type: Request, kind: Http, inputs: {}}
    actions:
      Ask:
        type: Http
        inputs: {method: GET, uri: \"@triggerBody()['uri']\", retryPolicy: {type: none}}
      Tell:
        type: Compose
        runAfter: {Ask: [Succeeded]}
        inputs: \"@body('Ask')\"
";

/// A service that is at fault, in the way that the path names.
async fn faulty() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(fault(stream));
        }
    });
    address
}

/// Reads the head of a request, and does what is wrong.
async fn fault(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ";
    let answer = match String::from_utf8_lossy(&head).split(' ').nth(1) {
        Some("/never") => return std::future::pending().await,
        Some("/noise") => "\u{1}\u{2} this is not HTTP".to_owned(),
        Some("/garbage") => format!("{json}7\r\n\r\n{{\"a\": ["),
        Some("/large") => format!("{json}{}\r\n\r\n\"{}\"", 10_000_002, "x".repeat(10_000_000)),
        _ => format!("{json}100\r\n\r\n{{\"a\":"),
    };
    // The client may have heard enough.
    let _ = stream.write_all(answer.as_bytes()).await;
}

#[tokio::test]
async fn whatever_a_service_does_the_run_ends_and_says_how() {
    let home = Home::new();
    home.write(
        "playbook.yaml",
        &PLAYBOOK.replace(
            "type: Http\n        inputs",
            "type: Http\n        limit: { timeout: PT2S }\n        inputs",
        ),
    );
    let dev = home.start(&["--allow-network", "127.0.0.0/8"]).await;
    let service = faulty().await;
    for (path, status, ask, code) in [
        ("never", "TimedOut", "TimedOut", "ActionTimedOut"),
        ("noise", "Failed", "Failed", "ServiceUnreachable"),
        ("middle", "Failed", "Failed", "ServiceUnreachable"),
        ("garbage", "Succeeded", "Succeeded", ""),
        ("large", "Succeeded", "Succeeded", ""),
    ] {
        let body = json!({"body": {"uri": format!("http://{service}/{path}")}});
        let (answered, started) = dev.post("/v1/workspaces/default/playbooks/ask/runs", &body).await;
        assert_eq!(answered, 202, "{started}");
        let run = format!("/v1/runs/{}", started["runs"][0].as_str().unwrap());
        let run = dev.view(&run, |run| run["endTime"].is_string()).await;
        let action = &run["actions"]["Ask"];
        let shown = (run["status"].as_str().unwrap(), action["status"].as_str().unwrap());
        assert_eq!(shown, (status, ask), "{path}: {:#}", action["error"]);
        assert_eq!(action["error"]["code"].as_str().unwrap_or_default(), code, "{path}");
        if path == "large" {
            assert_eq!(action["outputs"]["body"].as_str().map(str::len), Some(10_000_000));
        }
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_fails_the_run_with_its_code() {
    let home = Home::new();
    home.write("playbook.yaml", PLAYBOOK);
    let dev = home.start(&["--allow-network", "127.0.0.0/8"]).await;
    // A port that is free for a moment, and that nothing listens on.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uri = format!("http://127.0.0.1:{port}/x?key=s3cret");
    let path = "/v1/workspaces/default/playbooks/ask/runs";
    let (status, started) = dev.post(path, &json!({"body": {"uri": uri}})).await;
    assert_eq!(status, 202, "{started}");
    let run = format!("/v1/runs/{}", started["runs"][0].as_str().unwrap());
    let run = dev.view(&run, |run| run["endTime"].is_string()).await;
    assert_eq!(run["status"], "Failed", "{run:#}");
    let action = &run["actions"]["Ask"];
    assert_eq!(action["error"]["code"], "ServiceUnreachable", "{run:#}");
    let message = action["error"]["message"].as_str().unwrap();
    let host = format!("127.0.0.1:{port}");
    assert!(message.contains(&host) && !message.contains("s3cret"), "{message}");
    assert_eq!(run["actions"]["Tell"]["status"], "Skipped", "{run:#}");
    assert!(run["error"]["code"].is_string(), "{run:#}");
}
