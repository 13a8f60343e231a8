//! Alerts, incidents and automation rules: the model, and the pure decisions on it. Nothing here knows a clock or a store.

pub mod alert;
pub mod entity;
pub mod incident;

pub use alert::Alert;
pub use entity::{Entity, EntityKind};
pub use incident::{Comment, Incident, Label, Task};
