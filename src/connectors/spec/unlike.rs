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
    let compared = |segments: &[&str]| {
        segments
            .join("/")
            .to_lowercase()
            .chars()
            .take(COMPARED)
            .collect::<String>()
    };
    strsim::levenshtein(&compared(&filled), &compared(&wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_the_template_is_like_anything() {
        assert_eq!(
            distance(&PathTemplate::read("/ip_addresses/{ip}"), "/ip_adresses/8.8.8.8"),
            1
        );
    }
}
