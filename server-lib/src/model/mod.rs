//! The nouns of the server: what accept writes, digest turns over and the store keeps.
//!
//! Data and its rules only. Nothing here does input or output, and nothing outside the core's
//! protocol ids is imported.

pub mod activity;
pub mod catalog;
pub mod event;
pub mod ids;
pub mod issue;
pub mod item;
pub mod outcome;
pub mod people;
pub mod record;
pub mod release;
pub mod scope;
pub mod session;
pub mod settings;
pub mod short_id;
pub mod slug;
pub mod tag;
pub mod time;
