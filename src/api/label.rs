//! Names of Kubernetes objects from the freer names of Azure.

/// Longest name; it also fits a label.
const MAX_LENGTH: usize = 63;

/// A DNS-1123 label of a name: lower case, `-` for what is not allowed; `None` where nothing is left. An imported
/// playbook is named so, and an ARM id that names it is read so.
pub fn dns_label(name: &str) -> Option<String> {
    let mut label = String::new();
    for character in name.to_lowercase().chars() {
        if character.is_ascii_alphanumeric() {
            label.push(character);
        } else if !label.is_empty() && !label.ends_with('-') {
            label.push('-');
        }
    }
    label.truncate(MAX_LENGTH);
    label.truncate(label.trim_end_matches('-').len());
    (!label.is_empty()).then_some(label)
}
