//! The services that playbooks call: one HTTP server that keeps what arrives, looks at the journal of the run at that
//! moment, and answers as the address says: slowly, with failures, broken off, or not before it is told to.
//! Invariant: a call is on record before anything else happens, so a process that dies hides nothing.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use riposte::definition::Workflow;
use riposte::engine::event::{FrameId, NodeId};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::playbook::{Model, Reply};
use super::summary::Fault;
use crate::ledger::{Ledger, Standing, standings};
use crate::patience::settled;

/// The header with the identity of a call.
pub(super) const KEY: &str = "x-chaos-key";
/// The header with the playbook of a call.
pub(super) const PLAYBOOK: &str = "x-chaos-playbook";
/// The header with the process that makes a call.
pub(super) const LIFE: &str = "x-chaos-life";

/// How long looking at journals may take, which waits for a database that is away.
const LOOK: Duration = Duration::from_secs(30);

/// How fast the calls of a process are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// After a while that the call decides.
    Usual,
    /// Not at all.
    Held(u32),
    /// At once.
    Hurried(u32),
}

/// A call that arrived.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) number: usize,
    pub(super) key: String,
    pub(super) is_unsafe: bool,
    /// Which attempt it is by the journal at its arrival; 0 until that was looked at.
    pub(super) attempt: u32,
    pub(super) life: u32,
    pub(super) is_answered: bool,
}

/// Something that was posted to a callback URL.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    pub(super) nonce: String,
    pub(super) is_accepted: bool,
}

#[derive(Default)]
struct Record {
    arrivals: HashMap<String, Vec<Arrival>>,
    posted: HashMap<String, Vec<Posted>>,
    faults: Vec<(Fault, String)>,
}

struct Inner {
    url: String,
    seed: u64,
    /// Known once the processes that fill it are.
    ledger: OnceLock<Arc<Ledger>>,
    models: OnceLock<Arc<BTreeMap<String, Model>>>,
    record: Mutex<Record>,
    /// How many calls arrived.
    count: watch::Sender<usize>,
    pace: watch::Sender<Pace>,
    /// Where callbacks are posted to.
    doors: Mutex<Vec<String>>,
    client: reqwest::Client,
}

#[derive(Clone)]
pub(super) struct World(Arc<Inner>);

/// The run, action and frame of a key.
pub(super) fn parts(key: &str) -> (&str, &str, u32) {
    let (run, rest) = key.split_once('/').unwrap();
    let (action, frame) = rest.rsplit_once('/').unwrap();
    (run, action, frame.parse().unwrap())
}

fn node(workflow: &Workflow, action: &str, frame: u32) -> NodeId {
    NodeId(FrameId(frame), workflow.names[&action.to_lowercase()])
}

