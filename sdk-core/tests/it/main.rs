//! The integration tests of the core, in one binary.

mod auth;
mod dsn;
mod envelope;
mod layers;
mod ratelimit;
mod source;
