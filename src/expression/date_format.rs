//! .NET date formats: the standard ones (`o`, `D`, …) and patterns (`yyyy-MM-dd`).

use std::iter::Peekable;
use std::str::Chars;

use super::locale::Locale;
use super::moment::Moment;
use super::number_format::MAX_FORMAT;

/// Most digits of a fraction of a second.
const MAX_FRACTION: usize = 7;

/// The round-trip format, the default of every date function.
pub(super) const ROUND_TRIP: &str = "o";

/// A moment in a format, or why not; the reason continues the name of the function.
pub(super) fn format_moment(moment: Moment, format: &str, locale: &Locale) -> Result<String, String> {
    let mut text = String::new();
    let english = matches!(format, "o" | "O" | "r" | "R" | "s" | "u");
    let locale = if english { Locale::invariant() } else { locale };
    for token in pattern(format, locale)? {
        append(&mut text, moment, &token, locale);
    }
    Ok(text)
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A letter that stands for a part of the date, and how often it is repeated.
    Part(char, usize),
    /// Text as it stands.
    Literal(char),
}

/// The tokens of a format.
///
/// # Errors
/// A single letter that is no standard format; a quote that is not closed, an escape of nothing; a very long format.
pub(super) fn pattern(format: &str, locale: &Locale) -> Result<Vec<Token>, String> {
    if format.len() > MAX_FORMAT {
        return Err(format!("takes a format of at most {MAX_FORMAT} bytes"));
    }
    let mut chars = format.chars();
    match (chars.next(), chars.next()) {
        (None, _) => pattern("G", locale),
        (Some(standard), None) => standard_pattern(standard, locale)
            .and_then(|pattern| tokens(&pattern, locale))
            .ok_or_else(|| unknown(format)),
        _ => tokens(format, locale).ok_or_else(|| unknown(format)),
    }
}

fn unknown(format: &str) -> String {
    format!("does not know the date format '{format}'; use for example 'yyyy-MM-dd' or 'o'")
}

fn standard_pattern(standard: char, locale: &Locale) -> Option<String> {
    let dates = locale.dates;
    Some(match standard {
        'd' => dates.short_date.to_owned(),
        'D' => dates.long_date.to_owned(),
        'f' => format!("{} {}", dates.long_date, dates.short_time),
        'F' | 'U' => format!("{} {}", dates.long_date, dates.long_time),
        'g' => format!("{} {}", dates.short_date, dates.short_time),
        'G' => format!("{} {}", dates.short_date, dates.long_time),
        'm' | 'M' => dates.month_day.to_owned(),
        'o' | 'O' => "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK".to_owned(),
        'r' | 'R' => "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'".to_owned(),
        's' => "yyyy'-'MM'-'dd'T'HH':'mm':'ss".to_owned(),
        't' => dates.short_time.to_owned(),
        'T' => dates.long_time.to_owned(),
        'u' => "yyyy'-'MM'-'dd HH':'mm':'ss'Z'".to_owned(),
        'y' | 'Y' => dates.year_month.to_owned(),
        _ => return None,
    })
}

/// The tokens of a pattern; `None` if it is not one.
fn tokens(pattern: &str, locale: &Locale) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            'd' | 'M' | 'y' | 'h' | 'H' | 'm' | 's' | 'f' | 'F' | 't' | 'K' | 'z' | 'g' => {
                let count = 1 + repeats(&mut chars, c);
                if matches!(c, 'f' | 'F') && count > MAX_FRACTION {
                    return None;
                }
                tokens.push(Token::Part(c, count));
            }
            '\\' => tokens.push(Token::Literal(chars.next()?)),
            '\'' | '"' => loop {
                match chars.next()? {
                    end if end == c => break,
                    '\\' => tokens.push(Token::Literal(chars.next()?)),
                    quoted => tokens.push(Token::Literal(quoted)),
                }
            },
            '%' => {
                chars.peek().filter(|&&next| next != '%')?;
            }
            '/' => tokens.push(Token::Literal(date_separator(locale))),
            other => tokens.push(Token::Literal(other)),
        }
    }
    Some(tokens)
}

fn repeats(chars: &mut Peekable<Chars<'_>>, c: char) -> usize {
    std::iter::from_fn(|| chars.next_if_eq(&c)).count()
}

fn date_separator(locale: &Locale) -> char {
    let mut pattern = locale.dates.short_date.chars();
    pattern.find(|c| !c.is_alphabetic()).unwrap_or('/')
}

