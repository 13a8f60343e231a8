//! `Microsoft.Logic/workflows` to Playbook manifests: the definition with its ARM expressions evaluated, the values of
//! its parameters, its connections. Open values become parameters of the Playbook, secret ones from a Secret named as
//! the Playbook.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::connection::{Connections, Origin, Wanted, connector_name, custom_api, forgive};
use super::manifest;
use super::name::{dns_label, secret_key, unique};
use super::open::{Open, OpenValues};
use super::session::Session;
use super::standard::{self, Beside, Setting, setting_of};
use super::survey::{self, Call};
use super::template::Resource;
use super::verdict::{Finding, Verdict};
use crate::api::PlaybookSpec;
use crate::api::identity::{IDENTITY_CONNECTOR, MANAGED_IDENTITY};
use crate::api::playbook::ConnectionBinding;
use crate::api::reference::{KeyRef, LocalRef, NamedValue, ValueSource};
use crate::expression::{Object, Value};

/// The annotation with the name of the Sentinel template that a playbook was made of.
pub(super) const TEMPLATE_NAME: &str = "riposte.dev/template-name";
/// The annotation with the version of that template.
pub(super) const TEMPLATE_VERSION: &str = "riposte.dev/template-version";

/// A workflow of the file.
#[derive(Default)]
pub(super) struct Playbook {
    /// Name of the Playbook.
    pub name: String,
    /// JSON pointer to its resource in the file.
    pub pointer: String,
    /// JSON pointer to its definition in the file.
    pub definition_pointer: String,
    /// The Playbook; `None` where there is no definition.
    pub manifest: Option<Json>,
    /// Its definition.
    pub definition: Value,
    /// The calls that the definition makes through connections.
    pub calls: Vec<Call>,
    /// Name in the definition and connector of each connection.
    pub connectors: Vec<(String, String)>,
    /// The parameters, by lower-case name, whose values are left to the reader.
    pub open: HashSet<String>,
    /// What was found so far.
    pub findings: Vec<Finding>,
}

/// A workflow as Azure has it: expressions of templates evaluated, open values marked.
struct Described<'a> {
    azure_name: String,
    pointer: String,
    definition_pointer: String,
    properties: Value,
    tags: Value,
    settings: Vec<Setting>,
    session: &'a Session,
    findings: Vec<Finding>,
}

/// Reads the workflow that a resource describes; connections that it names and the file does not hold are added.
pub(super) fn read(resource: &Resource, connections: &mut Connections, taken: &mut HashSet<String>) -> Playbook {
    let mut findings = Vec::new();
    let properties = resource.resolve("properties", &mut findings);
    forgive(&mut findings, |pointer| {
        pointer.starts_with("/properties/parameters/$connections/value/") && pointer.ends_with("/id")
    });
    let described = Described {
        azure_name: resource.name(&mut findings),
        pointer: resource.pointer.clone(),
        definition_pointer: format!("{}/properties/definition", resource.pointer),
        properties,
        tags: resource.resolve("tags", &mut findings),
        settings: Vec::new(),
        session: &resource.scope.session,
        findings,
    };
    playbook(described, connections, taken)
}

/// Reads a bare workflow, as the code view of the portal shows it: the definition, or an object that holds it.
pub(super) fn read_bare(file: &Value, beside: &Beside, session: &Session, connections: &mut Connections) -> Playbook {
    let (properties, settings) = standard::properties(file, beside, session);
    let definition_pointer = if file.get("definition").is_some() {
        "/definition"
    } else {
        ""
    };
    let described = Described {
        azure_name: session.stem.clone(),
        pointer: String::new(),
        definition_pointer: definition_pointer.to_owned(),
        properties,
        tags: Value::Null,
        settings,
        session,
        findings: Vec::new(),
    };
    playbook(described, connections, &mut HashSet::new())
}

