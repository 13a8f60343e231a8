//! Spans of time as .NET's `TimeSpan` has them: text to 100 ns units, and units to text in a standard format (`c`, `g`,
//! `G`) or a pattern (`d' days 'hh\:mm`).

use std::iter::Peekable;
use std::str::Chars;

use super::locale::Locale;
use super::number_format::MAX_FORMAT;

const SECOND: u64 = 10_000_000;
/// Most digits of a number of days.
const MAX_DAYS: usize = 8;

/// The units of a span that is written `[-]d`, `[-][d.]hh:mm[:ss[.fffffff]]` or `[-]d:hh:mm:ss[.fffffff]`.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (days, clock) = match text.split_once(':') {
        None => (text, Vec::new()),
        Some((first, rest)) => {
            let (days, hours) = first.split_once('.').unwrap_or(("0", first));
            let mut clock = vec![hours];
            clock.extend(rest.split(':'));
            if clock.len() == 4 && !first.contains('.') {
                (clock.remove(0), clock)
            } else {
                (days, clock)
            }
        }
    };
    let days = number(days, MAX_DAYS, u64::MAX)?.checked_mul(86_400 * SECOND)?;
    let units = i64::try_from(days.checked_add(clock_units(&clock)?)?).ok()?;
    Some(if negative { -units } else { units })
}

/// The units of `hh:mm[:ss[.fffffff]]`; of nothing none.
fn clock_units(clock: &[&str]) -> Option<u64> {
    let (hours, minutes, seconds) = match clock {
        [] => return Some(0),
        [hours, minutes] => (hours, minutes, "0"),
        [hours, minutes, seconds] => (hours, minutes, *seconds),
        _ => return None,
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let whole = number(hours, 2, 23)? * 3_600 + number(minutes, 2, 59)? * 60 + number(seconds, 2, 59)?;
    number(fraction, 7, u64::MAX)?;
    let fraction: u64 = format!("{fraction:0<7}").parse().ok()?;
    Some(whole * SECOND + fraction)
}

/// A number of so many digits at most.
fn number(text: &str, digits: usize, most: u64) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= digits && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|&number| plain && number <= most)
}

/// The parts of a span without its sign.
struct Parts {
    days: u64,
    hours: u64,
    minutes: u64,
    seconds: u64,
    fraction: u64,
}

impl Parts {
    fn of(units: i64) -> Self {
        let units = units.unsigned_abs();
        let seconds = units / SECOND;
        Self {
            days: seconds / 86_400,
            hours: seconds / 3_600 % 24,
            minutes: seconds / 60 % 60,
            seconds: seconds % 60,
            fraction: units % SECOND,
        }
    }
}

/// A span as .NET writes it unless asked otherwise, the format `c`: `[-][d.]hh:mm:ss[.fffffff]`.
pub(super) fn text(units: i64) -> String {
    let parts = Parts::of(units);
    let sign = if units < 0 { "-" } else { "" };
    let days = if parts.days > 0 {
        format!("{}.", parts.days)
    } else {
        String::new()
    };
    let fraction = if parts.fraction > 0 {
        format!(".{:07}", parts.fraction)
    } else {
        String::new()
    };
    let Parts {
        hours,
        minutes,
        seconds,
        ..
    } = parts;
    format!("{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}

/// A span in a format, or why not; the reason continues the name of the function.
pub(super) fn format(units: i64, format: &str, locale: &Locale) -> Result<String, String> {
    if format.len() > MAX_FORMAT {
        return Err(format!("takes a format of at most {MAX_FORMAT} bytes"));
    }
    let parts = Parts::of(units);
    let sign = if units < 0 { "-" } else { "" };
    let Parts {
        days,
        hours,
        minutes,
        seconds,
        fraction,
    } = parts;
    match format {
        "" | "c" | "t" | "T" => Ok(text(units)),
        "g" => {
            let days = if days > 0 { format!("{days}:") } else { String::new() };
            let digits = format!("{fraction:07}");
            let digits = digits.trim_end_matches('0');
            let point = if digits.is_empty() {
                String::new()
            } else {
                locale.decimal.to_string()
            };
            Ok(format!("{sign}{days}{hours}:{minutes:02}:{seconds:02}{point}{digits}"))
        }
        "G" => {
            let point = locale.decimal;
            Ok(format!(
                "{sign}{days}:{hours:02}:{minutes:02}:{seconds:02}{point}{fraction:07}"
            ))
        }
        _ if format.chars().count() == 1 => Err(unknown(format)),
        _ => patterned(&parts, format).ok_or_else(|| unknown(format)),
    }
}

fn unknown(format: &str) -> String {
    format!("does not know the time span format '{format}'; use for example 'c' or 'hh\\:mm'")
}

/// The parts in a pattern, where all that is not a part is quoted or escaped; `None` if it is not.
fn patterned(parts: &Parts, pattern: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            'd' | 'h' | 'm' | 's' | 'f' | 'F' => {
                let count = 1 + std::iter::from_fn(|| chars.next_if_eq(&c)).count();
                append(&mut text, parts, c, count)?;
            }
            '\\' => text.push(chars.next()?),
            '\'' | '"' => quoted(&mut text, &mut chars, c)?,
            '%' => {
                chars.peek().filter(|&&next| next != '%')?;
            }
            _ => return None,
        }
    }
    Some(text)
}