fn append(text: &mut String, moment: Moment, token: &Token, locale: &Locale) {
    let (letter, count) = match token {
        Token::Literal(literal) => return text.push(*literal),
        Token::Part(letter, count) => (*letter, *count),
    };
    let (civil, dates) = (moment.civil, locale.dates);
    let month = usize::from(civil.month().unsigned_abs()).saturating_sub(1);
    let day = usize::from(civil.weekday().to_sunday_zero_offset().unsigned_abs());
    let two = |number: i8| {
        if count == 1 {
            number.to_string()
        } else {
            format!("{number:02}")
        }
    };
    match letter {
        'd' if count == 3 => text.push_str(dates.short_days[day]),
        'd' if count > 3 => text.push_str(dates.days[day]),
        'd' => text.push_str(&two(civil.day())),
        'M' if count == 3 => text.push_str(dates.short_months[month]),
        'M' if count > 3 => text.push_str(dates.months[month]),
        'M' => text.push_str(&two(civil.month())),
        'y' if count < 3 => text.push_str(&format!("{:0count$}", civil.year() % 100)),
        'y' => text.push_str(&format!("{:0count$}", civil.year())),
        'h' => text.push_str(&two(if civil.hour() % 12 == 0 { 12 } else { civil.hour() % 12 })),
        'H' => text.push_str(&two(civil.hour())),
        'm' => text.push_str(&two(civil.minute())),
        's' => text.push_str(&two(civil.second())),
        'f' | 'F' => append_fraction(text, civil.subsec_nanosecond(), letter, count),
        't' => {
            let designator = dates.designators[usize::from(civil.hour() >= 12)];
            match designator.chars().next() {
                Some(first) if count == 1 => text.push(first),
                _ => text.push_str(designator),
            }
        }
        'K' if moment.utc => text.push('Z'),
        'z' => text.push_str(match count {
            1 => "+0",
            2 => "+00",
            _ => "+00:00",
        }),
        'g' => text.push_str("A.D."),
        _ => {}
    }
}

/// The fraction of a second; `F` leaves out zeros at its end, and with all of them the point before it.
fn append_fraction(text: &mut String, nanoseconds: i32, letter: char, count: usize) {
    let digits = format!("{nanoseconds:09}");
    let digits = &digits[..count.min(MAX_FRACTION)];
    if letter == 'f' {
        return text.push_str(digits);
    }
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() && text.ends_with('.') {
        text.pop();
    }
    text.push_str(digits);
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn dates_print_as_dotnet_prints_them() {
        let moment = Moment::new(date(2025, 9, 25).at(5, 18, 31, 338_479_700), true).expect("in range");
        let cases = [
            ("o", "2025-09-25T05:18:31.3384797Z"),
            ("u", "2025-09-25 05:18:31Z"),
            ("U", "Thursday, September 25, 2025 5:18:31 AM"),
            ("d", "9/25/2025"),
            ("D", "Thursday, September 25, 2025"),
            ("f", "Thursday, September 25, 2025 5:18 AM"),
            ("g", "9/25/2025 5:18 AM"),
            ("G", "9/25/2025 5:18:31 AM"),
            ("r", "Thu, 25 Sep 2025 05:18:31 GMT"),
            ("s", "2025-09-25T05:18:31"),
            ("t", "5:18 AM"),
            ("M", "September 25"),
            ("y", "September 2025"),
            ("yyyy", "2025"),
            ("ddd, d MMM yyyy", "Thu, 25 Sep 2025"),
            ("%H", "5"),
            ("HH'h'mm \\d\\d", "05h18 dd"),
            ("hh:mm:ss.FFF tt zzz", "05:18:31.338 AM +00:00"),
            ("yyyyMMddHHmmssfff", "20250925051831338"),
        ];
        let us = Locale::find("en-us").expect("en-us exists");
        for (format, text) in cases {
            assert_eq!(format_moment(moment, format, us).as_deref(), Ok(text), "{format}");
        }
        for format in ["q", "ffffffff", "HH\"x", "HH'x", "HH\\", "%", "HH%", "%%H"] {
            assert!(format_moment(moment, format, us).is_err(), "{format}");
        }
        let japanese = Locale::find("ja-JP").expect("ja exists");
        assert_eq!(
            format_moment(moment, "D", japanese).as_deref(),
            Ok("2025年9月25日木曜日")
        );
        assert_eq!(format_moment(moment, "tt", japanese).as_deref(), Ok("午前"));
        let german = Locale::find("de-DE").expect("de exists");
        assert_eq!(
            format_moment(moment, "dd/MM dddd", german).as_deref(),
            Ok("25.09 Donnerstag")
        );
    }
}
