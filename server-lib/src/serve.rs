//! From connections to the router: HTTP/1.1 with a bound on everything that a client may take its
//! time for. A host that serves the router itself does not need this.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::config::HttpConfig;
use crate::metrics::Metrics;

/// After an error of `accept`, such as too many open files, trying again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a connection above the bound is told.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\
    Content-Type: application/json\r\nContent-Length: 38\r\nConnection: close\r\n\r\n\
    {\"detail\":\"too many open connections\"}";

/// Buffers of one connection; a request's head must fit.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Serves until `shutdown` is ready, then lets running requests end for at most `patience`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: &HttpConfig,
    metrics: &Arc<Metrics>,
    shutdown: impl Future<Output = ()>,
    patience: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(MAX_HEAD_BYTES);
    let (stop, stopping) = watch::channel(());
    let open = TaskTracker::new();
    let places = Arc::new(Semaphore::new(config.max_connections));
    let mut shutdown = std::pin::pin!(shutdown);

    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tokio::spawn(turn_away(stream));
            continue;
        };
        // Answers are small and complete: waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let connection = http
            .serve_connection(TokioIo::new(stream), answer(router.clone(), peer))
            .with_upgrades();
        let (metrics, mut stopping) = (Arc::clone(metrics), stopping.clone());
        open.spawn(async move {
            metrics.connections.inc();
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                // The sender goes away at the end: no more requests after the one at work.
                _ = stopping.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            // Clients that go away or send no HTTP are everyday life.
            if let Err(error) = ended {
                tracing::debug!(error = %error, "a connection ended early");
            }
            metrics.connections.dec();
            drop(place);
        });
    }

    drop(listener);
    drop(stop);
    open.close();
    if tokio::time::timeout(patience, open.wait()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// Hands requests of a connection to the router, with the address of the peer.
fn answer(
    router: Router,
    peer: SocketAddr,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = http::Response<Body>,
    Error = std::convert::Infallible,
    Future = impl Future<Output = Result<http::Response<Body>, std::convert::Infallible>> + Send,
> + Send {
    service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    })
}

async fn turn_away(mut stream: TcpStream) {
    let told = tokio::time::timeout(Duration::from_secs(1), stream.write_all(TOO_MANY)).await;
    if told.is_err() {
        tracing::debug!("a surplus connection did not read its refusal");
    }
}
