//! Envelopes: one header line, then items, each with a header line and a payload.

pub mod error;
pub mod item_header;
pub mod kind;
pub mod parse;
pub mod stream;

pub use self::error::EnvelopeError;
pub use self::item_header::ItemHeader;
pub use self::kind::ItemKind;
pub use self::parse::{EnvelopeReader, RawHeader, RawItemRef};
pub use self::stream::{EnvelopeStream, StreamEvent};
