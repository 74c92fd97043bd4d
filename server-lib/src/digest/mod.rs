//! From the journal to the store: one batch, one transaction.
//!
//! The [`Digester`] reads the journal behind the store's own position, makes a batch of what it
//! gets, and repeats until the store has taken it. The store moves its position in the same
//! transaction, so a crash at any moment repeats work and neither loses nor doubles it. What
//! cannot be read becomes a counted outcome, because everything after it waits.

mod batch;
pub mod normalize;
pub mod progress;
mod reports;
pub(crate) mod rules;
mod sessions;
mod tally;
pub mod worker;

pub use sessions::BEGINS;
pub use worker::{DigestHandle, Digester, DigesterParts, OnStored};
