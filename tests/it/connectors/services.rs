//! Calls of runs through connections, to fakes on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use riposte::api::SecretString;
use riposte::connectors::{
    Client, ClientCredentials, Connections, ConnectorServices, ResolvedAuthentication, ResolvedConnection, catalog,
    fake,
};
use riposte::engine::call::{CallError, Services};
use riposte::expression::Value;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::store::Store;

use super::client::{egress, serve};
use super::{built_in, call, http_call, json};

/// The connections of namespace `soc`, by name.
pub(super) struct Fixed(pub(super) Vec<(&'static str, ResolvedConnection)>);

impl Connections for Fixed {
    fn identity(&self, (namespace, _): (&str, &str), identity: &str) -> Result<ResolvedConnection, String> {
        self.connection(namespace, identity)
    }

    fn connection(&self, namespace: &str, name: &str) -> Result<ResolvedConnection, String> {
        let found = self
            .0
            .iter()
            .find(|(own, _)| *own == name)
            .filter(|_| namespace == "soc");
        found
            .map(|(_, connection)| connection.clone())
            .ok_or_else(|| format!("there is no '{name}' in '{namespace}'"))
    }
}

/// Services over these connections and an empty store in this folder.
pub(super) async fn services(
    folder: &std::path::Path,
    connections: Vec<(&'static str, ResolvedConnection)>,
) -> ConnectorServices {
    let store = Store::open(folder).await.unwrap();
    let desk = Desk::new(store, WorkspaceIds::default());
    ConnectorServices::new(Arc::new(Fixed(connections)), Client::new(egress()), desk)
}

/// What the real service checks and answers, written apart from the connector's description.
fn virustotal() -> Router {
    async fn keyed(request: Request, next: axum::middleware::Next) -> Response {
        match request.headers().get("x-apikey").and_then(|value| value.to_str().ok()) {
            Some("r1ght") => next.run(request).await,
            _ => {
                let body = r#"{"error":{"code":"WrongCredentialsError","message":"Wrong API key"}}"#;
                (StatusCode::UNAUTHORIZED, [("content-type", "application/json")], body).into_response()
            }
        }
    }
    async fn address(Path(address): Path<String>) -> Response {
        let body = format!(
            r#"{{"data":{{"id":"{address}","type":"ip_address","attributes":{{"reputation":-7,
                "last_analysis_stats":{{"malicious":3,"suspicious":0,"harmless":60,"undetected":9,"timeout":0}}}}}}}}"#
        );
        ([("content-type", "application/json")], body).into_response()
    }
    async fn submit(body: String) -> Response {
        assert!(body.contains("name=\"url\"\r\n\r\nhttps://evil.example/"), "{body}");
        (
            [("content-type", "application/json")],
            r#"{"data":{"type":"analysis","id":"u-1"}}"#,
        )
            .into_response()
    }
    Router::new()
        .route("/api/v3/ip_addresses/{address}", get(address))
        .route("/api/v3/urls", post(submit))
        .layer(axum::middleware::from_fn(keyed))
}

fn at(port: u16, key: &str) -> ResolvedConnection {
    let base_url = Some(format!("http://127.0.0.1:{port}"));
    ResolvedConnection {
        base_url,
        ..built_in("virustotal", &[("api_key", key)])
    }
}

