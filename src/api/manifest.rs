//! Manifests: one YAML document -> one typed object, with every problem found at once. The order is fixed: kind, name,
//! schema of the spec, then the rules that no schema can say (`api::checks`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::diagnostic::Diagnostic;
use super::finding::{Finding, member};
use super::kind::Kind;
use super::secret::SecretString;
use super::yaml::Document;
use super::{
    AnalyticsRuleSpec, ApiConnectionSpec, AutomationRuleSpec, ConnectorSpec, ContentRepositorySpec, GROUP,
    IncidentSpec, PlaybookGrantSpec, PlaybookRunSpec, PlaybookSpec, PlaybookTestSpec, VERSION, checks, nearest,
    playbook_test, schema,
};

/// What a document is.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// A manifest.
    Manifest(Box<Manifest>),
    /// A test of a playbook, which [`decode_test`] reads.
    Test,
    /// An object of another API group, or no manifest at all (both texts empty then).
    Foreign {
        /// Its `apiVersion`.
        api_version: String,
        /// Its `kind`.
        kind: String,
    },
}

/// An object that Riposte reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Manifest {
    /// A playbook.
    Playbook(Object<PlaybookSpec>),
    /// An automation rule.
    AutomationRule(Object<AutomationRuleSpec>),
    /// An API connection.
    ApiConnection(Object<ApiConnectionSpec>),
    /// A connector.
    Connector(Object<ConnectorSpec>),
    /// A grant.
    PlaybookGrant(Object<PlaybookGrantSpec>),
    /// A run of a playbook.
    PlaybookRun(Object<PlaybookRunSpec>),
    /// An analytics rule.
    AnalyticsRule(Box<Object<AnalyticsRuleSpec>>),
    /// Wishes about an incident.
    Incident(Object<IncidentSpec>),
    /// A content repository.
    ContentRepository(Object<ContentRepositorySpec>),
    /// A Kubernetes Secret.
    Secret(KeyValues<SecretString>),
    /// A Kubernetes ConfigMap.
    ConfigMap(KeyValues<String>),
}

/// An object of this API group.
#[derive(Clone, Debug, PartialEq)]
pub struct Object<S> {
    /// Name, namespace and so on.
    pub metadata: Metadata,
    /// What the user wants.
    pub spec: S,
}

/// A Secret or ConfigMap: names with texts.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyValues<V> {
    /// Name, namespace and so on.
    pub metadata: Metadata,
    /// The texts by key.
    pub data: BTreeMap<String, V>,
}

/// What every object carries; other fields that Kubernetes adds are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Name, a DNS-1123 subdomain.
    pub name: String,
    /// Namespace, a DNS-1123 label.
    pub namespace: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// The kind as the document names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Playbook(_) => Kind::Playbook.as_str(),
            Self::AutomationRule(_) => Kind::AutomationRule.as_str(),
            Self::ApiConnection(_) => Kind::ApiConnection.as_str(),
            Self::Connector(_) => Kind::Connector.as_str(),
            Self::PlaybookGrant(_) => Kind::PlaybookGrant.as_str(),
            Self::PlaybookRun(_) => Kind::PlaybookRun.as_str(),
            Self::AnalyticsRule(_) => Kind::AnalyticsRule.as_str(),
            Self::Incident(_) => Kind::Incident.as_str(),
            Self::ContentRepository(_) => Kind::ContentRepository.as_str(),
            Self::Secret(_) => "Secret",
            Self::ConfigMap(_) => "ConfigMap",
        }
    }

    /// Name, namespace and so on.
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Playbook(object) => &object.metadata,
            Self::AutomationRule(object) => &object.metadata,
            Self::ApiConnection(object) => &object.metadata,
            Self::Connector(object) => &object.metadata,
            Self::PlaybookGrant(object) => &object.metadata,
            Self::PlaybookRun(object) => &object.metadata,
            Self::AnalyticsRule(object) => &object.metadata,
            Self::Incident(object) => &object.metadata,
            Self::ContentRepository(object) => &object.metadata,
            Self::Secret(secret) => &secret.metadata,
            Self::ConfigMap(map) => &map.metadata,
        }
    }
}

/// Reads one document as a manifest.
///
/// # Errors
/// Every problem of the document, each with its place.
pub fn decode(document: &Document, file: &str) -> Result<Decoded, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let decoded = read(&document.json, &mut findings);
    match decoded {
        Some(decoded) if findings.is_empty() => Ok(decoded),
        _ => Err(findings
            .into_iter()
            .map(|finding| finding.locate(document, file))
            .collect()),
    }
}

