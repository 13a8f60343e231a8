//! Triggers that are called over HTTP with the answers of their runs, and callback URLs.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Ask, House, Reply, SENDER};

fn trigger(playbook: &str) -> String {
    format!("/v1/namespaces/soc/playbooks/{playbook}/triggers/manual")
}

/// Calls a trigger with a token.
async fn call(house: &House, playbook: &str, body: &Value) -> Reply {
    house.post(&format!("{}/invoke", trigger(playbook)), body).await
}

/// A request without a token.
fn bare(method: &'static str, path: &str, body: &str) -> Ask {
    Ask {
        method,
        token: None,
        ..Ask::post(path, body)
    }
}

/// The signed link to a trigger, as path and query.
async fn link(house: &House, playbook: &str, wish: &Value) -> String {
    let reply = house
        .post(&format!("{}/listCallbackUrl", trigger(playbook)), wish)
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    local(house, reply.json()["value"].as_str().unwrap())
}

fn local(house: &House, url: &str) -> String {
    let base = format!("http://{}", house.address);
    url.strip_prefix(&base).unwrap_or_else(|| panic!("{url}")).to_owned()
}

#[tokio::test]
async fn a_caller_gets_the_answer_of_the_run() {
    let house = House::open().await;
    let reply = call(&house, "answers", &json!({"who": "mira"})).await;
    assert_eq!((reply.status, reply.header("x-a")), (201, "1"));
    assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    let answer = reply.json();
    assert_eq!(answer["body"], json!({"who": "mira"}));
    let headers = answer["headers"].as_object().unwrap();
    assert_eq!(
        (&headers["Content-Type"], headers.get("Authorization")),
        (&json!("application/json"), None)
    );
    assert_eq!(answer.get("queries"), None);
    let run = reply.header("x-ms-workflow-run-id");
    assert_eq!(house.get(&format!("/v1/runs/{run}")).await.status, 200);
    assert_eq!(reply.header("x-ms-workflow-name"), "answers");
    // An error that the playbook answers is its own.
    let refused = call(&house, "refuses", &json!({})).await;
    assert_eq!((refused.status, refused.body.as_str()), (404, "no such thing"));
    assert_eq!(refused.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn without_an_answer_a_caller_learns_why() {
    let house = House::with(|settings, _| settings.answer_timeout = Duration::from_millis(200)).await;
    let accepted = call(&house, "waiting", &json!({})).await;
    assert_eq!((accepted.status, accepted.body.as_str()), (202, ""));
    assert!(!accepted.header("x-ms-workflow-run-id").is_empty());
    let mute = call(&house, "mute", &json!({})).await;
    assert_eq!(
        (mute.status, &mute.json()["error"]["code"]),
        (502, &json!("NoResponse"))
    );
    let late = call(&house, "slow", &json!({})).await;
    assert_eq!(
        (late.status, &late.json()["error"]["code"]),
        (504, &json!("GatewayTimeout"))
    );
    let tardy = call(&house, "tardy", &json!({})).await;
    assert_eq!(tardy.status, 504);
    let run = format!("/v1/runs/{}", tardy.header("x-ms-workflow-run-id"));
    let ended = house.get_until(&run, |run| run["status"] == "Failed").await;
    assert_eq!(
        ended["actions"]["Reply"]["error"]["code"], "ActionResponseTimedOut",
        "{ended}"
    );
    let skipped = call(&house, "picky", &json!({})).await;
    assert_eq!((skipped.status, skipped.header("x-ms-workflow-run-id")), (202, ""));
    call(&house, "suspended", &json!({})).await.problem(409);
    call(&house, "unknown", &json!({})).await.problem(404);
    call(&house, "triage", &json!({})).await.problem(404);
}

#[tokio::test]
async fn a_promised_answer_is_asked_for_later() {
    let house = House::open().await;
    let promised = call(&house, "promises", &json!({})).await;
    assert_eq!((promised.status, promised.header("retry-after")), (202, "5"));
    let place = local(&house, promised.header("location"));
    let run = promised.header("x-ms-workflow-run-id").to_owned();
    house
        .get_until(&format!("/v1/runs/{run}"), |run| run["status"] == "Succeeded")
        .await;
    let answer = house.send(&bare("GET", &place, "")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "kept"));
    let forged = house.send(&bare("GET", &format!("{place}x"), "")).await;
    assert_eq!(forged.status, 403);
    let promised = call(&house, "promises-late", &json!({})).await;
    let again = house
        .send(&bare("GET", &local(&house, promised.header("location")), ""))
        .await;
    assert_eq!((again.status, again.header("location").is_empty()), (202, false));
}

#[tokio::test]
async fn method_path_and_schema_are_checked() {
    let house = House::open().await;
    let link = link(&house, "strict", &json!({})).await;
    let (path, query) = link.split_once('?').unwrap();
    let ask =
        |method, below: &str, body: &Value| bare(method, &format!("{path}{below}?{query}&full=yes"), &body.to_string());
    let good = house.send(&ask("PUT", "/customer/a%2Fb", &json!({"id": 7}))).await;
    assert_eq!(good.status, 200, "{good:?}");
    let outputs = good.json();
    assert_eq!(outputs["relativePathParameters"], json!({"name": "a/b"}));
    assert_eq!(outputs["queries"], json!({"full": "yes"}));
    let wrong = house.send(&ask("POST", "/customer/a", &json!({"id": 7}))).await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "PUT"));
    let wrong = house.send(&ask("PUT", "/customers/a", &json!({"id": 7}))).await;
    assert_eq!(wrong.status, 404);
    let wrong = house.send(&ask("PUT", "/customer/a", &json!({"id": "seven"}))).await;
    assert_eq!(
        (wrong.status, &wrong.json()["error"]["code"]),
        (400, &json!("TriggerInputSchemaMismatch"))
    );
    let wrong = house.send(&ask("PUT", "/customer/a", &Value::Null)).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn only_a_link_or_a_token_opens_a_trigger() {
    let house = House::open().await;
    let signed = link(&house, "answers", &json!({})).await;
    let opened = house.send(&bare("POST", &signed, "{}")).await;
    assert_eq!(opened.status, 201);
    let (path, query) = signed.split_once('?').unwrap();
    house.send(&bare("POST", path, "{}")).await.problem(401);
    house
        .send(&bare("POST", &format!("{path}?sv=1&sig=AAAA"), "{}"))
        .await
        .problem(401);
    let other = path.replace("answers", "mute");
    house
        .send(&bare("POST", &format!("{other}?{query}"), "{}"))
        .await
        .problem(401);
    house.send(&Ask::post(&signed, "{}")).await.problem(401);
    let past = link(&house, "answers", &json!({"NotAfter": "2020-01-01T00:00:00Z"})).await;
    assert!(
        house
            .send(&bare("POST", &past, "{}"))
            .await
            .problem(401)
            .contains("expired")
    );
    let foreign = path.replace("/soc/", "/shop/");
    house.send(&Ask::post(&foreign, "{}").token(SENDER)).await.problem(403);
    let list = format!("{}/listCallbackUrl", trigger("answers")).replace("/soc/", "/shop/");
    house.send(&Ask::post(&list, "{}").token(SENDER)).await.problem(403);
    let large = "x".repeat(1024 * 1024 + 1);
    house.send(&bare("POST", &signed, &large)).await.problem(413);
}

