//! Which replica drives which runs. The runs of a database are divided into shards by their identities; a replica drives
//! those of the shards that it holds. It holds one until a time on the database's clock and says in time that it goes on;
//! a shard that nobody holds any more is another's. Replicas that live share the shards evenly. A store in a folder is
//! alone and holds everything.
//!
//! Invariants: a shard has one holder; a replica takes its lease to be over before the database does, because it counts
//! from before it asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::sql::{Connection, FromRow, Row, query};
use super::{Address, Error, batch};

/// How many shards there are.
const SHARDS: u32 = 64;
/// How long a shard is held without a word.
const LEASE: Duration = Duration::from_secs(6);
/// How often a replica says that it goes on.
const RENEW: Duration = Duration::from_secs(2);
/// How long after a failure it is tried again.
const AFTER_FAILURE: Duration = Duration::from_millis(250);
/// How long after the lease of another has run out its shards are looked at.
const AFTER_OTHERS: Duration = Duration::from_millis(20);
/// The key of the lock under which replicas divide the shards, see [`super::batch`].
const DIVISION: i64 = 0x7269_706f_7374_6502;

/// The database's clock, in milliseconds.
macro_rules! clock {
    () => {
        "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)"
    };
}

/// Some of the shards, a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shards(u64);

impl Shards {
    const ALL: Shards = Shards(u64::MAX);

    fn of(shard: u32) -> Shards {
        Shards(1 << (shard % SHARDS))
    }

    /// The shard of a run.
    pub fn of_run(run: &str) -> Shards {
        Shards::of(shard_of(run))
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are not among others.
    #[must_use]
    pub fn without(self, others: Shards) -> Shards {
        Shards(self.0 & !others.0)
    }

    /// Those and others.
    #[must_use]
    pub fn with(self, others: Shards) -> Shards {
        Shards(self.0 | others.0)
    }

    /// Whether the shard of a run is among them.
    pub fn has(self, run: &str) -> bool {
        self.0 & Shards::of_run(run).0 != 0
    }

    /// How many there are.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// The first so many of them.
    fn first(self, count: u32) -> Shards {
        let each = (0..SHARDS).map(Shards::of).filter(|shard| self.0 & shard.0 != 0);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        each.take(count).fold(Shards::default(), Shards::with)
    }

    /// As the database has them.
    pub(super) fn bits(self) -> i64 {
        self.0.cast_signed()
    }
}

/// The shard of a run: FNV-1a of its identity, mixed as MurmurHash3 ends, because identities differ at their ends. It is the
/// same in every version and on every machine.
pub(super) fn shard_of(run: &str) -> u32 {
    let hash = run.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    u32::try_from((hash ^ (hash >> 33)) % u64::from(SHARDS)).unwrap_or(0)
}

/// What a replica holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The shards whose runs it may drive.
    pub held: Shards,
    /// Those of them that it gives up: what goes on is brought to rest, nothing is begun.
    pub leaving: Shards,
}

/// The lease of a store on its runs; clones share it.
#[derive(Clone, Debug)]
pub struct Lease(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    name: String,
    address: Address,
    standing: watch::Sender<Standing>,
    /// Until when, and what was let go since the database was told.
    term: Mutex<Term>,
    wake: Notify,
}

#[derive(Debug)]
struct Term {
    /// Whether this store has ever asked for shards.
    asked: bool,
    until: Instant,
    released: Shards,
}

impl Lease {
    /// The lease of a store that nobody shares.
    pub(super) fn alone() -> Lease {
        Lease(None)
    }

    pub(super) fn shared(name: String, address: Address) -> Lease {
        Lease(Some(Arc::new(Shared {
            name,
            address,
            standing: watch::channel(Standing::default()).0,
            term: Mutex::new(Term {
                asked: false,
                until: Instant::now(),
                released: Shards::default(),
            }),
            wake: Notify::new(),
        })))
    }

