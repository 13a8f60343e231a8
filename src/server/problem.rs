//! What the server answers when it does not do what was asked: problem details as RFC 9457 has them.
//! Invariant: a fault of the server itself is logged, and its client learns nothing of it but that it happened.

use axum::body::Body;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::authenticate::Unchecked;
use crate::engine::approval::Rejected;
use crate::engine::journal;
use crate::engine::resubmit::ResubmitError;
use crate::engine::shell::StartError;
use crate::engine::start::Refused;
use crate::engine::{NotRecorded, Unreleased};
use crate::intake::DecodeError;
use crate::{incidents, store};

/// The content type of problem details.
pub(super) const CONTENT: HeaderValue = HeaderValue::from_static("application/problem+json");
/// After how many seconds a client that was turned away should come again.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// What kind of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Malformed,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Timeout,
    Conflict,
    TooLarge,
    MediaType,
    Misdirected,
    Refused,
    Overloaded,
    Unavailable,
    Internal,
}

impl Kind {
    /// Status, last part of `type`, and title.
    fn facts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed", "The request is malformed"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "A valid token is needed"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "The token does not reach this"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "This cannot be done here",
            ),
            Self::Timeout => (StatusCode::REQUEST_TIMEOUT, "timeout", "The request came too slowly"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "The present state does not allow it"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                "The content type is not supported",
            ),
            Self::Misdirected => (
                StatusCode::MISDIRECTED_REQUEST,
                "misdirected",
                "The request is for another host",
            ),
            Self::Refused => (StatusCode::UNPROCESSABLE_ENTITY, "refused", "The request was refused"),
            Self::Overloaded => (StatusCode::TOO_MANY_REQUESTS, "overloaded", "Too much comes in at once"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not able to serve now"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something failed here"),
        }
    }

    /// The header that clients need to go on from it.
    fn header(self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unauthenticated => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"riposte\""))),
            Self::Overloaded | Self::Unavailable => Some((RETRY_AFTER, RETRY_SECONDS)),
            Self::Timeout | Self::TooLarge => Some((CONNECTION, HeaderValue::from_static("close"))),
            Self::Malformed
            | Self::Forbidden
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Conflict
            | Self::MediaType
            | Self::Misdirected
            | Self::Refused
            | Self::Internal => None,
        }
    }
}

/// Where in the body the fault is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Place {
    Text { line: usize, column: usize },
    Node { pointer: String },
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    code: Option<&'static str>,
    place: Option<Place>,
}

#[derive(Serialize)]
struct Details<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a Place>,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            code: None,
            place: None,
        }
    }

    /// A fault of ours: logged here, told without details.
    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            Kind::Internal,
            "the request could not be answered; the log of the server says why",
        )
    }

    /// A fault of the store. The client learns that it may come again, where that can help.
    fn of_store(error: &store::Error) -> Self {
        let detail = match error {
            store::Error::NoRoom => error.to_string(),
            store::Error::Database(_) | store::Error::Unreachable { .. } | store::Error::Unknown => {
                "the store does not serve; ask again, the log of the server says why".to_owned()
            }
            _ => return Self::internal(error),
        };
        tracing::error!(%error, "a request was turned away");
        Self::new(Kind::Unavailable, detail)
    }

    /// A body that is no JSON, or not the JSON that it should be.
    pub(super) fn syntax(error: &serde_json::Error) -> Self {
        let place = (error.line() > 0).then(|| Place::Text {
            line: error.line(),
            column: error.column(),
        });
        Self {
            place,
            ..Self::new(Kind::Malformed, error.to_string())
        }
    }

    /// Status and detail, for another form of answer.
    pub(super) fn told(self) -> (StatusCode, String) {
        (self.kind.facts().0, self.detail)
    }

    /// A status without details that the router gave.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(Kind::NotFound, "there is nothing at this path"),
            StatusCode::METHOD_NOT_ALLOWED => {
                let detail = format!("this path does not take this method; `{ALLOW}` names those that it takes");
                Self::new(Kind::MethodNotAllowed, detail)
            }
            status if status.is_client_error() => Self::new(Kind::Malformed, "the path or the query cannot be read"),
            _ => Self::new(Kind::Internal, "the request could not be answered"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, name, title) = self.kind.facts();
        let details = Details {
            r#type: format!("urn:riposte:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            code: self.code,
            place: self.place.as_ref(),
        };
        // Texts and numbers always have a JSON form.
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, CONTENT);
        response.headers_mut().extend(self.kind.header());
        response
    }
}

