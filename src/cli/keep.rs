//! How long and how much of the past is kept, as `dev` and `operator` are told.

use std::str::FromStr;

use crate::store::{Millis, Retention};

/// What is kept.
#[derive(clap::Args, Clone, Debug)]
pub struct Keep {
    /// How long runs are kept after their end, with their journals, such as `30d` or `12h`; or `forever`.
    #[arg(long, value_name = "TIME", default_value = "90d")]
    keep_runs_for: Span,

    /// How many runs are kept, the newest, evaluations of rules among them. Default: any number.
    #[arg(long, value_name = "NUMBER")]
    keep_runs: Option<u32>,

    /// How long alerts are kept, unless an incident that they joined is open or changed later; or `forever`.
    #[arg(long, value_name = "TIME", default_value = "forever")]
    keep_alerts_for: Span,
}

impl Keep {
    /// As the store understands it.
    pub fn retention(&self) -> Retention {
        Retention {
            runs_for: self.keep_runs_for.0,
            runs: self.keep_runs,
            alerts_for: self.keep_alerts_for.0,
            drops_changes: false,
        }
    }
}

/// A length of time in milliseconds; `None` is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span(Option<Millis>);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Self(None));
        }
        length(text).map(|length| Self(Some(length)))
    }
}

/// A length of time in milliseconds, such as `90d`, `1h 30m` or `PT1H30M`; days have 24 hours.
pub fn length(text: &str) -> Result<Millis, String> {
    let span: jiff::Span = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    let length = length.map_err(|_| "use weeks, days, hours, minutes or seconds, such as 90d".to_owned())?;
    match Millis::try_from(length.as_millis()) {
        Ok(length) if length > 0 => Ok(length),
        _ => Err("it must be longer than nothing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        assert_eq!("90d".parse(), Ok(Span(Some(90 * 86_400_000))));
        assert_eq!("1h 30m".parse(), Ok(Span(Some(5_400_000))));
        assert_eq!("P1D".parse(), Ok(Span(Some(86_400_000))));
        assert_eq!("forever".parse(), Ok(Span(None)));
        for wrong in ["", "90", "0s", "-1d", "1mo", "soon"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }
}
