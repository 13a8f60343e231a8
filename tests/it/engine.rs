//! Run scenarios: whole workflows on the pure core, with a scripted service and a crash after every event.
//!
//! Each file of `tests/cases/runs` holds a definition, what triggers it, what the service answers, and what must come
//! of it. However often the process dies, the run must end the same, and no committed answer may be asked for again.
//!
//! `parameters` of a scenario are `{name: {value, secure?}}`; an answer may take a time (`takes`, in seconds);
//! `callbacks` come to the callback URLs of actions, `after` so many seconds of the run; `unsubscribes` of `expect` are the
//! calls that take subscriptions back. `expect`
//! names what the view of the run must hold. What is secure must be neither in the view nor in debug texts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod long;
mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use riposte::definition::{self, Workflow};
use riposte::engine::call::{Answer, Call, CallError};
use riposte::engine::callback::Links;
use riposte::engine::clock::Moment;
use riposte::engine::event::{Event, FrameId, NodeId, Opened, Payload};
use riposte::engine::plan::Planner;
use riposte::engine::state::{Phase, Ready, State};
use riposte::engine::view;
use riposte::expression::{Object, Value};

/// The most steps of a scenario: a run that needs more hangs.
const STEPS_MAX: usize = 10_000;

struct Scenario {
    name: String,
    workflow: Workflow,
    body: Value,
    parameters: Vec<(String, Payload)>,
    answers: Vec<Scripted>,
    callbacks: Vec<Callback>,
    expected: Value,
    links: Links,
}

/// What comes to a callback URL.
#[derive(Clone)]
struct Callback {
    action: String,
    /// Seconds after the beginning of the run.
    after: i64,
    delivered: Value,
}

/// What the service answers to calls of a method and path, one after the other; the last for ever.
struct Scripted {
    method: String,
    path: String,
    answers: Vec<Value>,
}

/// The outside world: counts what it was asked.
#[derive(Default)]
struct World {
    asked: BTreeMap<String, usize>,
    keys: Vec<(String, String)>,
}

impl Scenario {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let documents =
            riposte::api::yaml::parse(&text).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        Self::of(
            &path.file_stem().unwrap().to_string_lossy(),
            &Value::from(&documents[0].json),
        )
    }

    fn of(name: &str, case: &Value) -> Self {
        let workflow = definition::parse(case.get("definition").expect("a scenario has a definition"));
        let (workflow, _) = workflow.unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
        let scripted = case.get("service").and_then(Value::as_array).unwrap_or_default();
        let parameters = case.get("parameters").and_then(Value::as_object).cloned();
        let parameter = |(name, given): (&std::sync::Arc<str>, &Value)| {
            let secure = given.get("secure").and_then(Value::as_bool).unwrap_or_default();
            let value = given.get("value").cloned().unwrap_or_default();
            (name.to_string(), Payload::hidden_if(secure, value))
        };
        Self {
            name: name.to_owned(),
            workflow,
            body: case.get("body").cloned().unwrap_or_default(),
            parameters: parameters.unwrap_or_default().iter().map(parameter).collect(),
            answers: scripted.iter().map(Scripted::read).collect(),
            callbacks: case
                .get("callbacks")
                .and_then(Value::as_array)
                .unwrap_or_default()
                .iter()
                .map(Callback::read)
                .collect(),
            links: Links::new("https://riposte.example", &[[9; 32]]),
            expected: case.get("expect").cloned().expect("a scenario expects something"),
        }
    }

    /// The texts that must be nowhere where people look.
    fn secrets(&self) -> impl Iterator<Item = String> {
        let secure = self.parameters.iter().filter(|(_, payload)| payload.secure);
        secure.map(|(_, payload)| payload.value.to_text())
    }

    fn opened(&self) -> Opened {
        let connection = Value::object([("connectionId", "/connections/service")]);
        let connections = Payload::open(Value::object([("service", connection)]));
        Opened {
            at: 1_700_000_000_000,
            run: "run-1".into(),
            namespace: "default".into(),
            playbook: self.name.clone(),
            definition: "hash".into(),
            trigger: "manual".into(),
            outputs: Payload::open(Value::object([("body", self.body.clone())])),
            parameters: [("$connections".to_owned(), connections)]
                .into_iter()
                .chain(self.parameters.clone())
                .collect(),
            connections: vec![("service".into(), "service".into())],
            requester: "user/test".into(),
            ..Opened::default()
        }
    }

    /// What the service says to a call after so many others to the same place.
    fn scripted(&self, call: &Call, asked: usize) -> &Value {
        let scripted = self
            .answers
            .iter()
            .find(|script| script.method == call.method && script.path == call.path);
        let scripted = scripted.unwrap_or_else(|| panic!("{}: nothing answers {call:?} {}", self.name, call.path));
        &scripted.answers[asked.min(scripted.answers.len() - 1)]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<Answer, CallError> {
        let operation = operation(call);
        world.keys.push((call.idempotency_key.clone(), operation.clone()));
        let count = world.asked.entry(operation).or_default();
        *count += 1;
        let answer = self.scripted(call, *count - 1);
        let Some(status) = answer.get("status").and_then(Value::as_int) else {
            let text = |name: &str| answer.get(name).map(Value::to_text).unwrap_or_default();
            let retryable = answer.get("retryable").and_then(Value::as_bool).unwrap_or(true);
            return Err(CallError {
                code: text("error"),
                message: text("message"),
                retryable,
                reached: false,
            });
        };
        let headers = answer
            .get("headers")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_else(Object::new);
        let body = answer.get("body").cloned();
        Ok(Answer {
            status: u16::try_from(status).unwrap(),
            headers,
            body,
            ..Answer::default()
        })
    }
}

