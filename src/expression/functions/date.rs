//! Date and time functions. Timestamps are text; results are in the format `o` unless a format is given.

use jiff::tz::TimeZone;

use super::super::date_format::{ROUND_TRIP, format_moment};
use super::super::date_parse::{parse_exact, parse_moment};
use super::super::error::EvalError;
use super::super::locale::Locale;
use super::super::moment::{Moment, Unit};
use super::super::time_zones;
use super::super::value::Value;
use super::string::locale;
use super::{Arguments, Call, Function, between, exactly};

const SOURCE: &str = "Date and time functions";

pub(super) static DATE: &[Function] = &[
    Function {
        name: "addDays",
        arity: between(2, 3),
        doc: "A timestamp so many days later.",
        source: SOURCE,
        examples: &[
            (
                "addDays('2018-03-15T00:00:00Z', 10)",
                "\"2018-03-25T00:00:00.0000000Z\"",
            ),
            ("addDays('2018-03-15T00:00:00Z', -5, 'yyyy-MM-dd')", "\"2018-03-10\""),
        ],
        call: Call::Eager(|arguments| add(arguments, Unit::Day)),
    },
    Function {
        name: "addHours",
        arity: between(2, 3),
        doc: "A timestamp so many hours later.",
        source: SOURCE,
        examples: &[(
            "addHours('2018-03-15T15:00:00Z', -5)",
            "\"2018-03-15T10:00:00.0000000Z\"",
        )],
        call: Call::Eager(|arguments| add(arguments, Unit::Hour)),
    },
    Function {
        name: "addMinutes",
        arity: between(2, 3),
        doc: "A timestamp so many minutes later.",
        source: SOURCE,
        examples: &[(
            "addMinutes('2018-03-15T00:10:00Z', 10)",
            "\"2018-03-15T00:20:00.0000000Z\"",
        )],
        call: Call::Eager(|arguments| add(arguments, Unit::Minute)),
    },
    Function {
        name: "addSeconds",
        arity: between(2, 3),
        doc: "A timestamp so many seconds later.",
        source: SOURCE,
        examples: &[(
            "addSeconds('2018-03-15T00:00:30Z', -5)",
            "\"2018-03-15T00:00:25.0000000Z\"",
        )],
        call: Call::Eager(|arguments| add(arguments, Unit::Second)),
    },
    Function {
        name: "addToTime",
        arity: between(3, 4),
        doc: "A timestamp so many units later: Second, Minute, Hour, Day, Week, Month, Year.",
        source: SOURCE,
        examples: &[
            (
                "addToTime('2018-01-01T00:00:00Z', 1, 'Day')",
                "\"2018-01-02T00:00:00.0000000Z\"",
            ),
            (
                "addToTime('2018-01-31T00:00:00Z', 1, 'Month', 'D')",
                "\"Wednesday, February 28, 2018\"",
            ),
        ],
        call: Call::Eager(|arguments| {
            let unit = unit(arguments, 2)?;
            shifted(arguments, moment(arguments, 0)?, arguments.int(1)?, unit, 3)
        }),
    },
    Function {
        name: "subtractFromTime",
        arity: between(3, 4),
        doc: "A timestamp so many units earlier.",
        source: SOURCE,
        examples: &[(
            "subtractFromTime('2018-01-02T00:00:00Z', 1, 'Day', 'D')",
            "\"Monday, January 1, 2018\"",
        )],
        call: Call::Eager(|arguments| {
            let unit = unit(arguments, 2)?;
            shifted(arguments, moment(arguments, 0)?, negative(arguments, 1)?, unit, 3)
        }),
    },
    Function {
        name: "getFutureTime",
        arity: between(2, 3),
        doc: "The current time so many units later.",
        source: SOURCE,
        examples: &[("getFutureTime(5, 'Day')", "\"2018-03-06T00:00:00.0000000Z\"")],
        call: Call::Eager(|arguments| {
            let unit = unit(arguments, 1)?;
            shifted(arguments, now(arguments)?, arguments.int(0)?, unit, 2)
        }),
    },
    Function {
        name: "getPastTime",
        arity: between(2, 3),
        doc: "The current time so many units earlier.",
        source: SOURCE,
        examples: &[("getPastTime(5, 'Day', 'D')", "\"Saturday, February 24, 2018\"")],
        call: Call::Eager(|arguments| {
            let unit = unit(arguments, 1)?;
            shifted(arguments, now(arguments)?, negative(arguments, 0)?, unit, 2)
        }),
    },
    Function {
        name: "convertFromUtc",
        arity: between(2, 3),
        doc: "What clocks of a time zone show at a timestamp in UTC. Zones by Windows or IANA name.",
        source: SOURCE,
        examples: &[
            (
                "convertFromUtc('2018-01-01T08:00:00Z', 'Pacific Standard Time')",
                "\"2018-01-01T00:00:00.0000000\"",
            ),
            (
                "convertFromUtc('2018-07-01T08:00:00Z', 'Europe/Berlin', 'HH:mm')",
                "\"10:00\"",
            ),
        ],
        call: Call::Eager(|arguments| {
            let converted = time_zones::from_utc(moment(arguments, 0)?, &zone(arguments, 1)?);
            formatted(arguments, in_range(arguments, converted)?, 2)
        }),
    },
    Function {
        name: "convertTimeZone",
        arity: between(3, 4),
        doc: "What clocks of the second time zone show when those of the first show a timestamp.",
        source: SOURCE,
        examples: &[(
            "convertTimeZone('2018-01-01T08:00:00.0000000Z', 'UTC', 'Pacific Standard Time', 'D')",
            "\"Monday, January 1, 2018\"",
        )],
        call: Call::Eager(|arguments| {
            let utc = time_zones::to_utc(moment(arguments, 0)?.civil, &zone(arguments, 1)?);
            let converted = time_zones::from_utc(in_range(arguments, utc)?, &zone(arguments, 2)?);
            formatted(arguments, in_range(arguments, converted)?, 3)
        }),
    },
    Function {
        name: "convertToUtc",
        arity: between(2, 3),
        doc: "The timestamp in UTC at which clocks of a time zone show another.",
        source: SOURCE,
        examples: &[(
            "convertToUtc('01/01/2018 00:00:00', 'Pacific Standard Time')",
            "\"2018-01-01T08:00:00.0000000Z\"",
        )],
        call: Call::Eager(|arguments| {
            let utc = time_zones::to_utc(moment(arguments, 0)?.civil, &zone(arguments, 1)?);
            formatted(arguments, in_range(arguments, utc)?, 2)
        }),
    },
    Function {
        name: "dateDifference",
        arity: exactly(2),
        doc: "The time from one timestamp to another, `[-][d.]hh:mm:ss[.fffffff]`.",
        source: SOURCE,
        examples: &[
            ("dateDifference('2015-02-08', '2018-07-30')", "\"1268.00:00:00\""),
            (
                "dateDifference('2018-01-01T10:00:00Z', '2018-01-01T09:30:00.5Z')",
                "\"-00:29:59.5000000\"",
            ),
        ],
        call: Call::Eager(|arguments| {
            let ticks = moment(arguments, 1)?.ticks() - moment(arguments, 0)?.ticks();
            Ok(Value::from(time_span(ticks)))
        }),
    },
    Function {
        name: "dayOfMonth",
        arity: exactly(1),
        doc: "The day of the month of a timestamp.",
        source: SOURCE,
        examples: &[("dayOfMonth('2018-03-15T13:27:36Z')", "15")],
        call: Call::Eager(|arguments| Ok(Value::Int(moment(arguments, 0)?.civil.day().into()))),
    },
    Function {
        name: "dayOfWeek",
        arity: exactly(1),
        doc: "The day of the week of a timestamp; Sunday is 0.",
        source: SOURCE,
        examples: &[("dayOfWeek('2018-03-15T13:27:36Z')", "4")],
        call: Call::Eager(|arguments| {
            let weekday = moment(arguments, 0)?.civil.weekday();
            Ok(Value::Int(weekday.to_sunday_zero_offset().into()))
        }),
    },
    Function {
        name: "dayOfYear",
        arity: exactly(1),
        doc: "The day of the year of a timestamp.",
        source: SOURCE,
        examples: &[("dayOfYear('2018-03-15T13:27:36Z')", "74")],
        call: Call::Eager(|arguments| Ok(Value::Int(moment(arguments, 0)?.civil.day_of_year().into()))),
    },
    Function {
        name: "formatDateTime",
        arity: between(1, 3),
        doc: "A timestamp in a format and culture.",
        source: SOURCE,
        examples: &[
            ("formatDateTime('03/15/2018')", "\"2018-03-15T00:00:00.0000000\""),
            (
                "formatDateTime('03/15/2018 12:00:00', 'yyyy-MM-ddTHH:mm:ss')",
                "\"2018-03-15T12:00:00\"",
            ),
            (
                "formatDateTime('01/31/2016', 'dddd MMMM d', 'fr-fr')",
                "\"dimanche janvier 31\"",
            ),
        ],
        call: Call::Eager(|arguments| {
            let moment = moment(arguments, 0)?;
            format_in(arguments, moment, 1, locale(arguments, 2)?)
        }),
    },
    Function {
        name: "parseDateTime",
        arity: between(1, 3),
        doc: "The timestamp of a date as a culture writes it, or in exactly a format.",
        source: SOURCE,
        examples: &[
            (
                "parseDateTime('20/10/2014', 'fr-fr')",
                "\"2014-10-20T00:00:00.0000000\"",
            ),
            (
                "parseDateTime('martes 20 octubre 2020', 'es-es')",
                "\"2020-10-20T00:00:00.0000000\"",
            ),
            (
                "parseDateTime('10/20/2014 15h', 'en-US', 'MM/dd/yyyy HH\\h')",
                "\"2014-10-20T15:00:00.0000000\"",
            ),
        ],
        call: Call::Eager(|arguments| {
            let (text, locale, now) = (arguments.text(0)?, locale(arguments, 1)?, arguments.scope.now());
            let moment = match arguments.has(2) {
                true => parse_exact(text, arguments.text(2)?, locale, now),
                false => parse_moment(text, locale, now),
            };
            format_in(arguments, moment.ok_or_else(|| not_a_date(arguments, 0))?, 3, locale)
        }),
    },
    Function {
        name: "startOfDay",
        arity: between(1, 2),
        doc: "The start of the day of a timestamp.",
        source: SOURCE,
        examples: &[("startOfDay('2018-03-15T13:30:30Z')", "\"2018-03-15T00:00:00.0000000Z\"")],
        call: Call::Eager(|arguments| {
            let moment = moment(arguments, 0)?;
            start(arguments, moment, moment.civil.date().at(0, 0, 0, 0))
        }),
    },
    Function {
        name: "startOfHour",
        arity: between(1, 2),
        doc: "The start of the hour of a timestamp.",
        source: SOURCE,
        examples: &[(
            "startOfHour('2018-03-15T13:30:30Z')",
            "\"2018-03-15T13:00:00.0000000Z\"",
        )],
        call: Call::Eager(|arguments| {
            let moment = moment(arguments, 0)?;
            start(arguments, moment, moment.civil.date().at(moment.civil.hour(), 0, 0, 0))
        }),
    },
    Function {
        name: "startOfMonth",
        arity: between(1, 2),
        doc: "The start of the month of a timestamp.",
        source: SOURCE,
        examples: &[("startOfMonth('2018-03-15T13:30:30Z', 'yyyy-MM-dd')", "\"2018-03-01\"")],
        call: Call::Eager(|arguments| {
            let moment = moment(arguments, 0)?;
            start(arguments, moment, moment.civil.date().first_of_month().at(0, 0, 0, 0))
        }),
    },
    Function {
        name: "ticks",
        arity: exactly(1),
        doc: "The number of 100 ns units from the start of year 1 to a timestamp.",
        source: SOURCE,
        examples: &[("ticks('2022-09-09T10:00:00Z')", "637983144000000000")],
        call: Call::Eager(|arguments| Ok(Value::Int(moment(arguments, 0)?.ticks()))),
    },
    Function {
        name: "utcNow",
        arity: between(0, 1),
        doc: "The current time in UTC; the same throughout one evaluation.",
        source: SOURCE,
        examples: &[
            ("utcNow()", "\"2018-03-01T00:00:00.0000000Z\""),
            ("utcNow('D')", "\"Thursday, March 1, 2018\""),
        ],
        call: Call::Eager(|arguments| formatted(arguments, now(arguments)?, 0)),
    },
];

