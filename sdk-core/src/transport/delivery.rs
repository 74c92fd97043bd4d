//! What every network transport decides alike: what may be sent, as which bytes, and what an
//! answer means. No sockets here, and no waiting.

use std::sync::Arc;
use std::time::Duration;

use crate::envelope::{Envelope, EnvelopeWriter, ItemKind, Payload};
use crate::losses::Losses;
use crate::protocol::DiscardReason;
use crate::ratelimit::RateLimits;
use crate::transport::TransportOptions;
use crate::transport::backlog::Backlog;
use crate::transport::compress::{GZIP_FROM_BYTES, Gzip};
use crate::transport::parcel::{Now, Parcel, Stamps};
use crate::transport::retry::Backoff;
use crate::transport::spool::Spool;

/// Buffers that grew beyond this are given back after use.
const MAX_IDLE_BUFFER_BYTES: usize = 1 << 20;
/// How often a server may fail over one envelope before it is taken to be the envelope's fault.
const MAX_FAULTS: u8 = 3;

/// The state of delivery to one server.
pub(crate) struct Delivery {
    losses: Arc<Losses>,
    limits: RateLimits,
    backoff: Backoff,
    backlog: Backlog,
    /// Until when a rate limit holds the backlog, in milliseconds since 1970.
    held_until_ms: u64,
    stamps: Stamps,
    writer: EnvelopeWriter,
    plain: Vec<u8>,
    packed: Vec<u8>,
    gzip: Gzip,
}

/// A request's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) is_gzip: bool,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The server answered.
    Answer(Answer),
    /// There was no answer, or none that can be understood.
    Unreachable,
    /// A connection that was used before had ended before the request; nothing was answered.
    #[cfg_attr(
        not(feature = "http"),
        expect(
            dead_code,
            reason = "other libraries look after their connections themselves"
        )
    )]
    Stale,
}

/// What counts of an answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) rate_limits: Option<String>,
    pub(crate) retry_after: Option<String>,
}

impl Delivery {
    pub(crate) fn new(options: &TransportOptions, spool: Option<Arc<Spool>>) -> Self {
        let losses = Arc::clone(&options.losses);
        Self {
            limits: RateLimits::default(),
            backoff: Backoff::new(options.retry_base),
            backlog: Backlog::new(options.max_retry_bytes, spool, Arc::clone(&losses)),
            losses,
            held_until_ms: 0,
            stamps: Stamps::new(getrandom::u32().unwrap_or_default()),
            writer: EnvelopeWriter::default(),
            plain: Vec::new(),
            packed: Vec::new(),
            gzip: Gzip::default(),
        }
    }

    /// Takes an envelope in, without the items that a rate limit forbids; `None` when nothing
    /// worth sending is left.
    pub(crate) fn admit(&mut self, mut envelope: Envelope, now: Now) -> Option<Parcel> {
        let count_before = envelope.items.len();
        self.drop_limited(&mut envelope, now);
        let is_worth_sending = |kind: &ItemKind| *kind != ItemKind::ClientReport;
        let has_lost = envelope.items.len() < count_before;
        // A report must not travel alone in place of each event that a limit forbids.
        if has_lost
            && !envelope
                .items
                .iter()
                .any(|i| is_worth_sending(&i.header.kind))
        {
            self.restore_reports(&envelope);
            return None;
        }
        if envelope.items.is_empty() {
            return None;
        }
        Some(Parcel::new(self.stamps.next(now.unix_ms), envelope))
    }

    fn drop_limited(&self, envelope: &mut Envelope, now: Now) {
        let losses = &self.losses;
        let drop_counted = |item: &crate::envelope::Item| {
            if let Some(category) = item.category() {
                losses.record(category, DiscardReason::RatelimitBackoff, item.quantity());
            }
        };
        let mut has_lost_its_event = false;
        envelope.items.retain(|item| {
            let is_limited = item.header.kind != ItemKind::ClientReport
                && item
                    .category()
                    .is_some_and(|c| self.limits.is_limited(c, now.unix_ms).is_some());
            if is_limited {
                has_lost_its_event |= is_owner(&item.header.kind);
                drop_counted(item);
            }
            !is_limited
        });
        if has_lost_its_event {
            envelope.items.retain(|item| {
                let is_orphan = item.header.kind == ItemKind::Attachment;
                if is_orphan {
                    drop_counted(item);
                }
                !is_orphan
            });
        }
    }

    /// Whether the last try failed, so that new envelopes have to wait behind older ones.
    pub(crate) fn is_failing(&self) -> bool {
        self.backoff.is_failing()
    }

    /// How long until the oldest waiting parcel may be tried; `None` when none waits.
    pub(crate) fn next_try(&self, now: Now) -> Option<Duration> {
        if self.backlog.is_empty() {
            return None;
        }
        let held = Duration::from_millis(self.held_until_ms.saturating_sub(now.unix_ms));
        Some(self.backoff.wait(now.instant).max(held))
    }

    /// Lets a parcel wait.
    pub(crate) fn park(&mut self, parcel: Parcel) {
        self.backlog.park(parcel);
    }

