//! Names in Azure's terms: playbooks pass ARM ids around, so workspaces, incidents, alerts and tasks have them.
//! Invariant: every id made here is read back to the same thing, whatever case a playbook made of it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::rules::{Ids, Incident};

/// The subscription of workspaces that no mapping names.
const NO_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// How namespaces are named in Azure's terms. Without a mapping a namespace `N` is the workspace `N` in the resource
/// group `N` of the subscription of zeros.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WorkspaceIds {
    /// Where people reach this Riposte, such as `https://riposte.example.com`; links to incidents begin with it.
    pub public_url: String,
    /// Mappings; the first that fits counts.
    pub workspaces: Vec<WorkspaceMapping>,
    /// The namespace of every workspace that nothing else names.
    pub default_namespace: Option<String>,
}

/// A Log Analytics workspace that a namespace stands for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkspaceMapping {
    /// Id of the subscription.
    pub subscription: String,
    /// Name of the resource group.
    pub resource_group: String,
    /// Name of the workspace.
    pub workspace: String,
    /// The workspace's GUID (`workspaceId`), where playbooks name it; absent means one made from the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// The namespace.
    pub namespace: String,
}

impl WorkspaceIds {
    /// The workspace that a namespace stands for, its GUID included.
    pub fn of(&self, namespace: &str) -> WorkspaceMapping {
        let mapped = self.workspaces.iter().find(|mapping| mapping.namespace == namespace);
        let mut mapping = mapped.cloned().unwrap_or_else(|| WorkspaceMapping {
            subscription: NO_SUBSCRIPTION.to_owned(),
            resource_group: namespace.to_owned(),
            workspace: namespace.to_owned(),
            workspace_id: None,
            namespace: namespace.to_owned(),
        });
        mapping.workspace_id.get_or_insert_with(|| {
            let name = format!("https://riposte.dev/workspace-ids/{namespace}");
            Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).to_string()
        });
        mapping
    }

    /// The namespace of a workspace that is named by its name or its GUID.
    pub fn namespace(&self, subscription: &str, resource_group: &str, workspace: &str) -> Option<String> {
        let mut mapped = self.workspaces.iter().filter(|mapping| {
            mapping.subscription.eq_ignore_ascii_case(subscription)
                && mapping.resource_group.eq_ignore_ascii_case(resource_group)
        });
        let fits = |mapping: &WorkspaceMapping| {
            let id = mapping.workspace_id.as_deref();
            mapping.workspace.eq_ignore_ascii_case(workspace) || id.is_some_and(|id| id.eq_ignore_ascii_case(workspace))
        };
        let namespace = resource_group.to_ascii_lowercase();
        let by_mapping = mapped
            .find(|mapping| fits(&self.of(&mapping.namespace)))
            .map(|mapping| mapping.namespace.clone());
        let by_rule = || (subscription == NO_SUBSCRIPTION && fits(&self.of(&namespace))).then_some(namespace);
        by_mapping.or_else(by_rule).or_else(|| self.default_namespace.clone())
    }

    /// The namespace and the name of a playbook that a playbook of `own` names by its ARM id, or by its name alone. A
    /// resource group that stands for no namespace is taken for the own one.
    pub fn parse_playbook_id(&self, id: &str, own: &str) -> Option<(String, String)> {
        if !id.contains('/') {
            return Some((own.to_owned(), id.trim().to_owned())).filter(|(_, name)| !name.is_empty());
        }
        let segments = Segments::of(id);
        let name = segments.after("workflows").filter(|name| !name.is_empty())?;
        let (subscription, group) = (segments.after("subscriptions"), segments.after("resourceGroups"));
        let is_it = |wanted: &str, given: Option<&str>| given.is_some_and(|given| given.eq_ignore_ascii_case(wanted));
        let mapped = self
            .workspaces
            .iter()
            .filter(|mapping| is_it(&mapping.subscription, subscription) && is_it(&mapping.resource_group, group));
        let mut mapped: Vec<&str> = mapped.map(|mapping| mapping.namespace.as_str()).collect();
        // Where a group holds several workspaces, the own one is meant.
        mapped.sort_by_key(|namespace| *namespace != own);
        let by_rule = || {
            group
                .filter(|_| subscription == Some(NO_SUBSCRIPTION))
                .map(str::to_ascii_lowercase)
        };
        let namespace = mapped.first().map(|namespace| (*namespace).to_owned()).or_else(by_rule);
        Some((namespace.unwrap_or_else(|| own.to_owned()), name.to_owned()))
    }

    /// The names that bodies and resources of a namespace carry.
    pub fn ids(&self, namespace: &str) -> Ids {
        let mapping = self.of(namespace);
        Ids {
            subscription_id: mapping.subscription,
            resource_group: mapping.resource_group,
            workspace_name: mapping.workspace,
            workspace_id: mapping.workspace_id.unwrap_or_default(),
            console_url: self.public_url.trim_end_matches('/').to_owned(),
        }
    }

    /// The ARM id of an incident.
    pub fn incident_arm_id(&self, incident: &Incident) -> String {
        self.ids(&incident.workspace).incident_arm_id(&incident.id)
    }

    /// The ARM id of an alert: alerts are entities there.
    pub fn alert_arm_id(&self, workspace: &str, alert: &str) -> String {
        self.ids(workspace).arm_id("Entities", alert)
    }

    /// The ARM id of a task of an incident.
    pub fn task_arm_id(&self, incident: &Incident, task: &str) -> String {
        format!("{}/tasks/{task}", self.incident_arm_id(incident))
    }

    /// The page of an incident.
    pub fn incident_url(&self, incident: &Incident) -> String {
        self.ids(&incident.workspace).incident_url(incident)
    }

    /// The namespace and the id of an incident; what follows the incident in the ARM id does not matter.
    pub fn parse_incident_arm_id(&self, arm_id: &str) -> Option<(String, String)> {
        let segments = Segments::of(arm_id);
        Some((segments.namespace(self)?, segments.uuid_after("incidents")?))
    }

    /// The namespace and the id of an alert.
    pub fn parse_alert_arm_id(&self, arm_id: &str) -> Option<(String, String)> {
        let segments = Segments::of(arm_id);
        Some((segments.namespace(self)?, segments.uuid_after("entities")?))
    }

    /// The namespace and the ids of an incident and its task.
    pub fn parse_task_arm_id(&self, arm_id: &str) -> Option<(String, String, String)> {
        let segments = Segments::of(arm_id);
        Some((
            segments.namespace(self)?,
            segments.uuid_after("incidents")?,
            segments.uuid_after("tasks")?,
        ))
    }
}

