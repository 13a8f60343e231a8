//! Entities: what an alert is about, such as an account, a host or an address. The model knows how an entity is
//! identified and called, so that every room merges and shows entities alike. Invariant: nothing here fails or panics
//! on any properties, since they come from outside.

mod identity;
mod reading;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use reading::{EntityError, alert_field, property_name, read_list};

/// One thing that an alert is about.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// Its identifiers and facts, named as the incident API names them (`address`, `hostName`, `accountName`).
    pub properties: IndexMap<String, serde_json::Value>,
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

impl EntityKind {
    /// The kind of this name, as the incident API, an alert or an entity mapping writes it (`DnsResolution`, `dns`,
    /// `DNS`, `registry-key`, `RegistryKey`); case does not matter.
    pub fn from_name(name: &str) -> Option<Self> {
        let plain = |text: &str| text.replace(['-', '_', ' '], "").to_ascii_lowercase();
        let wanted = plain(name);
        Self::ALL
            .iter()
            .copied()
            .find(|kind| plain(kind.as_str()) == wanted || plain(kind.alert_type()) == wanted)
    }
}

impl Entity {
    /// An entity of this kind with these properties.
    pub fn new<K: Into<String>, V: Into<serde_json::Value>>(
        kind: EntityKind,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let properties = properties.into_iter().map(|(key, value)| (key.into(), value.into()));
        Self {
            kind,
            properties: properties.collect(),
        }
    }

    /// A property as text, whatever the case of its name: text that is not blank, or a number.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.properties.get(name).or_else(|| {
            let mut members = self.properties.iter();
            members
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        })?;
        match value {
            serde_json::Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_each_of_its_names() {
        for kind in EntityKind::ALL {
            assert_eq!(EntityKind::from_name(kind.as_str()), Some(*kind));
            assert_eq!(EntityKind::from_name(kind.alert_type()), Some(*kind));
        }
        assert_eq!(EntityKind::from_name("DNS"), Some(EntityKind::DnsResolution));
        assert_eq!(EntityKind::from_name("RegistryKey"), Some(EntityKind::RegistryKey));
        assert_eq!(EntityKind::from_name("planet"), None);
    }

    #[test]
    fn text_is_found_whatever_the_case_and_never_blank() {
        let host = Entity::new(EntityKind::Host, [("HostName", " web-1 "), ("dnsDomain", "  ")]);
        assert_eq!(host.text("hostName").as_deref(), Some("web-1"));
        assert_eq!(host.text("dnsDomain"), None);
    }
}
