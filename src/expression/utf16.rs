//! Text counted in UTF-16 code units, as .NET counts it: lengths, positions, parts and search without regard to case.

/// Length in code units.
pub(super) fn length(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    }
}

/// The part from `start` up to `end`, both within the text; half a surrogate pair becomes U+FFFD.
pub(super) fn part(text: &str, start: usize, end: usize) -> String {
    if text.is_ascii() {
        return text.get(start..end).unwrap_or_default().to_owned();
    }
    let units: Vec<u16> = text.encode_utf16().collect();
    String::from_utf16_lossy(units.get(start..end).unwrap_or_default())
}

/// The code units with every letter in upper case, one for one.
pub(super) fn folded(text: &str) -> Vec<u16> {
    let mut units = Vec::with_capacity(text.len());
    for c in text.chars() {
        let upper = upper_char(c);
        let same_length = upper.len_utf16() == c.len_utf16();
        let folded = if same_length { upper } else { c };
        units.extend_from_slice(folded.encode_utf16(&mut [0; 2]));
    }
    units
}

/// The positions at which `search` stands in `text`, both folded; matches may overlap, an empty search has none.
/// Takes time in proportion to the lengths, whatever the texts (Knuth, Morris and Pratt).
pub(super) fn positions<'a>(text: &'a [u16], search: &'a [u16]) -> impl Iterator<Item = usize> + 'a {
    let table = borders(search);
    let mut matched = 0;
    let ends = text.iter().enumerate().filter_map(move |(index, unit)| {
        while matched > 0 && search.get(matched) != Some(unit) {
            matched = table[matched - 1];
        }
        matched += usize::from(search.get(matched) == Some(unit));
        (matched > 0 && matched == search.len()).then_some(index + 1)
    });
    ends.map(|end| end - search.len())
}

/// For each start of `search`, the length of its longest proper start that is also its end.
fn borders(search: &[u16]) -> Vec<usize> {
    let mut table = vec![0; search.len()];
    let mut matched = 0;
    for index in 1..search.len() {
        while matched > 0 && search[matched] != search[index] {
            matched = table[matched - 1];
        }
        matched += usize::from(search[matched] == search[index]);
        table[index] = matched;
    }
    table
}

/// Upper case in the invariant culture: one character for one, and no dotted or dotless i of Turkish.
pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

/// Lower case in the invariant culture.
pub(super) fn lower(text: &str) -> String {
    text.chars()
        .map(|c| if c == 'İ' { c } else { single(c.to_lowercase(), c) })
        .collect()
}

fn upper_char(c: char) -> char {
    if c == 'ı' { c } else { single(c.to_uppercase(), c) }
}

/// The mapping of a character if it is one character, else the character itself.
fn single(mut mapped: impl Iterator<Item = char>, c: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_of_turkish_letters_is_invariant() {
        assert_eq!(upper("ıIiİ"), "ıIIİ");
        assert_eq!(lower("ıIiİ"), "ıiiİ");
        assert_eq!(upper("straße"), "STRAßE");
    }

    #[test]
    fn positions_count_code_units() {
        assert_eq!(length("a😀b"), 4);
        assert_eq!(part("a😀b", 3, 4), "b");
        let text = folded("x😀aAa");
        assert_eq!(positions(&text, &folded("aa")).collect::<Vec<_>>(), [3, 4]);
        let text = folded("abababcabab");
        assert_eq!(positions(&text, &folded("abab")).collect::<Vec<_>>(), [0, 2, 7]);
        assert_eq!(positions(&text, &[]).count(), 0);
        assert_eq!(positions(&[], &text).count(), 0);
    }
}
