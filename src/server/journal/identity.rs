//! The user whom the API server authenticated, as its headers name them (`--requestheader-username-headers` and what
//! belongs to it). Pure. Invariant: headers mean something only on a connection whose client certificate was checked.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use percent_encoding::percent_decode_str;

use super::trust::Trust;

/// Groups, and keys and values of extras, that are read of one request at most.
const VALUES_MAX: usize = 1_000;

/// A user of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct User {
    /// Name, such as `system:serviceaccount:soc:riposte-automation`.
    pub name: String,
    /// Unique id, if the authenticator gave one.
    pub uid: Option<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// What the authenticator adds, such as scopes.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// Reads the headers that the API server is said to use; `None` where no name is among them.
    pub(super) fn read(headers: &HeaderMap, trust: &Trust) -> Option<Self> {
        let texts = |name: &str| {
            let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values
                .map(str::to_owned)
                .filter(|value| !value.is_empty())
                .take(VALUES_MAX)
                .collect::<Vec<_>>()
        };
        let first = |names: &[String]| names.iter().find_map(|name| texts(name).into_iter().next());
        Some(Self {
            name: first(&trust.username_headers)?,
            uid: first(&trust.uid_headers),
            groups: trust.group_headers.iter().flat_map(|name| texts(name)).collect(),
            extra: extra(headers, &trust.extra_header_prefixes),
        })
    }
}

/// Extras: the rest of the header's name, percent-decoded and in lower case, is the key.
fn extra(headers: &HeaderMap, prefixes: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers.iter().take(VALUES_MAX) {
        let key = prefixes
            .iter()
            .find_map(|prefix| name.as_str().strip_prefix(prefix.as_str()));
        if let (Some(key), Ok(value)) = (key, value.to_str()) {
            let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
            extra.entry(key).or_default().push(value.to_owned());
        }
    }
    extra
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = list.iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_static(value))
        });
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn a_user_is_read_of_the_headers_that_the_cluster_names() {
        let trust = Trust::default();
        let user = User::read(
            &headers(&[
                ("X-Remote-User", "ada"),
                ("X-Remote-Group", "soc"),
                ("X-Remote-Group", "system:authenticated"),
                ("X-Remote-Extra-scopes.example.com%2fa", "read"),
                ("X-Remote-Uid", "7"),
            ]),
            &trust,
        );
        let expected = User {
            name: "ada".into(),
            uid: Some("7".into()),
            groups: vec!["soc".into(), "system:authenticated".into()],
            extra: BTreeMap::from([("scopes.example.com/a".into(), vec!["read".into()])]),
        };
        assert_eq!(user, Some(expected));
        assert_eq!(
            User::read(&headers(&[("X-Remote-Group", "system:masters")]), &trust),
            None
        );
        assert_eq!(User::read(&headers(&[("X-Remote-User", "")]), &trust), None);
        let other = Trust {
            username_headers: vec!["x-other".into()],
            ..Trust::default()
        };
        assert_eq!(User::read(&headers(&[("X-Remote-User", "ada")]), &other), None);
    }
}
