//! What a Falco event is about, read from its output fields by name. Fields without a value (`<NA>`, empty) and
//! unspecified addresses name nothing.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::super::bounds::{self, MAX_ENTITIES};
use crate::rules::{Entity, EntityKind};

/// Fields that hold addresses, several separated by commas.
const ADDRESSES: &[&str] = &[
    "fd.rip",
    "fd.sip",
    "fd.cip",
    "ct.srcip",
    "ka.sourceips",
    "okta.client.ip",
    "github.srcip",
];
/// Fields that hold a connection, `1.2.3.4:5->6.7.8.9:10`, or a path.
const DESCRIPTORS: &[&str] = &["fd.name", "fs.path.name", "fs.path.source", "fs.path.target"];
/// Fields that hold the name of a server.
const DOMAINS: &[&str] = &[
    "fd.sip.name",
    "fd.rip.name",
    "fd.cip.name",
    "dns.name",
    "dns.domain",
    "dns.query",
    "domain",
];
/// Fields that hold the name of an account.
const ACCOUNTS: &[&str] = &["user.name", "ka.user.name", "ct.user", "okta.actor.name", "github.user"];
/// Facts of a process, beside its command and number.
const PROCESS: &[(&str, &str)] = &[
    ("proc.cmdline", "commandLine"),
    ("proc.pid", "processId"),
    ("proc.name", "processName"),
    ("proc.exepath", "imagePath"),
    ("proc.pname", "parentName"),
    ("proc.pcmdline", "parentCommandLine"),
    ("proc.ppid", "parentProcessId"),
    ("proc.cwd", "workingDirectory"),
    ("proc.tty", "tty"),
];
/// Facts of a pod, beside its name.
const POD: &[(&str, &str)] = &[
    ("k8s.ns.name", "k8sNamespace"),
    ("k8s.pod.uid", "podUid"),
    ("container.id", "containerId"),
    ("container.name", "containerName"),
    ("container.image", "containerImage"),
    ("container.image.repository", "containerImageRepository"),
    ("container.image.tag", "containerImageTag"),
    ("container.image.digest", "containerImageDigest"),
];

/// The entities of an event, each once, at most [`MAX_ENTITIES`].
pub(super) fn read(fields: &Map<String, Value>, hostname: &str) -> Vec<Entity> {
    let fields = Fields(fields);
    let mut found = Found::default();
    fields.hosts(hostname, &mut found);
    fields.accounts(&mut found);
    fields.process(&mut found);
    fields.network(&mut found);
    fields.files(&mut found);
    fields.by_name(&mut found);
    found.0
}

#[derive(Default)]
struct Found(Vec<Entity>);

impl Found {
    fn add<'a>(&mut self, kind: EntityKind, properties: impl IntoIterator<Item = (&'a str, String)>) {
        let entity = Entity::new(kind, properties);
        let is_new = !self.0.iter().any(|known| known.identity() == entity.identity());
        if is_new && self.0.len() < MAX_ENTITIES {
            self.0.push(entity);
        }
    }

    fn add_address(&mut self, text: &str) {
        let address = text
            .trim()
            .parse::<IpAddr>()
            .ok()
            .filter(|address| !address.is_unspecified());
        if let Some(address) = address {
            self.add(EntityKind::Ip, [("address", address.to_canonical().to_string())]);
        }
    }

    fn add_file(&mut self, path: &str) {
        if let Some((directory, name)) = path.rsplit_once('/').filter(|(_, name)| !name.is_empty()) {
            let directory = if directory.is_empty() { "/" } else { directory };
            self.add(
                EntityKind::File,
                [("directory", directory.to_owned()), ("fileName", name.to_owned())],
            );
        }
    }
}

struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(known)
    }

    fn facts(&self, names: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = (&'a str, String)> {
        names
            .iter()
            .filter_map(|(field, property)| Some((*property, self.get(field)?)))
    }

    /// The pod or container, and the node. A container is a host to playbooks: something to isolate or to look up.
    fn hosts(&self, hostname: &str, found: &mut Found) {
        let container = self.get("container.id").filter(|id| id != "host");
        let name = self.get("k8s.pod.name").or_else(|| {
            let container = container?;
            Some(
                self.get("container.name")
                    .filter(|name| name != "host")
                    .unwrap_or(container),
            )
        });
        if let Some(name) = name {
            found.add(
                EntityKind::Host,
                [("hostName", name)].into_iter().chain(self.facts(POD)),
            );
        }
        let node = self.get("k8s.node.name").or_else(|| known(&Value::from(hostname)));
        if let Some(node) = node {
            found.add(EntityKind::Host, [("hostName", node)]);
        }
    }

    fn accounts(&self, found: &mut Found) {
        for name in ACCOUNTS.iter().filter_map(|field| self.get(field)) {
            let number = self
                .get("user.uid")
                .filter(|_| self.get("user.name").as_ref() == Some(&name));
            let number = number.map(|number| ("userId", number));
            match name.split_once('@') {
                Some((user, suffix)) if !user.is_empty() && !suffix.is_empty() => {
                    let parts = [("accountName", user.to_owned()), ("upnSuffix", suffix.to_owned())];
                    found.add(EntityKind::Account, parts.into_iter().chain(number));
                }
                _ => found.add(EntityKind::Account, [("accountName", name)].into_iter().chain(number)),
            }
        }
    }

    fn process(&self, found: &mut Found) {
        if self.get("proc.cmdline").is_some() || self.get("proc.pid").is_some() {
            found.add(EntityKind::Process, self.facts(PROCESS));
        }
    }

    fn network(&self, found: &mut Found) {
        for text in ADDRESSES.iter().filter_map(|field| self.get(field)) {
            text.split(',').for_each(|address| found.add_address(address));
        }
        for end in DESCRIPTORS.iter().filter_map(|field| self.get(field)).flat_map(ends) {
            found.add_address(&end);
        }
        for name in DOMAINS.iter().filter_map(|field| self.get(field)) {
            if name.contains('.') && name.parse::<IpAddr>().is_err() {
                found.add(EntityKind::DnsResolution, [("domainName", name)]);
            }
        }
    }

    fn files(&self, found: &mut Found) {
        for path in DESCRIPTORS.iter().filter_map(|field| self.get(field)) {
            if path.starts_with('/') {
                found.add_file(&path);
            }
        }
    }

    /// Hashes and URLs are recognised by the last word of a field's name, since plugins and rules name them freely.
    fn by_name(&self, found: &mut Found) {
        for (field, value) in self.0 {
            let Some(value) = known(value) else { continue };
            let field = field.to_ascii_lowercase();
            let word = field.rsplit(['.', '_', '[']).next().unwrap_or_default();
            let is_hash_name = ["md5", "sha1", "sha256", "hash", "checksum"]
                .iter()
                .any(|name| word.starts_with(name));
            if let Some(algorithm) = hash_algorithm(&value).filter(|_| is_hash_name) {
                let hash = value.to_ascii_lowercase();
                found.add(
                    EntityKind::FileHash,
                    [("hashValue", hash), ("algorithm", algorithm.to_owned())],
                );
            }
            let is_url = value.starts_with("http://") || value.starts_with("https://");
            if is_url && ["url", "uri"].iter().any(|name| word.ends_with(name)) {
                found.add(EntityKind::Url, [("url", value)]);
            }
        }
    }
}

/// The value as text, if it says something.
fn known(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let says_nothing = ["", "<NA>", "N/A", "null", "<nil>"].contains(&text.as_str());
    (!says_nothing).then(|| bounds::description(&text))
}

/// The addresses of both ends of a connection; of an address and port the last colon parts them, IPv6 included.
fn ends(descriptor: String) -> Vec<String> {
    let Some((from, to)) = descriptor.split_once("->") else {
        return Vec::new();
    };
    let address = |end: &str| {
        let host = end.trim().rsplit_once(':').map_or(end, |(host, _)| host);
        host.trim_matches(['[', ']']).to_owned()
    };
    vec![address(from), address(to)]
}

fn hash_algorithm(value: &str) -> Option<&'static str> {
    let is_hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match value.len() {
        32 if is_hex => Some("MD5"),
        40 if is_hex => Some("SHA1"),
        64 if is_hex => Some("SHA256"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn identities(fields: Value, hostname: &str) -> Vec<String> {
        let fields = fields.as_object().expect("an object");
        read(fields, hostname).iter().map(Entity::identity).collect()
    }

    #[test]
    fn connections_give_both_addresses_but_no_unspecified_one() {
        let cases = [
            (
                json!({"fd.name": "10.0.0.5:51234->203.0.113.9:443"}),
                vec!["ip:address=10.0.0.5", "ip:address=203.0.113.9"],
            ),
            (
                json!({"fd.name": "2001:db8::5:51234->::1:443"}),
                vec!["ip:address=2001:db8::5", "ip:address=::1"],
            ),
            (
                json!({"fd.name": "0.0.0.0:0->203.0.113.9:53", "fd.rip": "203.0.113.9"}),
                vec!["ip:address=203.0.113.9"],
            ),
            (json!({"fd.sip": "::", "fd.cip": "<NA>", "fd.rip": null}), vec![]),
            (
                json!({"ka.sourceips": "10.0.0.5, 10.0.0.6"}),
                vec!["ip:address=10.0.0.5", "ip:address=10.0.0.6"],
            ),
        ];
        for (fields, expected) in cases {
            assert_eq!(identities(fields, ""), expected);
        }
    }

    #[test]
    fn a_host_without_containers_is_one_host() {
        let fields = json!({"container.id": "host", "container.name": "host", "k8s.pod.name": null});
        assert_eq!(identities(fields, "node-7"), ["host:hostName=node-7"]);
    }

    #[test]
    fn hashes_and_urls_are_recognised_by_name_and_form() {
        let fields = json!({
            "proc.exe.sha256": "A".repeat(64), "file_md5": "zz", "container.id": "b".repeat(64),
            "http.url": "https://evil.example/x", "http.method": "GET",
        });
        let found = identities(fields, "");
        assert!(
            found.contains(&format!("filehash:algorithm=sha256|hashValue={}", "a".repeat(64))),
            "{found:?}"
        );
        assert!(found.contains(&"url:url=https://evil.example/x".to_owned()));
        assert_eq!(
            found.iter().filter(|identity| identity.starts_with("filehash")).count(),
            1
        );
    }

    #[test]
    fn paths_are_parted() {
        assert_eq!(
            identities(json!({"fd.name": "/etc/shadow"}), ""),
            ["file:directory=/etc|fileName=shadow"]
        );
        assert_eq!(
            identities(json!({"fd.name": "/vmlinuz"}), ""),
            ["file:directory=/|fileName=vmlinuz"]
        );
        assert!(identities(json!({"fd.name": "/tmp/"}), "").is_empty());
    }
}
