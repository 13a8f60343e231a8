//! A date with a time, as .NET's `DateTime` is: known to be UTC, or of no particular zone.

use jiff::civil::{DateTime, date};
use jiff::tz::Offset;
use jiff::{SignedDuration, Span, Timestamp};

/// A date with a time from year 1 to 9999, to 100 ns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    /// Date and time on the clock.
    pub civil: DateTime,
    /// Whether it is known to be UTC; otherwise it is of no particular zone.
    pub utc: bool,
}

/// A unit of time, as `addToTime` names it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    /// The unit of this name, in any case, in the singular or plural.
    pub fn find(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Some(match name.strip_suffix('s').unwrap_or(&name) {
            "second" => Self::Second,
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "year" => Self::Year,
            _ => return None,
        })
    }
}

impl Moment {
    /// A moment in UTC.
    pub fn at(timestamp: Timestamp) -> Option<Self> {
        Self::new(Offset::UTC.to_datetime(timestamp), true)
    }

    /// A moment within the range, cut to 100 ns.
    pub fn new(civil: DateTime, utc: bool) -> Option<Self> {
        let ticks = civil.subsec_nanosecond() / 100 * 100;
        let civil = civil.with().subsec_nanosecond(ticks).build().ok()?;
        (civil.year() >= 1).then_some(Self { civil, utc })
    }

    /// The moment of the same kind on another clock reading.
    pub fn with(self, civil: DateTime) -> Option<Self> {
        Self::new(civil, self.utc)
    }

    /// The moment so many units later. Months end where there is no such day.
    pub fn plus(self, count: i64, unit: Unit) -> Option<Self> {
        let seconds = |length: i64| {
            let duration = SignedDuration::from_secs(count.checked_mul(length)?);
            self.civil.checked_add(duration).ok()
        };
        let months = |length: i64| {
            let span = Span::new().try_months(count.checked_mul(length)?).ok()?;
            self.civil.checked_add(span).ok()
        };
        self.with(match unit {
            Unit::Second => seconds(1),
            Unit::Minute => seconds(60),
            Unit::Hour => seconds(3_600),
            Unit::Day => seconds(86_400),
            Unit::Week => seconds(7 * 86_400),
            Unit::Month => months(1),
            Unit::Year => months(12),
        }?)
    }

    /// 100 ns units since the start of year 1.
    pub fn ticks(self) -> i64 {
        let start = date(1, 1, 1).at(0, 0, 0, 0);
        let ticks = self.civil.duration_since(start).as_nanos() / 100;
        i64::try_from(ticks).unwrap_or(i64::MAX)
    }
}
