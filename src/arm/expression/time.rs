//! ARM functions on times. Formats are .NET's, as the workflow language formats them.

use jiff::tz::Offset;
use jiff::{Span, Timestamp};

use crate::expression::context::{Context, ContextScope};
use crate::expression::{Template, Value};

/// The form of a time where none is asked for; such times are in UTC.
const USUAL: &str = "yyyy-MM-ddTHH:mm:ssZ";
/// The time that `utcNow` gives: an import must give the same result each day.
const NOW: i64 = 946_684_800;

fn text(arguments: &[Value], index: usize) -> Result<&str, String> {
    let text = arguments.get(index).and_then(Value::as_str);
    text.ok_or_else(|| format!("argument {} is no text", index + 1))
}

/// The time in a .NET format; `Z` in the usual one is the letter.
fn formatted(time: Timestamp, format: Option<&str>) -> Result<Value, String> {
    let format = format.unwrap_or(USUAL).replace('\'', "''");
    let format = if format == USUAL {
        "yyyy-MM-ddTHH:mm:ssK"
    } else {
        &format
    };
    let call = Template::parse_text(&format!("@formatDateTime('{time}', '{format}')"));
    let call = call.map_err(|error| error.to_string())?;
    let scope = ContextScope::new(Context::default(), time, [0; 16]);
    call.evaluate(&scope).map_err(|error| error.to_string())
}

fn read(text: &str) -> Result<Timestamp, String> {
    let read = text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        Offset::UTC.to_timestamp(civil).ok()
    });
    read.ok_or_else(|| format!("`{text}` is no time"))
}

pub(super) fn utc_now(format: Option<&str>) -> Result<Value, String> {
    from_seconds(NOW).and_then(|now| formatted(now, format))
}

/// A time and an ISO 8601 duration, which may be negative.
pub(super) fn add(arguments: &[Value]) -> Result<Value, String> {
    let time = read(text(arguments, 0)?)?;
    let duration = text(arguments, 1)?;
    let span: Span = duration
        .parse()
        .map_err(|_| format!("`{duration}` is no ISO 8601 duration"))?;
    let civil = Offset::UTC.to_datetime(time).checked_add(span);
    let time = civil.and_then(|civil| Offset::UTC.to_timestamp(civil));
    let time = time.map_err(|_| "the time is out of range".to_owned())?;
    let format = if arguments.len() > 2 {
        Some(text(arguments, 2)?)
    } else {
        None
    };
    formatted(time, format)
}

pub(super) fn to_epoch(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::Int(read(text(arguments, 0)?)?.as_second()))
}

pub(super) fn from_epoch(arguments: &[Value]) -> Result<Value, String> {
    let seconds = arguments.first().and_then(Value::as_int).ok_or("needs an integer")?;
    formatted(from_seconds(seconds)?, None)
}

fn from_seconds(seconds: i64) -> Result<Timestamp, String> {
    Timestamp::from_second(seconds).map_err(|_| "the time is out of range".to_owned())
}
