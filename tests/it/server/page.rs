//! The page of an incident under hostile content.

use riposte::api::automation_rule::Severity;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::rules::{Author, Patch};
use riposte::store::{NoteRow, Operation, Transaction};
use serde_json::json;

use super::{Ask, House};

const HOSTILE: &str = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}";

#[tokio::test]
async fn hostile_text_stays_text() {
    let house = House::open().await;
    let body = json!({
        "title": HOSTILE, "severity": "High", "description": HOSTILE, "labels": [HOSTILE],
        "alerts": [{ "title": HOSTILE, "severity": "Low", "link": "javascript:alert(3)", "product": HOSTILE,
            "entities": [{ "kind": "Host", "properties": { "hostName": HOSTILE } }] }]
    });
    let reply = house.post("/v1/workspaces/soc/incidents", &body).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let incident = reply.json()["accepted"][0]["incident"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let comment = json!({ "id": "c1", "incident": incident, "author": HOSTILE, "createdTime": "2026-03-01T12:00:00Z",
        "message": "<p>Blocked <b>it</b></p><script>alert(4)</script>&lt;script&gt;alert(5)&lt;/script&gt;" });
    let operation = Operation::InsertComment(NoteRow {
        id: "c1".into(),
        incident: incident.clone(),
        created_at: 1,
        document: comment.to_string(),
    });
    let operations = vec![operation];
    house.store.commit(Transaction { operations }).await.unwrap();

    let view = house
        .get(&format!("/v1/workspaces/soc/incidents/{incident}"))
        .await
        .json();
    let url = view["properties"]["incidentUrl"].as_str().unwrap().to_owned();
    let path = url
        .strip_prefix(&format!("http://{}", house.address))
        .expect("our own address");
    let page = house.get(path).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    for markup in [
        "<script",
        "<img",
        "<b>",
        "href=\"javascript",
        "\u{202e}",
        "</title></",
        "onerror=\"",
    ] {
        assert!(!page.body.contains(markup), "{markup} in {}", page.body);
    }
    assert!(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(
        page.body.contains("Blocked it\n&lt;script&gt;alert(5)"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("alert(4)"));
}

#[tokio::test]
async fn the_page_tells_who_changed_what() {
    let house = House::open().await;
    let body = json!({ "title": "Case", "severity": "Low", "alerts": [{ "title": "a", "severity": "Low" }] });
    let reply = house.post("/v1/workspaces/soc/incidents", &body).await;
    let id = reply.json()["accepted"][0]["incident"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let desk = Desk::new(house.store.clone(), WorkspaceIds::default());
    let patch = Patch {
        severity: Some(Severity::High),
        title: Some(HOSTILE.into()),
        labels_to_add: vec!["vip".into()],
        ..Patch::default()
    };
    let now = "2030-03-01T12:00:00Z".parse().unwrap();
    let planned = desk
        .plan_patch(&id, &patch, &Author::User("mira".into()), now)
        .await
        .unwrap();
    let operations = planned.operations;
    house.store.commit(Transaction { operations }).await.unwrap();
    let page = house.get("/workspaces/soc/incidents/1").await;
    for text in [
        "<time>2030-03-01 12:00:00 UTC</time>mira changed title from Case to &lt;/title&gt;",
        "; changed severity from Low to High; added labels: vip</li>",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
    let view = house.get("/v1/workspaces/soc/incidents/1").await.json();
    assert_eq!(view["activities"][0]["changes"][1]["to"], "High", "{view}");
}

#[tokio::test]
async fn pages_open_without_a_token_only_on_loopback() {
    let path = "/workspaces/soc/incidents/1";
    let ask = |house: &House| Ask {
        token: None,
        host: format!("localhost:{}", house.address.port()),
        ..Ask::get(path)
    };
    let open = House::with(|settings, port| {
        settings.open_pages = true;
        settings.loopback_port = Some(port);
    })
    .await;
    open.send(&ask(&open)).await.problem(404);
    let views = Ask {
        path: "/v1/workspaces/soc/incidents/1".into(),
        ..ask(&open)
    };
    open.send(&views).await.problem(401);
    let remote = House::with(|settings, _| settings.open_pages = true).await;
    remote.send(&ask(&remote)).await.problem(401);
}

#[tokio::test]
async fn the_page_says_what_is_missing_and_how_to_give_it() {
    let house = House::open().await;
    house.post("/v1/workspaces/soc/alerts", &super::alert("a")).await;
    house
        .get_until("/v1/workspaces/soc/incidents/1", |answer| {
            let evaluations = answer["evaluations"].as_array();
            evaluations.is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["ended"] == true))
        })
        .await;
    let page = house.get("/workspaces/soc/incidents/1").await;
    for text in [
        "Triage &lt;all&gt;: applies",
        "MissingGrant",
        "kind: PlaybookGrant",
        "/runs/",
        "soc/triage</a>",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
}
