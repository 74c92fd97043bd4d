//! The time as the host says it.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::Clock;
use crate::protocol::Timestamp;

/// Shows the time that the host set last.
#[derive(Debug, Default)]
pub(super) struct HostClock {
    nanos: AtomicI64,
}

impl HostClock {
    /// Sets the time; what is no time changes nothing.
    pub(super) fn set(&self, now_ms: f64) {
        if let Some(now) = Timestamp::from_seconds(now_ms / 1e3) {
            self.nanos.store(now.as_nanos(), Ordering::Relaxed);
        }
    }
}

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}