impl World {
    pub(super) async fn start(seed: u64) -> Self {
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = Self(Arc::new(Inner {
            url: format!("http://{}", listener.local_addr().unwrap()),
            seed,
            ledger: OnceLock::new(),
            models: OnceLock::new(),
            record: Mutex::default(),
            count: watch::channel(0).0,
            pace: watch::channel(Pace::Usual).0,
            doors: Mutex::default(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }));
        let router = Router::new().fallback(receive).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        world
    }

    /// Lets the world look at journals.
    pub(super) fn watch(&self, ledger: Arc<Ledger>, models: Arc<BTreeMap<String, Model>>) {
        assert!(self.0.ledger.set(ledger).is_ok() && self.0.models.set(models).is_ok());
    }

    pub(super) fn url(&self) -> &str {
        &self.0.url
    }

    pub(super) fn client(&self) -> &reqwest::Client {
        &self.0.client
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.record.lock().unwrap()
    }

    pub(super) fn set_doors(&self, urls: Vec<String>) {
        *self.0.doors.lock().unwrap() = urls;
    }

    pub(super) fn set_pace(&self, pace: Pace) {
        self.0.pace.send_replace(pace);
    }

    /// How many calls there were.
    pub(super) fn calls(&self) -> usize {
        *self.0.count.borrow()
    }

    /// Waits until so many calls have arrived; false if they have not within a time.
    pub(super) async fn called(&self, calls: usize, at_most: Duration) -> bool {
        let mut count = self.0.count.subscribe();
        let called = tokio::time::timeout(at_most, count.wait_for(|count| *count >= calls)).await;
        called.is_ok()
    }

    /// How many calls of a process are not answered.
    pub(super) fn unanswered(&self, life: u32) -> usize {
        let record = self.record();
        let all = record.arrivals.values().flatten();
        all.filter(|arrival| arrival.life == life && !arrival.is_answered)
            .count()
    }

    /// Waits until the journal was looked at for each call of a process.
    pub(super) async fn looked_at(&self, life: u32) {
        let is_open = |arrival: &Arrival| arrival.life == life && arrival.attempt == 0;
        let looked = async || match self
            .record()
            .arrivals
            .values()
            .flatten()
            .find(|arrival| is_open(arrival))
        {
            None => Ok(()),
            Some(arrival) => Err(arrival.clone()),
        };
        let outcome = settled(LOOK, looked).await;
        outcome.unwrap_or_else(|arrival| panic!("the journal is not looked at for {arrival:?}"));
    }

    /// Whether the last call of an attempt by a process was answered; `None` if none arrived.
    pub(super) fn last(&self, key: &str, attempt: u32, life: u32) -> Option<bool> {
        let record = self.record();
        let arrivals = record.arrivals.get(parts(key).0)?;
        let is_it = |arrival: &&Arrival| arrival.key == key && arrival.attempt == attempt && arrival.life == life;
        arrivals.iter().rev().find(is_it).map(|arrival| arrival.is_answered)
    }

    /// What arrived for a run, and what was posted to its callback URLs by key; it is forgotten.
    pub(super) fn take(&self, run: &str) -> (Vec<Arrival>, HashMap<String, Vec<Posted>>) {
        let mut record = self.record();
        let arrivals = record.arrivals.remove(run).unwrap_or_default();
        let keys: Vec<String> = record
            .posted
            .keys()
            .filter(|key| parts(key).0 == run)
            .cloned()
            .collect();
        let posted = keys.into_iter().filter_map(|key| record.posted.remove_entry(&key));
        (arrivals, posted.collect())
    }

    /// The faults that were seen at arrivals so far; they are forgotten.
    pub(super) fn take_faults(&self) -> Vec<(Fault, String)> {
        std::mem::take(&mut self.record().faults)
    }

    fn arrived(&self, key: &str, life: u32, is_unsafe: bool) -> usize {
        let mut record = self.record();
        self.0.count.send_modify(|count| *count += 1);
        let number = self.calls();
        let run = parts(key).0.to_owned();
        record.arrivals.entry(run).or_default().push(Arrival {
            number,
            key: key.to_owned(),
            is_unsafe,
            attempt: 0,
            life,
            is_answered: false,
        });
        number
    }

    fn change(&self, key: &str, number: usize, change: impl FnOnce(&mut Arrival)) {
        let mut record = self.record();
        let arrivals = record.arrivals.get_mut(parts(key).0);
        if let Some(arrival) = arrivals.and_then(|all| all.iter_mut().find(|one| one.number == number)) {
            change(arrival);
        }
    }

    /// Looks at the journal at the moment in which a call arrives, and gives the attempt that it is.
    async fn look(self, key: String, playbook: String, number: usize) -> u32 {
        let (run, action, frame) = parts(&key);
        let (ledger, models) = (self.0.ledger.get().unwrap(), self.0.models.get().unwrap());
        let journal = ledger.journal(run).await;
        let id = node(&models[&playbook].workflow, action, frame);
        let standing = standings(&journal).get(&id).copied();
        let (attempt, fault) = match standing {
            Some(Standing::Calling(attempt)) => (attempt, None),
            None | Some(Standing::Inside) => (1, Some(Fault::Early)),
            // The intent of the next attempt is missing, or the answer to this one was asked for again.
            Some(Standing::Waiting(attempts)) => (attempts + 1, Some(Fault::Early)),
            Some(Standing::Over) => (1, Some(Fault::Repeated)),
        };
        if let Some(fault) = fault {
            let text = format!("call {number} of {key} ({playbook}) arrived at {standing:?}");
            self.record().faults.push((fault, text));
        }
        self.change(&key, number, |arrival| arrival.attempt = attempt);
        attempt
    }

    /// Waits as long as the answer to a call takes.
    async fn take_time(&self, key: &str, attempt: u32, life: u32) {
        let mut hasher = DefaultHasher::new();
        (self.0.seed, parts(key).1, parts(key).2, attempt).hash(&mut hasher);
        let chance = hasher.finish();
        let millis = if chance.is_multiple_of(8) {
            chance / 8 % 800
        } else {
            chance / 8 % 200
        };
        let mut pace = self.0.pace.subscribe();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(millis)) => {}
            _ = pace.wait_for(|pace| *pace == Pace::Hurried(life)) => {}
        }
        // The sender is as old as the world.
        let _ = pace.wait_for(|pace| *pace != Pace::Held(life)).await;
    }

    /// Posts to a callback URL until somebody takes or refuses it.
    async fn call_back(self, key: String, path: String, nonce: String) {
        let posted = Posted {
            nonce: nonce.clone(),
            is_accepted: false,
        };
        self.record().posted.entry(key.clone()).or_default().push(posted);
        for attempt in 0.. {
            let door = {
                let doors = self.0.doors.lock().unwrap();
                doors.get(attempt % doors.len().max(1)).cloned()
            };
            let Some(door) = door else { return };
            let request = self.0.client.post(format!("{door}{path}"));
            let request = request
                .header("content-type", "application/json")
                .timeout(Duration::from_secs(5))
                .body(json!({"nonce": nonce}).to_string());
            match request.send().await.map(|response| response.status().as_u16()) {
                Ok(202) => {
                    let mut record = self.record();
                    let all = record.posted.get_mut(&key).into_iter().flatten();
                    all.filter(|posted| posted.nonce == nonce)
                        .for_each(|posted| posted.is_accepted = true);
                    return;
                }
                Ok(409 | 410) => return,
                Ok(403) => {
                    let text = format!("the callback URL of {key} does not open");
                    self.record().faults.push((Fault::Callback, text));
                    return;
                }
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// A subscription was taken: calls back as its address says. Returns when it is to be answered.
    async fn subscribed(&self, key: &str, manner: &str, body: &[u8], number: usize) {
        let body: Value = serde_json::from_slice(body).unwrap();
        let url = url::Url::parse(body["url"].as_str().unwrap()).unwrap();
        let path = url[url::Position::BeforePath..].to_owned();
        let call = |nonce: String| self.clone().call_back(key.to_owned(), path.clone(), nonce);
        let first = call(format!("{number}a"));
        match manner {
            "early" => drop(tokio::time::timeout(Duration::from_millis(500), tokio::spawn(first)).await),
            "twice" => {
                let second = call(format!("{number}b"));
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    tokio::join!(first, second)
                });
            }
            _ => {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(200 + 37 * (number as u64 % 40))).await;
                    first.await;
                });
            }
        }
    }
}

