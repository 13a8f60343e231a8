//! Approvals from the outside: links, decisions of several people, the command line, crashes and silence.

use axum::Router;
use axum::routing::post;
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::process::{Dev, Home};
use crate::program::DEADLINE;

const API: &str = "/apis/journal.riposte.dev/v1alpha1/namespaces/default";

/// A playbook that asks by mail, an account that stands in for Outlook's, and one that asks by a card.
pub(super) fn manifests(connection: &Value, timeout: &str) -> String {
    let named = |name: &str| json!({ "connection": { "name": format!("@parameters('$connections')['{name}']['connectionId']") } });
    let mail = json!({ "type": "ApiConnectionWebhook", "limit": { "timeout": timeout }, "inputs": {
        "host": named("office365"), "path": "/approvalmail/$subscriptions",
        "body": { "NotificationUrl": "@{listCallbackUrl()}", "Message": {
            "To": "mira@example.com; ada@example.com", "Subject": "@triggerBody()?['title']",
            "Options": "Approve, Reject", "Body": "<p>Host <b>web-1</b></p><script>alert(7)</script>" } } } });
    let card = json!({ "type": "AdaptiveCard", "body": [
            { "type": "TextBlock", "text": "Change the incident?" },
            { "type": "Input.ChoiceSet", "id": "severity", "label": "Severity",
              "choices": [{ "title": "High!", "value": "High" }, { "title": "Low", "value": "Low" }] } ],
        "actions": [{ "type": "Action.Submit", "title": "Change" }, { "type": "Action.Submit", "title": "Ignore" }] });
    let card = json!({ "type": "ApiConnectionWebhook", "inputs": {
        "host": named("teams"),
        "path": "/v1.0/teams/conversation/gatherinput/poster/Flow bot/location/@{encodeURIComponent('Channel')}/$subscriptions",
        "body": { "notificationUrl": "@{listCallbackUrl()}",
                  "body": { "messageBody": card.to_string(), "recipient": { "channelId": "19:soc@thread" } } } } });
    let playbook = |name: &str, alias: &str, actions: Value| {
        json!({ "apiVersion": "riposte.dev/v1alpha1", "kind": "Playbook",
            "metadata": { "name": name, "namespace": "default" },
            "spec": { "connections": [{ "name": alias, "connectionRef": { "name": alias } }], "definition": {
                "parameters": { "$connections": { "type": "Object", "defaultValue": {} } },
                "triggers": { "manual": { "type": "Request", "kind": "Http" } }, "actions": actions } } })
    };
    let said = |action: &str, member: &str| {
        json!({ "type": "Compose", "runAfter": { action: ["Succeeded"] },
            "inputs": format!("@concat(body('{action}')?{member}, ' of ', body('{action}')?['responder']?['email'])") })
    };
    let mail = playbook(
        "by-mail",
        "office365",
        json!({ "Ask": mail, "Said": said("Ask", "['SelectedOption']"),
            "Silence": { "type": "Compose", "runAfter": { "Ask": ["TimedOut"] }, "inputs": "nobody" } }),
    );
    let card = playbook(
        "by-card",
        "teams",
        json!({ "Ask": card, "Said": { "type": "Compose", "runAfter": { "Ask": ["Succeeded"] },
            "inputs": "@concat(body('Ask')['submitActionId'], ' to ', body('Ask')?['data']?['severity'])" } }),
    );
    let account = |name: &str, parameters: &Value| {
        let mut account = json!({ "apiVersion": "riposte.dev/v1alpha1", "kind": "ApiConnection",
            "metadata": { "name": name, "namespace": "default" },
            "spec": { "connector": "approval", "allowedNetworks": ["127.0.0.0/8"] } });
        let given = parameters.as_object().into_iter().flatten();
        let given: Vec<Value> = given
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        account["spec"]["parameters"] = given.into();
        account
    };
    let all = [
        mail,
        card,
        account("office365", connection),
        account("teams", &json!({})),
    ];
    all.iter().map(|one| format!("{one}\n---\n")).collect()
}

/// A folder with a server that asks.
pub(super) struct World {
    pub(super) home: Home,
    pub(super) dev: Dev,
}

impl World {
    pub(super) async fn new(connection: &Value) -> Self {
        Self::with(connection, "PT1H").await
    }

    async fn with(connection: &Value, timeout: &str) -> Self {
        let home = Home::new();
        home.write("all.yaml", &manifests(connection, timeout));
        let dev = home.start_with_data(".riposte", &[]).await;
        Self { home, dev }
    }

