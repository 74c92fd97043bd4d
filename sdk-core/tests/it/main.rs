//! The integration tests of the core, in one binary.

mod auth;
mod bad_input;
mod dsn;
mod envelope;
#[expect(
    unreachable_pub,
    reason = "the package of the fuzzer makes a library of the same file"
)]
mod fuzz_targets;
mod golden;
mod layers;
mod properties;
mod ratelimit;
mod source;
