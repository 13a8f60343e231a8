//! Objects by namespace and name.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Objects of one kind by namespace and name, both in order.
#[derive(Clone, Debug)]
pub(super) struct Table<T>(BTreeMap<String, BTreeMap<String, Arc<T>>>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Table<T> {
    pub fn insert(&mut self, namespace: &str, name: &str, object: Arc<T>) {
        self.0
            .entry(namespace.to_owned())
            .or_default()
            .insert(name.to_owned(), object);
    }

    pub fn get(&self, namespace: &str, name: &str) -> Option<&Arc<T>> {
        self.0.get(namespace)?.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.0.values().flat_map(BTreeMap::values)
    }
}
