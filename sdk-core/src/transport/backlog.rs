//! Parcels that wait for a better time: on disk when there is a spool, else in bounded memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::losses::Losses;
use crate::protocol::DiscardReason;
use crate::transport::parcel::{Now, Parcel, Stamp};
use crate::transport::spool::Spool;

/// What waits, oldest first.
pub(crate) struct Backlog {
    memory: BTreeMap<Stamp, Parcel>,
    memory_bytes: usize,
    max_bytes: usize,
    spool: Option<Arc<Spool>>,
    losses: Arc<Losses>,
}

impl Backlog {
    pub(crate) fn new(max_bytes: usize, spool: Option<Arc<Spool>>, losses: Arc<Losses>) -> Self {
        Self {
            memory: BTreeMap::new(),
            memory_bytes: 0,
            max_bytes,
            spool,
            losses,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.spool.as_ref().is_none_or(|spool| !spool.has_waiting())
    }

    /// Puts a parcel to the others; those that no longer fit are dropped, oldest first.
    pub(crate) fn park(&mut self, mut parcel: Parcel) {
        parcel.has_waited = true;
        if let Some(spool) = &self.spool {
            if parcel.is_spooled {
                spool.put_back(parcel.stamp);
                return;
            }
            if spool.store(parcel.stamp, &parcel.envelope) {
                return;
            }
        }
        self.memory_bytes = self.memory_bytes.saturating_add(parcel.weight());
        self.memory.insert(parcel.stamp, parcel);
        while self.memory_bytes > self.max_bytes {
            let Some(oldest) = self.pop_memory() else {
                break;
            };
            self.losses
                .record_envelope(&oldest.envelope, DiscardReason::NetworkError);
        }
    }

    /// Takes the oldest. It stays in the spool until it is [forgotten](Self::forget).
    pub(crate) fn take(&mut self, now: Now) -> Option<Parcel> {
        if let Some(spool) = &self.spool {
            let before = self.memory.first_key_value().map(|(stamp, _)| *stamp);
            if let Some(parcel) = spool.take_oldest(before, now) {
                return Some(parcel);
            }
        }
        self.pop_memory()
    }

    /// Forgets a parcel that is delivered or given up.
    pub(crate) fn forget(&self, parcel: &Parcel) {
        if let Some(spool) = self.spool.as_ref().filter(|_| parcel.is_spooled) {
            spool.remove(parcel.stamp);
        }
    }

    /// Counts what only memory holds; for the end.
    pub(crate) fn give_up(&mut self) {
        while let Some(parcel) = self.pop_memory() {
            self.losses
                .record_envelope(&parcel.envelope, DiscardReason::NetworkError);
        }
    }

    fn pop_memory(&mut self) -> Option<Parcel> {
        let (_, parcel) = self.memory.pop_first()?;
        self.memory_bytes = self.memory_bytes.saturating_sub(parcel.weight());
        Some(parcel)
    }
}
