//! Envelopes: one header line, then items, each with a header line and a payload.

pub mod error;
mod header;
mod item;
pub mod item_header;
pub mod kind;
mod typed;
mod write;

pub use self::error::EnvelopeError;
pub use self::header::{EnvelopeHeader, TraceHeader};
pub use self::item::{Item, Payload};
pub use self::item_header::ItemHeader;
pub use self::kind::ItemKind;
pub use self::typed::Envelope;
pub use self::write::EnvelopeWriter;
