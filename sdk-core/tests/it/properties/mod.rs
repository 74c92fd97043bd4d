//! Properties of the whole model, with inputs made up at random or from the golden vectors.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

mod damage;
mod json;
mod lenient;
mod typed;

use proptest::test_runner::Config;

/// So many cases, or as many as `PROPTEST_CASES` asks for.
fn cases(usual: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let cases = asked.and_then(|text| text.parse().ok()).unwrap_or(usual);
    Config::with_cases(cases)
}
