//! Names of Kubernetes objects from the freer names of Azure.

use std::collections::HashSet;

/// Longest name.
const MAX_LENGTH: usize = 63;

/// A DNS-1123 label of a name; `fallback` where nothing is left.
pub(super) fn dns_label(name: &str, fallback: &str) -> String {
    crate::api::dns_label(name).unwrap_or_else(|| fallback.to_owned())
}

/// A key of a Secret: letters, digits, `-`, `_` and `.`.
pub(super) fn secret_key(name: &str) -> String {
    let allowed = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let key: String = name.chars().map(allowed).collect();
    if key.is_empty() { "value".to_owned() } else { key }
}

/// A name that is not taken yet: with a number where it is.
pub(super) fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let mut candidate = name.clone();
    let mut number = 2_usize;
    while !taken.insert(candidate.clone()) {
        let suffix = format!("-{number}");
        let kept = name.len().min(MAX_LENGTH - suffix.len());
        candidate = format!("{}{suffix}", name[..kept].trim_end_matches('-'));
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_dns_labels() {
        let long = "x".repeat(80);
        let cases = [
            ("Block-AADUser", "block-aaduser"),
            ("  Get Geo_IP (v2)! ", "get-geo-ip-v2"),
            ("é", "playbook"),
            (long.as_str(), &long[..63]),
        ];
        for (name, expected) in cases {
            assert_eq!(dns_label(name, "playbook"), expected);
        }
        assert_eq!(secret_key("token:clientSecret"), "token-clientSecret");
    }

    #[test]
    fn taken_names_get_a_number() {
        let mut taken = HashSet::new();
        let names: Vec<String> = ["a", "a", "a"]
            .iter()
            .map(|name| unique((*name).to_owned(), &mut taken))
            .collect();
        assert_eq!(names, ["a", "a-2", "a-3"]);
        let long = "y".repeat(MAX_LENGTH);
        unique(long.clone(), &mut taken);
        assert_eq!(unique(long, &mut taken).len(), MAX_LENGTH);
    }
}
