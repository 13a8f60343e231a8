//! What has to be shown, and when. Pure.
//! Invariant: the acknowledged position is behind every change that is still to be shown, so after a crash or an outage
//! of the API server nothing is lost.

use std::collections::HashMap;

use crate::store::Millis;

/// Something that has to be shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// A run, by its id.
    Run(String),
    /// An incident, by its id.
    Incident(String),
    /// The counts of runs of a playbook: namespace and name.
    Counts(String, String),
    /// How an automation rule did: workspace and name.
    Rule(String, String),
}

/// When an item is due, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub due: Millis,
    /// The first change of the log that it stands for, if one.
    pub position: Option<i64>,
    /// How often it failed in a row.
    pub failures: u32,
}

/// Items by their time.
#[derive(Clone, Debug, Default)]
pub struct Agenda {
    entries: HashMap<Item, Entry>,
    read: i64,
}

impl Agenda {
    /// An empty agenda behind a position of the log.
    pub fn behind(position: i64) -> Self {
        Self {
            entries: HashMap::new(),
            read: position,
        }
    }

    /// How far the log is read.
    pub fn read(&self) -> i64 {
        self.read
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing has to be shown.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Notes that the log is read up to a change that nothing has to be shown for.
    pub fn pass(&mut self, position: i64) {
        self.read = self.read.max(position);
    }

    /// Notes a change of the log.
    pub fn change(&mut self, item: Item, position: i64, due: Millis) {
        self.read = self.read.max(position);
        self.put(
            item,
            Entry {
                due,
                position: Some(position),
                failures: 0,
            },
        );
    }

    /// Notes something that no change of the log stands for. What is due earlier stays so: changes gather until then.
    pub fn note(&mut self, item: Item, due: Millis) {
        self.put(
            item,
            Entry {
                due,
                position: None,
                failures: 0,
            },
        );
    }

    /// Takes the items that are due, the earliest first.
    pub fn take(&mut self, now: Millis, limit: usize) -> Vec<(Item, Entry)> {
        let mut due: Vec<(Millis, Item)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.due <= now)
            .map(|(item, entry)| (entry.due, item.clone()))
            .collect();
        due.sort_unstable();
        due.truncate(limit);
        due.into_iter()
            .filter_map(|(_, item)| self.entries.remove_entry(&item))
            .collect()
    }

    /// Puts an item back, to be shown later.
    pub fn put_back(&mut self, item: Item, entry: Entry) {
        self.put(item, entry);
    }

    /// When the next item is due.
    pub fn next_due(&self) -> Option<Millis> {
        self.entries.values().map(|entry| entry.due).min()
    }

    /// Up to where everything of the log is shown.
    pub fn acknowledged(&self) -> i64 {
        let open = self.entries.values().filter_map(|entry| entry.position).min();
        open.map_or(self.read, |first| first - 1)
    }

    fn put(&mut self, item: Item, entry: Entry) {
        let known = self.entries.entry(item).or_insert(entry);
        known.due = known.due.min(entry.due);
        known.failures = known.failures.max(entry.failures);
        known.position = match (known.position, entry.position) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str) -> Item {
        Item::Run(id.into())
    }

    #[test]
    fn changes_of_one_item_are_shown_once() {
        let mut agenda = Agenda::behind(0);
        for position in 1..=10 {
            agenda.change(run("a"), position, 1_000 + position);
        }
        assert_eq!(agenda.take(1_000, 9), []);
        assert_eq!(agenda.next_due(), Some(1_001));
        let taken = agenda.take(1_001, 9);
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].1.position, Some(1));
        assert!(agenda.is_empty());
    }

    #[test]
    fn only_what_is_shown_is_acknowledged() {
        let mut agenda = Agenda::behind(4);
        assert_eq!(agenda.acknowledged(), 4);
        agenda.change(run("a"), 5, 0);
        agenda.change(run("b"), 6, 100);
        agenda.note(run("c"), 0);
        assert_eq!((agenda.read(), agenda.acknowledged()), (6, 4));
        let taken = agenda.take(0, 9);
        assert_eq!(
            taken.iter().map(|(item, _)| item.clone()).collect::<Vec<_>>(),
            [run("a"), run("c")]
        );
        assert_eq!(agenda.acknowledged(), 5);
        let (item, entry) = taken.into_iter().next().unwrap();
        agenda.put_back(
            item,
            Entry {
                due: 50,
                failures: 1,
                ..entry
            },
        );
        assert_eq!(agenda.acknowledged(), 4);
        agenda.take(100, 9);
        assert_eq!(agenda.acknowledged(), 6);
    }

    #[test]
    fn the_earliest_come_first() {
        let mut agenda = Agenda::default();
        agenda.note(run("late"), 3);
        agenda.note(run("early"), 1);
        agenda.note(run("middle"), 2);
        let names: Vec<Item> = agenda.take(9, 2).into_iter().map(|(item, _)| item).collect();
        assert_eq!(names, [run("early"), run("middle")]);
        assert_eq!(agenda.len(), 1);
    }
}
