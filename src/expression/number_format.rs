//! .NET numeric formats: the standard ones (`C2`, `N0`, …) and patterns (`#,##0.00;(0)`). Rounds half away from zero
//! on the exact value.

use super::locale::Locale;
use super::value::Value;

/// Most digits that a format may ask for.
const MAX_PRECISION: usize = 300;

/// A number in a format, or why not; the reason continues the name of the function.
pub(super) fn format_number(number: &Value, format: &str, locale: &Locale) -> Result<String, String> {
    let digits = Digits::of(number)?;
    let mut chars = format.chars();
    let precision: String = chars.clone().skip(1).collect();
    match chars.next() {
        None => Ok(general(number)),
        Some(specifier) if specifier.is_ascii_alphabetic() && precision.bytes().all(|b| b.is_ascii_digit()) => {
            let precision =
                match precision.as_str() {
                    "" => None,
                    digits => Some(digits.parse().ok().filter(|&p| p <= MAX_PRECISION).ok_or_else(|| {
                        format!("does not take the format '{format}': at most {MAX_PRECISION} digits")
                    })?),
                };
            standard(number, &digits, specifier, precision, locale)
                .ok_or_else(|| format!("does not take the format '{format}' for this number"))
        }
        Some(_) => Ok(custom(number, &digits, format, locale)),
    }
}

fn general(number: &Value) -> String {
    number.to_text()
}

/// The decimal expansion of a number, exact.
#[derive(Clone)]
struct Digits {
    negative: bool,
    /// The digits before the point, without leading zeros; may be empty.
    whole: String,
    /// The digits behind the point.
    fraction: String,
}

impl Digits {
    fn of(number: &Value) -> Result<Self, String> {
        let text = match number {
            Value::Int(number) => number.to_string(),
            Value::Decimal(number) => number.to_string(),
            // The expansion of a double has at most 1,074 digits behind the point.
            Value::Float(number) if number.is_finite() => format!("{number:.1074}"),
            Value::Float(_) => return Err("expects a finite number".to_owned()),
            other => {
                return Err(format!(
                    "expects a number. The provided value is of type '{}'",
                    other.kind()
                ));
            }
        };
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self {
            negative,
            whole: whole.trim_start_matches('0').to_owned(),
            fraction: fraction.trim_end_matches('0').to_owned(),
        })
    }

    fn is_zero(&self) -> bool {
        self.whole.bytes().chain(self.fraction.bytes()).all(|b| b == b'0')
    }

    /// Moves the point to the right, or for a negative number to the left.
    fn shifted(&self, places: i32) -> Self {
        let mut moved = self.clone();
        for _ in 0..places.max(0) {
            let digit = if moved.fraction.is_empty() {
                '0'
            } else {
                moved.fraction.remove(0)
            };
            moved.whole.push(digit);
        }
        for _ in places.min(0)..0 {
            moved.fraction.insert(0, moved.whole.pop().unwrap_or('0'));
        }
        moved.whole = moved.whole.trim_start_matches('0').to_owned();
        moved
    }

    /// Rounds half away from zero to exactly this number of places behind the point.
    fn rounded(&self, places: usize) -> Self {
        let up = self.fraction.as_bytes().get(places).is_some_and(|&b| b >= b'5');
        let kept: String = self.fraction.chars().take(places).collect();
        let mut digits: Vec<u8> = format!("0{}{kept:0<places$}", self.whole).into_bytes();
        if up {
            for digit in digits.iter_mut().rev() {
                if *digit != b'9' {
                    *digit += 1;
                    break;
                }
                *digit = b'0';
            }
        }
        let text: String = digits.into_iter().map(char::from).collect();
        let (whole, fraction) = text.split_at(text.len() - places);
        Self {
            negative: self.negative,
            whole: whole.trim_start_matches('0').to_owned(),
            fraction: fraction.to_owned(),
        }
    }

    /// Rounds to this number of digits from the first that is not zero.
    fn significant(&self, count: usize) -> Self {
        let places = count as i32 - self.exponent() - 1;
        let rounded = match usize::try_from(places) {
            Ok(places) => self.rounded(places),
            Err(_) => self.shifted(places).rounded(0).shifted(-places),
        };
        Self {
            fraction: rounded.fraction.trim_end_matches('0').to_owned(),
            ..rounded
        }
    }

    /// The power of ten of the first digit that is not zero.
    fn exponent(&self) -> i32 {
        if !self.whole.is_empty() {
            return self.whole.len() as i32 - 1;
        }
        match self.fraction.find(|c| c != '0') {
            Some(zeros) => -(zeros as i32) - 1,
            None => 0,
        }
    }

    /// The text of the whole part, at least `width` digits, in groups of three if there is a separator.
    fn whole_text(&self, width: usize, group: Option<char>) -> String {
        let whole = format!("{:0>width$}", self.whole);
        let Some(separator) = group else { return whole };
        let mut text = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        text
    }
}

