//! Calling functions of the host: their panics stay here, and they may call us again.

use std::cell::Cell;
use std::thread::LocalKey;

/// A kind of callback, and whether one of the kind runs on this thread.
pub(crate) type Running = LocalKey<Cell<bool>>;

thread_local! {
    /// `before_breadcrumb`.
    pub(crate) static BREADCRUMB: Cell<bool> = const { Cell::new(false) };
    /// `before_send_log`.
    pub(crate) static LOG: Cell<bool> = const { Cell::new(false) };
}

/// Runs code of the host; a panic in it stays here.
pub(crate) fn guarded<R>(f: impl FnOnce() -> R) -> Option<R> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).ok()
}

/// Asks a callback about a value. What the callback itself makes is not shown to it again, for
/// that would never end. `None` when it panicked.
pub(crate) fn ask<T>(
    running: &'static Running,
    callback: impl FnOnce(T) -> Option<T>,
    value: T,
) -> Option<Option<T>> {
    // A thread that is ending has lost its mark already.
    if running.try_with(|mark| mark.replace(true)).unwrap_or(false) {
        return Some(Some(value));
    }
    let answer = guarded(|| callback(value));
    let _ = running.try_with(|mark| mark.set(false));
    answer
}
