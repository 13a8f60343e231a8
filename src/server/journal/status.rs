//! What the aggregated API answers when it does not do what was asked: `Status` objects, as every part of a Kubernetes
//! API gives them. Invariant: a fault of the server itself is logged, and its client learns nothing of it.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::request::Attributes;
use crate::server::problem::Problem;

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
    details: Option<Value>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            details: None,
        }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Nothing is served at the path.
    pub(super) fn no_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "the server could not find the requested resource",
        )
    }

    /// There is no such object, or none that the caller may know of.
    pub(super) fn missing(group: &str, plural: &str, name: &str) -> Self {
        Self {
            details: Some(json!({ "group": group, "kind": plural, "name": name })),
            ..Self::new(StatusCode::NOT_FOUND, format!("{plural}.{group} \"{name}\" not found"))
        }
    }

    pub(super) fn method(method: &Method, allowed: &Method) -> Self {
        let message = format!("{method} is not supported here; use {allowed}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, message)
    }

    /// RBAC does not allow it. The text is that of the API server, so that people know what to look for.
    pub(super) fn forbidden(user: &str, what: &Attributes) -> Self {
        let resource = match what.subresource {
            Some(part) => format!("{}/{part}", what.resource),
            None => what.resource.to_owned(),
        };
        let name = what
            .name
            .as_ref()
            .map(|name| format!(" \"{name}\""))
            .unwrap_or_default();
        let place = match &what.namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".to_owned(),
        };
        let (group, verb) = (what.group, what.verb);
        let message = format!(
            "{}.{group}{name} is forbidden: User \"{user}\" cannot {verb} resource \"{resource}\" in API group \
             \"{group}\" {place}",
            what.resource
        );
        Self {
            details: Some(json!({ "group": group, "kind": what.resource, "name": what.name })),
            ..Self::new(StatusCode::FORBIDDEN, message)
        }
    }

    /// The HTTP status.
    pub(super) fn code(&self) -> u16 {
        self.status.as_u16()
    }

    /// The reason as Kubernetes names it.
    fn reason(&self) -> &'static str {
        match self.status {
            StatusCode::BAD_REQUEST => "BadRequest",
            StatusCode::UNAUTHORIZED => "Unauthorized",
            StatusCode::FORBIDDEN => "Forbidden",
            StatusCode::NOT_FOUND => "NotFound",
            StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
            StatusCode::NOT_ACCEPTABLE => "NotAcceptable",
            StatusCode::REQUEST_TIMEOUT => "Timeout",
            StatusCode::CONFLICT => "Conflict",
            StatusCode::PAYLOAD_TOO_LARGE => "RequestEntityTooLarge",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "UnsupportedMediaType",
            StatusCode::UNPROCESSABLE_ENTITY => "Invalid",
            StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
            StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
            _ => "InternalError",
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason(),
            "code": self.code(),
        });
        if let Some(details) = self.details {
            status["details"] = details;
        }
        (self.status, Json(status)).into_response()
    }
}

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        let (status, message) = error.into().told();
        Self::new(status, message)
    }
}
