//! What was just written, on its way to digest without a detour over the disk.
//!
//! The queue holds one run of consecutive records. When it is full it takes nothing more until
//! digest has emptied it; what came meanwhile is read from disk, up to where the queue goes on.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::journal::Delivery;
use crate::model::ids::Seq;

/// Records that wait in memory.
const MAX_RECORDS: usize = 16_384;
/// Plain bytes of those among them that have their bodies.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The queue between writer and digest.
#[derive(Debug)]
pub(super) struct Handoff {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inner {
    fresh: VecDeque<Delivery>,
    bytes: usize,
    is_overflown: bool,
    tail: Seq,
    is_closed: bool,
    waiting: usize,
}

/// Where the next records are.
#[derive(Debug)]
pub(super) enum Next {
    /// Here.
    Fresh(Vec<Delivery>),
    /// On disk, up to this one.
    OnDisk(Seq),
    /// None came in time.
    Nothing,
}

impl Handoff {
    pub(super) fn new(tail: Seq) -> Self {
        Self {
            inner: Mutex::new(Inner {
                fresh: VecDeque::new(),
                bytes: 0,
                is_overflown: false,
                tail,
                is_closed: false,
                waiting: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Tells that records up to `tail` are on disk, and hands them over if there is room.
    pub(super) fn push(&self, deliveries: Vec<Delivery>, tail: Seq) {
        let mut inner = self.lock();
        if inner.fresh.is_empty() {
            inner.is_overflown = false;
        }
        for delivery in deliveries {
            let bytes = delivery.body.as_ref().map_or(0, bytes::Bytes::len);
            let has_room =
                inner.fresh.len() < MAX_RECORDS && inner.bytes.saturating_add(bytes) <= MAX_BYTES;
            // A gap would hide what comes after it, so one that does not fit ends the run.
            inner.is_overflown |= !has_room;
            if inner.is_overflown {
                break;
            }
            inner.bytes = inner.bytes.saturating_add(bytes);
            inner.fresh.push_back(delivery);
        }
        inner.tail = tail;
        let is_awaited = inner.waiting > 0;
        drop(inner);
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// Takes up to `max` records after `after`, waiting until `deadline` for the first.
    pub(super) fn next(&self, after: Seq, max: usize, deadline: Instant) -> Next {
        let mut inner = self.lock();
        loop {
            inner.forget_through(after);
            let wanted = after.next();
            match inner.fresh.front().map(|delivery| delivery.seq) {
                Some(first) if first == wanted => return Next::Fresh(inner.take(max)),
                Some(first) => return Next::OnDisk(Seq(first.0.saturating_sub(1))),
                None if inner.tail > after => return Next::OnDisk(inner.tail),
                None => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || inner.is_closed {
                return Next::Nothing;
            }
            inner.waiting = inner.waiting.saturating_add(1);
            inner = self
                .changed
                .wait_timeout(inner, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            inner.waiting = inner.waiting.saturating_sub(1);
        }
    }

    /// Lets nobody wait any more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget_through(&mut self, seq: Seq) {
        while self
            .fresh
            .front()
            .is_some_and(|delivery| delivery.seq <= seq)
        {
            self.pop();
        }
    }

    fn take(&mut self, max: usize) -> Vec<Delivery> {
        let count = max.min(self.fresh.len());
        (0..count).filter_map(|_| self.pop()).collect()
    }

    fn pop(&mut self) -> Option<Delivery> {
        let delivery = self.fresh.pop_front()?;
        let bytes = delivery.body.as_ref().map_or(0, bytes::Bytes::len);
        self.bytes = self.bytes.saturating_sub(bytes);
        Some(delivery)
    }
}