#[tokio::test]
async fn virustotal_answers_what_playbooks_read() {
    let port = serve(virustotal()).await;
    let folder = tempfile::tempdir().unwrap();
    let services = services(
        folder.path(),
        vec![("vt", at(port, "r1ght")), ("bad", at(port, "wr0ng"))],
    )
    .await;
    for path in [
        "/api/v3/ip_addresses/8.8.8.8",
        "/api/v3/ip_addresses/connectorV2/8.8.8.8",
    ] {
        let answer = services.call(&call("vt", "GET", path)).await.unwrap();
        let body = answer.body.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(body.at(&["data", "id"]), Some(&"8.8.8.8".into()));
        let malicious = body.at(&["data", "attributes", "last_analysis_stats", "malicious"]);
        assert_eq!(malicious, Some(&3.into()));
    }
    let mut submit = call("vt", "POST", "/api/v3/urls");
    submit.body = Some(json(
        r#"{"$content-type":"multipart/form-data","$multipart":[{"body":"https://evil.example/",
            "headers":{"Content-Disposition":"form-data; name=\"url\""}}]}"#,
    ));
    let answer = services.call(&submit).await.unwrap();
    assert_eq!(answer.body.unwrap().at(&["data", "id"]), Some(&"u-1".into()));
    let answer = services
        .call(&call("bad", "GET", "/api/v3/ip_addresses/8.8.8.8"))
        .await
        .unwrap();
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn a_promised_answer_is_fetched_where_the_service_says() {
    async fn promise() -> Response {
        (StatusCode::ACCEPTED, [("location", "../later?id=7")]).into_response()
    }
    async fn later(request: Request) -> Response {
        let key = request.headers().get("x-apikey").and_then(|value| value.to_str().ok());
        format!("{:?} {:?}", request.uri().query(), key).into_response()
    }
    let router = Router::new()
        .route("/api/v3/domains/{domain}", get(promise))
        .route("/api/v3/later", get(later));
    let port = serve(router).await;
    let folder = tempfile::tempdir().unwrap();
    let services = services(folder.path(), vec![("vt", at(port, "k"))]).await;
    let promised = services
        .call(&call("vt", "GET", "/api/v3/domains/example.com"))
        .await
        .unwrap();
    let location = promised.headers.get("location").and_then(Value::as_str).unwrap();
    assert_eq!(location, format!("http://127.0.0.1:{port}/api/v3/later?id=7"));
    let answer = services.call(&call("vt", "GET", location)).await.unwrap();
    assert_eq!(answer.body, Some(Value::from(r#"Some("id=7") Some("k")"#)));
    let elsewhere = call("vt", "GET", "https://evil.example/later");
    assert_eq!(services.call(&elsewhere).await.unwrap_err().code, "EgressDenied");
    let post = call("vt", "POST", location);
    assert_eq!(services.call(&post).await.unwrap_err().code, "OperationNotFound");
}

/// A token endpoint that knows one client and counts, and a service that knows its tokens.
fn with_tokens(asked: Arc<AtomicU32>) -> Router {
    let token = async move |body: String| -> Response {
        let known = "grant_type=client_credentials&client_id=me&client_secret=s3cret&scope=a+b";
        if body != known {
            let refused = r#"{"error":"invalid_client","error_description":"s3cret is wrong"}"#;
            return (
                StatusCode::UNAUTHORIZED,
                [("content-type", "application/json")],
                refused,
            )
                .into_response();
        }
        let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
        let body = format!(r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"t{number}"}}"#);
        ([("content-type", "application/json")], body).into_response()
    };
    async fn service(Path(domain): Path<String>, request: Request) -> Response {
        let given = request
            .headers()
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let status = if domain == "revoked" {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::OK
        };
        (status, given.unwrap_or_default().to_owned()).into_response()
    }
    Router::new()
        .route("/token", post(token))
        .route("/api/v3/domains/{domain}", get(service))
}

#[tokio::test]
async fn tokens_are_asked_for_and_kept() {
    let asked = Arc::new(AtomicU32::new(0));
    let port = serve(with_tokens(asked.clone())).await;
    let credentials = |secret: &str| {
        let authentication = ResolvedAuthentication::ClientCredentials(ClientCredentials {
            token_url: format!("http://127.0.0.1:{port}/token"),
            client_id: "me".to_owned(),
            client_secret: SecretString::from(secret),
            scope: Some("a b".to_owned()),
            resource: None,
        });
        ResolvedConnection {
            authentication: Some(authentication),
            ..at(port, "")
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let connections = vec![("me", credentials("s3cret")), ("other", credentials("guess"))];
    let services = services(folder.path(), connections).await;
    let ask = async |domain: &str| {
        let answer = services
            .call(&call("me", "GET", &format!("/api/v3/domains/{domain}")))
            .await;
        answer.unwrap().body.unwrap()
    };
    assert_eq!(ask("a").await, Value::from("Bearer t1"));
    assert_eq!(ask("b").await, Value::from("Bearer t1"), "kept");
    let other = services
        .call(&call("other", "GET", "/api/v3/domains/a"))
        .await
        .unwrap_err();
    assert_eq!(
        (other.code.as_str(), other.retryable, other.reached),
        ("TokenRefused", false, false)
    );
    assert!(
        other.message.contains("invalid_client") && !other.message.contains("s3cret"),
        "{other}"
    );
    assert_eq!(ask("revoked").await, Value::from("Bearer t1"));
    assert_eq!(
        ask("c").await,
        Value::from("Bearer t2"),
        "a refused token is not used again"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut elsewhere = at(1, "k");
    elsewhere.hosts = vec!["www.virustotal.com".to_owned()];
    let services = services(folder.path(), vec![("vt", elsewhere)]).await;
    let refused = |error: CallError, code: &str, words: &[&str]| {
        assert_eq!(
            (error.code.as_str(), error.retryable, error.reached),
            (code, false, false)
        );
        assert!(words.iter().all(|word| error.message.contains(word)), "{error}");
    };
    let unknown = services.call(&call("nope", "GET", "/x")).await.unwrap_err();
    refused(unknown, "ConnectionNotFound", &["'soc'", "'nope'"]);
    let operation = services
        .call(&call("vt", "GET", "/api/v3/ip_adresses/8.8.8.8"))
        .await
        .unwrap_err();
    refused(
        operation,
        "OperationNotFound",
        &[
            "'virustotal'",
            "'GET /api/v3/ip_adresses/8.8.8.8'",
            "/api/v3/ip_addresses/{ip}",
        ],
    );
    let pinned = services
        .call(&call("vt", "GET", "/api/v3/ip_addresses/8.8.8.8"))
        .await
        .unwrap_err();
    refused(pinned, "EgressDenied", &["127.0.0.1:1"]);
    let private = services
        .call(&http_call("GET", "https://10.1.2.3/x"))
        .await
        .unwrap_err();
    refused(private, "EgressDenied", &["10.1.2.3", "private"]);
}

#[tokio::test]
async fn operations_say_whether_they_may_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let logs = built_in("azureloganalyticsdatacollector", &[]);
    let connections = vec![
        ("vt", at(1, "k")),
        ("logs", logs),
        ("sentinel", built_in("azuresentinel", &[])),
    ];
    let services = services(folder.path(), connections).await;
    let safe = |connection: &str, method: &str, path: &str| services.safe_to_repeat(&call(connection, method, path));
    assert!(safe("vt", "GET", "/api/v3/domains/example.com"));
    assert!(safe("vt", "POST", "/api/v3/urls"), "the connector says so");
    assert!(!safe("vt", "POST", "/api/v3/domains/example.com/comments"));
    assert!(!safe("logs", "POST", "/api/logs"));
    assert!(
        safe("sentinel", "POST", "/Incidents/Comment"),
        "it commits with the action or not at all"
    );
    for (method, expected) in [
        ("GET", true),
        ("PUT", true),
        ("delete", true),
        ("POST", false),
        ("PATCH", false),
    ] {
        assert_eq!(
            services.safe_to_repeat(&http_call(method, "https://h.example/")),
            expected,
            "{method}"
        );
    }
}

#[tokio::test]
async fn fakes_answer_every_operation_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["virustotal", "azureloganalyticsdatacollector"] {
        let connector = catalog::built_in(name).unwrap();
        let fake = fake::serve(connector.clone()).await.unwrap();
        let parameters = [("api_key", "k"), ("username", "w"), ("password", "a2V5")];
        let base_url = Some(fake.base_url.clone());
        let connection = ResolvedConnection {
            base_url,
            ..built_in(name, &parameters)
        };
        let services = services(folder.path(), vec![("it", connection)]).await;
        for operation in &connector.operations {
            let path = operation.path.fill(|_| Some("x")).unwrap();
            let answer = services.call(&call("it", &operation.method, &path)).await.unwrap();
            assert_eq!(answer.status, 200, "{}", operation.id);
            assert_eq!(answer.body.is_some(), operation.response.is_some(), "{}", operation.id);
            let seen = fake.calls().pop().unwrap();
            assert_eq!(seen.path, operation.real.path.fill(|_| Some("x")).unwrap());
        }
        drop(services);
    }
}

#[tokio::test]
async fn fakes_refuse_what_the_service_would_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let fake = fake::serve(catalog::built_in("virustotal").unwrap()).await.unwrap();
    let services = services(folder.path(), Vec::new()).await;
    let ask = async |path: &str, key: &str| {
        let mut get = http_call("GET", &format!("{}{path}", fake.base_url));
        get.headers = vec![("x-apikey".to_owned(), key.to_owned())];
        services.call(&get).await.unwrap().status
    };
    assert_eq!(ask("/api/v3/domains/example.com", "k").await, 200);
    assert_eq!(ask("/api/v3/domains/example.com", "").await, 401);
    assert_eq!(ask("/api/v2/domains", "k").await, 404);
    let calls = fake.calls();
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.operation.as_deref(), call.status))
        .collect();
    assert_eq!(
        seen,
        [
            (Some("GetDomainReport"), 200),
            (Some("GetDomainReport"), 401),
            (None, 404)
        ]
    );
    assert_eq!(calls[0].header("x-apikey"), Some("k"));
    assert_ne!(SecretString::from("k"), SecretString::from("l"));
}
