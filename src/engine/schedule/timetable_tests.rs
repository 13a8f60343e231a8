//! Tables of the documented examples, and properties that hold for every recurrence.

use jiff::Timestamp;
use jiff::civil::Weekday;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn every(interval: u32, frequency: Frequency) -> Recurrence {
    Recurrence {
        frequency,
        interval,
        start: None,
        time_zone: None,
        hours: Vec::new(),
        minutes: Vec::new(),
        week_days: Vec::new(),
    }
}

fn from(start: &str, recurrence: Recurrence) -> Recurrence {
    let start = Some(start.parse().unwrap());
    Recurrence { start, ..recurrence }
}

fn zoned(zone: &str, recurrence: Recurrence) -> Recurrence {
    let time_zone = Some(zone.to_owned());
    Recurrence {
        time_zone,
        ..recurrence
    }
}

/// The first occurrences of a recurrence that is saved at a time.
fn occurrences(recurrence: &Recurrence, saved_at: &str, count: usize) -> Vec<String> {
    let timetable = Timetable::new(recurrence, at(saved_at));
    let all = std::iter::successors(timetable.first(), |last| timetable.next(*last));
    all.take(count).map(|time| time.to_string()).collect()
}

#[test]
fn the_first_occurrence_follows_start_and_schedule() {
    let two_days = || every(2, Frequency::Day);
    let at_half_past = Recurrence {
        hours: vec![8, 16],
        minutes: vec![30],
        ..every(1, Frequency::Day)
    };
    let past = from("2017-09-07T14:00:00", two_days());
    let cases = [
        (two_days(), vec!["2017-09-08T13:00:00Z", "2017-09-10T13:00:00Z"]),
        (
            past,
            vec!["2017-09-09T14:00:00Z", "2017-09-11T14:00:00Z", "2017-09-13T14:00:00Z"],
        ),
        (
            from("2017-09-08T13:00:00", two_days()),
            vec!["2017-09-08T13:00:00Z", "2017-09-10T13:00:00Z"],
        ),
        (
            from("2017-10-01T09:15:30", two_days()),
            vec!["2017-10-01T09:15:30Z", "2017-10-03T09:15:30Z"],
        ),
        (
            at_half_past.clone(),
            vec!["2017-09-08T13:00:00Z", "2017-09-08T16:30:00Z", "2017-09-09T08:30:00Z"],
        ),
        (
            from("2017-09-07T14:00:00", at_half_past.clone()),
            vec!["2017-09-08T16:30:00Z", "2017-09-09T08:30:00Z"],
        ),
        (
            from("2017-09-20T10:00:00", at_half_past),
            vec!["2017-09-20T16:30:00Z", "2017-09-21T08:30:00Z"],
        ),
    ];
    for (recurrence, expected) in cases {
        let found = occurrences(&recurrence, "2017-09-08T13:00:00Z", expected.len());
        assert_eq!(found, expected, "{recurrence:?}");
    }
}

#[test]
fn hours_minutes_and_week_days_cross_and_missing_ones_come_from_the_anchor() {
    let week = |days: &[Weekday], hours: &[i8], minutes: &[i8]| Recurrence {
        week_days: days.to_vec(),
        hours: hours.to_vec(),
        minutes: minutes.to_vec(),
        ..every(1, Frequency::Week)
    };
    let saturday = from("2017-09-09T17:00:00", week(&[Weekday::Saturday], &[], &[]));
    let work = week(&[Weekday::Thursday, Weekday::Tuesday], &[17], &[]);
    let every_other = Recurrence {
        interval: 2,
        ..from(
            "2017-09-06T00:00:00",
            week(&[Weekday::Monday, Weekday::Friday], &[6], &[0]),
        )
    };
    let day = Recurrence {
        hours: vec![8, 9],
        minutes: vec![15, 45],
        ..from("2017-09-09T08:30:00", every(3, Frequency::Day))
    };
    let cases = [
        (saturday, vec!["2017-09-09T17:00:00Z", "2017-09-16T17:00:00Z"]),
        (
            work,
            vec![
                "2017-09-08T13:20:40Z",
                "2017-09-12T17:20:00Z",
                "2017-09-14T17:20:00Z",
                "2017-09-19T17:20:00Z",
            ],
        ),
        (
            every_other,
            vec!["2017-09-18T06:00:00Z", "2017-09-22T06:00:00Z", "2017-10-02T06:00:00Z"],
        ),
        (
            day,
            vec![
                "2017-09-09T08:45:00Z",
                "2017-09-09T09:15:00Z",
                "2017-09-09T09:45:00Z",
                "2017-09-12T08:15:00Z",
            ],
        ),
        (
            week(&[], &[7], &[0]),
            vec!["2017-09-08T13:20:40Z", "2017-09-15T07:00:00Z"],
        ),
    ];
    for (recurrence, expected) in cases {
        let found = occurrences(&recurrence, "2017-09-08T13:20:40Z", expected.len());
        assert_eq!(found, expected, "{recurrence:?}");
    }
}

