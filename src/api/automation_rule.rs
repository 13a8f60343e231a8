//! `AutomationRule`: what happens when an incident or alert comes or changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When the rule applies and what it does.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutomationRuleSpec {
    /// What people see.
    pub display_name: String,
    /// Position among the rules of the workspace, 1 to 1000; lower runs first.
    pub order: u16,
    /// Whether the rule is on.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// After this time the rule is off, as an RFC 3339 time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<String>,
    /// What the rule is about.
    pub triggers_on: TriggersOn,
    /// Which event.
    #[serde(default)]
    pub triggers_when: TriggersWhen,
    /// Analytics rules to which this rule is limited, by name; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub analytics_rules: Vec<String>,
    /// All must hold; none means always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What to do, in this order.
    pub actions: Vec<RuleAction>,
}

fn yes() -> bool {
    true
}

/// Incidents or alerts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum TriggersOn {
    /// Incidents.
    Incidents,
    /// Alerts; such a rule can only run playbooks.
    Alerts,
}

/// Created or updated.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum TriggersWhen {
    /// The incident or alert is new.
    #[default]
    Created,
    /// The incident changed.
    Updated,
}

/// A condition. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// A property compared with values.
    Property(PropertyCondition),
    /// A property that changed (updated incidents).
    PropertyChanged(PropertyChangedCondition),
    /// Something added to a list (updated incidents).
    PropertyArrayChanged(PropertyArrayChangedCondition),
    /// Items of a list compared.
    PropertyArray(PropertyArrayCondition),
    /// A group of conditions joined by And or Or.
    Boolean(GroupCondition),
}

/// A member of a group. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GroupMember {
    /// A property compared with values.
    Property(PropertyCondition),
    /// A property that changed (updated incidents).
    PropertyChanged(PropertyChangedCondition),
    /// Something added to a list (updated incidents).
    PropertyArrayChanged(PropertyArrayChangedCondition),
    /// Items of a list compared.
    PropertyArray(PropertyArrayCondition),
    /// A group inside a group, the last level.
    Boolean(InnerGroupCondition),
}

/// A condition that is no group. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PlainCondition {
    /// A property compared with values.
    Property(PropertyCondition),
    /// A property that changed (updated incidents).
    PropertyChanged(PropertyChangedCondition),
    /// Something added to a list (updated incidents).
    PropertyArrayChanged(PropertyArrayChangedCondition),
    /// Items of a list compared.
    PropertyArray(PropertyArrayCondition),
}

/// Compares a property with values; a positive operator holds if any value matches, a negative one if none does.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PropertyCondition {
    /// The property.
    pub property_name: PropertyName,
    /// The comparison; case does not matter.
    pub operator: Operator,
    /// The values.
    pub property_values: Vec<String>,
}

/// Holds when a property changed in this update.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PropertyChangedCondition {
    /// The property.
    pub property_name: ChangedProperty,
    /// From or to the values; absent means any change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_type: Option<ChangeType>,
    /// The comparison with the values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// The values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub property_values: Vec<String>,
}

/// Holds when something was added in this update.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PropertyArrayChangedCondition {
    /// The list.
    pub array_type: ChangedArray,
    /// What happened to it.
    #[serde(default)]
    pub change_type: ArrayChange,
}

/// Compares the items of a list.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PropertyArrayCondition {
    /// The list.
    pub array_type: ArrayType,
    /// How many items must satisfy the item conditions.
    #[serde(default)]
    pub array_condition_type: ArrayConditionType,
    /// What an item must satisfy.
    pub item_conditions: Vec<ItemCondition>,
}

/// What an item of a list must satisfy. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ItemCondition {
    /// A property of the item.
    Property(PropertyCondition),
    /// The values of a custom detail.
    PropertyArray(DetailValuesCondition),
}

/// Compares the values of a custom detail.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DetailValuesCondition {
    /// The list, `CustomDetailValues`.
    pub array_type: ArrayType,
    /// How many values must satisfy the conditions.
    #[serde(default)]
    pub array_condition_type: ArrayConditionType,
    /// What a value must satisfy.
    pub item_conditions: Vec<DetailValueCondition>,
}

/// What a value of a custom detail must satisfy. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DetailValueCondition {
    /// The value itself.
    Property(PropertyCondition),
}

/// A group of conditions.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupCondition {
    /// How the members are joined.
    pub operator: GroupOperator,
    /// The members.
    pub inner_conditions: Vec<GroupMember>,
}

