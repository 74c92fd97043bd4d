//! The integration tests of the core, in one binary.

mod auth;
#[cfg(all(feature = "bridge", feature = "test"))]
mod bridge;
#[cfg(feature = "test")]
mod client;
mod dsn;
mod envelope;
mod layers;
mod ratelimit;
mod source;
