//! The loop of the projection: reads the log of changes and the notices of the engine, and shows what is due.
//! Invariants: what is acknowledged in the store is shown, all else is shown again after a restart; an evaluation is
//! counted once, because how far evaluations are counted is stored together with the counts.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::agenda::{Agenda, Entry, Item};
use super::bucket::Bucket;
use super::objects::{Failure, Objects, failure, run_of};
use super::prune::{Policies, prune};
use super::rule_status::{Evaluated, Tallies};
use super::run_status::is_ended;
use crate::api::status::PlaybookRunStatus;
use crate::engine::journal;
use crate::engine::shell::{PLAYBOOK, now};
use crate::engine::{Engine, Notice};
use crate::incidents::{self, Desk};
use crate::store::{self, Changed, Millis, Operation, RunFilter, Store, Transaction};

/// The settings of the store that hold the acknowledged position, and up to where evaluations are counted.
const POSITION: &str = "projection/position";
const COUNTED: &str = "projection/counted";
/// Changes of one thing gather for so long, in milliseconds: at most one write a second.
pub(super) const GATHER: Millis = 1_000;
/// What automation rules did gathers for so long: at most one write in ten seconds for each.
pub(super) const GATHER_RULES: Millis = 10_000;
/// Changes that are read at a time.
const READ_MAX: u32 = 1_000;
/// Items that wait at most before the log is read on.
const AGENDA_MAX: usize = 10_000;
/// Items that are shown before the log is read again.
const SHOW_MAX: usize = 64;
/// The loop rests so long after each round, so that a busy store is asked twenty times a second.
const REST: Duration = Duration::from_millis(50);
/// The longest nap.
const NAP: Millis = 5_000;
/// How often old objects are looked for.
const PRUNE_EVERY: Millis = 10_000;
/// How often open objects are compared with the store, whatever was told.
const SWEEP_EVERY: Millis = 60_000;
/// The same where replicas share the store: what goes on in another is told by nobody before its end.
const SWEEP_SHARED: Millis = 5_000;
/// The longest wait before something is tried again.
const BACKOFF_MAX: Millis = 60_000;
/// How often what is forbidden is tried.
const TRIES_MAX: u32 = 10;
/// Runs that wait longer than this, in milliseconds, are shown before they end.
const WAITS: Millis = 2_000;
/// Runs that a sweep takes up at most.
const OPEN_MAX: u32 = 10_000;

/// How much is written.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Writes a second.
    pub rate: u32,
    /// Writes at once.
    pub burst: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: 20, burst: 200 }
    }
}

/// Why something was not shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Incidents(#[from] incidents::Error),
    #[error("a run cannot be read: {0}")]
    Run(String),
    #[error("the API server did not take an object: {0}")]
    Api(#[from] kube::Error),
    #[error("a status cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// What came of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// It is due again after so many milliseconds.
    Later(Millis),
}

/// An object of a run that has not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    /// Name and UID of an object that the watch may not show yet.
    pub(super) made: Option<(String, String)>,
    /// The status that was last written, if one was.
    pub(super) status: Option<PlaybookRunStatus>,
}

/// Shows runs and incidents as objects.
pub struct Projection {
    pub(super) engine: Engine,
    pub(super) desk: Desk,
    pub(super) store: Store,
    pub(super) objects: Objects,
    pub(super) bucket: Bucket,
    pub(super) agenda: Agenda,
    pub(super) policies: Policies,
    /// Runs with an object that does not show an end.
    pub(super) open: HashMap<String, Open>,
    /// The first run of an object, by its other runs that have not ended (`splitOn`).
    pub(super) first: HashMap<String, String>,
    /// How automation rules did.
    pub(super) tallies: Tallies,
    acknowledged: i64,
    /// Up to where evaluations are counted in the store.
    counted: i64,
    away: Option<(Millis, u32)>,
}

