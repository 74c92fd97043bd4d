//! The time, for every module that depends on it, so that tests can move it.

use std::fmt;

use crate::model::time::Millis;

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// Returns the time now.
    fn now(&self) -> Millis;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let since_1970 = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
    }
}