/// Reads one document as a test of a playbook; `None` if it is something else.
///
/// # Errors
/// Every problem of the document, each with its place.
pub fn decode_test(document: &Document, file: &str) -> Result<Option<Object<PlaybookTestSpec>>, Vec<Diagnostic>> {
    let root = document.json.as_object();
    let is_test = |root: &&Map<String, Value>| root.get("kind").and_then(Value::as_str) == Some(playbook_test::KIND);
    let Some(root) = root.filter(is_test) else {
        return Ok(None);
    };
    let mut findings = Vec::new();
    let version = root.get("apiVersion").and_then(Value::as_str);
    if version != Some(&format!("{GROUP}/{VERSION}")) {
        let message = format!("`apiVersion` must be `{GROUP}/{VERSION}`");
        findings.push(Finding::new("/apiVersion", "UnsupportedVersion", message));
    }
    unknown_fields(root, &["apiVersion", "kind", "metadata", "spec"], &mut findings);
    let metadata = metadata(root, &mut findings);
    let object = match root.get("spec") {
        None => {
            findings.push(Finding::new("", "MissingField", "field `spec` is missing"));
            None
        }
        Some(spec) => {
            let broken = schema::check(&playbook_test::SCHEMA, spec);
            let is_sound = broken.is_empty();
            findings.extend(broken);
            let mut reader = Reader {
                metadata,
                spec,
                is_sound,
                findings: &mut findings,
            };
            reader.object(checks::playbook_test)
        }
    };
    match object {
        Some(object) if findings.is_empty() => Ok(Some(object)),
        _ => Err(findings
            .into_iter()
            .map(|finding| finding.locate(document, file))
            .collect()),
    }
}

fn read(root: &Value, findings: &mut Vec<Finding>) -> Option<Decoded> {
    let text = |name: &str| root.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let Some(root) = root
        .as_object()
        .filter(|_| !(api_version.is_empty() && kind.is_empty()))
    else {
        return Some(Decoded::Foreign { api_version, kind });
    };
    for name in ["apiVersion", "kind"] {
        if !root.get(name).is_some_and(Value::is_string) {
            findings.push(Finding::new("", "MissingField", format!("field `{name}` is missing")));
        }
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let manifest = match (group, kind.as_str()) {
        _ if !findings.is_empty() => return None,
        ("", "Secret") => Manifest::Secret(secret(root, findings)?),
        ("", "ConfigMap") => Manifest::ConfigMap(config_map(root, findings)?),
        (GROUP, playbook_test::KIND) => return Some(Decoded::Test),
        (GROUP, _) => own(root, version, &kind, findings)?,
        _ => return Some(Decoded::Foreign { api_version, kind }),
    };
    Some(Decoded::Manifest(Box::new(manifest)))
}

/// An object of this group.
fn own(root: &Map<String, Value>, version: &str, kind: &str, findings: &mut Vec<Finding>) -> Option<Manifest> {
    if version != VERSION {
        let message = format!("version `{version}` is not served; use `{GROUP}/{VERSION}`");
        findings.push(Finding::new("/apiVersion", "UnsupportedVersion", message));
    }
    let Some(known) = Kind::ALL.into_iter().find(|known| known.as_str() == kind) else {
        let names = Kind::ALL.map(Kind::as_str);
        let message = format!("unknown kind `{kind}`; {GROUP} has {}", names.join(", "));
        findings.push(Finding::new("/kind", "UnknownKind", message).with_hint(nearest::hint(kind, names)));
        return None;
    };
    unknown_fields(root, &["apiVersion", "kind", "metadata", "spec", "status"], findings);
    let metadata = metadata(root, findings);
    let Some(spec) = root.get("spec") else {
        findings.push(Finding::new("", "MissingField", "field `spec` is missing"));
        return None;
    };
    let broken = schema::check(known.compiled(), spec);
    let is_sound = broken.is_empty();
    findings.extend(broken);
    let mut reader = Reader {
        metadata,
        spec,
        is_sound,
        findings,
    };
    match known {
        Kind::Playbook => reader.object(checks::playbook).map(Manifest::Playbook),
        Kind::AutomationRule => reader.object(checks::automation_rule).map(Manifest::AutomationRule),
        Kind::ApiConnection => reader.object(checks::api_connection).map(Manifest::ApiConnection),
        Kind::Connector => reader.object(checks::connector).map(Manifest::Connector),
        Kind::PlaybookGrant => reader.object(checks::playbook_grant).map(Manifest::PlaybookGrant),
        Kind::PlaybookRun => reader.object(checks::playbook_run).map(Manifest::PlaybookRun),
        Kind::AnalyticsRule => reader
            .object(checks::analytics_rule)
            .map(|object| Manifest::AnalyticsRule(Box::new(object))),
        Kind::Incident => reader.object(checks::incident).map(Manifest::Incident),
        Kind::ContentRepository => reader
            .object(checks::content_repository)
            .map(Manifest::ContentRepository),
    }
}

/// Turns a spec that the schema has seen into its type.
struct Reader<'a> {
    metadata: Option<Metadata>,
    spec: &'a Value,
    is_sound: bool,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn object<S: DeserializeOwned>(&mut self, check: fn(&S) -> Vec<Finding>) -> Option<Object<S>> {
        match serde_json::from_value::<S>(self.spec.clone()) {
            Ok(spec) => {
                self.findings.extend(check(&spec));
                Some(Object {
                    metadata: self.metadata.take()?,
                    spec,
                })
            }
            Err(error) => {
                if self.is_sound {
                    self.findings.push(Finding::new(
                        "/spec",
                        "InvalidValue",
                        format!("spec does not fit: {error}"),
                    ));
                }
                None
            }
        }
    }
}

