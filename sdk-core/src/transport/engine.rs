//! The order of work that both network transports share: what is sent when, what waits, and
//! for how long anybody waits for it.
//!
//! Several requests may be under way at once, each on a connection of its own, so that the
//! thread does not wait for an answer while there is more to send.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::envelope::Envelope;
use crate::transport::TransportOptions;
use crate::transport::delivery::{Body, Delivery, Outcome};
use crate::transport::parcel::{Now, Parcel};
use crate::transport::spool::Spool;

/// Requests under way at once.
pub(crate) const MAX_IN_FLIGHT: usize = 8;
/// How many answers are waited for together when all connections are busy: by the time that a
/// later answer is there the earlier ones mostly are, and the thread sleeps once, not each time.
const BATCH: usize = 6;
/// How long waiting for answers goes on at a stretch; new envelopes and deadlines are seen in
/// between.
pub(crate) const SLICE: Duration = Duration::from_millis(50);
/// How long an envelope waits for a free connection before it is put to those that wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// Carries requests to the server.
pub(crate) trait Wire: Send {
    /// Sends a request; false when the server cannot be reached. There is room for
    /// [`MAX_IN_FLIGHT`] of them.
    fn start(&mut self, ticket: Ticket, body: Body<'_>) -> bool;

    /// Waits for an answer for about so long: preferably the one of the request that was sent
    /// as the `place`-th of those under way, from 0.
    fn wait(&mut self, place: usize, patience: Duration) -> Option<(Ticket, Outcome)>;
}

/// Names a request that is under way.
pub(crate) type Ticket = u64;

/// Delivers over a wire.
pub(crate) struct Engine<W> {
    delivery: Delivery,
    spool: Option<Arc<Spool>>,
    has_adopted: bool,
    wire: W,
    in_flight: Vec<(Ticket, Parcel)>,
    next_ticket: Ticket,
    /// Whether nothing was sent since the last poll: then there is time to wait for answers.
    is_quiet: bool,
    /// Whether the server keeps all connections busy without answering.
    is_stalled: bool,
}

impl<W: Wire> Engine<W> {
    pub(crate) fn new(options: &TransportOptions, spool: Option<Arc<Spool>>, wire: W) -> Self {
        Self {
            delivery: Delivery::new(options, spool.clone()),
            spool,
            has_adopted: false,
            wire,
            in_flight: Vec::with_capacity(MAX_IN_FLIGHT),
            next_ticket: 0,
            is_quiet: true,
            is_stalled: false,
        }
    }

    /// Takes an envelope: sends it, or lets it wait.
    pub(crate) fn send(&mut self, envelope: Envelope) {
        self.adopt_once();
        self.is_quiet = false;
        let now = Now::read();
        let Some(parcel) = self.delivery.admit(envelope, now) else {
            return;
        };
        if !self.delivery.is_failing() && self.has_room() && !self.delivery.is_failing() {
            self.dispatch(parcel, now);
        } else {
            self.delivery.park(parcel);
            self.dispatch_due();
        }
    }

    /// Does what is due, and tells when to come again.
    pub(crate) fn poll(&mut self) -> Option<Duration> {
        self.adopt_once();
        if self.dispatch_due() {
            return Some(Duration::ZERO);
        }
        if !self.in_flight.is_empty() {
            if self.is_quiet {
                self.collect(0, SLICE);
            }
            self.is_quiet = true;
            return Some(Duration::ZERO);
        }
        self.delivery.next_try(Now::read())
    }

    /// Works until nothing is left or no time is.
    pub(crate) fn flush(&mut self, timeout: Duration) -> bool {
        self.adopt_once();
        let started = Instant::now();
        loop {
            let left = timeout.saturating_sub(started.elapsed());
            if self.dispatch_due() {
                continue;
            }
            if !self.in_flight.is_empty() {
                if left.is_zero() {
                    return false;
                }
                self.collect(0, left.min(SLICE));
                continue;
            }
            match self.delivery.next_try(Now::read()) {
                None => return true,
                Some(wait) if wait >= left => return false,
                Some(wait) => pause(wait),
            }
        }
    }

    /// Flushes, then keeps on disk what is left, or counts it.
    pub(crate) fn shutdown(&mut self, timeout: Duration) -> bool {
        let is_flushed = self.flush(timeout);
        for (_, parcel) in self.in_flight.drain(..) {
            self.delivery.park(parcel);
        }
        self.delivery.give_up_waiting();
        is_flushed
    }

    fn adopt_once(&mut self) {
        if !std::mem::replace(&mut self.has_adopted, true)
            && let Some(spool) = &self.spool
        {
            spool.adopt();
        }
    }

    /// Waits for a free connection; false when the server is too slow for that.
    fn has_room(&mut self) -> bool {
        if self.in_flight.len() < MAX_IN_FLIGHT {
            return true;
        }
        let patience = if self.is_stalled { SLICE } else { PATIENCE };
        let started = Instant::now();
        self.collect(BATCH.saturating_sub(1), SLICE);
        while self.in_flight.len() > MAX_IN_FLIGHT.saturating_sub(BATCH)
            && started.elapsed() < patience
        {
            self.collect(0, SLICE);
        }
        self.is_stalled = self.in_flight.len() >= MAX_IN_FLIGHT;
        !self.is_stalled
    }

    /// Sends the oldest parcel that waits, when it is due and a connection is free. Of those
    /// that have waited one is under way at a time, so that they arrive in their order; and a
    /// server that failed is tried with no more than that.
    fn dispatch_due(&mut self) -> bool {
        let is_free = if self.delivery.is_failing() {
            self.in_flight.is_empty()
        } else {
            self.in_flight.len() < MAX_IN_FLIGHT
                && !self.in_flight.iter().any(|(_, parcel)| parcel.has_waited)
        };
        let now = Now::read();
        match is_free.then(|| self.delivery.take_due(now)).flatten() {
            Some(parcel) => {
                self.dispatch(parcel, now);
                true
            }
            None => false,
        }
    }

    fn dispatch(&mut self, mut parcel: Parcel, now: Now) {
        let ticket = self.next_ticket;
        self.next_ticket = self.next_ticket.wrapping_add(1);
        let Some(body) = self.delivery.encode(&mut parcel, now) else {
            return;
        };
        if self.wire.start(ticket, body) {
            self.in_flight.push((ticket, parcel));
        } else {
            self.delivery
                .settle(parcel, Outcome::Unreachable, Now::read());
        }
    }

    /// Waits a little for an answer and acts on it.
    fn collect(&mut self, place: usize, patience: Duration) {
        let Some((ticket, outcome)) = self.wire.wait(place, patience) else {
            return;
        };
        self.is_stalled = false;
        let position = self.in_flight.iter().position(|(t, _)| *t == ticket);
        let Some(position) = position else {
            return;
        };
        let (_, parcel) = self.in_flight.swap_remove(position);
        let now = Now::read();
        if let Some(again) = self.delivery.settle(parcel, outcome, now) {
            self.dispatch(again, now);
        }
    }
}

/// Does nothing for a while.
fn pause(time: Duration) {
    let never = Mutex::new(());
    let guard = never.lock().unwrap_or_else(PoisonError::into_inner);
    // A spurious wake-up only makes the caller look again.
    drop(Condvar::new().wait_timeout(guard, time));
}
