//! Entities as playbooks see them: an item of `relatedEntities`, the body of the entity trigger, and the items of the
//! text `Entities` of an alert.

use uuid::Uuid;

use crate::expression::{Object, Value};
use crate::rules::entity::alert_field;
use crate::rules::{Entity, Ids};

const TYPE: &str = "Microsoft.SecurityInsights/Entities";

/// An entity as an item of `relatedEntities`. Its name depends on what identifies it only: an entity of two incidents
/// has one name.
pub fn entity_resource(entity: &Entity, ids: &Ids) -> Value {
    let mut properties = Object::new();
    properties.insert("friendlyName", entity.friendly_name());
    properties.insert("additionalData", Value::from(Object::new()));
    for (name, value) in &entity.properties {
        properties.insert(name.as_str(), value);
    }
    resource(entity, properties, ids)
}

/// Body of the entity trigger; `incident_arm_id` says from which incident it was started, if from one.
pub fn entity_trigger(entity: &Entity, incident_arm_id: Option<&str>, ids: &Ids) -> Value {
    let mut properties = pascal_case(entity);
    properties.insert("friendlyName", entity.friendly_name());
    let mut body = Object::new();
    if let Some(id) = incident_arm_id {
        body.insert("IncidentArmID", id);
    }
    body.insert("Entity", resource(entity, properties, ids));
    Value::from(body)
}

/// The id of an entity in a workspace, which follows from what identifies the entity.
pub fn entity_id(entity: &Entity, ids: &Ids) -> String {
    let workspace = Uuid::new_v5(&Uuid::NAMESPACE_URL, ids.arm_id("Entities", "").as_bytes());
    Uuid::new_v5(&workspace, entity.identity().as_bytes()).to_string()
}

fn resource(entity: &Entity, properties: Object, ids: &Ids) -> Value {
    let name = entity_id(entity, ids);
    Value::object([
        ("id", Value::from(ids.arm_id("Entities", &name))),
        ("name", Value::from(name)),
        ("type", Value::from(TYPE)),
        ("kind", Value::from(entity.kind.as_str())),
        ("properties", Value::from(properties)),
    ])
}

/// The properties named as in alerts: `Name`, `UPNSuffix`, `HostName`.
pub(in crate::rules) fn pascal_case(entity: &Entity) -> Object {
    let properties = entity.properties.iter();
    properties
        .map(|(name, value)| (alert_field(entity.kind, name), value))
        .collect()
}

/// The list that an alert carries as text.
pub(super) fn alert_entities(entities: &[Entity]) -> Value {
    let numbered = entities.iter().zip(1_u32..);
    Value::array(numbered.map(|(entity, number)| {
        let mut item = Object::new();
        item.insert("$id", number.to_string());
        for (name, value) in pascal_case(entity).iter() {
            item.insert(name.clone(), value.clone());
        }
        item.insert("Type", entity.kind.alert_type());
        Value::from(item)
    }))
}
