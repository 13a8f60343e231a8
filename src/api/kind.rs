//! The kinds of this API group, and their schemas.

use std::sync::LazyLock;

use schemars::schema_for;
use serde_json::Value;

use super::{
    AnalyticsRuleSpec, ApiConnectionSpec, AutomationRuleSpec, ConnectorSpec, ContentRepositorySpec, IncidentSpec,
    PlaybookGrantSpec, PlaybookRunSpec, PlaybookSpec,
};

/// A kind of the group `riposte.dev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A workflow with its values and connections.
    Playbook,
    /// What happens when an incident or alert comes or changes.
    AutomationRule,
    /// An account on a service.
    ApiConnection,
    /// A kind of service.
    Connector,
    /// Who may run which playbooks.
    PlaybookGrant,
    /// One execution of a playbook.
    PlaybookRun,
    /// A query that looks for threats.
    AnalyticsRule,
    /// What people work on.
    Incident,
    /// A Git repository that is kept applied.
    ContentRepository,
}

/// A compiled schema and its text.
pub(super) struct CompiledSchema {
    /// The schema.
    pub json: Value,
    /// What checks values against it.
    pub validator: jsonschema::Validator,
}

static PLAYBOOK: LazyLock<CompiledSchema> = LazyLock::new(|| compile(Kind::Playbook));
static AUTOMATION_RULE: LazyLock<CompiledSchema> = LazyLock::new(|| compile(Kind::AutomationRule));
static API_CONNECTION: LazyLock<CompiledSchema> = LazyLock::new(|| compile(Kind::ApiConnection));
static CONNECTOR: LazyLock<CompiledSchema> = LazyLock::new(|| compile(Kind::Connector));
static PLAYBOOK_GRANT: LazyLock<CompiledSchema> = LazyLock::new(|| compile(Kind::PlaybookGrant));
static PLAYBOOK_RUN: LazyLock<CompiledSchema> = LazyLock::new(|| compile(Kind::PlaybookRun));
static ANALYTICS_RULE: LazyLock<CompiledSchema> = LazyLock::new(|| compile(Kind::AnalyticsRule));
static INCIDENT: LazyLock<CompiledSchema> = LazyLock::new(|| compile(Kind::Incident));
static CONTENT_REPOSITORY: LazyLock<CompiledSchema> = LazyLock::new(|| compile(Kind::ContentRepository));

fn compile(kind: Kind) -> CompiledSchema {
    let json = kind.schema();
    let validator = jsonschema::validator_for(&json).expect("a schema that is derived from a type compiles");
    CompiledSchema { json, validator }
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Playbook,
        Self::AutomationRule,
        Self::ApiConnection,
        Self::Connector,
        Self::PlaybookGrant,
        Self::PlaybookRun,
        Self::AnalyticsRule,
        Self::Incident,
        Self::ContentRepository,
    ];

    /// The name as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Playbook => "Playbook",
            Self::AutomationRule => "AutomationRule",
            Self::ApiConnection => "ApiConnection",
            Self::Connector => "Connector",
            Self::PlaybookGrant => "PlaybookGrant",
            Self::PlaybookRun => "PlaybookRun",
            Self::AnalyticsRule => "AnalyticsRule",
            Self::Incident => "Incident",
            Self::ContentRepository => "ContentRepository",
        }
    }

    /// The kind of a name or plural, without regard to case.
    pub fn named(name: &str) -> Option<Self> {
        let is_it = |kind: &Self| kind.as_str().eq_ignore_ascii_case(name) || kind.plural().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(is_it)
    }

    /// The JSON schema of the kind's `spec`.
    pub fn schema(self) -> Value {
        match self {
            Self::Playbook => schema_for!(PlaybookSpec),
            Self::AutomationRule => schema_for!(AutomationRuleSpec),
            Self::ApiConnection => schema_for!(ApiConnectionSpec),
            Self::Connector => schema_for!(ConnectorSpec),
            Self::PlaybookGrant => schema_for!(PlaybookGrantSpec),
            Self::PlaybookRun => schema_for!(PlaybookRunSpec),
            Self::AnalyticsRule => schema_for!(AnalyticsRuleSpec),
            Self::Incident => schema_for!(IncidentSpec),
            Self::ContentRepository => schema_for!(ContentRepositorySpec),
        }
        .to_value()
    }

    pub(super) fn compiled(self) -> &'static CompiledSchema {
        match self {
            Self::Playbook => &PLAYBOOK,
            Self::AutomationRule => &AUTOMATION_RULE,
            Self::ApiConnection => &API_CONNECTION,
            Self::Connector => &CONNECTOR,
            Self::PlaybookGrant => &PLAYBOOK_GRANT,
            Self::PlaybookRun => &PLAYBOOK_RUN,
            Self::AnalyticsRule => &ANALYTICS_RULE,
            Self::Incident => &INCIDENT,
            Self::ContentRepository => &CONTENT_REPOSITORY,
        }
    }
}
