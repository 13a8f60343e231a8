//! What an unquoted word of YAML means: the core schema of YAML 1.2, and a warning where the YAML 1.1 that kubectl
//! reads means something else.

use serde_json::{Number, Value};

/// The value of a plain scalar; `None` for a number that JSON cannot hold (`.inf`, `.nan`).
pub(super) fn resolve(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        _ => {}
    }
    if is_infinite_or_nan(text) {
        return None;
    }
    if let Some(number) = integer(text).or_else(|| float(text)) {
        return Some(Value::Number(number));
    }
    Some(Value::String(text.to_owned()))
}

/// What YAML 1.1 makes of a plain scalar that is text here, if it is not the same text.
pub(super) fn trap(text: &str) -> Option<&'static str> {
    const TRUE: [&str; 8] = ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];
    const FALSE: [&str; 8] = ["n", "N", "no", "No", "NO", "off", "Off", "OFF"];
    if TRUE.contains(&text) {
        return Some("the boolean true");
    }
    if FALSE.contains(&text) {
        return Some("the boolean false");
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let octal = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    let binary = digits
        .strip_prefix("0b")
        .is_some_and(|bits| !bits.is_empty() && bits.bytes().all(|bit| bit | 1 == b'1'));
    let grouped = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.contains('_')
        && float(&digits.replace('_', "")).is_some();
    (octal || binary || grouped).then_some("a number of another form")
}

fn is_infinite_or_nan(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// Decimal without leading zeros, `0o17` or `0x1F`. Digits with a leading zero stay text: they are mostly names.
fn integer(text: &str) -> Option<Number> {
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return u64::from_str_radix(digits, radix)
                .ok()
                .filter(|_| plain)
                .map(Number::from);
        }
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || has_leading_zero(digits) {
        return None;
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    unsigned
        .parse::<i64>()
        .map(Number::from)
        .ok()
        .or_else(|| unsigned.parse::<u64>().map(Number::from).ok())
        .or_else(|| Number::from_f64(unsigned.parse().ok()?))
}

fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_ok = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let is_float = (!whole.is_empty() || !fraction.is_empty()) && digits(whole) && digits(fraction) && exponent_ok;
    let octal_like = has_leading_zero(whole) && !mantissa.contains('.') && exponent.is_none();
    if !is_float || octal_like {
        return None;
    }
    text.strip_prefix('+')
        .unwrap_or(text)
        .parse()
        .ok()
        .and_then(Number::from_f64)
}

fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_mean_what_yaml_1_2_says() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("True", json!(true)),
            ("12", json!(12)),
            ("-7", json!(-7)),
            ("+7", json!(7)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("9223372036854775808", json!(9_223_372_036_854_775_808_u64)),
            ("1.5", json!(1.5)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("0755", json!("0755")),
            ("yes", json!("yes")),
            ("1.2.3", json!("1.2.3")),
            ("1e", json!("1e")),
            ("-", json!("-")),
            (".", json!(".")),
            ("0x", json!("0x")),
        ] {
            assert_eq!(resolve(text), Some(value), "{text}");
        }
        assert_eq!(resolve("-.inf"), None);
        assert_eq!(resolve(".NaN"), None);
    }

    #[test]
    fn what_kubectl_reads_differently_is_a_trap() {
        for text in ["yes", "No", "on", "OFF", "y", "0755", "1_000", "0b101"] {
            assert!(trap(text).is_some(), "{text}");
        }
        for text in ["yesterday", "0", "10", "a_b", "0b", "1.0", "north"] {
            assert!(trap(text).is_none(), "{text}");
        }
    }
}
