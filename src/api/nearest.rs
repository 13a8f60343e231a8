//! "Did you mean": the known word that is nearest to a mistyped one.

/// Letters that are compared: hostile words must not cost time.
const LONGEST: usize = 64;

/// The nearest of the candidates, if it is near enough to be meant: a third of the letters may differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |text: &str| text.to_lowercase().chars().take(LONGEST).collect::<String>();
    let word = letters(word);
    let length = word.chars().count();
    let most = length.div_ceil(3);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let known = letters(candidate);
            (known.chars().count().abs_diff(length) <= most).then(|| (strsim::levenshtein(&word, &known), candidate))
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The hint that names the nearest candidate.
pub(super) fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
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
