//! A transport without a network: envelopes wait here until a host that has one takes them, sends
//! them its own way, and says how it went.
//!
//! Nothing here waits or asks the system for the time, so it works in a browser.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::envelope::{Envelope, Item, ItemKind, Payload};
use crate::losses::Losses;
use crate::protocol::DiscardReason;
use crate::ratelimit::RateLimits;
use crate::transport::{Transport, TransportOptions};

/// Envelopes that may be with the host at once; of one more, the oldest counts as delivered.
const MAX_IN_FLIGHT: usize = 64;
/// How often a server may fail over one envelope before it is taken to be the envelope's fault.
const MAX_FAULTS: u8 = 3;
/// First pause after a failure; each failure in a row doubles it.
const FIRST_PAUSE_MS: u64 = 1_000;
/// Longest pause between tries.
const MAX_PAUSE_MS: u64 = 60_000;
/// What an item's header and the bookkeeping about it are taken to weigh.
const ITEM_BYTES: usize = 256;

/// An envelope for the host to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Names the envelope when the host says how it went.
    pub id: u64,
    /// The request's body.
    pub bytes: Vec<u8>,
}

/// Keeps envelopes for a host that sends them.
pub struct Outbox {
    clock: Arc<dyn Clock>,
    losses: Arc<Losses>,
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Parcel>,
    waiting_bytes: usize,
    in_flight: BTreeMap<u64, Parcel>,
    limits: RateLimits,
    last_id: u64,
    failures: u32,
    paused_until_ms: u64,
}

struct Parcel {
    envelope: Envelope,
    weight: usize,
    faults: u8,
}

impl Outbox {
    /// Makes an outbox that holds so many bytes; the oldest envelopes go first when there are more.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, options: &TransportOptions, max_bytes: usize) -> Self {
        Self {
            clock,
            losses: Arc::clone(&options.losses),
            max_bytes,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        let nanos = self.clock.now().as_nanos();
        u64::try_from(nanos.div_euclid(1_000_000)).unwrap_or_default()
    }

    /// Takes the oldest envelope that may be sent now.
    pub fn take(&self) -> Option<Outgoing> {
        let (now_ms, sent_at) = (self.now_ms(), self.clock.now());
        let mut state = self.state();
        if state.paused_until_ms > now_ms {
            return None;
        }
        loop {
            let mut parcel = state.waiting.pop_front()?;
            state.waiting_bytes = state.waiting_bytes.saturating_sub(parcel.weight);
            if !self.drop_limited(&mut parcel.envelope, &state.limits, now_ms) {
                continue;
            }
            parcel.envelope.header.sent_at = Some(sent_at);
            let mut bytes = Vec::with_capacity(parcel.weight);
            if parcel.envelope.write_to(&mut bytes).is_err() {
                self.losses
                    .record_envelope(&parcel.envelope, DiscardReason::Invalid);
                continue;
            }
            state.last_id = state.last_id.saturating_add(1);
            let id = state.last_id;
            state.in_flight.insert(id, parcel);
            if state.in_flight.len() > MAX_IN_FLIGHT {
                state.in_flight.pop_first();
            }
            return Some(Outgoing { id, bytes });
        }
    }

    /// For how long there is nothing to take; `None` when nothing waits at all.
    pub fn next_take(&self) -> Option<Duration> {
        let state = self.state();
        let pause = state.paused_until_ms.saturating_sub(self.now_ms());
        (!state.waiting.is_empty()).then(|| Duration::from_millis(pause))
    }

    /// Says how it went: the response's status, or 0 when there was no response, and its headers
    /// `X-Sentry-Rate-Limits` and `Retry-After`. True when the envelope will be tried again.
    pub fn respond(
        &self,
        id: u64,
        status: u16,
        rate_limits: Option<&str>,
        retry_after: Option<&str>,
    ) -> bool {
        let now_ms = self.now_ms();
        let mut state = self.state();
        let has_failed = matches!(status, 0 | 408) || status >= 500;
        // On a failure `Retry-After` is about the server's health, not about a quota.
        let quota_wait = retry_after.filter(|_| !has_failed);
        state
            .limits
            .update_from_headers(rate_limits, quota_wait, status, now_ms);
        if has_failed {
            state.pause(status, retry_after, now_ms);
        } else {
            state.failures = 0;
            state.paused_until_ms = 0;
        }
        let Some(mut parcel) = state.in_flight.remove(&id) else {
            return false;
        };
        let is_its_fault = has_failed && !matches!(status, 0 | 408 | 502..=504);
        parcel.faults = parcel.faults.saturating_add(u8::from(is_its_fault));
        match status {
            200..=299 => false,
            _ if has_failed && parcel.faults < MAX_FAULTS => {
                state.waiting_bytes = state.waiting_bytes.saturating_add(parcel.weight);
                state.waiting.push_front(parcel);
                self.drop_oldest(&mut state, DiscardReason::NetworkError);
                true
            }
            // The server has counted it; only a report in it must be told again.
            429 => {
                self.restore_reports(&parcel.envelope);
                false
            }
            _ => {
                let reason = DiscardReason::SendError;
                self.losses.record_envelope(&parcel.envelope, reason);
                false
            }
        }
    }

