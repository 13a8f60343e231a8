//! What is secret by its name, where its type does not say so: templates often declare passwords as plain strings.

/// How names of secrets end wherever they stand, in lower case without punctuation.
const ENDINGS: [&str; 9] = [
    "password",
    "passphrase",
    "secret",
    "apikey",
    "accesskey",
    "sharedkey",
    "workspacekey",
    "connectionstring",
    "apitoken",
];
/// How names of secrets end where only accounts are described.
const CONNECTION_ENDINGS: [&str; 6] = ["key", "token", "credential", "credentials", "sas", "pwd"];

/// Whether a parameter of a template with this name holds a secret.
pub(super) fn names_secret(name: &str) -> bool {
    ends(name, &ENDINGS)
}

/// Whether a parameter of a connection with this name holds a secret; `token:TenantId` is about `TenantId`.
pub(super) fn names_connection_secret(name: &str) -> bool {
    let last = name.rsplit(':').next().unwrap_or_default();
    ends(last, &ENDINGS) || ends(last, &CONNECTION_ENDINGS)
}

/// How parts of connection strings begin that are secret, in lower case.
const PARTS: [&str; 6] = [
    "accountkey=",
    "sharedaccesskey=",
    "sharedaccesssignature=",
    "sig=",
    "password=",
    "pwd=",
];

/// Whether a text is a connection string with a secret in it.
pub(super) fn holds_secret(text: &str) -> bool {
    let text = text.to_lowercase();
    PARTS.iter().any(|part| text.contains(part))
}

fn ends(name: &str, endings: &[&str]) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_lowercase();
    endings.iter().any(|ending| letters.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "password",
            "api_key",
            "token:clientSecret",
            "token",
            "connectionString",
            "workspaceKey",
            "key",
        ] {
            assert!(names_connection_secret(name), "{name}");
        }
        for name in [
            "username",
            "token:TenantId",
            "token:grantType",
            "vaultName",
            "authType",
            "keyVaultName",
        ] {
            assert!(!names_connection_secret(name), "{name}");
        }
        for (name, secret) in [
            ("Client Secret", true),
            ("VirusTotalApiKey", true),
            ("ProjectKey", false),
            ("SecretName", false),
        ] {
            assert_eq!(names_secret(name), secret, "{name}");
        }
    }
}
