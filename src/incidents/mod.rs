//! Incidents over the store.
