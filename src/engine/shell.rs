//! The running engine: starts runs, drives those that are due, each in a task of its own, and tells who watches.
//!
//! Invariant: a run is driven by at most one task of the process; what is not driven has a wake-up time in the store.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::call::Services;
use super::callback::{LINKS, Links};
use super::clock::Moment;
use super::collect::Collecting;
use super::content::{Content, Playbook};
use super::ends::Ends;
use super::event::{Event, Opened};
use super::journal::{self, Error};
use super::lanes::{Lane, Lanes};
use super::nested::{self, Nested};
use super::pauses::Pauses;
pub use super::run::Haste;
use super::run::{Control, Drive, Driven, cancel};
use super::start::{self, Refused, Request};
use super::subscription::Subscriptions;
use super::{evaluate, interrupted, status::RunStatus};
use crate::definition::Workflow;
use crate::expression::Value;
use crate::incidents::Desk;
use crate::store::{
    Error as StoreError, Millis, NewRun, Operation, Partition, Refusal, RunFilter, RunRow, Sealer, Store, Transaction,
};

/// Kind of a run that executes a playbook.
pub const PLAYBOOK: &str = "playbook";
/// Kind of a run that evaluates automation rules.
pub const EVALUATION: &str = "evaluation";
/// How long after a failure of the store a run is tried again.
pub(super) const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How many compiled definitions are kept.
const WORKFLOWS_MAX: usize = 1_024;
/// How many notices a slow watcher may lag behind.
const NOTICES: usize = 16_384;

/// Something that happened, after it was committed.
#[derive(Clone, Debug)]
pub enum Notice {
    /// An event of a playbook's run.
    Run {
        /// The run.
        run: String,
        /// Its definition.
        workflow: Arc<Workflow>,
        /// What happened.
        event: Arc<Event>,
    },
    /// A run of a playbook left the memory, because it waits for long.
    Waiting {
        /// The run.
        run: String,
    },
    /// A run ended, of any kind.
    Ended {
        /// The run.
        run: String,
        /// Its kind.
        kind: &'static str,
        /// How.
        status: String,
        /// Namespace of its playbook, or of its workspace.
        namespace: String,
        /// Name of its playbook.
        name: String,
        /// When it was accepted.
        created_at: Millis,
    },
}

/// What all runs of the process share.
pub struct Shared {
    /// The store.
    pub store: Store,
    /// Seals secure values.
    pub sealer: Sealer,
    /// The outside world.
    pub services: Arc<dyn Services>,
    /// The catalog.
    pub content: Arc<dyn Content>,
    /// Incidents.
    pub desk: Desk,
    /// Makes and checks links, such as callback URLs.
    pub links: Links,
    /// Tells what happened.
    pub notices: broadcast::Sender<Notice>,
    /// Tells single runs' ends.
    pub(super) ends: Ends,
    /// Tells when the schedules had been brought to what the catalog says for the first time.
    pub(super) kept_since: watch::Sender<Option<Millis>>,
    /// Tells how subscriptions stand.
    pub(super) subscriptions: watch::Sender<Arc<Subscriptions>>,
    pub(super) wake: Notify,
    /// Wakes who looks after the schedules.
    pub(super) collecting: Notify,
    /// Whether schedules may have become this replica's since this was last asked.
    gained: AtomicBool,
    /// Batches that got messages and have not been looked at since.
    touched: Mutex<BTreeSet<Partition>>,
    /// Whether runs are driven now, and not only stored.
    pub(super) serving: AtomicBool,
    pub(super) live: Mutex<HashMap<String, mpsc::Sender<Control>>>,
    /// How many runs are driven at a time.
    pub(super) places: usize,
    /// Namespaces whose actions are paused by a setting of the process; `*` is all.
    pub(super) paused: Vec<String>,
    /// Where actions are paused, as the store has it.
    pub(super) pauses: Mutex<Arc<Pauses>>,
    /// Held while that is read or changed.
    pub(super) pausing: tokio::sync::Mutex<()>,
    /// Runs that wait for a place.
    pub(super) lanes: Mutex<Lanes<RunRow>>,
    workflows: Mutex<HashMap<String, Known>>,
}

