//! Reads the body of a request: JSON by its content type, not larger and not slower than the settings allow.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};

use super::problem::{Kind, Problem};
use super::state::Settings;

/// The body. What announces itself as too large is refused before it is read.
pub(super) async fn read(request: Request, settings: &Settings) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::new(
            Kind::MediaType,
            "the content type must be `application/json`",
        ));
    }
    bytes(request, settings).await
}

/// The body, of whatever type.
pub(super) async fn bytes(request: Request, settings: &Settings) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            Kind::TooLarge,
            format!("a body has at most {} bytes", settings.max_body),
        )
    };
    if announced(request.headers()).is_some_and(|length| length > settings.max_body) {
        return Err(too_large());
    }
    let reading = tokio::time::timeout(settings.read_timeout, Bytes::from_request(request, &()));
    match reading.await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(Kind::Malformed, "the body could not be read to its end")),
        Err(_) => Err(Problem::new(
            Kind::Timeout,
            format!("a body must come within {} ms", settings.read_timeout.as_millis()),
        )),
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `application/json`, or a type that is JSON by its suffix.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(essence) = content_type.and_then(|text| text.split(';').next()) else {
        return false;
    };
    let essence = essence.trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}