#[tokio::test]
async fn an_answer_can_leave_out_what_the_run_is_known_by() {
    let house = House::open().await;
    let reply = call(&house, "hushed", &json!({})).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"method": "POST"})));
    for header in ["x-ms-workflow-run-id", "x-ms-workflow-name", "x-ms-client-tracking-id"] {
        assert_eq!(reply.header(header), "", "{header}");
    }
}

#[tokio::test]
async fn a_full_queue_turns_callers_away() {
    let house = House::open().await;
    for _ in 0..2 {
        assert_eq!(call(&house, "limited", &json!({})).await.status, 202);
    }
    call(&house, "limited", &json!({})).await.problem(429);
}

#[tokio::test]
async fn a_callback_decides_once_and_only_by_post() {
    let house = House::open().await;
    let run = call(&house, "asks", &json!({}))
        .await
        .header("x-ms-workflow-run-id")
        .to_owned();
    let path = format!("/v1/runs/{run}");
    let waiting = house
        .get_until(&path, |run| {
            // An action that has not begun is `Waiting` too.
            run["actions"]["Ask"]["status"] == "Waiting" && run["actions"]["Ask"]["startTime"].is_string()
        })
        .await;
    let shown = waiting["actions"]["Ask"]["inputs"]["subscribe"]["body"]
        .as_str()
        .unwrap();
    assert!(shown.ends_with("&sig=***"), "{shown}");
    let callback = local(&house, house.asked()[0].body.as_ref().unwrap().as_str().unwrap());

    let looked = house.send(&bare("GET", &callback, "")).await;
    assert_eq!((looked.status, looked.header("allow")), (405, "POST"));
    assert!(looked.body.contains("decides nothing"), "{looked:?}");
    let forged = house
        .send(&bare("POST", &callback.replace("&sig=", "&sig=A"), "{}"))
        .await;
    assert_eq!(
        (forged.status, forged.header("content-type")),
        (403, "text/plain; charset=utf-8")
    );
    let expired = house
        .send(&bare("POST", &callback.replace("&se=", "&se=1"), "{}"))
        .await;
    assert_eq!(expired.status, 403);
    assert_eq!(house.get(&path).await.json()["actions"]["Ask"]["status"], "Waiting");

    let taken = house.send(&bare("POST", &callback, r#"{"decision":"yes"}"#)).await;
    assert_eq!(taken.status, 202, "{taken:?}");
    let again = house.send(&bare("POST", &callback, r#"{"decision":"no"}"#)).await;
    assert!(matches!(again.status, 409 | 410), "{again:?}");
    let ended = house.get_until(&path, |run| run["status"] == "Succeeded").await;
    assert_eq!(ended["actions"]["Ask"]["outputs"]["body"], json!({"decision": "yes"}));
    let gone = house.send(&bare("POST", &callback, "{}")).await;
    assert_eq!(gone.status, 410);
}

#[tokio::test]
async fn a_webhook_trigger_takes_every_post() {
    let house = House::open().await;
    let link = link(&house, "hooked", &json!({})).await;
    for who in ["mira", "ada"] {
        let reply = house
            .send(&bare("POST", &link, &json!({ "who": who }).to_string()))
            .await;
        assert_eq!((reply.status, reply.body.as_str()), (200, who));
    }
    assert_eq!(house.send(&bare("GET", &link, "")).await.status, 405);
}
