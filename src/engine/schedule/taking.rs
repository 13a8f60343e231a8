//! Takes one schedule that is due: starts a run, asks a service, or releases a batch, and moves the schedule on in the
//! same transaction.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::plan::{self, Kind, Schedule, Standing};
use super::poll::{Question, Verdict};
use super::release;
use crate::definition::workflow::{BatchConfiguration, CallAction, TriggerKind};
use crate::engine::call::Admission;
use crate::engine::clock::Moment;
use crate::engine::collect;
use crate::engine::content::Playbook;
use crate::engine::shell::{Engine, Shared, now};
use crate::engine::start::{self, Refused, Request};
use crate::expression::Object;
use crate::store::{
    Error as StoreError, MessageRow, Millis, Operation, Partition, Refusal, ScheduleKey, ScheduleRow, Transaction,
};

/// Who asks for a run that a schedule starts.
const REQUESTER: &str = "schedule";
/// Who asks for a run that a batch starts.
const BATCH: &str = "batch";
/// When a window that could not be handled is tried again, in milliseconds.
const AFTER_REFUSAL: Millis = 60_000;

/// What became of a schedule that was due.
pub(super) enum Taken {
    /// It moved on.
    Done,
    /// It is not what was read: the catalog changed, or somebody else moved it on.
    Stale,
}

/// A schedule that is due.
pub(super) struct Taking {
    shared: Arc<Shared>,
    playbook: Playbook,
    row: ScheduleRow,
    standing: Standing,
    /// Its place among the schedules of the playbook.
    place: usize,
}

impl Taking {
    /// The schedule of a row, if the playbook still has it and is not suspended.
    pub(super) fn find(shared: &Arc<Shared>, playbook: Playbook, row: ScheduleRow) -> Option<Self> {
        let schedules = plan::of(&playbook);
        let mut standings = schedules.iter().enumerate();
        let (place, standing) = standings.find_map(|(place, schedule)| Some((place, schedule.standing(&row)?)))?;
        (!playbook.suspended).then(|| Self {
            shared: shared.clone(),
            playbook,
            row,
            standing,
            place,
        })
    }

    /// Whose schedule it is.
    pub(super) fn key(&self) -> &ScheduleKey {
        &self.row.key
    }

    /// Whether a service is asked, which may take long.
    pub(super) fn asks(&self) -> bool {
        matches!(self.schedule().kind, Kind::Poll(_))
    }