    /// Starts a playbook, and waits until it asks; gives its run and the name of the approval.
    pub(super) async fn ask(&self, playbook: &str, title: &str) -> (String, String) {
        let wish = json!({ "body": { "title": title } });
        let (status, started) = self.dev.post(&format!("{API}/playbooks/{playbook}/start"), &wish).await;
        assert_eq!(status, 201, "{started}");
        let run = started["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
        let asks = |view: &Value| {
            let items = view["items"].as_array().into_iter().flatten();
            let mut names = items.filter_map(|item| item["metadata"]["name"].as_str());
            names.find(|name| name.starts_with(&run)).map(str::to_owned)
        };
        let list = self
            .dev
            .view(&format!("{API}/approvals"), |view| asks(view).is_some())
            .await;
        let name = asks(&list).unwrap();
        (run, name)
    }

    pub(super) async fn approval(&self, name: &str) -> Value {
        self.dev.get(&format!("{API}/approvals/{name}")).await.1
    }

    /// The links of those who are asked and have not decided.
    pub(super) async fn links(&self, name: &str) -> Vec<String> {
        let (status, links) = self.dev.get(&format!("{API}/approvals/{name}/links")).await;
        assert_eq!(status, 200, "{links}");
        let links = links["links"].as_array().unwrap().iter();
        links.map(|link| link["url"].as_str().unwrap().to_owned()).collect()
    }

    /// The run once it has ended.
    pub(super) async fn ended(&self, run: &str) -> Value {
        self.dev
            .view(&format!("/v1/runs/{run}"), |view| view["endTime"].is_string())
            .await
    }
}

/// A browser of sorts, without an account, which does not follow.
fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).build().unwrap()
}

async fn choose(link: &str, form: &str) -> Response {
    let request = client().post(link).timeout(DEADLINE).body(form.to_owned());
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.send().await.unwrap()
}

async fn page(link: &str) -> (StatusCode, String) {
    let response = client().get(link).timeout(DEADLINE).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_link_decides_once_and_looking_at_it_decides_nothing() {
    let world = World::new(&json!({})).await;
    let (run, name) = world.ask("by-mail", "<b>Isolate?</b>").await;
    let links = world.links(&name).await;
    assert_eq!(links.len(), 2);
    for _ in 0..3 {
        let (status, text) = page(&links[0]).await;
        assert_eq!(status, 200);
        assert!(
            text.contains("&lt;b&gt;Isolate?&lt;/b&gt;") && !text.contains("<script") && !text.contains("alert(7)")
        );
        assert!(
            text.contains("value=\"Approve\"") && text.contains("mira@example.com"),
            "{text}"
        );
        client().head(&links[0]).timeout(DEADLINE).send().await.unwrap();
    }
    assert_eq!(world.approval(&name).await["status"]["status"], "Pending");
    let forged = links[0].replace("sig=", "sig=A");
    assert_eq!(
        (page(&forged).await.0, choose(&forged, "option=Approve").await.status()),
        (403.try_into().unwrap(), 403.try_into().unwrap())
    );
    let other = links[0].replace("/0?", "/1?");
    assert_eq!(page(&other).await.0, 403, "a link is for one of those who are asked");
    assert_eq!(
        choose(&links[0], "comment=hm").await.status(),
        422,
        "a form without a choice"
    );
    assert_eq!(choose(&links[0], "option=Other").await.status(), 422);

    let chosen = choose(&links[0], "option=Reject&comment=not+%3Cnow%3E").await;
    assert_eq!(chosen.status(), 303);
    let back = chosen.headers()["location"].to_str().unwrap().to_owned();
    assert!(links[0].ends_with(&back), "{back}");
    let ended = world.ended(&run).await;
    assert_eq!(
        ended["actions"]["Said"]["outputs"], "Reject of mira@example.com",
        "{ended:#}"
    );
    let response = &ended["actions"]["Ask"]["outputs"]["body"]["responses"][0];
    assert_eq!(
        (&response["comment"], &response["signedIn"]),
        (&json!("not <now>"), &json!(false))
    );
    for link in &links {
        let again = choose(link, "option=Approve").await;
        assert_eq!(again.status(), 409);
        let text = again.text().await.unwrap();
        assert!(
            text.contains("It is decided already: Reject.") && text.contains("not &lt;now&gt;"),
            "{text}"
        );
    }
    let (status, text) = page(&links[1]).await;
    assert!(
        status == 200 && text.contains("This is decided: Reject") && !text.contains("<form"),
        "{text}"
    );
    assert!(world.links(&name).await.is_empty());
}

#[tokio::test]
async fn several_must_agree_and_their_decisions_survive_a_crash() {
    let World { home, dev } = World::new(&json!({ "needed": "2", "recipients": "mira, ada, eve" })).await;
    let world = World { home, dev };
    let (run, name) = world.ask("by-mail", "Isolate?").await;
    let links = world.links(&name).await;
    assert_eq!(choose(&links[2], "option=Approve").await.status(), 303);
    assert_eq!(
        choose(&links[2], "option=Approve").await.status(),
        409,
        "each counts once"
    );
    let World { home, dev } = world;
    dev.kill();
    let dev = home.start_with_data(".riposte", &[]).await;
    let world = World { home, dev };
    let approval = world.approval(&name).await;
    assert_eq!(approval["status"]["count"], "1/2", "{approval:#}");
    // The address is another one, the signatures are not.
    let links = world.links(&name).await;
    assert_eq!(links.len(), 2, "who has decided needs no link");
    assert_eq!(choose(&links[0], "option=Approve").await.status(), 303);
    let ended = world.ended(&run).await;
    assert_eq!(ended["actions"]["Ask"]["outputs"]["body"]["SelectedOption"], "Approve");
    let responses = ended["actions"]["Ask"]["outputs"]["body"]["responses"]
        .as_array()
        .unwrap();
    let who: Vec<&str> = responses
        .iter()
        .map(|one| one["responder"]["displayName"].as_str().unwrap())
        .collect();
    assert_eq!(who, ["eve", "mira"]);
}

#[tokio::test]
async fn people_decide_on_the_command_line_as_who_they_are() {
    let world = World::new(&json!({ "signIn": "true" })).await;
    let (run, name) = world.ask("by-mail", "Isolate?").await;
    let links = world.links(&name).await;
    let refused = choose(&links[0], "option=Approve").await;
    assert_eq!(refused.status(), 403);
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains(&format!("riposte approve {run}"))
    );
    let listed = world.home.out(&["get", "approvals"]);
    assert!(
        listed.contains(&name) && listed.contains("Pending") && listed.contains("0/1"),
        "{listed}"
    );
    let described = world.home.out(&["describe", "approval", &name]);
    assert!(
        described.contains("Host web-1") && described.contains(&links[0]),
        "{described}"
    );
    let wrong = world.home.run(&["approve", &run, "--option", "Maybe"]);
    assert!(
        wrong.code == 1 && wrong.stderr.contains("choose one of: Approve, Reject"),
        "{wrong:?}"
    );
    let decided = world.home.out(&["approve", &run, "--comment", "fine"]);
    assert!(decided.contains("decided: Approve"), "{decided}");
    let ended = world.ended(&run).await;
    let response = &ended["actions"]["Ask"]["outputs"]["body"]["responses"][0];
    assert_eq!(
        (&response["comment"], &response["signedIn"]),
        (&json!("fine"), &json!(true))
    );
    assert_eq!(response["responder"]["displayName"], "user/local");
    let late = world.home.run(&["approve", &name]);
    assert!(
        late.code == 1 && late.stderr.contains("decided already: Approve"),
        "{late:?}"
    );

    let (run, _) = world.ask("by-card", "").await;
    let unknown = world.home.run(&["approve", &run, "--input", "severity=Middle"]);
    assert!(
        unknown.stderr.contains("another value than can be chosen"),
        "{unknown:?}"
    );
    world
        .home
        .out(&["approve", &run, "--option", "change", "--input", "severity=High"]);
    assert_eq!(world.ended(&run).await["actions"]["Said"]["outputs"], "Change to High");
}