    /// Drops what a rate limit forbids; false when nothing worth sending is left.
    fn drop_limited(&self, envelope: &mut Envelope, limits: &RateLimits, now_ms: u64) -> bool {
        let is_report = |item: &Item| item.header.kind == ItemKind::ClientReport;
        let is_limited = |item: &Item| {
            let limit = match item.category() {
                Some(category) => limits.is_limited(category, now_ms),
                None => limits.is_all_limited(now_ms),
            };
            !is_report(item) && limit.is_some()
        };
        let owns_files = |item: &Item| {
            matches!(
                item.header.kind,
                ItemKind::Event | ItemKind::Transaction | ItemKind::Feedback
            )
        };
        let is_orphaned = envelope
            .items
            .iter()
            .any(|i| owns_files(i) && is_limited(i));
        let count = envelope.items.len();
        envelope.items.retain(|item| {
            let is_orphan = is_orphaned && item.header.kind == ItemKind::Attachment;
            let is_dropped = is_orphan || is_limited(item);
            if let Some(category) = item.category().filter(|_| is_dropped) {
                let reason = DiscardReason::RatelimitBackoff;
                self.losses.record(category, reason, item.quantity());
            }
            !is_dropped
        });
        // A report must not travel alone in place of each event that a limit forbids.
        if envelope.items.len() < count && envelope.items.iter().all(is_report) {
            self.restore_reports(envelope);
            return false;
        }
        !envelope.items.is_empty()
    }

    fn drop_oldest(&self, state: &mut State, reason: DiscardReason) {
        while state.waiting_bytes > self.max_bytes {
            let Some(oldest) = state.waiting.pop_front() else {
                break;
            };
            state.waiting_bytes = state.waiting_bytes.saturating_sub(oldest.weight);
            self.losses.record_envelope(&oldest.envelope, reason);
        }
    }

    fn restore_reports(&self, envelope: &Envelope) {
        for item in &envelope.items {
            if let Payload::ClientReport(report) = &item.payload {
                self.losses.restore(report);
            }
        }
    }
}

impl State {
    fn pause(&mut self, status: u16, retry_after: Option<&str>, now_ms: u64) {
        let asked = retry_after.and_then(|text| {
            let mut limits = RateLimits::default();
            limits.update_from_headers(None, Some(text), status.max(500), now_ms);
            limits.is_all_limited(now_ms)
        });
        let pause = match asked {
            Some(pause) => u64::try_from(pause.as_millis()).unwrap_or(MAX_PAUSE_MS),
            // Envelopes that were under way together fail together, and count as one failure.
            None if self.paused_until_ms > now_ms => return,
            None => FIRST_PAUSE_MS
                .saturating_mul(1_u64.checked_shl(self.failures).unwrap_or(MAX_PAUSE_MS))
                .min(MAX_PAUSE_MS),
        };
        self.failures = self.failures.saturating_add(1).min(16);
        let until = now_ms.saturating_add(pause);
        self.paused_until_ms = until.max(self.paused_until_ms);
    }
}

impl Transport for Outbox {
    fn send(&self, mut envelope: Envelope) {
        let now_ms = self.now_ms();
        let mut state = self.state();
        if !self.drop_limited(&mut envelope, &state.limits, now_ms) {
            return;
        }
        let parcel = Parcel::new(envelope);
        state.waiting_bytes = state.waiting_bytes.saturating_add(parcel.weight);
        state.waiting.push_back(parcel);
        self.drop_oldest(&mut state, DiscardReason::QueueOverflow);
    }

    /// True when the host has taken everything and said how it went; there is no waiting here.
    fn flush(&self, _: Duration) -> bool {
        let state = self.state();
        state.waiting.is_empty() && state.in_flight.is_empty()
    }
}

impl Parcel {
    fn new(envelope: Envelope) -> Self {
        let payloads = envelope.items.iter().map(|item| match &item.payload {
            Payload::Raw(bytes) => bytes.len(),
            _ => ITEM_BYTES,
        });
        let weight = payloads.fold(ITEM_BYTES, |sum, bytes| {
            sum.saturating_add(bytes).saturating_add(ITEM_BYTES)
        });
        Self {
            envelope,
            weight,
            faults: 0,
        }
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Outbox")
            .field("waiting", &state.waiting.len())
            .field("in_flight", &state.in_flight.len())
            .finish_non_exhaustive()
    }
}
