//! Local mode: the whole system in one process, without a cluster. It puts the other rooms together and decides nothing
//! that they could decide.

pub mod events;
pub mod fakes;
mod mocks;
pub mod system;
pub mod token;

pub use system::{FakeMode, Options, System};