fn standard(
    number: &Value,
    digits: &Digits,
    specifier: char,
    precision: Option<usize>,
    locale: &Locale,
) -> Option<String> {
    let fixed = |digits: &Digits, default: usize, group: Option<char>| {
        let rounded = digits.rounded(precision.unwrap_or(default));
        let point = if rounded.fraction.is_empty() {
            String::new()
        } else {
            locale.decimal.to_string()
        };
        format!("{}{point}{}", rounded.whole_text(1, group), rounded.fraction)
    };
    let zero = |default: usize, digits: &Digits| digits.rounded(precision.unwrap_or(default)).is_zero();
    let signed = |text: String, zero: bool| {
        if digits.negative && !zero {
            format!("-{text}")
        } else {
            text
        }
    };
    Some(match specifier.to_ascii_uppercase() {
        'C' => {
            let (symbol, before, space) = locale.currency;
            let space = if space { " " } else { "" };
            let amount = fixed(digits, 2, Some(locale.group));
            let text = if before {
                format!("{symbol}{space}{amount}")
            } else {
                format!("{amount}{space}{symbol}")
            };
            signed(text, zero(2, digits))
        }
        'F' => signed(fixed(digits, 2, None), zero(2, digits)),
        'N' => signed(fixed(digits, 2, Some(locale.group)), zero(2, digits)),
        'P' => {
            let percent = digits.shifted(2);
            signed(
                format!("{}%", fixed(&percent, 2, Some(locale.group))),
                zero(2, &percent),
            )
        }
        'D' => match number {
            Value::Int(_) => signed(digits.whole_text(precision.unwrap_or(0).max(1), None), false),
            _ => return None,
        },
        'X' => match number {
            Value::Int(number) => {
                let width = precision.unwrap_or(0);
                if specifier == 'X' {
                    format!("{number:0width$X}")
                } else {
                    format!("{number:0width$x}")
                }
            }
            _ => return None,
        },
        'B' => match number {
            Value::Int(number) => format!("{number:0width$b}", width = precision.unwrap_or(0)),
            _ => return None,
        },
        'E' => signed(scientific(digits, precision.unwrap_or(6), specifier, locale), false),
        'R' => general(number),
        'G' => match precision.filter(|&p| p > 0) {
            Some(precision) => signed(
                shortest(&digits.significant(precision), precision, specifier, locale),
                false,
            ),
            None => general(number).replace('.', &locale.decimal.to_string()),
        },
        _ => return None,
    })
}

/// `1.234500E+003`.
fn scientific(digits: &Digits, precision: usize, letter: char, locale: &Locale) -> String {
    let rounded = digits.significant(precision + 1);
    let exponent = rounded.exponent();
    let mantissa = rounded.shifted(-exponent).rounded(precision);
    let point = if precision > 0 {
        locale.decimal.to_string()
    } else {
        String::new()
    };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{}{point}{}{letter}{sign}{:03}",
        mantissa.whole_text(1, None),
        mantissa.fraction,
        exponent.unsigned_abs()
    )
}

/// `G` with a precision: plain, or scientific where the number is large or small.
fn shortest(digits: &Digits, precision: usize, specifier: char, locale: &Locale) -> String {
    let exponent = digits.exponent();
    let (digits, tail) = if exponent >= precision as i32 || exponent < -4 {
        let letter = if specifier == 'g' { 'e' } else { 'E' };
        let sign = if exponent < 0 { '-' } else { '+' };
        (
            digits.shifted(-exponent),
            format!("{letter}{sign}{:02}", exponent.unsigned_abs()),
        )
    } else {
        (digits.clone(), String::new())
    };
    let fraction = digits.fraction.trim_end_matches('0');
    let point = if fraction.is_empty() {
        String::new()
    } else {
        locale.decimal.to_string()
    };
    format!("{}{point}{fraction}{tail}", digits.whole_text(1, None))
}