/// A group inside a group.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InnerGroupCondition {
    /// How the members are joined.
    pub operator: GroupOperator,
    /// The members.
    pub inner_conditions: Vec<PlainCondition>,
}

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $first:ident $(, $variant:ident)* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, Hash, JsonSchema)]
        #[allow(missing_docs)]
        pub enum $name { #[default] $first $(, $variant)* }

        impl $name {
            /// Every member of the set.
            pub const ALL: &'static [Self] = &[Self::$first $(, Self::$variant)*];

            /// The name as manifests write it.
            pub fn as_str(self) -> &'static str {
                match self { Self::$first => stringify!($first) $(, Self::$variant => stringify!($variant))* }
            }
        }
    };
}

closed_set!(
    /// How a property is compared; case does not matter.
    Operator { Equals, NotEquals, Contains, NotContains, StartsWith, NotStartsWith, EndsWith, NotEndsWith }
);
closed_set!(
    /// How the members of a group are joined.
    GroupOperator { Or, And }
);
closed_set!(
    /// A property whose change is seen.
    ChangedProperty { IncidentSeverity, IncidentStatus, IncidentOwner }
);
closed_set!(
    /// From or to a value.
    ChangeType { ChangedTo, ChangedFrom }
);
closed_set!(
    /// A list whose growth is seen.
    ChangedArray { Alerts, Labels, Tactics, Comments }
);
closed_set!(
    /// What happened to a list.
    ArrayChange { Added }
);
closed_set!(
    /// A list of an incident.
    ArrayType { CustomDetails, CustomDetailValues, IncidentLabels }
);
closed_set!(
    /// How many items must satisfy the conditions.
    ArrayConditionType { AnyItem, AllItems }
);
closed_set!(
    /// Every property that a condition can name, as Microsoft Sentinel has them.
    PropertyName {
        IncidentTitle, IncidentDescription, IncidentSeverity, IncidentStatus, IncidentRelatedAnalyticRuleIds,
        IncidentTactics, IncidentLabel, IncidentProviderName, IncidentUpdatedBySource, IncidentCustomDetailsKey,
        IncidentCustomDetailsValue, AlertProductNames, AlertAnalyticRuleIds,
        AccountAadTenantId, AccountAadUserId, AccountName, AccountNTDomain, AccountObjectGuid, AccountPUID,
        AccountSid, AccountUPNSuffix, AzureResourceResourceId, AzureResourceSubscriptionId, CloudApplicationAppId,
        CloudApplicationAppName, DNSDomainName, FileDirectory, FileHashValue, FileName, HostAzureID, HostName,
        HostNetBiosName, HostNTDomain, HostOSVersion, IoTDeviceId, IoTDeviceModel, IoTDeviceName,
        IoTDeviceOperatingSystem, IoTDeviceType, IoTDeviceVendor, IPAddress, MailboxDisplayName,
        MailboxPrimaryAddress, MailboxUPN, MailMessageDeliveryAction, MailMessageDeliveryLocation,
        MailMessageP1Sender, MailMessageP2Sender, MailMessageRecipient, MailMessageSenderIP, MailMessageSubject,
        MalwareCategory, MalwareName, ProcessCommandLine, ProcessId, RegistryKey, RegistryValueData, Url,
    }
);
closed_set!(
    /// How bad it is.
    Severity { Informational, Low, Medium, High }
);
closed_set!(
    /// Where the work on an incident stands.
    IncidentStatus { New, Active, Closed }
);
closed_set!(
    /// Why an incident was closed.
    Classification { Undetermined, TruePositive, BenignPositive, FalsePositive }
);
closed_set!(
    /// The reason of a classification.
    ClassificationReason { SuspiciousActivity, SuspiciousButExpected, IncorrectAlertLogic, InaccurateData }
);
closed_set!(
    /// What an owner is.
    OwnerType { Unknown, User, Group }
);

/// One thing that a rule does. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RuleAction {
    /// Runs a playbook.
    RunPlaybook(PlaybookTarget),
    /// Changes the incident.
    ModifyProperties(ModifyProperties),
    /// Adds a task to the incident.
    AddIncidentTask(AddIncidentTask),
}

/// The playbook to run.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaybookTarget {
    /// Name of the playbook.
    pub name: String,
    /// Namespace of the playbook; absent means the rule's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What to change; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModifyProperties {
    /// New severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// New status; `Closed` needs a classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IncidentStatus>,
    /// Why it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<Classification>,
    /// The reason that goes with the classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification_reason: Option<ClassificationReason>,
    /// A remark on the classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification_comment: Option<String>,
    /// New owner; an owner without any field takes the owner away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Labels to add.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// Who works on an incident.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Owner {
    /// Directory id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Name that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// Sign-in name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
    /// What the owner is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_type: Option<OwnerType>,
}

/// A task for people.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddIncidentTask {
    /// Title, at most 150 characters.
    pub title: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
