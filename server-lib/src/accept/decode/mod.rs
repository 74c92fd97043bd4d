//! Content encodings, with a bound on what comes out.
//!
//! A body that is in memory is unpacked at once by [`unpack`]; one that is still arriving goes
//! through [`Unpacker`], which hands on what it has as soon as it has it.

mod arriving;
mod encoding;
mod inflate;
mod whole;

pub(super) use arriving::Unpacker;
pub(super) use encoding::{Broken, Encoding};
pub(super) use whole::{unpack, unpack_store};

#[cfg(test)]
mod tests;
