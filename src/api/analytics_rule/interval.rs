//! Durations of rule files: `14d` as content writes them, `P14D` as the API has them, `14.00:00:00` as .NET does.

/// Seconds of a duration in one of the three forms; nothing where it is none of them or too long to count.
pub fn seconds(text: &str) -> Option<u64> {
    if let Some(iso) = text.strip_prefix('P') {
        return iso_seconds(iso);
    }
    if text.contains(':') {
        return span_seconds(text);
    }
    let unit = text.chars().next_back()?;
    number(text.strip_suffix(unit)?)?.checked_mul(unit_seconds(unit.to_ascii_uppercase())?)
}

/// Seconds of a unit; months and years have no fixed length.
fn unit_seconds(unit: char) -> Option<u64> {
    match unit {
        'S' => Some(1),
        'M' => Some(60),
        'H' => Some(3600),
        'D' => Some(86_400),
        _ => None,
    }
}

fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// `1DT2H` of `P1DT2H`.
fn iso_seconds(text: &str) -> Option<u64> {
    match text.split_once('T') {
        None if text.is_empty() => None,
        None => parts(text, "D"),
        Some((_, "")) => None,
        Some((days, time)) => parts(days, "D")?.checked_add(parts(time, "HMS")?),
    }
}

/// Numbers with units, the units in their order and each once.
fn parts(text: &str, mut units: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let unit = rest[end..].chars().next()?;
        units = &units[units.find(unit)? + unit.len_utf8()..];
        total = total.checked_add(number(&rest[..end])?.checked_mul(unit_seconds(unit)?)?)?;
        rest = &rest[end + unit.len_utf8()..];
    }
    Some(total)
}

/// `1.02:03:04`: days, hours, minutes, seconds.
fn span_seconds(text: &str) -> Option<u64> {
    let (days, clock) = text.split_once('.').unwrap_or(("0", text));
    let mut fields = clock.split(':').map(number);
    let (hours, minutes, seconds) = (fields.next()??, fields.next()??, fields.next()??);
    let is_clock = fields.next().is_none() && hours < 24 && minutes < 60 && seconds < 60;
    let clock = is_clock.then_some(hours * 3600 + minutes * 60 + seconds)?;
    number(days)?.checked_mul(86_400)?.checked_add(clock)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn three_forms_are_read() {
        let same = [
            ("5m", 300),
            ("PT5M", 300),
            ("00:05:00", 300),
            ("14d", 1_209_600),
            ("P14D", 1_209_600),
        ];
        for (text, expected) in same {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        assert_eq!(seconds("P1DT2H3M4S"), Some(93_784));
        assert_eq!(seconds("1.02:03:04"), Some(93_784));
    }

    #[test]
    fn what_is_no_duration_is_nothing() {
        let wrong = [
            "",
            "m",
            "5",
            "5x",
            "P",
            "PT",
            "PT5",
            "P5M",
            "PT5S5M",
            "P1DT",
            "P1W",
            "24:00:00",
            "1:2",
            "-5m",
            "5µ",
            "Pµ",
            "99999999999999999999d",
            "999999999999999999d",
            "PT9999999999999999999H",
        ];
        for text in wrong {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