/// The parts of an ARM id.
struct Segments<'a>(Vec<&'a str>);

impl<'a> Segments<'a> {
    fn of(arm_id: &'a str) -> Self {
        Self(arm_id.trim().trim_matches('/').split('/').collect())
    }

    fn after(&self, name: &str) -> Option<&'a str> {
        let at = self.0.iter().position(|segment| segment.eq_ignore_ascii_case(name))?;
        self.0.get(at + 1).copied()
    }

    fn uuid_after(&self, name: &str) -> Option<String> {
        Some(Uuid::try_parse(self.after(name)?).ok()?.to_string())
    }

    fn namespace(&self, ids: &WorkspaceIds) -> Option<String> {
        ids.namespace(
            self.after("subscriptions")?,
            self.after("resourceGroups")?,
            self.after("workspaces")?,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> WorkspaceIds {
        let mapping = WorkspaceMapping {
            subscription: "6f1f0c1e-8f6b-4a53-9c3e-0d1c7a2b1a11".into(),
            resource_group: "rg-Security".into(),
            workspace: "law-Security".into(),
            workspace_id: None,
            namespace: "soc".into(),
        };
        WorkspaceIds {
            public_url: "https://riposte.example/".into(),
            workspaces: vec![mapping],
            default_namespace: None,
        }
    }

    fn incident(workspace: &str) -> Incident {
        let id = "0b6f4c0e-3a0f-5d59-8d3e-4f4b6a7c8d9e".into();
        Incident {
            id,
            workspace: workspace.into(),
            ..Incident::default()
        }
    }

    #[test]
    fn ids_are_read_back_in_any_case() {
        for namespace in ["soc", "shop"] {
            let incident = incident(namespace);
            let arm_id = ids().incident_arm_id(&incident);
            for text in [
                arm_id.clone(),
                arm_id.to_lowercase(),
                arm_id.to_uppercase(),
                format!("{arm_id}/comments/1"),
            ] {
                let expected = Some((namespace.to_owned(), incident.id.clone()));
                assert_eq!(ids().parse_incident_arm_id(&text), expected, "{text}");
            }
            let alert = ids().alert_arm_id(namespace, &incident.id);
            assert_eq!(
                ids().parse_alert_arm_id(&alert),
                Some((namespace.to_owned(), incident.id.clone()))
            );
            let task = ids().task_arm_id(&incident, &incident.id);
            let read = ids().parse_task_arm_id(&task).expect("a task");
            assert_eq!(read, (namespace.to_owned(), incident.id.clone(), incident.id.clone()));
        }
    }

    #[test]
    fn bodies_and_views_link_to_the_same_page() {
        let incident = incident("soc");
        let page = "https://riposte.example/workspaces/soc/incidents/0b6f4c0e-3a0f-5d59-8d3e-4f4b6a7c8d9e";
        assert_eq!(ids().incident_url(&incident), page);
        assert_eq!(ids().ids("soc").incident_url(&incident), page);
    }

    #[test]
    fn a_workspace_is_found_by_its_guid_too() {
        for namespace in ["soc", "shop"] {
            let of = ids().of(namespace);
            let guid = of.workspace_id.expect("a guid").to_uppercase();
            let found = ids().namespace(&of.subscription, &of.resource_group, &guid);
            assert_eq!(found.as_deref(), Some(namespace));
        }
    }

    #[test]
    fn unknown_workspaces_are_none_or_the_default() {
        let arm_id = "/subscriptions/1/resourceGroups/2/providers/x/workspaces/3/providers/y/Incidents/";
        let arm_id = format!("{arm_id}0b6f4c0e-3a0f-5d59-8d3e-4f4b6a7c8d9e");
        assert_eq!(ids().parse_incident_arm_id(&arm_id), None);
        let with_default = WorkspaceIds {
            default_namespace: Some("soc".into()),
            ..ids()
        };
        assert_eq!(
            with_default
                .parse_incident_arm_id(&arm_id)
                .map(|found| found.0)
                .as_deref(),
            Some("soc")
        );
        for text in [
            "",
            "/",
            "/subscriptions",
            "/subscriptions/1/incidents/2",
            "/a/incidents/not-a-guid",
        ] {
            assert_eq!(with_default.parse_incident_arm_id(text), None, "{text}");
        }
    }
}