    /// What this store holds at this moment.
    pub fn standing(&self) -> Standing {
        match &self.0 {
            None => Standing {
                held: Shards::ALL,
                leaving: Shards::default(),
            },
            Some(shared) if Instant::now() < shared.term().until => *shared.standing.borrow(),
            Some(_) => Standing::default(),
        }
    }

    /// Whether this store may go on with a run at this moment: to be asked before each step.
    pub fn holds(&self, run: &str) -> bool {
        self.0.is_none() || self.standing().held.has(run)
    }

    /// Whether this store may take a run up at this moment. What is not a run but has to be done once is divided likewise.
    pub fn takes(&self, run: &str) -> bool {
        let takes = |standing: Standing| standing.held.without(standing.leaving).has(run);
        self.0.is_none() || takes(self.standing())
    }

    /// The shards from which runs are taken up, as the database has them; `None` for all. A store that never asked for any
    /// is one that only looks.
    pub(super) fn filter(&self) -> Option<i64> {
        let shared = self.0.as_ref()?;
        let standing = self.standing();
        Some(match shared.term().asked {
            true => standing.held.without(standing.leaving).bits(),
            false => Shards::ALL.bits(),
        })
    }

    /// What this store holds, whenever it changes; `None` where it is alone.
    pub fn subscribe(&self) -> Option<watch::Receiver<Standing>> {
        let mut standing = self.0.as_ref()?.standing.subscribe();
        standing.mark_changed();
        Some(standing)
    }

    /// Lets shards go whose runs have come to rest.
    pub fn let_go(&self, shards: Shards) {
        let Some(shared) = &self.0 else { return };
        let mut term = shared.term();
        term.released = term.released.with(shards);
        shared.standing.send_modify(|standing| {
            standing.held = standing.held.without(shards);
            standing.leaving = standing.leaving.without(shards);
        });
        shared.wake.notify_one();
    }

    /// Takes part in the division of runs until `stop`, then gives up everything at once. A store that is alone does
    /// nothing.
    pub async fn keep(&self, stop: CancellationToken) {
        let Some(shared) = &self.0 else {
            stop.cancelled().await;
            return;
        };
        shared.term().asked = true;
        let mut connection = None;
        while !stop.is_cancelled() {
            let nap = shared.renew(&mut connection).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = shared.wake.notified() => {}
                () = tokio::time::sleep(nap) => {}
            }
        }
        self.let_go(Shards::ALL);
        if let Err(error) = shared.leave(&mut connection).await {
            tracing::warn!(%error, "the runs of this replica go on elsewhere when its lease is over");
        }
    }
}

impl Shared {
    fn term(&self) -> MutexGuard<'_, Term> {
        // The term is valid after every step.
        self.term.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds on to the lease, and says when to do so again.
    async fn renew(&self, connection: &mut Option<Connection>) -> Duration {
        let asked = Instant::now();
        let released = self.term().released;
        let before = *self.standing.borrow();
        let holding = match asked < self.term().until {
            true => before.held,
            false => Shards::default(),
        };
        match timeout(RENEW, self.divide(connection, holding)).await {
            Ok(Ok(division)) => {
                let mut term = self.term();
                term.until = asked + LEASE;
                // What was let go in the meantime stays so.
                let since = term.released.without(released);
                term.released = since;
                let standing = Standing {
                    held: division.own.without(since),
                    leaving: division.leaving.without(since),
                };
                self.standing
                    .send_if_modified(|known| std::mem::replace(known, standing) != standing);
                return division.nap;
            }
            Ok(Err(error)) => tracing::warn!(%error, "the lease on runs is not renewed; it is tried again"),
            Err(_) => {
                tracing::warn!("the lease on runs is not renewed: the database does not answer; it is tried again")
            }
        }
        // A connection that was left in the middle of something is of no more use.
        *connection = None;
        if self.term().until <= Instant::now() {
            self.standing
                .send_if_modified(|known| std::mem::take(known) != Standing::default());
        }
        AFTER_FAILURE
    }

