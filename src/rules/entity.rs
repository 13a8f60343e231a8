//! Entities: what an alert is about, such as an account, a host or an address.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// One thing that an alert is about.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// Its identifiers and facts, named as the incident API names them (`address`, `hostName`, `accountName`).
    pub properties: IndexMap<String, serde_json::Value>,
}

impl Entity {
    /// A text that is equal for equal things: the kind and the properties in lower case.
    pub fn identity(&self) -> String {
        let mut facts: Vec<_> = self
            .properties
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        facts.sort();
        format!("{}:{}", self.kind.as_str(), facts.join(",")).to_lowercase()
    }
}

macro_rules! entity_kinds {
    ($($kind:ident = $alert_type:literal),* $(,)?) => {
        /// The kinds of entities, named as the incident API names them.
        #[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum EntityKind { $($kind),* }

        impl EntityKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The name in the incident API, such as `Ip`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind)),* }
            }

            /// The name in the `Entities` text of an alert, such as `ip`.
            pub fn alert_type(self) -> &'static str {
                match self { $(Self::$kind => $alert_type),* }
            }
        }
    };
}

entity_kinds! {
    Account = "account", Host = "host", Ip = "ip", Url = "url", DnsResolution = "dns", File = "file",
    FileHash = "filehash", Process = "process", Malware = "malware", RegistryKey = "registry-key",
    RegistryValue = "registry-value", AzureResource = "azure-resource", CloudApplication = "cloud-application",
    SecurityGroup = "security-group", IoTDevice = "iotdevice", Mailbox = "mailbox", MailCluster = "mail-cluster",
    MailMessage = "mail-message", SubmissionMail = "SubmissionMail",
}