/// A part of a pattern.
#[derive(Clone, PartialEq)]
enum Token {
    Zero,
    Hash,
    Point,
    Comma,
    /// `%` or `‰`, and by how many places it moves the point.
    Percent(char, i32),
    /// `E+00`: the letter, whether a plus is shown, the least digits.
    Exponent(char, bool, usize),
    Literal(char),
}

fn custom(number: &Value, digits: &Digits, format: &str, locale: &Locale) -> String {
    // A double has 15 digits that .NET shows in patterns.
    let digits = match number {
        Value::Float(_) => digits.significant(15),
        _ => digits.clone(),
    };
    let sections = sections(format);
    let section = |index: usize| sections.get(index).filter(|section| !section.is_empty());
    let (tokens, negative) = match section(1) {
        Some(tokens) if digits.negative => (tokens, false),
        _ => (&sections[0], digits.negative),
    };
    let (text, zero) = custom_section(&digits, tokens, locale);
    if zero {
        let zero = Digits {
            negative: false,
            whole: String::new(),
            fraction: String::new(),
        };
        return custom_section(&zero, section(2).unwrap_or(&sections[0]), locale).0;
    }
    if negative { format!("-{text}") } else { text }
}

/// The sections of a pattern, at most three.
fn sections(format: &str) -> Vec<Vec<Token>> {
    let mut sections = vec![Vec::new()];
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        let token = match c {
            '0' => Token::Zero,
            '#' => Token::Hash,
            '.' => Token::Point,
            ',' => Token::Comma,
            '%' => Token::Percent('%', 2),
            '‰' => Token::Percent('‰', 3),
            ';' => {
                sections.push(Vec::new());
                continue;
            }
            '\\' => match chars.next() {
                Some(escaped) => Token::Literal(escaped),
                None => continue,
            },
            '\'' | '"' => {
                let quoted = std::iter::from_fn(|| chars.next().filter(|&next| next != c)).map(Token::Literal);
                if let Some(section) = sections.last_mut() {
                    section.extend(quoted);
                }
                continue;
            }
            'E' | 'e' => exponent(c, &mut chars),
            other => Token::Literal(other),
        };
        if let Some(section) = sections.last_mut() {
            section.push(token);
        }
    }
    sections
}

