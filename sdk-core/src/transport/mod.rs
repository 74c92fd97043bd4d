//! Getting finished envelopes to a server.
//!
//! A transport is called by one thread of ours at a time and may block it; it never meets the
//! threads of the host. What it cannot deliver it counts in [`Losses`].

#[cfg(any(feature = "http", feature = "reqwest"))]
mod backlog;
#[cfg(any(feature = "http", feature = "reqwest"))]
mod compress;
#[cfg(any(feature = "http", feature = "reqwest"))]
mod delivery;
#[cfg(any(feature = "http", feature = "reqwest"))]
mod engine;
#[cfg(any(feature = "http", feature = "reqwest"))]
mod headers;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "bridge")]
pub mod outbox;
#[cfg(any(feature = "http", feature = "reqwest"))]
mod parcel;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(any(feature = "http", feature = "reqwest"))]
mod retry;
#[cfg(any(feature = "http", feature = "reqwest"))]
mod spool;
#[cfg(any(feature = "http", feature = "reqwest"))]
mod tls;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::dsn::Dsn;
use crate::envelope::Envelope;
use crate::losses::Losses;

/// Delivers envelopes.
pub trait Transport: Send + Sync + 'static {
    /// Takes one envelope to deliver. JSON payloads come as bytes, already scrubbed; client
    /// reports come typed.
    fn send(&self, envelope: Envelope);

    /// Writes an envelope where it survives the end of the process, for delivery by a later
    /// [`poll`](Transport::poll) or at the next start; false when there is no such place. May be
    /// called on any thread, also while another is in `send`.
    fn keep(&self, envelope: &Envelope) -> bool {
        let _ = envelope;
        false
    }

    /// Does what is due, such as trying again; called between envelopes and when idle. Returns
    /// how long until it wants to be called again, if at all.
    fn poll(&self) -> Option<Duration> {
        None
    }

    /// Waits until everything taken is delivered or given up; false when time ran out.
    fn flush(&self, timeout: Duration) -> bool {
        let _ = timeout;
        true
    }

    /// The last call: delivers what it can in the time, and keeps or counts the rest.
    fn shutdown(&self, timeout: Duration) -> bool {
        self.flush(timeout)
    }
}

/// Makes a transport; called again after a fork, for the child must not share connections.
pub trait TransportFactory: Send + Sync + 'static {
    /// Makes the transport.
    fn create(&self, options: &TransportOptions) -> Arc<dyn Transport>;
}

impl<F> TransportFactory for F
where
    F: Fn(&TransportOptions) -> Arc<dyn Transport> + Send + Sync + 'static,
{
    fn create(&self, options: &TransportOptions) -> Arc<dyn Transport> {
        self(options)
    }
}

/// What a transport has to know.
#[derive(Clone)]
#[non_exhaustive]
pub struct TransportOptions {
    /// Where to send.
    pub dsn: Dsn,
    /// Name and version of the client, for `User-Agent` and `sentry_client`.
    pub user_agent: String,
    /// Where losses are counted.
    pub losses: Arc<Losses>,
    /// Proxy for `http` addresses.
    pub http_proxy: Option<String>,
    /// Proxy for `https` addresses.
    pub https_proxy: Option<String>,
    /// PEM certificates to trust beside the built-in ones.
    pub ca_certs: Option<PathBuf>,
    /// Trusts any certificate; for tests of one's own set-up only.
    pub accept_invalid_certs: bool,
    /// Where envelopes wait while the server cannot be reached.
    pub spool: Option<SpoolOptions>,
    /// Bytes of envelopes that wait in memory for another try.
    pub max_retry_bytes: usize,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// The longest first pause after a failure; pauses double up to sixty times this.
    pub retry_base: Duration,
}

impl TransportOptions {
    /// Options with their defaults.
    #[must_use]
    pub fn new(dsn: Dsn, losses: Arc<Losses>) -> Self {
        Self {
            dsn,
            user_agent: concat!("mini-sentry.rust/", env!("CARGO_PKG_VERSION")).to_owned(),
            losses,
            http_proxy: None,
            https_proxy: None,
            ca_certs: None,
            accept_invalid_certs: false,
            spool: None,
            max_retry_bytes: 4 << 20,
            request_timeout: Duration::from_secs(15),
            retry_base: Duration::from_secs(1),
        }
    }
}

impl fmt::Debug for TransportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Proxies may carry passwords.
        f.debug_struct("TransportOptions")
            .field("dsn", &self.dsn)
            .field("spool", &self.spool)
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

/// A bounded place on disk for envelopes that wait.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SpoolOptions {
    /// The folder; made when it is not there, readable by its owner only.
    pub dir: PathBuf,
    /// Bytes that it may hold; the oldest go first.
    pub max_bytes: u64,
    /// How old an envelope may get.
    pub max_age: Duration,
}

impl SpoolOptions {
    /// A spool of at most 32 MiB and 30 days.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            max_bytes: 32 << 20,
            max_age: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}