fn operation(call: &Call) -> String {
    format!("{} {}", call.method, call.path)
}

impl Callback {
    fn read(value: &Value) -> Self {
        let part = |name: &str| value.get(name).cloned().unwrap_or_default();
        Self {
            action: part("action").to_text(),
            after: part("after").as_int().unwrap_or_default(),
            delivered: Value::object([("headers", part("headers")), ("body", part("body"))]),
        }
    }
}

impl Scripted {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value.get(name).map(Value::to_text).unwrap();
        let answers = value.get("answers").and_then(Value::as_array).unwrap().to_vec();
        Self {
            method: text("method"),
            path: text("path"),
            answers,
        }
    }
}

/// A call under way.
struct Flight {
    lands_at: i64,
    id: NodeId,
    call: Call,
}

/// One execution of a scenario: what the shell does, without a store.
struct Execution<'a> {
    scenario: &'a Scenario,
    world: World,
    state: State,
    journal: Vec<Event>,
    outstanding: BTreeSet<Ready>,
    flying: Vec<Flight>,
    /// What has not come, or not been taken: it survives the process.
    callbacks: Vec<Callback>,
    now: i64,
    /// The process dies when the journal has so many events.
    crash_at: Option<usize>,
}

impl<'a> Execution<'a> {
    fn begin(scenario: &'a Scenario, crash_at: Option<usize>) -> Self {
        let opened = scenario.opened();
        let (state, ready) = State::open(&scenario.workflow, &opened);
        Self {
            scenario,
            world: World::default(),
            now: opened.at,
            state,
            journal: vec![Event::Opened(Box::new(opened))],
            outstanding: ready.into_iter().collect(),
            flying: Vec::new(),
            callbacks: scenario.callbacks.clone(),
            crash_at,
        }
    }

    fn moment(&self) -> Moment {
        Moment::new(self.now, [7; 32])
    }

    fn planner<'b>(&'b self, moment: &'b Moment) -> Planner<'b> {
        Planner {
            workflow: &self.scenario.workflow,
            state: &self.state,
            moment,
            links: &self.scenario.links,
        }
    }

    fn run(mut self) -> Self {
        for _ in 0..STEPS_MAX {
            if self.state.closed.is_some() {
                return self;
            }
            self.step();
        }
        panic!("{}: the run hangs", self.scenario.name);
    }

