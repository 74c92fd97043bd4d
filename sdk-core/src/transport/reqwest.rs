//! Delivery with `reqwest`, on a tokio runtime of the host.
//!
//! The thread that calls the transport only decides and waits; connections live on the runtime.
//! It never waits without a deadline, so a runtime that is gone, or that waits for us, costs
//! time but is no deadlock.

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Proxy, Url};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::dsn::Scheme;
use crate::envelope::Envelope;
use crate::transport::delivery::{Body, Outcome};
use crate::transport::engine::{Engine, MAX_IN_FLIGHT, Ticket, Wire};
use crate::transport::headers::{MAX_ANSWER_BYTES, read_answer, request_headers};
use crate::transport::spool::Spool;
use crate::transport::{Transport, TransportFactory, TransportOptions, tls};

/// How long one address may take to accept.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends envelopes with `reqwest`.
///
/// The runtime must have its drivers for I/O and time on, as `#[tokio::main]` does. A flush
/// from inside a runtime of one thread cannot progress: it ends with its time.
pub struct ReqwestTransport {
    engine: Mutex<Engine<TokioWire>>,
    /// Beside the engine, for a panicking thread cannot wait for it.
    spool: Option<Arc<Spool>>,
}

impl ReqwestTransport {
    /// Makes the transport on the runtime that this thread is in. Where there is none, it makes
    /// one of its own, which runs while the transport is called.
    #[must_use]
    pub fn new(options: &TransportOptions) -> Self {
        let home = match Handle::try_current() {
            Ok(handle) => Home::Host(handle),
            Err(_) => Home::own(),
        };
        Self::on(options, home)
    }

    /// Makes the transport on a runtime.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mini_sentry::dsn::Dsn;
    /// use mini_sentry::transport::TransportOptions;
    /// use mini_sentry::transport::reqwest::ReqwestTransport;
    ///
    /// let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// let dsn = Dsn::parse("https://a1b2c3@errors.example.com/42")?;
    /// let options = TransportOptions::new(dsn, Arc::default());
    /// let transport = ReqwestTransport::with_handle(&options, runtime.handle().clone());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_handle(options: &TransportOptions, handle: Handle) -> Self {
        Self::on(options, Home::Host(handle))
    }

    fn on(options: &TransportOptions, home: Home) -> Self {
        let spool = options
            .spool
            .as_ref()
            .and_then(|spool| Spool::open(spool, Arc::clone(&options.losses)));
        let engine = Engine::new(options, spool.clone(), TokioWire::new(options, home));
        Self {
            engine: Mutex::new(engine),
            spool,
        }
    }

    fn engine(&self) -> MutexGuard<'_, Engine<TokioWire>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for ReqwestTransport {
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

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}

/// Makes [`ReqwestTransport`]s on the runtime that the client is made in.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReqwestTransportFactory;

impl TransportFactory for ReqwestTransportFactory {
    fn create(&self, options: &TransportOptions) -> Arc<dyn Transport> {
        Arc::new(ReqwestTransport::new(options))
    }
}

/// Where requests run.
enum Home {
    Host(Handle),
    /// Runs while somebody waits for answers.
    Own(Runtime),
    /// There is none, and none can be made.
    Nowhere,
}

impl Home {
    fn own() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.map_or(Self::Nowhere, Self::Own)
    }

    fn handle(&self) -> Option<&Handle> {
        match self {
            Self::Host(handle) => Some(handle),
            Self::Own(runtime) => Some(runtime.handle()),
            Self::Nowhere => None,
        }
    }
}

/// Requests as tasks on a runtime.
struct TokioWire {
    /// Behind an `Option` only so that it can be given up gently.
    home: Option<Home>,
    client: Option<Client>,
    url: Option<Url>,
    headers: Option<HeaderMap>,
    timeout: Duration,
    running: Vec<Running>,
    done: Receiver<(Ticket, Outcome)>,
    reports: Reports,
}

struct Running {
    ticket: Ticket,
    task: AbortHandle,
    since: Instant,
}

/// Takes what became of a request back to the thread that waits.
#[derive(Clone)]
struct Reports {
    sender: Sender<(Ticket, Outcome)>,
    notify: Arc<Notify>,
}

/// The promise to report about one request, kept even when its task is dropped or panics.
struct Report {
    ticket: Ticket,
    outcome: Outcome,
    reports: Reports,
}

impl Report {
    fn settle(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Unreachable);
        // Nobody listens any more when the transport is gone.
        let _ = self.reports.sender.send((self.ticket, outcome));
        self.reports.notify.notify_one();
    }
}

