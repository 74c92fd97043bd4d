//! The integration tests of the core, in one binary.

mod auth;
#[cfg(feature = "test")]
mod client;
#[cfg(any(feature = "http", feature = "reqwest"))]
#[cfg(feature = "http")]
mod delivery;
mod docs;
mod dsn;
mod envelope;
#[expect(
    unreachable_pub,
    reason = "the fuzzer calls the same functions from its own crate"
)]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz_targets;
mod golden;
#[cfg(feature = "test")]
mod integrations;
mod layers;
mod properties;
mod ratelimit;
mod scrub;
#[cfg(any(feature = "http", feature = "reqwest"))]
#[cfg(feature = "http")]
mod sink;
mod source;
#[cfg(feature = "http")]
mod spool;
#[cfg(feature = "http")]
mod transport_http;
#[cfg(all(feature = "http", feature = "reqwest"))]
mod transport_reqwest;
#[cfg(feature = "http")]
mod transport_secure;
