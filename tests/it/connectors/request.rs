//! What a call becomes on the wire.

use jiff::Timestamp;
use riposte::api::SecretString;
use riposte::connectors::request::{self, HttpRequest};
use riposte::connectors::{ResolvedAuthentication, ResolvedConnection};
use riposte::engine::call::{Call, CallError};
use riposte::expression::Value;

use super::{built_in, call, http_call, json};

fn send(connection: &ResolvedConnection, call: &Call) -> Result<HttpRequest, CallError> {
    let found = connection
        .connector
        .find(&call.method, &call.path)
        .expect("an operation");
    request::operation(
        call,
        &found,
        connection,
        "2024-03-05T06:07:08Z".parse::<Timestamp>().unwrap(),
    )
}

fn with_body(body: &str) -> Call {
    Call {
        body: Some(json(body)),
        ..http_call("POST", "https://h.example/x")
    }
}

fn text(request: &HttpRequest) -> &str {
    std::str::from_utf8(&request.body).unwrap()
}

#[test]
fn bodies_go_out_by_their_kind() {
    let cases = [
        (
            r#"{"a":[1,2.5,null]}"#,
            Some("application/json; charset=utf-8"),
            r#"{"a":[1,2.5,null]}"#,
        ),
        ("[1]", Some("application/json; charset=utf-8"), "[1]"),
        ("7", Some("application/json; charset=utf-8"), "7"),
        (r#""hé""#, Some("text/plain; charset=utf-8"), "hé"),
        (
            r#"{"$content-type":"application/xml","$content":"PGEvPg=="}"#,
            Some("application/xml"),
            "<a/>",
        ),
        (
            r#"{"$content-type":"application/x-www-form-urlencoded","$formdata":[{"key":"a b","value":"c&d"}]}"#,
            Some("application/x-www-form-urlencoded"),
            "a+b=c%26d",
        ),
        ("null", None, ""),
    ];
    for (body, media, sent) in cases {
        let request = request::http(&with_body(body)).unwrap();
        assert_eq!(
            (request.header("content-type"), text(&request)),
            (media, sent),
            "{body}"
        );
    }
    let mut given = with_body(r#"{"a":1}"#);
    given.headers = vec![("content-type".to_owned(), "application/vnd.x+json".to_owned())];
    assert_eq!(
        request::http(&given).unwrap().header("Content-Type"),
        Some("application/vnd.x+json")
    );
}

#[test]
fn multipart_bodies_have_parts_between_boundaries() {
    let body = r#"{"$content-type":"multipart/form-data","$multipart":[
        {"headers":{"Content-Disposition":"form-data; name=\"url\""},"body":"https://evil.example/"},
        {"headers":{"Content-Disposition":"form-data; name=\"meta\""},"body":{"a":1}}]}"#;
    let request = request::http(&with_body(body)).unwrap();
    let media = request.header("content-type").unwrap();
    let boundary = media
        .strip_prefix("multipart/form-data; boundary=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap();
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\nhttps://evil.example/\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"meta\"\r\n\
         Content-Type: application/json; charset=utf-8\r\n\r\n{{\"a\":1}}\r\n--{boundary}--\r\n"
    );
    assert_eq!(text(&request), expected);
    assert_eq!(
        request::http(&with_body(body)).unwrap(),
        request,
        "the same call gives the same bytes"
    );
}

#[test]
fn hostile_bodies_are_refused() {
    let nested = format!(
        "{}\"x\"{}",
        r#"{"$content-type":"multipart/mixed","$multipart":[{"body":"#.repeat(9),
        "}]}".repeat(9)
    );
    let cases = [
        r#"{"$content-type":"x/y","$content":"no base64!"}"#,
        r#"{"$content-type":"x/y"}"#,
        r#"{"$content-type":"multipart/form-data","$multipart":"x"}"#,
        r#"{"$content-type":"multipart/form-data","$multipart":[{"headers":{"A":"b\r\nC: d"},"body":"x"}]}"#,
        r#"{"$content-type":"x\r\nSet: y","$content":""}"#,
        nested.as_str(),
    ];
    for body in cases {
        assert_eq!(
            request::http(&with_body(body)).map_err(|error| error.code),
            Err("InvalidRequest".to_owned()),
            "{body}"
        );
    }
}

#[test]
fn headers_that_the_original_drops_are_dropped() {
    let mut call = http_call("GET", "https://h.example/x");
    let names = [
        "Accept-Language",
        "Allow",
        "Content-Length",
        "Content-Range",
        "Cookie",
        "Expires",
        "Host",
        "Last-Modified",
        "Origin",
        "Set-Cookie",
        "Transfer-Encoding",
        "Connection",
    ];
    call.headers = names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
    for kept in [
        "Accept",
        "X-Own",
        "Content-Disposition",
        "Content-Encoding",
        "User-Agent",
    ] {
        call.headers.push((kept.to_owned(), "kept".to_owned()));
    }
    let request = request::http(&call).unwrap();
    let sent: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        sent,
        [
            "Accept",
            "X-Own",
            "Content-Disposition",
            "Content-Encoding",
            "User-Agent"
        ]
    );
    let plain = request::http(&http_call("GET", "https://h.example/x")).unwrap();
    assert!(
        plain
            .header("User-Agent")
            .is_some_and(|agent| agent.starts_with("riposte/"))
    );
    assert_eq!(
        plain.header("Idempotency-Key"),
        None,
        "Http actions say themselves what they send"
    );
}

#[test]
fn urls_and_headers_are_checked() {
    let mut call = http_call("GET", "https://h.example/x?a=1");
    call.queries = vec![("q r".to_owned(), "ü & +".to_owned())];
    assert_eq!(
        request::http(&call).unwrap().url.as_str(),
        "https://h.example/x?a=1&q%20r=%C3%BC%20%26%20%2B"
    );
    let long = format!("https://h.example/{}", "x".repeat(17_000));
    for uri in [
        "",
        "/x",
        "ftp://h/x",
        "file:///etc/passwd",
        "https://",
        "h.example/x",
        long.as_str(),
    ] {
        assert!(request::http(&http_call("GET", uri)).is_err(), "{uri}");
    }
    for (name, value) in [("A B", "x"), ("", "x"), ("X", "a\r\nB: c"), ("X", "a\u{0}")] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let call = Call {
            headers,
            ..http_call("GET", "https://h.example/x")
        };
        assert!(request::http(&call).is_err(), "{name:?}");
    }
}