#[tokio::test]
async fn who_started_the_run_does_not_decide() {
    let world = World::new(&json!({ "requesterMayNotApprove": "true" })).await;
    let (run, name) = world.ask("by-mail", "Isolate?").await;
    let refused = world.home.run(&["approve", &run]);
    assert!(
        refused.code == 1 && refused.stderr.contains("somebody else must"),
        "{refused:?}"
    );
    assert_eq!(world.approval(&name).await["status"]["status"], "Pending");
    assert_eq!(
        choose(&world.links(&name).await[1], "option=Approve").await.status(),
        303
    );
    let ended = world.ended(&run).await;
    assert_eq!(ended["actions"]["Said"]["outputs"], "Approve of ada@example.com");
}

#[tokio::test]
async fn silence_takes_the_branch_of_the_time_out() {
    let world = World::with(&json!({}), "PT2S").await;
    let (run, name) = world.ask("by-mail", "Isolate?").await;
    let links = world.links(&name).await;
    let ended = world.ended(&run).await;
    assert_eq!(ended["actions"]["Silence"]["outputs"], "nobody", "{ended:#}");
    assert_eq!(world.approval(&name).await["status"]["status"], "Expired");
    assert_eq!(choose(&links[0], "option=Approve").await.status(), 410);
    assert_eq!(page(&links[0]).await.0, 410);
}

#[tokio::test]
async fn the_webhook_of_a_connection_is_given_a_link_for_each_who_is_asked() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let take = post(async move |body: String| {
        sender.send(serde_json::from_str::<Value>(&body).unwrap()).unwrap();
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", take)).await });
    let world = World::new(&json!({ "webhookUrl": url })).await;
    let (run, name) = world.ask("by-mail", "Isolate?").await;
    let told = received.recv().await.unwrap();
    assert_eq!((&told["title"], &told["run"]), (&json!("Isolate?"), &json!(run)));
    let links = world.links(&name).await;
    let urls: Vec<&str> = told["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["url"].as_str().unwrap())
        .collect();
    assert_eq!(urls, links);
    assert!(
        told["text"]
            .as_str()
            .unwrap()
            .contains(&format!("ada@example.com: {}", links[1]))
    );
    let stored = world.home.path(".riposte");
    let signature = links[0].split("sig=").nth(1).unwrap();
    for file in std::fs::read_dir(stored).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(signature.len()).any(|part| part == signature.as_bytes()));
    }
}
