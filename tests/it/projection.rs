//! Runs and incidents as objects, in the real control plane: what kubectl shows, what it can ask for, and what that
//! costs. The planner's tables are tested beside it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use riposte::api::AutomationRuleSpec;
use riposte::cluster::run::{Error, Operator, Options};
use riposte::connectors::Egress;
use riposte::engine::Engine;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::intake::native;
use riposte::projection::run_of;
use riposte::store::{IncidentFilter, RunFilter, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::control_plane::{AuditEvent, ControlPlane, eventually, succeeded};

/// How long an operator may take to end.
const FAREWELL: Duration = Duration::from_secs(30);