#[test]
fn a_month_without_the_day_takes_its_last_one() {
    let monthly = from("2024-01-31T12:00:00", every(1, Frequency::Month));
    let expected = [
        "2024-01-31T12:00:00Z",
        "2024-02-29T12:00:00Z",
        "2024-03-31T12:00:00Z",
        "2024-04-30T12:00:00Z",
    ];
    assert_eq!(occurrences(&monthly, "2024-01-01T00:00:00Z", 4), expected);
    let quarterly = from("2023-11-30T12:00:00", every(3, Frequency::Month));
    let expected = ["2024-02-29T12:00:00Z", "2024-05-30T12:00:00Z"];
    assert_eq!(occurrences(&quarterly, "2023-12-01T00:00:00Z", 2), expected);
}

#[test]
fn a_named_zone_keeps_the_time_on_its_clocks_and_elapsed_units_do_not() {
    let berlin = "W. Europe Standard Time";
    let daily = |time: &str| zoned(berlin, from(time, every(1, Frequency::Day)));
    let night = Recurrence {
        hours: vec![2],
        minutes: vec![0, 30, 59],
        ..daily("2024-03-30T00:00:00")
    };
    let cases = [
        // The clocks go from 02:00 to 03:00 on March 31, and from 03:00 back to 02:00 on October 27.
        (
            daily("2024-03-30T08:00:00"),
            vec!["2024-03-30T07:00:00Z", "2024-03-31T06:00:00Z", "2024-04-01T06:00:00Z"],
        ),
        (
            daily("2024-03-30T02:30:00"),
            vec!["2024-03-30T01:30:00Z", "2024-03-31T01:00:00Z", "2024-04-01T00:30:00Z"],
        ),
        (
            daily("2024-10-26T02:30:00"),
            vec!["2024-10-26T00:30:00Z", "2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"],
        ),
        (
            night,
            vec![
                "2024-03-30T01:00:00Z",
                "2024-03-30T01:30:00Z",
                "2024-03-30T01:59:00Z",
                "2024-03-31T01:00:00Z",
                "2024-04-01T00:00:00Z",
            ],
        ),
        (
            zoned(berlin, from("2024-03-31T01:30:00", every(1, Frequency::Hour))),
            vec!["2024-03-31T00:30:00Z", "2024-03-31T01:30:00Z", "2024-03-31T02:30:00Z"],
        ),
        (
            from("2024-03-30T08:00:00", every(1, Frequency::Day)),
            vec!["2024-03-30T08:00:00Z", "2024-03-31T08:00:00Z"],
        ),
    ];
    for (recurrence, expected) in cases {
        assert_eq!(
            occurrences(&recurrence, "2024-01-01T00:00:00Z", expected.len()),
            expected
        );
    }
}

