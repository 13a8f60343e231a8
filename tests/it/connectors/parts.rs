//! Content in parts: answers that a service gives range by range, and bodies that go out part by part.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use riposte::connectors::{Client, Egress, request};
use riposte::engine::call::{Answer, Call, CallError, Services};
use riposte::expression::Value;

use super::client::{egress, serve};
use super::http_call;
use super::services::services;

const CONTENT: &str = "{\"letters\": \"abcdefghijklmnopqrstuvwxyz\"}";

/// Ten bytes at most of the content, from where they are asked for.
async fn ten(request: Request) -> Response {
    let range = request
        .headers()
        .get(header::RANGE)
        .map(|range| range.to_str().unwrap());
    let first = range.map_or(0, |range| {
        range["bytes=".len()..].split('-').next().unwrap().parse().unwrap()
    });
    let last = CONTENT.len().min(first + 10) - 1;
    let range = format!("bytes {first}-{last}/{}", CONTENT.len());
    let headers = [
        (header::CONTENT_RANGE, range),
        (header::CONTENT_TYPE, "application/json".to_owned()),
    ];
    (StatusCode::PARTIAL_CONTENT, headers, &CONTENT[first..=last]).into_response()
}

#[tokio::test]
async fn an_answer_in_parts_is_read_whole() {
    let port = serve(Router::new().route("/ten", get(ten))).await;
    let uri = format!("http://127.0.0.1:{port}/ten");
    let ask = async |egress: Egress, range: Option<&str>| {
        let mut call = http_call("GET", &uri);
        call.headers
            .extend(range.map(|range| ("Range".to_owned(), range.to_owned())));
        let client = Client::new(egress);
        client
            .send(request::http(&call).unwrap(), &Default::default(), call.timeout)
            .await
    };
    let whole = ask(egress(), None).await.unwrap();
    assert_eq!(whole.status, 200);
    assert_eq!(
        whole.body.unwrap().to_json(),
        Value::from_json(CONTENT).unwrap().to_json()
    );
    // Who asks for a range gets it.
    let part = ask(egress(), Some("bytes=5-14")).await.unwrap();
    assert_eq!((part.status, part.body.unwrap().to_text().len()), (206, 10));
    let small = Egress {
        max_response_bytes: CONTENT.len() - 1,
        ..egress()
    };
    assert_eq!(ask(small, None).await.unwrap_err().code, "ResponseTooLarge");
}

/// Takes content in parts of 1024 bytes; keeps what it has and how it was asked.
fn taking(content: Arc<Mutex<Vec<u8>>>) -> Router {
    async fn announced(headers: HeaderMap, body: Bytes) -> Response {
        if headers.get("x-ms-transfer-mode").is_none_or(|mode| mode != "chunked") || !body.is_empty() {
            return StatusCode::BAD_REQUEST.into_response();
        }
        [("Location", "/parts"), ("x-ms-chunk-size", "1024")].into_response()
    }
    let part = async move |headers: HeaderMap, body: Bytes| {
        let mut content = content.lock().unwrap();
        let total = headers["content-range"]
            .to_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned();
        let expected = format!("bytes={}-{}/{total}", content.len(), content.len() + body.len() - 1);
        if headers["content-range"] != *expected || headers["content-type"] != "text/plain; charset=utf-8" {
            return (StatusCode::CONFLICT, [("Range", String::new())]);
        }
        content.extend_from_slice(&body);
        (StatusCode::OK, [("Range", format!("bytes=0-{}", content.len() - 1))])
    };
    Router::new()
        .route("/files", post(announced))
        .route("/parts", patch(part))
        .route("/plain", post(async || "ok"))
}

#[tokio::test]
async fn a_body_goes_out_in_parts_where_the_action_says_so() {
    let content = Arc::new(Mutex::new(Vec::new()));
    let port = serve(taking(content.clone())).await;
    let folder = tempfile::tempdir().unwrap();
    let services = services(folder.path(), Vec::new()).await;
    let text = "0123456789".repeat(300);
    let send = async |path: &str, chunked: bool| -> Result<Answer, CallError> {
        let call = Call {
            chunked,
            body: Some(Value::from(text.as_str())),
            ..http_call("POST", &format!("http://127.0.0.1:{port}/{path}"))
        };
        services.call(&call).await
    };
    assert_eq!(send("files", true).await.unwrap().status, 200);
    assert_eq!(String::from_utf8(content.lock().unwrap().clone()).unwrap(), text);
    assert_eq!(send("files", false).await.unwrap().status, 400);
    assert_eq!(
        send("files", true).await.unwrap().status,
        409,
        "the first part is there already"
    );
    let refused = send("plain", true).await.unwrap_err();
    assert_eq!(refused.code, "InvalidAnswer");
    assert!(refused.message.contains("remove `contentTransfer`"), "{refused}");
}
