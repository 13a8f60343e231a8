//! Lets calls through ApiConnections begin when their limits have room, and remembers what services asked for.
//! Invariant: a place that a call takes is free again when the call is over, however it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::{Limiter, Reason};
use super::response;
use crate::api::api_connection::ConnectionLimits;
use crate::engine::call::{Admission, Answer, Hold};
use crate::expression::Value;
use crate::store::Millis;

/// What was used of the limits of each connection that has some, or whose service asked to wait.
#[derive(Clone, Default)]
pub(super) struct Throttle {
    limiters: Arc<Mutex<HashMap<String, Limiter>>>,
}

/// A place among the calls of a connection that are under way.
struct Place {
    throttle: Throttle,
    connection: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(limiter) = self.throttle.lock().get_mut(&self.connection) {
            limiter.landed();
        }
    }
}

impl Throttle {
    /// Whether a call, known by its key, may be made now through the connection of this namespace and name.
    pub(super) fn admit(
        &self,
        (namespace, name): (&str, &str),
        limits: Option<ConnectionLimits>,
        key: &str,
        now: Millis,
    ) -> Admission {
        let connection = format!("{namespace}/{name}");
        let mut limiters = self.lock();
        if limits.is_none() && !limiters.contains_key(&connection) {
            return Admission::Go(None);
        }
        let limits = limits.unwrap_or_default();
        let asked = limiters.entry(connection.clone()).or_default().ask(limits, key, now);
        match asked {
            Err(wait) => Admission::Wait(Hold {
                code: code(wait.reason),
                message: message(wait.reason, name, limits),
                until: wait.until,
            }),
            Ok(()) if limits.concurrent.is_none() => Admission::Go(None),
            Ok(()) => {
                let throttle = self.clone();
                Admission::Go(Some(Box::new(Place { throttle, connection })))
            }
        }
    }

    /// Keeps what an answer says of the calls after it: 429 and 503 with `Retry-After` close the connection so long.
    pub(super) fn heard(&self, (namespace, name): (&str, &str), answer: &Answer, now: Millis) {
        if !matches!(answer.status, 429 | 503) {
            return;
        }
        let asked = answer.headers.get("Retry-After").and_then(Value::as_str);
        let Some(wait) = asked.and_then(|text| response::retry_after(text, now)) else {
            return;
        };
        let wait = Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX);
        let mut limiters = self.lock();
        limiters
            .entry(format!("{namespace}/{name}"))
            .or_default()
            .close(wait, now);
    }

    /// A poisoned lock is taken all the same: the limiters are valid after every step.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Limiter>> {
        self.limiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn code(reason: Reason) -> &'static str {
    match reason {
        Reason::Rate | Reason::Concurrency => "ConnectionLimit",
        Reason::Closed => "RetryAfter",
    }
}

fn message(reason: Reason, connection: &str, limits: ConnectionLimits) -> String {
    match reason {
        Reason::Rate => {
            let most = limits.requests_per_minute.unwrap_or_default();
            format!("connection '{connection}' is limited to {most} calls a minute")
        }
        Reason::Concurrency => {
            let most = limits.concurrent.unwrap_or_default();
            format!("connection '{connection}' is limited to {most} calls at the same time")
        }
        Reason::Closed => format!("the service of connection '{connection}' asked not to be called for a while"),
    }
}
