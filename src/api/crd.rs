//! The kinds as CustomResourceDefinitions: what the types say, in the form that the API server takes. Schemas of types
//! say some things that structural schemas must not (unsigned formats, nullable optionals) and leave others out (how
//! lists merge); both are set right here, once for all kinds.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use super::{
    AnalyticsRule, ApiConnection, AutomationRule, Connector, ContentRepository, Incident, Kind, Playbook,
    PlaybookGrant, PlaybookRun, yaml,
};

impl Kind {
    /// The plural that addresses of the API have, such as `playbooks`.
    pub fn plural(self) -> String {
        self.derived().spec.names.plural
    }

    /// The CustomResourceDefinition of the kind, as JSON.
    pub fn crd(self) -> Value {
        let mut crd = serde_json::to_value(self.derived()).unwrap_or_default();
        let schema = crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema");
        if let Some(schema) = schema {
            structural(schema);
            status(schema);
        }
        crd
    }

    /// The CustomResourceDefinition of the kind, as YAML.
    pub fn crd_yaml(self) -> String {
        yaml::write(&self.crd())
    }

    /// What the derive makes of the types.
    fn derived(self) -> CustomResourceDefinition {
        match self {
            Self::Playbook => Playbook::crd(),
            Self::AutomationRule => AutomationRule::crd(),
            Self::ApiConnection => ApiConnection::crd(),
            Self::Connector => Connector::crd(),
            Self::PlaybookGrant => PlaybookGrant::crd(),
            Self::PlaybookRun => PlaybookRun::crd(),
            Self::AnalyticsRule => AnalyticsRule::crd(),
            Self::Incident => Incident::crd(),
            Self::ContentRepository => ContentRepository::crd(),
        }
    }
}

/// A new object counts as in progress until its controller has looked: tools that wait would take it for done.
fn status(schema: &mut Value) {
    let Some(status) = schema.pointer_mut("/properties/status") else {
        return;
    };
    without_defaults(status);
    status["default"] = json!({ "observedGeneration": -1 });
    status["description"] = json!("What the controllers of Riposte say about the object; nobody else writes it.");
}

/// Takes the defaults away: what a controller did not say must not look as if it did.
fn without_defaults(schema: &mut Value) {
    if let Some(members) = schema.as_object_mut() {
        members.remove("default");
        for_inner(members, without_defaults);
    }
}

/// How a list merges; the order of a list that says nothing has a meaning.
const LIST_TYPE: &str = "x-kubernetes-list-type";

/// Makes a schema structural, and every schema inside of it.
fn structural(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    members.remove("nullable");
    if let Some(Value::Array(words)) = members.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    let is_unsigned = |format: &Value| format.as_str().is_some_and(|format| format.starts_with("uint"));
    if members.get("format").is_some_and(is_unsigned) {
        members.remove("format");
    }
    if members.get("type").is_some_and(|kind| kind == "array") && !members.contains_key(LIST_TYPE) {
        members.insert(LIST_TYPE.to_owned(), json!("atomic"));
    }
    for bound in ["minimum", "maximum"] {
        if let Some(whole) = members.get(bound).and_then(whole) {
            members.insert(bound.to_owned(), whole);
        }
    }
    for_inner(members, structural);
    members.sort_keys();
}

/// A number as it is written by people: `20` for 20.0.
fn whole(number: &Value) -> Option<Value> {
    let number = number.as_f64()?;
    (number.fract() == 0.0 && number.abs() < 1e15).then(|| json!(number as i64))
}

/// Does something to each schema right inside of a schema.
fn for_inner(members: &mut Map<String, Value>, change: fn(&mut Value)) {
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        properties.values_mut().for_each(change);
    }
    for keyword in ["items", "additionalProperties"] {
        members.get_mut(keyword).into_iter().for_each(change);
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        if let Some(Value::Array(branches)) = members.get_mut(keyword) {
            branches.iter_mut().for_each(change);
        }
    }
}
