//! Lists in pages, tokens of actions, and functions: against servers on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::{Query, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use riposte::connectors::{Connector, ResolvedConnection};
use riposte::engine::call::{Answer, Call, CallError, Services};
use riposte::expression::Value;
use serde_json::json;
use std::collections::HashMap;

use super::client::serve;
use super::services::services;
use super::{built_in, call, connection, http_call};

/// Five pages of two items, behind a header; `elsewhere` leads to another host, `broken` to an error.
fn paged() -> Router {
    async fn page(Query(query): Query<HashMap<String, String>>, request: Request) -> Response {
        if request
            .headers()
            .get("authorization")
            .is_none_or(|value| value != "Bearer k")
        {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let number: u32 = query.get("page").map_or(1, |page| page.parse().unwrap());
        let next = match query.get("how").map(String::as_str) {
            Some("elsewhere") => "http://127.0.0.2:1/items".to_owned(),
            Some("broken") => "/broken".to_owned(),
            _ => format!("items?page={}", number + 1),
        };
        let mut page = json!({"value": [number * 10, number * 10 + 1], "kind": "list"});
        if number < 5 {
            page["@odata.nextLink"] = next.into();
        }
        Json(page).into_response()
    }
    Router::new()
        .route("/items", get(page))
        .route("/broken", get(async || StatusCode::SERVICE_UNAVAILABLE))
}

fn items(answer: Result<Answer, CallError>) -> (u16, usize) {
    let answer = answer.unwrap();
    let items = answer.body.as_ref().and_then(|body| body.get("value"));
    (answer.status, items.and_then(Value::as_array).map_or(0, <[Value]>::len))
}

#[tokio::test]
async fn pages_are_followed_until_there_are_enough_items() {
    let port = serve(paged()).await;
    let folder = tempfile::tempdir().unwrap();
    let document = json!({"swagger": "2.0", "host": "127.0.0.1", "paths": {"/items": {"get": {"operationId": "List"}}},
        "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "Authorization"}}});
    let spec = serde_json::from_value(json!({"openapi": {"inline": document}})).unwrap();
    let connector = Arc::new(Connector::read("items", &spec).unwrap());
    let listed = ResolvedConnection {
        base_url: Some(format!("http://127.0.0.1:{port}")),
        ..connection(connector, &[("api_key", "Bearer k")])
    };
    let services = services(folder.path(), vec![("items", listed)]).await;
    let ask = async |query: &[(&str, &str)], minimum: Option<u32>, is_http: bool| {
        let base = if is_http {
            let mut call = http_call("GET", &format!("http://127.0.0.1:{port}/items"));
            call.authentication = Some(super::json(r#"{"type":"Raw","value":"Bearer k"}"#));
            call
        } else {
            call("items", "GET", "/items")
        };
        let queries = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        services
            .call(&Call {
                minimum_items: minimum,
                queries: queries.collect(),
                ..base
            })
            .await
    };
    for is_http in [false, true] {
        assert_eq!(items(ask(&[], None, is_http).await), (200, 2));
        assert_eq!(items(ask(&[], Some(5), is_http).await), (200, 6));
        assert_eq!(items(ask(&[("page", "2")], Some(100_000), is_http).await), (200, 8));
        let broken = ask(&[("how", "broken")], Some(5), is_http).await;
        assert_eq!(items(broken), (503, 0));
        let elsewhere = ask(&[("how", "elsewhere")], Some(5), is_http).await.unwrap_err();
        assert_eq!(elsewhere.code, "EgressDenied", "{elsewhere}");
    }
}

/// A token endpoint as Microsoft Entra has it, and a service that takes its tokens.
fn entra(asked: Arc<AtomicU32>) -> Router {
    let token = async move |form: String| {
        let form: HashMap<_, _> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str);
        let (client, resource) = (field("client_id"), field("resource"));
        if client != Some("app") || resource != Some("https://api.example/") || field("client_secret") != Some("s3cret")
        {
            return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"})));
        }
        let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
        (
            StatusCode::OK,
            Json(json!({"access_token": format!("t{number}"), "expires_in": "3600"})),
        )
    };
    async fn shown(request: Request) -> String {
        let header = request.headers().get("authorization");
        header.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }
    Router::new()
        .route("/tenant-1/oauth2/token", post(token))
        .route("/shown", get(shown))
}

#[tokio::test]
async fn an_action_may_ask_for_a_token_of_its_own() {
    let asked = Arc::new(AtomicU32::new(0));
    let port = serve(entra(asked.clone())).await;
    let folder = tempfile::tempdir().unwrap();
    let services = services(folder.path(), Vec::new()).await;
    let ask = async |secret: &str| {
        let mut call = http_call("GET", &format!("http://127.0.0.1:{port}/shown"));
        call.authentication = Some(Value::object([
            ("type", Value::from("ActiveDirectoryOAuth")),
            ("authority", format!("http://127.0.0.1:{port}/").into()),
            ("tenant", "tenant-1".into()),
            ("audience", "https://api.example/".into()),
            ("clientId", "app".into()),
            ("secret", secret.into()),
        ]));
        services.call(&call).await
    };
    for _ in 0..2 {
        assert_eq!(
            ask("s3cret").await.unwrap().body,
            Some(Value::from("Bearer t1")),
            "kept"
        );
    }
    let refused = ask("guess").await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.reached), ("TokenRefused", false));
    assert!(!refused.message.contains("guess"), "{refused}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let mut certified = http_call("GET", &format!("http://127.0.0.1:{port}/shown"));
    certified.authentication = Some(super::json(
        r#"{"type":"ActiveDirectoryOAuth","tenant":"t","audience":"a","clientId":"c","pfx":"AAAA"}"#,
    ));
    let refused = services.call(&certified).await.unwrap_err();
    assert_eq!(refused.code, "AuthenticationNotSupported");
}

/// A token endpoint of the second version, which tells in the token for what it is, and a service that shows tokens.
fn identities() -> Router {
    async fn token(form: String) -> Response {
        let form: HashMap<_, _> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        if form["client_id"] != "app" || form["client_secret"] != "s3cret" {
            return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
        }
        Json(json!({"access_token": format!("for {}", form["scope"]), "expires_in": 3600})).into_response()
    }
    async fn shown(request: Request) -> String {
        let header = request.headers().get("authorization");
        header.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }
    Router::new()
        .route("/tenant-1/oauth2/v2.0/token", post(token))
        .route("/shown", get(shown))
}

#[tokio::test]
async fn an_action_acts_as_the_identity_that_its_playbook_binds() {
    let port = serve(identities()).await;
    let folder = tempfile::tempdir().unwrap();
    let authority = format!("http://127.0.0.1:{port}");
    let identity = |secret: &str, hosts: &[String]| {
        let given = [("tenantId", "tenant-1"), ("clientId", "app"), ("clientSecret", secret)];
        ResolvedConnection {
            base_url: Some(authority.clone()),
            hosts: hosts.to_vec(),
            ..built_in("managedidentity", &given)
        }
    };
    let own = format!("127.0.0.1:{port}");
    let connections = vec![
        ("managedIdentity", identity("s3cret", &[])),
        ("pinned", identity("s3cret", &[own])),
        ("wrong", identity("gue55", &[])),
        ("other", built_in("virustotal", &[("api_key", "k")])),
    ];
    let services = services(folder.path(), connections).await;
    let ask = async |identity: Option<&str>, audience: &str| {
        let mut call = http_call("GET", &format!("{authority}/shown"));
        let mut given = json!({"type": "ManagedServiceIdentity", "audience": audience});
        if let Some(identity) = identity {
            given["identity"] = json!(format!(
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{identity}"
            ));
        }
        call.authentication = Some(Value::from(&given));
        services.call(&call).await
    };
    let body = async |identity: Option<&str>, audience: &str| ask(identity, audience).await.unwrap().body.unwrap();
    let expected = Value::from(format!("Bearer for {authority}/.default"));
    assert_eq!(body(None, &format!("{authority}/")).await, expected);
    let elsewhere = body(Some("pinned"), "https://graph.microsoft.com").await;
    assert_eq!(elsewhere, "Bearer for https://graph.microsoft.com/.default".into());

    let code = async |identity: Option<&str>, audience: &str| {
        let error = ask(identity, audience).await.unwrap_err();
        assert!(!error.reached && !error.to_string().contains("gue55"), "{error}");
        error.code
    };
    // A token goes to the host of its audience, unless the connection says more.
    assert_eq!(code(None, "https://graph.microsoft.com").await, "EgressDenied");
    assert_eq!(code(None, "no address").await, "EgressDenied");
    assert_eq!(code(Some("wrong"), &authority).await, "TokenRefused");
    assert_eq!(code(Some("other"), &authority).await, "AuthenticationNotSupported");
    assert_eq!(code(Some("absent"), &authority).await, "ConnectionNotFound");
}

#[tokio::test]
async fn functions_are_called_with_their_key_or_without_one() {
    async fn function(request: Request) -> String {
        let key = request.headers().get("x-functions-key");
        format!("{} {} {key:?}", request.method(), request.uri())
    }
    let port = serve(Router::new().fallback(function)).await;
    let folder = tempfile::tempdir().unwrap();
    let host = format!("http://127.0.0.1:{port}");
    let app = |parameters: &[(&str, &str)]| built_in("azurefunctions", parameters);
    let connections = vec![
        ("keyed", app(&[("host", &host), ("functionKey", "k3y")])),
        ("open", app(&[("host", &host)])),
    ];
    let services = services(folder.path(), connections).await;
    let ask = async |app: &str, method: &str| {
        let mut call = call(app, method, "/api/Enrich");
        call.queries = vec![("ip".to_owned(), "192.0.2.1".to_owned())];
        services.call(&call).await.unwrap().body.unwrap().to_text()
    };
    assert_eq!(
        ask("keyed", "POST").await,
        r#"POST /api/Enrich?ip=192.0.2.1 Some("k3y")"#
    );
    assert_eq!(ask("open", "GET").await, "GET /api/Enrich?ip=192.0.2.1 None");
}
