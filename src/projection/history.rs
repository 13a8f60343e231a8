//! Which objects have to go: history limits and ages, as CronJob has them. Pure.
//! Invariant: only objects that Riposte made and that show an end are ever chosen; a person's object may stand in Git,
//! and would be made, and run, again.

use std::collections::BTreeMap;

use crate::store::Millis;

/// Objects that one request deletes at most.
pub const BATCH: usize = 50;

/// An object that shows an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Namespace.
    pub namespace: String,
    /// What its limits count together: the playbook, or nothing for incidents.
    pub group: String,
    /// What it is deleted by.
    pub key: String,
    /// Whether it ended well.
    pub succeeded: bool,
    /// When it ended.
    pub ended_at: Millis,
    /// After how many milliseconds it goes in any case.
    pub keep: Option<Millis>,
}

/// How many objects are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// That ended well.
    pub successful: usize,
    /// That failed.
    pub failed: usize,
}

/// The keys to delete now, by namespace, at most [`BATCH`] each: the oldest beyond the limits, and those that are too old.
pub fn expired(objects: &[Past], limits: impl Fn(&str, &str) -> Limits, now: Millis) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<(&str, &str, bool), Vec<&Past>> = BTreeMap::new();
    for object in objects {
        let group = (object.namespace.as_str(), object.group.as_str(), object.succeeded);
        groups.entry(group).or_default().push(object);
    }
    let mut expired: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((namespace, group, succeeded), mut objects) in groups {
        objects.sort_unstable_by(|one, other| (other.ended_at, &other.key).cmp(&(one.ended_at, &one.key)));
        let limits = limits(namespace, group);
        let keep = if succeeded { limits.successful } else { limits.failed };
        let chosen = expired.entry(namespace.to_owned()).or_default();
        let too_old = |past: &Past| past.keep.is_some_and(|keep| past.ended_at.saturating_add(keep) <= now);
        let surplus = objects
            .iter()
            .enumerate()
            .filter(|(index, past)| *index >= keep || too_old(past));
        let room = BATCH.saturating_sub(chosen.len());
        chosen.extend(surplus.rev().take(room).map(|(_, past)| past.key.clone()));
    }
    expired.retain(|_, keys| !keys.is_empty());
    expired
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        successful: 3,
        failed: 5,
    };

    fn past(group: &str, key: u64, succeeded: bool) -> Past {
        Past {
            namespace: "soc".into(),
            group: group.into(),
            key: format!("{key:03}"),
            succeeded,
            ended_at: Millis::try_from(key).unwrap(),
            keep: None,
        }
    }

    #[test]
    fn the_newest_stay() {
        let objects: Vec<Past> = (0..6)
            .flat_map(|key| {
                [
                    past("one", key, true),
                    past("one", 100 + key, false),
                    past("two", 200 + key, true),
                ]
            })
            .collect();
        let mut gone = expired(&objects, |_, _| LIMITS, 0).remove("soc").unwrap();
        gone.sort();
        assert_eq!(gone, ["000", "001", "002", "100", "200", "201", "202"]);
        let kept: Vec<Past> = objects.into_iter().filter(|past| !gone.contains(&past.key)).collect();
        assert_eq!(expired(&kept, |_, _| LIMITS, 0), BTreeMap::new());
    }

    #[test]
    fn what_is_too_old_goes_within_the_limits() {
        let object = Past {
            keep: Some(60_000),
            ..past("one", 1_000, true)
        };
        assert!(expired(std::slice::from_ref(&object), |_, _| LIMITS, 60_999).is_empty());
        assert_eq!(expired(&[object], |_, _| LIMITS, 61_000)["soc"], ["1000"]);
    }

    #[test]
    fn a_flood_goes_in_small_batches_the_oldest_first() {
        let objects: Vec<Past> = (0..200).map(|key| past("one", key, true)).collect();
        let gone = &expired(&objects, |_, _| LIMITS, 0)["soc"];
        assert_eq!(
            (gone.len(), gone[0].as_str(), gone[BATCH - 1].as_str()),
            (BATCH, "000", "049")
        );
    }
}
