//! The limits of one ApiConnection: a bucket of tokens, of which each comes back a minute after its time; how many calls
//! are under way; and until when the service asked not to be called. Pure: the time is given.
//!
//! Invariants: the times of tokens never lie closer than the bucket allows; who was told a time has a token then,
//! whoever asks in between; those who come later than they were told do not begin at once; a place that is free is given to
//! whoever asks.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::api::api_connection::ConnectionLimits;
use crate::store::Millis;

/// After this time a token comes back.
const MINUTE: Millis = 60_000;
/// Who comes so much later than told holds nobody else up.
const TOLERANCE: Millis = 5_000;
/// The longest time that a service can close a connection for by one answer.
const CLOSED_MAX: Millis = 15 * MINUTE;
/// The longest time until a call that waits asks again: the limits may have changed.
const AGAIN_MAX: Millis = 10 * MINUTE;
/// The shortest and the longest time until a call asks again whether a place is free.
const PAUSE: (Millis, Millis) = (50, 5_000);
/// Calls that wait for the end of a closure begin within this time after it.
const SPREAD_MAX: Millis = 5_000;
/// Turns that are remembered; beyond them a call competes again when it comes back.
const TURNS_MAX: usize = 100_000;
/// From so many on, turns that nobody came back for are looked for.
const TURNS_MANY: usize = 1_000;

/// Why a call has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// All tokens of the minute are taken.
    Rate,
    /// As many calls are under way as may be.
    Concurrency,
    /// The service asked for it.
    Closed,
}

/// A call has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) reason: Reason,
    /// When to ask again.
    pub(super) until: Millis,
}

/// What is remembered of a call that waits.
#[derive(Debug)]
struct Turn {
    at: Millis,
    reason: Reason,
    has_token: bool,
    /// How often it found no place.
    refused: u32,
}

impl Turn {
    fn new(at: Millis, reason: Reason, has_token: bool) -> Self {
        Self {
            at,
            reason,
            has_token,
            refused: 0,
        }
    }
}

/// The limits of a connection, and what was used of them.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    limits: ConnectionLimits,
    /// Times of tokens, ascending; those of calls that wait lie in the future.
    tokens: VecDeque<Millis>,
    /// When the latest calls began, ascending; as many as the bucket has tokens.
    begun: VecDeque<Millis>,
    under_way: u32,
    turns: HashMap<String, Turn>,
    closed_until: Millis,
}

impl Limiter {
    /// Lets a call begin now, or says when to ask again. The same key is the same call.
    pub(super) fn ask(&mut self, limits: ConnectionLimits, key: &str, now: Millis) -> Result<(), Wait> {
        if limits != self.limits {
            self.limits = limits;
            self.turns.clear();
            self.tokens.retain(|token| *token <= now);
        }
        self.forget_stale(now);
        if let Some(turn) = self.turns.get(key).filter(|turn| turn.at > now) {
            return Err(Wait {
                reason: turn.reason,
                until: turn.at.min(now + AGAIN_MAX),
            });
        }
        let (has_token, refused) = self
            .turns
            .remove(key)
            .map_or((false, 0), |turn| (turn.has_token, turn.refused));
        if now < self.closed_until {
            let open = self.closed_until;
            let at = self.token(open).unwrap_or(open).max(open + spread(key, open - now));
            let has_token = self.limits.requests_per_minute.is_some();
            return Err(self.wait(key, now, Turn::new(at, Reason::Closed, has_token)));
        }
        if self
            .limits
            .concurrent
            .is_some_and(|most| self.under_way >= u32::from(most))
        {
            let at = now + pause(self.turns.len(), refused);
            let turn = Turn {
                refused: refused + 1,
                ..Turn::new(at, Reason::Concurrency, has_token)
            };
            return Err(self.wait(key, now, turn));
        }
        if !has_token && let Some(at) = self.token(now).filter(|at| *at > now) {
            return Err(self.wait(key, now, Turn::new(at, Reason::Rate, true)));
        }
        if let Some(at) = self.after_begun(now) {
            let at = at + spread(key, MINUTE);
            return Err(self.wait(key, now, Turn::new(at, Reason::Rate, true)));
        }
        self.under_way += u32::from(self.limits.concurrent.is_some());
        Ok(())
    }