/// A compiled definition.
struct Known {
    workflow: Arc<Workflow>,
    /// Whether the store has its text; the store never forgets one.
    stored: bool,
}

/// The runs of a request, before they are stored.
pub struct Prepared {
    /// Their ids.
    pub ids: Vec<String>,
    /// Hash of the definition that they pin.
    pub definition: String,
    /// What makes them.
    pub operations: Vec<Operation>,
    /// Refuses them where too many wait already. What must not be lost is stored without it, and waits longer.
    pub limit: Option<Operation>,
    /// The run, if it is a single one: it need not be read from the store again.
    pub fresh: Option<Fresh>,
}

/// A run of which the store holds no more than its beginning.
pub struct Fresh {
    /// Its row.
    pub row: RunRow,
    /// Its first event.
    pub event: Event,
    /// Number of its next payload row.
    pub next_payload: i64,
}

/// A handle on the engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// Now, in the store's unit.
pub fn now() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}

impl Shared {
    /// A fresh seed of randomness.
    pub fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("the operating system has random bytes; no id can be made without");
        seed
    }

    /// Makes the scheduler look for due runs.
    pub fn poke(&self) {
        self.wake.notify_one();
    }

    /// Batches got messages, so it may be time to release them.
    pub(super) fn collected(&self, partitions: Vec<Partition>) {
        if partitions.is_empty() {
            return;
        }
        lock(&self.touched).extend(partitions);
        self.collecting.notify_one();
    }

    /// Schedules and batches that another replica looked after may be this one's now.
    pub(super) fn look_after_schedules(&self) {
        self.gained.store(true, Ordering::Relaxed);
        self.collecting.notify_one();
    }

    /// Whether schedules may have become this replica's since this was last asked.
    pub(super) fn has_gained(&self) -> bool {
        self.gained.swap(false, Ordering::Relaxed)
    }

    /// The batches that got messages since this was last asked.
    pub(super) fn take_touched(&self) -> BTreeSet<Partition> {
        std::mem::take(&mut *lock(&self.touched))
    }

    /// Tells watchers of committed events.
    pub fn observe(&self, run: &str, workflow: &Arc<Workflow>, events: Vec<Event>) {
        if self.notices.receiver_count() == 0 {
            return;
        }
        for event in events {
            let (run, workflow, event) = (run.to_owned(), workflow.clone(), Arc::new(event));
            // Nobody listening is no failure.
            let _ = self.notices.send(Notice::Run { run, workflow, event });
        }
    }

    /// The compiled definition of a hash; compiled once and kept.
    pub(super) async fn workflow(&self, hash: &str) -> Result<Arc<Workflow>, Error> {
        if let Some(known) = lock(&self.workflows).get(hash) {
            return Ok(known.workflow.clone());
        }
        let unreadable = |reason: String| Error::Unreadable {
            run: format!("of definition {hash}"),
            reason,
        };
        let text = self
            .store
            .definition(hash)
            .await?
            .ok_or_else(|| unreadable("the definition is missing".into()))?;
        let definition = Value::from_json(&text).map_err(|error| unreadable(error.to_string()))?;
        let workflow = crate::definition::parse_begun(&definition, self.content.limits()).map_err(|problems| {
            unreadable(
                problems
                    .first()
                    .map(|problem| problem.message.clone())
                    .unwrap_or_default(),
            )
        })?;
        let workflow = Arc::new(workflow);
        self.keep(hash, &workflow, true);
        Ok(workflow)
    }

    fn keep(&self, hash: &str, workflow: &Arc<Workflow>, stored: bool) {
        let mut workflows = lock(&self.workflows);
        if workflows.len() >= WORKFLOWS_MAX {
            workflows.clear();
        }
        let workflow = workflow.clone();
        workflows.insert(hash.to_owned(), Known { workflow, stored });
    }

    /// The operation that stores the definition of a playbook, unless the store has it.
    fn pin(&self, playbook: &Playbook) -> Option<Operation> {
        if lock(&self.workflows)
            .get(&playbook.hash)
            .is_some_and(|known| known.stored)
        {
            return None;
        }
        self.keep(&playbook.hash, &playbook.workflow, false);
        Some(Operation::PutDefinition {
            hash: playbook.hash.clone(),
            text: playbook.definition.to_string(),
        })
    }

    /// The runs of a request and the operations that make them. Once these are committed, [`Engine::began`] is to be told.
    ///
    /// # Errors
    /// The playbook does not exist or refuses to start.
    pub fn prepare(&self, request: &Request) -> Result<Prepared, Refused> {
        let path = || format!("{}/{}", request.namespace, request.playbook);
        let playbook = self.content.playbook(&request.namespace, &request.playbook);
        let playbook = playbook.ok_or_else(|| Refused::NotFound(path()))?;
        let moment = Moment::new(now(), self.seed());
        let opened = start::open(&playbook, request, &moment)?;
        Ok(self.prepared(&playbook, opened, request))
    }

    /// The runs that begin so, and the operations that make them.
    pub(super) fn prepared(&self, playbook: &Playbook, opened: Vec<Opened>, request: &Request) -> Prepared {
        let is_single = opened.len() == 1;
        let wish = self.content.priority(&request.namespace, &request.playbook);
        let lane = Lane::of_request(request, wish.map(Lane::from));
        let ids = opened.iter().map(|opened| opened.run.clone()).collect();
        let mut operations = Vec::from_iter(self.pin(playbook));
        let mut fresh = None;
        for opened in opened {
            let (run, event, next_payload) = self.create(opened, request, lane);
            fresh = is_single.then(|| Fresh {
                row: run.row(),
                event,
                next_payload,
            });
            operations.push(Operation::CreateRun(run));
        }
        let limit = super::run::queue::limit(&playbook.workflow).map(|limit| Operation::LimitRuns {
            namespace: request.namespace.clone(),
            name: request.playbook.clone(),
            most: limit.runs.saturating_add(limit.waiting),
        });
        Prepared {
            ids,
            limit,
            definition: playbook.hash.clone(),
            operations,
            fresh,
        }
    }

    /// A new run, its first event and the number of its next payload row.
    fn create(&self, opened: Opened, request: &Request, lane: Lane) -> (NewRun, Event, i64) {
        let (id, at, definition) = (opened.run.clone(), opened.at, opened.definition.clone());
        let (mut event, mut next_payload) = (Event::Opened(Box::new(opened)), 0);
        let payloads = journal::pack(event.payloads_mut(), &self.sealer, &id, &mut next_payload);
        // An event with packed payloads always has a text.
        let events = journal::row(&event).into_iter().collect();
        let run = NewRun {
            id,
            kind: PLAYBOOK.into(),
            namespace: request.namespace.clone(),
            name: request.playbook.clone(),
            incident: request.incident.clone(),
            parent: request.parent.clone(),
            resubmit_of: request.resubmit_of.clone(),
            definition: Some(definition),
            created_at: at,
            wake_at: at,
            lane: lane.number(),
            events,
            payloads,
        };
        (run, event, next_payload)
    }

    /// Lets every run in memory look at what has changed.
    pub(super) fn nudge_live(&self) {
        self.each_live(|_, sender| {
            // A full channel has a nudge in it already, or something that does more.
            let _ = sender.try_send(Control::Nudge);
        });
    }

    /// Looks at each run in memory and at how to reach the task that drives it.
    pub(super) fn each_live(&self, mut look: impl FnMut(&str, &mpsc::Sender<Control>)) {
        for (run, sender) in &*lock(&self.live) {
            look(run, sender);
        }
    }

    /// Takes a run up, unless a task drives it already.
    pub(super) fn claim(&self, run: &str) -> Option<mpsc::Receiver<Control>> {
        let mut live = lock(&self.live);
        if live.contains_key(run) {
            return None;
        }
        let (sender, receiver) = mpsc::channel(8);
        live.insert(run.to_owned(), sender);
        Some(receiver)
    }
}

