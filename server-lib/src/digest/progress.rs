//! How far digest is, for readers that want to see what was just accepted, and what it digested,
//! for the live feed.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use crate::model::ids::{IssueId, ProjectId, Seq};

/// Slow followers of the live feed lose the oldest of these batches.
const KEPT_BATCHES: usize = 64;

/// How far digest is.
#[derive(Debug)]
pub struct Progress {
    position: watch::Sender<Seq>,
    digested: broadcast::Sender<Arc<Vec<Digested>>>,
    is_closed: watch::Sender<bool>,
    is_awaited: Mutex<bool>,
    awaited: Condvar,
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
        }
    }

    /// Returns the last digested record.
    #[must_use]
    pub fn position(&self) -> Seq {
        *self.position.borrow()
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
