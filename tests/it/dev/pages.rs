//! The pages for people in a real browser, under hostile content: an approval, a run, an incident.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::approvals::World;
use crate::browser::Browser;
use crate::program::DEADLINE;

const HOSTILE: &str =
    "</title><script>document.title='owned'</script>\"'><img src=x onerror=\"document.title='owned'\">";

/// What the page must not have, whatever it shows: scripts, pictures, links that lead elsewhere; and nothing ran.
async fn assert_harmless(browser: &Browser) {
    let found = browser
        .eval(
            "const origin = a => a.origin ?? new URL(a.href.baseVal, location).origin;
             const links = [...document.querySelectorAll('a')].filter(a => origin(a) !== location.origin).length;
             return [document.scripts.length, document.images.length, links, document.title === 'owned']",
        )
        .await;
    assert_eq!(found, json!([0, 0, 0, false]));
    let wide = browser
        .eval("return document.documentElement.scrollWidth - window.innerWidth")
        .await;
    assert!(
        wide.as_i64().unwrap() <= 0,
        "the page is wider than its window by {wide}"
    );
}

#[tokio::test]
async fn a_link_that_is_opened_twice_decides_once() {
    let world = World::new(&json!({})).await;
    let (run, name) = world.ask("by-mail", HOSTILE).await;
    let link = &world.links(&name).await[0];
    // A program that looks for danger in mails.
    reqwest::get(link).await.unwrap();
    let browser = Browser::open(400, 800).await;
    browser.go(link).await;
    assert_harmless(&browser).await;
    let text = browser.text().await;
    assert!(text.contains(HOSTILE) && text.contains("Pending"), "{text}");
    browser.fill("textarea", "seen & <done>").await;
    browser.click("button[value=Approve]").await;
    let text = browser.text_with("This is decided: Approve").await;
    assert!(text.contains("seen & <done>"), "{text}");
    assert_harmless(&browser).await;
    browser.go(link).await;
    let again = browser.text().await;
    assert!(
        again.contains("This is decided: Approve") && again.contains("mira@example.com"),
        "{again}"
    );
    assert_eq!(browser.eval("return document.forms.length").await, 0);
    assert_eq!(
        world.ended(&run).await["actions"]["Said"]["outputs"],
        "Approve of mira@example.com"
    );
}

#[tokio::test]
async fn a_card_is_filled_in_on_its_page() {
    let world = World::new(&json!({})).await;
    let (run, name) = world.ask("by-card", "").await;
    let browser = Browser::open(900, 900).await;
    browser.go(&world.links(&name).await[0]).await;
    browser.click("option[value=Low]").await;
    browser.click("button.first").await;
    browser.text_with("This is decided: Change").await;
    assert_eq!(world.ended(&run).await["actions"]["Said"]["outputs"], "Change to Low");
}

/// A playbook with everything that a page of a run shows.
fn busy() -> Value {
    let compose = |inputs: Value, after: Value| json!({ "type": "Compose", "inputs": inputs, "runAfter": after });
    let sentinel = json!({ "connection": { "name": "@parameters('$connections')['azuresentinel']['connectionId']" } });
    let hidden = json!({ "type": "Compose", "inputs": "sesame", "runAfter": {},
        "runtimeConfiguration": { "secureData": { "properties": ["inputs", "outputs"] } } });
    json!({ "apiVersion": "riposte.dev/v1alpha1", "kind": "Playbook",
        "metadata": { "name": "busy", "namespace": "default" },
        "spec": { "connections": [{ "name": "azuresentinel", "connectionRef": { "name": "incidents" } }], "definition": {
            "parameters": { "$connections": { "type": "Object", "defaultValue": {} } },
            "triggers": { "incident": { "type": "ApiConnectionWebhook", "inputs": { "host": sentinel,
                "body": { "callback_url": "@{listCallbackUrl()}" }, "path": "/incident-creation" } } },
            "actions": {
                "Title": compose(json!("@triggerBody()?['object']?['properties']?['title']"), json!({})),
                "Secret": hidden,
                "Each": { "type": "Foreach", "foreach": [1, 2], "runAfter": { "Title": ["Succeeded"] },
                    "actions": { "Number": compose(json!("@item()"), json!({})) } },
                "Comment": { "type": "ApiConnection", "runAfter": { "Each": ["Succeeded"] }, "inputs": {
                    "host": sentinel, "method": "post", "path": "/Incidents/Comment",
                    "body": { "incidentArmId": "@triggerBody()?['object']?['id']", "message": format!("<p>{HOSTILE}</p>done") } } },
                "Fails": { "type": "Compose", "inputs": "@int('no number')", "runAfter": { "Comment": ["Succeeded"] } },
            } } } })
}

