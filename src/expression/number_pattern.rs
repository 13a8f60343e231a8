//! .NET numeric patterns: `#,##0.00;(0);'none'`.

use std::iter::Peekable;
use std::str::Chars;

use super::locale::Locale;
use super::number_format::{Digits, MAX_PRECISION};
use super::value::Value;

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

/// A number in a pattern.
pub(super) fn custom(number: &Value, digits: &Digits, format: &str, locale: &Locale) -> String {
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
    let (text, zero) = Layout::of(tokens).write(&digits, locale);
    if zero {
        let zero = Digits {
            negative: false,
            whole: String::new(),
            fraction: String::new(),
        };
        return Layout::of(section(2).unwrap_or(&sections[0])).write(&zero, locale).0;
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

fn exponent(letter: char, chars: &mut Peekable<Chars<'_>>) -> Token {
    let mut ahead = chars.clone();
    let sign = ahead.next_if(|c| matches!(c, '+' | '-'));
    let zeros = std::iter::from_fn(|| ahead.next_if_eq(&'0')).count();
    if zeros == 0 {
        return Token::Literal(letter);
    }
    *chars = ahead;
    Token::Exponent(letter, sign == Some('+'), zeros)
}

/// What a section asks for.
struct Layout<'a> {
    tokens: &'a [Token],
    /// Digit places before the point.
    slots: usize,
    /// Least digits before the point.
    width: usize,
    grouped: bool,
    /// Digit places behind the point.
    places: usize,
    /// Least digits behind the point.
    least: usize,
    /// By how many places the point moves.
    shift: i32,
    scientific: bool,
}

impl<'a> Layout<'a> {
    fn of(tokens: &'a [Token]) -> Self {
        let is_digit = |token: &&Token| matches!(token, Token::Zero | Token::Hash);
        let point = tokens
            .iter()
            .position(|token| *token == Token::Point)
            .unwrap_or(tokens.len());
        let (before, after) = tokens.split_at(point);
        let digits_behind: Vec<&Token> = after.iter().filter(is_digit).take(MAX_PRECISION).collect();
        let first = before.iter().position(|token| is_digit(&token));
        let last = before.iter().rposition(|token| is_digit(&token));
        let first_zero = before.iter().position(|token| *token == Token::Zero);
        let thousands = before
            .iter()
            .skip(last.map_or(0, |last| last + 1))
            .filter(|token| **token == Token::Comma)
            .count();
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
        Self {
            tokens,
            slots: before.iter().filter(is_digit).count(),
            width: first_zero.map_or(0, |first| before[first..].iter().filter(is_digit).count()),
            grouped: first
                .zip(last)
                .is_some_and(|(first, last)| before[first..=last].contains(&Token::Comma)),
            places: digits_behind.len(),
            least: digits_behind
                .iter()
                .rposition(|token| **token == Token::Zero)
                .map_or(0, |last| last + 1),
            shift: percent.min(MAX_PRECISION as i32) - 3 * thousands.min(100) as i32,
            scientific: tokens.iter().any(|token| matches!(token, Token::Exponent(..))),
        }
    }

    /// The text of a number without its sign, and whether the number is zero as it is shown.
    fn write(&self, digits: &Digits, locale: &Locale) -> (String, bool) {
        let scaled = digits.shifted(self.shift);
        let power = match self.scientific && !scaled.is_zero() {
            true => scaled.exponent() - self.slots.max(1) as i32 + 1,
            false => 0,
        };
        let shown = scaled.shifted(-power).rounded(self.places);
        let fraction = trimmed(&shown.fraction, self.least);
        let whole = shown.whole_text(self.width, self.grouped.then_some(locale.group));
        let mut text = String::new();
        let mut slot = 0;
        for token in self.tokens {
            match token {
                Token::Zero | Token::Hash => {
                    if slot < self.slots {
                        append_whole(&mut text, &whole, slot, self.slots, self.grouped);
                    } else {
                        text.extend(fraction.chars().nth(slot - self.slots));
                    }
                    slot += 1;
                }
                Token::Point if slot == self.slots => {
                    // Without a place before the point its digits are shown all the same.
                    text.push_str(if self.slots == 0 { &whole } else { "" });
                    push_point(&mut text, fraction, locale);
                }
                Token::Point | Token::Comma => {}
                Token::Percent(sign, _) => text.push(*sign),
                Token::Exponent(letter, plus, zeros) => {
                    let sign = match (power < 0, plus) {
                        (true, _) => "-",
                        (false, true) => "+",
                        (false, false) => "",
                    };
                    text.push_str(&format!("{letter}{sign}{:0zeros$}", power.unsigned_abs()));
                }
                Token::Literal(literal) => text.push(*literal),
            }
        }
        (text, shown.is_zero())
    }
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
