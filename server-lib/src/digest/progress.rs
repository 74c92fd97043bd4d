//! How far digest is, for readers that want to see what was just accepted, and what it digested,
//! for the live feed.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, watch};

use crate::model::ids::{IssueId, ProjectId, Seq};

/// Slow followers of the live feed lose the oldest of these batches.
const KEPT_BATCHES: usize = 64;

/// Over how much time the pace is taken.
const PACE_TIME: Duration = Duration::from_secs(1);
/// Records a second that are many.
const FAST: u64 = 2_000;

/// How far digest is.
#[derive(Debug)]
pub struct Progress {
    position: watch::Sender<Seq>,
    digested: broadcast::Sender<Arc<Vec<Digested>>>,
    is_closed: watch::Sender<bool>,
    is_awaited: Mutex<bool>,
    awaited: Condvar,
    pace: Mutex<Pace>,
}

/// How fast records come.
#[derive(Debug)]
struct Pace {
    since: Instant,
    from: Seq,
    is_fast: bool,
}

impl Pace {
    fn advance(&mut self, position: Seq, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= PACE_TIME {
            let records = position.0.saturating_sub(self.from.0);
            let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            let second = records.saturating_mul(1_000) / millis.max(1);
            *self = Self {
                since: now,
                from: position,
                is_fast: second >= FAST,
            };
        }
    }

    fn is_fast(&self, now: Instant) -> bool {
        self.is_fast && now.saturating_duration_since(self.since) < PACE_TIME.saturating_mul(2)
    }
}

/// An event that is now visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digested {
    /// Whose it is.
    pub project: ProjectId,
    /// Its place.
    pub seq: Seq,
    /// Its issue.
    pub issue: IssueId,
    /// Whether it opened the issue.
    pub is_new_issue: bool,
}

impl Progress {
    /// Starts at what the store has.
    #[must_use]
    pub fn new(position: Seq) -> Self {
        Self {
            position: watch::Sender::new(position),
            digested: broadcast::Sender::new(KEPT_BATCHES),
            is_closed: watch::Sender::new(false),
            is_awaited: Mutex::new(false),
            awaited: Condvar::new(),
            pace: Mutex::new(Pace {
                since: Instant::now(),
                from: position,
                is_fast: false,
            }),
        }
    }

    /// Returns the last digested record.
    #[must_use]
    pub fn position(&self) -> Seq {
        *self.position.borrow()
    }

    /// Reports whether records come so fast that who reads sees them a moment later anyway, and
    /// waiting for each would only make small batches.
    #[must_use]
    pub fn is_fast(&self) -> bool {
        let pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.is_fast(Instant::now())
    }

    /// Waits until `seq` is digested; false when that takes longer than `patience`.
    pub async fn reached(&self, seq: Seq, patience: Duration) -> bool {
        if self.position() >= seq {
            return true;
        }
        let mut position = self.position.subscribe();
        *self
            .is_awaited
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.awaited.notify_one();
        let reached = position.wait_for(|position| *position >= seq);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// Lets records gather for so long, or until somebody waits for them. Blocks the thread.
    pub fn gather(&self, time: Duration) {
        let is_awaited = self
            .is_awaited
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .awaited
            .wait_timeout_while(is_awaited, time, |awaited| !*awaited);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }

    /// Tells that a batch is in the store.
    pub fn advance(&self, position: Seq, events: Vec<Digested>) {
        self.position.send_replace(position);
        self.pace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .advance(position, Instant::now());
        if !events.is_empty() {
            // Nobody may be listening.
            let _ = self.digested.send(Arc::new(events));
        }
    }

    /// Returns how many follow.
    #[must_use]
    pub fn followers(&self) -> usize {
        self.digested.receiver_count()
    }

    /// Tells followers that the server shuts down.
    pub fn close(&self) {
        self.is_closed.send_replace(true);
    }

    /// Waits until the server shuts down.
    pub async fn closed(&self) {
        // An error would mean that the sender is gone, which `self` holds.
        let _ = self.is_closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// Follows what is digested from now on.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Arc<Vec<Digested>>> {
        self.digested.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_second_and_is_forgotten() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let mut pace = Pace {
            since: begin,
            from: Seq(0),
            is_fast: false,
        };
        pace.advance(Seq(5_000), at(500));
        assert!(!pace.is_fast(at(500)), "half a second tells nothing");
        pace.advance(Seq(5_000), at(1_000));
        assert!(pace.is_fast(at(1_500)));
        assert!(!pace.is_fast(at(3_000)), "nothing came since");
        pace.advance(Seq(6_000), at(3_000));
        assert!(!pace.is_fast(at(3_000)));
    }
}
