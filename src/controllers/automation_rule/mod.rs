//! Automation rules: whether the playbooks that they run are there and fit, and whether the workspace may run them. A
//! missing grant is shown with the command that gives it and changes nothing of `Ready`: the other actions run.

mod dereference;
mod update_status;
mod validate;

use super::context::Context;
use super::progress::{Kind, Progress, Seen};
use crate::cluster::resource::{AUTOMATION_RULE, Resource};

/// Automation rules.
pub(super) struct AutomationRule;

impl Kind for AutomationRule {
    const NAME: &'static str = "automationrule";
    const RESOURCE: Resource = AUTOMATION_RULE;
    const OWNED: &'static [&'static str] = &["missingGrants"];

    async fn reconcile(seen: &Seen<'_>, context: &Context) -> Progress {
        // Of a broken rule the catalog may have the last good version: the grants are about what runs.
        let sound = seen.sound("InvalidSpec");
        let dereferenced = dereference::dereference(seen, context).await;
        let validated = sound.and_then(|()| validate::validate(&dereferenced));
        update_status::update_status(&dereferenced, validated, jiff::Timestamp::now())
    }
}