#[tokio::test]
async fn a_run_and_its_incident_are_shown_whatever_they_hold() {
    let world = World::new(&json!({})).await;
    let mut text = String::new();
    let account = json!({ "apiVersion": "riposte.dev/v1alpha1", "kind": "ApiConnection",
        "metadata": { "name": "incidents", "namespace": "default" }, "spec": { "connector": "azuresentinel" } });
    write!(text, "{}\n---\n{account}\n", busy()).unwrap();
    world.home.write("busy.yaml", &text);
    let incident = json!({ "title": HOSTILE, "severity": "High", "description": HOSTILE,
        "alerts": [{ "title": HOSTILE, "severity": "Low", "entities":
            [{ "kind": "Host", "properties": { "hostName": HOSTILE } }] }] });
    let (status, taken) = world.dev.post("/v1/workspaces/default/incidents", &incident).await;
    assert_eq!(status, 202, "{taken}");
    world
        .dev
        .view("/apis/riposte.dev/v1alpha1/namespaces/default/playbooks", |view| {
            view["items"].as_array().is_some_and(|all| all.len() == 3)
        })
        .await;
    let api = "/apis/journal.riposte.dev/v1alpha1/namespaces/default/playbooks/busy/start";
    let (status, started) = world.dev.post(api, &json!({ "incident": 1 })).await;
    assert_eq!(status, 201, "{started}");
    let run = started["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    world.ended(&run).await;
    let (_, shown) = world.dev.get("/v1/workspaces/default/incidents/1").await;
    let url = shown["properties"]["incidentUrl"].as_str().unwrap();

    let browser = Browser::open(400, 900).await;
    browser.go(url).await;
    assert_harmless(&browser).await;
    let text = browser.text().await;
    for part in [
        HOSTILE,
        "What happened",
        "The incident was created",
        "commented: ",
        "default/busy",
        "Failed",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    browser.click("ol.line a").await;
    assert_harmless(&browser).await;
    let text = browser.text().await;
    for part in ["Run of busy", "user/local", "#2", "InvalidTemplate", "int", "Graph"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    browser
        .eval("document.querySelectorAll('details').forEach(one => one.open = true)")
        .await;
    let text = browser.text().await;
    assert!(
        text.contains(HOSTILE) && text.contains("*** hidden ***") && !text.contains("sesame"),
        "{text}"
    );
    let back = browser.eval("return document.querySelector('td a').href").await;
    assert_eq!(back.as_str(), Some(url));
    let other = format!("{}/namespaces/other/runs/{run}", world.dev.url);
    let answer = reqwest::Client::new()
        .get(other)
        .timeout(DEADLINE)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 404, "a run is shown in its own namespace alone");
}

#[tokio::test]
async fn a_graph_leads_to_details_and_a_held_action_says_what_to_do() {
    let world = World::new(&json!({})).await;
    let compose = |after: Value| json!({ "type": "Compose", "inputs": 1, "runAfter": after });
    let playbook = json!({ "apiVersion": "riposte.dev/v1alpha1", "kind": "Playbook",
        "metadata": { "name": "held", "namespace": "default" }, "spec": { "definition": {
            "triggers": { "manual": { "type": "Request", "kind": "Http" } },
            "actions": {
                "First": compose(json!({})),
                "Decide": { "type": "If", "expression": { "equals": [1, 1] }, "runAfter": { "First": ["Succeeded"] },
                    "actions": { "<b>Inner</b>": compose(json!({})) },
                    "else": { "actions": { "Other": compose(json!({})) } } },
                "Send it": { "type": "Http", "runAfter": { "Decide": ["Succeeded"] },
                    "inputs": { "method": "POST", "uri": "http://127.0.0.1:9/", "body": 1 } },
            } } } });
    world.home.write("held.yaml", &playbook.to_string());
    world
        .dev
        .view("/apis/riposte.dev/v1alpha1/namespaces/default/playbooks", |view| {
            view["items"].as_array().is_some_and(|all| all.len() == 3)
        })
        .await;
    world.home.out(&["pause"]);
    let api = "/apis/journal.riposte.dev/v1alpha1/namespaces/default/playbooks/held/start";
    let (status, started) = world.dev.post(api, &json!({ "body": {} })).await;
    assert_eq!(status, 201, "{started}");
    let run = started["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    world
        .dev
        .view(&format!("/v1/runs/{run}"), |view| {
            view["actions"]["Send it"]["code"] == "ActionsPaused"
        })
        .await;

    let browser = Browser::open(360, 800).await;
    browser
        .go(&format!("{}/namespaces/default/runs/{run}", world.dev.url))
        .await;
    assert_harmless(&browser).await;
    let text = browser.text().await;
    for part in [
        "Send it is held: the actions of namespace 'default' are paused by user/local",
        "Held since ",
        "riposte unpause -n default",
        &format!("riposte release {run} 'Send it' -n default"),
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let drawn = browser
        .eval("return [...document.querySelectorAll('.graph a')].map(a => a.querySelector('title').textContent.split(' · ')[0])")
        .await;
    let wanted = [
        "First: Succeeded",
        "Decide: Succeeded",
        "<b>Inner</b>: Succeeded",
        "Other: Skipped",
        "Send it: Held",
    ];
    assert_eq!(drawn, json!(wanted));
    let is_open = "return document.querySelector('[id=a1]').closest('details').open";
    assert_eq!(browser.eval(is_open).await, false);
    browser.eval("document.querySelector('.graph a[href=\"#a1\"] text').dispatchEvent(new MouseEvent('click', { bubbles: true }))").await;
    let opened = async || match browser.eval(is_open).await == true {
        true => Ok(()),
        false => Err("the details stay folded"),
    };
    crate::patience::settled(DEADLINE, opened).await.unwrap();
    assert_harmless(&browser).await;
}
