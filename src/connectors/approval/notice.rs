//! What a connection's webhook is told of an approval: a link for each who is asked. `text` is what incoming webhooks of
//! chats show. Invariant: whoever gets this can decide as everybody that it names.

use serde_json::{Value as Json, json};
use url::Url;

use super::super::request::HttpRequest;
use crate::engine::approval::Approval;
use crate::engine::call::{Call, Callback};
use crate::engine::callback::{Link, Links, parse_node};
use crate::engine::clock::round_trip;

/// The request that tells of an approval.
pub(in crate::connectors) fn notice(
    url: Url,
    approval: &Approval,
    (call, callback): (&Call, &Callback),
    links: &Links,
) -> HttpRequest {
    let names: Vec<&str> = approval.options.iter().map(|option| option.name.as_str()).collect();
    let recipients: Vec<(&String, Option<String>)> = (0..)
        .zip(&approval.recipients)
        .map(|(place, name)| (name, link(links, call, callback, place)))
        .collect();
    let body = json!({
        "text": said(approval, &call.run, &recipients),
        "run": call.run,
        "playbook": call.playbook,
        "namespace": call.namespace,
        "action": call.action,
        "title": approval.title,
        "details": approval.details,
        "options": names,
        "needed": approval.needed,
        "expires": round_trip(callback.expires),
        "recipients": recipients.iter().map(|(name, url)| json!({ "name": name, "url": url })).collect::<Json>(),
    });
    HttpRequest {
        method: "POST".to_owned(),
        url,
        headers: vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Idempotency-Key".to_owned(), call.idempotency_key.clone()),
        ],
        credentials: Vec::new(),
        body: body.to_string().into_bytes(),
    }
}

fn link(links: &Links, call: &Call, callback: &Callback, recipient: usize) -> Option<String> {
    let link = Link::Approval {
        run: call.run.clone(),
        node: parse_node(&callback.node)?,
        recipient,
    };
    links.url(&link, Some(callback.expires))
}

fn said(approval: &Approval, run: &str, recipients: &[(&String, Option<String>)]) -> String {
    let mut text = format!("{}\n", approval.title);
    for (name, url) in recipients {
        match url {
            Some(url) => text += &format!("{name}: {url}\n"),
            None => text += &format!("{name}: riposte approve {run}\n"),
        }
    }
    if recipients.is_empty() {
        text += &format!("riposte approve {run}\n");
    }
    text
}
