//! Times of deliveries: RFC 3339 with any offset, or without one and then in UTC as Sentinel writes some.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The instant as RFC 3339 text in UTC; `None` if it is no time.
pub(super) fn utc(text: &str) -> Option<String> {
    instant(text).map(|instant| instant.to_string())
}

/// The instant; `None` if it is no time.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let with_offset = text.parse::<Timestamp>().ok();
    with_offset.or_else(|| Some(text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_kinds_become_utc() {
        let cases = [
            ("2026-03-01T10:00:00Z", Some("2026-03-01T10:00:00Z")),
            (
                "2026-03-01T10:00:00.1234567+02:00",
                Some("2026-03-01T08:00:00.1234567Z"),
            ),
            ("2026-03-01T10:00:00.5", Some("2026-03-01T10:00:00.5Z")),
            ("2026-03-01 10:00:00", Some("2026-03-01T10:00:00Z")),
            ("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z")),
            ("9999-12-31T23:59:59-23:00", None),
            ("soon", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(utc(text).as_deref(), expected, "{text}");
        }
    }
}