impl TokioWire {
    fn new(options: &TransportOptions, home: Home) -> Self {
        let (sender, done) = channel();
        let notify = Arc::default();
        Self {
            home: Some(home),
            client: client(options),
            url: options.dsn.envelope_url().parse().ok(),
            headers: request_headers(options),
            timeout: options.request_timeout,
            running: Vec::with_capacity(MAX_IN_FLIGHT),
            done,
            reports: Reports { sender, notify },
        }
    }

    fn try_start(&self, ticket: Ticket, body: Body<'_>) -> Option<Running> {
        let handle = self.home.as_ref()?.handle()?;
        let mut headers = self.headers.clone()?;
        if body.is_gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let request = self
            .client
            .as_ref()?
            .post(self.url.clone()?)
            .headers(headers)
            .body(body.bytes.to_vec());
        let report = Report {
            ticket,
            outcome: Outcome::Unreachable,
            reports: self.reports.clone(),
        };
        let task = handle.spawn(async move {
            let outcome = exchange(request).await;
            report.settle(outcome);
        });
        Some(Running {
            ticket,
            task: task.abort_handle(),
            since: Instant::now(),
        })
    }

    /// The next report that has come about a request that is still cared for.
    fn next_done(&mut self) -> Option<(Ticket, Outcome)> {
        while let Ok((ticket, outcome)) = self.done.try_recv() {
            if self.forget(ticket) {
                return Some((ticket, outcome));
            }
        }
        None
    }

    /// Forgets a request; false when it was given up before.
    fn forget(&mut self, ticket: Ticket) -> bool {
        let count_before = self.running.len();
        self.running.retain(|running| running.ticket != ticket);
        self.running.len() < count_before
    }

    fn next_overdue(&mut self) -> Option<(Ticket, Outcome)> {
        let timeout = self.timeout;
        let is_overdue = |running: &Running| running.since.elapsed() >= timeout;
        let position = self.running.iter().position(is_overdue)?;
        let overdue = self.running.remove(position);
        overdue.task.abort();
        Some((overdue.ticket, Outcome::Unreachable))
    }
}

impl Wire for TokioWire {
    fn start(&mut self, ticket: Ticket, body: Body<'_>) -> bool {
        let running = self.try_start(ticket, body);
        let is_started = running.is_some();
        self.running.extend(running);
        is_started
    }

    fn wait(&mut self, _place: usize, patience: Duration) -> Option<(Ticket, Outcome)> {
        if let Some(done) = self.next_done().or_else(|| self.next_overdue()) {
            return Some(done);
        }
        let first_due = self.running.iter().map(|running| running.since).min()?;
        let left = self.timeout.saturating_sub(first_due.elapsed());
        let patience = patience.min(left);
        match &self.home {
            // A runtime cannot run inside another one; then waiting is all that is left.
            Some(Home::Own(runtime)) if Handle::try_current().is_err() => {
                let news = self.reports.notify.notified();
                runtime.block_on(async {
                    // Time that is over says as much as news that came.
                    let _ = tokio::time::timeout(patience, news).await;
                });
            }
            _ => {
                let (ticket, outcome) = self.done.recv_timeout(patience).ok()?;
                return self.forget(ticket).then_some((ticket, outcome));
            }
        }
        self.next_done().or_else(|| self.next_overdue())
    }
}

impl Drop for TokioWire {
    fn drop(&mut self) {
        for running in &self.running {
            running.task.abort();
        }
        // A runtime must not be dropped inside another one, but may be let go.
        if let Some(Home::Own(runtime)) = self.home.take() {
            runtime.shutdown_background();
        }
    }
}

fn client(options: &TransportOptions) -> Option<Client> {
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(MAX_IN_FLIGHT)
        .http1_only()
        .referer(false)
        .tls_backend_preconfigured(tls::client_config(options)?)
        // What the environment says has been read into the options.
        .no_proxy();
    let proxy = match options.dsn.scheme() {
        Scheme::Https => &options.https_proxy,
        Scheme::Http => &options.http_proxy,
    };
    if let Some(proxy) = proxy.as_deref().filter(|text| !text.trim().is_empty()) {
        builder = builder.proxy(Proxy::all(proxy.trim()).ok()?);
    }
    builder.build().ok()
}

async fn exchange(request: reqwest::RequestBuilder) -> Outcome {
    let Ok(mut response) = request.send().await else {
        return Outcome::Unreachable;
    };
    let answer = read_answer(response.status(), response.headers());
    let mut read = 0_usize;
    // The rest is read only to keep the connection.
    while let Ok(Some(chunk)) = response.chunk().await {
        read = read.saturating_add(chunk.len());
        if read > MAX_ANSWER_BYTES {
            break;
        }
    }
    Outcome::Answer(answer)
}
