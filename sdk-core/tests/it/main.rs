//! The integration tests of the core, in one binary.

mod auth;
mod bad_input;
mod dsn;
mod envelope;
#[expect(
    unreachable_pub,
    reason = "the fuzzer calls the same functions from its own crate"
)]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz_targets;
mod golden;
mod layers;
mod properties;
mod ratelimit;
mod source;
