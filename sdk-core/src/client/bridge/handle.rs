//! The handle itself: making one, handing envelopes out, flushing and closing.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::json;

use crate::client::bridge::error::BridgeError;
use crate::client::bridge::host_clock::HostClock;
use crate::client::bridge::options::{self, UnknownOption};
use crate::client::bridge::scopes::{GLOBAL, Scopes};
use crate::client::bridge::spans::Spans;
use crate::client::callback::guarded;
use crate::client::instance::Client;
use crate::client::session::SessionMode;
use crate::clock::Clock;
use crate::protocol::{DiscardReason, SessionStatus, Value};
use crate::ratelimit::DataCategory;
use crate::transport::outbox::{Outbox, Outgoing};
use crate::transport::{Transport, TransportOptions};

/// The SDK for another language. See the [module](crate::bridge) for how to wrap it.
///
/// ```
/// use mini_sentry::bridge::{Bridge, GLOBAL};
/// let options = r#"{"dsn": "http://0123456789abcdef0123456789abcdef@localhost/1"}"#;
/// let bridge = Bridge::with_outbox(options, 1_700_000_000_000.0)?;
/// bridge.set_tag(GLOBAL, "queue", Some("mails"))?;
/// bridge.capture_message(GLOBAL, "the cache is cold", "warning")?;
/// bridge.flush(0)?;
/// while let Some(envelope) = bridge.take_envelope()? {
///     // The host sends `envelope.bytes`, then:
///     bridge.response(envelope.id, 200, None, None)?;
/// }
/// # Ok::<(), mini_sentry::bridge::BridgeError>(())
/// ```
pub struct Bridge {
    pub(super) client: Arc<Client>,
    pub(super) scopes: Scopes,
    pub(super) spans: Spans,
    outbox: Option<Arc<Outbox>>,
    clock: Option<Arc<HostClock>>,
    unknown_options: Vec<UnknownOption>,
}

impl Bridge {
    /// A bridge whose host sends the envelopes, and tells the time as milliseconds since 1970.
    ///
    /// # Errors
    /// When the options cannot be read.
    pub fn with_outbox(options_json: &str, now_ms: f64) -> Result<Self, BridgeError> {
        let (options, unknown_options) = options::read(options_json)?;
        let clock = Arc::<HostClock>::default();
        clock.set(now_ms);
        let time: Arc<dyn Clock> = Arc::<HostClock>::clone(&clock);
        let slot = Arc::<OnceLock<Arc<Outbox>>>::default();
        let factory = {
            let (slot, time) = (Arc::clone(&slot), Arc::clone(&time));
            let max_bytes = options.max_queue_bytes;
            move |options: &TransportOptions| {
                let make = || Arc::new(Outbox::new(Arc::clone(&time), options, max_bytes));
                Arc::<Outbox>::clone(slot.get_or_init(make)) as Arc<dyn Transport>
            }
        };
        let client = Client::new(options.transport(factory), time);
        let mut bridge = Self::over(Arc::new(client), unknown_options);
        bridge.outbox = slot.get().cloned();
        bridge.clock = Some(clock);
        Ok(bridge)
    }

    /// A bridge over a client that Rust code made.
    #[must_use]
    pub fn with_client(client: Arc<Client>) -> Self {
        Self::over(client, Vec::new())
    }

    pub(crate) fn over(client: Arc<Client>, unknown_options: Vec<UnknownOption>) -> Self {
        let bridge = Self {
            scopes: Scopes::new(&client),
            spans: Spans::default(),
            client,
            outbox: None,
            clock: None,
            unknown_options,
        };
        if bridge.has_own_session() {
            // Without a session the rest works all the same.
            let _ = bridge.start_session(GLOBAL);
        }
        bridge
    }

    fn has_own_session(&self) -> bool {
        let options = self.client.options();
        options.auto_session_tracking && options.session_mode == SessionMode::Application
    }

