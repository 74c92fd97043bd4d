//! A stack of a chosen height.

use std::hint::black_box;

/// Calls `work` from `levels` calls further down.
#[inline(never)]
pub fn descend(levels: u32, work: &mut dyn FnMut()) -> u32 {
    if levels == 0 {
        work();
        return 0;
    }
    // The sum keeps the call from being the last thing done, which would reuse the frame.
    black_box(descend(black_box(levels - 1), work)) + 1
}
