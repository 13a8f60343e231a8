//! Reading entities of both shapes: the incident API's (`kind`, `properties` with camelCase names) and an alert's
//! (`Type`, PascalCase names beside it, `$id` and `$ref` links). Both become one [`Entity`]. Invariant: links are
//! followed once, never in a circle, and nesting is cut at one level.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

use super::{Entity, EntityKind};

/// How deep `$id` objects are looked for.
const MAX_DEPTH: usize = 16;

/// Why a JSON value is no entity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntityError {
    /// It is no object.
    #[error("an entity must be an object")]
    NotAnObject,
    /// It does not say what it is.
    #[error("an entity must say what it is in `kind` (or `Type`)")]
    NoKind,
    /// It says something unknown.
    #[error("'{0}' is no kind of entity")]
    UnknownKind(String),
}

/// Names that differ between the alert and the incident API by more than case.
const RENAMED: &[(EntityKind, &str, &str)] = &[
    (EntityKind::Account, "Name", "accountName"),
    (EntityKind::File, "Name", "fileName"),
    (EntityKind::FileHash, "Value", "hashValue"),
    (EntityKind::Malware, "Name", "malwareName"),
    (EntityKind::RegistryValue, "Name", "valueName"),
    (EntityKind::RegistryValue, "Value", "valueData"),
    (EntityKind::CloudApplication, "Name", "appName"),
    (EntityKind::SecurityGroup, "SID", "sid"),
    (EntityKind::IoTDevice, "Manufacturer", "vendor"),
    (EntityKind::IoTDevice, "IoTSecurityAgentId", "iotSecurityAgentId"),
    (EntityKind::MailMessage, "ReceivedDate", "receiveDate"),
];

/// Abbreviations that alert fields begin with in capitals.
const CAPITALS: &[(&str, &str)] = &[
    ("upn", "UPN"),
    ("nt", "NT"),
    ("oms", "OMS"),
    ("os", "OS"),
    ("puid", "PUID"),
];

/// The incident API's name of an alert's field: `Name` of an account is `accountName`, `UPNSuffix` is `upnSuffix`.
pub fn property_name(kind: EntityKind, field: &str) -> String {
    let renamed = RENAMED
        .iter()
        .find(|(of, from, _)| *of == kind && from.eq_ignore_ascii_case(field));
    renamed.map_or_else(|| camel_case(field), |(_, _, to)| (*to).to_owned())
}