impl Projection {
    /// A projection of what is in the store; it writes nothing before [`Projection::serve`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn new(
        engine: Engine,
        desk: Desk,
        store: Store,
        objects: Objects,
        settings: Settings,
    ) -> Result<Self, store::Error> {
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or_default();
        let position = number(store.setting(POSITION).await?);
        let counted = number(store.setting(COUNTED).await?);
        Ok(Self {
            engine,
            desk,
            store,
            objects,
            bucket: Bucket::new(settings.rate, settings.burst, now()),
            agenda: Agenda::behind(position),
            policies: Policies::default(),
            open: HashMap::new(),
            first: HashMap::new(),
            tallies: Tallies::default(),
            acknowledged: position,
            counted,
            away: None,
        })
    }

    /// Shows what changes until `stop`, while `leads` is true. `asked` are items that controllers want to be shown.
    pub async fn serve(
        mut self,
        mut asked: mpsc::Receiver<Item>,
        mut leads: watch::Receiver<bool>,
        stop: CancellationToken,
    ) {
        let mut notices = self.engine.watch();
        let mut commits = self.store.subscribe();
        let sweep_every = match self.store.elsewhere() {
            Some(_) => SWEEP_SHARED,
            None => SWEEP_EVERY,
        };
        let (mut swept, mut pruned) = (None, now());
        while !stop.is_cancelled() {
            if !self.leads(&mut leads, &stop).await {
                return;
            }
            if swept.is_none_or(|at| at + sweep_every <= now()) {
                self.logged("failed to compare runs with their objects", Self::sweep)
                    .await;
                swept = Some(now());
            }
            self.logged("failed to show changes", Self::round).await;
            if self.away.is_none() && pruned + PRUNE_EVERY <= now() {
                if let Err(error) = prune(&self.objects, &mut self.policies, now()).await {
                    tracing::warn!(%error, "failed to delete old objects; they are looked at again");
                }
                pruned = now();
            }
            self.wait(&mut notices, &mut commits, &mut asked, &stop).await;
        }
        self.logged("failed to note what is shown", Self::acknowledge).await;
    }

    async fn leads(&self, leads: &mut watch::Receiver<bool>, stop: &CancellationToken) -> bool {
        tokio::select! {
            leads = leads.wait_for(|leads| *leads) => leads.is_ok(),
            () = stop.cancelled() => false,
        }
    }

    async fn logged(&mut self, what: &'static str, step: impl AsyncFnOnce(&mut Self) -> Result<(), Error>) {
        if let Err(error) = step(self).await {
            tracing::warn!(%error, "{what}; it is tried again");
        }
    }

    /// Waits for something to do; what is told meanwhile is noted.
    async fn wait(
        &mut self,
        notices: &mut broadcast::Receiver<Notice>,
        commits: &mut watch::Receiver<u64>,
        asked: &mut mpsc::Receiver<Item>,
        stop: &CancellationToken,
    ) {
        let nap = self.agenda.next_due().map_or(NAP, |due| (due - now()).clamp(0, NAP));
        let nap = self.away.map_or(nap, |(until, _)| (until - now()).clamp(0, NAP));
        let nap = REST + Duration::from_millis(u64::try_from(nap).unwrap_or_default());
        let rest = tokio::time::sleep(nap);
        tokio::pin!(rest);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = &mut rest => return,
                Ok(()) = commits.changed(), if self.away.is_none() => break,
                Some(item) = asked.recv() => self.ask(item),
                notice = notices.recv() => self.notice(notice),
            }
        }
        tokio::time::sleep(REST).await;
    }

    fn ask(&mut self, item: Item) {
        if let Item::Run(run) = &item {
            self.open.entry(run.clone()).or_default();
        }
        let due = match item {
            Item::Run(_) => now() + GATHER,
            Item::Incident(_) | Item::Counts(..) | Item::Rule(..) => now(),
        };
        self.agenda.note(item, due);
    }

    fn notice(&mut self, notice: Result<Notice, broadcast::error::RecvError>) {
        match notice {
            Ok(Notice::Run { run, .. }) if self.open.contains_key(&run) => {
                self.agenda.note(Item::Run(run), now() + GATHER);
            }
            Ok(Notice::Waiting { run }) => self.agenda.note(Item::Run(run), now()),
            Ok(Notice::Run { .. } | Notice::Ended { .. }) => {}
            // What was missed of runs that are shown; ends come from the log.
            Err(_) => {
                for run in self.open.keys() {
                    self.agenda.note(Item::Run(run.clone()), now() + GATHER);
                }
            }
        }
    }

    /// Reads what changed, shows what is due and notes how far that is.
    async fn round(&mut self) -> Result<(), Error> {
        if self.agenda.len() < AGENDA_MAX {
            self.read().await?;
        }
        if self.away.is_none_or(|(until, _)| until <= now()) {
            self.show_due().await;
        }
        self.acknowledge().await
    }

    async fn read(&mut self) -> Result<(), Error> {
        for change in self.store.changes(self.agenda.read(), READ_MAX).await? {
            match change.subject {
                Changed::Run(run) => self.agenda.change(Item::Run(run), change.position, now()),
                Changed::Incident(incident) => {
                    let due = now() + GATHER;
                    self.agenda.change(Item::Incident(incident), change.position, due);
                }
                Changed::Evaluation(run) => self.count(&run, change.position).await?,
            }
        }
        Ok(())
    }

    /// Counts an evaluation for each of its rules, unless the store has it counted already.
    async fn count(&mut self, run: &str, position: i64) -> Result<(), Error> {
        if let Some(evaluated) = self.evaluated(run).await? {
            for (rule, progress) in evaluated.state.rules().iter().enumerate() {
                let name = &progress.pinned.name;
                if position > self.counted {
                    let tally = self.tallies.load(&self.store, &evaluated.workspace, name).await?;
                    tally.count(&evaluated, rule);
                }
                let item = Item::Rule(evaluated.workspace.clone(), name.clone());
                self.agenda.change(item, position, now() + GATHER_RULES);
            }
        }
        self.agenda.pass(position);
        Ok(())
    }

    /// An evaluation that ended; `None` if it cannot be read, which nothing mends.
    async fn evaluated(&self, run: &str) -> Result<Option<Evaluated>, Error> {
        let Some(row) = self.store.run(run).await? else {
            return Ok(None);
        };
        let state = match self.engine.evaluation(run).await {
            Ok(state) => state,
            Err(journal::Error::Store(error)) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "an evaluation is not counted");
                return Ok(None);
            }
        };
        let incident = match &row.incident {
            Some(incident) => self.store.incident(incident).await?,
            None => None,
        };
        Ok(Some(Evaluated {
            workspace: row.namespace,
            at: row.ended_at.unwrap_or(row.created_at),
            incident: incident.map(|incident| incident.number),
            state,
        }))
    }

    async fn show_due(&mut self) {
        let mut due = self.agenda.take(now(), SHOW_MAX).into_iter();
        while let Some((item, entry)) = due.next() {
            match self.show(&item).await {
                Ok(Outcome::Done) => self.away = None,
                Ok(Outcome::Later(wait)) => {
                    let due = now() + wait;
                    self.agenda.put_back(item, Entry { due, ..entry });
                }
                Err(error) => {
                    let is_away = self.failed(item, entry, &error);
                    if is_away {
                        // The others wait, unchanged.
                        due.by_ref().for_each(|(item, entry)| self.agenda.put_back(item, entry));
                    }
                }
            }
        }
    }

    /// Puts an item off, or gives it up; whether the API server is away.
    fn failed(&mut self, item: Item, entry: Entry, error: &Error) -> bool {
        let failure = match error {
            Error::Api(error) => failure(error),
            Error::Store(_) | Error::Incidents(incidents::Error::Store(_)) => Failure::Passing,
            Error::Incidents(_) | Error::Run(_) | Error::Json(_) => Failure::Final,
        };
        let failures = entry.failures.saturating_add(1);
        let backoff = (GATHER << failures.min(6)).min(BACKOFF_MAX);
        let again = Entry {
            due: now() + backoff,
            failures,
            ..entry
        };
        match failure {
            Failure::Away => {
                let tries = self.away.map_or(1, |(_, tries)| tries.saturating_add(1));
                let pause = (GATHER << tries.min(4)).min(BACKOFF_MAX);
                tracing::warn!(%error, pause, "the API server is away; nothing is lost");
                self.away = Some((now() + pause, tries));
                // Not its fault: it does not count as a failure of its own.
                self.agenda.put_back(item, Entry { due: now(), ..entry });
            }
            Failure::Passing if failures < TRIES_MAX => {
                tracing::warn!(%error, ?item, "failed to show; it is tried again");
                self.agenda.put_back(item, again);
            }
            Failure::Passing | Failure::Final => tracing::error!(%error, ?item, "cannot be shown as an object"),
        }
        failure == Failure::Away
    }

    async fn acknowledge(&mut self) -> Result<(), Error> {
        let put = |key: &str, position: i64| Operation::PutSetting {
            key: key.to_owned(),
            value: position.to_string(),
        };
        let (shown, read) = (self.agenda.acknowledged(), self.agenda.read());
        let mut operations = self.tallies.unsaved()?;
        if !operations.is_empty() {
            operations.push(put(COUNTED, read));
        }
        if shown > self.acknowledged {
            operations.push(put(POSITION, shown));
            operations.push(Operation::DropChanges { before: shown });
        }
        if operations.is_empty() {
            return Ok(());
        }
        self.store.commit(Transaction { operations }).await?;
        self.tallies.saved();
        self.counted = self.counted.max(read);
        self.acknowledged = self.acknowledged.max(shown);
        Ok(())
    }

    /// Compares objects that show no end with the store, and runs that wait with the objects.
    async fn sweep(&mut self) -> Result<(), Error> {
        for object in self.objects.runs.iter().flat_map(|store| store.state()) {
            if !is_ended(object.status.as_ref())
                && let Some(run) = shown_run(&object)
            {
                self.open.entry(run.clone()).or_default();
                self.agenda.note(Item::Run(run), now());
            }
        }
        let filter = RunFilter {
            kind: Some(PLAYBOOK.to_owned()),
            open_only: true,
            limit: OPEN_MAX,
            ..RunFilter::default()
        };
        for row in self.store.runs(&filter).await? {
            let waits = row.wake_at.is_some_and(|at| at > now() + WAITS) && row.created_at + WAITS < now();
            if waits && !self.open.contains_key(&row.id) && self.engine.is_idle(&row.id) {
                self.agenda.note(Item::Run(row.id), now());
            }
        }
        Ok(())
    }
}

/// The run that an object shows.
fn shown_run(object: &crate::api::PlaybookRun) -> Option<String> {
    use super::run_object::{RUN, is_ours};
    let metadata = &object.metadata;
    if is_ours(metadata.labels.as_ref()) {
        return metadata.labels.as_ref()?.get(RUN).cloned();
    }
    Some(run_of(metadata.uid.as_deref()?).to_string())
}
