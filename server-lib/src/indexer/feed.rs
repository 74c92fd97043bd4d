//! What goes from digest to the indexer, and how far the index is.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::model::ids::{PartitionId, Seq};
use crate::store::{Applied, Batch};

/// Events that may wait for the indexer; beyond them it reads what it needs from the store.
const MAX_EVENTS: usize = 8192;
/// Who searches waits for no more than so many events.
const FEW_EVENTS: u64 = 1024;

/// A batch that is in the store.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// What digest made.
    pub(super) batch: Arc<Batch>,
    /// What became of it.
    pub(super) applied: Arc<Applied>,
    /// The partition, with its first place.
    pub(super) partition: (PartitionId, Seq),
}

/// What goes from digest to the indexer, and how far the index is.
#[derive(Debug)]
pub struct Feed {
    queue: Mutex<Queue>,
    changed: Condvar,
    written: watch::Sender<Seq>,
}

#[derive(Debug, Default)]
struct Queue {
    batches: VecDeque<Stored>,
    events: usize,
    /// The last record that digest stored.
    stored: Seq,
    /// Events that are stored and not written to the index, as far as that is known.
    unwritten: u64,
    /// The last record that is in the index.
    written: Seq,
    /// The last record that somebody waits for.
    awaited: Seq,
    /// Whether something was taken out of the index.
    is_changed: bool,
    order: Order,
}

impl Queue {
    /// Reports whether somebody waits for what could be written now.
    fn is_awaited(&self) -> bool {
        self.written < self.awaited.min(self.stored)
    }
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// As ever.
    #[default]
    Run,
    /// Write what there is, then end.
    Drain,
    /// End.
    Stop,
}

/// What the indexer finds when it looks.
#[derive(Debug)]
pub(super) struct Look {
    /// The next batch.
    pub(super) batch: Option<Stored>,
    /// The last record that digest stored.
    pub(super) stored: Seq,
    /// Whether somebody waits.
    pub(super) is_awaited: bool,
    /// Whether something was taken out of the index since the last look.
    pub(super) is_changed: bool,
    /// Whether to go on.
    pub(super) order: Order,
}

impl Feed {
    /// Starts where digest and the index are.
    #[must_use]
    pub fn new(stored: Seq, indexed: Seq) -> Self {
        let queue = Queue {
            stored,
            written: indexed,
            unwritten: stored.0.saturating_sub(indexed.0),
            ..Queue::default()
        };
        Self {
            queue: Mutex::new(queue),
            changed: Condvar::new(),
            written: watch::Sender::new(indexed),
        }
    }

    /// Hands a batch on that is in the store. Never waits: when the indexer is far behind, it reads
    /// from the store instead.
    pub fn push(&self, batch: Arc<Batch>, applied: Arc<Applied>) {
        let mut queue = self.lock();
        queue.stored = queue.stored.max(batch.last);
        let events = applied.stored.len();
        queue.unwritten = queue.unwritten.saturating_add(events as u64);
        if let Some(partition) = applied.partition {
            queue.events = queue.events.saturating_add(batch.events.len());
            queue.batches.push_back(Stored {
                batch,
                applied,
                partition,
            });
        }
        if queue.events > MAX_EVENTS {
            queue.batches = VecDeque::new();
            queue.events = 0;
        }
        drop(queue);
        self.changed.notify_all();
    }

    /// Returns the last record that is in the index.
    #[must_use]
    pub fn position(&self) -> Seq {
        *self.written.borrow()
    }

    /// Waits until everything that digest has stored is in the index. When that is much, as while
    /// events come fast, it does not wait: the answer then lacks the last seconds. Returns whether
    /// the index is complete.
    pub async fn settle(&self, patience: Duration) -> bool {
        let stored = {
            let mut queue = self.lock();
            if self.position() >= queue.stored {
                return true;
            }
            queue.awaited = queue.awaited.max(queue.stored);
            if queue.unwritten > FEW_EVENTS {
                return false;
            }
            queue.stored
        };
        self.changed.notify_all();
        self.reached(stored, patience).await
    }

    /// Waits until a record is in the index; false when that takes longer than `patience`.
    pub async fn reached(&self, seq: Seq, patience: Duration) -> bool {
        {
            let mut queue = self.lock();
            queue.awaited = queue.awaited.max(seq);
        }
        self.changed.notify_all();
        let mut position = self.written.subscribe();
        let reached = position.wait_for(|position| *position >= seq);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// Tells that something was taken out of the index: what comes again is written again.
    pub fn changed(&self) {
        self.lock().is_changed = true;
    }

    /// Returns the next batch, waiting for it until the one moment, or the other when somebody waits.
    /// An order ends the waiting too.
    pub(super) fn look(&self, until: Instant, until_for_others: Instant) -> Look {
        let mut queue = self.lock();
        while queue.batches.is_empty() && queue.order == Order::Run {
            let end = if queue.is_awaited() {
                until_for_others
            } else {
                until
            };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let (after, _) = self
                .changed
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner);
            queue = after;
        }
        let batch = queue.batches.pop_front();
        let events = batch.as_ref().map_or(0, |stored| stored.batch.events.len());
        queue.events = queue.events.saturating_sub(events);
        Look {
            batch,
            stored: queue.stored,
            is_awaited: queue.is_awaited(),
            is_changed: std::mem::take(&mut queue.is_changed),
            order: queue.order,
        }
    }

    /// Tells that the index is written up to a record; `events` of those behind it are gathered.
    pub(super) fn wrote(&self, position: Seq, events: u64) {
        let mut queue = self.lock();
        queue.unwritten = events.saturating_add(queue.events as u64);
        queue.written = position;
        drop(queue);
        self.written.send_replace(position);
    }

    /// Gives an order.
    pub(super) fn order(&self, order: Order) {
        self.lock().order = order;
        self.changed.notify_all();
    }

    /// Waits for so long, or until the order is to stop.
    pub(super) fn rest(&self, pause: Duration) -> Order {
        let goes_on = |queue: &mut Queue| queue.order != Order::Stop;
        let waited = self.changed.wait_timeout_while(self.lock(), pause, goes_on);
        waited.unwrap_or_else(PoisonError::into_inner).0.order
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_awaited(feed: &Feed) -> bool {
        let now = Instant::now();
        feed.look(now, now).is_awaited
    }

    #[tokio::test]
    async fn who_waits_while_less_is_written_is_not_forgotten() {
        let feed = Feed::new(Seq(7), Seq(1));
        assert!(!is_awaited(&feed));
        assert!(!feed.reached(Seq(7), Duration::ZERO).await);
        feed.wrote(Seq(4), 0);
        assert!(is_awaited(&feed), "records 5 to 7 are waited for");
        feed.wrote(Seq(7), 0);
        assert!(!is_awaited(&feed));
        assert!(feed.settle(Duration::ZERO).await);
    }

    #[tokio::test]
    async fn who_waits_for_what_is_not_stored_yet_makes_nobody_hurry() {
        let feed = Feed::new(Seq(3), Seq(3));
        assert!(!feed.reached(Seq(9), Duration::ZERO).await);
        assert!(!is_awaited(&feed));
    }
}
