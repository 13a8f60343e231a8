//! Date and time functions. Timestamps are text; results are in the format `o` unless a format is given.

use jiff::tz::TimeZone;

use super::super::date_format::{ROUND_TRIP, format_moment};
use super::super::date_parse::{parse_exact, parse_moment};
use super::super::error::EvalError;
use super::super::locale::Locale;
use super::super::moment::{Moment, Unit};
use super::super::time_span;
use super::super::time_zones;
use super::super::value::Value;
use super::string::locale;
use super::{Arguments, Call, Function, between, exactly};

const SOURCE: &str = "Date and time functions";

pub(super) static DATE: &[Function] = &[
    Function {
        name: "addDays",
        signature: "(timestamp: string, days: int, format?: string): string",
        arity: between(2, 3),
        doc: "A timestamp so many days later.",
        source: SOURCE,
        examples: r#"
            addDays('2018-03-15T00:00:00Z', 10) => "2018-03-25T00:00:00.0000000Z"
            addDays('2018-03-15T00:00:00Z', -5) => "2018-03-10T00:00:00.0000000Z"
            addDays('2018-02-28', 1, 'yyyy-MM-dd') => "2018-03-01"
            addDays('2018-02-30', 1) => error: date and time
        "#,
        call: Call::Eager(|arguments| add(arguments, Unit::Day)),
    },
    Function {
        name: "addHours",
        signature: "(timestamp: string, hours: int, format?: string): string",
        arity: between(2, 3),
        doc: "A timestamp so many hours later.",
        source: SOURCE,
        examples: r#"
            addHours('2018-03-15T00:00:00Z', 10) => "2018-03-15T10:00:00.0000000Z"
            addHours('2018-03-15T15:00:00Z', -5) => "2018-03-15T10:00:00.0000000Z"
            addHours('2018-12-31T23:30:00Z', 1, 'g') => "1/1/2019 12:30 AM"
            addHours('2018-03-15T00:00:00Z', '10') => error: be of type integer
        "#,
        call: Call::Eager(|arguments| add(arguments, Unit::Hour)),
    },
    Function {
        name: "addMinutes",
        signature: "(timestamp: string, minutes: int, format?: string): string",
        arity: between(2, 3),
        doc: "A timestamp so many minutes later.",
        source: SOURCE,
        examples: r#"
            addMinutes('2018-03-15T00:10:00Z', 10) => "2018-03-15T00:20:00.0000000Z"
            addMinutes('2018-03-15T00:20:00Z', -5) => "2018-03-15T00:15:00.0000000Z"
            addMinutes('2018-03-15T00:20:00Z', 45, 'HH:mm') => "01:05"
            addMinutes('soon', 1) => error: date and time
        "#,
        call: Call::Eager(|arguments| add(arguments, Unit::Minute)),
    },
    Function {
        name: "addSeconds",
        signature: "(timestamp: string, seconds: int, format?: string): string",
        arity: between(2, 3),
        doc: "A timestamp so many seconds later.",
        source: SOURCE,
        examples: r#"
            addSeconds('2018-03-15T00:00:00Z', 10) => "2018-03-15T00:00:10.0000000Z"
            addSeconds('2018-03-15T00:00:30Z', -5) => "2018-03-15T00:00:25.0000000Z"
            addSeconds('2018-03-15T00:00:30Z', 31, 'T') => "12:01:01 AM"
            addSeconds('9999-12-31T23:59:59Z', 1) => error: years 1 and 9999
        "#,
        call: Call::Eager(|arguments| add(arguments, Unit::Second)),
    },
    Function {
        name: "addToTime",
        signature: "(timestamp: string, count: int, unit: string, format?: string): string",
        arity: between(3, 4),
        doc: "A timestamp so many units later: Second, Minute, Hour, Day, Week, Month, Year.",
        source: SOURCE,
        examples: r#"
            addToTime('2018-01-01T00:00:00Z', 1, 'Day') => "2018-01-02T00:00:00.0000000Z"
            addToTime('2018-01-01T00:00:00Z', 1, 'Day', 'D') => "Tuesday, January 2, 2018"
            addToTime('2018-01-31T00:00:00Z', 1, 'Month', 'D') => "Wednesday, February 28, 2018"
            addToTime('2020-02-29T00:00:00Z', 1, 'Year', 'yyyy-MM-dd') => "2021-02-28"
            addToTime('2018-01-01T00:00:00Z', 1, 'Fortnight') => error: time unit 'Fortnight'
        "#,
        call: Call::Eager(|arguments| {
            let unit = unit(arguments, 2)?;
            shifted(arguments, moment(arguments, 0)?, arguments.int(1)?, unit, 3)
        }),
    },
    Function {
        name: "subtractFromTime",
        signature: "(timestamp: string, count: int, unit: string, format?: string): string",
        arity: between(3, 4),
        doc: "A timestamp so many units earlier.",
        source: SOURCE,
        examples: r#"
            subtractFromTime('2018-01-02T00:00:00Z', 1, 'Day') => "2018-01-01T00:00:00.0000000Z"
            subtractFromTime('2018-01-02T00:00:00Z', 1, 'Day', 'D') => "Monday, January 1, 2018"
            subtractFromTime('2020-03-31T00:00:00Z', 1, 'month', 'yyyy-MM-dd') => "2020-02-29"
            subtractFromTime('2018-01-02T00:00:00Z', 1) => error: three to four parameters
        "#,
        call: Call::Eager(|arguments| {
            let unit = unit(arguments, 2)?;
            shifted(arguments, moment(arguments, 0)?, negative(arguments, 1)?, unit, 3)
        }),
    },
    Function {
        name: "getFutureTime",
        signature: "(count: int, unit: string, format?: string): string",
        arity: between(2, 3),
        doc: "The current time so many units later.",
        source: SOURCE,
        examples: r#"
            given {"utcNow": "2018-03-01T00:00:00Z"}
            getFutureTime(5, 'Day') => "2018-03-06T00:00:00.0000000Z"
            getFutureTime(5, 'Day', 'D') => "Tuesday, March 6, 2018"
            getFutureTime(1, 'Week', 'yyyy-MM-dd') => "2018-03-08"
            getFutureTime(5, 'Moment') => error: time unit 'Moment'
        "#,
        call: Call::Eager(|arguments| {
            let unit = unit(arguments, 1)?;
            shifted(arguments, now(arguments)?, arguments.int(0)?, unit, 2)
        }),
    },
    Function {
        name: "getPastTime",
        signature: "(count: int, unit: string, format?: string): string",
        arity: between(2, 3),
        doc: "The current time so many units earlier.",
        source: SOURCE,
        examples: r#"
            given {"utcNow": "2018-02-01T00:00:00Z"}
            getPastTime(5, 'Day') => "2018-01-27T00:00:00.0000000Z"
            getPastTime(5, 'Day', 'D') => "Saturday, January 27, 2018"
            getPastTime(1, 'Second', 'o') => "2018-01-31T23:59:59.0000000Z"
            getPastTime('5', 'Day') => error: be of type integer
        "#,
        call: Call::Eager(|arguments| {
            let unit = unit(arguments, 1)?;
            shifted(arguments, now(arguments)?, negative(arguments, 0)?, unit, 2)
        }),
    },
    Function {
        name: "convertFromUtc",
        signature: "(timestamp: string, zone: string, format?: string): string",
        arity: between(2, 3),
        doc: "What clocks of a time zone show at a timestamp in UTC. Zones by Windows or IANA name.",
        source: SOURCE,
        examples: r#"
            convertFromUtc('2018-01-01T08:00:00.0000000Z', 'Pacific Standard Time') => "2018-01-01T00:00:00.0000000"
            convertFromUtc('2018-01-01T08:00:00.0000000Z', 'Pacific Standard Time', 'D') => "Monday, January 1, 2018"
            convertFromUtc('2018-07-01T08:00:00Z', 'Pacific Standard Time', 't') => "1:00 AM"
            convertFromUtc('2018-07-01T08:00:00Z', 'Europe/Berlin', 'HH:mm') => "10:00"
            convertFromUtc('2018-01-01', 'Mars') => error: time zone 'Mars'
        "#,
        call: Call::Eager(|arguments| {
            let converted = time_zones::from_utc(moment(arguments, 0)?, &zone(arguments, 1)?);
            formatted(arguments, in_range(arguments, converted)?, 2)
        }),
    },
    Function {
        name: "convertTimeZone",
        signature: "(timestamp: string, from: string, to: string, format?: string): string",
        arity: between(3, 4),
        doc: "What clocks of the second time zone show when those of the first show a timestamp.",
        source: SOURCE,
        examples: r#"
            convertTimeZone('2018-01-01T08:00:00.0000000Z', 'UTC', 'Pacific Standard Time') => "2018-01-01T00:00:00.0000000"
            convertTimeZone('2018-01-01T08:00:00.0000000Z', 'UTC', 'Pacific Standard Time', 'D') => "Monday, January 1, 2018"
            convertTimeZone('2018-07-01T08:00:00', 'W. Europe Standard Time', 'Tokyo Standard Time', 'HH:mm') => "15:00"
            convertTimeZone('2018-07-01T08:00:00', 'UTC', 'Tokyo') => error: time zone 'Tokyo'
        "#,
        call: Call::Eager(|arguments| {
            let utc = time_zones::to_utc(moment(arguments, 0)?.civil, &zone(arguments, 1)?);
            let converted = time_zones::from_utc(in_range(arguments, utc)?, &zone(arguments, 2)?);
            formatted(arguments, in_range(arguments, converted)?, 3)
        }),
    },
    Function {
        name: "convertToUtc",
        signature: "(timestamp: string, zone: string, format?: string): string",
        arity: between(2, 3),
        doc: "The timestamp in UTC at which clocks of a time zone show another.",
        source: SOURCE,
        examples: r#"
            convertToUtc('01/01/2018 00:00:00', 'Pacific Standard Time') => "2018-01-01T08:00:00.0000000Z"
            convertToUtc('01/01/2018 00:00:00', 'Pacific Standard Time', 'D') => "Monday, January 1, 2018"
            convertToUtc('2018-07-01T08:00:00', 'Romance Standard Time', 'HH:mm') => "06:00"
            convertToUtc('2018-03-11T02:30:00', 'Pacific Standard Time') => error: does not exist
        "#,
        call: Call::Eager(|arguments| {
            let utc = time_zones::to_utc(moment(arguments, 0)?.civil, &zone(arguments, 1)?);
            formatted(arguments, in_range(arguments, utc)?, 2)
        }),
    },
    Function {
        name: "dateDifference",
        signature: "(start: string, end: string): string",
        arity: exactly(2),
        doc: "The time from one timestamp to another, `[-][d.]hh:mm:ss[.fffffff]`.",
        source: SOURCE,
        examples: r#"
            dateDifference('2015-02-08', '2018-07-30') => "1268.00:00:00"
            dateDifference('2018-07-30', '2015-02-08') => "-1268.00:00:00"
            dateDifference('2018-01-01T10:00:00Z', '2018-01-01T09:30:00.5Z') => "-00:29:59.5000000"
            dateDifference('2018-01-01', '2018-01-01T01:02:03') => "01:02:03"
            dateDifference('2018-01-01', '') => error: second parameter to be a date and time
        "#,
        call: Call::Eager(|arguments| {
            let ticks = moment(arguments, 1)?.ticks() - moment(arguments, 0)?.ticks();
            Ok(Value::from(time_span::text(ticks)))
        }),
    },
    Function {
        name: "formatTimeSpan",
        signature: "(timeSpan: string, format: string, locale?: string): string",
        arity: between(2, 3),
        doc: "A span of time, as `dateDifference` gives it, in a .NET format: `c`, `g`, `G`, or a pattern in which all that \
              is not a part of the time is quoted or escaped.",
        source: "Designer functions",
        examples: r#"
            formatTimeSpan('6.12:14:45.3448', 'c') => "6.12:14:45.3448000"
            formatTimeSpan('6.12:14:45.3448', 'g') => "6:12:14:45.3448"
            formatTimeSpan('6.12:14:45.3448', 'G', 'de-DE') => "6:12:14:45,3448000"
            formatTimeSpan('01:30:00', 'h'' h ''mm'' min''') => "1 h 30 min"
            formatTimeSpan('01:30:00', 'hh:mm') => error: time span format 'hh:mm'
            formatTimeSpan('25:00', 'c') => error: be a time span
        "#,
        call: Call::Eager(|arguments| {
            let units = time_span::parse(arguments.text(0)?);
            let units = units.ok_or_else(|| arguments.wrong_kind(0, "a time span, for example '1.12:30:00'"))?;
            let text = time_span::format(units, arguments.text(1)?, locale(arguments, 2)?);
            text.map(Value::from).map_err(|reason| arguments.fail(reason))
        }),
    },
    Function {
        name: "dayOfMonth",
        signature: "(timestamp: string): int",
        arity: exactly(1),
        doc: "The day of the month of a timestamp.",
        source: SOURCE,
        examples: r#"
            dayOfMonth('2018-03-15T13:27:36Z') => 15
            dayOfMonth('3/1/2018') => 1
            dayOfMonth('2018-03-15T23:00:00-02:00') => 16
            dayOfMonth(15) => error: be of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::Int(moment(arguments, 0)?.civil.day().into()))),
    },
    Function {
        name: "dayOfWeek",
        signature: "(timestamp: string): int",
        arity: exactly(1),
        doc: "The day of the week of a timestamp; Sunday is 0.",
        source: SOURCE,
        examples: r#"
            dayOfWeek('2018-03-15T13:27:36Z') => 4
            dayOfWeek('2018-03-18') => 0
            dayOfWeek('2018-03-17') => 6
            dayOfWeek('Thursday') => error: date and time
        "#,
        call: Call::Eager(|arguments| {
            let weekday = moment(arguments, 0)?.civil.weekday();
            Ok(Value::Int(weekday.to_sunday_zero_offset().into()))
        }),
    },
    Function {
        name: "dayOfYear",
        signature: "(timestamp: string): int",
        arity: exactly(1),
        doc: "The day of the year of a timestamp.",
        source: SOURCE,
        examples: r#"
            dayOfYear('2018-03-15T13:27:36Z') => 74
            dayOfYear('2018-01-01') => 1
            dayOfYear('2020-12-31') => 366
            dayOfYear(null) => error: be of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::Int(moment(arguments, 0)?.civil.day_of_year().into()))),
    },
    Function {
        name: "formatDateTime",
        signature: "(timestamp: string, format?: string, locale?: string): string",
        arity: between(1, 3),
        doc: "A timestamp in a format and culture.",
        source: SOURCE,
        examples: r#"
            formatDateTime('03/15/2018') => "2018-03-15T00:00:00.0000000"
            formatDateTime('03/15/2018 12:00:00', 'yyyy-MM-ddTHH:mm:ss') => "2018-03-15T12:00:00"
            formatDateTime('01/31/2016', 'dddd MMMM d') => "Sunday January 31"
            formatDateTime('01/31/2016', 'dddd MMMM d', 'fr-fr') => "dimanche janvier 31"
            formatDateTime('01/31/2016', 'dddd MMMM d', 'es-es') => "domingo enero 31"
            formatDateTime('2018-03-15T13:27:36+02:00', 'u') => "2018-03-15 11:27:36Z"
            formatDateTime('2018-03-15T13:27:36Z', 'HH''h''mm') => "13h27"
            formatDateTime('2018-03-15T13:27:36Z', 'H') => error: date format 'H'
        "#,
        call: Call::Eager(|arguments| {
            let moment = moment(arguments, 0)?;
            format_in(arguments, moment, 1, locale(arguments, 2)?)
        }),
    },
    Function {
        name: "parseDateTime",
        signature: "(text: string, locale?: string, format?: string): string",
        arity: between(1, 3),
        doc: "The timestamp of a date as a culture writes it, or in exactly a format.",
        source: SOURCE,
        examples: r#"
            parseDateTime('20/10/2014', 'fr-fr') => "2014-10-20T00:00:00.0000000"
            parseDateTime('20 octobre 2010', 'fr-FR') => "2010-10-20T00:00:00.0000000"
            parseDateTime('martes 20 octubre 2020', 'es-es') => "2020-10-20T00:00:00.0000000"
            parseDateTime('21052019', 'fr-fr', 'ddMMyyyy') => "2019-05-21T00:00:00.0000000"
            parseDateTime('10/20/2014 15h', 'en-US', 'MM/dd/yyyy HH\h') => "2014-10-20T15:00:00.0000000"
            parseDateTime('21052019', 'fr-fr', 'yyyyMMdd') => error: date and time
        "#,
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
        signature: "(timestamp: string, format?: string): string",
        arity: between(1, 2),
        doc: "The start of the day of a timestamp.",
        source: SOURCE,
        examples: r#"
            startOfDay('2018-03-15T13:30:30Z') => "2018-03-15T00:00:00.0000000Z"
            startOfDay('2018-03-15T13:30:30') => "2018-03-15T00:00:00.0000000"
            startOfDay('2018-03-15T13:30:30Z', 'D') => "Thursday, March 15, 2018"
            startOfDay('') => error: date and time
        "#,
        call: Call::Eager(|arguments| {
            let moment = moment(arguments, 0)?;
            start(arguments, moment, moment.civil.date().at(0, 0, 0, 0))
        }),
    },
    Function {
        name: "startOfHour",
        signature: "(timestamp: string, format?: string): string",
        arity: between(1, 2),
        doc: "The start of the hour of a timestamp.",
        source: SOURCE,
        examples: r#"
            startOfHour('2018-03-15T13:30:30Z') => "2018-03-15T13:00:00.0000000Z"
            startOfHour('2018-03-15T13:30:30', 't') => "1:00 PM"
            startOfHour('2018-03-15T13:59:59.9999999Z', 's') => "2018-03-15T13:00:00"
            startOfHour(13) => error: be of type string
        "#,
        call: Call::Eager(|arguments| {
            let moment = moment(arguments, 0)?;
            start(arguments, moment, moment.civil.date().at(moment.civil.hour(), 0, 0, 0))
        }),
    },
    Function {
        name: "startOfMonth",
        signature: "(timestamp: string, format?: string): string",
        arity: between(1, 2),
        doc: "The start of the month of a timestamp.",
        source: SOURCE,
        examples: r#"
            startOfMonth('2018-03-15T13:30:30Z') => "2018-03-01T00:00:00.0000000Z"
            startOfMonth('2018-03-15T13:30:30Z', 'yyyy-MM-dd') => "2018-03-01"
            startOfMonth('2018-03-01', 'M') => "March 1"
            startOfMonth('March') => error: date and time
        "#,
        call: Call::Eager(|arguments| {
            let moment = moment(arguments, 0)?;
            start(arguments, moment, moment.civil.date().first_of_month().at(0, 0, 0, 0))
        }),
    },
    Function {
        name: "ticks",
        signature: "(timestamp: string): int",
        arity: exactly(1),
        doc: "The number of 100 ns units from the start of year 1 to a timestamp.",
        source: SOURCE,
        examples: r#"
            ticks('2022-09-09T10:00:00Z') => 637983144000000000
            ticks('0001-01-01') => 0
            ticks('1970-01-01T00:00:00.0000001Z') => 621355968000000001
            ticks('now') => error: date and time
        "#,
        call: Call::Eager(|arguments| Ok(Value::Int(moment(arguments, 0)?.ticks()))),
    },
    Function {
        name: "utcNow",
        signature: "(format?: string): string",
        arity: between(0, 1),
        doc: "The current time in UTC; the same throughout one evaluation.",
        source: SOURCE,
        examples: r#"
            given {"utcNow": "2025-09-25T05:18:31.3384797Z"}
            utcNow() => "2025-09-25T05:18:31.3384797Z"
            utcNow('u') => "2025-09-25 05:18:31Z"
            utcNow('U') => "Thursday, September 25, 2025 5:18:31 AM"
            utcNow('d') => "9/25/2025"
            utcNow('t') => "5:18 AM"
            utcNow('ddd, d MMM yyyy') => "Thu, 25 Sep 2025"
            utcNow('q') => error: date format 'q'
        "#,
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
