//! Text to numbers, as lenient about signs, group separators and white space as .NET is.

use rust_decimal::Decimal;

use super::locale::Locale;

/// What a number may look like beside sign, digits, groups and a fraction.
#[derive(Clone, Copy)]
struct Style {
    exponent: bool,
    trailing_sign: bool,
}

/// Reads a float, for `float()` and `isFloat()`.
pub(super) fn parse_float(text: &str, locale: &Locale) -> Option<f64> {
    let style = Style {
        exponent: true,
        trailing_sign: true,
    };
    read_float(text, locale, style)
}

/// Reads an integer, for `int()` and `isInt()`: by way of a float, as the original does, so that more than 53 bits
/// are rounded; no fraction, and the sign in front.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    let style = Style {
        exponent: true,
        trailing_sign: false,
    };
    whole(read_float(text, Locale::invariant(), style)?)
}

/// The integer that a float is, if it is one and fits.
pub(super) fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (number.fract() == 0.0 && (-LIMIT..LIMIT).contains(&number)).then_some(number as i64)
}

/// Reads a decimal, for `decimal()`: without exponent.
pub(super) fn parse_decimal(text: &str) -> Option<Decimal> {
    let style = Style {
        exponent: false,
        trailing_sign: true,
    };
    plain(text, Locale::invariant(), style)?.parse().ok()
}

fn read_float(text: &str, locale: &Locale, style: Style) -> Option<f64> {
    if let Some(plain) = plain(text, locale, style) {
        return plain.parse().ok();
    }
    let text = text.trim().to_lowercase();
    let infinity = locale.infinity().to_lowercase();
    match text.as_str() {
        "nan" | "+nan" | "-nan" => Some(f64::NAN),
        _ if text.strip_prefix('+').unwrap_or(&text) == infinity => Some(f64::INFINITY),
        _ if text.strip_prefix('-') == Some(&infinity) => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// The number in plain notation, `-12.5e3`, if the text is one: white space, sign, digits with group separators
/// anywhere among and behind them, fraction, exponent, sign, white space.
fn plain(text: &str, locale: &Locale, style: Style) -> Option<String> {
    let mut rest = text.trim_matches(is_white).chars().peekable();
    let mut sign = rest.next_if(|c| is_sign(*c));
    let mut plain = String::new();
    while let Some(c) = rest.next_if(|&c| c.is_ascii_digit() || (is_group(c, locale) && !plain.is_empty())) {
        if c.is_ascii_digit() {
            plain.push(c);
        }
    }
    if rest.next_if_eq(&locale.decimal).is_some() {
        let fraction: String = std::iter::from_fn(|| rest.next_if(char::is_ascii_digit)).collect();
        if plain.is_empty() && fraction.is_empty() {
            return None;
        }
        plain = format!("{plain:0>1}.{fraction:0<1}");
    }
    if plain.is_empty() {
        return None;
    }
    if style.exponent && rest.next_if(|c| matches!(c, 'e' | 'E')).is_some() {
        plain.push('e');
        plain.extend(rest.next_if(|c| is_sign(*c)));
        let digits: String = std::iter::from_fn(|| rest.next_if(char::is_ascii_digit)).collect();
        if digits.is_empty() {
            return None;
        }
        plain.push_str(&digits);
    }
    while rest.next_if(|c| is_white(*c)).is_some() {}
    if style.trailing_sign && sign.is_none() {
        // A group separator may stand between the digits of a number without fraction and its sign; it is read above.
        sign = rest.next_if(|c| is_sign(*c));
    }
    if rest.peek().is_some() {
        return None;
    }
    let minus = if sign == Some('-') { "-" } else { "" };
    Some(format!("{minus}{plain}"))
}

/// Whether a character separates groups; people write a plain space where a culture has one that does not break.
fn is_group(c: char, locale: &Locale) -> bool {
    c == locale.group || (c == ' ' && matches!(locale.group, '\u{a0}' | '\u{202f}'))
}

fn is_sign(c: char) -> bool {
    matches!(c, '+' | '-')
}

fn is_white(c: char) -> bool {
    c == ' ' || ('\t'..='\r').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_read_leniently() {
        let read = |text: &str| parse_float(text, Locale::invariant());
        for text in ["12,3,4,5678", "12345678+", " 1234567,8+", "12345678.", ".12345678e8"] {
            assert_eq!(read(text), Some(12_345_678.0), "{text}");
        }
        for text in ["12345,6,78,-", "-12,345,678,", "12345678.-", "12345678 -"] {
            assert_eq!(read(text), Some(-12_345_678.0), "{text}");
        }
        for text in ["", "(200)", "inf", "1e", ",1", "--1", "-1-", "1 2", "."] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("1.7e+350"), Some(f64::INFINITY));
    }

    #[test]
    fn integers_have_no_fraction_and_fit() {
        assert_eq!(parse_int("  +1,000 "), Some(1000));
        assert_eq!(parse_int("1.0"), Some(1));
        assert_eq!(parse_int("-9223372036854775808"), Some(i64::MIN));
        for text in ["1.5", "200-", "9223372036854775807", "nan", ""] {
            assert_eq!(parse_int(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_keep_their_digits() {
        let text = |number: &str| parse_decimal(number).map(|number| number.to_string());
        assert_eq!(text("5.0000").as_deref(), Some("5.0000"));
        assert_eq!(text("200-").as_deref(), Some("-200"));
        assert_eq!(text("3e-1"), None);
        assert_eq!(text("80000000000000000000000000000"), None);
    }
}
