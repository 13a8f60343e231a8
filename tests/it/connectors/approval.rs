//! The `approval` connector: what it asks for which body, what it refuses, and what stays as the connection demands.

use riposte::engine::approval::Approval;
use riposte::engine::call::{Answer, Call, CallError, Callback, Services as _};
use riposte::expression::Value;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::services::services;
use super::{built_in, call};

const OWN: &str = "/approvals/$subscriptions";
const MAIL: &str = "/mailwithoptions/$subscriptions";

/// What a call of a webhook action is answered, by a connection with these parameters.
async fn answer(parameters: &[(&str, &str)], path: &str, body: Json) -> Result<Answer, CallError> {
    perform(parameters, &waiting(call("people", "POST", path), &body, false)).await
}

async fn perform(parameters: &[(&str, &str)], call: &Call) -> Result<Answer, CallError> {
    let folder = TempDir::new().unwrap();
    let connections = vec![
        ("people", built_in("approval", parameters)),
        ("virustotal", built_in("virustotal", &[("api_key", "x")])),
    ];
    services(folder.path(), connections).await.call(call).await
}

fn waiting(call: Call, body: &Json, is_reachable: bool) -> Call {
    Call {
        body: Some(Value::from(body)),
        callback: Some(Callback {
            node: "0-1".into(),
            expires: 9_000,
            is_reachable,
        }),
        ..call
    }
}

async fn asked(parameters: &[(&str, &str)], path: &str, body: Json) -> Approval {
    let answer = answer(parameters, path, body).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    *answer.asks.unwrap()
}

/// The reason of a refusal.
async fn refused(parameters: &[(&str, &str)], path: &str, body: Json) -> String {
    let answer = answer(parameters, path, body).await.unwrap();
    assert!(answer.status == 400 && answer.asks.is_none(), "{answer:?}");
    answer.body.unwrap().at(&["error", "message"]).unwrap().to_text()
}

#[tokio::test]
async fn a_body_of_its_own_says_who_is_asked_what() {
    let body =
        json!({ "title": "Isolate?", "details": "<web-1>", "to": ["a", "b"], "options": "Yes; No", "needed": 2 });
    let approval = asked(&[], OWN, body).await;
    let options: Vec<&str> = approval.options.iter().map(|one| one.name.as_str()).collect();
    assert_eq!((options, approval.needed), (vec!["Yes", "No"], 2));
    assert_eq!(approval.recipients, ["a", "b"]);
    assert!(!approval.is_html && !approval.sign_in && !approval.requester_may_not_approve);
    let bare = asked(&[], OWN, json!({})).await;
    assert_eq!(
        (bare.title.as_str(), bare.needed),
        ("Ask", 1),
        "the action's name stands for a title"
    );
}

#[tokio::test]
async fn a_mail_with_options_is_a_question() {
    let message = json!({ "To": "a@example.com;b@example.com", "Subject": "Breached", "Options": "   YES ,NO",
        "HeaderText": "Your account", "Body": "<table><td>one</td></table>", "SelectionText": "Changed it?" });
    let approval = asked(&[], MAIL, json!({ "Message": message })).await;
    assert_eq!((approval.title.as_str(), approval.options.len()), ("Breached", 2));
    assert!(approval.is_html && approval.details.starts_with("Your account<br><table>"));
    assert_eq!(approval.recipients, ["a@example.com", "b@example.com"]);
}

#[tokio::test]
async fn no_playbook_takes_back_what_its_connection_demands() {
    let strict = [
        ("signIn", "true"),
        ("requesterMayNotApprove", "true"),
        ("needed", "2"),
        ("recipients", "mira, ada"),
    ];
    let lax = json!({ "signIn": false, "requesterMayNotApprove": false, "needed": 1, "to": "eve" });
    let approval = asked(&strict, OWN, lax).await;
    assert!(approval.sign_in && approval.requester_may_not_approve);
    assert_eq!(
        (approval.needed, approval.recipients),
        (2, vec!["mira".into(), "ada".into()])
    );
}

#[tokio::test]
async fn what_cannot_be_decided_is_refused() {
    let reason = refused(&[("needed", "3")], OWN, json!({ "to": "a, b" })).await;
    assert!(reason.contains("3 people must agree, but only 2 are asked"), "{reason}");
    for (parameter, value) in [("needed", "many"), ("needed", "0"), ("signIn", "perhaps")] {
        let reason = refused(&[(parameter, value)], OWN, json!({})).await;
        assert!(reason.contains(parameter), "{reason}");
    }
    let many: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    assert!(refused(&[], OWN, json!({ "options": many })).await.contains("options"));
    let card = "/flowbot/actions/flowcontinuation/recipienttypes/channel/$subscriptions";
    let reason = refused(&[], card, json!({ "body": { "messageBody": "{" } })).await;
    assert!(reason.contains("no adaptive card"), "{reason}");
}

#[tokio::test]
async fn only_riposte_itself_calls_back_where_nothing_outside_reaches_it() {
    let plain = Call {
        callback: None,
        ..waiting(call("people", "POST", OWN), &json!({}), true)
    };
    let error = perform(&[], &plain).await.unwrap_err();
    assert!(error.message.contains("needs a webhook action"), "{error}");
    let outside = waiting(
        call("virustotal", "GET", "/api/v3/ip_addresses/192.0.2.1"),
        &json!({}),
        false,
    );
    let error = perform(&[], &outside).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.reached), ("CallbackUrlUnavailable", false));
    assert!(error.message.contains("--public-url"));
}
