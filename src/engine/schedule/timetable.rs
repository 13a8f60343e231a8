//! When a recurrence occurs (Logic Apps: `recurrence`). Pure.
//!
//! Seconds, minutes and hours are counted in elapsed time from the first occurrence; days, weeks and months on the
//! clocks of the time zone. An occurrence at a time that clocks skip happens at the moment when they jump; one at a time
//! that they show twice happens the first time. A month without the day takes its last one. Weeks begin on Monday.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp, ToSpan};

use crate::definition::workflow::{Frequency, Recurrence};
use crate::expression::time_zones;

/// Periods that are looked through for the next occurrence: one before the estimate, for clocks that jump, and some after.
const PERIODS: i64 = 5;

/// A recurrence with all that its occurrences follow from.
#[derive(Clone, Debug)]
pub struct Timetable {
    recurrence: Recurrence,
    zone: TimeZone,
    saved_at: Timestamp,
    /// What the clocks of the zone show at the start, or where none is given when the recurrence was saved.
    anchor: DateTime,
    anchor_at: Timestamp,
}

impl Timetable {
    /// The timetable of a recurrence that was saved, or enabled again, at a time. An unknown time zone counts as UTC; a
    /// checked definition has none.
    pub fn new(recurrence: &Recurrence, saved_at: Timestamp) -> Self {
        let zone = recurrence.time_zone.as_deref().and_then(time_zones::find);
        let zone = zone.unwrap_or(TimeZone::UTC);
        let anchor = recurrence.start.unwrap_or_else(|| zone.to_datetime(saved_at));
        Self {
            anchor_at: instant(&zone, anchor).unwrap_or(saved_at),
            recurrence: recurrence.clone(),
            zone,
            saved_at,
            anchor,
        }
    }

    /// The first occurrence: at once where no start is given, else the first from the start on that has not passed.
    pub fn first(&self) -> Option<Timestamp> {
        match self.recurrence.start {
            None => Some(self.saved_at),
            Some(_) => self.next(self.saved_at.checked_sub(1.nanosecond()).ok()?),
        }
    }

    /// Where the first window begins: at the start, also one that has passed; where none is given, when it was saved.
    pub fn origin(&self) -> Timestamp {
        match self.recurrence.start {
            None => self.saved_at,
            Some(_) => self.anchor_at,
        }
    }

