//! Feeds what libFuzzer makes up to the checks of `event`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mini_sentry_fuzz::event(input));
