//! Incidents and runs as people and programs see them, and starting playbooks by hand.

use serde_json::{Value, json};

use super::{Ask, House, alert};

async fn incident_after_rules(house: &House) -> Value {
    let reply = house.post("/v1/workspaces/soc/alerts", &alert("a")).await;
    assert_eq!(reply.status, 202);
    let is_over = |answer: &Value| {
        let evaluations = answer["evaluations"].as_array();
        evaluations.is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["ended"] == true))
    };
    house.get_until("/v1/workspaces/soc/incidents/1", is_over).await
}

#[tokio::test]
async fn an_incident_shows_what_rules_did_and_what_is_missing() {
    let house = House::open().await;
    let incident = incident_after_rules(&house).await;
    let properties = &incident["properties"];
    assert_eq!(properties["title"], "Shell in container");
    assert_eq!(properties["incidentNumber"], 1);
    assert_eq!(properties["Alerts"][0]["properties"]["severity"], "High");
    assert_eq!(
        (&properties["Comments"], &properties["tasks"]),
        (&json!([]), &json!([]))
    );

    assert_eq!(incident["runs"][0]["name"], "triage");
    assert_eq!(incident["runs"][0]["status"], "Succeeded");
    let evaluations = incident["evaluations"].as_array().unwrap();
    let created = evaluations
        .iter()
        .find(|one| one["occasion"] == "IncidentCreated")
        .unwrap();
    assert_eq!(created["rules"][0]["status"], "Success");
    let missing = &created["rules"][1]["actions"][0]["outcome"];
    assert_eq!(missing["code"], "MissingGrant");
    assert!(
        missing["remedy"].as_str().unwrap().contains("kind: PlaybookGrant"),
        "{missing}"
    );

    let by_id = house
        .get(&format!(
            "/v1/workspaces/soc/incidents/{}",
            incident["name"].as_str().unwrap()
        ))
        .await;
    assert_eq!(by_id.json()["name"], incident["name"]);
    let evaluation = house
        .get(&format!("/v1/runs/{}", created["id"].as_str().unwrap()))
        .await
        .json();
    assert_eq!(evaluation["rules"], created["rules"]);
    let events = house
        .get(&format!("/v1/runs/{}/events?limit=1", created["id"].as_str().unwrap()))
        .await
        .json();
    assert_eq!(events["events"][0]["event"]["type"], "opened");
    assert_eq!(events["events"].as_array().unwrap().len(), 1);
    let cancelled = house
        .post(
            &format!("/v1/runs/{}/cancel", created["id"].as_str().unwrap()),
            &json!({}),
        )
        .await;
    cancelled.problem(409);
}