fn playbook(described: Described, connections: &mut Connections, taken: &mut HashSet<String>) -> Playbook {
    let Described {
        azure_name,
        pointer,
        definition_pointer,
        properties,
        tags,
        settings,
        session,
        mut findings,
    } = described;
    let name = unique(dns_label(&azure_name, "playbook"), taken);
    let Some(definition) = properties.get("definition").and_then(Value::as_object) else {
        let finding = Finding::new(Verdict::Invalid, "MissingDefinition", "the workflow has no definition");
        findings.push(finding.at("/properties/definition"));
        return Playbook {
            name,
            pointer,
            definition_pointer,
            findings,
            ..Playbook::default()
        };
    };
    let mut parameters = Parameters {
        opens: &session.opens,
        playbook: &name,
        findings: &mut findings,
        values: vec![],
        open: HashSet::new(),
    };
    let given = properties.get("parameters").and_then(Value::as_object);
    let given = given.cloned().unwrap_or_default();
    let definition = parameters.take_from(definition, &given);
    let app_settings = parameters.settings(settings);
    let (values, open) = (parameters.values, parameters.open);
    let calls = survey::calls(&definition);
    let mut binder = Binder {
        connections,
        opens: &session.opens,
        pointer: &pointer,
        findings: &mut findings,
    };
    let others = beside_connections(&definition);
    let bound = binder.bind(&given, &calls, others);
    findings.extend(foreign_subscriptions(&definition));
    let spec = PlaybookSpec {
        definition_text: serde_json::to_string_pretty(&definition).ok(),
        parameters: values,
        app_settings,
        connections: bound.iter().map(|(binding, _)| binding.clone()).collect(),
        suspend: is_disabled(&properties),
        ..PlaybookSpec::default()
    };
    let annotations = annotations(&azure_name, &tags, &session.opens);
    let manifest = manifest::object("Playbook", &name, &session.namespace, annotations, &spec);
    let connectors = bound
        .into_iter()
        .map(|(binding, connector)| (binding.name, connector))
        .collect();
    Playbook {
        name,
        pointer,
        definition_pointer,
        manifest: Some(manifest),
        definition,
        calls,
        connectors,
        open,
        findings,
    }
}

fn is_disabled(properties: &Value) -> bool {
    let state = properties.get("state").and_then(Value::as_str);
    state.is_some_and(|state| state.eq_ignore_ascii_case("Disabled"))
}

/// What people and Sentinel know the playbook by.
fn annotations(azure_name: &str, tags: &Value, opens: &OpenValues) -> Json {
    let mut annotations = Map::new();
    let mut add = |name: &str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            annotations.insert(name.to_owned(), Json::from(text));
        }
    };
    let tag = |name: &str| {
        tags.get(name)
            .and_then(Value::as_str)
            .map(|text| opens.plain_text(text))
    };
    add(manifest::DISPLAY_NAME, Some(azure_name.to_owned()));
    add(TEMPLATE_NAME, tag("hidden-SentinelTemplateName"));
    add(TEMPLATE_VERSION, tag("hidden-SentinelTemplateVersion"));
    Json::Object(annotations)
}

/// Subscriptions that are written into a definition instead of being asked for.
fn foreign_subscriptions(definition: &Value) -> impl Iterator<Item = Finding> {
    let found = survey::foreign_subscriptions(definition).into_iter();
    found.map(|(pointer, subscription)| {
        let reason = format!("subscription `{subscription}` is written into the workflow; map it to a namespace");
        Finding::new(Verdict::NeedsMapping, "ForeignSubscription", reason).in_definition(pointer)
    })
}

/// The connector of function apps.
const FUNCTIONS: &str = "azurefunctions";

/// What is no connection in Azure and becomes one here, by the name under which it is bound, with its connector: the
/// function apps that a definition calls, and the managed identities that its calls act as.
fn beside_connections(definition: &Value) -> Vec<(String, &'static str)> {
    let apps = survey::function_apps(definition).into_iter();
    let identities = survey::identities(definition).into_iter();
    let apps = apps.map(|app| (app, FUNCTIONS));
    apps.chain(identities.map(|identity| (identity, IDENTITY_CONNECTOR)))
        .collect()
}

