//! The TLS listener that the API server calls. Invariant: a request is read only on a connection whose client
//! certificate is signed by a trusted authority and has an allowed name; a change of the authorities holds from the next
//! connection on.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::access::{Door, Reviewer};
use super::certificate::{Certificate, CertificateError};
use super::trust::Trust;
use super::{Journal, of};
use crate::server::gate;
use crate::server::listener::{self, connection};
use crate::server::state::ServerState;

/// What makes connections.
struct Acceptor {
    certificate: Certificate,
    trust: watch::Receiver<Arc<Trust>>,
    /// Made of the certificate and this trust.
    made: std::sync::Mutex<(Arc<Trust>, Arc<ServerConfig>)>,
    read_timeout: Duration,
}

/// Serves the aggregated API to the API server until `stop` is cancelled.
///
/// # Errors
/// The certificate or the trusted authorities cannot be used, or the address of the listener cannot be read.
pub async fn serve(
    listener: TcpListener,
    state: ServerState,
    certificate: Certificate,
    trust: watch::Receiver<Arc<Trust>>,
    reviewer: Arc<dyn Reviewer>,
    stop: CancellationToken,
) -> Result<(), CertificateError> {
    let first = trust.borrow().clone();
    let acceptor = Arc::new(Acceptor {
        made: std::sync::Mutex::new((first.clone(), certificate.serving(&first)?)),
        certificate,
        trust: trust.clone(),
        read_timeout: state.settings.read_timeout,
    });
    let router = router(state, Door::FrontProxy { trust, reviewer });
    let serving = listener::accept(listener, stop.clone(), move |stream| {
        let (acceptor, router, stop) = (acceptor.clone(), router.clone(), stop.clone());
        async move { acceptor.serve(stream, router, &stop).await }
    });
    let unusable = |error: std::io::Error| CertificateError::Unusable(error.to_string());
    serving.await.map_err(unusable)
}

fn router(state: ServerState, door: Door) -> Router {
    let max_body = state.settings.max_body;
    of(Journal { state, door })
        .layer(DefaultBodyLimit::max(max_body))
        .layer(middleware::map_response(gate::with_headers))
}

impl Acceptor {
    /// How connections are made now.
    fn config(&self) -> Result<(Arc<Trust>, Arc<ServerConfig>), CertificateError> {
        let trust = self.trust.borrow().clone();
        let mut made = self.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if made.0 != trust {
            *made = (trust.clone(), self.certificate.serving(&trust)?);
        }
        Ok(made.clone())
    }

    async fn serve(&self, stream: TcpStream, router: Router, stop: &CancellationToken) {
        let (trust, config) = match self.config() {
            Ok(made) => made,
            Err(error) => return tracing::error!(%error, "a connection of the API server was refused"),
        };
        let shaking = tokio::time::timeout(self.read_timeout, TlsAcceptor::from(config).accept(stream));
        let stream = match shaking.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => return,
        };
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        if !certificates.first().is_some_and(|first| trust.allows(first)) {
            return tracing::warn!("a client has a certificate of a trusted authority, but not an allowed name");
        }
        connection(stream, router, self.read_timeout, stop).await;
    }
}
