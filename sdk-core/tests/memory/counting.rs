//! An allocator that counts what a thread holds, so that a test can tell its own peak.

#![expect(
    unsafe_code,
    reason = "an allocator can only be wrapped through the unsafe trait of allocators"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // Negative where a thread frees what another one made.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, with a count for each thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on unchanged to the system's allocator, which keeps the contract.
// The counts live in cells without destructors and without heap, so counting never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.get().wrapping_add_unsigned(layout.size());
        HELD.set(held);
        PEAK.set(PEAK.get().max(held));
        // SAFETY: the caller keeps the contract for this layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.set(HELD.get().wrapping_sub_unsigned(layout.size()));
        // SAFETY: the caller hands back a block of this layout that came from `alloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Runs something and returns how many bytes it held at most, beyond what was held before.
pub(crate) fn peak_bytes<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let out = run();
    let peak = PEAK.get().saturating_sub(before);
    (out, usize::try_from(peak).unwrap_or(0))
}