    fn step(&mut self) {
        let moment = self.moment();
        if let Some(ready) = self.outstanding.pop_first() {
            let planned = self.planner(&moment).plan(ready);
            if self.commit(planned.events) {
                self.fly(planned.call);
            }
            return;
        }
        let timer = self.next_timer();
        if let Some((index, id)) = self.next_callback(timer) {
            return self.call_back(index, id);
        }
        let next = (0..self.flying.len()).min_by_key(|index| self.flying[*index].lands_at);
        match next.filter(|index| self.flying[*index].lands_at <= timer) {
            Some(index) => self.land(index),
            None => self.sleep(timer),
        }
    }

    fn fly(&mut self, call: Option<(NodeId, Call)>) {
        if let Some((id, call)) = call {
            let asked = self.world.asked.get(&operation(&call)).copied().unwrap_or_default();
            let takes = self
                .scenario
                .scripted(&call, asked)
                .get("takes")
                .and_then(Value::as_int);
            let lands_at = self.now + takes.map_or(5, |seconds| seconds * 1_000);
            self.flying.push(Flight { lands_at, id, call });
        }
    }

    /// The first callback that something waits for before the next timer.
    fn next_callback(&self, timer: i64) -> Option<(usize, NodeId)> {
        let subscribed = |id: &NodeId| matches!(self.state.node(*id).unwrap().phase, Phase::Subscribed);
        let waiting = |callback: &Callback| {
            let names = |id: &&NodeId| *self.scenario.workflow.action(id.1).name == *callback.action;
            let mut waiting = self.state.active.iter().filter(|id| subscribed(id));
            waiting.find(names).copied()
        };
        let comes = |callback: &Callback| self.state.opened.at + callback.after * 1_000;
        let all = self.callbacks.iter().enumerate();
        let due = all.filter(|(_, callback)| comes(callback) < timer);
        due.filter_map(|(index, callback)| Some((index, waiting(callback)?)))
            .next()
    }

    fn call_back(&mut self, index: usize, id: NodeId) {
        let callback = self.callbacks.remove(index);
        self.now = self.now.max(self.state.opened.at + callback.after * 1_000);
        let moment = self.moment();
        let event = self.planner(&moment).called_back(id, &callback.delivered);
        self.commit(vec![event]);
    }

    /// The calls that take subscriptions back, of all webhook actions that have begun.
    fn unsubscribes(&self) -> Value {
        let moment = self.moment();
        let planner = self.planner(&moment);
        let frames = self.state.frames.iter().zip(0..);
        let nodes =
            frames.flat_map(|(frame, index)| frame.nodes.keys().map(move |action| NodeId(FrameId(index), *action)));
        let calls = nodes.filter_map(|id| planner.unsubscription(id).unwrap());
        Value::array(calls.map(|unsubscription| {
            let call = unsubscription.call;
            assert!(call.idempotency_key.ends_with("/unsubscribe"));
            let body = call.body.map(|body| body.to_text()).unwrap_or_default();
            Value::from(format!("{} {} {body}", call.method, call.path))
        }))
    }

    fn land(&mut self, index: usize) {
        let Flight { lands_at, id, call } = self.flying.remove(index);
        self.now = self.now.max(lands_at);
        let outcome = self.scenario.answer(&mut self.world, &call);
        let moment = self.moment();
        let event = self.planner(&moment).conclude(id, &outcome);
        self.commit(vec![event]);
    }

    fn is_flying(&self, id: NodeId) -> bool {
        self.flying.iter().any(|flight| flight.id == id)
    }

    /// When something happens by time alone. A call in flight has only its action's time-out.
    fn next_timer(&self) -> i64 {
        let timer = |id: &NodeId| match self.is_flying(*id) {
            true => self.state.node(*id).and_then(|node| node.deadline),
            false => self.state.timer(*id),
        };
        let timers = self.state.active.iter().filter_map(timer);
        timers.fold(self.state.deadline(), i64::min)
    }