    fn schedule(&self) -> Schedule<'_> {
        let mut schedules = plan::of(&self.playbook).into_iter();
        schedules.nth(self.place).expect("it was found in this playbook")
    }

    /// Takes it.
    ///
    /// # Errors
    /// The store fails; nothing has happened then.
    pub(super) async fn take(&self) -> Result<Taken, StoreError> {
        let schedule = self.schedule();
        match schedule.kind {
            Kind::Run | Kind::Window(_) => self.run(&schedule).await,
            Kind::Poll(call) => self.poll(&schedule, call).await,
            Kind::Release(batch) => self.release(&schedule, batch).await,
        }
    }

    async fn run(&self, schedule: &Schedule<'_>) -> Result<Taken, StoreError> {
        let at = now();
        let next = self.row_after(schedule, at, None, None);
        let Some(occurrence) = schedule.occurrence(&self.standing, at) else {
            tracing::info!(playbook = self.path(), "an occurrence of the schedule was missed");
            return self.step(next).await;
        };
        let request = Request {
            outputs: Some(occurrence.outputs),
            scheduled_at: Some(occurrence.at),
            id: Some(self.identity(occurrence.at)),
            ..self.request()
        };
        match self.start(&request, next).await? {
            Ok(taken) => Ok(taken),
            // Windows are made up for, so one that cannot be handled now is handled later.
            Err(refused) if matches!(schedule.kind, Kind::Window(_)) && !is_skipped(&refused) => {
                let next_at = Some(at + AFTER_REFUSAL);
                self.step(schedule.row(self.row.version + 1, &self.standing, next_at, None))
                    .await
            }
            Err(_) => self.step(self.row_after(schedule, at, None, None)).await,
        }
    }

    /// Asks a service, and starts what its answer says, in one transaction with the place to ask next.
    async fn poll(&self, schedule: &Schedule<'_>, call: &CallAction) -> Result<Taken, StoreError> {
        let cursor = self.cursor()?;
        let question = Question {
            playbook: &self.playbook,
            trigger: schedule.trigger,
            call,
            cursor: cursor.as_deref(),
        };
        let run = self.identity(self.standing.due);
        let Some(call) = self.call(&question, run) else {
            return self
                .step(self.row_after(schedule, now(), self.row.cursor.clone(), None))
                .await;
        };
        let _place = match self.shared.services.admit(&call, now()) {
            Admission::Go(place) => place,
            Admission::Wait(hold) => {
                let cursor = self.row.cursor.clone();
                return self
                    .step(schedule.row(self.row.version + 1, &self.standing, Some(hold.until), cursor))
                    .await;
            }
        };
        let answer = self.shared.services.call(&call).await;
        let at = now();
        let judged = question.judge(&answer, self.standing.attempts, &self.moment(at));
        let cursor = judged
            .cursor
            .map(|cursor| self.shared.sealer.seal(&self.context(), cursor.as_bytes()));
        let next = self.row_after(schedule, at, cursor.clone(), judged.pause);
        match judged.verdict {
            Verdict::Fires { outputs, code } => {
                let request = Request {
                    outputs: Some(outputs),
                    code: Some(code),
                    scheduled_at: Some(self.standing.due),
                    id: Some(run),
                    ..self.request()
                };
                match self.start(&request, next.clone()).await? {
                    Ok(taken) => Ok(taken),
                    Err(_) => self.step(next).await,
                }
            }
            Verdict::Quiet => self.step(next).await,
            Verdict::Retries(wait) => {
                let standing = Standing {
                    attempts: self.standing.attempts + 1,
                    ..self.standing.clone()
                };
                let next_at = Some(later(at, wait.max(judged.pause.unwrap_or_default())));
                self.step(schedule.row(self.row.version + 1, &standing, next_at, cursor))
                    .await
            }
            Verdict::Failed { code, message } => {
                tracing::warn!(playbook = self.path(), code, message, "the trigger failed");
                self.step(next).await
            }
        }
    }

    /// The call of a question; `None` if it cannot be made, which is said.
    fn call(&self, question: &Question<'_>, run: Uuid) -> Option<crate::engine::call::Call> {
        let playbook = self.path();
        let parameters = match start::parameters(&self.playbook) {
            Ok(parameters) => parameters,
            Err(refused) => {
                say(&playbook, &refused);
                return None;
            }
        };
        match question.call(&parameters, &run.to_string(), &self.moment(now())) {
            Ok(call) => Some(call),
            Err(failure) => {
                // The message may hold a value.
                tracing::warn!(
                    playbook,
                    code = failure.code,
                    "the inputs of the trigger cannot be evaluated"
                );
                None
            }
        }
    }

    /// Releases all that a batch holds.
    async fn release(&self, schedule: &Schedule<'_>, batch: &BatchConfiguration) -> Result<Taken, StoreError> {
        let is_it = |partition: &Partition| {
            let key = &self.row.key;
            (&partition.namespace, &partition.playbook, &partition.batch) == (&key.namespace, &key.playbook, &key.batch)
        };
        let partitions = self.shared.store.partitions().await?;
        for partition in partitions.iter().filter(|partition| is_it(partition)) {
            let (count, _) = self.shared.store.weight(partition).await?;
            let mut left = usize::try_from(count).unwrap_or(0);
            while left > 0 {
                let released = release_portion(&self.shared, &self.playbook, batch, partition).await?;
                if released == 0 {
                    break;
                }
                left = left.saturating_sub(released);
            }
        }
        self.step(self.row_after(schedule, now(), None, None)).await
    }

    /// Starts a run and moves the schedule on, unless the playbook refuses. Where so many runs wait that no more are
    /// taken, the occurrence is passed over; but not a window, which must have its run.
    async fn start(&self, request: &Request, next: ScheduleRow) -> Result<Result<Taken, Refused>, StoreError> {
        let mut prepared = match self.shared.prepare(request) {
            Ok(prepared) => prepared,
            Err(refused) => {
                say(&self.path(), &refused);
                return Ok(Err(refused));
            }
        };
        let mut operations = std::mem::take(&mut prepared.operations);
        operations.push(Operation::PutSchedule(next.clone()));
        let is_window = self.trigger_is_window();
        operations.extend(prepared.limit.take().filter(|_| !is_window));
        match self.shared.store.commit(Transaction { operations }).await {
            Ok(_) => {
                Engine::of(self.shared.clone()).began(prepared);
                Ok(Ok(Taken::Done))
            }
            Err(StoreError::Refused(Refusal::Full(_))) => {
                tracing::warn!(
                    playbook = self.path(),
                    "an occurrence is passed over: too many runs wait"
                );
                self.step(next).await.map(Ok)
            }
            // This occurrence has its run already.
            Err(StoreError::Refused(Refusal::StaleRun(_))) => self.step(next).await.map(Ok),
            Err(StoreError::Refused(Refusal::StaleSchedule(_))) => Ok(Ok(Taken::Stale)),
            Err(error) => Err(error),
        }
    }

    fn trigger_is_window(&self) -> bool {
        let trigger = self.playbook.workflow.triggers.first();
        trigger.is_some_and(|trigger| matches!(trigger.kind, TriggerKind::SlidingWindow { .. }))
    }

    /// Moves the schedule on without a run.
    async fn step(&self, next: ScheduleRow) -> Result<Taken, StoreError> {
        let operations = vec![Operation::PutSchedule(next)];
        match self.shared.store.commit(Transaction { operations }).await {
            Ok(_) => Ok(Taken::Done),
            Err(StoreError::Refused(Refusal::StaleSchedule(_))) => Ok(Taken::Stale),
            Err(error) => Err(error),
        }
    }

    /// The row once what was due is taken; not due before a pause is over.
    fn row_after(
        &self,
        schedule: &Schedule<'_>,
        at: Millis,
        cursor: Option<Vec<u8>>,
        pause: Option<Duration>,
    ) -> ScheduleRow {
        let standing = schedule.after(&self.standing, at);
        let earliest = pause.map_or(at, |pause| later(at, pause));
        let next_at = schedule.wake(&standing).map(|next| match schedule.kind {
            Kind::Poll(_) => next.max(earliest),
            Kind::Run | Kind::Window(_) | Kind::Release(_) => next,
        });
        schedule.row(self.row.version + 1, &standing, next_at, cursor)
    }

    fn request(&self) -> Request {
        Request {
            namespace: self.playbook.namespace.clone(),
            playbook: self.playbook.name.clone(),
            requester: REQUESTER.into(),
            ..Request::default()
        }
    }

    /// The identity of the run of an occurrence, a UUID v7 that follows from it: however often it is taken, it is one run.
    fn identity(&self, at: Millis) -> Uuid {
        let ScheduleKey {
            namespace,
            playbook,
            trigger,
            batch,
        } = &self.row.key;
        let digest = Sha256::digest(format!("schedule/{namespace}/{playbook}/{trigger}/{batch}/{at}"));
        let mut chance = [0; 10];
        chance.copy_from_slice(&digest[..10]);
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(at).unwrap_or(0), &chance).into_uuid()
    }

    /// Where to ask, if the last answer said so.
    fn cursor(&self) -> Result<Option<String>, StoreError> {
        let Some(sealed) = &self.row.cursor else {
            return Ok(None);
        };
        let plain = self.shared.sealer.open(&self.context(), sealed)?;
        Ok(String::from_utf8(plain).ok())
    }

    /// What the sealed cursor belongs to.
    fn context(&self) -> String {
        format!(
            "cursor/{}/{}/{}",
            self.row.key.namespace, self.row.key.playbook, self.row.key.trigger
        )
    }

    fn moment(&self, at: Millis) -> Moment {
        Moment::new(at, self.shared.seed())
    }

    fn path(&self) -> String {
        format!("{}/{}", self.playbook.namespace, self.playbook.name)
    }
}