fn now(arguments: &Arguments<'_>) -> Result<Moment, EvalError> {
    in_range(arguments, Moment::at(arguments.scope.now()))
}

fn moment(arguments: &Arguments<'_>, index: usize) -> Result<Moment, EvalError> {
    let text = arguments.text(index)?;
    parse_moment(text, Locale::us(), arguments.scope.now()).ok_or_else(|| not_a_date(arguments, index))
}

fn not_a_date(arguments: &Arguments<'_>, index: usize) -> EvalError {
    arguments.wrong_kind(index, "a date and time, for example '2018-03-15T13:27:36Z'")
}

fn unit(arguments: &Arguments<'_>, index: usize) -> Result<Unit, EvalError> {
    let name = arguments.text(index)?;
    Unit::find(name).ok_or_else(|| {
        arguments.fail(format!(
            "does not know the time unit '{name}'; use Second, Minute, Hour, Day, Week, Month or Year"
        ))
    })
}

fn zone(arguments: &Arguments<'_>, index: usize) -> Result<TimeZone, EvalError> {
    let name = arguments.text(index)?;
    time_zones::find(name).ok_or_else(|| arguments.fail(format!("does not know the time zone '{name}'")))
}

fn negative(arguments: &Arguments<'_>, index: usize) -> Result<i64, EvalError> {
    arguments
        .int(index)?
        .checked_neg()
        .ok_or_else(|| out_of_range(arguments))
}