/// The alert's field of an incident API name, the inverse of [`property_name`]: `accountName` is `Name`.
pub fn alert_field(kind: EntityKind, property: &str) -> String {
    if let Some((_, field, _)) = RENAMED
        .iter()
        .find(|(of, _, name)| *of == kind && name.eq_ignore_ascii_case(property))
    {
        return (*field).to_owned();
    }
    let prefix_end = property.find(char::is_uppercase).unwrap_or(property.len());
    let (prefix, rest) = property.split_at(prefix_end);
    // A mailbox writes `Upn`, alone among the abbreviations.
    let capitals = CAPITALS
        .iter()
        .find(|(lower, _)| *lower == prefix && (kind != EntityKind::Mailbox));
    match capitals {
        Some((_, upper)) => format!("{upper}{rest}"),
        None => capitalised(property),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Lowers the leading capitals, but not the one that begins the next word: `NTDomain` is `ntDomain`.
fn camel_case(field: &str) -> String {
    let letters: Vec<char> = field.chars().collect();
    let run = letters.iter().take_while(|letter| letter.is_uppercase()).count();
    let next_is_letter = letters.get(run).is_some_and(|letter| letter.is_alphabetic());
    let lowered = if run > 1 && next_is_letter { run - 1 } else { run };
    let head = letters.iter().take(lowered).flat_map(|letter| letter.to_lowercase());
    head.chain(letters.iter().skip(lowered).copied()).collect()
}

impl Entity {
    /// Reads an entity of either shape. A nested object keeps only its plain members.
    ///
    /// # Errors
    /// No object, no kind, or a kind that nobody knows.
    pub fn from_json(value: &Value) -> Result<Self, EntityError> {
        read_one(value, &HashMap::new())
    }
}

/// Reads a list of entities of either shape, following `$ref` links, and what could not be read with the reason.
pub fn read_list(items: &[Value]) -> (Vec<Entity>, Vec<(Value, EntityError)>) {
    let mut linked = HashMap::new();
    for item in items {
        collect_links(item, 0, &mut linked);
    }
    let mut entities = Vec::new();
    let mut unread = Vec::new();
    for item in items {
        let item = resolve(item, &linked);
        match read_one(item, &linked) {
            Ok(entity) => entities.push(entity),
            Err(error) => unread.push((item.clone(), error)),
        }
    }
    (entities, unread)
}

fn collect_links<'a>(value: &'a Value, depth: usize, linked: &mut HashMap<&'a str, &'a Value>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(members) => {
            if let Some(id) = members.get("$id").and_then(Value::as_str) {
                linked.entry(id).or_insert(value);
            }
            members
                .values()
                .for_each(|member| collect_links(member, depth + 1, linked));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_links(item, depth + 1, linked)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn resolve<'a>(value: &'a Value, linked: &HashMap<&str, &'a Value>) -> &'a Value {
    let reference = value.get("$ref").and_then(Value::as_str);
    reference.and_then(|id| linked.get(id).copied()).unwrap_or(value)
}

fn read_one<'a>(value: &'a Value, linked: &HashMap<&str, &'a Value>) -> Result<Entity, EntityError> {
    let members = value.as_object().ok_or(EntityError::NotAnObject)?;
    let member = |name: &str| {
        members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let properties = member("properties").and_then(Value::as_object);
    let named = match (member("kind"), properties) {
        (Some(kind), Some(_)) => Some(kind),
        (kind, _) => member("type").or(kind),
    };
    let name = named.and_then(Value::as_str).ok_or(EntityError::NoKind)?;
    let kind = EntityKind::from_name(name).ok_or_else(|| EntityError::UnknownKind(name.to_owned()))?;
    let mut read = IndexMap::new();
    for (key, value) in properties.unwrap_or(members) {
        let is_label =
            properties.is_none() && (key.starts_with('$') || ["type", "kind"].contains(&&*key.to_lowercase()));
        let is_shown_only = ["friendlyname", "additionaldata"].contains(&&*key.to_lowercase());
        if is_label || (is_shown_only && is_empty(value)) || value.is_null() {
            continue;
        }
        read.entry(property_name(kind, key))
            .or_insert_with(|| plain(value, linked));
    }
    Ok(Entity { kind, properties: read })
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_str().is_some_and(str::is_empty)
}

/// A linked entity becomes its plain members: enough to recognise it, and never a circle.
fn plain<'a>(value: &'a Value, linked: &HashMap<&str, &'a Value>) -> Value {
    let shallow = |item: &'a Value| match resolve(item, linked) {
        Value::Object(members) if is_link(item) => {
            let kept = members
                .iter()
                .filter(|(key, value)| !key.starts_with('$') && !value.is_object() && !value.is_array());
            Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        _ => item.clone(),
    };
    match value {
        Value::Array(items) => Value::Array(items.iter().map(shallow).collect()),
        _ => shallow(value),
    }
}

fn is_link(value: &Value) -> bool {
    value.get("$ref").is_some() || value.get("$id").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_translate_both_ways() {
        let cases = [
            (EntityKind::Account, "Name", "accountName"),
            (EntityKind::Account, "UPNSuffix", "upnSuffix"),
            (EntityKind::Account, "NTDomain", "ntDomain"),
            (EntityKind::Account, "PUID", "puid"),
            (EntityKind::Account, "Sid", "sid"),
            (EntityKind::Host, "HostName", "hostName"),
            (EntityKind::Host, "AzureID", "azureID"),
            (EntityKind::Host, "OMSAgentID", "omsAgentID"),
            (EntityKind::Host, "OSFamily", "osFamily"),
            (EntityKind::Ip, "Address", "address"),
            (EntityKind::FileHash, "Value", "hashValue"),
            (EntityKind::SecurityGroup, "SID", "sid"),
            (EntityKind::Mailbox, "Upn", "upn"),
            (EntityKind::MailMessage, "P1SenderDomain", "p1SenderDomain"),
            (EntityKind::IoTDevice, "IoTSecurityAgentId", "iotSecurityAgentId"),
        ];
        for (kind, field, property) in cases {
            assert_eq!(property_name(kind, field), property);
            assert_eq!(alert_field(kind, property), field);
        }
    }

    #[test]
    fn both_shapes_become_one_entity() {
        let of_incident = json!({"id": "/x", "type": "Microsoft.SecurityInsights/Entities", "kind": "Account",
            "properties": {"accountName": "ann", "upnSuffix": "example.com", "additionalData": {}}});
        let of_alert = json!({"$id": "3", "Name": "ann", "UPNSuffix": "example.com", "Type": "account"});
        assert_eq!(Entity::from_json(&of_incident), Entity::from_json(&of_alert));
    }

    #[test]
    fn links_are_followed_and_circles_end() {
        let items = json!([
            {"$id": "1", "HostName": "web", "Type": "host", "Parent": {"$ref": "2"}},
            {"$id": "2", "CommandLine": "sh", "Type": "process", "Host": {"$ref": "1"},
             "ImageFile": {"$id": "3", "Name": "sh", "Directory": "/bin", "Type": "file"}},
            {"$ref": "3"},
            {"$ref": "9"},
            {"Type": "planet", "Name": "Mars"}
        ]);
        let (entities, unread) = read_list(items.as_array().expect("a list"));
        assert_eq!(entities.len(), 3);
        assert_eq!(entities[2].text("fileName").as_deref(), Some("sh"));
        assert_eq!(entities[1].properties["host"]["HostName"], "web");
        assert!(entities[1].properties["host"].get("Parent").is_none());
        assert_eq!(unread[0].1, EntityError::NoKind);
        assert_eq!(unread[1].1, EntityError::UnknownKind("planet".into()));
    }
}
