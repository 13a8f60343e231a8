//! In which order runs begin or go on where more of them are due than the process drives at a time. Pure.
//!
//! Invariants: a more urgent lane goes first, but each tenth place is that of the lane whose run has waited longest, so that
//! no run waits for ever; within a lane namespaces take turns; a run waits once at most.

use std::collections::{HashMap, HashSet, VecDeque};

use super::start::{Request, StartKind};
use crate::api::playbook::Priority;
use crate::store::Millis;

/// Of so many places one is given to the lane whose run has waited longest.
const LONGEST: u32 = 10;

/// What kind of work a run is, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Another run waits for it, so it goes on without waiting for a place.
    Called,
    /// It evaluates automation rules, which leads to responses.
    Evaluation,
    /// An incident, an alert, an entity or a person asks for it.
    Response,
    /// A request, a batch or something else asks for it.
    Enrichment,
    /// A schedule asks for it.
    Schedule,
}

impl Lane {
    const WAITING: [Lane; 4] = [Self::Evaluation, Self::Response, Self::Enrichment, Self::Schedule];

    /// As the store keeps it.
    pub fn number(self) -> i64 {
        match self {
            Self::Called => 0,
            Self::Evaluation => 1,
            Self::Response => 2,
            Self::Enrichment => 3,
            Self::Schedule => 4,
        }
    }

    /// From the store; a number that this version does not know is no urgent one.
    pub fn of_number(number: i64) -> Self {
        let all = [Self::Called].into_iter().chain(Self::WAITING);
        all.into_iter()
            .find(|lane| lane.number() == number)
            .unwrap_or(Self::Schedule)
    }

    /// The lane of the runs that a request makes; `wish` is what the playbook says.
    pub fn of_request(request: &Request, wish: Option<Lane>) -> Self {
        let asks = |who: &str| request.requester.starts_with(who);
        // An evaluation waits for the end of what its rule starts.
        if asks("playbook/") || asks("rule/") {
            return Self::Called;
        }
        if let Some(wish) = wish {
            return wish;
        }
        let is_about = request.incident.is_some() || request.kind != StartKind::Body;
        if is_about || asks("user/") {
            Self::Response
        } else if request.scheduled_at.is_some() {
            Self::Schedule
        } else {
            Self::Enrichment
        }
    }

    fn place(self) -> Option<usize> {
        Self::WAITING.iter().position(|lane| *lane == self)
    }
}

impl From<Priority> for Lane {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Response => Self::Response,
            Priority::Enrichment => Self::Enrichment,
            Priority::Schedule => Self::Schedule,
        }
    }
}

/// Runs that wait for a place.
#[derive(Debug)]
pub struct Lanes<T> {
    lanes: [Queue<T>; Lane::WAITING.len()],
    known: HashSet<String>,
    given: u32,
}

/// The runs of a lane.
#[derive(Debug)]
struct Queue<T> {
    /// Namespaces that have runs here, in the order of their turns.
    turns: VecDeque<String>,
    runs: HashMap<String, VecDeque<Waiting<T>>>,
}

#[derive(Debug)]
struct Waiting<T> {
    run: String,
    since: Millis,
    item: T,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        let queue = |_| Queue {
            turns: VecDeque::new(),
            runs: HashMap::new(),
        };
        Self {
            lanes: Lane::WAITING.map(queue),
            known: HashSet::new(),
            given: 0,
        }
    }
}

impl<T> Lanes<T> {
    /// How many runs wait.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether a run waits.
    pub fn has(&self, run: &str) -> bool {
        self.known.contains(run)
    }

    /// Lets a run wait from `since` on; one that waits already keeps its place.
    pub fn push(&mut self, lane: Lane, namespace: &str, run: &str, since: Millis, item: T) {
        if !self.known.insert(run.to_owned()) {
            return;
        }
        let queue = &mut self.lanes[lane.place().unwrap_or(0)];
        let runs = queue.runs.entry(namespace.to_owned()).or_default();
        if runs.is_empty() {
            queue.turns.push_back(namespace.to_owned());
        }
        let run = run.to_owned();
        runs.push_back(Waiting { run, since, item });
    }

    /// The run whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let mut waiting = self.lanes.iter_mut().filter(|queue| !queue.turns.is_empty());
        self.given = (self.given + 1) % LONGEST;
        let queue = match self.given {
            // Of those that have waited as long the least urgent.
            0 => waiting.rev().min_by_key(|queue| queue.oldest()),
            _ => waiting.next(),
        }?;
        let next = queue.pop()?;
        self.known.remove(&next.run);
        Some(next.item)
    }

    /// Since when the run waits that waits longest, of those at least as urgent as `lane`.
    pub fn oldest(&self, lane: Lane) -> Option<Millis> {
        let urgent = self.lanes.iter().zip(Lane::WAITING).filter(|(_, own)| *own <= lane);
        urgent.filter_map(|(queue, _)| queue.oldest()).min()
    }
}

