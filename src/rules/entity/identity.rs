//! What makes two entities the same, and what people call them. Strong identifiers come first (Sentinel's entity
//! reference); a weak one (a bare name) serves only where no strong one is known. Invariant: an identity depends on
//! identifiers only, never on facts such as a location, so enrichment does not split an entity.

use std::net::IpAddr;

use super::{Entity, EntityKind};

/// The identifiers of a kind, best first: the first set whose members are all known identifies the entity.
fn identifiers(kind: EntityKind) -> &'static [&'static [&'static str]] {
    match kind {
        EntityKind::Account => &[
            &["sid"],
            &["aadUserId"],
            &["puid"],
            &["objectGuid"],
            &["accountName", "upnSuffix"],
            &["accountName", "ntDomain"],
            &["accountName", "dnsDomain"],
            &["accountName"],
            &["fullName"],
            &["displayName"],
        ],
        EntityKind::Host => &[
            &["azureID"],
            &["omsAgentID"],
            &["hostName", "dnsDomain"],
            &["hostName", "ntDomain"],
            &["hostName", "k8sNamespace"],
            &["hostName"],
            &["netBiosName"],
            &["fullName"],
        ],
        EntityKind::Ip => &[&["address"]],
        EntityKind::Url => &[&["url"]],
        EntityKind::DnsResolution => &[&["domainName"]],
        EntityKind::File => &[&["directory", "fileName"], &["fileName"]],
        EntityKind::FileHash => &[&["algorithm", "hashValue"], &["hashValue"]],
        EntityKind::Process => &[
            &["processId", "commandLine", "creationTimeUtc"],
            &["processId", "commandLine"],
            &["commandLine"],
            &["processId"],
        ],
        EntityKind::Malware => &[&["malwareName"]],
        EntityKind::RegistryKey => &[&["hive", "key"], &["key"], &["hive"]],
        EntityKind::RegistryValue => &[&["valueName", "valueData"], &["valueName"]],
        EntityKind::AzureResource => &[&["resourceId"]],
        EntityKind::CloudApplication => &[&["appId"], &["appName"]],
        EntityKind::SecurityGroup => &[&["objectGuid"], &["sid"], &["distinguishedName"]],
        EntityKind::IoTDevice => &[&["deviceId"], &["deviceName"]],
        EntityKind::Mailbox => &[&["mailboxPrimaryAddress"], &["externalDirectoryObjectId"], &["upn"]],
        EntityKind::MailCluster => &[&["query"], &["source", "clusterSourceIdentifier"], &["source"]],
        EntityKind::MailMessage => &[
            &["networkMessageId", "recipient"],
            &["networkMessageId"],
            &["internetMessageId"],
            &["recipient"],
        ],
        EntityKind::SubmissionMail => &[
            &["submissionId"],
            &["networkMessageId"],
            &["recipient", "submitter"],
            &["recipient"],
            &["submitter"],
        ],
    }
}

/// Whether the case of an identifier matters: paths and commands of Linux, and what follows the host in a URL.
fn case_matters(kind: EntityKind) -> bool {
    matches!(kind, EntityKind::File | EntityKind::Process | EntityKind::Url)
}

impl Entity {
    /// What tells this entity from others of its kind, for example `ip:address=10.0.0.7`. Equal identities are one
    /// entity. An entity without a known identifier is identified by all its properties.
    pub fn identity(&self) -> String {
        let set = identifiers(self.kind).iter().find_map(|names| {
            let parts: Option<Vec<String>> = names.iter().map(|name| self.part(name)).collect();
            parts.map(|parts| parts.join("|"))
        });
        let identifier = set.unwrap_or_else(|| {
            let mut all: Vec<String> = self
                .properties
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            all.sort();
            all.join("|")
        });
        format!("{}:{identifier}", self.kind.alert_type())
    }

    /// The identity by which like alerts are grouped: as [`Entity::identity`], but of a process only its program,
    /// because its number, time and arguments differ at each start and would split a flood into many incidents.
    pub fn group_identity(&self) -> String {
        if self.kind != EntityKind::Process {
            return self.identity();
        }
        let command = self.text("commandLine").unwrap_or_default();
        format!(
            "process:program={}",
            command.split_whitespace().next().unwrap_or_default()
        )
    }

