//! The shared-key signature of Azure Monitor's HTTP Data Collector API.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ring::hmac;

/// What is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) content_length: usize,
    pub(super) content_type: &'a str,
    pub(super) date: &'a str,
    pub(super) path: &'a str,
}

/// A time as the `x-ms-date` header has it (RFC 1123).
pub(super) fn date(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

/// The `Authorization` value of a signed request; `None` if the key is not base64.
pub(super) fn authorization(account: &str, key: &str, signed: &Signed<'_>) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key.trim()).ok()?);
    let Signed {
        method,
        content_length,
        content_type,
        date,
        path,
    } = signed;
    let text = format!("{method}\n{content_length}\n{content_type}\nx-ms-date:{date}\n{path}");
    let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    Some(format!("SharedKey {account}:{signature}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hmac and hashlib.
    #[test]
    fn signature_agrees_with_an_independent_one() {
        let now: Timestamp = "2024-03-05T06:07:08Z".parse().unwrap();
        let date = date(now);
        assert_eq!(date, "Tue, 05 Mar 2024 06:07:08 GMT");
        let signed = Signed {
            method: "POST",
            content_length: 17,
            content_type: "application/json",
            date: &date,
            path: "/api/logs",
        };
        let given = authorization("workspace-1", "c2VjcmV0LWtleS1mb3ItdGVzdHM=", &signed);
        assert_eq!(
            given.as_deref(),
            Some("SharedKey workspace-1:jd0+AUyaLaqLOeJfQ6Xs5w67H1LHzI4C85XqSN3fnac=")
        );
        assert_eq!(authorization("workspace-1", "no base64!", &signed), None);
    }
}
