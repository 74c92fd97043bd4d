//! A transport that keeps what it is given, for tests of programs that use the SDK.
//!
//! ```
//! use mini_sentry::test::with_captured_envelopes;
//! let envelopes = with_captured_envelopes(|| {
//!     mini_sentry::capture_message("hello", mini_sentry::Level::Info);
//! });
//! assert_eq!(envelopes[0].event().unwrap().message.as_ref().unwrap().text(), "hello");
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::client::hub::Hub;
use crate::client::instance::Client;
use crate::client::options::ClientOptions;
use crate::client::scope::Scope;
use crate::clock::{Clock, SystemClock};
use crate::envelope::{Envelope, Item, Payload};
use crate::protocol::{Event, Timestamp};
use crate::transport::{Transport, TransportOptions};

/// How long a test waits for what it captured.
const PATIENCE: Duration = Duration::from_secs(30);
/// A place that is never reached: nothing leaves the process.
const DSN: &str = "http://0123456789abcdef0123456789abcdef@localhost/1";

/// Keeps the envelopes that it is given.
#[derive(Clone, Debug, Default)]
pub struct TestTransport {
    envelopes: Arc<Mutex<Vec<Envelope>>>,
}

impl TestTransport {
    /// Takes what was sent so far, with JSON payloads read into their types again.
    #[must_use]
    pub fn take(&self) -> Vec<Envelope> {
        let mut envelopes = self
            .envelopes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *envelopes)
            .into_iter()
            .map(typed)
            .collect()
    }
}

fn typed(mut envelope: Envelope) -> Envelope {
    for item in &mut envelope.items {
        if let Payload::Raw(bytes) = &item.payload
            && let Ok(read) = Item::read(item.header.clone(), bytes)
        {
            *item = read;
        }
    }
    envelope
}

impl Transport for TestTransport {
    fn send(&self, envelope: Envelope) {
        self.envelopes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(envelope);
    }
}

/// Runs a function with a client that keeps what it would send, and returns the envelopes.
pub fn with_captured_envelopes(run: impl FnOnce()) -> Vec<Envelope> {
    with_captured_envelopes_options(ClientOptions::new(), run)
}

/// The same with options of one's own; a DSN is filled in.
pub fn with_captured_envelopes_options(
    options: impl Into<ClientOptions>,
    run: impl FnOnce(),
) -> Vec<Envelope> {
    let transport = TestTransport::default();
    let kept = transport.clone();
    let mut options: ClientOptions = options.into();
    if options.dsn.is_none() {
        options = options.dsn(DSN);
    }
    let clock = options
        .clock
        .clone()
        .unwrap_or_else(|| Arc::new(SystemClock));
    let options = options
        .transport(move |_: &TransportOptions| Arc::new(transport.clone()) as Arc<dyn Transport>);
    let client = Arc::new(Client::new(options, clock));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::<Scope>::default()));
    Hub::run(hub, run);
    client.close(Some(PATIENCE));
    kept.take()
}

/// Runs a function and returns the events that it captured.
pub fn with_captured_events(run: impl FnOnce()) -> Vec<Event> {
    with_captured_envelopes(run)
        .iter()
        .filter_map(|envelope| envelope.event().cloned())
        .collect()
}

/// A clock that stands still until a test moves it.
#[derive(Debug, Default)]
pub struct TestClock {
    now: Mutex<Timestamp>,
}

impl TestClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            now: Mutex::new(now),
        })
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.plus(by);
    }
}

impl Clock for Arc<TestClock> {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
