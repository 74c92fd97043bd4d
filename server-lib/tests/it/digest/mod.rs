//! Digest: from the real journal into a real SQLite store.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what fails here fails the test"
)]

mod facts;
mod items;
mod lab;
mod sessions;
mod trouble;
