//! The Azure names of a workspace, and the ARM ids that playbooks see. They are names only: nothing of Azure stands
//! behind them.

use serde::{Deserialize, Serialize};

use super::Incident;

/// How a workspace is named in the ids that playbooks see.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Ids {
    /// Subscription id, a GUID.
    pub subscription_id: String,
    /// Name of the resource group.
    pub resource_group: String,
    /// Name of the workspace.
    pub workspace_name: String,
    /// Id of the workspace, a GUID.
    pub workspace_id: String,
    /// Address of the pages for people, without a slash at the end, such as `https://riposte.example`.
    pub console_url: String,
}

impl Ids {
    /// ARM id of an object of the workspace, such as `Incidents` and a GUID.
    pub fn arm_id(&self, collection: &str, name: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.OperationalInsights/workspaces/{}/providers/Microsoft.SecurityInsights/{collection}/{name}",
            self.subscription_id, self.resource_group, self.workspace_name
        )
    }

    /// ARM id of an incident.
    pub fn incident_arm_id(&self, incident: &str) -> String {
        self.arm_id("Incidents", incident)
    }

    /// Page of an incident.
    pub fn incident_url(&self, incident: &Incident) -> String {
        let base = self.console_url.trim_end_matches('/');
        format!("{base}/workspaces/{}/incidents/{}", incident.workspace, incident.id)
    }
}
