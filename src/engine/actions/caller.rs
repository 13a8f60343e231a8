//! The headers by which a call tells who calls, as Logic Apps sends them with `Http`, `Function` and `Workflow` actions.

use uuid::Uuid;

use crate::definition::Action;
use crate::definition::workflow::{CallAction, CallTarget};
use crate::engine::event::NodeId;
use crate::engine::plan::Planner;
use crate::engine::scope::NO_SUBSCRIPTION;

/// What stands for a region.
const LOCATION: &str = "local";

impl Planner<'_> {
    /// The headers of a call of an action, each of them unless the action gives its own; none where the author
    /// suppresses them (`SuppressWorkflowHeaders`), or where a connector decides what is sent.
    pub(super) fn caller_headers(&self, id: NodeId, action: &Action, call: &CallAction) -> Vec<(String, String)> {
        let tells = match call.target {
            CallTarget::Uri | CallTarget::Function(_) | CallTarget::Playbook { .. } => !call.suppress_workflow_headers,
            CallTarget::Connection(_)
            | CallTarget::Operation { .. }
            | CallTarget::Batch { .. }
            | CallTarget::Script(_) => false,
        };
        if !tells {
            return Vec::new();
        }
        let opened = &self.state.opened;
        let workflow = format!("{}/{}", opened.namespace, opened.playbook);
        let workflow = Uuid::new_v5(&Uuid::NAMESPACE_OID, workflow.as_bytes())
            .simple()
            .to_string();
        let tracking = self.scope(id.0).tracking_id(id);
        let version: String = opened.definition.chars().take(20).collect();
        let headers = [
            ("x-ms-workflow-id", workflow.clone()),
            ("x-ms-workflow-version", version),
            ("x-ms-workflow-name", opened.playbook.clone()),
            (
                "x-ms-workflow-system-id",
                format!("/locations/{LOCATION}/workflows/{workflow}"),
            ),
            ("x-ms-workflow-run-id", opened.run.clone()),
            ("x-ms-workflow-run-tracking-id", opened.run.clone()),
            ("x-ms-workflow-operation-name", action.name.to_string()),
            ("x-ms-workflow-resourcegroup-name", opened.namespace.clone()),
            ("x-ms-workflow-subscription-id", NO_SUBSCRIPTION.to_owned()),
            ("x-ms-execution-location", LOCATION.to_owned()),
            ("x-ms-client-tracking-id", opened.client_tracking_id().to_owned()),
            ("x-ms-correlation-id", tracking.clone()),
            ("x-ms-client-request-id", tracking.clone()),
            ("x-ms-tracking-id", tracking),
        ];
        let sendable = |(name, value): (&str, String)| {
            let plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            plain.then(|| (name.to_owned(), value))
        };
        headers.into_iter().filter_map(sendable).collect()
    }
}
