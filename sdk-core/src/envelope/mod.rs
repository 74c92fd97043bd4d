//! Envelopes: one header line, then items, each with a header line and a payload.
//!
//! [`Envelope`] holds one in memory, in the protocol's types. [`EnvelopeReader`] reads frames that
//! borrow from a buffer, [`EnvelopeStream`] reads a body that is still arriving, and
//! [`EnvelopeWriter`] writes to anything.

pub mod error;
mod header;
mod item;
pub mod item_header;
pub mod kind;
pub mod parse;
mod read;
pub mod stream;
mod typed;
mod write;

pub use self::error::EnvelopeError;
pub use self::header::{EnvelopeHeader, TraceHeader};
pub use self::item::{Item, Payload};
pub use self::item_header::ItemHeader;
pub use self::kind::ItemKind;
pub use self::parse::{EnvelopeReader, RawHeader, RawItemRef};
pub use self::read::{ItemFault, ItemNote, ParsedEnvelope};
pub use self::stream::{EnvelopeStream, StreamEvent};
pub use self::typed::Envelope;
pub use self::write::EnvelopeWriter;
