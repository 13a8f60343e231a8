//! The operator: its parts against a mocked API server, the whole in the real control plane, and several as processes.

mod away;
mod cluster;
mod full;
mod killed;
mod mock;
mod pair;
mod service;
