//! Errors of `anyhow`, with their causes and the stack of where they were made.
//!
//! ```
//! fn read() -> anyhow::Result<u32> {
//!     use anyhow::Context as _;
//!     "many".parse().context("the number of articles cannot be read")
//! }
//!
//! if let Err(error) = read() {
//!     mini_sentry::capture_anyhow(&error);
//! }
//! ```
//!
//! The stack is there when `anyhow` took one, that is with `RUST_BACKTRACE=1` or
//! `RUST_LIB_BACKTRACE=1` in the environment; else, with `attach_stacktrace`, it is the stack of
//! the capture.

mod capture;
mod text;

pub use capture::{capture_anyhow, event_from_anyhow};
