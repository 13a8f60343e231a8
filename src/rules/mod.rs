//! Alerts, incidents and automation rules: the model, and the pure decisions on it. Nothing here knows a clock or a store.

pub mod activity;
pub mod alert;
pub mod author;
pub mod body;
pub mod condition;
pub mod entities;
pub mod entity;
pub mod evaluation;
pub mod ids;
pub mod incident;
pub mod patch;
pub mod updates;
pub mod view;
pub mod watchlist;

pub use activity::{Activity, ActivityField, FieldChange};
pub use alert::Alert;
pub use author::Author;
pub use entity::{Entity, EntityKind};
pub use ids::Ids;
pub use incident::{Comment, Incident, Label, Task};
pub use patch::{Patch, PatchError};
pub use updates::{Change, IncidentUpdates, UpdatedField};
pub use view::IncidentView;
pub use watchlist::{Watchlist, WatchlistDraft, WatchlistItem};
