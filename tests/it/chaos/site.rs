//! Everything around a harness: the world, the store, the processes that share it, the runs that were begun, and what
//! becomes of them.
//! Invariant: each run that is known is checked once, when it has ended.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::check::Ended;
use super::dice::Dice;
use super::machine::{self, Machine, Way};
use super::playbook::Model;
use super::process::{Begun, Process, begin};
use super::summary::{Fault, Summary};
use super::worker::{Place, Task};
use super::world::World;
use crate::ledger::Ledger;
use crate::patience::settled;
use crate::postgres::{Database, Server};

/// How long the last runs may take to end.
const DRAIN: Duration = Duration::from_secs(50);
/// The cycle of what happens before the first.
const BEGINNING: u32 = 0;

/// Where the processes have their store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One process with SQLite in a folder.
    Folder,
    /// The same on a disk that says too early that it has something.
    Lagging,
    /// Two processes that share a database of PostgreSQL.
    Server,
    /// The same where the server stays as it is.
    Calm,
}

/// A process and the machine that it runs on.
pub(super) struct Seat {
    pub(super) machine: Machine,
    /// The way to the database, if it is a server.
    pub(super) way: Option<Way>,
    place: Place,
    pub(super) process: Process,
    /// Its name among those that share the database.
    pub(super) replica: Option<String>,
    /// By how many milliseconds its clock is wrong.
    pub(super) clock: i64,
}

/// A run that was begun, or seen.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// The cycle in which it was first heard of.
    since: u32,
    is_acknowledged: bool,
}

/// The runs that are known and not checked.
#[derive(Clone, Default)]
struct Runs(Arc<Mutex<BTreeMap<String, Known>>>);

impl Runs {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.0.lock().unwrap()
    }
}

pub(super) struct Site {
    pub(super) kind: Kind,
    home: TempDir,
    library: PathBuf,
    pub(super) world: World,
    pub(super) ledger: Arc<Ledger>,
    models: Arc<BTreeMap<String, Model>>,
    pub(super) seats: Vec<Seat>,
    pub(super) dice: Dice,
    lives: u32,
    runs: Runs,
    checked: HashSet<String>,
    /// The calls that a kill hit before their answer was committed.
    pub(super) hits: HashSet<String>,
    /// The cycles in which the store failed.
    pub(super) troubled: Vec<u32>,
    pub(super) summary: Summary,
    begun: Instant,
}

impl Site {
    /// Starts the processes over an empty store, with these playbooks of a world.
    pub(super) async fn open(kind: Kind, seed: u64, models: impl FnOnce(&str) -> Vec<Model>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let world = World::start(seed).await;
        let models: BTreeMap<_, _> = models(world.url())
            .into_iter()
            .map(|model| (model.name.clone(), model))
            .collect();
        let definitions: BTreeMap<_, _> = models.iter().map(|(name, model)| (name, &model.definition)).collect();
        let text = serde_json::to_string(&definitions).unwrap();
        std::fs::write(home.path().join("playbooks.json"), text).unwrap();
        let models = Arc::new(models);
        let data = home.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let database = match kind {
            Kind::Folder | Kind::Lagging => None,
            Kind::Server => Some(Database::on(Server::fragile).await),
            Kind::Calm => Some(Database::new().await),
        };
        let ledger = Arc::new(match &database {
            None => Ledger::of_file(data.join("riposte.db"), kind == Kind::Lagging),
            Some(database) => Ledger::of_server(database.clone()),
        });
        world.watch(ledger.clone(), models.clone());
        let mut site = Self {
            kind,
            library: machine::library(home.path()),
            home,
            world,
            ledger,
            models,
            seats: Vec::new(),
            dice: Dice(seed),
            lives: 0,
            runs: Runs::default(),
            checked: HashSet::new(),
            hits: HashSet::new(),
            troubled: Vec::new(),
            summary: Summary {
                title: format!("{kind:?}, seed {seed}"),
                ..Summary::default()
            },
            begun: Instant::now(),
        };
        match database {
            None if kind == Kind::Lagging => site.add(Place::Lagging(data), None).await,
            None => site.add(Place::Folder(data), None).await,
            Some(database) => {
                for number in 0..2 {
                    let folder = site.home.path().join(format!("way{number}"));
                    let way = Way::new(folder, database.socket());
                    site.add(Place::Server(database.url_by(&way.folder)), Some(way)).await;
                }
            }
        }
        site
    }

    async fn add(&mut self, place: Place, way: Option<Way>) {
        let number = self.seats.len();
        let machine = Machine::new(self.home.path().join(format!("machine{number}")));
        let (process, replica) = self.start(&machine, &place).await;
        self.seats.push(Seat {
            machine,
            way,
            place,
            process,
            replica,
            clock: 0,
        });
        self.tell_doors();
    }

    /// Starts a process on a machine, and learns its name if it shares the database.
    async fn start(&mut self, machine: &Machine, place: &Place) -> (Process, Option<String>) {
        self.lives += 1;
        let task = Task {
            place: place.clone(),
            playbooks: self.home.path().join("playbooks.json"),
            machine: machine.file.clone(),
            life: self.lives,
        };
        let known: HashSet<String> = self.seats.iter().filter_map(|seat| seat.replica.clone()).collect();
        let dead: HashSet<String> = match place {
            Place::Server(_) if !self.seats.is_empty() => self.ledger.replicas().await.into_iter().collect(),
            _ => HashSet::new(),
        };
        let process = Process::start(&task, machine, &self.library, &self.home.path().join("log")).await;
        if !matches!(place, Place::Server(_)) {
            return (process, None);
        }
        let is_new = |name: &String| !known.contains(name) && !dead.contains(name);
        let named = async || self.ledger.replicas().await.into_iter().find(is_new).ok_or(());
        let name = settled(DRAIN, named).await;
        (
            process,
            Some(name.expect("the process takes part in the division of runs")),
        )
    }

