//! Trigger bodies and resources as Microsoft Sentinel gives them to playbooks. Names and their case are what existing
//! playbooks read; what an incident has not is `null` or empty, never missing, so that paths and loops hold.

mod alert;
mod entity;
mod incident;
mod watchlist;

pub use alert::{alert_resource, alert_trigger};
pub(super) use entity::pascal_case;
pub use entity::{entity_id, entity_resource, entity_trigger};
pub use incident::{
    EventType, comment_resource, incident_resource, incident_trigger, relation_resource, task_resource,
};
pub use watchlist::{watchlist_item_answer, watchlist_item_resource, watchlist_resource};

use crate::expression::Value;

/// An array of texts.
fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::array(items.into_iter().map(|text| Value::from(text.as_ref())))
}

/// A text, or `null`.
fn optional(text: Option<&String>) -> Value {
    text.map_or(Value::Null, |text| Value::from(text.as_str()))
}
