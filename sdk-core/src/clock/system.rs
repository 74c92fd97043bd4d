//! The system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::clock::{Clock, coarse};
use crate::protocol::Timestamp;

/// The system's clock. Not for browsers, which give their own.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_roughly(&self) -> Timestamp {
        coarse::now().unwrap_or_else(|| self.now())
    }

    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}
