//! .NET numeric formats: the standard ones (`C2`, `N0`, …). Rounds half away from zero on the exact value.

use super::locale::Locale;
use super::number_pattern::custom;
use super::value::Value;

/// Most digits that a format may ask for.
pub(super) const MAX_PRECISION: usize = 300;

/// Longest format.
pub(super) const MAX_FORMAT: usize = 1_000;

/// A number in a format, or why not; the reason continues the name of the function.
pub(super) fn format_number(number: &Value, format: &str, locale: &Locale) -> Result<String, String> {
    if format.len() > MAX_FORMAT {
        return Err(format!("takes a format of at most {MAX_FORMAT} bytes"));
    }
    if let Value::Float(number) = number
        && !number.is_finite()
    {
        return Ok(not_finite(*number, locale));
    }
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

/// What is no number of digits is the same in every format.
fn not_finite(number: f64, locale: &Locale) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", locale.infinity())
}

fn general(number: &Value) -> String {
    number.to_text()
}

/// The decimal expansion of a number, exact.
#[derive(Clone)]
pub(super) struct Digits {
    /// Whether it is less than 0.
    pub negative: bool,
    /// The digits before the point, without leading zeros; may be empty.
    pub whole: String,
    /// The digits behind the point.
    pub fraction: String,
}

impl Digits {
    fn of(number: &Value) -> Result<Self, String> {
        let text = match number {
            Value::Int(number) => number.to_string(),
            Value::Decimal(number) => number.to_string(),
            // The expansion of a double has at most 1,074 digits behind the point.
            Value::Float(number) => format!("{number:.1074}"),
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

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.whole.bytes().chain(self.fraction.bytes()).all(|b| b == b'0')
    }

    /// Moves the point to the right, or for a negative number to the left.
    pub fn shifted(&self, places: i32) -> Self {
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
    pub fn rounded(&self, places: usize) -> Self {
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
    pub fn significant(&self, count: usize) -> Self {
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
    pub fn exponent(&self) -> i32 {
        if !self.whole.is_empty() {
            return self.whole.len() as i32 - 1;
        }
        match self.fraction.find(|c| c != '0') {
            Some(zeros) => -(zeros as i32) - 1,
            None => 0,
        }
    }

    /// The text of the whole part, at least `width` digits, in groups of three if there is a separator.
    pub fn whole_text(&self, width: usize, group: Option<char>) -> String {
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
            let amount = fixed(digits, locale.currency_digits, Some(locale.group));
            let text = if before {
                format!("{symbol}{space}{amount}")
            } else {
                format!("{amount}{space}{symbol}")
            };
            signed(text, zero(locale.currency_digits, digits))
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
            (f64::NAN.into(), "N0", "NaN"),
            (f64::NEG_INFINITY.into(), "0.0", "-∞"),
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
