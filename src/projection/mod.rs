//! Runs and incidents as objects of the cluster: what kubectl shows of the store. A pure planner decides what is
//! written, within a budget; a thin shell writes it.
//!
//! Invariants: losing an object loses nothing; a run that does not wait costs at most two writes; whatever the API server
//! missed is shown when it is back, once.

pub mod agenda;
pub mod bucket;
pub mod decision;
pub mod history;
pub mod incident_status;
pub mod rule_status;
pub mod run_object;
pub mod run_status;
pub mod split_status;

mod objects;
mod prune;
mod shell;
mod show;

pub use agenda::Item;
pub use objects::{MANAGER, Objects, run_of};
pub use shell::{Projection, Settings};
