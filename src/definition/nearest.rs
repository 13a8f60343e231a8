//! "Did you mean": the known name that is spelled most like an unknown one.

/// The nearest of the names, if one is near enough to be meant: a third of the letters may differ, three at most.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.to_lowercase().chars().take(LONGEST).collect();
    let allowed = (name.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter_map(|candidate| {
            let letters: Vec<char> = candidate.to_lowercase().chars().take(LONGEST).collect();
            (letters.len().abs_diff(name.len()) <= allowed).then(|| (distance(&name, &letters), candidate))
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters that are compared: hostile names must not cost time.
const LONGEST: usize = 100;

/// How many letters must be changed, added or taken away.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_misspellings_only() {
        let known = ["concat", "contains", "length", "utcNow"];
        assert_eq!(nearest("conact", known), Some("concat"));
        assert_eq!(nearest("lenght", known), Some("length"));
        assert_eq!(nearest("UTCNOW", known), Some("utcNow"));
        assert_eq!(nearest("resourceGroup", known), None);
        assert_eq!(nearest("", known), None);
    }
}