/// Binds names of `$connections` to ApiConnections.
struct Binder<'a> {
    connections: &'a mut Connections,
    opens: &'a OpenValues,
    /// JSON pointer to the workflow's resource.
    pointer: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Binder<'_> {
    /// Binds each name that is given to its ApiConnection, and each name that is only called, or is one of `others` with
    /// their connectors, to an assumed one. Gives the connector of each too.
    fn bind(
        &mut self,
        given: &Object,
        calls: &[Call],
        others: Vec<(String, &str)>,
    ) -> Vec<(ConnectionBinding, String)> {
        let declared = given.get("$connections").and_then(|parameter| parameter.get("value"));
        let members = declared.and_then(Value::as_object).into_iter().flat_map(Object::iter);
        let mut wanted: Vec<Wanted> = members.map(|(alias, entry)| self.wanted(alias, entry)).collect();
        for alias in calls.iter().filter_map(|call| call.alias.as_ref()) {
            if !wanted.iter().any(|known| known.alias.eq_ignore_ascii_case(alias)) {
                wanted.push(Wanted {
                    alias: alias.clone(),
                    azure_name: alias.clone(),
                    connector: connector_of_alias(alias),
                    is_explicit: false,
                    origin: Origin::default(),
                });
            }
        }
        for (alias, connector) in others {
            if !wanted.iter().any(|known| known.alias.eq_ignore_ascii_case(&alias)) {
                wanted.push(Wanted {
                    azure_name: alias.clone(),
                    alias,
                    connector: connector.to_owned(),
                    is_explicit: true,
                    origin: Origin::default(),
                });
            }
        }
        wanted.iter().map(|wanted| self.bound(wanted)).collect()
    }

    fn wanted(&self, alias: &str, entry: &Value) -> Wanted {
        let text = |name: &str| {
            let text = entry.get(name).and_then(Value::as_str);
            text.map(|text| self.opens.plain_text(text))
        };
        let id = text("connectionId").unwrap_or_default();
        let last = id.rsplit('/').next();
        let last = last.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("connections"));
        let azure_name = last.map(str::to_owned).or_else(|| text("connectionName"));
        let api = text("id").unwrap_or_default();
        let connector = connector_name(&api);
        let signs_in = entry.at(&["connectionProperties", "authentication", "type"]);
        let signs_in = signs_in.and_then(Value::as_str).unwrap_or_default();
        Wanted {
            alias: alias.to_owned(),
            azure_name: azure_name
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| alias.to_owned()),
            is_explicit: connector.is_some(),
            connector: connector.unwrap_or_else(|| connector_of_alias(alias)),
            origin: Origin {
                custom_api: custom_api(&api),
                managed_identity: signs_in.eq_ignore_ascii_case(MANAGED_IDENTITY),
            },
        }
    }

    fn bound(&mut self, wanted: &Wanted) -> (ConnectionBinding, String) {
        let connection = self.connections.find_or_assume(wanted, self.pointer);
        self.findings.extend(connection.findings.iter().cloned());
        let binding = ConnectionBinding {
            name: wanted.alias.clone(),
            connection_ref: LocalRef {
                name: connection.name.clone(),
            },
        };
        (binding, connection.connector.clone())
    }
}

/// The designer names a connection as its connector, with a number where there are several.
pub(super) fn connector_of_alias(alias: &str) -> String {
    let plain = alias.trim_end_matches(|c: char| c.is_ascii_digit());
    let plain = if plain.ends_with(['-', '_']) {
        plain.trim_end_matches(['-', '_'])
    } else {
        alias
    };
    dns_label(plain, "connector")
}

/// Collects the values of a Playbook's parameters.
struct Parameters<'a> {
    opens: &'a OpenValues,
    playbook: &'a str,
    findings: &'a mut Vec<Finding>,
    values: Vec<NamedValue>,
    open: HashSet<String>,
}