    /// The first occurrence after a time; never one before the start. `None` beyond the end of the calendar.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self.recurrence.frequency {
            Frequency::Second => self.elapsed(after, 1),
            Frequency::Minute => self.elapsed(after, 60),
            Frequency::Hour => self.elapsed(after, 3_600),
            Frequency::Day | Frequency::Week | Frequency::Month => self.on_the_clock(after),
        }
    }

    /// The occurrence that is to be taken now, given that `due` has come: of several only the latest, and none that is
    /// later than `patience` milliseconds. Missed occurrences are not made up for.
    pub fn latest(&self, due: Timestamp, now: Timestamp, patience: i64) -> Option<Timestamp> {
        let horizon = now.checked_sub(patience.milliseconds()).ok()?;
        let mut latest = if due >= horizon { due } else { self.next(horizon)? };
        while let Some(later) = self.next(latest).filter(|later| *later <= now) {
            latest = later;
        }
        (latest <= now).then_some(latest)
    }

    fn elapsed(&self, after: Timestamp, unit: i64) -> Option<Timestamp> {
        let step = unit
            .checked_mul(i64::from(self.recurrence.interval))?
            .checked_mul(1_000)?;
        let passed = after.as_nanosecond() - self.anchor_at.as_nanosecond();
        let passed = i64::try_from(passed.div_euclid(1_000_000)).ok()?;
        let count = (passed.div_euclid(step) + 1).max(0);
        self.anchor_at.checked_add(count.checked_mul(step)?.milliseconds()).ok()
    }

    fn on_the_clock(&self, after: Timestamp) -> Option<Timestamp> {
        let first = (self.period_of(self.zone.to_datetime(after)) - 1).max(0);
        let slots = (first..first + PERIODS).flat_map(|period| self.slots(period));
        slots
            .filter_map(|slot| instant(&self.zone, slot))
            .find(|slot| *slot > after)
    }

    /// The number of the period, counted from that of the anchor, that a time falls into.
    fn period_of(&self, time: DateTime) -> i64 {
        let days = |from: Date| from.until(time.date()).map_or(0, |span| i64::from(span.get_days()));
        let units = match self.recurrence.frequency {
            Frequency::Week => days(monday(self.anchor.date())).div_euclid(7),
            Frequency::Month => {
                let months = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month());
                months(time.date()) - months(self.anchor.date())
            }
            Frequency::Day | Frequency::Hour | Frequency::Minute | Frequency::Second => days(self.anchor.date()),
        };
        units.div_euclid(i64::from(self.recurrence.interval))
    }

    /// The occurrences of a period on the clocks of the zone, in order.
    fn slots(&self, period: i64) -> Vec<DateTime> {
        let times = self.times();
        let days = self.days(period).unwrap_or_default();
        let all = days
            .into_iter()
            .flat_map(|day| times.iter().map(move |time| day.to_datetime(*time)));
        all.filter(|slot| *slot >= self.anchor).collect()
    }

    fn days(&self, period: i64) -> Option<Vec<Date>> {
        let (day, units) = (
            self.anchor.date(),
            period.checked_mul(i64::from(self.recurrence.interval))?,
        );
        let after = |day: Date, span: Result<Span, jiff::Error>| day.checked_add(span.ok()?).ok();
        Some(match self.recurrence.frequency {
            Frequency::Month => vec![after(day, Span::new().try_months(units))?],
            Frequency::Week if !self.recurrence.week_days.is_empty() => {
                let monday = after(monday(day), Span::new().try_weeks(units))?;
                let mut offsets: Vec<i8> = self.recurrence.week_days.iter().map(|day| offset(*day)).collect();
                offsets.sort_unstable();
                offsets.dedup();
                let days = offsets
                    .into_iter()
                    .map(|days| monday.checked_add(i32::from(days).days()).ok());
                days.collect::<Option<_>>()?
            }
            Frequency::Week => vec![after(day, Span::new().try_weeks(units))?],
            Frequency::Day | Frequency::Hour | Frequency::Minute | Frequency::Second => {
                vec![after(day, Span::new().try_days(units))?]
            }
        })
    }

    /// Hours × minutes; what is not given is taken from the anchor.
    fn times(&self) -> Vec<Time> {
        let (hours, minutes) = (&self.recurrence.hours, &self.recurrence.minutes);
        let anchor = self.anchor.time();
        if hours.is_empty() && minutes.is_empty() {
            return vec![anchor];
        }
        let second = self.recurrence.start.map_or(0, |start| start.second());
        let or_anchor = |given: &[i8], own: i8| if given.is_empty() { vec![own] } else { given.to_vec() };
        let minutes = or_anchor(minutes, anchor.minute());
        let hours = or_anchor(hours, anchor.hour()).into_iter();
        let times = hours.flat_map(|hour| minutes.iter().map(move |minute| (hour, *minute)));
        times
            .filter_map(|(hour, minute)| Time::new(hour, minute, second, 0).ok())
            .collect()
    }
}

/// Days since Monday.
fn offset(day: Weekday) -> i8 {
    day.to_monday_zero_offset()
}

/// The Monday of the week that a day lies in.
fn monday(day: Date) -> Date {
    day.checked_sub(i32::from(offset(day.weekday())).days()).unwrap_or(day)
}

/// The moment at which clocks of a zone show a time; for one that they skip the moment of their jump, for one that they
/// show twice the first.
fn instant(zone: &TimeZone, civil: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(civil).ok()
        }
        AmbiguousOffset::Gap { after, .. } => {
            let before_jump = after.to_timestamp(civil).ok()?;
            zone.following(before_jump).next().map(|jump| jump.timestamp())
        }
    }
}

#[cfg(test)]
#[path = "timetable_tests.rs"]
mod tests;
