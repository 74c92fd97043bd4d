//! The integration tests of the core, in one binary.

mod auth;
#[cfg(feature = "test")]
mod client;
mod dsn;
mod envelope;
mod layers;
mod ratelimit;
mod source;