    /// Takes the oldest waiting parcel when a try is due. One that a rate limit forbids goes on
    /// waiting, and all others with it: what survived an outage is not dropped for a minute's
    /// limit.
    pub(crate) fn take_due(&mut self, now: Now) -> Option<Parcel> {
        if !self.next_try(now)?.is_zero() {
            return None;
        }
        let parcel = self.backlog.take(now)?;
        match self.limit_on(&parcel, now) {
            Some(wait) => {
                self.hold(wait, now);
                self.backlog.park(parcel);
                None
            }
            None => Some(parcel),
        }
    }

    /// The bytes to send now; `None` when the envelope cannot be written, which is counted.
    pub(crate) fn encode(&mut self, parcel: &mut Parcel, now: Now) -> Option<Body<'_>> {
        for buffer in [&mut self.plain, &mut self.packed] {
            buffer.clear();
            buffer.shrink_to(MAX_IDLE_BUFFER_BYTES);
        }
        parcel.envelope.header.sent_at = Some(now.timestamp());
        if self
            .writer
            .write(&parcel.envelope, &mut self.plain)
            .is_err()
        {
            self.give_up(parcel, DiscardReason::InternalSdkError);
            return None;
        }
        let is_gzip = self.plain.len() >= GZIP_FROM_BYTES
            && self.gzip.compress(&self.plain, &mut self.packed);
        let bytes = if is_gzip { &self.packed } else { &self.plain };
        Some(Body { bytes, is_gzip })
    }

    /// Draws the conclusion from what became of a parcel. Returns it when it is to be sent
    /// again at once, over a new connection.
    pub(crate) fn settle(
        &mut self,
        mut parcel: Parcel,
        outcome: Outcome,
        now: Now,
    ) -> Option<Parcel> {
        match outcome {
            Outcome::Answer(answer) => self.settle_answer(parcel, &answer, now),
            Outcome::Stale if !parcel.is_resent => {
                parcel.is_resent = true;
                return Some(parcel);
            }
            Outcome::Stale | Outcome::Unreachable => self.retry(parcel, None, now),
        }
        None
    }

    /// Counts what waits in memory; for the end.
    pub(crate) fn give_up_waiting(&mut self) {
        self.backlog.give_up();
    }

    fn settle_answer(&mut self, mut parcel: Parcel, answer: &Answer, now: Now) {
        let is_failure = answer.status == 408 || answer.status >= 500;
        // On a failure `Retry-After` is about the server's health, not about a quota.
        let quota_wait = answer.retry_after.as_deref().filter(|_| !is_failure);
        let limits = answer.rate_limits.as_deref();
        self.limits
            .update_from_headers(limits, quota_wait, answer.status, now.unix_ms);
        if is_failure {
            let is_its_fault = !matches!(answer.status, 408 | 502..=504);
            parcel.faults = parcel.faults.saturating_add(u8::from(is_its_fault));
            if parcel.faults >= MAX_FAULTS {
                self.backoff.reset();
                self.give_up(&parcel, DiscardReason::SendError);
            } else {
                self.retry(parcel, pause_asked_for(answer, now), now);
            }
            return;
        }
        self.backoff.reset();
        match answer.status {
            200..=299 => self.backlog.forget(&parcel),
            429 if parcel.has_waited => {
                match self.limit_on(&parcel, now) {
                    Some(wait) => self.hold(wait, now),
                    None => self.backoff.fail(None, now.instant),
                }
                self.backlog.park(parcel);
            }
            // The server has counted it; only a report in it must be told again.
            429 => self.restore_reports(&parcel.envelope),
            _ => self.give_up(&parcel, DiscardReason::SendError),
        }
    }

    fn retry(&mut self, parcel: Parcel, pause: Option<Duration>, now: Now) {
        self.backoff.fail(pause, now.instant);
        self.backlog.park(parcel);
    }

    fn give_up(&mut self, parcel: &Parcel, reason: DiscardReason) {
        self.losses.record_envelope(&parcel.envelope, reason);
        self.backlog.forget(parcel);
    }

    fn restore_reports(&self, envelope: &Envelope) {
        for item in &envelope.items {
            if let Payload::ClientReport(report) = &item.payload {
                self.losses.restore(report);
            }
        }
    }

    fn hold(&mut self, wait: Duration, now: Now) {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.held_until_ms = now.unix_ms.saturating_add(wait_ms);
    }

    /// For how long a rate limit forbids any part of the parcel.
    fn limit_on(&self, parcel: &Parcel, now: Now) -> Option<Duration> {
        let items = parcel.envelope.items.iter();
        items
            .filter(|item| item.header.kind != ItemKind::ClientReport)
            .filter_map(|item| self.limits.is_limited(item.category()?, now.unix_ms))
            .max()
    }
}

/// Whether attachments of the same envelope belong to this item.
fn is_owner(kind: &ItemKind) -> bool {
    matches!(
        kind,
        ItemKind::Event | ItemKind::Transaction | ItemKind::Feedback
    )
}

/// The pause that a failing server asks for, read as rate limits read it.
fn pause_asked_for(answer: &Answer, now: Now) -> Option<Duration> {
    let text = answer.retry_after.as_deref()?;
    let mut limits = RateLimits::default();
    limits.update_from_headers(None, Some(text), answer.status, now.unix_ms);
    limits.is_all_limited(now.unix_ms)
}
