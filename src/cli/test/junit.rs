//! Results of tests as JUnit XML, which every CI shows.

use std::collections::BTreeMap;
use std::time::Duration;

use super::case::{Case, Outcome};

/// One suite for each file.
pub(super) fn document(cases: &[Case], outcomes: &[Outcome], took: Duration) -> String {
    let mut suites: BTreeMap<&str, Vec<(&Case, &Outcome)>> = BTreeMap::new();
    for (case, outcome) in cases.iter().zip(outcomes) {
        suites.entry(&case.file).or_default().push((case, outcome));
    }
    let failed = |tests: &[(&Case, &Outcome)]| tests.iter().filter(|(_, outcome)| !outcome.is_good()).count();
    let all_failed: usize = suites.values().map(|tests| failed(tests)).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml += &format!(
        "<testsuites name=\"riposte test\" tests=\"{}\" failures=\"{all_failed}\" time=\"{:.3}\">\n",
        cases.len(),
        took.as_secs_f64()
    );
    for (file, tests) in &suites {
        xml += &format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n",
            escaped(file),
            tests.len(),
            failed(tests)
        );
        tests.iter().for_each(|(case, outcome)| xml += &test(case, outcome));
        xml += "  </testsuite>\n";
    }
    xml + "</testsuites>\n"
}

fn test(case: &Case, outcome: &Outcome) -> String {
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" time=\"{:.6}\"",
        escaped(&case.name),
        escaped(&case.playbook()),
        escaped(&case.file),
        outcome.took.as_secs_f64()
    );
    let Some(first) = outcome.failures.first() else {
        return format!("{head}/>\n");
    };
    let lines: String = outcome
        .failures
        .iter()
        .map(|failure| {
            format!(
                "{}:{}: {}: {}\n",
                case.file, failure.position, failure.what, failure.message
            )
        })
        .collect();
    format!(
        "{head}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
        escaped(&first.message),
        escaped(&lines)
    )
}

/// Text that XML can hold: its own characters escaped, control characters replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            character if character.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&character) => {
                out.push('\u{fffd}')
            }
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(
            escaped("a<b> & \"c\"\u{1b}[2J"),
            "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}[2J"
        );
    }
}
