//! Whom the cluster trusts to speak for its users: what the ConfigMap `kube-system/extension-apiserver-authentication`
//! says, and whether a client certificate is the API server's. Pure.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use yasna::models::ObjectIdentifier;
use yasna::{ASN1Result, BERReader, Tag};

/// The attribute `commonName` of X.520.
const COMMON_NAME: &[u64] = &[2, 5, 4, 3];

/// Which certificates are the API server's, and which of its headers say what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The authorities that sign its client certificate, in PEM.
    pub authorities: String,
    /// The common names that its certificate may have; none means any.
    pub allowed_names: Vec<String>,
    /// Headers with the user's name, the first counts. In lower case, as all of these.
    pub username_headers: Vec<String>,
    /// Headers with the user's unique id.
    pub uid_headers: Vec<String>,
    /// Headers with groups.
    pub group_headers: Vec<String>,
    /// What the names of headers with extras begin with.
    pub extra_header_prefixes: Vec<String>,
}

/// Why the ConfigMap cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A key is missing.
    #[error(
        "the ConfigMap kube-system/extension-apiserver-authentication has no '{0}': the API server is not set up for aggregated APIs; start it with the --requestheader flags"
    )]
    Missing(&'static str),
    /// A key cannot be read.
    #[error("'{key}' of the ConfigMap kube-system/extension-apiserver-authentication cannot be read: {reason}")]
    Unreadable {
        /// The key.
        key: &'static str,
        /// Why.
        reason: String,
    },
}

/// The key of the authorities.
const AUTHORITIES: &str = "requestheader-client-ca-file";

impl Default for Trust {
    /// No authority, and the headers that kubeadm and the documentation of Kubernetes use.
    fn default() -> Self {
        Self {
            authorities: String::new(),
            allowed_names: Vec::new(),
            username_headers: vec!["x-remote-user".into()],
            uid_headers: vec!["x-remote-uid".into()],
            group_headers: vec!["x-remote-group".into()],
            extra_header_prefixes: vec!["x-remote-extra-".into()],
        }
    }
}

impl Trust {
    /// Reads the data of the ConfigMap.
    ///
    /// # Errors
    /// The authorities are missing, or a list cannot be read.
    pub fn read(data: &BTreeMap<String, String>) -> Result<Self, TrustError> {
        let lower = |names: Vec<String>| names.iter().map(|name| name.to_ascii_lowercase()).collect::<Vec<_>>();
        let headers = |key| Ok::<_, TrustError>(list::<Vec<String>>(data, key)?.map(lower));
        let default = Self::default();
        let trust = Self {
            authorities: data.get(AUTHORITIES).cloned().ok_or(TrustError::Missing(AUTHORITIES))?,
            allowed_names: list(data, "requestheader-allowed-names")?.unwrap_or_default(),
            username_headers: headers("requestheader-username-headers")?.unwrap_or(default.username_headers),
            uid_headers: headers("requestheader-uid-headers")?.unwrap_or(default.uid_headers),
            group_headers: headers("requestheader-group-headers")?.unwrap_or(default.group_headers),
            extra_header_prefixes: headers("requestheader-extra-headers-prefix")?
                .unwrap_or(default.extra_header_prefixes),
        };
        trust.roots()?;
        Ok(trust)
    }

    /// The authorities, at least one.
    pub(super) fn roots(&self) -> Result<RootCertStore, TrustError> {
        let unreadable = |reason: String| TrustError::Unreadable {
            key: AUTHORITIES,
            reason,
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.authorities.as_bytes()) {
            let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(unreadable("it holds no certificate".into()));
        }
        Ok(roots)
    }

    /// Whether a certificate, whose signature was checked, has an allowed name.
    pub(super) fn allows(&self, certificate: &[u8]) -> bool {
        if self.allowed_names.is_empty() {
            return true;
        }
        let names = yasna::parse_der(certificate, common_names).unwrap_or_default();
        names.last().is_some_and(|name| self.allowed_names.contains(name))
    }
}