fn quoted(text: &mut String, chars: &mut Peekable<Chars<'_>>, quote: char) -> Option<()> {
    loop {
        match chars.next()? {
            '\\' => text.push(chars.next()?),
            end if end == quote => return Some(()),
            other => text.push(other),
        }
    }
}

fn append(text: &mut String, parts: &Parts, letter: char, count: usize) -> Option<()> {
    let (number, most) = match letter {
        'd' => (parts.days, MAX_DAYS),
        'h' => (parts.hours, 2),
        'm' => (parts.minutes, 2),
        's' => (parts.seconds, 2),
        _ => (parts.fraction, 7),
    };
    if count > most {
        return None;
    }
    let digits = format!("{number:07}");
    text.push_str(&match letter {
        'f' => digits[..count].to_owned(),
        'F' => digits[..count].trim_end_matches('0').to_owned(),
        _ => format!("{number:0count$}"),
    });
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_as_dotnet_does() {
        let cases = [
            ("1", "1.00:00:00"),
            ("1:2", "01:02:00"),
            ("-01:02:03.5", "-01:02:03.5000000"),
            ("6.12:14:45.3448", "6.12:14:45.3448000"),
            ("6:12:14:45", "6.12:14:45"),
            (" 00:00:00 ", "00:00:00"),
        ];
        for (span, expected) in cases {
            assert_eq!(parse(span).map(text).as_deref(), Some(expected), "{span}");
        }
        for span in [
            "",
            "-",
            "24:00",
            "1:60",
            "1:2:60",
            "1.2",
            "1:2:3:4:5",
            "1.2:3:4:5",
            "x",
            "99999999",
            "1:2:3.12345678",
        ] {
            assert_eq!(parse(span), None, "{span}");
        }
    }

    #[test]
    fn formats_quote_what_is_not_a_part() {
        let units = parse("-6.12:14:45.3448").expect("a span");
        let written = |pattern: &str| format(units, pattern, Locale::us()).ok();
        let cases = [
            ("c", "-6.12:14:45.3448000"),
            ("g", "-6:12:14:45.3448"),
            ("G", "-6:12:14:45.3448000"),
            ("d' days 'h\\:mm", "6 days 12:14"),
            ("ddd\\.hh", "006.12"),
            ("%s", "45"),
            ("ss\\.fff", "45.344"),
            ("ss\\.FFFFFF", "45.3448"),
        ];
        for (pattern, expected) in cases {
            assert_eq!(written(pattern).as_deref(), Some(expected), "{pattern}");
        }
        for pattern in ["x", "h", "hh:mm", "hhh", "d'", "hh\\", "%"] {
            assert_eq!(written(pattern), None, "{pattern}");
        }
    }
}
