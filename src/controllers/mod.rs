//! Controllers: each kind's object is compared with what it names, and its status says what came of it. All read alike:
//! `dereference -> validate -> build -> apply -> update_status`; a kind that makes nothing has no `build` and `apply`.
//! Invariants: a spec is never written; a status is written by the holder of the Lease only, and only if it differs.

mod api_connection;
mod automation_rule;
pub mod condition;
mod connector;
pub mod context;
mod drive;
pub mod error;
pub mod incident;
pub mod live;
mod not_served;
mod playbook;
mod playbook_grant;
pub mod playbook_run;
mod progress;
pub mod status;
mod test;

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::cluster::resource;
use crate::cluster::source::Watched;
use context::Context;

/// Runs the controller of the kind that is watched, until told to stop; `None` where the kind has no controller here.
pub fn run(watched: Watched, context: &Arc<Context>, stop: &CancellationToken) -> Option<BoxFuture<'static, ()>> {
    let (context, stop) = (context.clone(), stop.clone());
    Some(match watched.scope.resource {
        resource::PLAYBOOK => drive::run::<playbook::Playbook>(watched, context, stop),
        resource::AUTOMATION_RULE => drive::run::<automation_rule::AutomationRule>(watched, context, stop),
        resource::API_CONNECTION => drive::run::<api_connection::ApiConnection>(watched, context, stop),
        resource::CONNECTOR => drive::run::<connector::Connector>(watched, context, stop),
        resource::PLAYBOOK_GRANT => drive::run::<playbook_grant::PlaybookGrant>(watched, context, stop),
        resource::ANALYTICS_RULE => drive::run::<not_served::AnalyticsRule>(watched, context, stop),
        resource::CONTENT_REPOSITORY => drive::run::<not_served::ContentRepository>(watched, context, stop),
        _ => return None,
    })
}
