//! The closed sets of words that rules, incidents and alerts share, spelled as Microsoft Sentinel spells them.
//! The first member of each set is its default.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident $(, $(#[$variant_doc:meta])* $variant:ident)* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, Hash, JsonSchema)]
        pub enum $name { $(#[$first_doc])* #[default] $first $(, $(#[$variant_doc])* $variant)* }

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
    Operator {
        /// One of the values is the property.
        Equals,
        /// None of the values is the property.
        NotEquals,
        /// The property contains one of the values.
        Contains,
        /// The property contains none of the values.
        NotContains,
        /// The property starts with one of the values.
        StartsWith,
        /// The property starts with none of the values.
        NotStartsWith,
        /// The property ends with one of the values.
        EndsWith,
        /// The property ends with none of the values.
        NotEndsWith,
    }
);
closed_set!(
    /// How the members of a group are joined.
    GroupOperator {
        /// One member must hold.
        Or,
        /// All members must hold.
        And,
    }
);
closed_set!(
    /// A property whose change is seen.
    ChangedProperty {
        /// Severity.
        IncidentSeverity,
        /// Status.
        IncidentStatus,
        /// Owner; values are object ids or sign-in names.
        IncidentOwner,
    }
);
closed_set!(
    /// From or to a value.
    ChangeType {
        /// The new value matches.
        ChangedTo,
        /// The old value matches.
        ChangedFrom,
    }
);
closed_set!(
    /// A list whose growth is seen.
    ChangedArray {
        /// Alerts.
        Alerts,
        /// Labels (tags).
        Labels,
        /// Tactics of MITRE ATT&CK.
        Tactics,
        /// Comments.
        Comments,
    }
);
closed_set!(
    /// What happened to a list.
    ArrayChange {
        /// Something was added.
        Added,
    }
);
closed_set!(
    /// A list of an incident.
    ArrayType {
        /// Custom details: keys with values.
        CustomDetails,
        /// The values of one custom detail.
        CustomDetailValues,
        /// All labels (tags) together.
        IncidentLabels,
    }
);
closed_set!(
    /// How many items must satisfy the conditions.
    ArrayConditionType {
        /// One item is enough.
        AnyItem,
        /// Every item must.
        AllItems,
    }
);
closed_set!(
    /// Every property that a condition can name, as Microsoft Sentinel has them.
    PropertyName {
        /// Title.
        IncidentTitle,
        /// Description.
        IncidentDescription,
        /// Severity.
        IncidentSeverity,
        /// Status.
        IncidentStatus,
        /// Analytics rules that made its alerts, by id.
        IncidentRelatedAnalyticRuleIds,
        /// Tactics of MITRE ATT&CK.
        IncidentTactics,
        /// One label (tag).
        IncidentLabel,
        /// The product that made the incident.
        IncidentProviderName,
        /// Who made the update; excludes automation from its own changes.
        IncidentUpdatedBySource,
        /// Key of a custom detail.
        IncidentCustomDetailsKey,
        /// Value of a custom detail.
        IncidentCustomDetailsValue,
        /// Products that made its alerts.
        AlertProductNames,
        /// Analytics rules that made the alert, by id.
        AlertAnalyticRuleIds,
        /// Account: tenant id.
        AccountAadTenantId,
        /// Account: user id in Microsoft Entra ID.
        AccountAadUserId,
        /// Account: name.
        AccountName,
        /// Account: NetBIOS domain.
        AccountNTDomain,
        /// Account: object GUID in Active Directory.
        AccountObjectGuid,
        /// Account: passport id.
        AccountPUID,
        /// Account: security identifier.
        AccountSid,
        /// Account: suffix of the user principal name.
        AccountUPNSuffix,
        /// Azure resource: id.
        AzureResourceResourceId,
        /// Azure resource: subscription id.
        AzureResourceSubscriptionId,
        /// Cloud application: id.
        CloudApplicationAppId,
        /// Cloud application: name.
        CloudApplicationAppName,
        /// DNS record: domain name.
        DNSDomainName,
        /// File: directory.
        FileDirectory,
        /// File hash: value.
        FileHashValue,
        /// File: name.
        FileName,
        /// Host: Azure resource id.
        HostAzureID,
        /// Host: name.
        HostName,
        /// Host: NetBIOS name.
        HostNetBiosName,
        /// Host: NetBIOS domain.
        HostNTDomain,
        /// Host: version of the operating system.
        HostOSVersion,
        /// IoT device: id.
        IoTDeviceId,
        /// IoT device: model.
        IoTDeviceModel,
        /// IoT device: name.
        IoTDeviceName,
        /// IoT device: operating system.
        IoTDeviceOperatingSystem,
        /// IoT device: type.
        IoTDeviceType,
        /// IoT device: vendor.
        IoTDeviceVendor,
        /// IP: address.
        IPAddress,
        /// Mailbox: display name.
        MailboxDisplayName,
        /// Mailbox: primary address.
        MailboxPrimaryAddress,
        /// Mailbox: user principal name.
        MailboxUPN,
        /// Mail message: what happened to it.
        MailMessageDeliveryAction,
        /// Mail message: where it was delivered.
        MailMessageDeliveryLocation,
        /// Mail message: sender of the envelope.
        MailMessageP1Sender,
        /// Mail message: sender of the header.
        MailMessageP2Sender,
        /// Mail message: recipient.
        MailMessageRecipient,
        /// Mail message: address of the sending host.
        MailMessageSenderIP,
        /// Mail message: subject.
        MailMessageSubject,
        /// Malware: category.
        MalwareCategory,
        /// Malware: name.
        MalwareName,
        /// Process: command line.
        ProcessCommandLine,
        /// Process: id.
        ProcessId,
        /// Registry key: path.
        RegistryKey,
        /// Registry value: data.
        RegistryValueData,
        /// URL.
        Url,
    }
);
closed_set!(
    /// How bad it is.
    Severity {
        /// No harm by itself.
        Informational,
        /// Little harm.
        Low,
        /// Harm is possible.
        Medium,
        /// Harm is likely or done.
        High,
    }
);
closed_set!(
    /// Where the work on an incident stands.
    IncidentStatus {
        /// Nobody works on it yet.
        New,
        /// Somebody works on it.
        Active,
        /// The work is done.
        Closed,
    }
);
closed_set!(
    /// Why an incident was closed.
    Classification {
        /// Nobody knows; takes no reason.
        Undetermined,
        /// It was an attack.
        TruePositive,
        /// It happened and was allowed.
        BenignPositive,
        /// It was nothing.
        FalsePositive,
    }
);
closed_set!(
    /// The reason of a classification.
    ClassificationReason {
        /// With `TruePositive`.
        SuspiciousActivity,
        /// With `BenignPositive`.
        SuspiciousButExpected,
        /// With `FalsePositive`: the rule is wrong.
        IncorrectAlertLogic,
        /// With `FalsePositive`: the data is wrong.
        InaccurateData,
    }
);
closed_set!(
    /// What an owner is.
    OwnerType {
        /// Not known.
        Unknown,
        /// A person.
        User,
        /// A group.
        Group,
    }
);
