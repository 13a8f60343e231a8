//! Text to dates: ISO 8601, and what .NET reads beside it in a culture, `3/15/2018 1:30 PM` or `20 octobre 2010`.

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};

use super::date_format::{Token, pattern};
use super::locale::{DateNames, Locale};
use super::moment::Moment;

/// Longest text that may be a date.
const MAX_LENGTH: usize = 200;

/// Reads a date; what it leaves out comes from the date of `now`.
pub(super) fn parse_moment(text: &str, locale: &Locale, now: Timestamp) -> Option<Moment> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut reading = Reading::default();
    let parts = split(text);
    let mut index = 0;
    while index < parts.len() {
        index += reading.take(&parts[index..], locale.dates)?;
    }
    reading.finish(locale, now)
}

/// Reads a date that is written in exactly this format.
pub(super) fn parse_exact(text: &str, format: &str, locale: &Locale, now: Timestamp) -> Option<Moment> {
    let mut reading = Reading::default();
    let mut rest = text.trim();
    for token in pattern(format, locale).ok()? {
        rest = reading.take_exact(rest, &token, locale.dates)?;
    }
    if !rest.is_empty() {
        return None;
    }
    reading.finish(locale, now)
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part<'a> {
    Number(&'a str),
    Word(&'a str),
    Mark(char),
    Space,
}

fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let run = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        let (part, length) = if first.is_ascii_digit() {
            let length = run(|c| c.is_ascii_digit());
            (Part::Number(&rest[..length]), length)
        } else if first.is_alphabetic() {
            let length = run(char::is_alphabetic);
            (Part::Word(&rest[..length]), length)
        } else if first.is_whitespace() {
            (Part::Space, run(char::is_whitespace))
        } else {
            (Part::Mark(first), first.len_utf8())
        };
        parts.push(part);
        rest = &rest[length..];
    }
    parts
}

/// What is read so far.
#[derive(Default)]
struct Reading {
    /// Numbers of the date in their order, with how many digits they have.
    numbers: Vec<(i16, usize)>,
    /// Parts of the date that are told by name or by format.
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    weekday: Option<usize>,
    hour: Option<i8>,
    minute: i8,
    second: i8,
    /// The fraction of the second in 100 ns.
    ticks: i64,
    afternoon: Option<bool>,
    /// Seconds east of UTC.
    offset: Option<i64>,
}

impl Reading {
    /// Takes the next part with those that belong to it; how many.
    fn take(&mut self, parts: &[Part<'_>], dates: &DateNames) -> Option<usize> {
        match parts {
            [Part::Number(hour), Part::Mark(':'), rest @ ..] if self.hour.is_none() => {
                self.hour = hour.parse().ok();
                self.hour?;
                Some(2 + self.take_minutes(rest)?)
            }
            [Part::Number(number), ..] => {
                self.numbers.push((number.parse().ok()?, number.len()));
                (self.numbers.len() <= 3).then_some(1)
            }
            [Part::Word(word), ..] => self.take_word(word, dates),
            [Part::Mark(sign @ ('+' | '-')), Part::Number(hours), rest @ ..] if self.hour.is_some() => {
                let (minutes, taken) = match rest {
                    [Part::Mark(':'), Part::Number(minutes), ..] => (minutes.parse().ok()?, 4),
                    _ => (0, 2),
                };
                let hours: i64 = hours.parse().ok()?;
                let (hours, minutes) = if hours > 99 {
                    (hours / 100, hours % 100)
                } else {
                    (hours, minutes)
                };
                if self.offset.is_some() || hours > 14 || minutes > 59 {
                    return None;
                }
                let seconds: i64 = hours * 3_600 + minutes * 60;
                self.offset = Some(if *sign == '-' { -seconds } else { seconds });
                Some(taken)
            }
            [Part::Space | Part::Mark('/' | '-' | '.' | ','), ..] => Some(1),
            _ => None,
        }
    }

    /// Takes `mm[:ss[.fffffff]]`.
    fn take_minutes(&mut self, parts: &[Part<'_>]) -> Option<usize> {
        let [Part::Number(minute), rest @ ..] = parts else {
            return None;
        };
        self.minute = minute.parse().ok()?;
        let [Part::Mark(':'), Part::Number(second), rest @ ..] = rest else {
            return Some(1);
        };
        self.second = second.parse().ok()?;
        let [Part::Mark('.' | ','), Part::Number(fraction), ..] = rest else {
            return Some(3);
        };
        self.take_fraction(fraction)?;
        Some(5)
    }

    fn take_fraction(&mut self, fraction: &str) -> Option<()> {
        let fraction: f64 = format!("0.{fraction}").parse().ok()?;
        self.ticks = (fraction * 1e7).round_ties_even() as i64;
        Some(())
    }

    fn take_word(&mut self, word: &str, dates: &DateNames) -> Option<usize> {
        let word = word.to_lowercase();
        match word.as_str() {
            "t" if !self.numbers.is_empty() && self.hour.is_none() => {}
            "z" | "gmt" | "utc" if self.offset.is_none() => self.offset = Some(0),
            "am" | "pm" | "a" | "p" if self.afternoon.is_none() => self.afternoon = Some(word.starts_with('p')),
            // What stands between the parts in this culture: `de`, `年`.
            _ if dates.long_date.contains(&format!("'{word}'")) => {}
            _ => {
                if let Some(month) = named(&word, &dates.months, &dates.short_months) {
                    if self.month.is_some() {
                        return None;
                    }
                    self.month = i8::try_from(month + 1).ok();
                } else {
                    self.weekday = Some(named(&word, &dates.days, &dates.short_days)?);
                }
            }
        }
        Some(1)
    }

    /// Takes what one token of a format stands for from the start of the text; the rest.
    fn take_exact<'a>(&mut self, text: &'a str, token: &Token, dates: &DateNames) -> Option<&'a str> {
        let (letter, count) = match token {
            Token::Literal(literal) => return text.strip_prefix(*literal),
            Token::Part(letter, count) => (*letter, *count),
        };
        if count >= 3 && matches!(letter, 'd' | 'M') {
            let (names, short) = match letter {
                'd' => (&dates.days[..], &dates.short_days[..]),
                _ => (&dates.months[..], &dates.short_months[..]),
            };
            let (index, rest) = take_name(text, if count == 3 { short } else { names })?;
            match letter {
                'd' => self.weekday = Some(index),
                _ => self.month = i8::try_from(index + 1).ok(),
            }
            return Some(rest);
        }
        let most = match letter {
            'y' if count < 3 => 2,
            'y' | 'f' | 'F' => count,
            _ => 2,
        };
        let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at(digits);
        match letter {
            'y' => self.year = Some(full_year(number.parse().ok()?, number.len())),
            'M' => self.month = Some(number.parse().ok()?),
            'd' => self.day = Some(number.parse().ok()?),
            'h' | 'H' => self.hour = Some(number.parse().ok()?),
            'm' => self.minute = number.parse().ok()?,
            's' => self.second = number.parse().ok()?,
            'f' | 'F' => self.take_fraction(number)?,
            't' => {
                let designator = text.get(..count.min(2))?.to_ascii_lowercase();
                self.afternoon = Some(designator.starts_with('p'));
                return text.get(count.min(2)..);
            }
            'K' | 'z' => return self.take_zone(text),
            _ => return None,
        }
        Some(rest)
    }

