//! Connectors: which operations a service has, what goes over the wire for one call, and what the answer means.
//! What decides (matching, requests, answers, guards, commands) is pure; `client`, `resolver`, `services` and `fake` are
//! the shell around it. Invariant: no call leaves the process without having passed [`guard`], on every redirect
//! and for every address.

mod approval;
mod authentication;
pub mod body;
mod brakes;
pub mod by_id;
pub mod catalog;
pub mod client;
mod connection;
pub mod example;
mod failure;
pub mod fake;
mod form;
pub mod guard;
mod limits;
mod logs;
mod multipart;
mod pages;
mod probe;
mod ranges;
pub mod request;
mod resolver;
pub mod response;
pub mod sentinel;
mod services;
mod shared_key;
pub mod spec;
mod status;
mod throttle;
mod tokens;
mod upload;

pub use client::{Client, Egress};
pub use connection::{ClientCredentials, Connections, NoTriage, ResolvedAuthentication, ResolvedConnection};
pub use probe::{Reached, probe};
pub use resolver::{Lookup, SystemLookup};
pub use services::ConnectorServices;
pub use spec::{Called, Connector, Operation, SpecError};
pub use status::code_of;
