//! Finds what is secret in one text, without its quotation marks and escapes.
//!
//! One file per kind of search. Each search goes from front to back in time linear in the
//! text, and gives ranges that begin and end at ASCII bytes.

pub(super) mod assignment;
pub(super) mod card;
pub(super) mod hit;
pub(super) mod pem;
pub(super) mod scheme;
pub(super) mod token;
pub(super) mod url;
pub(super) mod web_token;

pub(super) use hit::{Found, Rule};
