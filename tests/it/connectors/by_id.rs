//! Operations that are called by their id, as `OpenApiConnection` actions do.

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::IntoResponse;
use riposte::connectors::{Connector, ResolvedConnection};
use riposte::engine::call::{Call, CallError, Services, Target};
use riposte::expression::Value;
use serde_json::json;

use super::client::serve;
use super::services::services;
use super::{built_in, call, connection, json as value};

/// Tells what it was asked: method, path with query, headers of interest, body.
fn mirror() -> Router {
    async fn mirrored(request: Request) -> impl IntoResponse {
        let (parts, body) = request.into_parts();
        let text = to_bytes(body, 1 << 20).await.unwrap();
        let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        axum::Json(json!({
            "asked": format!("{} {}", parts.method, parts.uri),
            "trace": header("x-trace"),
            "type": header("content-type").unwrap_or_default().split(';').next(),
            "body": String::from_utf8(text.to_vec()).unwrap(),
        }))
    }
    Router::new().fallback(mirrored)
}

fn devices(port: u16) -> ResolvedConnection {
    let document = json!({"swagger": "2.0", "host": "127.0.0.1", "paths": {
        "/{connectionId}/devices/{id}/tags": {"post": {"operationId": "TagDevice", "parameters": [
            {"name": "connectionId", "in": "path", "required": true, "type": "string"},
            {"name": "id", "in": "path", "required": true, "type": "string"},
            {"name": "kinds", "in": "query", "type": "array", "collectionFormat": "multi"},
            {"name": "fields", "in": "query", "type": "array"},
            {"name": "api-version", "in": "query", "required": true, "default": "3"},
            {"name": "X-Trace", "in": "header", "type": "string"},
            {"name": "tag", "in": "body", "required": true, "schema": {"type": "object"}}]}},
        "/devices": {"get": {"operationId": "ListDevices"}},
        "/upload": {"post": {"operationId": "Upload", "consumes": ["multipart/form-data"], "parameters": [
            {"name": "file", "in": "formData", "type": "file", "required": true}]}}}});
    let spec = serde_json::from_value(json!({"openapi": {"inline": document}})).unwrap();
    let connector = Arc::new(Connector::read("devices", &spec).unwrap());
    ResolvedConnection {
        base_url: Some(format!("http://127.0.0.1:{port}")),
        ..connection(connector, &[])
    }
}

fn by_id(connection: &str, operation: &str, parameters: &str) -> Call {
    Call {
        target: Target::Operation {
            connection: connection.to_owned(),
            operation: operation.to_owned(),
            parameters: value(parameters).as_object().unwrap().clone(),
        },
        ..call(connection, "", "")
    }
}

#[tokio::test]
async fn parameters_go_where_the_document_says() {
    let port = serve(mirror()).await;
    let folder = tempfile::tempdir().unwrap();
    let services = services(folder.path(), vec![("devices", devices(port))]).await;
    let ask = async |operation: &str, parameters: &str| {
        let call = by_id("devices", operation, parameters);
        services.call(&call).await.map(|answer| answer.body.unwrap())
    };
    let asked = |answer: &Value, name: &str| answer.get(name).map(Value::to_text).unwrap_or_default();

    let parameters = r#"{"ID": "a/b", "kinds": ["x", "y"], "fields": [1, 2], "x-trace": "t-1", "tag/name": "infected",
        "tag/by/user": "ann", "tag": {"name": "old", "score": 5}, "unset": null}"#;
    let answer = ask("tagdevice", parameters).await.unwrap();
    assert_eq!(
        asked(&answer, "asked"),
        "POST /devices/a%2Fb/tags?kinds=x&kinds=y&fields=1%2C2&api-version=3"
    );
    assert_eq!(asked(&answer, "trace"), "t-1");
    assert_eq!(
        asked(&answer, "body"),
        r#"{"name":"infected","score":5,"by":{"user":"ann"}}"#
    );
    let answer = ask(
        "Upload",
        r#"{"file": {"$content-type": "text/csv", "$content": "YTti"}}"#,
    )
    .await
    .unwrap();
    assert_eq!(asked(&answer, "type"), "multipart/form-data");
    assert!(asked(&answer, "body").contains("name=\"file\""), "{answer:?}");
    assert!(asked(&answer, "body").contains("a;b"), "{answer:?}");
    assert_eq!(asked(&ask("ListDevices", "{}").await.unwrap(), "asked"), "GET /devices");
}

#[tokio::test]
async fn what_the_document_does_not_know_is_refused_by_name() {
    let port = serve(mirror()).await;
    let folder = tempfile::tempdir().unwrap();
    let services = services(folder.path(), vec![("devices", devices(port))]).await;
    let refused = async |operation: &str, parameters: &str| -> CallError {
        services
            .call(&by_id("devices", operation, parameters))
            .await
            .unwrap_err()
    };
    let deep = format!(r#"{{"id": "7", "tag/{}": 1}}"#, "a/".repeat(100_000));
    let cases = [
        ("TagDevices", "{}", "OperationNotFound", "did you mean 'TagDevice'?"),
        (
            "TagDevice",
            r#"{"tag": {}}"#,
            "InvalidRequest",
            "needs the parameter 'id'",
        ),
        (
            "TagDevice",
            r#"{"id": "7"}"#,
            "InvalidRequest",
            "needs the parameter 'tag'",
        ),
        (
            "TagDevice",
            r#"{"id": "..", "tag": {}}"#,
            "InvalidRequest",
            "cannot be filled",
        ),
        (
            "TagDevice",
            r#"{"id": "7", "field": 1}"#,
            "InvalidRequest",
            "did you mean 'fields'?",
        ),
        (
            "ListDevices",
            r#"{"body": {}}"#,
            "InvalidRequest",
            "has no parameter 'body'",
        ),
        ("TagDevice", &deep, "InvalidRequest", "deeper than"),
    ];
    for (operation, parameters, code, message) in cases {
        let error = refused(operation, parameters).await;
        assert_eq!(error.code, code, "{operation}: {error}");
        assert!(error.message.contains(message), "{operation}: {error}");
        assert!(!error.reached && !error.retryable);
    }
}

#[tokio::test]
async fn operations_of_microsoft_sentinel_are_called_by_id_too() {
    let folder = tempfile::tempdir().unwrap();
    let services = services(folder.path(), vec![("sentinel", built_in("azuresentinel", &[]))]).await;
    let entities = r#"{"body": "[{\"kind\": \"Ip\", \"properties\": {\"address\": \"192.0.2.1\"}}]"}"#;
    let answer = services.call(&by_id("sentinel", "ExtractIPs", entities)).await.unwrap();
    let body = answer.body.unwrap();
    assert_eq!(
        (
            answer.status,
            body.at(&["IPs"]).unwrap().to_json().contains("192.0.2.1")
        ),
        (200, true)
    );
    let missing = r#"{"body/incidentArmId": "/subscriptions/x", "body/message": "hello"}"#;
    let answer = services
        .call(&by_id("sentinel", "AddCommentV3", missing))
        .await
        .unwrap();
    assert_eq!(answer.status / 100, 4, "{answer:?}");
}

#[tokio::test]
async fn whether_it_may_be_repeated_follows_from_its_method() {
    let folder = tempfile::tempdir().unwrap();
    let services = services(folder.path(), vec![("devices", devices(9))]).await;
    let safe = |operation: &str, parameters: &str| services.safe_to_repeat(&by_id("devices", operation, parameters));
    assert!(safe("ListDevices", "{}"));
    assert!(!safe("TagDevice", r#"{"id": "7", "tag": {}}"#));
    assert!(!safe("Unknown", "{}"));
}