    fn tell_doors(&self) {
        let urls = self.seats.iter().map(|seat| seat.process.url.clone());
        self.world.set_doors(urls.collect());
    }

    /// Starts another process in the place of one that is dead.
    pub(super) async fn restart(&mut self, seat: usize) {
        let mut taken = self.seats.remove(seat);
        let (process, replica) = self.start(&taken.machine, &taken.place).await;
        (taken.process, taken.replica) = (process, replica);
        self.seats.insert(seat, taken);
        self.tell_doors();
    }

    /// How many known runs have not ended, as far as one has looked.
    pub(super) fn open_runs(&self) -> usize {
        self.runs.lock().len()
    }

    /// How many runs are known, and were.
    pub(super) fn known_runs(&self) -> usize {
        self.open_runs() + self.checked.len()
    }

    /// Begins runs through the processes, one after the other with a pause in between.
    pub(super) fn begin(&mut self, count: usize, pause: Duration) -> JoinHandle<()> {
        let names: Vec<&String> = self.models.keys().collect();
        let wishes: Vec<(String, String)> = (0..count)
            .map(|_| {
                let name = names[self.dice.below(names.len())].clone();
                let seat = self.dice.below(self.seats.len());
                (self.seats[seat].process.url.clone(), name)
            })
            .collect();
        let (client, runs, since) = (self.world.client().clone(), self.runs.clone(), self.summary.cycles);
        tokio::spawn(async move {
            let mut turns = tokio::time::interval(pause);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for (url, name) in wishes {
                turns.tick().await;
                if let Begun::Run(run) = begin(&client, &url, &name).await {
                    let is_acknowledged = true;
                    runs.lock().insert(run, Known { since, is_acknowledged });
                }
            }
        })
    }

    /// Asks a process to begin a run, which it may refuse.
    pub(super) async fn begin_one(&self, seat: usize) -> Begun {
        let name = self.models.keys().next().unwrap();
        let begun = begin(self.world.client(), &self.seats[seat].process.url, name).await;
        if let Begun::Run(run) = &begun {
            let (since, is_acknowledged) = (self.summary.cycles, true);
            self.runs.lock().insert(run.clone(), Known { since, is_acknowledged });
        }
        begun
    }

    /// Checks the runs that have ended since the last look; gives how many are open.
    pub(super) async fn collect(&mut self) -> usize {
        let known: Vec<(String, Known)> = self.runs.lock().clone().into_iter().collect();
        let open: HashSet<String> = self.ledger.open_runs().await.into_iter().collect();
        for (run, known) in known {
            if !open.contains(&run) {
                self.check(&run, known).await;
            }
        }
        // A process that dies may have begun a run without a word.
        let since = self.summary.cycles;
        let mut runs = self.runs.lock();
        for run in &open {
            runs.entry(run.clone()).or_insert(Known {
                since,
                is_acknowledged: false,
            });
        }
        open.len()
    }

    async fn check(&mut self, run: &str, known: Known) {
        let (playbook, status) = match self.ledger.run(run).await {
            Some((playbook, Some(status))) => (playbook, status),
            Some((_, None)) => return,
            None => {
                if known.is_acknowledged {
                    self.summary.faults.push((Fault::Lost, run.to_owned()));
                }
                self.runs.lock().remove(run);
                return;
            }
        };
        let journal = self.ledger.journal(run).await;
        let (arrivals, posted) = self.world.take(run);
        let cycles = known.since..=self.summary.cycles;
        let ended = Ended {
            run,
            model: &self.models[&playbook],
            journal: &journal,
            status: &status,
            arrivals: &arrivals,
            posted: &posted,
            hits: &self.hits,
            is_troubled: self.troubled.iter().any(|cycle| cycles.contains(cycle)),
        };
        ended.check(&mut self.summary);
        for arrival in arrivals {
            self.hits.remove(&arrival.key);
        }
        self.runs.lock().remove(run);
        self.checked.insert(run.to_owned());
    }

    /// The name of the action of an execution in a playbook.
    pub(super) fn action_name(&self, playbook: &str, id: riposte::definition::ActionId) -> String {
        self.models[playbook].workflow.action(id).name.to_string()
    }

    /// Waits until all runs have ended, checks all that there ever were, and gives the summary.
    pub(super) async fn finish(mut self) -> Summary {
        let begun = Instant::now();
        let ended = async || match self.collect().await {
            0 => Ok(()),
            open => Err(open),
        };
        // Those that are open at the deadline are stuck, and counted so below.
        let _ = settled(DRAIN, ended).await;
        self.summary.drain = begun.elapsed();
        for run in self.ledger.open_runs().await {
            let wake = self
                .ledger
                .texts("SELECT wake_at || '/' || seq FROM runs WHERE id = $1", Some(&run));
            let text = format!("{run} wakes at (wake_at/seq) {:?}", wake.await);
            self.summary.faults.push((Fault::Stuck, text));
        }
        let known = Known {
            since: BEGINNING,
            is_acknowledged: false,
        };
        for run in self.ledger.runs().await {
            if !self.checked.contains(&run) {
                self.check(&run, known).await;
            }
        }
        self.summary.faults.extend(self.world.take_faults());
        self.summary.calls = self.world.calls();
        self.summary.took = self.begun.elapsed();
        if let (false, Some(folder)) = (self.summary.faults.is_empty(), std::env::var_os("CHAOS_KEEP")) {
            std::fs::rename(self.home.path(), folder).unwrap();
        }
        self.summary
    }
}