#[test]
fn actions_authenticate_or_are_refused_by_name() {
    let authenticated = |text: &str| {
        let authentication = Some(json(text));
        request::http(&Call {
            authentication,
            ..http_call("GET", "https://h.example/")
        })
    };
    let header = |text: &str| authenticated(text).unwrap().header("authorization").map(str::to_owned);
    let basic = header(r#"{"type":"Basic","username":"u","password":"p:q"}"#);
    assert_eq!(basic.as_deref(), Some("Basic dTpwOnE="));
    assert_eq!(
        header(r#"{"type":"raw","value":"Token x"}"#).as_deref(),
        Some("Token x")
    );
    for kind in ["ActiveDirectoryOAuth", "ClientCertificate"] {
        let error = authenticated(&format!(r#"{{"type":"{kind}"}}"#)).unwrap_err();
        assert_eq!(error.code, "AuthenticationNotSupported");
        assert!(error.message.contains(kind) && !error.retryable && !error.reached);
    }
    let error = authenticated(r#"{"type":"Basic","username":"u"}"#).unwrap_err();
    assert!(error.message.contains("'password'"), "{error}");
}

#[test]
fn virustotal_gets_its_own_paths_and_its_key() {
    let connection = built_in("virustotal", &[("api_key", "k3y")]);
    let request = send(
        &connection,
        &call("vt", "GET", "/api/v3/ip_addresses/connectorV2/2001%3Adb8%3A%3A1"),
    )
    .unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://www.virustotal.com/api/v3/ip_addresses/2001%3Adb8%3A%3A1"
    );
    assert_eq!(request.header("x-apikey"), Some("k3y"));
    assert_eq!(request.header("idempotency-key"), None);
    assert_eq!(request.credentials, ["x-apikey"]);
    assert!(
        !format!("{request:?} {connection:?}").contains("k3y"),
        "secrets are not printed"
    );

    let mut submit = call("vt", "POST", "/api/v3/urls");
    submit.body = Some(json(r#"{"url":"https://evil.example/?a=b"}"#));
    let request = send(&connection, &submit).unwrap();
    assert_eq!(text(&request), "url=https%3A%2F%2Fevil.example%2F%3Fa%3Db");
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(request.header("idempotency-key"), Some("run-1/action-1"));
    submit.headers = vec![("idempotency-key".to_owned(), "own".to_owned())];
    assert_eq!(
        send(&connection, &submit).unwrap().header("Idempotency-Key"),
        Some("own")
    );
}

#[test]
fn path_values_stay_in_their_segment() {
    let connection = built_in("virustotal", &[("api_key", "k")]);
    let path = "/api/v3/domains/a%2F..%2F..%2Fusers%3Fx";
    let request = send(&connection, &call("vt", "GET", path)).unwrap();
    assert_eq!(request.url.path(), "/api/v3/domains/a%2F..%2F..%2Fusers%3Fx");
    for dots in ["/api/v3/domains/..", "/api/v3/domains/%2e%2E", "/api/v3/domains/."] {
        assert_eq!(
            send(&connection, &call("vt", "GET", dots)).unwrap_err().code,
            "InvalidRequest",
            "{dots}"
        );
    }
}

#[test]
fn a_connection_can_authenticate_in_its_own_way() {
    let mut connection = built_in("virustotal", &[]);
    let get = call("vt", "GET", "/api/v3/domains/example.com");
    let error = send(&connection, &get).unwrap_err();
    assert_eq!(error.code, "ConnectionParameterMissing");
    assert!(
        error.message.contains("'virustotal-1'") && error.message.contains("'api_key'"),
        "{error}"
    );
    let ways = [
        (
            ResolvedAuthentication::Bearer(SecretString::from("t")),
            "authorization",
            "Bearer t",
        ),
        (
            ResolvedAuthentication::Basic {
                username: "u".to_owned(),
                password: SecretString::from("p"),
            },
            "authorization",
            "Basic dTpw",
        ),
        (
            ResolvedAuthentication::Header {
                name: "x-own".to_owned(),
                value: SecretString::from("v"),
            },
            "x-own",
            "v",
        ),
    ];
    for (way, name, value) in ways {
        connection.authentication = Some(way);
        let mut call = get.clone();
        call.headers = vec![(name.to_owned(), "the playbook's".to_owned())];
        assert_eq!(send(&connection, &call).unwrap().header(name), Some(value));
    }
}

/// The signature was computed with Python's hmac and hashlib.
#[test]
fn the_data_collector_gets_a_signed_request() {
    let key = "c2VjcmV0LWtleS1mb3ItdGVzdHM=";
    let connection = built_in(
        "azureloganalyticsdatacollector",
        &[("username", "workspace-1"), ("password", key)],
    );
    let mut post = call("logs", "POST", "/api/logs");
    post.headers = vec![("Log-Type".to_owned(), "Mine".to_owned())];
    post.body = Some(Value::from(r#"[{"id":1,"ü":2}]"#));
    let request = send(&connection, &post).unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://workspace-1.ods.opinsights.azure.com/api/logs?api-version=2016-04-01"
    );
    assert_eq!(request.header("x-ms-date"), Some("Tue, 05 Mar 2024 06:07:08 GMT"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("log-type"), Some("Mine"));
    assert_eq!(request.body.len(), 17);
    let signed = "SharedKey workspace-1:jd0+AUyaLaqLOeJfQ6Xs5w67H1LHzI4C85XqSN3fnac=";
    assert_eq!(request.header("authorization"), Some(signed));
}

#[test]
fn an_address_is_a_plain_url() {
    let mut connection = built_in("virustotal", &[("api_key", "k")]);
    let get = call("vt", "GET", "/api/v3/domains/example.com");
    connection.base_url = Some("https://proxy.example/vt/".to_owned());
    assert_eq!(
        send(&connection, &get).unwrap().url.as_str(),
        "https://proxy.example/vt/api/v3/domains/example.com"
    );
    for address in [
        "https://u:p@h.example",
        "ftp://h.example",
        "h.example",
        "https://h.example?x=",
        "",
    ] {
        connection.base_url = Some(address.to_owned());
        assert_eq!(send(&connection, &get).unwrap_err().code, "InvalidRequest", "{address}");
    }
}
