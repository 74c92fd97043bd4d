//! Noticing that this process is the child of a fork, which has none of its parent's threads.

/// Grows by one in the child at every fork.
#[cfg(not(all(unix, feature = "worker")))]
pub(crate) const fn generation() -> u64 {
    0
}

#[cfg(all(unix, feature = "worker"))]
pub(crate) use atfork::generation;

#[cfg(all(unix, feature = "worker"))]
mod atfork {
    #![expect(
        unsafe_code,
        reason = "a handler for forks is registered with the C library"
    )]

    use std::sync::Once;
    use std::sync::atomic::{AtomicU64, Ordering};

    static GENERATION: AtomicU64 = AtomicU64::new(0);
    static REGISTERED: Once = Once::new();

    extern "C" fn in_child() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn generation() -> u64 {
        REGISTERED.call_once(|| {
            // SAFETY: `in_child` only adds to an atomic, which is allowed between fork and exec.
            unsafe {
                libc::pthread_atfork(None, None, Some(in_child));
            }
        });
        GENERATION.load(Ordering::Relaxed)
    }
}
