//! Wait: when a pause is over.

use jiff::{Span, Timestamp};

use super::Failure;
use crate::definition::workflow::Delay;
use crate::expression::{Scope, Template, Value};
use crate::store::Millis;

/// When a pause is over, and its inputs as people see them.
///
/// # Errors
/// A failed expression, a unit or a time that is none, a negative count.
pub fn end(delay: &Delay, scope: &dyn Scope) -> Result<(Millis, Value), Failure> {
    let evaluate = |template: &Template| {
        template
            .evaluate(scope)
            .map_err(|error| Failure::expression("Wait", &error))
    };
    match delay {
        Delay::For { count, unit } => {
            let (count, unit) = (evaluate(count)?, evaluate(unit)?);
            let interval = Value::object([("count", count.clone()), ("unit", unit.clone())]);
            let inputs = Value::object([("interval", interval)]);
            let until = after(scope.now(), &count.to_text(), &unit.to_text());
            let until = until.map_err(|reason| invalid(reason).with_inputs(inputs.clone()))?;
            Ok((until, inputs))
        }
        Delay::Until(timestamp) => {
            let timestamp = evaluate(timestamp)?;
            let inputs = Value::object([("until", Value::object([("timestamp", timestamp.clone())]))]);
            let text = timestamp.to_text();
            let until = parse(&text).ok_or_else(|| {
                let reason = format!("'{text}' is no time; give one in UTC, such as '2030-01-31T08:00:00Z'");
                invalid(reason).with_inputs(inputs.clone())
            })?;
            Ok((until, inputs))
        }
    }
}

fn invalid(reason: String) -> Failure {
    Failure::new(
        "BadRequest",
        "InvalidTemplate",
        format!("The wait has no end: {reason}."),
    )
}

/// A time in UTC where it names no zone.
fn parse(text: &str) -> Option<Millis> {
    let with_zone = text.parse::<Timestamp>().ok();
    let time = with_zone.or_else(|| format!("{text}Z").parse().ok())?;
    Some(time.as_millisecond())
}

fn after(now: Timestamp, count: &str, unit: &str) -> Result<Millis, String> {
    let number: i64 = count
        .parse()
        .ok()
        .filter(|number| *number >= 0)
        .ok_or_else(|| format!("the count '{count}' is no integer from 0 on"))?;
    let span = match unit.to_lowercase().as_str() {
        "second" => Span::new().try_seconds(number),
        "minute" => Span::new().try_minutes(number),
        "hour" => Span::new().try_hours(number),
        "day" => Span::new().try_days(number),
        "week" => Span::new().try_weeks(number),
        "month" => Span::new().try_months(number),
        _ => {
            return Err(format!(
                "the unit '{unit}' is none of Second, Minute, Hour, Day, Week, Month"
            ));
        }
    };
    let end = span.and_then(|span| now.to_zoned(jiff::tz::TimeZone::UTC).checked_add(span));
    end.map(|end| end.timestamp().as_millisecond())
        .map_err(|_| format!("{count} {unit} from now is beyond the calendar"))
}
