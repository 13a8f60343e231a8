//! Rehearsals of small playbooks: virtual time, mocks, incidents in memory, examples, recording.

use std::sync::Arc;

use jiff::Timestamp;
use riposte::api::yaml;
use riposte::connectors::catalog::built_in;
use riposte::definition;
use riposte::engine::content::{Connection, Playbook};
use riposte::engine::view;
use riposte::expression::Value;
use riposte::rehearsal::{By, Finished, Halt, Mocks, Occasion, Stage, Unmocked, record, rehearse};

const NOW: &str = "2026-01-01T08:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn value(text: &str) -> Value {
    Value::from(&yaml::parse(text).unwrap()[0].json)
}

/// A playbook with a trigger and actions, in YAML.
fn playbook(trigger: &str, actions: &str) -> Playbook {
    let indented: String = actions.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!(
        "triggers: {{T: {trigger}}}\nparameters: {{$connections: {{type: Object, defaultValue: {{}}}}, Limit: {{type: Int}}, Key: {{type: SecureString}}}}\nactions:\n{indented}"
    );
    let definition = value(&text);
    let (workflow, _) = definition::parse(&definition).unwrap_or_else(|problems| panic!("{problems:#?}"));
    Playbook {
        namespace: "default".into(),
        name: "rehearsed".into(),
        definition: definition.to_json().into(),
        hash: "hash".into(),
        workflow: Arc::new(workflow),
        parameters: Vec::new(),
        settings: Vec::new(),
        connections: vec![Connection {
            alias: "azuresentinel".into(),
            name: "incidents".into(),
            connector: Some("azuresentinel".into()),
        }],
        suspended: false,
    }
}

const MANUAL: &str = "{type: Request, kind: Http, inputs: {}}";
const INCIDENT: &str =
    "{type: ApiConnectionWebhook, inputs: {path: /incident-creation, host: {connection: {name: x}}}}";

fn stage(trigger: &str, actions: &str) -> Stage {
    Stage::new(playbook(trigger, actions), built_in)
}

fn run_with(stage: &Stage, mocks: &str, unmocked: Unmocked) -> Finished {
    let mocks = Mocks::read(&value(mocks)).unwrap();
    let occasion = Occasion::made_up(stage, now()).unwrap();
    let mut runs = rehearse(stage, stage.playbook(), &occasion, &mocks, unmocked, now()).unwrap();
    runs.remove(0)
}

fn run(stage: &Stage, mocks: &str) -> Value {
    view::run(
        &stage.playbook().workflow,
        &run_with(stage, mocks, Unmocked::Example).state,
    )
}

fn text<'v>(run: &'v Value, path: &[&str]) -> &'v str {
    run.at(path).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn waits_and_retries_take_no_time_but_pass() {
    let stage = stage(
        MANUAL,
        "Pause: {type: Wait, inputs: {interval: {count: 30, unit: Day}}}
Ask: {type: Http, runAfter: {Pause: [Succeeded]}, inputs: {method: GET, uri: 'https://a.test/', retryPolicy: {type: fixed, count: 2, interval: PT1H}}}",
    );
    let run = run(
        &stage,
        "Ask: [{statusCode: 503}, {error: ServiceUnreachable}, {body: 1, delay: PT30S}]",
    );
    assert_eq!(text(&run, &["status"]), "Succeeded", "{}", run.to_json());
    assert_eq!(
        text(&run, &["actions", "Pause", "endTime"]),
        "2026-01-31T08:00:00.0000000Z"
    );
    assert_eq!(
        text(&run, &["actions", "Ask", "endTime"]),
        "2026-01-31T10:00:30.0000000Z"
    );
    assert_eq!(run.at(&["actions", "Ask", "attempts"]).and_then(Value::as_int), Some(3));
}

#[test]
fn a_slow_answer_comes_too_late() {
    let stage = stage(
        MANUAL,
        "Ask: {type: Http, limit: {timeout: PT1M}, inputs: {method: GET, uri: 'https://a.test/'}}",
    );
    let run = run(&stage, "GET https://a.test/: {delay: PT2M}");
    assert_eq!(text(&run, &["status"]), "TimedOut");
    assert_eq!(
        text(&run, &["actions", "Ask", "endTime"]),
        "2026-01-01T08:01:00.0000000Z"
    );
}

#[test]
fn a_promised_answer_is_asked_for() {
    let stage = stage(
        MANUAL,
        "Ask: {type: Http, inputs: {method: POST, uri: 'https://a.test/'}}",
    );
    let promise = "{statusCode: 202, headers: {Location: https://a.test/later, Retry-After: '60'}}";
    let run = run(&stage, &format!("Ask: [{promise}, {promise}, {{body: done}}]"));
    assert_eq!(text(&run, &["actions", "Ask", "outputs", "body"]), "done");
    assert_eq!(
        text(&run, &["actions", "Ask", "endTime"]),
        "2026-01-01T08:02:00.0000000Z"
    );
}