/// A run that a task drives. Dropped also when the task breaks off by a fault, so that the run is taken up again.
struct Claim {
    shared: Arc<Shared>,
    run: String,
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.shared.live).remove(&self.run);
    }
}

/// A poisoned lock is taken all the same: the maps behind it are valid after every step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// An engine over a store; nothing runs before [`Engine::serve`].
    pub fn new(
        store: Store,
        sealer: Sealer,
        services: Arc<dyn Services>,
        content: Arc<dyn Content>,
        desk: Desk,
    ) -> Self {
        Self::with(store, sealer, services, content, desk, nested::Settings::default())
    }

    /// The same with settings of its own.
    pub fn with(
        store: Store,
        sealer: Sealer,
        services: Arc<dyn Services>,
        content: Arc<dyn Content>,
        desk: Desk,
        settings: nested::Settings,
    ) -> Self {
        let links = Links::new(&desk.workspaces().public_url, &sealer.derive(LINKS));
        let services = Arc::new(Collecting {
            services,
            content: content.clone(),
            store: store.clone(),
            sealer: sealer.clone(),
            desk: desk.clone(),
        });
        let shared = Arc::new_cyclic(|shared| Shared {
            links,
            store,
            sealer,
            services: Arc::new(Nested::new(services, shared.clone(), settings.clone())),
            content,
            desk,
            notices: broadcast::channel(NOTICES).0,
            ends: Ends::default(),
            kept_since: watch::Sender::default(),
            subscriptions: watch::Sender::default(),
            wake: Notify::new(),
            collecting: Notify::new(),
            gained: AtomicBool::new(false),
            touched: Mutex::default(),
            serving: AtomicBool::new(false),
            live: Mutex::default(),
            places: settings.places.max(1),
            paused: settings.paused.clone(),
            pauses: Mutex::default(),
            pausing: tokio::sync::Mutex::default(),
            lanes: Mutex::default(),
            workflows: Mutex::default(),
        });
        Self { shared }
    }

    /// What is shared.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Lets a run look at what has changed for it, in the task that drives it or in one of its own.
    pub(super) async fn nudge(&self, row: RunRow) {
        loop {
            let sender = lock(&self.shared.live).get(&row.id).cloned();
            if let Some(sender) = sender
                && sender.send(Control::Nudge).await.is_ok()
            {
                return;
            }
            if !self.shared.takes(&row.id) {
                return self.nudge_elsewhere(&row).await;
            }
            if self.take(row.clone(), None) {
                return;
            }
        }
    }

    /// Makes and checks links to runs and triggers.
    pub fn links(&self) -> &Links {
        &self.shared.links
    }

    /// A playbook as new runs have it.
    pub fn playbook(&self, namespace: &str, name: &str) -> Option<Playbook> {
        self.shared.content.playbook(namespace, name)
    }

    /// The engine of what is shared.
    pub(super) fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// What happens from now on.
    pub fn watch(&self) -> broadcast::Receiver<Notice> {
        self.shared.notices.subscribe()
    }

    /// Makes the scheduler look for due runs; to be called after runs were created through the store.
    pub fn poke(&self) {
        self.shared.poke();
    }

    /// Whether no task of the process drives the run: it waits, or has ended.
    pub fn is_idle(&self, run: &str) -> bool {
        !lock(&self.shared.live).contains_key(run)
    }

    /// Whether no task of the process drives any run: what they did was told to those who watch.
    pub fn is_at_rest(&self) -> bool {
        lock(&self.shared.live).is_empty()
    }

    /// Starts a playbook: when this returns, its runs are on disk.
    ///
    /// # Errors
    /// The playbook does not exist or refuses to start, or the store fails.
    pub async fn start(&self, request: &Request) -> Result<Vec<String>, StartError> {
        let prepared = self.shared.prepare(request)?;
        Ok(self.begin(prepared).await?)
    }

    /// Drives a run that was just committed, if it is a single one; more than that the scheduler takes up.
    pub(super) fn began(&self, prepared: Prepared) -> Vec<String> {
        if let Some(known) = lock(&self.shared.workflows).get_mut(&prepared.definition) {
            known.stored = true;
        }
        match prepared.fresh {
            Some(fresh) if self.shared.serving.load(Ordering::Relaxed) && self.shared.takes(&fresh.row.id) => {
                self.line_up(fresh.row.clone(), Some(fresh));
            }
            _ => self.poke(),
        }
        prepared.ids
    }

    /// Ends a run before its time: when this returns, the wish is on the disk. One that is not driven is taken up for it.
    /// Runs of other playbooks that it started go on, as in Logic Apps, and evaluations of rules are not ended.
    ///
    /// # Errors
    /// The store fails, or the run does not exist.
    pub async fn cancel(&self, run: &str, by: &str, haste: Haste) -> Result<(), Error> {
        let row = self.shared.store.run(run).await?;
        let missing = || Error::Unreadable {
            run: run.to_owned(),
            reason: "there is no such run".into(),
        };
        let row = row.ok_or_else(missing)?;
        if row.ended_at.is_some() || row.kind != PLAYBOOK {
            return Ok(());
        }
        let operations = vec![Operation::Deliver(cancel::delivery(
            &self.shared.sealer,
            run,
            by,
            haste,
        ))];
        match self.shared.store.commit(Transaction { operations }).await {
            // It has ended, or somebody wished so before.
            Ok(_) | Err(StoreError::Refused(Refusal::StaleRun(_) | Refusal::Delivered(_))) => {}
            Err(error) => return Err(error.into()),
        }
        self.nudge(row).await;
        Ok(())
    }

    /// Drives due runs until `stop` is cancelled, then lets the commits under way finish. Where replicas share the store,
    /// it takes part in the division of runs as long.
    pub async fn serve(&self, stop: CancellationToken) {
        if !self.learn_pauses(&stop).await {
            return;
        }
        tokio::join!(
            self.shared.store.lease().keep(stop.clone()),
            self.follow_lease(stop.clone()),
            self.drive_due(stop)
        );
    }

    /// Takes up the evaluation of an incident that waited for the one before it.
    async fn take_next(&self, incident: &str) {
        match self.shared.store.next_evaluation(incident).await {
            Ok(Some(row)) if self.shared.serving.load(Ordering::Relaxed) => drop(self.line_up_all(vec![row])),
            Ok(Some(_) | None) => {}
            // The scheduler finds it.
            Err(_) => self.poke(),
        }
    }

    /// Drives a run in a task of its own; false if one does already.
    pub(super) fn take(&self, row: RunRow, fresh: Option<Fresh>) -> bool {
        let Some(mut control) = self.shared.claim(&row.id) else {
            return false;
        };
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let run = row.id.clone();
            let claim = Claim {
                shared: shared.clone(),
                run: run.clone(),
            };
            let driven = drive(&shared, &row, fresh, &mut control).await;
            if let Err(error) = &driven
                && !interrupted::is_overtaken(error)
            {
                tracing::error!(run.id = %run, %error, "run interrupted; it goes on from what is committed");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
            drop(claim);
            Engine::of(shared.clone()).fill();
            if let (Ok(Some(_)), EVALUATION, Some(incident)) = (&driven, row.kind.as_str(), &row.incident) {
                Engine::of(shared.clone()).take_next(incident).await;
            }
            if !matches!(driven, Ok(Some(_))) {
                shared.poke();
                let engine = Engine { shared };
                engine.hear_late(row, &mut control);
                if let Err(error) = &driven {
                    engine.go_on_after(&run, error).await;
                }
            }
        });
        true
    }

    /// Waits until a run has ended.
    ///
    /// # Errors
    /// The store fails, or the run does not exist.
    pub async fn ended(&self, run: &str) -> Result<RunStatus, Error> {
        let mut notices = self.watch();
        loop {
            let row = self.shared.store.run(run).await?;
            let missing = || Error::Unreadable {
                run: run.to_owned(),
                reason: "there is no such run".into(),
            };
            if let Some(status) = row.ok_or_else(missing)?.status {
                return Ok(RunStatus::parse(&status).unwrap_or(RunStatus::Failed));
            }
            let moved = self.shared.moved_elsewhere(run);
            tokio::pin!(moved);
            loop {
                let notice = tokio::select! {
                    notice = notices.recv() => notice,
                    () = &mut moved => break,
                };
                match notice {
                    Ok(Notice::Ended { run: other, .. }) if other == run => break,
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_) | broadcast::error::RecvError::Closed) => break,
                }
            }
        }
    }

    /// The runs that a filter names.
    ///
    /// # Errors
    /// The store fails.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
        self.shared.store.runs(filter).await
    }

    /// The runs beside the first of a request that named the identity of its first run, in order: with `splitOn` there is
    /// one for each element.
    ///
    /// # Errors
    /// The store fails.
    pub async fn split(&self, first: &str) -> Result<Vec<RunRow>, StoreError> {
        let mut others = Vec::new();
        let Ok(first) = uuid::Uuid::try_parse(first) else {
            return Ok(others);
        };
        // All were stored in one transaction, so the first that is missing ends them.
        while let Some(row) = self.shared.store.run(&start::given_id(first, others.len() + 1)).await? {
            others.push(row);
        }
        Ok(others)
    }

    /// How far an evaluation of automation rules is.
    ///
    /// # Errors
    /// The store fails, or the run does not exist or is no evaluation.
    pub async fn evaluation(&self, run: &str) -> Result<crate::rules::evaluation::State, Error> {
        evaluate::load(&self.shared.store, run).await.map(|(state, _)| state)
    }

    /// The events of a playbook's run with its definition, for views.
    ///
    /// # Errors
    /// The store fails, or the run does not exist or is no playbook's.
    pub async fn history(&self, run: &str) -> Result<(Arc<Workflow>, Vec<Event>), Error> {
        let missing = |reason: &str| Error::Unreadable {
            run: run.to_owned(),
            reason: reason.into(),
        };
        let row = self
            .shared
            .store
            .run(run)
            .await?
            .ok_or_else(|| missing("there is no such run"))?;
        let hash = row.definition.ok_or_else(|| missing("it is no run of a playbook"))?;
        let workflow = self.shared.workflow(&hash).await?;
        let events = journal::events(&self.shared.store, &self.shared.sealer, run).await?;
        Ok((workflow, events))
    }
}