    async fn divide(&self, connection: &mut Option<Connection>, holding: Shards) -> Result<Division, Error> {
        let connection = self.reach(connection).await?;
        batch::execute(connection, "BEGIN").await?;
        let lock = query("SELECT pg_advisory_xact_lock($1)").bind(DIVISION);
        lock.execute(connection).await?;
        let until = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        let live = query(concat!(
            "INSERT INTO replicas (name, until) VALUES ($1, ",
            clock!(),
            " + $2) ON CONFLICT (name) DO UPDATE SET until = excluded.until"
        ));
        live.bind(&self.name).bind(until).execute(connection).await?;
        let gone = query(concat!("DELETE FROM replicas WHERE until <= ", clock!()));
        gone.execute(connection).await?;
        let replicas: i64 = query("SELECT count(*) FROM replicas").one(&mut *connection).await?;
        let rows = query(concat!(
            "SELECT shard, owner, until - ",
            clock!(),
            " AS rest FROM shards ORDER BY shard"
        ));
        let rows: Vec<Held> = rows.all(&mut *connection).await?;
        let division = divide(&rows, &self.name, holding, replicas);
        let take = query(concat!(
            "UPDATE shards SET owner = $1, until = ",
            clock!(),
            " + $2 WHERE (1::bigint << shard::int) & $3 <> 0"
        ));
        let take = take.bind(&self.name).bind(until).bind(division.own.bits());
        take.execute(connection).await?;
        let leave =
            query("UPDATE shards SET owner = NULL, until = 0 WHERE owner = $1 AND (1::bigint << shard::int) & $2 = 0");
        leave
            .bind(&self.name)
            .bind(division.own.bits())
            .execute(connection)
            .await?;
        batch::execute(connection, "COMMIT").await?;
        Ok(division)
    }

    /// Gives everything back.
    async fn leave(&self, connection: &mut Option<Connection>) -> Result<(), Error> {
        let leaving = async {
            let connection = self.reach(connection).await?;
            let free = query("UPDATE shards SET owner = NULL, until = 0 WHERE owner = $1").bind(&self.name);
            free.execute(connection).await?;
            let gone = query("DELETE FROM replicas WHERE name = $1").bind(&self.name);
            gone.execute(connection).await?;
            Ok(())
        };
        let late = |_| Error::Database("the database does not answer".to_owned());
        timeout(RENEW, leaving).await.map_err(late)?
    }

    async fn reach<'a>(&self, connection: &'a mut Option<Connection>) -> Result<&'a mut Connection, Error> {
        let made = match connection.take() {
            Some(connection) => connection,
            None => Connection::Postgres(self.address.options().connect().await?),
        };
        Ok(connection.insert(made))
    }
}

/// A shard as the database has it.
#[derive(Clone, Debug)]
struct Held {
    shard: Shards,
    owner: Option<String>,
    /// How long it is still held, in milliseconds; less than 1 if it is not.
    rest: i64,
}

impl FromRow for Held {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        let shard: i64 = row.get("shard")?;
        Ok(Held {
            shard: Shards::of(u32::try_from(shard).unwrap_or(0)),
            owner: row.get("owner")?,
            rest: row.get("rest")?,
        })
    }
}

/// How a replica takes part.
#[derive(Debug, PartialEq, Eq)]
struct Division {
    own: Shards,
    leaving: Shards,
    /// When it looks again.
    nap: Duration,
}

