//! Memory of requests: all bodies together have a bound.
//!
//! A request accounts for bytes as they arrive and not as it announces them, so that slow senders
//! of large promises cannot take the room of others.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::Refusal;

/// Bytes of one permit: the grain of the account.
const UNIT: usize = 1024;
/// How long a request waits for others to finish before it is refused.
const PATIENCE: Duration = Duration::from_millis(500);

/// The bound.
#[derive(Debug)]
pub(super) struct Budget {
    room: Arc<Semaphore>,
    max_bytes: usize,
    gauge: Gauge,
}

impl Budget {
    /// Makes a budget that shows its use in the gauge.
    pub(super) fn new(max_bytes: usize, gauge: Gauge) -> Self {
        let units = (max_bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            room: Arc::new(Semaphore::new(units)),
            max_bytes,
            gauge,
        }
    }

    /// Returns the bound.
    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Opens an account that holds nothing yet.
    pub(super) fn open(&self) -> Held {
        Held {
            room: Arc::clone(&self.room),
            max_bytes: self.max_bytes,
            permit: None,
            units: 0,
            gauge: self.gauge.clone(),
        }
    }
}

/// What one request holds; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    room: Arc<Semaphore>,
    max_bytes: usize,
    permit: Option<OwnedSemaphorePermit>,
    units: u32,
    gauge: Gauge,
}

impl Held {
    /// Accounts for `bytes` in all, waiting shortly for room.
    pub(super) async fn reach(&mut self, bytes: usize) -> Result<(), Refusal> {
        let Some(missing) = self.missing(bytes)? else {
            return Ok(());
        };
        let permit = match Arc::clone(&self.room).try_acquire_many_owned(missing) {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(Refusal::Busy),
            Err(TryAcquireError::NoPermits) => {
                let waiting = Arc::clone(&self.room).acquire_many_owned(missing);
                match tokio::time::timeout(PATIENCE, waiting).await {
                    Ok(Ok(permit)) => permit,
                    Ok(Err(_)) | Err(_) => return Err(Refusal::Busy),
                }
            }
        };
        self.keep(permit, missing);
        Ok(())
    }

    /// Accounts for `bytes` in all, without waiting.
    pub(super) fn reach_now(&mut self, bytes: usize) -> Result<(), Refusal> {
        let Some(missing) = self.missing(bytes)? else {
            return Ok(());
        };
        let permit = Arc::clone(&self.room)
            .try_acquire_many_owned(missing)
            .map_err(|_| Refusal::Busy)?;
        self.keep(permit, missing);
        Ok(())
    }

    /// Hands everything that is held to a new owner.
    pub(super) fn take(&mut self) -> Self {
        Self {
            room: Arc::clone(&self.room),
            max_bytes: self.max_bytes,
            permit: self.permit.take(),
            units: std::mem::take(&mut self.units),
            gauge: self.gauge.clone(),
        }
    }

    /// Gives back what is held beyond `bytes`.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let keep = units(bytes);
        let excess = self.units.saturating_sub(keep);
        let split = usize::try_from(excess)
            .ok()
            .and_then(|excess| self.permit.as_mut()?.split(excess));
        if split.is_some() {
            self.units = keep;
            self.gauge.dec_by(to_bytes(excess));
        }
    }

    /// Returns how many units are missing, `None` when there are enough.
    fn missing(&self, bytes: usize) -> Result<Option<u32>, Refusal> {
        if bytes > self.max_bytes {
            return Err(Refusal::TooLarge {
                what: "body in memory",
                limit: u64::try_from(self.max_bytes).unwrap_or(u64::MAX),
            });
        }
        let missing = units(bytes).saturating_sub(self.units);
        Ok((missing > 0).then_some(missing))
    }

    fn keep(&mut self, permit: OwnedSemaphorePermit, units: u32) {
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        self.units = self.units.saturating_add(units);
        self.gauge.inc_by(to_bytes(units));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gauge.dec_by(to_bytes(self.units));
    }
}

/// A body in memory, accounted for until it is dropped.
#[derive(Debug)]
pub struct HeldBody {
    bytes: Bytes,
    held: Held,
}

impl HeldBody {
    pub(super) fn new(bytes: Bytes, held: Held) -> Self {
        Self { bytes, held }
    }

    /// Accounts for `bytes` in all, as far as there is so much at all: what is made of the body takes
    /// memory, too. Waits shortly for room.
    ///
    /// # Errors
    ///
    /// When others hold what is missing.
    pub async fn reserve(&mut self, bytes: usize) -> Result<(), Refusal> {
        let bytes = bytes.min(self.held.max_bytes);
        self.held.reach(bytes).await
    }

    /// Accounts for `bytes` in all without waiting, for work on another thread.
    ///
    /// # Errors
    ///
    /// When others hold what is missing, or there is not so much at all.
    pub fn reserve_now(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.held.reach_now(bytes)
    }

    pub(super) fn into_parts(self) -> (Bytes, Held) {
        (self.bytes, self.held)
    }
}

impl Deref for HeldBody {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

fn to_bytes(units: u32) -> i64 {
    i64::from(units).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_held_is_given_back_and_shown() {
        let gauge = Gauge::default();
        let budget = Budget::new(10 * UNIT, gauge.clone());
        let mut first = budget.open();
        first.reach(6 * UNIT).await.unwrap();
        first.reach(100).await.unwrap();
        assert_eq!(gauge.get(), 6 * 1024);
        let mut second = budget.open();
        assert_eq!(second.reach_now(5 * UNIT), Err(Refusal::Busy));
        first.shrink(2 * UNIT);
        second.reach_now(8 * UNIT).unwrap();
        drop(first);
        drop(second);
        assert_eq!(gauge.get(), 0);
        budget.open().reach_now(10 * UNIT).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_room_and_not_for_ever() {
        let budget = Budget::new(4 * UNIT, Gauge::default());
        let mut first = budget.open();
        first.reach(4 * UNIT).await.unwrap();
        let mut second = budget.open();
        assert_eq!(second.reach(UNIT).await, Err(Refusal::Busy));
        let (outcome, ()) = tokio::join!(second.reach(UNIT), async { drop(first) });
        assert_eq!(outcome, Ok(()));
    }

    #[tokio::test]
    async fn what_can_never_fit_is_too_large_and_not_busy() {
        let budget = Budget::new(4 * UNIT, Gauge::default());
        let refusal = budget.open().reach(5 * UNIT).await.unwrap_err();
        assert_eq!(refusal.code(), "too_large");
    }
}
