//! The trait.

use std::fmt;

use crate::protocol::Timestamp;

/// Tells the time. Browsers give their own, tests one that they move.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Now, to a few milliseconds, where that is cheaper to tell.
    fn now_roughly(&self) -> Timestamp {
        self.now()
    }
}
