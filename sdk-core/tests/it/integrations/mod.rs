//! What ties the SDK to programs, seen through the envelopes that it sends.

#[cfg(feature = "anyhow")]
mod anyhow;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "backtrace")]
mod backtrace;
#[cfg(feature = "log")]
mod log;
#[cfg(all(feature = "backtrace", feature = "panic"))]
mod panic;
#[cfg(feature = "reqwest-middleware")]
mod reqwest;
#[cfg(feature = "tower")]
mod tower;
#[cfg(feature = "tracing")]
mod tracing;
