//! Keeping what the SDK does from being captured by the SDK.

use std::cell::Cell;

use crate::client::is_sdk_thread;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Lives while this thread is capturing.
pub(crate) struct Inside(());

impl Inside {
    /// `None` when this thread is capturing already, belongs to the SDK, or is ending.
    pub(crate) fn enter() -> Option<Self> {
        let was_inside = INSIDE.try_with(|inside| inside.replace(true));
        (was_inside == Ok(false))
            .then_some(Self(()))
            .filter(|_| !is_sdk_thread())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // The value is gone only when the thread is.
        let _ = INSIDE.try_with(|inside| inside.set(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_inside_once_until_it_leaves() {
        let inside = Inside::enter();
        assert!(inside.is_some());
        assert!(Inside::enter().is_none());
        let elsewhere = std::thread::spawn(|| Inside::enter().is_some());
        assert!(elsewhere.join().unwrap());
        drop(inside);
        assert!(Inside::enter().is_some());
    }
}
