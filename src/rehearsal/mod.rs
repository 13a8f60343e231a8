//! A rehearsal: one run of a playbook that reaches nobody. Every call is answered by a mock, by incidents in memory, or
//! by an example of what the playbook expects; the clock jumps to whatever comes next. Pure: no store, no network, no
//! waiting, and the same rehearsal gives the same run.

mod coverage;
mod drive;
mod example;
mod expect;
mod incidents;
mod mock;
mod occasion;
mod reads;
mod record;
mod sample;
mod shape;
mod stage;
mod words;
mod world;

pub use coverage::{Coverage, Reached};
pub use drive::{Finished, Halt, rehearse};
pub use expect::{Difference, check};
pub use mock::{Asked, Mocks, Served, Unmocked};
pub use occasion::{Occasion, OccasionError};
pub use record::record;
pub use stage::Stage;
pub use world::{By, Made};