impl<T> Queue<T> {
    /// Since when the run waits that waits longest.
    fn oldest(&self) -> Option<Millis> {
        let first = self.runs.values().filter_map(VecDeque::front);
        first.map(|waiting| waiting.since).min()
    }

    fn pop(&mut self) -> Option<Waiting<T>> {
        let namespace = self.turns.pop_front()?;
        let runs = self.runs.get_mut(&namespace)?;
        let next = runs.pop_front();
        if runs.is_empty() {
            self.runs.remove(&namespace);
        } else {
            self.turns.push_back(namespace);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(runs: &[(Lane, &'static str, &'static str)]) -> Lanes<&'static str> {
        let mut lanes = Lanes::default();
        for (since, (lane, namespace, run)) in (0..).zip(runs) {
            lanes.push(*lane, namespace, run, since, *run);
        }
        lanes
    }

    fn order(lanes: &mut Lanes<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| lanes.pop()).collect()
    }

    #[test]
    fn urgent_lanes_go_first_and_namespaces_take_turns() {
        let mut lanes = filled(&[
            (Lane::Schedule, "a", "s1"),
            (Lane::Enrichment, "a", "e1"),
            (Lane::Response, "a", "r1"),
            (Lane::Response, "a", "r2"),
            (Lane::Response, "a", "r3"),
            (Lane::Response, "b", "r4"),
            (Lane::Evaluation, "a", "v1"),
        ]);
        assert_eq!(order(&mut lanes), ["v1", "r1", "r4", "r2", "r3", "e1", "s1"]);
        assert!(lanes.is_empty() && lanes.oldest(Lane::Schedule).is_none());
    }

    #[test]
    fn each_tenth_place_is_that_of_who_has_waited_longest() {
        let names: Vec<String> = (0..20).map(|number| format!("r{number}")).collect();
        let mut lanes = Lanes::default();
        lanes.push(Lane::Schedule, "a", "s", 0, "s");
        for name in &names {
            lanes.push(Lane::Response, "a", name, 0, name.as_str());
        }
        let order: Vec<_> = std::iter::from_fn(|| lanes.pop()).collect();
        assert_eq!(order.iter().position(|run| *run == "s"), Some(9));
        assert_eq!(order.len(), 21);
    }

    #[test]
    fn a_lane_between_two_that_never_run_dry_gets_places() {
        let mut lanes = filled(&[(Lane::Response, "a", "r"), (Lane::Enrichment, "a", "e")]);
        let mut given = Vec::new();
        for since in 2..42 {
            let (evaluation, schedule) = (format!("v{since}"), format!("s{since}"));
            lanes.push(Lane::Evaluation, "a", &evaluation, since, "v");
            lanes.push(Lane::Schedule, "a", &schedule, since, "s");
            given.extend(lanes.pop());
        }
        for run in ["r", "e", "s"] {
            assert!(given.contains(&run), "{run}: {given:?}");
        }
    }

    #[test]
    fn a_run_waits_once() {
        let mut lanes = filled(&[(Lane::Response, "a", "r"), (Lane::Response, "a", "r")]);
        assert_eq!((lanes.len(), order(&mut lanes).len()), (1, 1));
        lanes.push(Lane::Response, "a", "r", 7, "r");
        assert_eq!(lanes.oldest(Lane::Response), Some(7));
        assert_eq!(lanes.oldest(Lane::Evaluation), None, "less urgent ones do not count");
    }

    #[test]
    fn requests_stand_in_the_lane_of_who_asks() {
        let of = |requester: &str, change: fn(&mut Request)| {
            let mut request = Request {
                requester: requester.into(),
                ..Request::default()
            };
            change(&mut request);
            Lane::of_request(&request, None)
        };
        assert_eq!(of("user/ada", |_| {}), Lane::Response);
        assert_eq!(
            of("request/manual", |request| request.kind = StartKind::Alert),
            Lane::Response
        );
        assert_eq!(of("request/manual", |_| {}), Lane::Enrichment);
        assert_eq!(of("schedule", |request| request.scheduled_at = Some(1)), Lane::Schedule);
        assert_eq!(of("playbook/outer", |_| {}), Lane::Called);
        assert_eq!(of("rule/close", |_| {}), Lane::Called);
        let wished = Lane::of_request(&Request::default(), Some(Lane::Schedule));
        assert_eq!(wished, Lane::Schedule);
    }

    #[test]
    fn numbers_of_lanes_are_read_back() {
        for lane in Lane::WAITING {
            assert_eq!(Lane::of_number(lane.number()), lane);
        }
        assert_eq!(Lane::of_number(99), Lane::Schedule);
    }
}