    /// Takes `Z` or an offset, if there is one.
    fn take_zone<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        if let Some(rest) = text.strip_prefix('Z') {
            self.offset = Some(0);
            return Some(rest);
        }
        let parts = split(text);
        self.hour = self.hour.or(Some(0));
        match parts.first() {
            Some(Part::Mark('+' | '-')) => self.take(&parts, Locale::invariant().dates).map(|_| {
                let end = text[1..]
                    .find(|c: char| !c.is_ascii_digit() && c != ':')
                    .map_or(text.len(), |end| end + 1);
                &text[end..]
            }),
            _ => Some(text),
        }
    }

    fn finish(self, locale: &Locale, now: Timestamp) -> Option<Moment> {
        let date = self.date(locale, now)?;
        let hour = match (self.hour, self.afternoon) {
            (hour, None) => hour.unwrap_or(0),
            (Some(hour @ 1..=12), Some(afternoon)) => hour % 12 + if afternoon { 12 } else { 0 },
            _ => return None,
        };
        let time = Time::new(hour, self.minute, self.second, 0).ok()?;
        if self
            .weekday
            .is_some_and(|day| i8::try_from(day) != Ok(date.weekday().to_sunday_zero_offset()))
        {
            return None;
        }
        let civil = DateTime::from_parts(date, time);
        let civil = civil.checked_add(SignedDuration::from_nanos(self.ticks * 100)).ok()?;
        match self.offset {
            None => Moment::new(civil, false),
            Some(offset) => Moment::new(civil.checked_sub(SignedDuration::from_secs(offset)).ok()?, true),
        }
    }

    fn date(&self, locale: &Locale, now: Timestamp) -> Option<Date> {
        let today = Moment::at(now)?.civil.date();
        let day_of = |number: i16| i8::try_from(number).ok();
        let whole = |number: &(i16, usize)| full_year(number.0, number.1);
        if self.year.is_some() || self.day.is_some() {
            let (year, month) = (self.year.unwrap_or(today.year()), self.month.unwrap_or(1));
            return Date::new(year, month, self.day.unwrap_or(1)).ok();
        }
        let (year, month, day) = match (self.month, self.numbers.as_slice()) {
            (None, []) => return self.hour.map(|_| today),
            (None, [year, (month, _), (day, _)]) if year.1 > 2 => (year.0, day_of(*month)?, day_of(*day)?),
            (None, [(day, _), (month, _), year]) if locale.day_first() => (whole(year), day_of(*month)?, day_of(*day)?),
            (None, [(month, _), (day, _), year]) => (whole(year), day_of(*month)?, day_of(*day)?),
            (None, [year, (month, _)]) if year.1 > 2 => (year.0, day_of(*month)?, 1),
            (None, [(month, _), year]) if year.1 > 2 => (year.0, day_of(*month)?, 1),
            (None, [(day, _), (month, _)]) if locale.day_first() => (today.year(), day_of(*month)?, day_of(*day)?),
            (None, [(month, _), (day, _)]) => (today.year(), day_of(*month)?, day_of(*day)?),
            (Some(month), [year]) if year.1 > 2 => (year.0, month, 1),
            (Some(month), [(day, _)]) => (today.year(), month, day_of(*day)?),
            (Some(month), [year, (day, _)]) if year.1 > 2 => (year.0, month, day_of(*day)?),
            (Some(month), [(day, _), year]) => (whole(year), month, day_of(*day)?),
            _ => return None,
        };
        Date::new(year, month, day).ok()
    }
}

