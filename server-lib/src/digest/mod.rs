//! From the journal to the store: one batch, one transaction.

pub mod normalize;
pub mod progress;
