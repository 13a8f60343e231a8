//! The incident that stands where none is given: one alert with entities of every common kind and custom details.
//! It is data: an incident as a sender delivers it.

use jiff::Timestamp;

use super::occasion::{OccasionError, view_of};
use crate::intake::{self, Format};
use crate::rules::IncidentView;

/// The incident, in Riposte's own form.
const INCIDENT: &str = include_str!("sample/incident.json");
/// Its number.
const NUMBER: i64 = 4711;

/// The incident, delivered now to a workspace.
pub(super) fn incident(workspace: &str, now: Timestamp) -> Result<IncidentView, OccasionError> {
    let intake = intake::decode(Format::Incident, INCIDENT.as_bytes(), workspace, now)?;
    let mut view = view_of(intake)?;
    view.incident.number = NUMBER;
    Ok(view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::EntityKind;

    #[test]
    fn it_is_whole() {
        let view = incident("default", Timestamp::UNIX_EPOCH).expect("the sample is valid");
        let kinds: Vec<EntityKind> = view.entities().iter().map(|entity| entity.kind).collect();
        assert_eq!(kinds.len(), 17, "{kinds:?}");
        assert_eq!(view.alerts.len(), 1);
        assert_eq!(view.alerts[0].start_time, "1970-01-01T00:00:00Z");
        assert_eq!(view.alerts[0].custom_details["Attempts"], ["3"]);
    }
}