    /// True while envelopes are made; without a DSN the bridge is off, and calls cost nothing.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.client.is_enabled()
    }

    /// The options that are not known here, as a JSON list of `{"name": …, "nearest": …}`, where
    /// `nearest` is the known name that was probably meant, or null.
    #[must_use]
    pub fn unknown_options(&self) -> String {
        let options = self.unknown_options.iter();
        let list = options.map(|option| json!({"name": option.name, "nearest": option.nearest}));
        Value::Array(list.collect()).to_string()
    }

    /// Tells the time as milliseconds since 1970; for a bridge with an outbox.
    pub fn set_now(&self, now_ms: f64) {
        if let Some(clock) = &self.clock {
            clock.set(now_ms);
        }
    }

    /// Takes the oldest envelope to send, if one may be sent now; for a bridge with an outbox.
    ///
    /// # Errors
    /// When the SDK fails.
    pub fn take_envelope(&self) -> Result<Option<Outgoing>, BridgeError> {
        self.guard(DataCategory::Internal, || {
            Ok(self.outbox.as_ref().and_then(|outbox| outbox.take()))
        })
    }

    /// In how many milliseconds to take the next envelope: 0 for now, -1 when none waits.
    #[must_use]
    pub fn next_take_ms(&self) -> f64 {
        let wait = self.guard(DataCategory::Internal, || {
            Ok(self.outbox.as_ref().and_then(|outbox| outbox.next_take()))
        });
        let wait = wait.ok().flatten();
        wait.map_or(-1.0, |wait| wait.as_secs_f64() * 1e3)
    }

    /// Says how it went with an envelope: the response's status, or 0 when there was no response,
    /// and its headers `X-Sentry-Rate-Limits` and `Retry-After`. True when the envelope waits for
    /// another try.
    ///
    /// # Errors
    /// When the SDK fails.
    pub fn response(
        &self,
        envelope: u64,
        status: u16,
        rate_limits: Option<&str>,
        retry_after: Option<&str>,
    ) -> Result<bool, BridgeError> {
        self.guard(DataCategory::Internal, || {
            let outbox = self.outbox.as_ref();
            Ok(outbox.is_some_and(|o| o.respond(envelope, status, rate_limits, retry_after)))
        })
    }

    /// Makes envelopes of everything captured so far, and waits so long for a thread of ours to
    /// send them. True when nothing is left to be sent; with an outbox that means, taken and
    /// answered.
    ///
    /// # Errors
    /// When the SDK fails.
    pub fn flush(&self, timeout_ms: u64) -> Result<bool, BridgeError> {
        self.guard(DataCategory::Internal, || {
            Ok(self.client.flush(Some(Duration::from_millis(timeout_ms))))
        })
    }

    /// Does what [`flush`](Self::flush) does and turns the bridge off. Envelopes in the outbox can
    /// still be taken.
    ///
    /// # Errors
    /// When the SDK fails.
    pub fn close(&self, timeout_ms: u64) -> Result<bool, BridgeError> {
        self.guard(DataCategory::Internal, || {
            if self.has_own_session() {
                self.scopes.hub(GLOBAL)?.end_session(SessionStatus::Exited);
            }
            Ok(self.client.close(Some(Duration::from_millis(timeout_ms))))
        })
    }

    /// Counts something that the host dropped: a category and a reason of client reports.
    ///
    /// # Errors
    /// When there is no such reason.
    pub fn record_loss(
        &self,
        category: &str,
        reason: &str,
        quantity: u64,
    ) -> Result<(), BridgeError> {
        self.guard(DataCategory::Internal, || {
            let reason = DiscardReason::from_name(reason)
                .ok_or(BridgeError::UnknownName { what: "reason" })?;
            let category = DataCategory::from_name(category);
            self.client.record_loss(category, reason, quantity);
            Ok(())
        })
    }

    /// What was lost and is not reported yet, as the JSON of a client report. Looking changes
    /// nothing: the counts leave with the next envelope.
    ///
    /// # Errors
    /// When the SDK fails.
    pub fn loss_report(&self) -> Result<String, BridgeError> {
        self.guard(DataCategory::Internal, || {
            let report = self.client.pending_losses().unwrap_or_default();
            serde_json::to_string(&report).map_err(|_| BridgeError::Internal)
        })
    }

    /// Does something, and lets no panic out; one counts as a loss of that category.
    pub(super) fn guard<R>(
        &self,
        category: DataCategory,
        f: impl FnOnce() -> Result<R, BridgeError>,
    ) -> Result<R, BridgeError> {
        guarded(f).unwrap_or_else(|| {
            let reason = DiscardReason::InternalSdkError;
            self.client.record_loss(category, reason, 1);
            Err(BridgeError::Internal)
        })
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge")
            .field("client", &self.client)
            .field("outbox", &self.outbox)
            .finish_non_exhaustive()
    }
}