fn list<T: DeserializeOwned>(data: &BTreeMap<String, String>, key: &'static str) -> Result<Option<T>, TrustError> {
    let read = |text: &String| {
        serde_json::from_str(text).map_err(|error| TrustError::Unreadable {
            key,
            reason: error.to_string(),
        })
    };
    data.get(key).map(read).transpose()
}

/// The common names in the subject of an X.509 certificate.
fn common_names(certificate: BERReader<'_, '_>) -> ASN1Result<Vec<String>> {
    certificate.read_sequence(|certificate| {
        let names = certificate.next().read_sequence(|facts| {
            facts.read_optional(|version| version.read_tagged(Tag::context(0), |value| value.read_der()))?;
            // Serial number, algorithm, issuer, validity.
            for _ in 0..4 {
                facts.next().read_der()?;
            }
            let mut names = Vec::new();
            facts.next().read_sequence_of(|part| {
                part.read_set_of(|attribute| {
                    names.extend(common_name(attribute)?);
                    Ok(())
                })
            })?;
            while facts.read_optional(|value| value.read_der())?.is_some() {}
            Ok(names)
        })?;
        while certificate.read_optional(|value| value.read_der())?.is_some() {}
        Ok(names)
    })
}

fn common_name(attribute: BERReader<'_, '_>) -> ASN1Result<Option<String>> {
    attribute.read_sequence(|attribute| {
        let kind = attribute.next().read_oid()?;
        let value = attribute.next().read_der()?;
        if kind != ObjectIdentifier::from_slice(COMMON_NAME) {
            return Ok(None);
        }
        let text = yasna::parse_der(&value, |value| value.read_utf8string());
        Ok(Some(text.or_else(|_| {
            yasna::parse_der(&value, |value| value.read_printable_string())
        })?))
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};

    use super::*;

    fn certificate(value: DnValue) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationName, "Front");
        params.distinguished_name.push(DnType::CommonName, value);
        params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der()
            .to_vec()
    }

    #[test]
    fn a_certificate_is_known_by_its_common_name() {
        let printable = DnValue::PrintableString("front-proxy".try_into().unwrap());
        for name in [DnValue::Utf8String("front-proxy".into()), printable] {
            let certificate = certificate(name);
            let allows = |names: &[&str]| {
                let trust = Trust {
                    allowed_names: names.iter().map(|name| (*name).to_owned()).collect(),
                    ..Trust::default()
                };
                trust.allows(&certificate)
            };
            assert!(allows(&[]) && allows(&["front-proxy"]) && allows(&["other", "front-proxy"]));
            assert!(!allows(&["front"]) && !allows(&["Front"]));
        }
        let trust = Trust {
            allowed_names: vec!["front-proxy".into()],
            ..Trust::default()
        };
        assert!(!trust.allows(b"no certificate"));
    }

    #[test]
    fn the_config_map_is_read_or_refused() {
        let key = KeyPair::generate().unwrap();
        let pem = CertificateParams::default().self_signed(&key).unwrap().pem();
        let data = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            pairs.collect::<BTreeMap<_, _>>()
        };
        let trust = Trust::read(&data(&[
            ("requestheader-client-ca-file", &pem),
            ("requestheader-allowed-names", r#"["front-proxy-client"]"#),
            ("requestheader-username-headers", r#"["X-Remote-User"]"#),
            ("requestheader-extra-headers-prefix", r#"["X-Remote-Extra-"]"#),
        ]))
        .unwrap();
        assert_eq!(trust.allowed_names, ["front-proxy-client"]);
        assert_eq!(trust.username_headers, ["x-remote-user"]);
        assert_eq!(trust.roots().unwrap().len(), 1);
        for (pairs, part) in [
            (vec![], "no 'requestheader-client-ca-file'"),
            (vec![("requestheader-client-ca-file", "")], "holds no certificate"),
            (
                vec![
                    ("requestheader-client-ca-file", &*pem),
                    ("requestheader-allowed-names", "x"),
                ],
                "'requestheader-allowed-names'",
            ),
        ] {
            let error = Trust::read(&data(&pairs)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
