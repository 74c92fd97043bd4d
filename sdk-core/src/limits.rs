//! Limits of the protocol.

/// Notes kept per event; more would only repeat the first ones.
pub const MAX_NOTES: usize = 50;
/// Elements read from one list.
pub const MAX_LIST_ITEMS: usize = 10_000;
/// Entries read from one map.
pub const MAX_MAP_ENTRIES: usize = 1_000;
/// Objects and lists within each other.
pub const MAX_JSON_DEPTH: usize = 127;
/// Bytes of one event.
pub const MAX_EVENT_BYTES: usize = 1 << 20;