    /// Notes that a call begins. Where as many began within the last minute as may, none does, and it says when: calls come
    /// later than they were told where they were held by something else, and then many may come at once.
    fn after_begun(&mut self, now: Millis) -> Option<Millis> {
        let most = self.limits.requests_per_minute? as usize;
        while self.begun.len() > most {
            self.begun.pop_front();
        }
        let first = self.begun.front().filter(|_| self.begun.len() == most);
        let at = first.map_or(now, |first| first + MINUTE - TOLERANCE);
        if at > now {
            return Some(at);
        }
        self.begun.push_back(now);
        None
    }

    /// A call that was let begin is over.
    pub(super) fn landed(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// The service asked not to be called for this long.
    pub(super) fn close(&mut self, wait: Millis, now: Millis) {
        self.closed_until = self.closed_until.max(now + wait.clamp(0, CLOSED_MAX));
    }

    /// Takes the next token from a time on; `None` where there is no bucket.
    fn token(&mut self, from: Millis) -> Option<Millis> {
        let most = self.limits.requests_per_minute? as usize;
        while self.tokens.len() > most {
            self.tokens.pop_front();
        }
        let returned = self.tokens.front().filter(|_| self.tokens.len() == most);
        let at = returned.map_or(from, |token| from.max(token + MINUTE));
        let place = self.tokens.partition_point(|token| *token <= at);
        self.tokens.insert(place, at);
        Some(at)
    }

    fn wait(&mut self, key: &str, now: Millis, turn: Turn) -> Wait {
        let wait = Wait {
            reason: turn.reason,
            until: turn.at.min(now + AGAIN_MAX),
        };
        if self.turns.len() < TURNS_MAX {
            self.turns.insert(key.to_owned(), turn);
        }
        wait
    }

    /// Turns of calls that ended while they waited are not kept for ever.
    fn forget_stale(&mut self, now: Millis) {
        if self.turns.len() >= TURNS_MANY {
            self.turns.retain(|_, turn| turn.at + AGAIN_MAX > now);
        }
    }
}

/// When to look for a free place again: the later, the more wait and the more often there was none.
fn pause(waiting: usize, refused: u32) -> Millis {
    let waiting = Millis::try_from(waiting).unwrap_or(Millis::MAX);
    let (least, most) = PAUSE;
    least
        .saturating_mul(waiting.saturating_add(1 << refused.min(10)))
        .clamp(least, most)
}

/// How long after the end of a closure a call begins, so that not all do at once.
fn spread(key: &str, closed: Millis) -> Millis {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let range = (closed / 10).clamp(0, SPREAD_MAX).unsigned_abs() + 1;
    Millis::try_from(hasher.finish() % range).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(requests_per_minute: Option<u32>, concurrent: Option<u16>) -> ConnectionLimits {
        ConnectionLimits {
            requests_per_minute,
            concurrent,
        }
    }

    fn until(asked: Result<(), Wait>) -> Option<Millis> {
        asked.err().map(|wait| wait.until)
    }

    #[test]
    fn no_minute_has_more_calls_than_tokens_and_each_is_told_its_own_time() {
        let (mut limiter, four) = (Limiter::default(), limits(Some(4), None));
        let told: Vec<_> = (0..10)
            .map(|call| until(limiter.ask(four, &format!("call-{call}"), 1_000 + call)))
            .collect();
        let first = [None; 4];
        let later = [61_000, 61_001, 61_002, 61_003, 121_000, 121_001].map(Some);
        assert_eq!(told, [first.as_slice(), later.as_slice()].concat());
    }

    #[test]
    fn a_time_that_was_told_is_kept_whoever_asks_in_between() {
        let (mut limiter, one) = (Limiter::default(), limits(Some(1), None));
        assert_eq!(limiter.ask(one, "a", 0), Ok(()));
        assert_eq!(until(limiter.ask(one, "b", 10)), Some(60_000));
        assert_eq!(
            until(limiter.ask(one, "b", 20)),
            Some(60_000),
            "asking early changes nothing"
        );
        assert_eq!(until(limiter.ask(one, "c", 60_000)), Some(120_000));
        assert_eq!(limiter.ask(one, "b", 60_500), Ok(()));
        assert_eq!(limiter.ask(one, "c", 120_000), Ok(()));
    }

    #[test]
    fn those_who_all_come_later_than_told_do_not_begin_at_once() {
        let (mut limiter, two) = (Limiter::default(), limits(Some(2), None));
        let names: Vec<String> = (0..10).map(|call| format!("call-{call}")).collect();
        for name in &names {
            let _ = limiter.ask(two, name, 0);
        }
        let (mut at, mut begun) = (600_000, Vec::new());
        while begun.len() < 8 {
            let waiting: Vec<_> = names[2..].iter().filter(|name| !begun.contains(name)).collect();
            let asked: Vec<_> = waiting.iter().map(|name| until(limiter.ask(two, name, at))).collect();
            let goes = waiting.iter().zip(&asked).filter(|(_, wait)| wait.is_none());
            let goes: Vec<_> = goes.map(|(name, _)| *name).collect();
            assert!(goes.len() <= 2, "{goes:?} begin at {at}");
            begun.extend(goes);
            at = asked.into_iter().flatten().max().unwrap_or(at);
        }
        assert!(at < 600_000 + 4 * (MINUTE + SPREAD_MAX), "{at}");
    }

    #[test]
    fn a_far_turn_is_asked_for_again_and_changed_limits_hold_at_once() {
        let (mut limiter, one) = (Limiter::default(), limits(Some(1), None));
        let told: Vec<_> = (0..30)
            .map(|call| until(limiter.ask(one, &format!("call-{call}"), 0)))
            .collect();
        assert_eq!(told[29], Some(AGAIN_MAX), "not in half an hour");
        assert_eq!(limiter.ask(limits(Some(60), None), "call-29", 5), Ok(()));
    }

    #[test]
    fn places_are_given_to_whoever_asks_when_one_is_free() {
        let (mut limiter, two) = (Limiter::default(), limits(None, Some(2)));
        assert_eq!((limiter.ask(two, "a", 0), limiter.ask(two, "b", 0)), (Ok(()), Ok(())));
        let waits: Vec<_> = [0, 100, 400]
            .map(|at| until(limiter.ask(two, "c", at)).unwrap() - at)
            .into();
        assert!(
            waits.is_sorted() && waits[0] >= PAUSE.0 && waits[2] <= PAUSE.1,
            "{waits:?}"
        );
        limiter.landed();
        assert_eq!(limiter.ask(two, "c", 5_400), Ok(()));
        assert!(limiter.ask(two, "d", 5_400).is_err());
    }

    #[test]
    fn a_service_that_asks_to_wait_closes_its_connection_for_all_within_bounds() {
        let (mut limiter, none) = (Limiter::default(), ConnectionLimits::default());
        limiter.close(30_000, 1_000);
        let told = until(limiter.ask(none, "a", 2_000)).unwrap();
        assert!((31_000..31_000 + SPREAD_MAX).contains(&told), "{told}");
        assert_eq!(limiter.ask(none, "b", 31_000), Ok(()));
        limiter.close(Millis::MAX, 40_000);
        assert_eq!(limiter.closed_until, 40_000 + CLOSED_MAX);
    }

    #[test]
    fn turns_of_calls_that_never_come_back_are_forgotten() {
        let (mut limiter, one) = (Limiter::default(), limits(None, Some(1)));
        assert_eq!(limiter.ask(one, "first", 0), Ok(()));
        for call in 0..TURNS_MANY {
            assert!(limiter.ask(one, &format!("gone-{call}"), 0).is_err());
        }
        assert!(limiter.ask(one, "later", AGAIN_MAX + 2 * PAUSE.1).is_err());
        assert_eq!(limiter.turns.len(), 1);
    }
}
