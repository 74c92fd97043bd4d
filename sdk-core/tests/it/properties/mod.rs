//! Properties of the whole model, with inputs made up at random or from the golden vectors.
//!
//! `PROPTEST_CASES` overrides the numbers of cases, which `make soak` does.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

mod damage;
pub(crate) mod json;
mod lenient;
mod typed;
