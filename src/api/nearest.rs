//! "Did you mean": the known word that is nearest to a mistyped one.

/// Letters that are compared: hostile words must not cost time.
const LONGEST: usize = 64;

/// The nearest of the candidates, if it is near enough to be meant: a third of the letters may differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |text: &str| text.to_lowercase().chars().take(LONGEST).collect::<Vec<_>>();
    let word = letters(word);
    let most = word.len().div_ceil(3);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let known = letters(candidate);
            (known.len().abs_diff(word.len()) <= most).then(|| (distance(&word, &known), candidate))
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The hint that names the nearest candidate.
pub(super) fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// Edits between two words: insertions, deletions, replacements.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_near_words_are_proposed() {
        let words = ["displayName", "order", "enabled"];
        assert_eq!(nearest("displayname", words), Some("displayName"));
        assert_eq!(nearest("ordre", words), Some("order"));
        assert_eq!(nearest("ordr", words), Some("order"));
        assert_eq!(nearest("zebra", words), None);
        assert_eq!(nearest("", words), None);
    }
}
