//! The integration tests of the core, in one binary.

mod auth;
mod docs;
mod dsn;
mod envelope;
mod golden;
mod layers;
mod ratelimit;
mod source;
