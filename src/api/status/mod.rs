//! Statuses: what controllers say about objects. A status is a projection, bounded everywhere, and holds no secret;
//! losing it loses nothing. Every status has `observedGeneration`, which the schema defaults to -1 so that tools that
//! wait see a new object as in progress, and `conditions` as Kubernetes has them.

mod analytics_rule;
mod api_connection;
mod automation_rule;
mod connector;
mod content_repository;
mod incident;
mod playbook;
mod playbook_grant;
mod playbook_run;

use schemars::{Schema, SchemaGenerator, json_schema};

pub use analytics_rule::{AnalyticsRuleStatus, QueryProblem};
pub use api_connection::ApiConnectionStatus;
pub use automation_rule::{AutomationRuleStatus, EvaluationCounts, EvaluationOutcome, EvaluationSummary, MissingGrant};
pub use connector::ConnectorStatus;
pub use content_repository::{ContentProblem, ContentRepositoryStatus};
pub use incident::{
    AlertSummary, AppliedSpec, CommentSummary, EntitySummary, IncidentProjection, IncidentRunSummary, TaskSummary,
};
pub use playbook::{
    ConnectionNeed, PermissionNeed, PlaybookStatus, PlaybookTriggerKind, RunCounts, RunPhase, RunSummary,
};
pub use playbook_grant::PlaybookGrantStatus;
pub use playbook_run::{ActionStatus, ActionSummary, PlaybookRunStatus, PlaybookSnapshot};

/// Conditions: one of each type, at most 16.
fn conditions(_generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One aspect of the state of the object.",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {
                    "description": "What the condition is about, such as `Ready`.",
                    "type": "string", "maxLength": 316,
                    "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
                },
                "status": {
                    "description": "Whether it holds.",
                    "type": "string", "enum": ["True", "False", "Unknown"]
                },
                "observedGeneration": {
                    "description": "Generation of the spec that the condition describes.",
                    "type": "integer", "format": "int64", "minimum": 0
                },
                "lastTransitionTime": {
                    "description": "When `status` last changed.",
                    "type": "string", "format": "date-time"
                },
                "reason": {
                    "description": "Why, as one word that programs may read.",
                    "type": "string", "minLength": 1, "maxLength": 1024,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
                },
                "message": {
                    "description": "Why, for people: what is wrong and what to do.",
                    "type": "string", "maxLength": 32768
                }
            }
        }
    })
}
