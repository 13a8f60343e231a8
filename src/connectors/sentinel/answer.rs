//! Answers of the Sentinel connector: in the form of its service, errors included.

use super::BadRequest;
use crate::connectors::NoTriage;
use crate::connectors::failure::Code;
use crate::connectors::status::code_of;
use crate::engine::call::{Answer, CallError};
use crate::expression::{Object, Value};
use crate::incidents::Error;
use crate::rules::IncidentView;
use crate::store::Operation;

/// Why a command did nothing.
pub(super) enum Refused {
    /// The caller is told by this status and message.
    Answer(u16, String),
    /// There is no answer.
    Failed(CallError),
}

impl From<BadRequest> for Refused {
    fn from(bad: BadRequest) -> Self {
        Self::Answer(400, bad.to_string())
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::UnknownIncident(_)
            | Error::UnknownAlert(_)
            | Error::UnknownTask(_)
            | Error::UnknownWatchlist(_)
            | Error::UnknownItem { .. } => Self::Answer(404, message),
            Error::Refused(_) | Error::Length { .. } | Error::Full { .. } | Error::Watchlist { .. } => {
                Self::Answer(400, message)
            }
            Error::Busy(_) => Self::Answer(503, message),
            Error::Store(_) => Self::Failed(Code::StoreFailed.error(message, true, false)),
            Error::Unreadable { .. } => Self::Failed(Code::StoreFailed.refusal(message)),
        }
    }
}

impl From<NoTriage> for Refused {
    fn from(why: NoTriage) -> Self {
        let message = why.to_string();
        match why {
            NoTriage::Missing(_) => Self::Answer(403, message),
            NoTriage::Undecided(_) => Self::Failed(Code::PermissionUnknown.error(message, true, false)),
        }
    }
}

/// An answer of 200.
pub(super) fn ok(body: Value, writes: Vec<Operation>) -> Answer {
    Answer {
        status: 200,
        headers: json_headers(),
        body: (!body.is_null()).then_some(body),
        writes,
        ..Answer::default()
    }
}

/// An answer with an error, such as `{"error":{"code":"NotFound","message":"…"}}`.
pub(super) fn problem(status: u16, message: &str) -> Answer {
    let error = Value::object([("code", code_of(status).as_ref()), ("message", message)]);
    Answer {
        status,
        headers: json_headers(),
        body: Some(Value::object([("error", error)])),
        ..Answer::default()
    }
}

fn json_headers() -> Object {
    [("Content-Type", "application/json; charset=utf-8")]
        .into_iter()
        .collect()
}

/// An incident as the connector's first version had it.
pub fn case(view: &IncidentView, incident: &Value) -> Value {
    let member = |name: &str| incident.get(name).cloned().unwrap_or_default();
    let of = &view.incident;
    let labels = of.labels.iter().map(|label| Value::from(label.label_name.as_str()));
    let alerts = view.alerts.iter().map(|alert| Value::from(alert.id.as_str()));
    let owner = incident.at(&["properties", "owner"]).cloned().unwrap_or_default();
    let properties = Value::object([
        ("CaseNumber", Value::from(of.number)),
        ("Title", Value::from(of.title.as_str())),
        ("Description", Value::from(of.description.as_str())),
        ("Severity", Value::from(of.severity.as_str())),
        ("Status", Value::from(of.status.as_str())),
        ("Owner", owner),
        ("Labels", Value::array(labels)),
        ("RelatedAlertIds", Value::array(alerts)),
        ("CreatedTimeUtc", Value::from(of.created_time.as_str())),
        ("LastUpdatedTimeUtc", Value::from(of.last_modified_time.as_str())),
        ("StartTimeUtc", Value::from(of.first_activity_time.as_str())),
        ("EndTimeUtc", Value::from(of.last_activity_time.as_str())),
    ]);
    Value::object([
        ("id", member("id")),
        ("name", member("name")),
        ("etag", member("etag")),
        ("type", Value::from("Microsoft.SecurityInsights/Cases")),
        ("properties", properties),
    ])
}
