//! What `riposte dev` tells of itself: figures for Prometheus, and traces for a collector of OpenTelemetry, which a test
//! plays; a service sees the trace too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use tokio::net::TcpListener;

use super::process::{Dev, Home};
use crate::patience::settled;
use crate::program::DEADLINE;

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A service and a collector in one: both are HTTP servers that remember.
#[derive(Clone, Default)]
struct World {
    traceparents: Arc<Mutex<Vec<String>>>,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl World {
    async fn start(&self) -> String {
        let router = Router::new()
            .route("/ask", get(asked))
            .route("/v1/traces", post(collected))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    }
}

async fn asked(State(world): State<World>, headers: HeaderMap) -> &'static str {
    let carried = headers["traceparent"].to_str().unwrap().to_owned();
    world.traceparents.lock().unwrap().push(carried);
    "twelve bytes"
}

async fn collected(State(world): State<World>, body: Bytes) -> Bytes {
    let request = ExportTraceServiceRequest::decode(body).expect("what OTLP sends");
    let scopes = request.resource_spans.into_iter().flat_map(|one| one.scope_spans);
    world.spans.lock().unwrap().extend(scopes.flat_map(|one| one.spans));
    Bytes::new()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn playbook(service: &str) -> String {
    json!({
        "apiVersion": "riposte.dev/v1alpha1", "kind": "Playbook", "metadata": {"name": "ask"},
        "spec": {"definition": {
            "triggers": {"manual": {"type": "Request", "kind": "Http"}},
            "actions": {
                "Each": {"type": "Foreach", "foreach": [1, 2], "actions": {
                    "Ask": {"type": "Http", "inputs": {"method": "GET", "uri": format!("{service}/ask")}}
                }},
                "Fail": {"type": "Terminate", "runAfter": {"Each": ["Succeeded"]}, "inputs": {
                    "runStatus": "Failed", "runError": {"code": "Tried", "message": "a s3cret"}
                }},
            },
        }},
    })
    .to_string()
}

#[tokio::test]
async fn a_run_is_one_trace_from_its_caller_to_the_service_and_is_counted() {
    let world = World::default();
    let url = world.start().await;
    let home = Home::new();
    home.write("ask.yaml", &playbook(&url));
    let dev = home
        .start(&["--allow-network", "127.0.0.0/8", "--otlp-endpoint", &url])
        .await;
    let (_, link) = dev
        .post(
            "/v1/namespaces/default/playbooks/ask/triggers/manual/listCallbackUrl",
            &json!({}),
        )
        .await;
    let trigger = dev.client.post(link["value"].as_str().unwrap());
    let answer = trigger.header("traceparent", CALLER).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let runs = dev.view("/v1/runs", |view| view["runs"][0]["status"] == "Failed").await;

    let enough = async || {
        let spans = world.spans.lock().unwrap().clone();
        if spans.len() == 5 { Ok(spans) } else { Err(spans) }
    };
    let spans = settled(DEADLINE, enough)
        .await
        .expect("the run, the loop, two calls, the end");
    assert!(
        spans.iter().all(|span| hex(&span.trace_id) == CALLER[3..35]),
        "{spans:#?}"
    );
    let by_id: BTreeMap<String, &Span> = spans.iter().map(|span| (hex(&span.span_id), span)).collect();
    let parent = |span: &Span| by_id.get(&hex(&span.parent_span_id)).map(|parent| parent.name.as_str());
    let mut tree: Vec<_> = spans.iter().map(|span| (span.name.as_str(), parent(span))).collect();
    tree.sort_unstable();
    let run = "run ask";
    let expected = [
        ("Ask", Some("Each")),
        ("Ask", Some("Each")),
        ("Each", Some(run)),
        ("Fail", Some(run)),
        (run, None),
    ];
    assert_eq!(tree, expected);
    let root = spans.iter().find(|span| span.name == run).unwrap();
    assert_eq!(hex(&root.parent_span_id), &CALLER[36..52]);
    let status = root.status.as_ref().unwrap();
    assert_eq!(
        (status.code, status.message.as_str()),
        (2, "Tried"),
        "an error, by its code"
    );
    assert!(root.end_time_unix_nano >= root.start_time_unix_nano && root.start_time_unix_nano > 0);
    assert!(!format!("{spans:?}").contains("s3cret"), "no message is told");
    let id = runs["runs"][0]["id"].as_str().unwrap();
    assert!(format!("{root:?}").contains(id), "the run's identity is told");

    let carried = world.traceparents.lock().unwrap().clone();
    assert_eq!(carried.len(), 2);
    for traceparent in carried {
        assert_eq!(by_id[&traceparent[36..52]].name, "Ask", "{traceparent}");
    }
    counted(&dev).await;
}

/// The run, its actions and calls are in the figures.
async fn counted(dev: &Dev) {
    let metrics = dev.client.get(format!("{}/metrics", dev.url)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        r#"riposte_runs_ended_total{kind="playbook",status="Failed"} 1"#,
        r#"riposte_playbook_runs_ended_total{namespace="default",playbook="ask",status="Failed"} 1"#,
        r#"riposte_run_time_seconds_count{kind="playbook",status="Failed"} 1"#,
        r#"riposte_action_time_seconds_count{status="Succeeded"} 3"#,
        r#"riposte_calls_total{namespace="default",playbook="ask",connection="Http",answer="2xx"} 2"#,
        r#"riposte_call_body_bytes_total{namespace="default",playbook="ask",connection="Http",direction="received"} 24"#,
        "riposte_oldest_overdue_wake_up_seconds 0.0",
        "riposte_queue_age_seconds 0.0",
        "riposte_open_runs 0",
        "riposte_commit_queue 0",
    ] {
        assert!(
            metrics.lines().any(|given| given == line),
            "{line} is not in\n{metrics}"
        );
    }
    assert!(metrics.contains("riposte_commit_time_seconds_bucket"), "{metrics}");
}

#[tokio::test]
async fn traces_need_the_url_of_a_collector() {
    let home = Home::new();
    let arguments = [
        "dev",
        "manifests",
        "--data",
        "data",
        "--listen",
        "127.0.0.1:0",
        "--otlp-endpoint",
        "collector:4318",
    ];
    let output = home.command(&arguments).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("'collector:4318'") && text.contains("http://collector:4318"),
        "{text}"
    );
}