fn later(at: Millis, wait: Duration) -> Millis {
    at.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

/// Whether the trigger decided that there is nothing to do.
fn is_skipped(refused: &Refused) -> bool {
    matches!(refused, Refused::ConditionFalse(_))
}

/// Tells why a playbook was not started, without values.
fn say(playbook: &str, refused: &Refused) {
    match refused {
        Refused::ConditionFalse(_) => tracing::debug!(playbook, "a condition of the trigger does not hold"),
        Refused::Trigger { .. } => tracing::warn!(playbook, code = refused.code(), "the trigger failed"),
        Refused::NotFound(_)
        | Refused::Suspended(_)
        | Refused::UnsupportedTrigger { .. }
        | Refused::Resubmission { .. }
        | Refused::Parameter { .. }
        | Refused::AppSetting { .. } => tracing::warn!(playbook, %refused, "the playbook was not started"),
    }
}

/// Releases a partition as often as it meets a criterion. Where its playbook is suspended or gone, it waits.
///
/// # Errors
/// The store fails.
pub(super) async fn release_ready(shared: &Arc<Shared>, partition: &Partition) -> Result<(), StoreError> {
    let playbook = shared.content.playbook(&partition.namespace, &partition.playbook);
    let Some(playbook) = playbook.filter(|playbook| !playbook.suspended) else {
        return Ok(());
    };
    let trigger = playbook.workflow.triggers.first().map(|trigger| &trigger.kind);
    let batch = match trigger {
        Some(TriggerKind::Batch(batches)) => batches.iter().find(|batch| batch.name == partition.batch),
        _ => None,
    };
    let Some(batch) = batch else { return Ok(()) };
    loop {
        let (count, bytes) = shared.store.weight(partition).await?;
        if !release::is_ready(batch, count, bytes) || release_portion(shared, &playbook, batch, partition).await? == 0 {
            return Ok(());
        }
    }
}

/// Starts a run with the first messages of a partition, which leave it in the same transaction; says how many they were.
async fn release_portion(
    shared: &Arc<Shared>,
    playbook: &Playbook,
    batch: &BatchConfiguration,
    partition: &Partition,
) -> Result<usize, StoreError> {
    let limit = batch
        .message_count
        .unwrap_or(release::MESSAGES_MAX)
        .clamp(1, release::MESSAGES_MAX);
    let mut messages = shared.store.messages(partition, limit).await?;
    messages.truncate(release::portion(batch, messages.iter().map(|message| message.size)));
    let path = format!("{}/{}", partition.namespace, partition.playbook);
    let Some(outputs) = contents(shared, partition, &messages) else {
        tracing::error!(
            playbook = path,
            batch = batch.name,
            "messages of the batch cannot be opened: the sealing key is another"
        );
        return Ok(0);
    };
    let count = messages.len();
    if count == 0 {
        return Ok(0);
    }
    let positions = messages.iter().map(|message| message.position).collect();
    let mut operations = vec![Operation::TakeMessages { positions }];
    let request = Request {
        namespace: playbook.namespace.clone(),
        playbook: playbook.name.clone(),
        outputs: Some(outputs),
        requester: BATCH.into(),
        // One more than the deepest: batches that fill each other come to an end too.
        depth: messages
            .iter()
            .map(|message| message.depth)
            .max()
            .unwrap_or(0)
            .saturating_add(1),
        ..Request::default()
    };
    let prepared = match shared.prepare(&request) {
        Ok(mut prepared) => {
            operations.append(&mut prepared.operations);
            Some(prepared)
        }
        Err(refused) => {
            say(&path, &refused);
            if !is_skipped(&refused) {
                return Ok(0);
            }
            None
        }
    };
    match shared.store.commit(Transaction { operations }).await {
        Ok(_) => {
            if let Some(prepared) = prepared {
                Engine::of(shared.clone()).began(prepared);
            }
            Ok(count)
        }
        Err(StoreError::Refused(Refusal::StaleBatch)) => Ok(0),
        Err(error) => Err(error),
    }
}

/// The outputs of a Batch trigger; `None` if a message cannot be opened.
fn contents(shared: &Shared, partition: &Partition, messages: &[MessageRow]) -> Option<Object> {
    let opened = messages.iter().map(|message| {
        let content = collect::content(&shared.sealer, partition, message).ok()?;
        Some((message.id.clone(), content))
    });
    let body = release::body(&partition.batch, &partition.name, opened.collect::<Option<_>>()?);
    Some([("body", body)].into_iter().collect())
}