    /// Nothing is ready or comes in before: the clock goes on to the next timer.
    fn sleep(&mut self, timer: i64) {
        self.now = self.now.max(timer);
        let moment = self.moment();
        let due: Vec<NodeId> = self.state.active.iter().copied().collect();
        for id in due {
            let planned = self.planner(&moment).due(id);
            if !self.commit(planned.events) {
                return;
            }
            let is_flying = self.is_flying(id);
            self.fly(planned.call.filter(|_| !is_flying));
        }
    }

    /// Folds events in and checks that what `apply` said is what the state says; false if the process died.
    fn commit(&mut self, events: Vec<Event>) -> bool {
        for event in events {
            let ready = self.state.apply(&self.scenario.workflow, &event);
            let ready = ready.unwrap_or_else(|error| panic!("{}: {error}", self.scenario.name));
            self.journal.push(event);
            self.outstanding.extend(ready);
            let expected: BTreeSet<Ready> = self.state.ready(&self.scenario.workflow).into_iter().collect();
            let told = self.outstanding.iter().copied();
            let told: BTreeSet<Ready> = told.filter(|ready| self.state.is_open(*ready)).collect();
            assert_eq!(
                told,
                expected,
                "{}: after {:?}",
                self.scenario.name,
                self.journal.last()
            );
            self.outstanding = told;
            self.flying.retain(|flight| self.state.active.contains(&flight.id));
            if self.crash_at == Some(self.journal.len()) {
                self.crash();
                return false;
            }
        }
        true
    }

    /// The process dies and another reads the journal: everything in memory is gone.
    fn crash(&mut self) {
        self.crash_at = None;
        let unsealed = |event: &Event| {
            // What is sealed lies beside the text; here it is kept as it is.
            let mut event = event.clone();
            let secrets: Vec<_> = event
                .payloads_mut()
                .into_iter()
                .map(|payload| payload.clone())
                .collect();
            event
                .payloads_mut()
                .into_iter()
                .for_each(|payload| payload.secure = false);
            let mut read: Event = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
            for (payload, secret) in read.payloads_mut().into_iter().zip(secrets) {
                payload.secure = secret.secure;
            }
            read
        };
        let journal: Vec<Event> = self.journal.iter().map(unsealed).collect();
        let state = State::fold(&self.scenario.workflow, &journal).unwrap();
        assert_eq!(
            state, self.state,
            "{}: a journal folds to the state that wrote it",
            self.scenario.name
        );
        self.state = state;
        let before = std::mem::take(&mut self.flying);
        self.outstanding = self.state.ready(&self.scenario.workflow).into_iter().collect();
        let calling = |id: &NodeId| matches!(self.state.node(*id).map(|node| &node.phase), Some(Phase::Calling));
        let lost: Vec<NodeId> = self.state.active.iter().copied().filter(calling).collect();
        for id in lost {
            let moment = self.moment();
            let call = self
                .planner(&moment)
                .rebuild(id)
                .expect("a call in flight can be rebuilt");
            // The repeated call comes in when the lost one would have, so that the crash changes no time.
            match before.iter().find(|flight| flight.id == id) {
                Some(flight) => self.flying.push(Flight {
                    lands_at: flight.lands_at,
                    id,
                    call,
                }),
                None => self.fly(Some((id, call))),
            }
        }
    }

    fn outcome(&self) -> Value {
        let run = view::run(&self.scenario.workflow, &self.state);
        without_times(&run)
    }
}

/// The run without what differs by time.
fn without_times(value: &Value) -> Value {
    const TIMES: &[&str] = &["startTime", "endTime", "attempts"];
    match value {
        Value::Object(object) => {
            let kept = object.iter().filter(|(name, _)| !TIMES.contains(&&***name));
            Value::object(kept.map(|(name, value)| (name.clone(), without_times(value))))
        }
        Value::Array(items) => Value::array(items.iter().map(without_times)),
        other => other.clone(),
    }
}

/// What `expected` names and `actual` has otherwise.
fn differences(expected: &Value, actual: &Value, place: &str, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, value) in expected.iter() {
                let place = format!("{place}/{name}");
                match actual.get_exact(name) {
                    Some(actual) => differences(value, actual, &place, found),
                    None => found.push(format!(
                        "{place} is missing in {}",
                        Value::from((**actual).clone()).to_json()
                    )),
                }
            }
        }
        _ if expected == actual => {}
        _ => found.push(format!(
            "{place} is {} and not {}",
            actual.to_json(),
            expected.to_json()
        )),
    }
}

