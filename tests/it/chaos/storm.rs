//! What is done to the processes: cycles of work that end in a kill, in a state that the harness brings about and then
//! looks up in the store, with bad weather in between.

use std::time::{Duration, Instant};

use super::process::{self, Begun};
use super::site::{Kind, Site};
use super::summary::{Fault, Hit};
use super::world::Pace;
use crate::ledger::{Standing, standings};
use crate::patience::settled;

/// How long calls may take to gather in a state before the kill.
const GATHER: Duration = Duration::from_millis(500);
/// How long some calls may take to come: runs may all wait.
const LULL: Duration = Duration::from_millis(400);
/// How long the database is away at most.
const AWAY: Duration = Duration::from_millis(1_500);
/// How many runs begin at a kill.
const FRESH: usize = 8;
/// How long a takeover is waited for.
const TAKEOVER: Duration = Duration::from_secs(60);

/// How a process is brought to its end.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// At any moment.
    Anywhere,
    /// Its calls are held between their intents and the world.
    AtGate,
    /// Its calls are not answered.
    Unanswered,
    /// Its calls are answered when it can do no more.
    Answered,
}

const WAYS: [Way; 4] = [Way::Anywhere, Way::AtGate, Way::Unanswered, Way::Answered];

/// What else happens.
#[derive(Clone, Copy, Debug)]
enum Weather {
    Fair,
    /// The clock jumps, and stays wrong.
    Clock,
    /// The clock goes an hour back for a moment.
    HourBack,
    /// The disk is full for a while.
    FullDisk,
    /// The database ends all connections.
    Terminated,
    /// A connection breaks whose answers did not come back for a while.
    Cut,
    /// The database is not reached for a while.
    Away,
    /// The server of the database crashes, and starts again.
    Crash,
}

const ON_FOLDER: [Weather; 7] = [
    Weather::Fair,
    Weather::Clock,
    Weather::Fair,
    Weather::FullDisk,
    Weather::Fair,
    Weather::HourBack,
    Weather::Fair,
];
const ON_SERVER: [Weather; 8] = [
    Weather::Fair,
    Weather::Clock,
    Weather::Terminated,
    Weather::Fair,
    Weather::Cut,
    Weather::Fair,
    Weather::Away,
    Weather::Crash,
];

/// Waits for a state, but not for long: kills are counted by what they hit, not by what they were meant to hit.
async fn gathered(state: impl Fn() -> bool) {
    let _ = settled(GATHER, async || if state() { Ok(()) } else { Err(()) }).await;
}

impl Site {
    /// Lets so many runs go on, kills a process, looks at what it left, and starts another. Where `takes_over`, the runs
    /// of the dead one go on in the other first, as soon as its lease is over by itself.
    pub(super) async fn cycle(&mut self, open: usize, takes_over: bool) {
        self.summary.cycles += 1;
        let number = usize::try_from(self.summary.cycles).unwrap();
        let missing = open.saturating_sub(self.open_runs());
        let beginning = self.begin(missing, Duration::from_millis(5));
        self.let_calls_come(40).await;
        self.weather(number).await;
        self.let_calls_come(30).await;
        let victim = self.dice.below(self.seats.len());
        let late = self.begin(FRESH, Duration::from_millis(10));
        self.kill(victim, WAYS[number % WAYS.len()]).await;
        let killed = Instant::now();
        // Whoever has no answer by now gets none.
        beginning.abort();
        late.abort();
        let in_flight = self.look_at_what_is_left(victim).await;
        if takes_over && !in_flight.is_empty() {
            self.await_takeover(killed, &in_flight).await;
        }
        if let Some(replica) = &self.seats[victim].replica {
            self.ledger.bury(replica).await;
        }
        self.restart(victim).await;
        self.collect().await;
        let faults = self.world.take_faults();
        self.summary.faults.extend(faults);
    }

    /// Lets some more calls arrive, fewer than this; it takes a moment that no seed decides.
    async fn let_calls_come(&mut self, below: usize) {
        let calls = self.world.calls() + self.dice.below(below);
        self.world.called(calls, LULL).await;
    }

    /// Kills a process whose calls are not answered.
    pub(super) async fn kill_in_flight(&mut self, victim: usize) {
        self.kill(victim, Way::Unanswered).await;
    }

    async fn kill(&mut self, victim: usize, way: Way) {
        let wanted = 1 + self.dice.below(8);
        let (life, machine) = (self.seats[victim].process.life, &self.seats[victim].machine);
        match way {
            Way::Anywhere => self.let_calls_come(10).await,
            Way::AtGate => {
                machine.set_gate(true);
                gathered(|| usize::try_from(machine.queue()).is_ok_and(|queue| queue >= wanted)).await;
            }
            Way::Unanswered | Way::Answered => {
                self.world.set_pace(Pace::Held(life));
                gathered(|| self.world.unanswered(life) >= wanted).await;
            }
        }
        if let Way::Answered = way {
            self.seats[victim].process.stop();
            self.world.set_pace(Pace::Hurried(life));
            gathered(|| self.world.unanswered(life) == 0).await;
        }
        self.seats[victim].process.kill();
        self.seats[victim].machine.set_gate(false);
        self.world.set_pace(Pace::Usual);
        self.world.looked_at(life).await;
    }