#[test]
fn an_answer_fits_what_the_playbook_does_with_it() {
    let stage = stage(
        MANUAL,
        "Ask: {type: Http, inputs: {method: GET, uri: 'https://a.test/'}}
Parsed:
  type: ParseJson
  runAfter: {Ask: [Succeeded]}
  inputs: {content: \"@body('Ask')\", schema: {type: object, required: [score], properties: {score: {type: integer}, list: {type: array, items: {type: object, properties: {id: {type: string}}}}}}}
Each:
  type: Foreach
  foreach: \"@body('Parsed')?['list']\"
  runAfter: {Parsed: [Succeeded]}
  actions:
    Bad:
      type: If
      expression: {and: [{equals: [\"@items('Each')?['verdict']\", bad]}, {greater: [\"@body('Parsed')?['score']\", 70]}]}
      actions:
        Day: {type: Compose, inputs: \"@formatDateTime(items('Each')?['seen'], 'yyyy')\"}",
    );
    let run = run(&stage, "{}");
    assert_eq!(text(&run, &["status"]), "Succeeded", "{}", run.to_json());
    assert_eq!(text(&run, &["actions", "Day", "outputs"]), "2024");
    let body = run.at(&["actions", "Ask", "outputs", "body"]).unwrap();
    assert_eq!(
        body.get("score").and_then(Value::as_int),
        Some(71),
        "{}",
        body.to_json()
    );
}

#[test]
fn a_loop_ends_by_what_it_waits_for() {
    let stage = stage(
        MANUAL,
        "Again:
  type: Until
  expression: \"@equals(body('State')?['status'], 'done')\"
  limit: {count: 60, timeout: PT1H}
  actions:
    State: {type: Http, inputs: {method: GET, uri: 'https://a.test/'}}",
    );
    let run = run(&stage, "{}");
    assert_eq!(
        run.at(&["actions", "State", "repetitionCount"]).and_then(Value::as_int),
        Some(1)
    );
}

#[test]
fn incidents_answer_and_change() {
    let sentinel = "host: {connection: {name: \"@parameters('$connections')['azuresentinel']['connectionId']\"}}";
    let id = "\"@triggerBody()?['object']?['id']\"";
    let stage = stage(
        INCIDENT,
        &format!(
            "Ips: {{type: ApiConnection, inputs: {{{sentinel}, method: post, path: /entities/ip, body: \"@triggerBody()?['object']?['properties']?['relatedEntities']\"}}}}
Comment: {{type: ApiConnection, runAfter: {{Ips: [Succeeded]}}, inputs: {{{sentinel}, method: post, path: /Incidents/Comment, body: {{incidentArmId: {id}, message: \"saw @{{body('Ips')?['IPs'][0]['Address']}}\"}}}}}}
Task: {{type: ApiConnection, runAfter: {{Comment: [Succeeded]}}, inputs: {{{sentinel}, method: post, path: /Incidents/CreateTask, body: {{incidentArmId: {id}, taskTitle: Look}}}}}}
Update: {{type: ApiConnection, runAfter: {{Task: [Succeeded]}}, inputs: {{{sentinel}, method: put, path: /Incidents, body: {{incidentArmId: /elsewhere, severity: Low}}}}}}
Get: {{type: ApiConnection, runAfter: {{Update: [Succeeded]}}, inputs: {{{sentinel}, method: post, path: /Incidents, body: {{incidentArmId: {id}}}}}}}"
        ),
    );
    let finished = run_with(&stage, "{}", Unmocked::Fail);
    assert_eq!(finished.comments, ["saw 203.0.113.7"]);
    assert_eq!(finished.tasks, ["Look"]);
    let incident = &finished.incidents[0];
    assert_eq!(incident.comments.len(), 2, "the sample has one");
    let run = view::run(&stage.playbook().workflow, &finished.state);
    let severity = ["actions", "Get", "outputs", "body", "properties", "severity"];
    assert_eq!(text(&run, &severity), "Low");
    assert!(finished.calls.iter().all(|made| made.by == By::Incidents));
}

#[test]
fn what_has_no_mock_fails_where_that_is_wanted() {
    let stage = stage(
        MANUAL,
        "Ask: {type: Http, inputs: {method: GET, uri: 'https://a.test/'}}",
    );
    let finished = run_with(&stage, "Other: {body: 1}", Unmocked::Fail);
    let run = view::run(&stage.playbook().workflow, &finished.state);
    assert_eq!(text(&run, &["actions", "Ask", "error", "code"]), "NotMocked");
    assert_eq!(finished.calls[0].by, By::Nobody);
}

#[test]
fn a_recorded_run_is_rehearsed_again() {
    let stage = stage(
        MANUAL,
        "Each:
  type: Foreach
  foreach: [1, 2]
  runtimeConfiguration: {concurrency: {repetitions: 1}}
  actions:
    Ask: {type: Http, inputs: {method: GET, uri: 'https://a.test/', authentication: {type: Raw, value: \"@parameters('Key')\"}}}
    Down: {type: Http, runAfter: {Ask: [Succeeded]}, inputs: {method: GET, uri: 'https://b.test/', retryPolicy: {type: none}}}
    Go_on: {type: Compose, runAfter: {Down: [Failed]}, inputs: \"@body('Ask')\"}",
    );
    let first = run_with(
        &stage,
        "Ask: [{body: one, headers: {Set-Cookie: secret}}, {body: your key is example}]\nDown: {error: {code: EgressDenied, retryable: false}}",
        Unmocked::Fail,
    );
    let workflow = &stage.playbook().workflow;
    let mocks = record(&stage, workflow, &first.state);
    let cookie = mocks.at(&["Ask"]).and_then(Value::as_array).unwrap()[0]
        .at(&["headers", "Set-Cookie"])
        .cloned();
    assert_eq!(cookie, Some(Value::from("*** hidden ***")));
    let bodies: Vec<Value> = mocks
        .at(&["Ask"])
        .and_then(Value::as_array)
        .unwrap()
        .iter()
        .filter_map(|mock| mock.get("body").cloned())
        .collect();
    // The placeholder of the secure parameter is the secret.
    assert_eq!(bodies, [Value::from("one"), Value::from("your key is *** hidden ***")]);
    let again = run_with(&stage, &mocks.to_json(), Unmocked::Fail);
    let actions = |finished: &Finished| {
        let run = view::run(workflow, &finished.state);
        let statuses = ["Ask", "Down", "Go_on"].map(|name| text(&run, &["actions", name, "status"]).to_owned());
        statuses.to_vec()
    };
    assert_eq!(actions(&first), ["Succeeded", "Failed", "Succeeded"]);
    assert_eq!(actions(&first), actions(&again));
}

#[test]
fn the_same_rehearsal_gives_the_same_run() {
    let stage = stage(
        MANUAL,
        "Id: {type: Compose, inputs: \"@{guid()} @{rand(0, 1000000)} @{utcNow()}\"}",
    );
    let (one, other) = (run(&stage, "{}"), run(&stage, "{}"));
    assert_eq!(one, other);
    assert!(text(&one, &["actions", "Id", "outputs"]).ends_with("2026-01-01T08:00:00.0000000Z"));
}

#[test]
fn what_is_missing_gets_a_placeholder_and_is_told() {
    let stage = stage(
        MANUAL,
        "Limit: {type: Compose, inputs: \"@add(parameters('Limit'), 1)\"}
Ask: {type: ApiConnection, inputs: {host: {connection: {name: \"@parameters('$connections')['teams-2']['connectionId']\"}}, method: get, path: /x}}",
    );
    assert_eq!(stage.notes().len(), 3, "{:?}", stage.notes());
    assert!(stage.notes()[0].contains("teams-2"), "{:?}", stage.notes());
    let run = run(&stage, "teams GET /x: {body: hello}");
    assert_eq!(text(&run, &["actions", "Ask", "outputs", "body"]), "hello");
}

#[test]
fn a_run_that_does_not_end_is_told() {
    let stage = stage(
        MANUAL,
        "Count: {type: InitializeVariable, inputs: {variables: [{name: n, type: integer, value: 0}]}}
Again:
  type: Until
  runAfter: {Count: [Succeeded]}
  expression: \"@equals(variables('n'), -1)\"
  limit: {count: 5000, timeout: P30D}
  actions:
    Inner:
      type: Foreach
      foreach: \"@range(0, 100)\"
      actions:
        More: {type: IncrementVariable, inputs: {name: n}}",
    );
    let occasion = Occasion::made_up(&stage, now()).unwrap();
    let outcome = rehearse(
        &stage,
        stage.playbook(),
        &occasion,
        &Mocks::default(),
        Unmocked::Example,
        now(),
    );
    assert_eq!(outcome.map(|_| ()), Err(Halt::Endless));
}

#[test]
fn a_service_calls_back_at_once() {
    let stage = stage(
        MANUAL,
        "Approve: {type: HttpWebhook, inputs: {subscribe: {method: POST, uri: 'https://a.test/', body: {url: \"@listCallbackUrl()\"}}}}
Decided:
  type: If
  runAfter: {Approve: [Succeeded]}
  expression: \"@equals(body('Approve')?['decision'], 'approved')\"
  actions:
    Go: {type: Compose, inputs: go}",
    );
    let made_up = run(&stage, "{}");
    assert_eq!(
        text(&made_up, &["actions", "Go", "status"]),
        "Succeeded",
        "{}",
        made_up.to_json()
    );
    let refused = run(&stage, "Approve: {body: {decision: rejected}}");
    assert_eq!(
        text(&refused, &["actions", "Go", "status"]),
        "Skipped",
        "{}",
        refused.to_json()
    );
}