fn scenarios() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/runs");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "there are no run scenarios");
    paths.iter().map(|path| Scenario::read(path)).collect()
}

#[test]
fn every_scenario_ends_as_expected() {
    let mut found = Vec::new();
    for scenario in scenarios() {
        let execution = Execution::begin(&scenario, None).run();
        let outcome = execution.outcome();
        let mut expected = scenario.expected.as_object().unwrap().clone();
        if let Some(calls) = expected.remove("calls") {
            let asked = execution.world.asked.iter();
            let asked = Value::object(asked.map(|(name, count)| (name.as_str(), i64::try_from(*count).unwrap())));
            if calls != asked {
                found.push(format!("{}: the calls are {}", scenario.name, asked.to_json()));
            }
        }
        if let Some(calls) = expected.remove("unsubscribes")
            && calls != execution.unsubscribes()
        {
            let calls = execution.unsubscribes().to_json();
            found.push(format!("{}: the unsubscribing calls are {calls}", scenario.name));
        }
        let signatures = format!("{outcome:?} {:?}", execution.journal).matches("sig=").count();
        let masked = format!("{outcome:?} {:?}", execution.journal)
            .matches("sig=***")
            .count();
        if signatures != masked {
            found.push(format!("{} shows the signature of a callback URL", scenario.name));
        }
        differences(&expected.into(), &outcome, &scenario.name, &mut found);
        let shown = [outcome.to_json(), format!("{:?}", execution.journal)];
        let is_shown = |secret: &String| shown.iter().any(|text| text.contains(secret));
        let secrets = scenario.secrets().filter(is_shown);
        found.extend(secrets.map(|secret| format!("{} shows '{secret}': {shown:?}", scenario.name)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_crash_after_any_event_changes_nothing() {
    for scenario in scenarios() {
        let undisturbed = Execution::begin(&scenario, None).run();
        let outcome = undisturbed.outcome();
        for crash_at in 2..=undisturbed.journal.len() {
            let execution = Execution::begin(&scenario, Some(crash_at)).run();
            assert_eq!(
                execution.outcome(),
                outcome,
                "{}: after a crash at event {crash_at}",
                scenario.name
            );
            assert_eq!(
                execution.unsubscribes(),
                undisturbed.unsubscribes(),
                "{}",
                scenario.name
            );
            let asked = |world: &World| world.keys.len();
            // At most the one call that was in flight is made again: committed answers are never asked for again.
            let in_flight = undisturbed.journal[..crash_at]
                .iter()
                .filter(|event| matches!(event, Event::Called { .. }));
            assert!(
                asked(&execution.world) <= asked(&undisturbed.world) + in_flight.count(),
                "{}: a crash at event {crash_at} repeats calls",
                scenario.name
            );
        }
    }
}

#[test]
fn folding_twice_gives_the_same_state() {
    for scenario in scenarios() {
        let execution = Execution::begin(&scenario, None).run();
        let once = State::fold(&scenario.workflow, &execution.journal).unwrap();
        let twice = State::fold(&scenario.workflow, &execution.journal).unwrap();
        assert_eq!(once, twice, "{}", scenario.name);
        assert_eq!(
            once, execution.state,
            "{}: the fold is the state that the run had",
            scenario.name
        );
    }
}

#[test]
fn without_a_public_url_a_webhook_fails_by_name() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/runs/webhook-times-out.yaml");
    let mut scenario = Scenario::read(&file);
    scenario.links = Links::new("", &[[9; 32]]);
    let execution = Execution::begin(&scenario, None).run();
    let outcome = execution.outcome();
    let error = outcome.at(&["actions", "Approve", "error"]).unwrap();
    assert_eq!(error.get("code"), Some(&Value::from("CallbackUrlUnavailable")));
    assert!(error.get("message").unwrap().to_text().contains("--public-url"));
    assert!(execution.world.asked.is_empty());
}
