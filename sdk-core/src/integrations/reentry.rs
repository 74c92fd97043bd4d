//! Keeping what the SDK does from being captured by the SDK.

use std::cell::Cell;
use std::thread::LocalKey;

use crate::client::is_sdk_thread;

/// Tells whether a thread is capturing something of one kind.
pub(crate) type Mark = LocalKey<Cell<bool>>;

/// Lives while this thread is capturing.
pub(crate) struct Inside(&'static Mark);

impl Inside {
    /// `None` when this thread is capturing the same already, belongs to the SDK, or is ending.
    pub(crate) fn enter(mark: &'static Mark) -> Option<Self> {
        if is_sdk_thread() {
            return None;
        }
        let was_inside = mark.try_with(|inside| inside.replace(true));
        (was_inside == Ok(false)).then_some(Self(mark))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // The value is gone only when the thread is.
        let _ = self.0.try_with(|inside| inside.set(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static MARK: Cell<bool> = const { Cell::new(false) };
    }

    #[test]
    fn a_thread_is_inside_once_until_it_leaves() {
        let inside = Inside::enter(&MARK);
        assert!(inside.is_some());
        assert!(Inside::enter(&MARK).is_none());
        let elsewhere = std::thread::spawn(|| Inside::enter(&MARK).is_some());
        assert!(elsewhere.join().unwrap());
        drop(inside);
        assert!(Inside::enter(&MARK).is_some());
    }
}
