//! The transport that a client is given.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::lanes::Lanes;
use crate::envelope::Envelope;
use crate::transport::engine::Engine;
use crate::transport::spool::Spool;
use crate::transport::{Transport, TransportFactory, TransportOptions};

/// Sends envelopes over HTTP from the thread that calls it.
///
/// Nothing is read or connected before the first envelope, besides making the spool's folder.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use mini_sentry::dsn::Dsn;
/// use mini_sentry::losses::Losses;
/// use mini_sentry::transport::http::HttpTransport;
/// use mini_sentry::transport::{Transport, TransportOptions};
///
/// let dsn = Dsn::parse("https://a1b2c3@errors.example.com/42")?;
/// let transport = HttpTransport::new(&TransportOptions::new(dsn, Arc::new(Losses::default())));
/// assert!(transport.flush(Duration::from_secs(1)));
/// # Ok::<(), mini_sentry::dsn::ParseDsnError>(())
/// ```
pub struct HttpTransport {
    engine: Mutex<Engine<Lanes>>,
    /// Beside the engine, for a panicking thread cannot wait for it.
    spool: Option<Arc<Spool>>,
}

impl HttpTransport {
    /// Makes the transport.
    #[must_use]
    pub fn new(options: &TransportOptions) -> Self {
        let spool = options
            .spool
            .as_ref()
            .and_then(|spool| Spool::open(spool, Arc::clone(&options.losses)));
        let engine = Engine::new(options, spool.clone(), Lanes::new(options));
        Self {
            engine: Mutex::new(engine),
            spool,
        }
    }

    fn engine(&self) -> MutexGuard<'_, Engine<Lanes>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for HttpTransport {
    fn send(&self, envelope: Envelope) {
        self.engine().send(envelope);
    }

    fn keep(&self, envelope: &Envelope) -> bool {
        self.spool
            .as_ref()
            .is_some_and(|spool| spool.keep(envelope))
    }

    fn poll(&self) -> Option<Duration> {
        self.engine().poll()
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.engine().flush(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        self.engine().shutdown(timeout)
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}

/// Makes [`HttpTransport`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpTransportFactory;

impl TransportFactory for HttpTransportFactory {
    fn create(&self, options: &TransportOptions) -> Arc<dyn Transport> {
        Arc::new(HttpTransport::new(options))
    }
}
