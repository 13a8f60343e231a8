//! Numbers in expressions and as text, as .NET writes them.

use rust_decimal::Decimal;

use super::value::Value;

/// Reads the number literal at the start of a text: its value and its length in bytes.
/// Without point and exponent it is an integer, otherwise a float.
///
/// # Errors
/// The length of the wrong text and what is wrong with it.
pub(super) fn scan_number(text: &str) -> Result<(Value, usize), (usize, String)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let sign = usize::from(bytes.first().is_some_and(|b| matches!(b, b'+' | b'-')));
    let mut end = digits(sign);
    let whole = end - sign;
    let mut float = false;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if whole == 0 && fraction == end + 1 {
            return Err((fraction, "expected a digit".to_owned()));
        }
        end = fraction;
        float = true;
    } else if whole == 0 {
        return Err((sign, "expected a digit after the sign".to_owned()));
    }
    if bytes.get(end).is_some_and(|b| matches!(b, b'e' | b'E')) {
        let start = end + 1 + usize::from(bytes.get(end + 1).is_some_and(|b| matches!(b, b'+' | b'-')));
        end = digits(start);
        if end == start {
            return Err((end, "expected the digits of the exponent".to_owned()));
        }
        float = true;
    }
    let number = &text[..end];
    let value = if float {
        number.parse().map(Value::Float).ok()
    } else {
        number.parse().map(Value::Int).ok()
    };
    value
        .map(|value| (value, end))
        .ok_or_else(|| (end, format!("the integer '{number}' does not fit in 64 bits")))
}

/// The shortest text that reads back as this float, as .NET prints it: `32`, `0.5`, `9.223372036854776E+18`, `NaN`.
pub(super) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    if exponent >= -4 && exponent < digits.max(15) as i32 {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.unsigned_abs())
}

/// A float in JSON text: never without a fraction or an exponent.
pub(super) fn float_json(number: f64) -> String {
    with_fraction(float_text(number))
}

/// A decimal in JSON text: its digits, and never without a fraction.
pub(super) fn decimal_json(number: Decimal) -> String {
    with_fraction(number.to_string())
}

fn with_fraction(text: String) -> String {
    let whole = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if whole { text + ".0" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_dotnet_prints_them() {
        let cases = [
            (1.0, "1"),
            (-0.5, "-0.5"),
            (1e14, "100000000000000"),
            (1e15, "1E+15"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (9_223_372_036_854_775_809.5, "9.223372036854776E+18"),
            (0.0001, "0.0001"),
            (0.00001, "1E-05"),
            (5e-324, "5E-324"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (number, text) in cases {
            assert_eq!(float_text(number), text);
        }
        assert_eq!(float_json(5.0), "5.0");
        assert_eq!(float_json(1e20), "1E+20");
    }
}
