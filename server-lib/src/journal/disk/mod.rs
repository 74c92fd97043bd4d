//! The journal as files in the data folder.
//!
//! ```text
//! journal.lock                   held by the one process that may write
//! segments/<first record>.seg    rows of blocks, 64 MiB by default
//! ```
//!
//! A record is written once: into the last segment, as part of a compressed group. There it stays
//! until retention removes the segment, or until compaction, when the server is idle, moves it
//! into a tighter one. Where a store keeps the bodies itself, segments go as soon as digest has
//! them.

mod bodies;
mod cache;
mod check;
mod compact;
mod folder;
mod handoff;
mod index;
mod intake;
mod journal;
mod reader;
mod rewrite;
mod scan;
mod segment;
mod shared;
mod spare;
mod writer;

pub use journal::DiskJournal;
