//! Walking the stack with the unwinder, which any number of threads may do at once.
//!
//! `backtrace::trace` would wait for the lock under which names are looked up, for as long as
//! the first look-up in a big program takes.

#![expect(
    unsafe_code,
    reason = "calls the unwinder without a lock that it does not need"
)]

/// Calls a function with the address of each frame, innermost first, until it returns false.
pub(super) fn walk(mut each: impl FnMut(usize) -> bool) {
    // SAFETY: on Unix this is `_Unwind_Backtrace`, which is safe for threads; the lock is there
    // for the debug library of Windows. The callback neither panics nor walks.
    unsafe {
        backtrace::trace_unsynchronized(|frame| each(frame.ip() as usize));
    }
}
