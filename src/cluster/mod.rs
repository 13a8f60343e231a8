//! A cluster as the house that Riposte runs in: watches feed the catalog, access reviews answer who may, a Lease says
//! who writes status. It puts the other rooms together and decides nothing that they could decide.
//! Invariant: while the API server is away, the last catalog stays and runs go on.

pub mod authenticate;
pub mod journal;
pub mod lease;
pub mod metrics;
pub mod permit;
pub mod rbac;
pub mod resource;
pub mod run;
pub mod source;

mod reference;
mod shelf;
mod text;