#[tokio::test]
async fn incidents_are_listed_by_workspace_and_status() {
    let house = House::open().await;
    for (workspace, title) in [("soc", "One"), ("soc", "Two"), ("shop", "Three")] {
        let mut body = alert(title);
        body["title"] = json!(title);
        body["ruleName"] = json!(title);
        house.post(&format!("/v1/workspaces/{workspace}/alerts"), &body).await;
    }
    let titles = async |query: &str| {
        let answer = house.get(&format!("/v1/workspaces/soc/incidents{query}")).await.json();
        let list = answer["incidents"].as_array().unwrap().clone();
        list.iter()
            .map(|one| one["properties"]["title"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(titles("").await, ["Two", "One"]);
    assert_eq!(titles("?limit=1").await, ["Two"]);
    assert_eq!(titles("?status=New").await, ["Two", "One"]);
    assert!(titles("?status=Closed").await.is_empty());
}

async fn start(house: &House, playbook: &str, body: &Value) -> Value {
    let reply = house
        .post(&format!("/v1/workspaces/soc/playbooks/{playbook}/runs"), body)
        .await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let run = reply.json()["runs"][0].as_str().expect("a run").to_owned();
    house.engine.ended(&run).await.expect("the run ended");
    house.get(&format!("/v1/runs/{run}")).await.json()
}

#[tokio::test]
async fn playbooks_start_on_incidents_alerts_entities_and_bodies() {
    let house = House::open().await;
    let accepted = house.post("/v1/workspaces/soc/alerts", &alert("a")).await.json()["accepted"][0].clone();
    for incident in [&json!(1), &accepted["incident"]["id"]] {
        let run = start(&house, "triage", &json!({ "incident": incident })).await;
        assert_eq!(run["status"], "Succeeded");
        assert_eq!(run["actions"]["Title"]["outputs"], "Shell in container");
        assert_eq!(run["incident"], accepted["incident"]["id"]);
    }
    let run = start(&house, "on-alert", &json!({ "alert": accepted["alert"] })).await;
    assert_eq!(run["actions"]["Name"]["outputs"], "Shell in container");
    let entity = json!({ "kind": "Ip", "properties": { "address": "203.0.113.9" } });
    let run = start(&house, "on-ip", &json!({ "entity": entity })).await;
    assert_eq!(run["actions"]["Address"]["outputs"], "203.0.113.9");
    let listed = house.get("/v1/runs?playbook=on-ip&namespace=soc").await.json();
    assert_eq!(listed["runs"].as_array().unwrap().len(), 1);
    assert_eq!(listed["runs"][0]["id"], run["id"]);
}

#[tokio::test]
async fn secure_values_are_shown_nowhere() {
    let house = House::open().await;
    let run = start(&house, "secretive", &json!({ "body": { "who": "ada" } })).await;
    assert_eq!(run["status"], "Succeeded");
    let events = house
        .get(&format!("/v1/runs/{}/events", run["id"].as_str().unwrap()))
        .await;
    let all = format!("{run} {}", events.body);
    assert!(!all.contains("open-sesame"), "{all}");
    assert!(all.contains("ada"), "what is not secure is shown");
    let kinds: Vec<Value> = events.json()["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["seq"].clone())
        .collect();
    assert_eq!(kinds, (1..=kinds.len()).map(|seq| json!(seq)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_start_that_cannot_be_is_refused() {
    let house = House::open().await;
    let cases = [
        ("none", json!({ "body": {} }), 404, "PlaybookNotFound"),
        ("suspended", json!({ "body": {} }), 409, "PlaybookSuspended"),
        (
            "on-alert",
            json!({ "entity": { "kind": "Ip", "properties": {} } }),
            422,
            "UnsupportedTrigger",
        ),
    ];
    for (playbook, body, status, code) in cases {
        let reply = house
            .post(&format!("/v1/workspaces/soc/playbooks/{playbook}/runs"), &body)
            .await;
        reply.problem(status);
        assert_eq!(reply.json()["code"], code);
    }
    let triage = "/v1/workspaces/soc/playbooks/triage/runs";
    house.post(triage, &json!({ "incident": 9 })).await.problem(404);
    house.post(triage, &json!({ "alert": "none" })).await.problem(404);
    for body in [
        json!({}),
        json!([]),
        json!({ "incident": 1, "alert": "x" }),
        json!({ "entity": { "kind": "planet" } }),
    ] {
        house.post(triage, &body).await.problem(400);
    }
    house.send(&Ask::post(triage, "{")).await.problem(400);
}

#[tokio::test]
async fn a_run_is_cancelled() {
    let house = House::open().await;
    let reply = house
        .post("/v1/workspaces/soc/playbooks/waiting/runs", &json!({ "body": {} }))
        .await;
    let path = format!("/v1/runs/{}", reply.json()["runs"][0].as_str().unwrap());
    let listed = house.get("/v1/runs?open=true").await.json();
    assert_eq!(listed["runs"][0]["status"], "Running");
    house
        .get_until(&path, |run| run["actions"]["Ask"]["status"] == "Running")
        .await;
    let cancelled = house.send(&Ask::post(&format!("{path}/cancel?now=true"), "")).await;
    assert_eq!(cancelled.status, 202);
    house.get_until(&path, |run| run["status"] == "Cancelled").await;
    let again = house.send(&Ask::post(&format!("{path}/cancel"), "")).await;
    assert_eq!((again.status, &again.json()["status"]), (200, &json!("Cancelled")));
}
