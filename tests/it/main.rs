//! The one integration test binary.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test builds on must not fail")]

mod admission;
mod answers;
mod arm;
mod calls;
mod catalog;
mod chart;
mod cli;
mod connectors;
mod control_plane;
mod crds;
mod definition;
mod dev;
mod engine;
mod enrichment;
mod evaluations;
mod expression;
mod flow;
mod incidents;
mod intake;
mod main_job;
mod manifests;
mod manual;
mod operator;
mod patience;
mod postgres;
mod program;
mod projection;
mod rehearsal;
mod rules;
mod schedule;
mod server;
mod shell;
mod store;
mod test_command;
mod tidy;