fn unknown_fields(root: &Map<String, Value>, known: &[&str], findings: &mut Vec<Finding>) {
    for name in root.keys().filter(|name| !known.contains(&name.as_str())) {
        let hint = nearest::hint(name, known.iter().copied());
        let finding = Finding::of_key(member("", name), "UnknownField", format!("unknown field `{name}`"));
        findings.push(finding.with_hint(hint));
    }
}

fn metadata(root: &Map<String, Value>, findings: &mut Vec<Finding>) -> Option<Metadata> {
    let Some(fields) = root.get("metadata").and_then(Value::as_object) else {
        findings.push(Finding::new(
            "/metadata",
            "MissingField",
            "field `metadata` with a name is missing",
        ));
        return None;
    };
    let name = name(fields, "name", 253, findings);
    if name.is_none() && !fields.contains_key("name") {
        findings.push(Finding::new("/metadata", "MissingField", "field `name` is missing"));
    }
    Some(Metadata {
        name: name.unwrap_or_default(),
        namespace: name_of_namespace(fields, findings),
        labels: texts(fields, "/metadata", "labels", findings),
        annotations: texts(fields, "/metadata", "annotations", findings),
    })
}

fn name_of_namespace(fields: &Map<String, Value>, findings: &mut Vec<Finding>) -> Option<String> {
    name(fields, "namespace", 63, findings)
}

/// A name as Kubernetes wants it: a DNS-1123 subdomain, or a label where at most 63 characters are allowed.
fn name(fields: &Map<String, Value>, field: &str, most: usize, findings: &mut Vec<Finding>) -> Option<String> {
    let value = fields.get(field).filter(|value| !value.is_null())?;
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        label.len() <= 63
            && bytes.first().is_some_and(|first| is_alphanumeric(*first))
            && bytes.last().is_some_and(|last| is_alphanumeric(*last))
            && bytes.iter().all(|byte| is_alphanumeric(*byte) || *byte == b'-')
    };
    let is_name = |name: &str| {
        name.len() <= most
            && if most == 63 {
                is_label(name)
            } else {
                name.split('.').all(is_label)
            }
    };
    match value.as_str() {
        Some(name) if is_name(name) => Some(name.to_owned()),
        _ => {
            let message = format!(
                "`{field}` must have at most {most} lower-case letters, digits and `-`, with a letter or digit at both ends"
            );
            findings.push(Finding::new(member("/metadata", field), "InvalidName", message));
            None
        }
    }
}

/// A map of texts.
fn texts(
    fields: &Map<String, Value>,
    around: &str,
    field: &str,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, String> {
    let pointer = member(around, field);
    let members = match fields.get(field) {
        None | Some(Value::Null) => return BTreeMap::new(),
        Some(Value::Object(members)) => members,
        Some(_) => {
            findings.push(Finding::new(
                pointer,
                "InvalidValue",
                format!("`{field}` must be a map of texts"),
            ));
            return BTreeMap::new();
        }
    };
    let mut read = BTreeMap::new();
    for (key, value) in members {
        match value.as_str() {
            Some(text) => {
                read.insert(key.clone(), text.to_owned());
            }
            None => {
                let message = format!("the value of `{key}` must be text; quote it");
                findings.push(Finding::new(member(&pointer, key), "InvalidValue", message));
            }
        }
    }
    read
}

fn secret(root: &Map<String, Value>, findings: &mut Vec<Finding>) -> Option<KeyValues<SecretString>> {
    unknown_fields(
        root,
        &[
            "apiVersion",
            "kind",
            "metadata",
            "data",
            "stringData",
            "type",
            "immutable",
        ],
        findings,
    );
    let metadata = metadata(root, findings);
    let mut data = BTreeMap::new();
    for (key, text) in texts(root, "", "data", findings) {
        let bytes = STANDARD.decode(text.split_whitespace().collect::<String>()).ok();
        match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) => {
                data.insert(key, SecretString::from(text));
            }
            None => {
                let message =
                    format!("the value of `{key}` is not base64 of text; plain text belongs into `stringData`");
                findings.push(Finding::new(member("/data", &key), "InvalidValue", message));
            }
        }
    }
    let plain = texts(root, "", "stringData", findings);
    data.extend(plain.into_iter().map(|(key, text)| (key, SecretString::from(text))));
    Some(KeyValues {
        metadata: metadata?,
        data,
    })
}

fn config_map(root: &Map<String, Value>, findings: &mut Vec<Finding>) -> Option<KeyValues<String>> {
    unknown_fields(
        root,
        &["apiVersion", "kind", "metadata", "data", "binaryData", "immutable"],
        findings,
    );
    let metadata = metadata(root, findings);
    let data = texts(root, "", "data", findings);
    Some(KeyValues {
        metadata: metadata?,
        data,
    })
}
