//! Walking the stack, one thread of the process at a time, as debug libraries ask for.

/// Calls a function with the address of each frame, innermost first, until it returns false.
pub(super) fn walk(mut each: impl FnMut(usize) -> bool) {
    backtrace::trace(|frame| each(frame.ip() as usize));
}
