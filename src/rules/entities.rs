//! "Entities - Get Accounts" and its like: picks the entities of one kind out of what a playbook has, an incident's
//! `relatedEntities` or an alert's `Entities`, and gives them the fields that playbooks read.

use serde_json::Value as Json;

use super::body::pascal_case;
use super::entity::read_list;
use super::{Entity, EntityKind};
use crate::expression::Value;

/// Why nothing can be picked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// There is no such operation.
    #[error("there is no operation that gets entities of the kind {}; use one of {}", .0.as_str(), offered())]
    Kind(EntityKind),
    /// The text is no JSON.
    #[error(
        "the list of entities is no JSON text ({0}); give `relatedEntities` of an incident or `Entities` of an alert"
    )]
    NotJson(String),
    /// The input is no list.
    #[error("the list of entities is no array; give `relatedEntities` of an incident or `Entities` of an alert")]
    NotAList,
}

/// The kinds that the connector offers, with the name of the list in the answer.
const OPERATIONS: &[(EntityKind, &str)] = &[
    (EntityKind::Account, "Accounts"),
    (EntityKind::Host, "Hosts"),
    (EntityKind::Ip, "IPs"),
    (EntityKind::Url, "URLs"),
    (EntityKind::FileHash, "Filehashes"),
    (EntityKind::DnsResolution, "Dnsresolutions"),
];

fn offered() -> String {
    let kinds: Vec<_> = OPERATIONS.iter().map(|(kind, _)| kind.as_str()).collect();
    kinds.join(", ")
}

/// The body of the answer, such as `{"IPs": [{"Address": "10.0.0.7", "Type": "ip"}]}`. The input is an array of entities
/// of either shape, or such an array as JSON text; nothing (`null`, empty text) is an empty list. What cannot be read as
/// an entity is left out, as there are kinds that no operation gets.
///
/// # Errors
/// The connector has no operation for the kind, or the input is no list.
pub fn extract(kind: EntityKind, input: &Value) -> Result<Value, ExtractError> {
    let operation = OPERATIONS.iter().find(|(offered, _)| *offered == kind);
    let (_, list) = operation.ok_or(ExtractError::Kind(kind))?;
    let (entities, _unread) = read_list(&items(input)?);
    let of_kind = entities.iter().filter(|entity| entity.kind == kind);
    Ok(Value::object([(*list, Value::array(of_kind.map(fields)))]))
}

fn items(input: &Value) -> Result<Vec<Json>, ExtractError> {
    let json = match input.as_str() {
        Some(text) if text.trim().is_empty() => Json::Null,
        Some(text) => serde_json::from_str(text).map_err(|error| ExtractError::NotJson(error.to_string()))?,
        None => Json::from(input),
    };
    match json {
        Json::Null => Ok(Vec::new()),
        Json::Array(items) => Ok(items),
        Json::Object(_) => Ok(vec![json]),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => Err(ExtractError::NotAList),
    }
}

fn fields(entity: &Entity) -> Value {
    let mut fields = pascal_case(entity);
    fields.insert("Type", entity.kind.alert_type());
    Value::from(fields)
}