    /// The name that people see: Sentinel's `friendlyName`.
    pub fn friendly_name(&self) -> String {
        let text = |name: &str| self.text(name);
        let found = match self.kind {
            EntityKind::Account => self.account_name(),
            EntityKind::Host => text("hostName").or_else(|| text("netBiosName")),
            EntityKind::Ip => text("address"),
            EntityKind::Url => text("url"),
            EntityKind::DnsResolution => text("domainName"),
            EntityKind::File => text("fileName"),
            EntityKind::FileHash => text("hashValue").map(|value| match text("algorithm") {
                Some(algorithm) => format!("{value}({algorithm})"),
                None => value,
            }),
            EntityKind::Process => text("commandLine").or_else(|| text("processId")),
            EntityKind::Malware => text("malwareName"),
            EntityKind::RegistryKey => text("key").or_else(|| text("hive")),
            EntityKind::RegistryValue => text("valueName"),
            EntityKind::AzureResource => text("resourceId").map(|id| last_segment(&id)),
            EntityKind::CloudApplication => text("appName").or_else(|| text("appId")),
            EntityKind::SecurityGroup => text("distinguishedName").or_else(|| text("sid")),
            EntityKind::IoTDevice => text("deviceName").or_else(|| text("deviceId")),
            EntityKind::Mailbox => text("mailboxPrimaryAddress"),
            EntityKind::MailCluster => text("query").or_else(|| text("source")),
            EntityKind::MailMessage => text("subject").or_else(|| text("recipient")),
            EntityKind::SubmissionMail => text("subject").or_else(|| text("submissionId")),
        };
        found
            .or_else(|| text("fullName"))
            .or_else(|| text("friendlyName"))
            .unwrap_or_else(|| self.kind.as_str().to_owned())
    }

    fn account_name(&self) -> Option<String> {
        let name = self.text("accountName");
        match (&name, self.text("ntDomain"), self.text("upnSuffix")) {
            (Some(name), Some(domain), _) => Some(format!("{domain}\\{name}")),
            (Some(name), None, Some(suffix)) => Some(format!("{name}@{suffix}")),
            (Some(_), None, None) => name,
            (None, _, _) => ["displayName", "aadUserId", "sid", "puid", "objectGuid"]
                .iter()
                .find_map(|key| self.text(key)),
        }
    }

    fn part(&self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        let value = if case_matters(self.kind) {
            text
        } else {
            text.to_lowercase()
        };
        let value = match (name, value.parse::<IpAddr>()) {
            ("address", Ok(address)) => address.to_canonical().to_string(),
            ("domainName", _) => value.trim_end_matches('.').to_owned(),
            (_, _) => value,
        };
        Some(format!("{name}={value}"))
    }
}

fn last_segment(path: &str) -> String {
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_identifiers_win_over_weak_ones() {
        let cases = [
            (
                EntityKind::Account,
                vec![("accountName", "Ann"), ("sid", "S-1-5-21")],
                "account:sid=s-1-5-21",
            ),
            (
                EntityKind::Account,
                vec![("accountName", "Ann"), ("upnSuffix", "Example.com"), ("ntDomain", "EX")],
                "account:accountName=ann|upnSuffix=example.com",
            ),
            (
                EntityKind::Account,
                vec![("accountName", "Ann")],
                "account:accountName=ann",
            ),
            (
                EntityKind::Host,
                vec![("hostName", "db-0"), ("k8sNamespace", "shop")],
                "host:hostName=db-0|k8sNamespace=shop",
            ),
            (
                EntityKind::Ip,
                vec![("address", "2001:DB8:0::1"), ("location", "x")],
                "ip:address=2001:db8::1",
            ),
            (
                EntityKind::Ip,
                vec![("address", "::ffff:10.0.0.7")],
                "ip:address=10.0.0.7",
            ),
            (
                EntityKind::DnsResolution,
                vec![("domainName", "Evil.example.")],
                "dns:domainName=evil.example",
            ),
            (
                EntityKind::File,
                vec![("directory", "/etc"), ("fileName", "Shadow")],
                "file:directory=/etc|fileName=Shadow",
            ),
            (EntityKind::Host, vec![("osFamily", "Linux")], "host:osFamily=\"Linux\""),
        ];
        for (kind, properties, expected) in cases {
            assert_eq!(Entity::new(kind, properties).identity(), expected);
        }
    }

    #[test]
    fn processes_group_by_program_only() {
        let first = Entity::new(
            EntityKind::Process,
            [("commandLine", "curl http://a"), ("processId", "7")],
        );
        let second = Entity::new(
            EntityKind::Process,
            [("commandLine", "curl http://b"), ("processId", "8")],
        );
        assert_ne!(first.identity(), second.identity());
        assert_eq!(first.group_identity(), second.group_identity());
    }

    #[test]
    fn names_for_people() {
        let account = Entity::new(
            EntityKind::Account,
            [("accountName", "ann"), ("upnSuffix", "example.com")],
        );
        assert_eq!(account.friendly_name(), "ann@example.com");
        let hash = Entity::new(EntityKind::FileHash, [("hashValue", "abc"), ("algorithm", "MD5")]);
        assert_eq!(hash.friendly_name(), "abc(MD5)");
        for kind in EntityKind::ALL {
            assert_eq!(
                Entity {
                    kind: *kind,
                    properties: Default::default()
                }
                .friendly_name(),
                kind.as_str()
            );
        }
    }
}
