//! Durations as definitions write them: ISO 8601, `PT1H30M`.
//! A year counts 365 days and a month 30, as .NET reads them.

use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::fmt::temporal::SpanParser;

/// Reads a duration; `None` if the text is none or it is negative.
pub fn parse(text: &str) -> Option<Duration> {
    let span = SpanParser::new().parse_span(text).ok()?;
    let days = i64::from(span.get_years()) * 365 + i64::from(span.get_months()) * 30;
    let rest = span.years(0).months(0);
    let rest = rest.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let rest = Duration::try_from(rest).ok()?;
    let days = u64::try_from(days).ok()?;
    rest.checked_add(Duration::from_secs(days.checked_mul(86_400)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_iso_8601_only() {
        let cases = [
            ("PT5S", Some(5)),
            ("PT60S", Some(60)),
            ("PT1H30M", Some(5_400)),
            ("P1D", Some(86_400)),
            ("P1W", Some(7 * 86_400)),
            ("P1M", Some(30 * 86_400)),
            ("P1Y", Some(365 * 86_400)),
            ("P1DT1S", Some(86_401)),
            ("-PT5S", None),
            ("20S", None),
            ("20 seconds", None),
            ("", None),
            ("P", None),
            ("P99999999999999999999D", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(parse("PT7.5S"), Some(Duration::from_millis(7_500)));
    }
}
