//! Why an envelope, or one of its items, could not be read.

use thiserror::Error;

/// What is wrong with the bytes of an envelope, and where.
///
/// Every position is an offset from the envelope's first byte. Errors about one item
/// ([`is_fatal`](Self::is_fatal) is false) cost that item only; after any other the frame is
/// lost and reading has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The input is empty or starts with a blank line.
    #[error("envelope header is missing")]
    MissingHeader,
    /// The first line is not a JSON object.
    #[error("envelope header is not a json object")]
    InvalidHeader,
    /// An item's header line is not a JSON object, or its `length` is not a count of bytes.
    #[error("item header at byte {position} is not a json object with a usable length")]
    InvalidItemHeader {
        /// Start of the header line.
        position: usize,
    },
    /// An item's header has no `type`, or one that is not text.
    #[error("item header at byte {position} has no type")]
    MissingItemType {
        /// Start of the header line.
        position: usize,
    },
    /// The input ends before the payload has the length that its header promised.
    #[error("payload at byte {position} is shorter than its length")]
    TruncatedPayload {
        /// First byte of the payload.
        position: usize,
    },
    /// A payload of the promised length is followed by something else than a line feed.
    #[error("no line feed after the payload at byte {position}")]
    MissingNewline {
        /// Where the line feed was expected.
        position: usize,
    },
    /// The envelope has more bytes than allowed.
    #[error("envelope is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes, which is where the excess begins.
        limit: usize,
    },
    /// The envelope has more items than allowed.
    #[error("item at byte {position} is one more than the allowed {limit}")]
    TooManyItems {
        /// Start of the first header line over the limit.
        position: usize,
        /// The limit in items.
        limit: usize,
    },
    /// An item's payload is larger than allowed for its type.
    #[error("item at byte {position} is larger than the {limit} bytes of its type")]
    ItemTooLarge {
        /// Start of the item's header line.
        position: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A header line is longer than allowed.
    #[error("header line at byte {position} is longer than {limit} bytes")]
    HeaderTooLong {
        /// Start of the line.
        position: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

impl EnvelopeError {
    /// Returns the stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader => "missing_header",
            Self::InvalidHeader => "invalid_header",
            Self::InvalidItemHeader { .. } => "invalid_item_header",
            Self::MissingItemType { .. } => "missing_item_type",
            Self::TruncatedPayload { .. } => "truncated_payload",
            Self::MissingNewline { .. } => "missing_newline",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyItems { .. } => "too_many_items",
            Self::ItemTooLarge { .. } => "item_too_large",
            Self::HeaderTooLong { .. } => "header_too_long",
        }
    }

    /// Returns where the error is, as an offset from the envelope's first byte.
    pub fn position(&self) -> usize {
        match *self {
            Self::MissingHeader | Self::InvalidHeader => 0,
            Self::TooLarge { limit } => limit,
            Self::InvalidItemHeader { position }
            | Self::MissingItemType { position }
            | Self::TruncatedPayload { position }
            | Self::MissingNewline { position }
            | Self::TooManyItems { position, .. }
            | Self::ItemTooLarge { position, .. }
            | Self::HeaderTooLong { position, .. } => position,
        }
    }

    /// Tells whether reading ends here; other errors cost one item and reading goes on.
    pub fn is_fatal(&self) -> bool {
        !matches!(
            self,
            Self::MissingItemType { .. } | Self::ItemTooLarge { .. }
        )
    }
}
