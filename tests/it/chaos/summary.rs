//! What a harness saw: how much happened, which states kills hit, and which promises were broken.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// A run that was acknowledged is not there.
    Lost,
    /// A run does not end.
    Stuck,
    /// A call was made before its intent was on disk.
    Early,
    /// A call was made again although its answer was committed, or although its process lived.
    Repeated,
    /// An unsafe call was received twice for one attempt.
    Twice,
    /// An action or a run ended otherwise than without a crash.
    WrongEnd,
    /// A callback was lost or counted twice.
    Callback,
    /// A pause was shorter than asked.
    ShortWait,
}

impl Fault {
    pub(super) const ALL: [Fault; 8] = [
        Fault::Lost,
        Fault::Stuck,
        Fault::Early,
        Fault::Repeated,
        Fault::Twice,
        Fault::WrongEnd,
        Fault::Callback,
        Fault::ShortWait,
    ];

    fn name(self) -> &'static str {
        match self {
            Fault::Lost => "runs lost",
            Fault::Stuck => "runs stuck",
            Fault::Early => "calls before their intent",
            Fault::Repeated => "committed answers asked for again",
            Fault::Twice => "unsafe calls received twice",
            Fault::WrongEnd => "ends that differ from the model",
            Fault::Callback => "callbacks lost or counted twice",
            Fault::ShortWait => "pauses too short",
        }
    }
}

/// The state of an action that a kill hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hit {
    /// Its intent is on disk, its call has not arrived.
    Intent,
    /// Its call has arrived and is not answered.
    Flight,
    /// Its call is answered, and the answer is not on disk.
    Uncommitted,
    /// It waits for a time or a callback.
    Waiting,
}

impl Hit {
    pub(super) const ALL: [Hit; 4] = [Hit::Intent, Hit::Flight, Hit::Uncommitted, Hit::Waiting];

    fn name(self) -> &'static str {
        match self {
            Hit::Intent => "intent written",
            Hit::Flight => "in flight",
            Hit::Uncommitted => "answered, not committed",
            Hit::Waiting => "waiting",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) title: String,
    pub(super) cycles: u32,
    pub(super) runs: usize,
    /// Runs that stood open at kills, all together.
    pub(super) open_at_kills: usize,
    pub(super) calls: usize,
    /// Calls of second and later attempts, by the playbook's own policy.
    pub(super) retries: usize,
    /// Safe or declared calls that a crash made the engine repeat.
    pub(super) repetitions: usize,
    /// Actions whose outcome the engine does not know.
    pub(super) unknown: usize,
    pub(super) callbacks: usize,
    /// What else happened, how often.
    pub(super) weather: BTreeMap<&'static str, u32>,
    /// Kills that hit an action in a state, and how many actions they hit.
    pub(super) kills: BTreeMap<Hit, (u32, usize)>,
    pub(super) faults: Vec<(Fault, String)>,
    /// How long after a kill the last of the runs in flight went on elsewhere, each time.
    pub(super) takeovers: Vec<Duration>,
    /// How long the last runs took to end after the last cycle.
    pub(super) drain: Duration,
    pub(super) took: Duration,
}

impl Summary {
    pub(super) fn count(&self, fault: Fault) -> usize {
        self.faults.iter().filter(|(kind, _)| *kind == fault).count()
    }

    /// Demands that no promise was broken, and that kills hit each state so often.
    pub(super) fn demand(&self, kills: u32) {
        println!("{self}");
        let shown: Vec<_> = self.faults.iter().take(20).collect();
        assert!(shown.is_empty(), "{self}\n{shown:#?}");
        for hit in Hit::ALL {
            let hits = self.kills.get(&hit).map_or(0, |(kills, _)| *kills);
            assert!(hits >= kills, "{} kills hit the state '{}'\n{self}", hits, hit.name());
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: &dyn fmt::Display| writeln!(formatter, "  {name:<44} {value}");
        line("", &self.title)?;
        line("kill cycles", &self.cycles)?;
        line("runs", &self.runs)?;
        line(
            "open runs at a kill, on average",
            &(self.open_at_kills / self.cycles.max(1) as usize),
        )?;
        line("calls", &self.calls)?;
        line("  retries by policy", &self.retries)?;
        line("  safe repetitions after a crash", &self.repetitions)?;
        line("actions with an unknown outcome", &self.unknown)?;
        line("callbacks", &self.callbacks)?;
        for (name, count) in &self.weather {
            line(name, count)?;
        }
        for hit in Hit::ALL {
            let (kills, actions) = self.kills.get(&hit).copied().unwrap_or_default();
            line(
                &format!("kills that hit: {}", hit.name()),
                &format!("{kills} ({actions} actions)"),
            )?;
        }
        for fault in Fault::ALL {
            line(fault.name(), &self.count(fault))?;
        }
        if let Some(slowest) = self.takeovers.iter().max() {
            line("takeovers measured", &self.takeovers.len())?;
            line("slowest takeover", &format!("{:.1} s", slowest.as_secs_f64()))?;
        }
        line(
            "the last runs ended after",
            &format!("{:.0} s", self.drain.as_secs_f64()),
        )?;
        line("took", &format!("{:.0} s", self.took.as_secs_f64()))
    }
}
