//! What ties the SDK to a program: panics, stacks, logs, requests. Each by its feature.

#[cfg(feature = "anyhow")]
pub mod anyhow;
#[cfg(feature = "backtrace")]
pub mod backtrace;
#[cfg(any(feature = "log", feature = "tracing"))]
mod filter;
#[cfg(any(feature = "anyhow", feature = "backtrace"))]
mod frames;
#[cfg(any(feature = "log", feature = "tracing"))]
mod line;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "panic")]
pub mod panic;
#[cfg(any(feature = "log", feature = "panic", feature = "tracing"))]
mod reentry;
#[cfg(feature = "reqwest-client")]
pub mod reqwest;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "tracing")]
pub mod tracing;

#[cfg(any(feature = "log", feature = "tracing"))]
pub use filter::EventFilter;