impl Parameters<'_> {
    /// The definition as it runs here, with every open value in it declared as a parameter.
    fn take_from(&mut self, definition: &Object, given: &Object) -> Value {
        let mut declared = definition
            .get("parameters")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let names: Vec<String> = declared.iter().map(|(name, _)| name.to_string()).collect();
        for name in names.iter().filter(|name| *name != "$connections") {
            let declaration = declared
                .get_exact(name)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default();
            declared.insert(name.as_str(), self.declared(name, declaration, given.get(name)));
        }
        let rest = definition
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("parameters"));
        let rest: Object = rest
            .map(|(name, member)| (name.clone(), self.with_apps(member)))
            .collect();
        let mut marks = self.opens.marks_in(&Value::from(rest.clone()));
        marks.sort_unstable();
        marks.dedup();
        for open in marks.into_iter().filter_map(|index| self.opens.get(index)) {
            if declared.get(&open.name).is_none() {
                declared.insert(open.name.as_str(), Value::object([("type", open.kind.as_str())]));
            }
            self.leave_open(&open.name.clone(), &open);
        }
        let mut carried = Object::new();
        for (name, member) in definition.iter() {
            if name.eq_ignore_ascii_case("parameters") {
                carried.insert(name.clone(), declared.clone());
            } else {
                let member = rest.get_exact(name).unwrap_or(member);
                carried.insert(name.clone(), self.opens.carry_value(member));
            }
        }
        if carried.get("parameters").is_none() && !declared.is_empty() {
            carried.insert("parameters", declared);
        }
        Value::from(carried)
    }

    /// The value with each open name of a function app as the name of its parameter: outside Azure the name of an app only
    /// says by which connection it is called, so nobody needs to give it.
    fn with_apps(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => Value::object(members.iter().map(|(name, member)| {
                let id = member.get("id").and_then(Value::as_str);
                let id = id.filter(|id| name.eq_ignore_ascii_case("function") && id.contains("/sites/"));
                let member = match (id, member.as_object()) {
                    (Some(id), Some(function)) => {
                        let mut function = function.clone();
                        function.insert("id", self.opens.named_text(id));
                        Value::from(function)
                    }
                    _ => self.with_apps(member),
                };
                (name.clone(), member)
            })),
            Value::Array(items) => Value::array(items.iter().map(|item| self.with_apps(item))),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) | Value::String(_) => {
                value.clone()
            }
        }
    }

    /// A declared parameter without what must not stand in the definition, its value noted.
    fn declared(&mut self, name: &str, mut declaration: Object, given: Option<&Value>) -> Value {
        let kind = declaration
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("string")
            .to_lowercase();
        let given = given.and_then(|given| given.get("value"));
        let value = given.or_else(|| declaration.get("defaultValue")).cloned();
        let marks = value
            .as_ref()
            .map(|value| self.opens.marks_in(value))
            .unwrap_or_default();
        let marks: Vec<Open> = marks.into_iter().filter_map(|index| self.opens.get(index)).collect();
        let secure = kind.starts_with("secure") || marks.iter().any(Open::is_secure);
        if secure || !marks.is_empty() || (given.is_none() && value.is_none()) {
            declaration.remove("defaultValue");
            let why = marks
                .first()
                .map_or_else(|| format!("parameter `{name}` is {kind}"), |open| open.why.clone());
            let kind = if secure && !kind.starts_with("secure") {
                format!("secure{kind}")
            } else {
                kind
            };
            self.leave_open(name, &Open::empty(name, &kind, why));
        } else if given.is_some() {
            self.values.push(NamedValue {
                name: name.to_owned(),
                value: value.as_ref().map(Json::from),
                value_from: None,
            });
        }
        self.opens.plain(&Value::from(declaration))
    }

    /// The values of the settings that the definition reads; what is secret or not known is left to the reader.
    fn settings(&mut self, settings: Vec<Setting>) -> Vec<NamedValue> {
        let settings = settings.into_iter().map(|Setting { name, value, is_secret }| {
            if is_secret {
                return self.in_secret(&name, &setting_of(&name));
            }
            if value.is_none() {
                let reason = format!("give app setting `{name}` of Playbook `{}` its value", self.playbook);
                self.findings.push(Finding::advice(reason));
            }
            NamedValue {
                value: Some(Json::from(value.unwrap_or_default())),
                value_from: None,
                name,
            }
        });
        settings.collect()
    }

    /// A value that stands in a Secret.
    fn in_secret(&mut self, name: &str, why: &str) -> NamedValue {
        let (secret, key) = (self.playbook.to_owned(), secret_key(name));
        self.findings.push(Finding::advice(format!(
            "create key `{key}` of Secret `{secret}`: {why}"
        )));
        NamedValue {
            name: name.to_owned(),
            value: None,
            value_from: Some(ValueSource::SecretKeyRef(KeyRef { name: secret, key })),
        }
    }

    /// Leaves a parameter to the reader: a key of a Secret, or an empty value.
    fn leave_open(&mut self, name: &str, open: &Open) {
        if self.values.iter().any(|value| value.name.eq_ignore_ascii_case(name)) {
            return;
        }
        self.open.insert(name.to_lowercase());
        if open.is_secure() {
            let value = self.in_secret(name, &open.why);
            self.values.push(value);
        } else {
            let reason = format!(
                "give parameter `{name}` of Playbook `{}` its value: {}",
                self.playbook, open.why
            );
            self.findings.push(Finding::advice(reason));
            let value = Some(Json::from(&open.stand_in));
            self.values.push(NamedValue {
                name: name.to_owned(),
                value,
                value_from: None,
            });
        }
    }
}