async fn receive(State(world): State<World>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let (key, playbook) = (header(KEY).to_owned(), header(PLAYBOOK).to_owned());
    let life: u32 = header(LIFE).parse().unwrap();
    let (word, rest) = uri.path()[1..].split_once('/').unwrap_or((&uri.path()[1..], ""));
    if word == "unsubscribe" {
        return StatusCode::NO_CONTENT.into_response();
    }
    let number = world.arrived(&key, life, method == Method::POST && word != "declared");
    // A task of its own: it goes on when the process that calls dies.
    let looking = tokio::spawn(world.clone().look(key.clone(), playbook, number));
    let attempt = looking.await.unwrap();
    if word == "subscribe" {
        world.subscribed(&key, rest, &body, number).await;
    }
    world.take_time(&key, attempt, life).await;
    world.change(&key, number, |arrival| arrival.is_answered = true);
    let reply = match word {
        "subscribe" => Reply::Status(200),
        _ => Reply::of(rest, attempt),
    };
    match reply {
        Reply::Status(status) => {
            let body = json!({"number": number}).to_string();
            let status = StatusCode::from_u16(status).unwrap();
            (
                status,
                [("content-type", "application/json"), ("retry-after", "0")],
                body,
            )
                .into_response()
        }
        Reply::Cut => {
            let pieces = [Ok(Bytes::from_static(b"{\"numb")), Err(std::io::Error::other("cut"))];
            Body::from_stream(futures::stream::iter(pieces)).into_response()
        }
    }
}
