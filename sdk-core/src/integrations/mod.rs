//! What ties the SDK to a program: panics, stacks, logs, requests. Each by its feature.

#[cfg(feature = "backtrace")]
pub mod backtrace;
#[cfg(any(feature = "anyhow", feature = "backtrace"))]
mod frames;
#[cfg(feature = "panic")]
pub mod panic;
#[cfg(any(feature = "log", feature = "panic", feature = "tracing"))]
mod reentry;