/// What a replica shall hold of the shards: what it holds, and of the free ones as many as make its share. What it holds
/// beyond its share it gives up.
fn divide(shards: &[Held], name: &str, holding: Shards, replicas: i64) -> Division {
    let replicas = u32::try_from(replicas).unwrap_or(1).max(1);
    let share = SHARDS.div_ceil(replicas);
    let is_own = |held: &&Held| held.owner.as_deref() == Some(name);
    let gather = |shards: Shards, held: &Held| shards.with(held.shard);
    let own = shards.iter().filter(is_own).fold(Shards::default(), gather);
    let kept = own.without(own.without(holding));
    let is_free = |held: &&Held| held.owner.is_none() || held.rest <= 0 || is_own(held);
    let free = shards
        .iter()
        .filter(is_free)
        .fold(Shards::default(), gather)
        .without(kept);
    let own = kept.with(free.first(share.saturating_sub(kept.count())));
    let others = shards
        .iter()
        .filter(|held| held.owner.is_some() && !is_own(held) && held.rest > 0);
    let next: BTreeSet<i64> = others.map(|held| held.rest).collect();
    let next = next.first().and_then(|rest| u64::try_from(*rest).ok());
    Division {
        own,
        leaving: own.without(own.first(share)),
        nap: next.map_or(RENEW, |rest| RENEW.min(Duration::from_millis(rest) + AFTER_OTHERS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shards of a database: so many of each owner, who hold them for so long yet.
    fn shards(owners: &[(Option<&str>, i64, u32)]) -> Vec<Held> {
        let each = owners
            .iter()
            .flat_map(|(owner, rest, count)| (0..*count).map(move |_| (*owner, *rest)));
        let held = each.zip(0..SHARDS).map(|((owner, rest), shard)| Held {
            shard: Shards::of(shard),
            owner: owner.map(str::to_owned),
            rest,
        });
        held.collect()
    }

    #[test]
    fn a_replica_that_is_alone_takes_all_that_nobody_holds() {
        let free = shards(&[(None, 0, 64)]);
        let division = divide(&free, "a", Shards::default(), 1);
        assert_eq!((division.own, division.nap), (Shards::ALL, RENEW));
        let dead = shards(&[(Some("b"), 0, 32), (Some("a"), 4_000, 32)]);
        let own = Shards::ALL.without(Shards::ALL.first(32));
        assert_eq!(divide(&dead, "a", own, 1).own, Shards::ALL);
    }

    #[test]
    fn what_another_holds_is_left_to_it_until_its_time_is_over() {
        let held = shards(&[(Some("b"), 1_500, 64)]);
        let division = divide(&held, "a", Shards::default(), 2);
        assert!(division.own.is_empty());
        assert_eq!(division.nap, Duration::from_millis(1_520));
    }

    #[test]
    fn the_surplus_is_given_up_and_what_was_let_go_is_not_kept() {
        let all = shards(&[(Some("a"), 5_000, 64)]);
        let division = divide(&all, "a", Shards::ALL, 2);
        assert_eq!((division.own.count(), division.leaving.count()), (64, 32));
        let kept = Shards::ALL.without(division.leaving);
        let division = divide(&all, "a", kept, 2);
        assert_eq!((division.own, division.leaving), (kept, Shards::default()));
    }

    #[test]
    fn live_replicas_share_all_shards_whoever_comes_first() {
        let mut left = shards(&[(None, 0, 64)]);
        let mut counts = Vec::new();
        for name in ["a", "b", "c"] {
            let own = divide(&left, name, Shards::default(), 3).own;
            counts.push(own.count());
            for held in left.iter_mut().filter(|held| own.0 & held.shard.0 != 0) {
                (held.owner, held.rest) = (Some(name.to_owned()), 6_000);
            }
        }
        assert_eq!(counts, [22, 22, 20]);
        assert!(left.iter().all(|held| held.owner.is_some()));
    }

    #[test]
    fn a_run_has_the_same_shard_for_ever_and_shards_are_even() {
        assert_eq!(
            ["", "a", "0190c0de-0000-7000-8000-000000000001"].map(shard_of),
            [38, 27, 21]
        );
        let mut counts = [0; SHARDS as usize];
        for n in 0..6_400_u32 {
            counts[shard_of(&format!("0190c0de-0000-7000-8000-{n:012}")) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (40..=180).contains(count)), "{counts:?}");
    }
}
