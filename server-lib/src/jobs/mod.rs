//! Work in the background: retention, sweeping, erasure, orphaned files, compaction, and what happens each
//! second.
//!
//! All of it can be repeated or left undone at any moment: a job looks at what there is, does a
//! small step, and looks again. Failures are logged when they begin and when they end, and never
//! stop the next step.

mod compaction;
mod erasure;
pub mod orphans;
mod retention;
mod runner;
mod sweep;

pub use runner::{JobKind, JobReport, Jobs, JobsHandle};