impl From<Unchecked> for Problem {
    fn from(error: Unchecked) -> Self {
        tracing::error!(%error, "a request was turned away");
        Self::new(Kind::Unavailable, "the token cannot be checked now; ask again")
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        let detail = error.to_string();
        let place = match (error.line, error.column, error.pointer) {
            (Some(line), Some(column), _) => Some(Place::Text { line, column }),
            (_, _, Some(pointer)) => Some(Place::Node { pointer }),
            _ => None,
        };
        Self {
            place,
            ..Self::new(Kind::Malformed, detail)
        }
    }
}

impl From<incidents::Error> for Problem {
    fn from(error: incidents::Error) -> Self {
        use incidents::Error;
        match &error {
            Error::UnknownIncident(_)
            | Error::UnknownAlert(_)
            | Error::UnknownTask(_)
            | Error::UnknownWatchlist(_)
            | Error::UnknownItem { .. } => Self::new(Kind::NotFound, error.to_string()),
            Error::Refused(_) | Error::Length { .. } | Error::Full { .. } | Error::Watchlist { .. } => {
                Self::new(Kind::Refused, error.to_string())
            }
            Error::Busy(_) => Self::new(Kind::Overloaded, error.to_string()),
            Error::Store(error) => Self::of_store(error),
            Error::Unreadable { .. } => Self::internal(&error),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Self::of_store(&error)
    }
}

impl From<journal::Error> for Problem {
    fn from(error: journal::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<NotRecorded> for Problem {
    fn from(error: NotRecorded) -> Self {
        match error {
            NotRecorded::Rejected(Rejected::Requester | Rejected::SignIn) => {
                Self::new(Kind::Forbidden, error.to_string())
            }
            NotRecorded::Rejected(Rejected::Option { .. } | Rejected::Input { .. } | Rejected::Comment) => {
                Self::new(Kind::Malformed, error.to_string())
            }
            NotRecorded::Rejected(Rejected::Decided(_) | Rejected::Closed | Rejected::Twice(_)) => {
                Self::new(Kind::Conflict, error.to_string())
            }
            NotRecorded::Missing => Self::new(Kind::NotFound, error.to_string()),
            NotRecorded::Busy => Self::new(Kind::Unavailable, error.to_string()),
            NotRecorded::Store(error) => error.into(),
            NotRecorded::Run(error) => error.into(),
        }
    }
}

impl From<Unreleased> for Problem {
    fn from(error: Unreleased) -> Self {
        match error {
            Unreleased::NotHeld(_) => Self::new(Kind::Conflict, error.to_string()),
            Unreleased::Run(error) => error.into(),
            Unreleased::Store(error) => error.into(),
        }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Refused(refused) => refused.into(),
            StartError::Store(store::Error::Refused(refusal @ store::Refusal::Full(_))) => {
                Self::new(Kind::Overloaded, refusal.to_string())
            }
            StartError::Store(error) => error.into(),
        }
    }
}

impl From<ResubmitError> for Problem {
    fn from(error: ResubmitError) -> Self {
        match error {
            ResubmitError::Start(error) => error.into(),
            ResubmitError::Journal(error) => error.into(),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let kind = match &refused {
            Refused::NotFound(_) => Kind::NotFound,
            Refused::Suspended(_) | Refused::Resubmission { .. } => Kind::Conflict,
            Refused::UnsupportedTrigger { .. }
            | Refused::Parameter { .. }
            | Refused::AppSetting { .. }
            | Refused::ConditionFalse(_)
            | Refused::Trigger { .. } => Kind::Refused,
        };
        Self {
            code: Some(refused.code()),
            ..Self::new(kind, refused.to_string())
        }
    }
}
