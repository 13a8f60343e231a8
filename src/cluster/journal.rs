//! Serves the aggregated API in a cluster: a certificate, whom to trust, and the listener that the API server calls.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::permit::Reviews;
use crate::server::ServerState;
use crate::server::journal::{Certificate, publish, read_trust, serve, watch_trust};

/// How long until something that the API server did not answer is asked for again.
const PAUSE: Duration = Duration::from_secs(5);

/// How the aggregated API is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// The Service by which the API server calls it, in the operator's own namespace.
    pub service: String,
    /// Folder with `tls.crt` and `tls.key`; without one a certificate is made at each start, and the APIService is told.
    pub tls: Option<PathBuf>,
}

/// Serves until `stop` is cancelled. What the cluster does not give yet (the APIService, the trusted authorities) is
/// asked for again and again; nothing else waits for it.
pub async fn run(
    (client, reviews): (Client, Reviews),
    namespace: String,
    options: Options,
    listener: TcpListener,
    state: ServerState,
    stop: CancellationToken,
) {
    let certificate = match certificate(&namespace, &options) {
        Ok(certificate) => certificate,
        Err(error) => return tracing::error!(%error, "the aggregated API has no certificate and is not served"),
    };
    let Some(trusted) = until(&stop, "read whom to trust", || read_trust(&client)).await else {
        return;
    };
    let (sender, trust) = watch::channel(Arc::new(trusted));
    tokio::spawn(watch_trust(client.clone(), sender, stop.clone()));
    let telling = certificate.authority().map(|authority| {
        let (client, stop, authority) = (client.clone(), stop.clone(), authority.to_owned());
        tokio::spawn(async move {
            let tell = || publish(&client, &authority);
            until(&stop, "tell the APIService of the certificate", tell).await
        })
    });
    if let Err(error) = serve(listener, state, certificate, trust, reviews.reviewer(), stop).await {
        tracing::error!(%error, "the aggregated API broke off");
    }
    telling.iter().for_each(tokio::task::JoinHandle::abort);
}

fn certificate(namespace: &str, options: &Options) -> Result<Certificate, crate::server::journal::CertificateError> {
    match &options.tls {
        Some(folder) => Certificate::read(&folder.join("tls.crt"), &folder.join("tls.key")),
        None => Certificate::make(&[format!("{}.{namespace}.svc", options.service)]),
    }
}

/// Asks until there is an answer; `None` if told to stop before.
async fn until<T, E, F>(stop: &CancellationToken, what: &str, ask: impl Fn() -> F) -> Option<T>
where
    E: std::fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    loop {
        match ask().await {
            Ok(answer) => return Some(answer),
            Err(error) => tracing::warn!(%error, "failed to {what}; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
