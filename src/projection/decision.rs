//! Which runs and incidents become objects: the write budget in one place. Pure.
//! Invariant: a run that does not wait costs at most two writes, and what is left out is counted.

use super::bucket::Bucket;
use crate::store::Millis;

/// Writes that a new object costs: its creation and its status.
const NEW: u32 = 2;
/// Writes that a new status costs.
const STATUS: u32 = 1;

/// What the cluster shows of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// There is no object.
    Nothing,
    /// There is one, and it does not show the end.
    Open,
    /// There is one that shows the end.
    End,
}

/// What matters of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// What the cluster shows of it.
    pub shown: Shown,
    /// How it stands.
    pub stands: Stands,
    /// An object asked for it: it never gets another.
    pub from_object: bool,
    /// A person or a program asked for it, no rule.
    pub by_hand: bool,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It goes on or waits.
    Open,
    /// It failed or took too long.
    Failed,
    /// It ended in another way.
    Ended,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Make an object and give it its status.
    Create,
    /// Write the status of the object that is there.
    Report,
    /// No object; it is counted only.
    Count,
    /// Nothing has to be written.
    Leave,
    /// The budget is used up: decide again after so many milliseconds.
    Later(Millis),
}

/// What to do about a run. An open run that has no object is one that waits: others are not asked about.
pub fn run(run: Run, bucket: &mut Bucket, now: Millis) -> Decision {
    match (run.shown, run.stands) {
        (Shown::End, Stands::Open | Stands::Failed | Stands::Ended) => Decision::Leave,
        (Shown::Open, Stands::Open | Stands::Failed | Stands::Ended) => needed(Decision::Report, bucket, now),
        (Shown::Nothing, _) if run.from_object => Decision::Count,
        (Shown::Nothing, Stands::Open | Stands::Failed) => needed(Decision::Create, bucket, now),
        (Shown::Nothing, Stands::Ended) if run.by_hand => needed(Decision::Create, bucket, now),
        (Shown::Nothing, Stands::Ended) if bucket.take(NEW, now) => Decision::Create,
        (Shown::Nothing, Stands::Ended) => Decision::Count,
    }
}

/// What to do about an incident that changed; a severe one always gets its object.
pub fn incident(is_shown: bool, is_severe: bool, bucket: &mut Bucket, now: Millis) -> Decision {
    match (is_shown, is_severe) {
        (true, true | false) => needed(Decision::Report, bucket, now),
        (false, true) => needed(Decision::Create, bucket, now),
        (false, false) if bucket.take(NEW, now) => Decision::Create,
        (false, false) => Decision::Count,
    }
}

/// Writes that are put off but never left out.
fn needed(decision: Decision, bucket: &mut Bucket, now: Millis) -> Decision {
    let debt = bucket.debt(now);
    if debt > 0 {
        return Decision::Later(debt);
    }
    let writes = if decision == Decision::Create { NEW } else { STATUS };
    bucket.charge(writes, now);
    decision
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(shown: Shown) -> Run {
        Run {
            shown,
            stands: Stands::Ended,
            from_object: false,
            by_hand: false,
        }
    }

    fn empty() -> Bucket {
        Bucket::new(20, 0, 0)
    }

    #[test]
    fn each_run_gets_what_it_should() {
        let plain = ended(Shown::Nothing);
        let cases = [
            ("ended", plain, Decision::Create, Decision::Count),
            (
                "failed",
                Run {
                    stands: Stands::Failed,
                    ..plain
                },
                Decision::Create,
                Decision::Create,
            ),
            (
                "waits",
                Run {
                    stands: Stands::Open,
                    ..plain
                },
                Decision::Create,
                Decision::Create,
            ),
            (
                "by hand",
                Run { by_hand: true, ..plain },
                Decision::Create,
                Decision::Create,
            ),
            (
                "its object was deleted",
                Run {
                    from_object: true,
                    ..plain
                },
                Decision::Count,
                Decision::Count,
            ),
            ("waited", ended(Shown::Open), Decision::Report, Decision::Report),
            ("told twice", ended(Shown::End), Decision::Leave, Decision::Leave),
        ];
        for (name, run, within, above) in cases {
            assert_eq!(super::run(run, &mut Bucket::new(20, 200, 0), 0), within, "{name}");
            assert_eq!(super::run(run, &mut empty(), 0), above, "{name} above the budget");
        }
    }

    #[test]
    fn a_flood_stays_within_the_budget_and_loses_no_failure() {
        let mut bucket = Bucket::new(20, 200, 0);
        let flood: Vec<Decision> = (0..1_000)
            .map(|at| run(ended(Shown::Nothing), &mut bucket, at))
            .collect();
        let made = flood.iter().filter(|decision| **decision == Decision::Create).count();
        assert_eq!(made, 109, "100 of the burst, then ten a second");
        let failed = Run {
            stands: Stands::Failed,
            ..ended(Shown::Nothing)
        };
        let (mut now, mut made) = (1_000, 0);
        while made < 100 {
            match run(failed, &mut bucket, now) {
                Decision::Later(wait) => now += wait,
                Decision::Create => made += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(
            (10_000..12_000).contains(&now),
            "two hundred writes at twenty a second: {now}"
        );
    }

    #[test]
    fn severe_incidents_and_known_ones_are_never_left_out() {
        for (is_shown, is_severe, expected) in [
            (true, false, Decision::Report),
            (true, true, Decision::Report),
            (false, true, Decision::Create),
            (false, false, Decision::Count),
        ] {
            assert_eq!(incident(is_shown, is_severe, &mut empty(), 0), expected);
        }
        assert_eq!(incident(false, false, &mut Bucket::new(1, 2, 0), 0), Decision::Create);
    }
}
