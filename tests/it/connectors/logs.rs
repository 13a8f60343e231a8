//! Azure Monitor Logs: what a playbook asks, what goes to the query service, and what the playbook gets.

use std::sync::Arc;

use riposte::connectors::{ConnectorServices, ResolvedConnection, fake};
use riposte::engine::call::{Call, Services, Target};
use riposte::expression::Value;
use tempfile::TempDir;

use super::services::services;
use super::{built_in, call, json};

/// A playbook's services with a fake of the query service.
async fn fake() -> (TempDir, fake::Fake, ConnectorServices) {
    let connection = built_in("azuremonitorlogs", &[]);
    let fake = fake::serve(Arc::clone(&connection.connector)).await.unwrap();
    let connection = ResolvedConnection {
        base_url: Some(fake.base_url.clone()),
        ..connection
    };
    let folder = tempfile::tempdir().unwrap();
    let services = services(folder.path(), vec![("logs", connection)]).await;
    (folder, fake, services)
}

fn ask(path: &str, body: &str, queries: &[(&str, &str)]) -> Call {
    let of_resource = [
        ("subscriptions", "s-1"),
        ("resourcegroups", "rg one"),
        ("resourcetype", "Log Analytics Workspace"),
        ("resourcename", "soc"),
    ];
    let queries = of_resource.iter().chain(queries);
    Call {
        queries: queries
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: Some(json(body)),
        ..call("logs", "POST", path)
    }
}

#[tokio::test]
async fn a_query_is_asked_of_the_workspace() {
    let (_folder, fake, services) = fake().await;
    let first = ask("/queryData", r#""Heartbeat | take 1""#, &[("timerange", "Last 7 days")]);
    let answer = services.call(&first).await.unwrap();
    let computer = |body: &Value| body.get("value")?.as_array()?.first()?.get("Computer").cloned();
    assert_eq!(computer(&answer.body.unwrap()), Some(Value::from("web-1")));
    let body = r#"{"query":"Heartbeat","timerangetype":"2","timerange":{"relativeTimeRange":"Last hour"}}"#;
    let second = ask("/visualizeQueryV2", body, &[("visType", "Html Table")]);
    let answer = services.call(&second).await.unwrap().body.unwrap();
    assert!(answer.get("attachmentContent").and_then(Value::as_str).is_some());

    let calls = fake.calls();
    let path =
        "/v1/subscriptions/s-1/resourceGroups/rg%20one/providers/Microsoft.OperationalInsights/workspaces/soc/query";
    let bodies = [
        r#"{"query":"Heartbeat | take 1","timespan":"P7D"}"#,
        r#"{"query":"Heartbeat","timespan":"PT1H"}"#,
    ];
    assert_eq!(calls.len(), bodies.len());
    for (call, body) in calls.iter().zip(bodies) {
        assert_eq!((call.path.as_str(), call.query.as_deref()), (path, None));
        assert_eq!(String::from_utf8_lossy(&call.body), body);
    }
    assert!(services.safe_to_repeat(&first));
}

#[tokio::test]
async fn a_query_is_asked_by_the_id_of_its_operation() {
    let (_folder, fake, services) = fake().await;
    let parameters = r#"{"subscriptions":"s","resourcegroups":"g","resourcename":"soc","timerange":"7d","body":"T"}"#;
    let asked = Call {
        target: Target::Operation {
            connection: "logs".to_owned(),
            operation: "QueryData".to_owned(),
            parameters: json(parameters).as_object().unwrap().clone(),
        },
        ..call("logs", "", "")
    };
    let answer = services.call(&asked).await.unwrap().body.unwrap();
    assert!(answer.get("value").is_some());
    assert_eq!(
        String::from_utf8_lossy(&fake.calls()[0].body),
        r#"{"query":"T","timespan":"P7D"}"#
    );
}

#[tokio::test]
async fn what_the_service_cannot_be_asked_is_refused() {
    let (_folder, fake, services) = fake().await;
    let nothing: &[(&str, &str)] = &[];
    let chart: &[(&str, &str)] = &[("visType", "Bar Chart")];
    let odd: &[(&str, &str)] = &[("timerange", "since yesterday")];
    for (call, word) in [
        (ask("/visualizeQuery", r#""T""#, chart), "Bar Chart"),
        (ask("/queryData", r#""T""#, odd), "since yesterday"),
        (ask("/queryData", "{}", nothing), "no query"),
        (
            ask("/queryDataV2", r#"{"query":"T","timerange":{"from":1}}"#, nothing),
            "timerange",
        ),
        (
            Call {
                queries: Vec::new(),
                ..ask("/queryData", r#""T""#, nothing)
            },
            "subscriptions",
        ),
    ] {
        let refusal = services.call(&call).await.unwrap_err();
        assert_eq!(refusal.code, "InvalidRequest");
        assert!(refusal.message.contains(word), "{}", refusal.message);
    }
    assert_eq!(fake.calls(), []);
}
