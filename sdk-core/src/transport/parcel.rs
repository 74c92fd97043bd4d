//! An envelope on its way, and the stamp that puts parcels in order.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::envelope::{Envelope, Payload};
use crate::protocol::Timestamp;

/// What an item's header and the bookkeeping about it are taken to weigh.
const ITEM_OVERHEAD_BYTES: usize = 256;
/// The same for a payload that is not bytes yet; only client reports are not.
const TYPED_PAYLOAD_BYTES: usize = 1024;

/// One envelope until it is delivered or given up.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) stamp: Stamp,
    pub(crate) envelope: Envelope,
    /// Whether the spool holds it too.
    pub(crate) is_spooled: bool,
    /// Whether it had to wait for a later try.
    pub(crate) has_waited: bool,
    /// How often the server failed over it, in a way that may be its own fault.
    pub(crate) faults: u8,
    /// Whether it was sent again because a connection had ended unseen.
    pub(crate) is_resent: bool,
}

impl Parcel {
    pub(crate) fn new(stamp: Stamp, envelope: Envelope) -> Self {
        Self {
            stamp,
            envelope,
            is_spooled: false,
            has_waited: false,
            faults: 0,
            is_resent: false,
        }
    }

    /// About how much memory the parcel takes.
    pub(crate) fn weight(&self) -> usize {
        let payloads = self.envelope.items.iter().map(|item| match &item.payload {
            Payload::Raw(bytes) => bytes.len(),
            _ => TYPED_PAYLOAD_BYTES,
        });
        payloads.fold(ITEM_OVERHEAD_BYTES, |sum, bytes| {
            sum.saturating_add(bytes)
                .saturating_add(ITEM_OVERHEAD_BYTES)
        })
    }
}

/// When an envelope was taken; unique, and in order by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    /// Milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// Counts on within one run.
    pub(crate) serial: u32,
    /// Drawn by lot, so that runs do not meet.
    pub(crate) run: u32,
}

/// Gives out stamps, from any thread.
#[derive(Debug)]
pub(crate) struct Stamps {
    run: u32,
    next: AtomicU32,
}

impl Stamps {
    pub(crate) fn new(run: u32) -> Self {
        Self {
            run,
            next: AtomicU32::new(0),
        }
    }

    pub(crate) fn next(&self, at_ms: u64) -> Stamp {
        Stamp {
            at_ms,
            serial: self.next.fetch_add(1, Ordering::Relaxed),
            run: self.run,
        }
    }
}

/// One look at both clocks: the steady one for pauses, the calendar for the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) unix_ms: u64,
}

impl Now {
    pub(crate) fn read() -> Self {
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            instant: Instant::now(),
            unix_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
        }
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        let ms = i64::try_from(self.unix_ms).unwrap_or(i64::MAX);
        Timestamp::from_nanos(ms.saturating_mul(1_000_000))
    }
}
