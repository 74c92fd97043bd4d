//! The JSON shapes of answers. Clients decode them strictly: identifiers are text, times end in
//! `Z`, and what is absent is null.

pub mod attachment;
pub mod entries;
pub mod event;
pub mod headline;
pub mod key;
pub mod organisation;
pub mod own;
pub mod project;
pub mod tags;
pub mod token;
