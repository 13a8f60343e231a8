//! The resources of the group `riposte.dev` that the operator watches: data for watches and controllers.

use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};

use crate::api::{GROUP, VERSION};

/// A kind with its plural.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// The kind.
    pub kind: &'static str,
    /// The plural, as paths have it.
    pub plural: &'static str,
}

/// Playbooks.
pub const PLAYBOOK: Resource = resource("Playbook", "playbooks");
/// Automation rules.
pub const AUTOMATION_RULE: Resource = resource("AutomationRule", "automationrules");
/// API connections.
pub const API_CONNECTION: Resource = resource("ApiConnection", "apiconnections");
/// Connectors.
pub const CONNECTOR: Resource = resource("Connector", "connectors");
/// Grants.
pub const PLAYBOOK_GRANT: Resource = resource("PlaybookGrant", "playbookgrants");
/// Analytics rules; nothing serves them yet.
pub const ANALYTICS_RULE: Resource = resource("AnalyticsRule", "analyticsrules");
/// Content repositories; nothing serves them yet.
pub const CONTENT_REPOSITORY: Resource = resource("ContentRepository", "contentrepositories");

/// The kinds that the catalog is made of.
pub const OF_CATALOG: [Resource; 5] = [PLAYBOOK, AUTOMATION_RULE, API_CONNECTION, CONNECTOR, PLAYBOOK_GRANT];

const fn resource(kind: &'static str, plural: &'static str) -> Resource {
    Resource { kind, plural }
}

impl Resource {
    /// The resource as the client names it.
    pub fn api_resource(self) -> ApiResource {
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, VERSION, self.kind), self.plural)
    }

    /// Its objects in one namespace, or in all.
    pub fn api(self, client: Client, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = self.api_resource();
        match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        }
    }
}
