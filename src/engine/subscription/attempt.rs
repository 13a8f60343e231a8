//! One attempt to make a subscription or to take it back, and what its answer changes in the store.

use std::sync::Arc;
use std::time::Duration;

use super::kept::Calls;
use super::plan::Wish;
use super::standing::{Phase, Standing};
use crate::connectors::code_of;
use crate::engine::call::{Answer, CallError};
use crate::engine::clock::Moment;
use crate::engine::retry;
use crate::engine::shell::{Shared, now};
use crate::expression::Value;
use crate::store::{Error as StoreError, Millis, Operation, Refusal, SubscriptionRow, Transaction};

/// How often a service is asked to forget a subscription: for about two minutes.
const UNSUBSCRIBES_MAX: u32 = 8;

/// An attempt.
pub(super) struct Attempt {
    pub(super) shared: Arc<Shared>,
    pub(super) row: SubscriptionRow,
    /// What is wanted, where it is made; nothing, where it is taken back.
    pub(super) wish: Option<Wish>,
}

impl Attempt {
    /// Makes the call and stores what follows.
    ///
    /// # Errors
    /// The store fails; the call is made again then.
    pub(super) async fn make(self) -> Result<(), StoreError> {
        let Some(standing) = Standing::of(&self.row) else {
            return Ok(());
        };
        let calls = match Calls::open(&self.shared.sealer, &self.row.key, &self.row.calls) {
            Ok(calls) => calls,
            Err(error) => {
                tracing::error!(subscription = self.row.key.path(), %error, "a subscription is not taken back");
                return self.forget().await;
            }
        };
        match &self.wish {
            Some(wish) => self.subscribe(wish, &standing, &calls).await,
            None => self.unsubscribe(&standing, &calls).await,
        }
    }

    async fn subscribe(&self, wish: &Wish, standing: &Standing, calls: &Calls) -> Result<(), StoreError> {
        let Some(subscribe) = &calls.subscribe else {
            return self.forget().await;
        };
        let (key, id) = (&self.row.key, &standing.id);
        let call = subscribe.call(key, id, id.clone());
        let outcome = self.shared.services.call(&call).await;
        let moment = Moment::new(now(), self.shared.seed());
        match failure(&outcome) {
            None => {
                let made = outcome.as_ref().ok();
                let calls = made.map_or_else(Calls::default, |answer| wish.calls_after(calls, answer, id, &moment));
                tracing::info!(subscription = key.path(), "subscribed");
                let standing = standing.turned(Phase::Made, moment.now);
                self.put(&standing, None, Some(&calls)).await
            }
            Some(problem) => {
                tracing::warn!(
                    subscription = key.path(),
                    problem,
                    "not subscribed; the service is asked again"
                );
                self.again(standing, problem, outcome).await
            }
        }
    }

    async fn unsubscribe(&self, standing: &Standing, calls: &Calls) -> Result<(), StoreError> {
        let Some(unsubscribe) = &calls.unsubscribe else {
            return self.forget().await;
        };
        let (key, id) = (&self.row.key, &standing.id);
        let call = unsubscribe.call(key, id, format!("{id}/unsubscribe"));
        let outcome = self.shared.services.call(&call).await;
        let is_gone = matches!(&outcome, Ok(answer) if matches!(answer.status, 404 | 410));
        // What Riposte itself refuses, such as a host that the connection does not name, it refuses again.
        let is_last = standing.attempts + 1 >= UNSUBSCRIBES_MAX
            || matches!(&outcome, Err(error) if !error.retryable && !error.reached);
        match failure(&outcome).filter(|_| !is_gone) {
            None => {
                tracing::info!(subscription = key.path(), "unsubscribed");
                self.forget().await
            }
            Some(problem) if is_last => {
                tracing::warn!(subscription = key.path(), problem, "the service keeps a subscription");
                self.forget().await
            }
            Some(problem) => self.again(standing, problem, outcome).await,
        }
    }

    /// It is tried again later, not before the service wants.
    async fn again(
        &self,
        standing: &Standing,
        problem: String,
        outcome: Result<Answer, CallError>,
    ) -> Result<(), StoreError> {
        let moment = Moment::new(now(), self.shared.seed());
        let standing = standing.failed(problem);
        let header = outcome
            .ok()
            .and_then(|answer| answer.headers.get("retry-after").cloned());
        let asked = header
            .as_ref()
            .and_then(Value::as_str)
            .and_then(|text| retry::retry_after(text, moment.now));
        let wait = standing.wait(moment.fraction()).max(asked.unwrap_or(Duration::ZERO));
        let wait = Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX);
        self.put(&standing, Some(moment.now.saturating_add(wait)), None).await
    }

    async fn put(&self, standing: &Standing, next_at: Option<Millis>, calls: Option<&Calls>) -> Result<(), StoreError> {
        let sealed = calls.map(|calls| calls.seal(&self.shared.sealer, &self.row.key));
        let row = SubscriptionRow {
            version: self.row.version + 1,
            next_at,
            state: standing.to_text(),
            calls: sealed.unwrap_or_else(|| self.row.calls.clone()),
            ..self.row.clone()
        };
        commit(&self.shared, Operation::PutSubscription(row)).await
    }

    async fn forget(&self) -> Result<(), StoreError> {
        let (key, version) = (self.row.key.clone(), self.row.version);
        commit(&self.shared, Operation::DropSubscription { key, version }).await
    }
}

/// Stores a step; somebody else may have made it.
pub(super) async fn commit(shared: &Shared, operation: Operation) -> Result<(), StoreError> {
    let operations = vec![operation];
    match shared.store.commit(Transaction { operations }).await {
        Ok(_) | Err(StoreError::Refused(Refusal::StaleSubscription(_))) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Why a call has not done what it should.
fn failure(outcome: &Result<Answer, CallError>) -> Option<String> {
    match outcome {
        Ok(answer) if (200..300).contains(&answer.status) => None,
        Ok(answer) => Some(format!(
            "the service answered {} {}",
            answer.status,
            code_of(answer.status)
        )),
        Err(error) => Some(format!("{}: {}", error.code, error.message)),
    }
}
