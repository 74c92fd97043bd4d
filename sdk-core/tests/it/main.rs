//! The integration tests of the core, in one binary.

mod auth;
mod bad_input;
#[cfg(all(feature = "bridge", feature = "test"))]
mod bridge;
#[cfg(feature = "test")]
mod client;
#[cfg(feature = "http")]
mod delivery;
mod docs;
mod dsn;
mod envelope;
#[expect(
    unreachable_pub,
    reason = "the package of the fuzzer makes a library of the same file"
)]
mod fuzz_targets;
mod golden;
#[cfg(feature = "grouping")]
mod grouping;
#[cfg(feature = "test")]
mod integrations;
#[cfg(all(feature = "panic", feature = "test"))]
mod interop;
mod layers;
mod properties;
mod ratelimit;
mod scrub;
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
