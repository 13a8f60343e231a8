//! Accepts connections and serves them until told to stop. Invariant: a client that sends nothing, or too slowly, holds
//! one of a bounded number of connections for a bounded time; and a server that is told to stop, stops.

use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::router;
use super::state::ServerState;

/// How many connections are open at most; further clients wait to be accepted.
const CONNECTIONS_MAX: u32 = 4_096;
/// The largest head of a request, in bytes.
const HEAD_MAX: usize = 32 * 1024;
/// How long a connection is kept; its client then makes a new one. One that never reads its answers ends here.
const LIFETIME: Duration = Duration::from_mins(10);
/// How long requests under way may take when a connection is to end.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when the machine has no more file descriptors.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Serves until `stop` is cancelled, then takes no more requests and lets those under way finish, for ten seconds at
/// most.
///
/// # Errors
/// The address of the listener cannot be read. A connection that fails is its client's loss, and a lack of file
/// descriptors passes.
pub async fn serve(listener: TcpListener, state: ServerState, stop: CancellationToken) -> std::io::Result<()> {
    let read_timeout = state.settings.read_timeout;
    let router = router(state);
    accept(listener, stop.clone(), move |stream| {
        let (router, stop) = (router.clone(), stop.clone());
        async move { connection(stream, router, read_timeout, &stop).await }
    })
    .await
}

/// Accepts connections until `stop` is cancelled, each served in a task of its own, and waits until all are closed.
pub(super) async fn accept<F>(
    listener: TcpListener,
    stop: CancellationToken,
    serve: impl Fn(TcpStream) -> F,
) -> std::io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tracing::info!(address = %listener.local_addr()?, "serving");
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
    while let Some((stream, place)) = next(&listener, &room, &stop).await {
        // Without it small answers wait for the acknowledgement of the client.
        let _ = stream.set_nodelay(true);
        let serving = serve(stream);
        tokio::spawn(async move {
            serving.await;
            drop(place);
        });
    }
    drop(listener);
    // All places are free when all connections are closed; the semaphore itself is never closed.
    let _ = room.acquire_many(CONNECTIONS_MAX).await;
    Ok(())
}

/// The next client with its place; `None` when the server is told to stop.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let accepting = async {
        let place = room.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, place)),
                Err(error) if is_of_client(error.kind()) => {}
                Err(error) => {
                    tracing::error!(%error, "failed to accept a connection");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => None,
        accepted = accepting => accepted,
    }
}

/// Whether a connection failed before it was accepted, which says nothing of the next.
fn is_of_client(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

/// Serves one connection to its end.
pub(super) async fn connection<S>(stream: S, router: Router, read_timeout: Duration, stop: &CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(read_timeout)
        .max_buf_size(HEAD_MAX);
    let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut serving = pin!(serving);
    tokio::select! {
        // How a connection ends is its client's affair.
        _ = serving.as_mut() => return,
        () = stop.cancelled() => {}
        () = tokio::time::sleep(LIFETIME) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(DRAIN, serving).await;
}
