//! A client whose transport keeps the bytes it would send, and whose clock moves by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mini_sentry::clock::Clock;
use mini_sentry::envelope::Envelope;
use mini_sentry::protocol::{DeviceContext, OsContext, RuntimeContext, Timestamp};
use mini_sentry::test::TestClock;
use mini_sentry::transport::{Transport, TransportOptions};
use mini_sentry::{Client, ClientOptions, Hub, Scope};

pub(super) const DSN: &str = "http://0123456789abcdef0123456789abcdef@localhost/1";
pub(super) const PUBLIC_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(super) const RELEASE: &str = "shop@1.2.3+45";
pub(super) const DIST: &str = "45";
pub(super) const ENVIRONMENT: &str = "staging";
pub(super) const SERVER: &str = "host-1";
/// When every play begins, and the same in the form that is sent.
const START_NANOS: i64 = 1_767_323_045_250_000_000;
pub(super) const START: &str = "2026-01-02T03:04:05.250Z";
const PATIENCE: Duration = Duration::from_secs(30);

/// Where captures are played.
pub(super) struct Stage {
    hub: Arc<Hub>,
    client: Arc<Client>,
    clock: Arc<TestClock>,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Stage {
    /// A stage with the usual options and more, and contexts that are the same on every machine.
    pub(super) fn new(options: impl FnOnce(ClientOptions) -> ClientOptions) -> Self {
        let stage = Self::bare(options);
        stage.hub.configure_scope(|scope| {
            let os = OsContext {
                name: Some("Linux".to_owned()),
                version: Some("12.11".to_owned()),
                kernel_version: Some("6.1.0".to_owned()),
                ..OsContext::default()
            };
            let device = DeviceContext {
                arch: Some("x86_64".to_owned()),
                ..DeviceContext::default()
            };
            let runtime = RuntimeContext {
                name: Some("rustc".to_owned()),
                version: Some("1.95.0".to_owned()),
                ..RuntimeContext::default()
            };
            scope.set_context("os", os);
            scope.set_context("device", device);
            scope.set_context("runtime", runtime);
        });
        stage
    }

    /// A stage on which the SDK finds out about the machine by itself.
    pub(super) fn bare(options: impl FnOnce(ClientOptions) -> ClientOptions) -> Self {
        let clock = TestClock::at(Timestamp::from_nanos(START_NANOS));
        let sent = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let recorder = Recorder {
            clock: Arc::clone(&clock),
            sent: Arc::clone(&sent),
        };
        let usual = ClientOptions::new()
            .dsn(DSN)
            .release(RELEASE)
            .dist(DIST)
            .environment(ENVIRONMENT)
            .clock(Arc::clone(&clock))
            .transport(move |_: &TransportOptions| {
                Arc::new(recorder.clone()) as Arc<dyn Transport>
            });
        let client = Arc::new(Client::new(options(usual), Arc::new(Arc::clone(&clock))));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::<Scope>::default()));
        Self {
            hub,
            client,
            clock,
            sent,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Moves the clock forward.
    pub(super) fn wait(&self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
    }

    /// Runs a function on the stage; returns what it does, and the envelopes that were sent.
    pub(super) fn play<R>(
        &self,
        act: impl FnOnce() -> R,
    ) -> Result<(R, Vec<Vec<u8>>), &'static str> {
        let result = Hub::run(Arc::clone(&self.hub), act);
        if !self.client.flush(Some(PATIENCE)) {
            return Err("the client did not send in time");
        }
        let sent = std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((result, sent))
    }

    /// The same where one envelope is sent and no other.
    pub(super) fn play_one<R>(&self, act: impl FnOnce() -> R) -> Result<(R, Vec<u8>), String> {
        let (result, sent) = self.play(act)?;
        let [one] = <[Vec<u8>; 1]>::try_from(sent)
            .map_err(|sent| format!("expected one envelope, got {}", sent.len()))?;
        Ok((result, one))
    }
}

/// Writes envelopes as the network transports do, with the time of sending.
#[derive(Clone)]
struct Recorder {
    clock: Arc<TestClock>,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Transport for Recorder {
    fn send(&self, mut envelope: Envelope) {
        envelope.header.sent_at = Some(self.clock.now());
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(envelope.to_vec());
    }
}
