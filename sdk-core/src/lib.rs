//! The Rust SDK of Mini Sentry, and the core that its server and other SDKs share.
//!
//! ```
//! let _guard = mini_sentry::init("");
//! mini_sentry::capture_message("hello", mini_sentry::Level::Info);
//! ```

pub mod auth;
#[cfg(feature = "client")]
mod client;
pub mod clock;
pub mod dsn;
pub mod envelope;
#[cfg(feature = "client")]
mod init;
#[cfg(feature = "client")]
pub mod integrations;
pub mod limits;
pub mod losses;
pub mod protocol;
pub mod ratelimit;
pub mod scrub;
pub mod transport;

#[cfg(feature = "client")]
pub use client::*;
#[cfg(feature = "client")]
pub use init::{SystemClock, init};

pub use dsn::Dsn;
pub use protocol::{Breadcrumb, Event, Level, User};
