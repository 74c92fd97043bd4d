//! Writing JSON into memory.
//!
//! Events are mostly text, and most of the time of writing goes into looking for what must be
//! escaped. `serde_json` looks at one byte at a time, this writer at eight; everything else about
//! the output is the same, which the tests compare.

mod escape;
mod writer;

pub(crate) use writer::append;
