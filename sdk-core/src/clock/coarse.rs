//! The kernel's time of its last tick: a tenth of the cost of the exact time.

#[cfg(all(target_os = "linux", feature = "worker"))]
pub(super) use linux::now;

#[cfg(not(all(target_os = "linux", feature = "worker")))]
pub(super) const fn now() -> Option<crate::protocol::Timestamp> {
    None
}

#[cfg(all(target_os = "linux", feature = "worker"))]
mod linux {
    #![expect(unsafe_code, reason = "the standard library has no coarse clock")]

    use crate::protocol::Timestamp;

    pub(in crate::clock) fn now() -> Option<Timestamp> {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `time` is a valid place for the answer and lives through the call.
        let failed = unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &raw mut time) };
        if failed != 0 {
            return None;
        }
        let nanos = time
            .tv_sec
            .checked_mul(1_000_000_000)?
            .checked_add(time.tv_nsec)?;
        Some(Timestamp::from_nanos(nanos))
    }
}