fn out_of_range(arguments: &Arguments<'_>) -> EvalError {
    arguments.fail("makes a time that does not exist or is not between the years 1 and 9999")
}

fn in_range(arguments: &Arguments<'_>, moment: Option<Moment>) -> Result<Moment, EvalError> {
    moment.ok_or_else(|| out_of_range(arguments))
}

fn add(arguments: &Arguments<'_>, unit: Unit) -> Result<Value, EvalError> {
    shifted(arguments, moment(arguments, 0)?, arguments.int(1)?, unit, 2)
}

fn shifted(
    arguments: &Arguments<'_>,
    moment: Moment,
    count: i64,
    unit: Unit,
    format: usize,
) -> Result<Value, EvalError> {
    formatted(arguments, in_range(arguments, moment.plus(count, unit))?, format)
}

fn start(arguments: &Arguments<'_>, moment: Moment, civil: jiff::civil::DateTime) -> Result<Value, EvalError> {
    formatted(arguments, in_range(arguments, moment.with(civil))?, 1)
}

/// The moment in the format that an optional argument gives.
fn formatted(arguments: &Arguments<'_>, moment: Moment, format: usize) -> Result<Value, EvalError> {
    format_in(arguments, moment, format, Locale::us())
}

fn format_in(arguments: &Arguments<'_>, moment: Moment, index: usize, locale: &Locale) -> Result<Value, EvalError> {
    let format = if arguments.value(index).is_null() {
        ROUND_TRIP
    } else {
        arguments.text(index)?
    };
    let text = format_moment(moment, format, locale);
    text.map(Value::from).map_err(|reason| arguments.fail(reason))
}

/// Ticks as .NET writes a time span.
fn time_span(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.unsigned_abs();
    let (seconds, fraction) = (ticks / 10_000_000, ticks % 10_000_000);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    let fraction = if fraction > 0 {
        format!(".{fraction:07}")
    } else {
        String::new()
    };
    format!("{sign}{days}{hours:02}:{minutes:02}:{:02}{fraction}", seconds % 60)
}
