//! The operator: its parts against a mocked API server, and the whole in the real control plane.

mod cluster;
mod mock;