/// A year of two digits is one from 1950 to 2049.
fn full_year(year: i16, digits: usize) -> i16 {
    match year {
        _ if digits > 2 => year,
        0..=49 => year + 2000,
        _ => year + 1900,
    }
}

/// The index of a name among long and short ones, in any case.
fn named(word: &str, names: &[&str], short: &[&str]) -> Option<usize> {
    let is = |name: &&str| name.trim_end_matches('.').to_lowercase() == word;
    names.iter().position(is).or_else(|| short.iter().position(is))
}

/// The index of the name that a text begins with, and the rest.
fn take_name<'a>(text: &'a str, names: &[&str]) -> Option<(usize, &'a str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let start = text.get(..name.len())?;
        (start.to_lowercase() == name.to_lowercase()).then(|| (index, &text[name.len()..]))
    })
}

#[cfg(test)]
mod tests {
    use super::super::date_format::format_moment;
    use super::*;

    fn read(text: &str) -> Option<String> {
        let now = "2026-01-02T03:04:05Z".parse().expect("a time");
        let us = Locale::find("en-us").expect("en-us exists");
        parse_moment(text, us, now).and_then(|moment| format_moment(moment, "o", us).ok())
    }

    #[test]
    fn dates_are_read_as_a_culture_writes_them() {
        let now = "2026-01-02T03:04:05Z".parse().expect("a time");
        for (text, name) in [
            ("15. März 2018", "de-DE"),
            ("jueves, 15 de marzo de 2018", "es-ES"),
            ("15 марта 2018 г.", "ru-RU"),
            ("2018年3月15日", "ja-JP"),
            ("2018년 3월 15일", "ko-KR"),
            ("15 Mart 2018", "tr-TR"),
        ] {
            let locale = Locale::find(name).expect(name);
            let moment = parse_moment(text, locale, now);
            let date = moment.and_then(|moment| format_moment(moment, "yyyy-MM-dd", locale).ok());
            assert_eq!(date.as_deref(), Some("2018-03-15"), "{text}");
        }
    }

    #[test]
    fn dates_are_read_as_dotnet_reads_them() {
        let cases = [
            ("2018-03-15T13:27:36Z", "2018-03-15T13:27:36.0000000Z"),
            ("2018-03-15T13:27:36.1234567", "2018-03-15T13:27:36.1234567"),
            ("2018-03-15T13:27:36+02:00", "2018-03-15T11:27:36.0000000Z"),
            ("2018-03-15T13:27:36.12345678Z", "2018-03-15T13:27:36.1234568Z"),
            ("2018-12-31T23:59:59.99999999Z", "2019-01-01T00:00:00.0000000Z"),
            ("2018-03-15 13:27:36 -0500", "2018-03-15T18:27:36.0000000Z"),
            ("2018-03-15", "2018-03-15T00:00:00.0000000"),
            ("2018-03", "2018-03-01T00:00:00.0000000"),
            ("03/15/2018", "2018-03-15T00:00:00.0000000"),
            ("3/5/18 1:30 PM", "2018-03-05T13:30:00.0000000"),
            ("12:15 am 3/5/2018", "2018-03-05T00:15:00.0000000"),
            ("Thu, 15 Mar 2018 13:27:36 GMT", "2018-03-15T13:27:36.0000000Z"),
            ("March 15, 2018", "2018-03-15T00:00:00.0000000"),
            ("15 March 2018", "2018-03-15T00:00:00.0000000"),
            ("13:30", "2026-01-02T13:30:00.0000000"),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
        }
        for text in [
            "",
            "tomorrow",
            "2018-13-01",
            "2018-02-30",
            "Mon, 15 Mar 2018",
            "25:00",
            "13:30 +15:00",
            "13:30 +02:9223372036854775807",
            "13:30 -9223372036854775807:00",
            "20180315",
            "1/2/3/4",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
