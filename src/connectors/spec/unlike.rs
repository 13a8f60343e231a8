//! How unlike a path is to a template: finds what a mistyped path may have meant.

use super::PathTemplate;

/// Longer paths are compared up to here, so that a hostile path costs little.
const COMPARED: usize = 160;

/// The characters to insert, remove or change; a place of the template is like whatever stands there.
pub(super) fn distance(template: &PathTemplate, path: &str) -> usize {
    let wanted: Vec<&str> = path.trim_matches('/').split('/').collect();
    let given: Vec<&str> = template.as_str().trim_matches('/').split('/').collect();
    let filled: Vec<&str> = given
        .iter()
        .enumerate()
        .map(|(at, segment)| {
            if segment.contains('{') {
                wanted.get(at).copied().unwrap_or(segment)
            } else {
                segment
            }
        })
        .collect();
    edits(&filled.join("/").to_lowercase(), &wanted.join("/").to_lowercase())
}

/// The Levenshtein distance, row by row.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(COMPARED).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, char) in from.chars().take(COMPARED).enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(char != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (from, to, expected) in [
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("abc", "abc", 0),
            ("abc", "", 3),
        ] {
            assert_eq!(edits(from, to), expected);
        }
        assert_eq!(
            distance(&PathTemplate::read("/ip_addresses/{ip}"), "/ip_adresses/8.8.8.8"),
            1
        );
    }
}
