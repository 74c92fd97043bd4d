//! Integration tests of the core, one module per subject.

mod auth;
mod dsn;
mod envelope;
mod ratelimit;