/// Why a playbook was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It refuses.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Drives a run of any kind and says how it ended, if it did.
async fn drive(
    shared: &Arc<Shared>,
    row: &RunRow,
    fresh: Option<Fresh>,
    control: &mut mpsc::Receiver<Control>,
) -> Result<Option<String>, Error> {
    let (run, kind) = (
        row.id.clone(),
        if row.kind == EVALUATION { EVALUATION } else { PLAYBOOK },
    );
    let driven = match (kind, &row.definition) {
        (PLAYBOOK, Some(hash)) => {
            let workflow = shared.workflow(hash).await?;
            let limited = workflow.clone();
            let drive = match fresh {
                Some(fresh) => Drive::begin(shared.clone(), workflow, fresh, control)?,
                None => Drive::load(shared.clone(), workflow, row, control).await?,
            };
            let driven = drive.drive().await?;
            let engine = Engine::of(shared.clone());
            match driven {
                Driven::Ended(_) => engine.next_in_line(row, &limited).await,
                Driven::Waiting => engine.hasten_line(row, &limited).await,
                Driven::Over(_) | Driven::Left => {}
            }
            driven
        }
        _ => evaluate::drive(shared, row).await?,
    };
    let (notice, status) = match driven {
        // A row that was read before the end: the end was told.
        Driven::Over(status) => return Ok(Some(status.as_str().to_owned())),
        Driven::Left => return Ok(None),
        Driven::Waiting => (Notice::Waiting { run }, None),
        Driven::Ended(status) => {
            shared.ends.tell(&run);
            let status = status.as_str().to_owned();
            let told = status.clone();
            let ended = Notice::Ended {
                run,
                kind,
                status,
                namespace: row.namespace.clone(),
                name: row.name.clone(),
                created_at: row.created_at,
            };
            (ended, Some(told))
        }
    };
    // Nobody listening is no failure.
    let _ = shared.notices.send(notice);
    Ok(status)
}
