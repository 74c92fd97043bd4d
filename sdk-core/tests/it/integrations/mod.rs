//! What ties the SDK to programs, seen through the envelopes that it sends.

#[cfg(feature = "backtrace")]
mod backtrace;
#[cfg(all(feature = "backtrace", feature = "panic"))]
mod panic;
