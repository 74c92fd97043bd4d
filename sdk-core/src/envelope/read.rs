//! Reading a whole envelope into the protocol's types.

use crate::envelope::{Envelope, EnvelopeError, EnvelopeHeader, EnvelopeReader, Item};
use crate::limits::{self, EnvelopeLimits};
use crate::protocol::lenient::Lenient;
use crate::protocol::read::ReadError;
use crate::protocol::{Note, Notes, Value};

/// What could be read of an envelope, and what could not.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ParsedEnvelope {
    /// The envelope, with all items that could be read.
    pub envelope: Envelope,
    /// The items that could not.
    pub faults: Vec<ItemFault>,
    /// Single values that did not fit. Those of events and transactions stand in their `errors`.
    pub notes: Vec<ItemNote>,
}

/// A value that did not fit, in an item whose type has no place to say so.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ItemNote {
    /// Place among the items, from 0; `None` is the envelope's header.
    pub index: Option<usize>,
    /// What did not fit.
    pub note: Note,
}

/// Why an item could not be read. Its neighbours are not harmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemFault {
    /// Its frame is broken or over a limit.
    #[error("item {index}: {source}")]
    Frame {
        /// Place among the items, from 0.
        index: usize,
        /// What is wrong.
        source: EnvelopeError,
    },
    /// Its payload is not what its header says.
    #[error("item {index}: {source}")]
    Payload {
        /// Place among the items, from 0.
        index: usize,
        /// What is wrong.
        source: ReadError,
    },
}

impl ItemFault {
    /// Stable name of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Frame { source, .. } => source.code(),
            Self::Payload { source, .. } => source.code(),
        }
    }
}

impl Envelope {
    /// Reads an envelope within the usual limits.
    ///
    /// ```
    /// use mini_sentry::envelope::Envelope;
    /// let bytes = b"{}\n{\"type\":\"event\"}\n{\"message\":\"hi\"}\n{\"type\":\"event\"}\nnonsense";
    /// let parsed = Envelope::parse(bytes)?;
    /// assert_eq!(parsed.envelope.items.len(), 1);
    /// assert_eq!(parsed.faults[0].code(), "invalid_json");
    /// # Ok::<(), mini_sentry::envelope::EnvelopeError>(())
    /// ```
    ///
    /// # Errors
    /// When the envelope's own header cannot be read, or the whole is over its limit.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<ParsedEnvelope, EnvelopeError> {
        Self::parse_within(bytes, &EnvelopeLimits::default())
    }

    /// Reads an envelope within limits of one's own.
    ///
    /// # Errors
    /// When the envelope's own header cannot be read, or the whole is over its limit.
    #[inline]
    pub fn parse_within(
        bytes: &[u8],
        limits: &EnvelopeLimits,
    ) -> Result<ParsedEnvelope, EnvelopeError> {
        let mut reader = EnvelopeReader::new(bytes, limits)?;
        let fields = Value::Object(reader.header().fields.clone());
        let mut parsed = ParsedEnvelope::default();
        let mut notes = Notes::default();
        if let Ok(Some(header)) = EnvelopeHeader::read(fields, &mut notes) {
            parsed.envelope.header = header;
        }
        parsed.note(None, notes);
        for (index, frame) in reader.by_ref().enumerate() {
            let frame = match frame {
                Ok(frame) => frame,
                Err(source) => {
                    parsed.faults.push(ItemFault::Frame { index, source });
                    continue;
                }
            };
            match Item::read_noting(frame.header, frame.payload) {
                Ok((item, notes)) => {
                    parsed.envelope.items.push(item);
                    parsed.note(Some(index), notes);
                }
                Err(source) => parsed.faults.push(ItemFault::Payload { index, source }),
            }
        }
        Ok(parsed)
    }
}

impl ParsedEnvelope {
    /// Keeps notes, as few over all items as of one event.
    fn note(&mut self, index: Option<usize>, notes: Notes) {
        let room = limits::MAX_NOTES.saturating_sub(self.notes.len());
        let notes = notes.into_vec().into_iter().take(room);
        self.notes
            .extend(notes.map(|note| ItemNote { index, note }));
    }
}
