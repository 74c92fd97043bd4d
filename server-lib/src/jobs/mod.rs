//! Work in the background: retention, sweeping, compaction.
