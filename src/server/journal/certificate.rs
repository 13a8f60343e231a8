//! The certificate that this API is served with: given in files, or made here. A made one is its own authority, which
//! the APIService then names, so that the API server knows whom it talks to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, crypto};

use super::trust::Trust;

/// A certificate with its key.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// Who signed it, in PEM, where it was made here.
    authority: Option<String>,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("the certificate or key in {file} cannot be read: {reason}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// It cannot be made.
    #[error("a serving certificate cannot be made: {0}")]
    Made(#[from] rcgen::Error),
    /// It cannot be served with.
    #[error("the certificate cannot be used: {0}")]
    Unusable(String),
}

impl Certificate {
    /// Makes one for these names, such as `riposte.security.svc`.
    ///
    /// # Errors
    /// A name is none, or the system has no random numbers.
    pub fn make(names: &[String]) -> Result<Self, CertificateError> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "riposte journal");
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            authority: Some(certificate.pem()),
        })
    }

    /// Reads one of PEM files.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let failed = |file: &Path, error: rustls::pki_types::pem::Error| CertificateError::File {
            file: file.to_owned(),
            reason: error.to_string(),
        };
        let chain = CertificateDer::pem_file_iter(certificate).map_err(|error| failed(certificate, error))?;
        let chain: Result<Vec<_>, _> = chain.collect();
        Ok(Self {
            chain: chain.map_err(|error| failed(certificate, error))?,
            key: PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, error))?,
            authority: None,
        })
    }

    /// What an APIService must name as `caBundle`, in PEM; `None` for a certificate that was given.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// How connections are made: only with a client certificate of the trusted authorities.
    pub(super) fn serving(&self, trust: &Trust) -> Result<Arc<ServerConfig>, CertificateError> {
        let unusable = |error: &dyn std::fmt::Display| CertificateError::Unusable(error.to_string());
        let provider = Arc::new(crypto::ring::default_provider());
        let roots = trust.roots().map_err(|error| unusable(&error))?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = verifier.build().map_err(|error| unusable(&error))?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|error| unusable(&error))?;
        Ok(Arc::new(config))
    }
}