    /// Counts the states that a kill hit, by what is in the store and what the world saw. Gives the runs with calls whose
    /// outcome is not known, and the lengths of their journals.
    pub(super) async fn look_at_what_is_left(&mut self, victim: usize) -> Vec<(String, usize)> {
        self.ledger.close().await;
        let replica = self.seats[victim].replica.clone();
        if replica.is_some() {
            self.ledger.settle().await;
        }
        let left = self.ledger.open_journals(replica.as_deref()).await;
        self.summary.open_at_kills += left.len();
        let life = self.seats[victim].process.life;
        let (mut found, mut in_flight) = (Vec::new(), Vec::new());
        for (run, (playbook, journal)) in left {
            let before = self.hits.len();
            for (id, standing) in standings(&journal) {
                let key = format!("{run}/{}/{}", self.action_name(&playbook, id.1), id.0.0);
                found.extend(self.hit(key, standing, life));
            }
            if self.hits.len() > before {
                in_flight.push((run, journal.len()));
            }
        }
        for hit in Hit::ALL {
            let count = found.iter().filter(|found| **found == hit).count();
            let (kills, actions) = self.summary.kills.entry(hit).or_default();
            *kills += u32::from(count > 0);
            *actions += count;
        }
        self.ledger.close().await;
        in_flight
    }

    fn hit(&mut self, key: String, standing: Standing, life: u32) -> Option<Hit> {
        let hit = match standing {
            Standing::Calling(attempt) => match self.world.last(&key, attempt, life) {
                None => Hit::Intent,
                Some(false) => Hit::Flight,
                Some(true) => Hit::Uncommitted,
            },
            Standing::Waiting(_) => return Some(Hit::Waiting),
            Standing::Inside | Standing::Over => return None,
        };
        self.hits.insert(key);
        Some(hit)
    }

    /// Measures how long the runs of a dead process take to go on elsewhere.
    pub(super) async fn await_takeover(&mut self, killed: Instant, in_flight: &[(String, usize)]) {
        for (run, length) in in_flight {
            let left = TAKEOVER.saturating_sub(killed.elapsed());
            let goes_on = async || match self.ledger.journal(run).await.len() {
                now if now == *length => Err(()),
                _ => Ok(()),
            };
            if settled(left, goes_on).await.is_err() {
                let text = format!("{run} was not taken over");
                self.summary.faults.push((Fault::Stuck, text));
            }
        }
        self.summary.takeovers.push(killed.elapsed());
    }

    async fn weather(&mut self, number: usize) {
        let names: &[Weather] = match self.kind {
            Kind::Folder => &ON_FOLDER,
            Kind::Server => &ON_SERVER,
            Kind::Lagging | Kind::Calm => return,
        };
        let seat = self.dice.below(self.seats.len());
        let weather = names[number % names.len()];
        let name = match weather {
            Weather::Fair => return,
            Weather::Clock => self.set_clock_wrong(seat),
            Weather::HourBack => self.set_clock_back(seat).await,
            Weather::FullDisk => self.fill_disk(seat).await,
            Weather::Terminated => {
                self.ledger.break_connections().await;
                "connections ended by the database"
            }
            Weather::Cut => self.cut(seat).await,
            Weather::Away => self.take_database_away().await,
            Weather::Crash => self.crash_database().await,
        };
        *self.summary.weather.entry(name).or_default() += 1;
        if matches!(
            weather,
            Weather::FullDisk | Weather::Terminated | Weather::Cut | Weather::Away | Weather::Crash
        ) {
            self.troubled.push(self.summary.cycles);
            self.let_calls_come(5).await;
        }
    }

    fn set_clock_wrong(&mut self, seat: usize) -> &'static str {
        let clock = match self.kind {
            // Clocks of several machines drift apart, but not far.
            Kind::Server | Kind::Calm => self.dice.between(-5_000, 5_000),
            Kind::Folder | Kind::Lagging => self.seats[seat].clock + self.dice.between(-5_000, 30_000),
        };
        self.seats[seat].clock = clock;
        self.seats[seat].machine.set_clock(clock);
        "clock jumps"
    }

    async fn set_clock_back(&mut self, seat: usize) -> &'static str {
        let clock = self.seats[seat].clock;
        self.seats[seat].machine.set_clock(clock - 3_600_000);
        self.let_calls_come(20).await;
        self.seats[seat].machine.set_clock(clock);
        "clock an hour back for a moment"
    }

    /// While the disk is full nothing is accepted, and whoever asks is told why.
    async fn fill_disk(&mut self, seat: usize) -> &'static str {
        self.seats[seat].machine.set_disk_full(true);
        for _ in 0..3 {
            match self.begin_one(seat).await {
                Begun::Refused(503, text) if text.contains("full") => {}
                other => panic!("the disk is full, and the wish to run a playbook comes to {other:?}"),
            }
            self.let_calls_come(5).await;
        }
        self.seats[seat].machine.set_disk_full(false);
        "disk full"
    }

    async fn cut(&mut self, seat: usize) -> &'static str {
        if let Some(way) = &self.seats[seat].way {
            way.mute();
            way.hold(2, LULL).await;
            way.shut();
            way.hold(1, LULL).await;
            way.open();
        }
        "connections cut within commits"
    }

    async fn take_database_away(&mut self) -> &'static str {
        let ways = || self.seats.iter().filter_map(|seat| seat.way.as_ref());
        ways().for_each(|way| way.shut());
        futures::future::join_all(ways().map(|way| way.hold(20, AWAY))).await;
        ways().for_each(|way| way.open());
        "database away for a while"
    }

    /// A server one of whose processes is killed takes all of them to be broken, and starts again.
    async fn crash_database(&mut self) -> &'static str {
        let backend = self.ledger.backend().await;
        process::signal("KILL", &backend);
        "crashes of the database's server"
    }
}
