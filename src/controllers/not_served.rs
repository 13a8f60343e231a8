//! Kinds that nothing serves yet. Their objects say so, plainly, so that nobody waits for what does not come.

use super::context::Context;
use super::error::ReconcileError;
use super::progress::{Kind, Progress, Seen};
use crate::cluster::resource::{ANALYTICS_RULE, CONTENT_REPOSITORY, Resource};

/// Analytics rules.
pub(super) struct AnalyticsRule;

/// Content repositories.
pub(super) struct ContentRepository;

impl Kind for AnalyticsRule {
    const NAME: &'static str = "analyticsrule";
    const RESOURCE: Resource = ANALYTICS_RULE;
    const OWNED: &'static [&'static str] = &[];
    const IN_CATALOG: bool = false;

    async fn reconcile(_: &Seen<'_>, _: &Context) -> Progress {
        not_served("this version of Riposte runs no analytics rules; deliver alerts to its intake instead")
    }
}

impl Kind for ContentRepository {
    const NAME: &'static str = "contentrepository";
    const RESOURCE: Resource = CONTENT_REPOSITORY;
    const OWNED: &'static [&'static str] = &[];
    const IN_CATALOG: bool = false;

    async fn reconcile(_: &Seen<'_>, _: &Context) -> Progress {
        not_served("this version of Riposte syncs no repositories; apply their manifests with Flux, Argo CD or kubectl")
    }
}

fn not_served(message: &str) -> Progress {
    Progress::of(Err(ReconcileError::Stalled {
        reason: "NotServedYet",
        message: message.to_owned(),
    }))
}
