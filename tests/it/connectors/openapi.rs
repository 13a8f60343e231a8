//! Connectors of users: OpenAPI 2 and 3 documents.

use riposte::api::ConnectorSpec;
use riposte::api::connector::ConnectorAuthentication;
use riposte::connectors::example::example;
use riposte::connectors::{Connector, SpecError};
use serde_json::{Value as Json, json};

use super::{call, connection};

fn read(spec: Json) -> Result<Connector, SpecError> {
    let spec: ConnectorSpec = serde_json::from_value(spec).unwrap();
    Connector::read("mine", &spec)
}

fn version_2() -> Json {
    json!({"openapi": {"inline": {
        "swagger": "2.0", "host": "api.example.com", "basePath": "/v1", "schemes": ["http", "https"],
        "securityDefinitions": {"key": {"type": "apiKey", "in": "query", "name": "token"}},
        "parameters": {"Version": {"name": "X-Version", "in": "header", "required": true, "type": "string", "default": "7"}},
        "paths": {
            "/{connectionId}/devices/{id}": {
                "parameters": [{"$ref": "#/parameters/Version"}],
                "get": {"operationId": "GetDevice", "responses": {"200": {"schema": {"$ref": "#/definitions/Device"}}}},
                "delete": {"operationId": "DeleteDevice", "x-riposte-safe-to-repeat": false}},
            "/{connectionId}/devices/all": {"get": {"operationId": "AllDevices"}},
            "/files/{path}": {"get": {"operationId": "GetFile", "parameters": [
                {"name": "path", "in": "path", "x-ms-url-encoding": "double"},
                {"name": "take", "in": "query", "default": 5, "x-ms-visibility": "internal"}]}},
            "/search": {"post": {"operationId": "Search", "x-riposte-safe-to-repeat": true,
                "x-riposte-path": "/find?fixed=1", "x-riposte-method": "put"}}},
        "definitions": {"Device": {"properties": {"id": {"type": "string", "example": "d1"}}}}}}})
}

fn version_3() -> Json {
    json!({"openapi": {"inline": {
        "openapi": "3.0.1",
        "servers": [{"url": "https://{region}.example.com/api/", "variables": {"region": {"default": "eu"}}}],
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "responses": {"Ok": {"content": {"application/json": {"schema": {"type": "integer"}, "example": 42}}}}},
        "paths": {"/jobs": {"post": {
            "requestBody": {"content": {"application/x-www-form-urlencoded": {}}},
            "responses": {"default": {"description": "x"}, "201": {"$ref": "#/components/responses/Ok"}}}}}}},
        "parameters": [{"name": "pat", "secure": true}]})
}

#[test]
fn version_2_documents_are_read() {
    let connector = read(version_2()).unwrap();
    assert_eq!(connector.base_url.as_deref(), Some("https://api.example.com/v1"));
    let id = |method: &str, path: &str| connector.find(method, path).map(|found| found.operation.id.clone());
    assert_eq!(
        id("get", "/devices/all").as_deref(),
        Some("AllDevices"),
        "the exact path wins"
    );
    assert_eq!(id("GET", "/devices/7").as_deref(), Some("GetDevice"));
    assert_eq!(id("GET", "/devices"), None);
    assert_eq!(id("POST", "/devices/7"), None);
    let safe = |method: &str, path: &str| connector.find(method, path).unwrap().operation.safe_to_repeat;
    assert!(safe("GET", "/devices/7") && !safe("DELETE", "/devices/7") && safe("POST", "/search"));
    let device = connector
        .find("GET", "/devices/7")
        .unwrap()
        .operation
        .response
        .clone()
        .unwrap();
    assert_eq!(example(&device, &connector.document), json!({"id": "d1"}));
    assert_eq!(connector.nearest("GET", "/device/7")[0], "GET /devices/{id}");
}

#[test]
fn version_2_operations_are_called() {
    let connection = connection(read(version_2()).unwrap().into(), &[("api_key", "k")]);
    let url = |method: &str, path: &str| {
        let found = connection.connector.find(method, path).unwrap();
        let now = "2024-01-01T00:00:00Z".parse().unwrap();
        let request =
            riposte::connectors::request::operation(&call("m", method, path), &found, &connection, now).unwrap();
        (
            request.url.to_string(),
            request.method.clone(),
            request.header("x-version").map(str::to_owned),
        )
    };
    let (device, _, version) = url("GET", "/devices/7");
    assert_eq!(device, "https://api.example.com/v1/devices/7?token=k");
    assert_eq!(
        version.as_deref(),
        Some("7"),
        "a required header of the document is sent"
    );
    assert_eq!(
        url("GET", "/files/a%252Fb").0,
        "https://api.example.com/v1/files/a%2Fb?take=5&token=k"
    );
    let (search, method, _) = url("POST", "/search");
    assert_eq!(
        (search.as_str(), method.as_str()),
        ("https://api.example.com/v1/find?fixed=1&token=k", "PUT")
    );
}

#[test]
fn version_3_documents_are_read() {
    let connector = read(version_3()).unwrap();
    assert_eq!(connector.base_url.as_deref(), Some("https://eu.example.com/api"));
    let Some(ConnectorAuthentication::Header(header)) = &connector.authentication else {
        panic!("a header")
    };
    assert_eq!(
        (header.name.as_str(), header.value.as_str()),
        ("Authorization", "Bearer {pat}")
    );
    let found = connector.find("POST", "/jobs").unwrap();
    assert_eq!(
        found.operation.consumes.as_deref(),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(
        example(found.operation.response.as_ref().unwrap(), &connector.document),
        json!(42)
    );
}

#[test]
fn what_is_no_document_is_refused() {
    for (document, word) in [
        (json!({}), "OpenAPI 2.0 or 3.x"),
        (json!({"swagger": "1.2"}), "OpenAPI 2.0 or 3.x"),
        (
            json!({"openapi": "3.1.0", "paths": {"/x": {"get": {"x-riposte-operation": "fly"}}}}),
            "'fly' is unknown",
        ),
    ] {
        let error = read(json!({"openapi": {"inline": document}})).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("'mine'"), "{error}");
    }
    let elsewhere = read(json!({"openapi": {"configMapKeyRef": {"name": "c", "key": "k"}}}));
    assert_eq!(elsewhere.unwrap_err(), SpecError::NotInline("mine".to_owned()));
}
