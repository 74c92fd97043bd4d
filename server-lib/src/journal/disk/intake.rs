//! The queue in front of the writer: bounded in bytes and records, refusing at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::journal::AppendError;
use crate::model::ids::Seq;
use crate::model::record::NewRecord;

/// Plain bytes that may wait for the writer.
const MAX_WAITING_BYTES: usize = 32 * 1024 * 1024;
/// Records that may wait for the writer.
const MAX_WAITING_RECORDS: u64 = 65_536;
/// Plain bytes of a group; a single request may have more.
const MAX_GROUP_BYTES: usize = 4 * 1024 * 1024;
/// A group of so many requests waits for no more.
const LARGE_GROUP: usize = 64;
/// What a record takes in memory besides its body, about.
const RECORD_BYTES: usize = 512;

/// The records of one request, and who waits for them.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) records: Vec<NewRecord>,
    pub(super) answer: oneshot::Sender<Result<Seq, AppendError>>,
}

/// What the writer does next.
#[derive(Debug)]
pub(super) enum Work {
    /// Writes these, all or none.
    Group(Vec<Request>),
    /// Closes the segment.
    Seal(Vec<oneshot::Sender<()>>),
    /// Nothing came for the time.
    Idle,
    /// Ends.
    Closed,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Intake {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    requests: VecDeque<(usize, Request)>,
    bytes: usize,
    records: u64,
    seals: Vec<oneshot::Sender<()>>,
    is_closed: bool,
    writer_waits: bool,
}

impl Intake {
    /// Queues a request unless that would let more than `room` records wait.
    pub(super) fn offer(&self, request: Request, room: u64) -> Result<(), AppendError> {
        let count = request.records.len() as u64;
        let bytes = request.records.iter().fold(0_usize, |sum, record| {
            sum.saturating_add(record.body.len())
                .saturating_add(RECORD_BYTES)
        });
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(AppendError::Closed);
        }
        let records = inner.records.saturating_add(count);
        let waiting = inner.bytes.saturating_add(bytes);
        let is_first = inner.requests.is_empty();
        if records > room
            || (!is_first && (waiting > MAX_WAITING_BYTES || records > MAX_WAITING_RECORDS))
        {
            return Err(AppendError::Busy);
        }
        inner.bytes = waiting;
        inner.records = records;
        inner.requests.push_back((bytes, request));
        let writer_waits = std::mem::take(&mut inner.writer_waits);
        drop(inner);
        if writer_waits {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Asks the writer to close the segment; the receiver hears when it has.
    pub(super) fn seal(&self) -> oneshot::Receiver<()> {
        let (answer, receiver) = oneshot::channel();
        let mut inner = self.lock();
        if !inner.is_closed {
            inner.seals.push(answer);
            inner.writer_waits = false;
            self.changed.notify_one();
        }
        receiver
    }

    /// Takes no more. What is queued is still written.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Returns what to do next, waiting up to `patience` for it. A group gathers until
    /// `not_before`, unless it has grown large.
    pub(super) fn next(&self, patience: Duration, not_before: Option<Instant>) -> Work {
        let mut inner = self.lock();
        if inner.has_nothing() && !inner.is_closed {
            inner.writer_waits = true;
            inner = self
                .changed
                .wait_timeout_while(inner, patience, |inner| {
                    inner.has_nothing() && !inner.is_closed
                })
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            inner.writer_waits = false;
        }
        if !inner.requests.is_empty() {
            let pause = not_before.map_or(Duration::ZERO, |at| {
                at.saturating_duration_since(Instant::now())
            });
            if !pause.is_zero() {
                inner = self
                    .changed
                    .wait_timeout_while(inner, pause, |inner| {
                        inner.requests.len() < LARGE_GROUP && !inner.is_closed
                    })
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            return Work::Group(inner.take_group());
        }
        if !inner.seals.is_empty() {
            return Work::Seal(std::mem::take(&mut inner.seals));
        }
        if inner.is_closed {
            return Work::Closed;
        }
        Work::Idle
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn has_nothing(&self) -> bool {
        self.requests.is_empty() && self.seals.is_empty()
    }

    fn take_group(&mut self) -> Vec<Request> {
        let mut group = Vec::with_capacity(self.requests.len());
        let mut group_bytes = 0_usize;
        while let Some((bytes, _)) = self.requests.front() {
            group_bytes = group_bytes.saturating_add(*bytes);
            if group_bytes > MAX_GROUP_BYTES && !group.is_empty() {
                break;
            }
            let Some((bytes, request)) = self.requests.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(bytes);
            self.records = self.records.saturating_sub(request.records.len() as u64);
            group.push(request);
        }
        group
    }
}
