//! The integration tests of the core, in one binary.

mod auth;
#[cfg(feature = "test")]
mod client;
#[cfg(any(feature = "http", feature = "reqwest"))]
mod delivery;
mod docs;
mod dsn;
mod envelope;
mod golden;
#[cfg(feature = "test")]
mod integrations;
mod layers;
mod ratelimit;
mod scrub;
#[cfg(any(feature = "http", feature = "reqwest"))]
mod sink;
mod source;
#[cfg(feature = "http")]
mod spool;
#[cfg(feature = "http")]
mod transport_http;
#[cfg(feature = "http")]
mod transport_secure;
