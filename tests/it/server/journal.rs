//! The aggregated API on the plain listener, for the holder of a token.

use serde_json::{Value, json};

use super::{Ask, House, Reply, SENDER, alert};

const BASE: &str = "/apis/journal.riposte.dev/v1alpha1";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// The path of something in the namespace `soc`.
fn soc(rest: &str) -> String {
    format!("{BASE}/namespaces/soc/{rest}")
}

async fn table(house: &House, path: &str) -> Value {
    let mut ask = Ask::get(path);
    ask.accept = Some(TABLE);
    let reply = house.send(&ask).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// Starts a playbook, awaits its end and gives its name.
async fn start(house: &House, playbook: &str, body: &Value) -> String {
    let reply = house.post(&soc(&format!("playbooks/{playbook}/start")), body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let list = reply.json();
    assert_eq!(
        (&list["kind"], list["items"].as_array().map(Vec::len)),
        (&json!("RunList"), Some(1))
    );
    let run = list["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    house.engine.ended(&run).await.unwrap();
    run
}

#[tokio::test]
async fn discovery_names_what_is_served() {
    let house = House::open().await;
    let groups = house.get("/apis").await.json();
    let names: Vec<&Value> = groups["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| &group["name"])
        .collect();
    assert_eq!(names, ["journal.riposte.dev", "riposte.dev"]);
    assert_eq!(house.get("/apis/journal.riposte.dev").await.json()["kind"], "APIGroup");
    let list = house.get(BASE).await.json();
    let resources = list["resources"].as_array().unwrap();
    let named = |one: &Value| format!("{} {}", one["name"].as_str().unwrap(), one["verbs"]);
    let names: Vec<String> = resources.iter().map(named).collect();
    let expected = [
        r#"runs ["delete","get","list"]"#,
        r#"runs/log ["get"]"#,
        r#"runs/actions ["get"]"#,
        r#"runs/cancel ["create"]"#,
        r#"runs/resubmit ["create"]"#,
        r#"runs/release ["create"]"#,
        r#"brakes/pause ["create"]"#,
        r#"brakes/unpause ["create"]"#,
        r#"runs/approve ["create"]"#,
        r#"incidents ["get","list"]"#,
        r#"approvals ["get","list"]"#,
        r#"approvals/links ["get"]"#,
        r#"playbooks/start ["create"]"#,
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_run_is_started_listed_and_looked_at() {
    let house = House::open().await;
    house.post("/v1/workspaces/soc/alerts", &alert("a")).await;
    let run = start(&house, "triage", &json!({ "incident": 1 })).await;

    let one = house.get(&soc(&format!("runs/{run}"))).await.json();
    assert_eq!(
        (&one["kind"], &one["apiVersion"]),
        (&json!("Run"), &json!("journal.riposte.dev/v1alpha1"))
    );
    assert_eq!(one["metadata"]["namespace"], "soc");
    assert_eq!(one["metadata"]["labels"]["riposte.dev/incident"], "1");
    assert_eq!(one["spec"]["requester"], "user/mira");
    assert_eq!(one["spec"]["incidentNumber"], 1);
    assert_eq!(one["status"]["status"], "Succeeded");
    let action = &one["status"]["actions"][0];
    assert_eq!(
        (&action["name"], &action["status"]),
        (&json!("Title"), &json!("Succeeded"))
    );
    assert!(
        action.get("outputs").is_none(),
        "outputs have a permission of their own: {one}"
    );

    let actions = house.get(&soc(&format!("runs/{run}/actions"))).await.json();
    assert_eq!(actions["actions"]["Title"]["outputs"], "Shell in container");

    let log = house.get(&soc(&format!("runs/{run}/log"))).await;
    assert_eq!(log.header("content-type"), "text/plain; charset=utf-8");
    let lines: Vec<&str> = log.body.lines().collect();
    assert!(
        lines[0].ends_with("run of soc/triage started by user/mira with trigger trigger"),
        "{lines:?}"
    );
    assert!(lines.last().unwrap().ends_with("run Succeeded"), "{lines:?}");
    let rest = house.get(&soc(&format!("runs/{run}/log?after=1"))).await.body;
    assert_eq!(rest.lines().collect::<Vec<_>>(), lines[1..]);

    let list = house
        .get(&soc("runs?fieldSelector=spec.playbook%3Dtriage"))
        .await
        .json();
    let names = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["metadata"]["name"]);
    assert!(names.clone().any(|name| *name == *run), "{list}");
    assert_eq!(list["metadata"]["resourceVersion"], "0");
    let none = house.get(&soc("runs?fieldSelector=spec.playbook%3Dother")).await.json();
    assert_eq!(none["items"], json!([]));
}

#[tokio::test]
async fn secure_values_are_in_no_part_of_a_run() {
    let house = House::open().await;
    let run = start(&house, "secretive", &json!({ "body": { "who": "ada" } })).await;
    let mut all = String::new();
    for part in ["", "/log", "/actions"] {
        let reply = house.get(&soc(&format!("runs/{run}{part}"))).await;
        assert_eq!(reply.status, 200);
        all += &reply.body;
    }
    assert!(all.contains("*** hidden ***") && !all.contains("open-sesame"), "{all}");
}

#[tokio::test]
async fn tables_are_what_kubectl_prints() {
    let house = House::open().await;
    for title in ["One", "Two"] {
        let mut body = alert(title);
        body["title"] = json!(title);
        body["ruleName"] = json!(title);
        house.post("/v1/workspaces/soc/alerts", &body).await;
    }
    let incidents = table(&house, &soc("incidents")).await;
    assert_eq!(
        (&incidents["kind"], &incidents["apiVersion"]),
        (&json!("Table"), &json!("meta.k8s.io/v1"))
    );
    let columns = incidents["columnDefinitions"].as_array().unwrap();
    let names: Vec<&Value> = columns.iter().map(|column| &column["name"]).collect();
    assert_eq!(
        names,
        ["Name", "Severity", "Status", "Alerts", "Title", "Age", "Owner", "Id"]
    );
    assert_eq!(columns[0]["format"], "name");
    let row = &incidents["rows"][0];
    assert_eq!(
        row["cells"].as_array().unwrap()[..5],
        [json!("2"), json!("High"), json!("New"), json!(1), json!("Two")]
    );
    assert_eq!(row["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(row["object"]["metadata"]["namespace"], "soc");

    let run = start(&house, "triage", &json!({ "incident": 2 })).await;
    let one = table(&house, &soc(&format!("runs/{run}"))).await;
    assert_eq!(one["rows"].as_array().unwrap().len(), 1);
    let cells = one["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(cells[..4], [json!(run), json!("triage"), json!("Succeeded"), json!(2)]);

    let mut ask = Ask::get(&soc("incidents?limit=1"));
    ask.accept = Some(TABLE);
    let short = house.send(&ask).await;
    assert_eq!(short.json()["rows"].as_array().unwrap().len(), 1);
    assert!(short.header("warning").contains("the newest 1"), "{short:?}");
}

#[tokio::test]
async fn an_incident_is_shown_in_full() {
    let house = House::open().await;
    let accepted = house.post("/v1/workspaces/soc/alerts", &alert("a")).await.json()["accepted"][0].clone();
    let is_over = |answer: &Value| {
        let evaluations = answer["status"]["evaluations"].as_array();
        evaluations.is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["ended"] == true))
    };
    let incident = house.get_until(&soc("incidents/1"), is_over).await;
    assert_eq!(incident["metadata"]["uid"], accepted["incident"]["id"]);
    let status = &incident["status"];
    assert_eq!(status["title"], "Shell in container");
    assert_eq!(status["alerts"][0]["id"], accepted["alert"]);
    assert_eq!(status["entities"][0]["friendlyName"], "203.0.113.7");
    assert_eq!(status["runs"][0]["name"], "triage");
    assert_eq!((&status["comments"], &status["tasks"]), (&json!([]), &json!([])));
    let by_id = house
        .get(&soc(&format!(
            "incidents/{}",
            accepted["incident"]["id"].as_str().unwrap()
        )))
        .await;
    assert_eq!(by_id.json()["metadata"]["name"], "1");

    let entity = status["entities"][0]["id"].clone();
    let run = start(&house, "on-ip", &json!({ "incident": 1, "entity": entity })).await;
    let actions = house.get(&soc(&format!("runs/{run}/actions"))).await.json();
    assert_eq!(actions["actions"]["Address"]["outputs"], "203.0.113.7");
}

#[tokio::test]
async fn a_run_is_cancelled() {
    let house = House::open().await;
    let reply = house
        .post(&soc("playbooks/waiting/start"), &json!({ "body": {} }))
        .await;
    let path = soc(&format!(
        "runs/{}",
        reply.json()["items"][0]["metadata"]["name"].as_str().unwrap()
    ));
    house
        .get_until(&path, |run| run["status"]["actions"][0]["status"] == "Running")
        .await;
    let waits = house.get(&path).await.json()["status"]["waitsFor"].clone();
    assert_eq!(
        (&waits[0]["action"], &waits[0]["what"]),
        (&json!("Ask"), &json!("an answer")),
        "{waits}"
    );
    let deleted = house.send(&Ask::delete(&path)).await;
    assert_status(&deleted, 409, "Conflict");
    let cancelled = house.send(&Ask::post(&format!("{path}/cancel"), "")).await;
    assert_eq!(cancelled.status, 201, "{cancelled:?}");
    house
        .get_until(&path, |run| run["status"]["cancelledBy"] == "user/mira")
        .await;
    let unknown = house.post(&format!("{path}/cancel"), &json!({ "soon": true })).await;
    assert_status(&unknown, 400, "BadRequest");
    let cancelled = house.post(&format!("{path}/cancel"), &json!({ "now": true })).await;
    assert_eq!(cancelled.status, 201, "{cancelled:?}");
    house
        .get_until(&path, |run| run["status"]["status"] == "Cancelled")
        .await;
    let again = house.send(&Ask::post(&format!("{path}/cancel"), "")).await;
    assert_eq!(again.json()["status"]["status"], "Cancelled");
}

#[tokio::test]
async fn a_run_is_resubmitted_and_forgotten() {
    let house = House::open().await;
    house.post("/v1/workspaces/soc/alerts", &alert("a")).await;
    let run = start(&house, "triage", &json!({ "incident": 1 })).await;
    let path = soc(&format!("runs/{run}"));
    let again = house
        .post(&format!("{path}/resubmit"), &json!({ "idempotencyKey": "k" }))
        .await;
    assert_eq!(again.status, 201, "{again:?}");
    let same = house
        .post(&format!("{path}/resubmit"), &json!({ "idempotencyKey": "k" }))
        .await;
    let name = again.json()["metadata"]["name"].as_str().unwrap().to_owned();
    assert_eq!(same.json()["metadata"]["name"], *name);
    house.engine.ended(&name).await.unwrap();
    let part = json!({ "fromAction": "Title", "pinned": true });
    let part = house.post(&format!("{path}/resubmit"), &part).await.json();
    let part = part["metadata"]["name"].as_str().unwrap().to_owned();
    house.engine.ended(&part).await.unwrap();
    let part = house.get(&soc(&format!("runs/{part}"))).await.json();
    assert_eq!(
        (&part["spec"]["resubmitOf"], &part["spec"]["resubmitFrom"]),
        (&json!(run), &json!("Title"))
    );
    let refused = house
        .post(&format!("{path}/resubmit"), &json!({ "fromAction": "None" }))
        .await;
    assert_status(&refused, 409, "Conflict");
    let long = json!({ "idempotencyKey": "k".repeat(300) });
    assert_status(&house.post(&format!("{path}/resubmit"), &long).await, 400, "BadRequest");

    let succeeded = house
        .get(&soc("runs?status=succeeded&since=2026-01-01T00:00:00Z"))
        .await
        .json();
    let is_again = |item: &&Value| item["spec"]["resubmitOf"] == *run;
    assert_eq!(
        succeeded["items"].as_array().unwrap().iter().filter(is_again).count(),
        2,
        "{succeeded}"
    );
    let failed = house
        .get(&soc("runs?fieldSelector=status.status%3DFailed"))
        .await
        .json();
    assert_eq!(failed["items"], json!([]));

    let stranger = Ask::delete(&format!("{BASE}/namespaces/shop/runs/{run}")).token(SENDER);
    assert_status(&house.send(&stranger).await, 403, "Forbidden");
    let deleted = house.send(&Ask::delete(&path)).await;
    assert_eq!((deleted.status, &deleted.json()["status"]), (200, &json!("Success")));
    assert_status(&house.get(&path).await, 404, "NotFound");
    assert_status(&house.send(&Ask::delete(&path)).await, 404, "NotFound");
    let orphan = house.get(&soc(&format!("runs/{name}"))).await.json();
    assert_eq!(orphan["status"]["status"], "Succeeded", "it stands by itself");
}

#[tokio::test]
async fn actions_are_paused_and_let_go_on_by_who_reaches_the_place() {
    let house = House::open().await;
    let path = soc("brakes/actions/pause");
    let paused = house.send(&Ask::post(&path, "").token(SENDER)).await;
    assert_eq!(paused.status, 201, "{paused:?}");
    assert_eq!(paused.json()["status"], json!({ "paused": true, "by": "user/falco" }));
    let all = Ask::post(&format!("{BASE}/brakes/actions/unpause"), "");
    assert_status(&house.send(&all.token(SENDER)).await, 403, "Forbidden");
    let all = Ask::post(&format!("{BASE}/brakes/actions/unpause"), "");
    assert_eq!(house.send(&all).await.json()["status"]["paused"], false);
    let setting = house.store.setting("pauses").await.unwrap();
    assert_eq!(setting.as_deref(), Some("{}"), "it is in the store");

    let wish = json!({ "body": {} });
    let waiting = house.post(&soc("playbooks/waiting/start"), &wish).await.json();
    let run = waiting["items"][0]["metadata"]["name"].as_str().unwrap();
    let release = soc(&format!("runs/{run}/release"));
    let nothing = house.post(&release, &json!({ "action": "Nothing" })).await;
    assert_status(&nothing, 409, "Conflict");
    assert_status(&house.post(&release, &json!({ "run": 1 })).await, 400, "BadRequest");
}

fn assert_status(reply: &Reply, code: u16, reason: &str) {
    let status = reply.json();
    assert_eq!(
        (&status["kind"], &status["status"]),
        (&json!("Status"), &json!("Failure")),
        "{reply:?}"
    );
    assert_eq!((reply.status, &status["code"]), (code, &json!(code)), "{reply:?}");
    assert_eq!(status["reason"], reason, "{reply:?}");
    assert!(!status["message"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_done_is_a_status() {
    let house = House::open().await;
    house.post("/v1/workspaces/shop/alerts", &alert("a")).await;
    let start = soc("playbooks/triage/start");
    let other = json!({ "workspace": "shop", "incident": 1 }).to_string();
    let cases = [
        (Ask::get(&soc("runs/none")), 404, "NotFound"),
        (Ask::get(&soc("incidents/1")), 404, "NotFound"),
        (Ask::get(&format!("{BASE}/nothing")), 404, "NotFound"),
        (Ask::get("/apis/riposte.dev/v1alpha1/secrets"), 404, "NotFound"),
        (Ask::get(&soc("runs?watch=true")), 400, "BadRequest"),
        (Ask::get(&soc("runs?labelSelector=a%3Db")), 400, "BadRequest"),
        (Ask::post(&soc("runs"), "{}"), 405, "MethodNotAllowed"),
        (Ask::post(&start, "{"), 400, "BadRequest"),
        (Ask::post(&start, r#"{"incident":1,"alert":"x"}"#), 400, "BadRequest"),
        (Ask::post(&start, r#"{"incidents":1}"#), 400, "BadRequest"),
        (Ask::post(&start, r#"{"incident":9}"#), 404, "NotFound"),
        (Ask::post(&start, r#"{"entity":"some-id"}"#), 400, "BadRequest"),
        (
            Ask::post(&format!("{start}?dryRun=All"), r#"{"incident":1}"#),
            400,
            "BadRequest",
        ),
        (
            Ask::post(&soc("playbooks/suspended/start"), r#"{"body":{}}"#),
            409,
            "Conflict",
        ),
        (
            Ask::post(
                &soc("playbooks/on-alert/start"),
                r#"{"entity":{"kind":"Ip","properties":{}}}"#,
            ),
            422,
            "Invalid",
        ),
        (Ask::get(&soc("runs")).token("unknown-0123456789"), 401, "Unauthorized"),
        (
            Ask::get(&format!("{BASE}/namespaces/shop/runs")).token(SENDER),
            403,
            "Forbidden",
        ),
        (Ask::get(&format!("{BASE}/runs")).token(SENDER), 403, "Forbidden"),
        (Ask::post(&start, &other).token(SENDER), 403, "Forbidden"),
    ];
    for (ask, code, reason) in cases {
        assert_status(&house.send(&ask).await, code, reason);
    }
    let own = house.send(&Ask::get(&soc("runs")).token(SENDER)).await;
    assert_eq!(own.status, 200);
    let across = house.send(&Ask::post(&start, &other)).await;
    assert_eq!(across.status, 201, "{across:?}");
    let mut yaml = Ask::get(&soc("runs"));
    yaml.accept = Some("application/yaml");
    assert_status(&house.send(&yaml).await, 406, "NotAcceptable");
}
