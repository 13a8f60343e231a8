//! The one integration test binary.

mod arm;
mod catalog;
mod connectors;
mod control_plane;
mod definition;
mod engine;
mod expression;
mod incidents;
mod intake;
mod manifests;
mod rules;
mod server;
mod store;
mod tidy;