#[test]
fn of_several_due_occurrences_the_latest_is_taken_and_an_old_one_is_missed() {
    let minute = 60_000;
    let often = Timetable::new(&every(10, Frequency::Second), at("2024-01-01T00:00:00Z"));
    let latest = |due: &str, now: &str| often.latest(at(due), at(now), minute).map(|time| time.to_string());
    assert_eq!(
        latest("2024-01-01T00:00:10Z", "2024-01-01T00:00:12Z").unwrap(),
        "2024-01-01T00:00:10Z"
    );
    assert_eq!(
        latest("2024-01-01T00:00:10Z", "2024-01-01T00:00:32Z").unwrap(),
        "2024-01-01T00:00:30Z"
    );
    assert_eq!(
        latest("2024-01-01T00:00:10Z", "2025-01-01T00:00:05Z").unwrap(),
        "2025-01-01T00:00:00Z"
    );
    let daily = Timetable::new(&every(1, Frequency::Day), at("2024-01-01T00:00:00Z"));
    let latest = |now: &str| daily.latest(at("2024-01-02T00:00:00Z"), at(now), minute);
    assert_eq!(latest("2024-01-02T00:00:59Z"), Some(at("2024-01-02T00:00:00Z")));
    assert_eq!(latest("2024-01-02T00:01:01Z"), None);
}

#[test]
fn the_end_of_the_calendar_is_no_fault() {
    let last = from("9999-12-31T23:00:00", every(500, Frequency::Day));
    let timetable = Timetable::new(&last, at("2024-01-01T00:00:00Z"));
    let first = timetable.first();
    assert_eq!(first.and_then(|first| timetable.next(first)), None);
    let seconds = Timetable::new(&every(9_999_999, Frequency::Second), at("2024-01-01T00:00:00Z"));
    assert_eq!(seconds.next(Timestamp::MAX), None);
}

prop_compose! {
    fn recurrences()(
        frequency in prop::sample::select(vec![
            Frequency::Second, Frequency::Minute, Frequency::Hour, Frequency::Day, Frequency::Week, Frequency::Month,
        ]),
        interval in 1_u32..72,
        start in prop::option::of(1_600_000_000_i64..1_900_000_000),
        zone in prop::sample::select(vec![
            None, Some("W. Europe Standard Time"), Some("Lord Howe Standard Time"), Some("Pacific Standard Time"),
            Some("Asia/Kathmandu"), Some("America/Nuuk"),
        ]),
        hours in prop::collection::btree_set(0_i8..24, 0..4),
        minutes in prop::collection::btree_set(0_i8..60, 0..4),
        days in prop::collection::btree_set(0_i8..7, 0..4),
    ) -> Recurrence {
        let daily = matches!(frequency, Frequency::Day | Frequency::Week);
        let of = |numbers: std::collections::BTreeSet<i8>, counts: bool| {
            if counts { numbers.into_iter().collect() } else { Vec::new() }
        };
        let days: Vec<i8> = of(days, frequency == Frequency::Week);
        Recurrence {
            frequency,
            interval,
            start: start.map(|second| TimeZone::UTC.to_datetime(Timestamp::from_second(second).unwrap())),
            time_zone: zone.map(str::to_owned),
            hours: of(hours, daily),
            minutes: of(minutes, daily),
            week_days: days.into_iter().map(|day| Weekday::from_monday_zero_offset(day).unwrap()).collect(),
        }
    }
}

proptest! {
    #[test]
    fn occurrences_lie_after_the_time_and_in_order(
        recurrence in recurrences(),
        saved in 1_600_000_000_i64..1_900_000_000,
        times in prop::array::uniform2(1_600_000_000_i64..1_900_000_000),
    ) {
        let timetable = Timetable::new(&recurrence, Timestamp::from_second(saved).unwrap());
        let [early, late] = [times[0].min(times[1]), times[0].max(times[1])].map(|second| Timestamp::from_second(second).unwrap());
        let (first, second) = (timetable.next(early).unwrap(), timetable.next(late).unwrap());
        prop_assert!(first > early);
        prop_assert!(first <= second);
        prop_assert!(first >= timetable.anchor_at);
        prop_assert!(second > late);
        // Nothing lies between a time and its next occurrence.
        let before = first.checked_sub(1.nanosecond()).unwrap();
        prop_assert_eq!(timetable.next(before.max(early)), Some(first));
        let opening = timetable.first().unwrap();
        prop_assert!(opening >= timetable.saved_at);
    }
}