fn exponent(letter: char, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Token {
    let mut ahead = chars.clone();
    let sign = ahead.next_if(|c| matches!(c, '+' | '-'));
    let zeros = std::iter::from_fn(|| ahead.next_if_eq(&'0')).count();
    if zeros == 0 {
        return Token::Literal(letter);
    }
    *chars = ahead;
    Token::Exponent(letter, sign == Some('+'), zeros)
}

/// The text of one section, and whether the number is zero as it is shown.
fn custom_section(digits: &Digits, tokens: &[Token], locale: &Locale) -> (String, bool) {
    let is_digit = |token: &Token| matches!(token, Token::Zero | Token::Hash);
    let point = tokens
        .iter()
        .position(|token| *token == Token::Point)
        .unwrap_or(tokens.len());
    let (before, after) = tokens.split_at(point);
    let last_digit = before.iter().rposition(is_digit);
    let scale = before
        .iter()
        .skip(last_digit.map_or(0, |last| last + 1))
        .filter(|t| **t == Token::Comma)
        .count();
    let first_digit = before.iter().position(is_digit);
    let grouped = match (first_digit, last_digit) {
        (Some(first), Some(last)) => before[first..=last].contains(&Token::Comma),
        _ => false,
    };
    let places = after.iter().filter(|token| is_digit(token)).count().min(MAX_PRECISION);
    let slots = before.iter().filter(|token| is_digit(token)).count();
    let width = match before.iter().position(|token| *token == Token::Zero) {
        Some(first) => before[first..].iter().filter(|token| is_digit(token)).count(),
        None => 0,
    };
    let scientific = tokens.iter().any(|token| matches!(token, Token::Exponent(..)));
    let percent: i32 = tokens
        .iter()
        .map(|token| {
            if let Token::Percent(_, places) = token {
                *places
            } else {
                0
            }
        })
        .sum();
    let scaled = digits.shifted(percent.min(MAX_PRECISION as i32) - 3 * scale.min(100) as i32);
    let power = if scientific && !scaled.is_zero() {
        scaled.exponent() - slots.max(1) as i32 + 1
    } else {
        0
    };
    let shown = scaled.shifted(-power).rounded(places);
    let after_digits: Vec<&Token> = after.iter().filter(|token| is_digit(token)).take(places).collect();
    let least = after_digits
        .iter()
        .rposition(|token| **token == Token::Zero)
        .map_or(0, |last| last + 1);
    let fraction = trimmed(&shown.fraction, least);
    let whole = shown.whole_text(width, grouped.then_some(locale.group));
    let mut text = String::new();
    let mut slot = 0;
    for token in tokens {
        match token {
            Token::Zero | Token::Hash if slot < slots => {
                append_whole(&mut text, &whole, slot, slots, grouped);
                slot += 1;
            }
            Token::Zero | Token::Hash => {
                text.extend(fraction.chars().nth(slot - slots));
                slot += 1;
            }
            Token::Point if slots == 0 && !whole.is_empty() && !text.contains(locale.decimal) => {
                text.push_str(&whole);
                push_point(&mut text, fraction, locale);
            }
            Token::Point if slot == slots => push_point(&mut text, fraction, locale),
            Token::Point | Token::Comma => {}
            Token::Percent(sign, _) => text.push(*sign),
            Token::Exponent(letter, plus, zeros) => {
                let sign = if power < 0 {
                    "-"
                } else if *plus {
                    "+"
                } else {
                    ""
                };
                text.push_str(&format!("{letter}{sign}{:0zeros$}", power.unsigned_abs()));
            }
            Token::Literal(literal) => text.push(*literal),
        }
    }
    (text, shown.is_zero())
}

fn push_point(text: &mut String, fraction: &str, locale: &Locale) {
    if !fraction.is_empty() {
        text.push(locale.decimal);
    }
}

/// Appends what of the whole part belongs to a digit place: the first place takes all digits that have no place.
fn append_whole(text: &mut String, whole: &str, slot: usize, slots: usize, grouped: bool) {
    let chars: Vec<char> = whole.chars().collect();
    let digits: Vec<usize> = (0..chars.len())
        .filter(|&index| chars[index].is_ascii_digit())
        .collect();
    // The number of digits that stand at and behind this place.
    let behind = slots - slot;
    let from = if slot == 0 {
        0
    } else {
        digits.len().saturating_sub(behind)
    };
    let to = digits.len().saturating_sub(behind - 1);
    for &index in digits.get(from..to).unwrap_or_default() {
        if grouped && index > 0 && !chars[index - 1].is_ascii_digit() {
            text.push(chars[index - 1]);
        }
        text.push(chars[index]);
    }
}

/// The fraction without its zeros at the end, but at least `least` digits.
fn trimmed(fraction: &str, least: usize) -> &str {
    let length = fraction.trim_end_matches('0').len().max(least).min(fraction.len());
    &fraction[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_dotnet_prints_them() {
        let us = Locale::find("en-us").expect("en-us exists");
        let cases: &[(Value, &str, &str)] = &[
            (1_234_567_890.into(), "N0", "1,234,567,890"),
            ((-1234.565).into(), "N2", "-1,234.57"),
            (0.125.into(), "F2", "0.13"),
            (17.35.into(), "C", "$17.35"),
            (0.2468.into(), "P1", "24.7%"),
            (42.into(), "D5", "00042"),
            (255.into(), "X4", "00FF"),
            (255.into(), "x", "ff"),
            (12_345.678.into(), "E2", "1.23E+004"),
            (0.000_012_3.into(), "G2", "1.2E-05"),
            (1234.5.into(), "G", "1234.5"),
            (1_234_567.891.into(), "#,##0.00", "1,234,567.89"),
            (0.5.into(), "#.##", ".5"),
            (5.into(), "000", "005"),
            (5.into(), "0.0#", "5.0"),
            (0.456.into(), "0.0%", "45.6%"),
            (1_234_567.into(), "0,", "1235"),
            ((-5).into(), "0;(0)", "(5)"),
            (0.into(), "0;-0;'zero'", "zero"),
            (5_551_234.into(), "###-####", "555-1234"),
            (12_345.into(), "0.00E+00", "1.23E+04"),
            (7.into(), "'n' 0\\0", "n 70"),
        ];
        for (number, format, text) in cases {
            assert_eq!(
                format_number(number, format, us).as_deref(),
                Ok(*text),
                "{number:?} {format}"
            );
        }
        assert!(format_number(&1.5.into(), "D", us).is_err());
        assert!(format_number(&1.into(), "N999", us).is_err());
        assert!(format_number(&Value::from("1"), "N", us).is_err());
    }
}
