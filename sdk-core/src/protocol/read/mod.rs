//! From bytes to the protocol's types.
//!
//! Valid JSON is read straight away. Only when that fails are the bytes looked at again: bare
//! `NaN` and `Infinity`, half surrogates, numbers out of range and broken UTF-8 are mended, and
//! what is still no JSON is refused with the place where it breaks.
//!
//! Those that read events and envelopes are marked `#[inline]`, not to be faster: what they
//! instantiate, half of the crate's machine code, is so compiled only for programs that read.

use std::borrow::Cow;

use serde_json::Deserializer;

use crate::limits;
use crate::protocol::event::Event;
use crate::protocol::lenient::{Lenient, Notes};
use crate::protocol::transaction::Transaction;

mod mend;

/// What some editors and languages put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes that are not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// More bytes than an item of this kind may have.
    #[error("payload of {size_bytes} bytes is over the limit of {limit_bytes}")]
    TooLarge {
        /// Bytes that came.
        size_bytes: usize,
        /// Bytes that may come.
        limit_bytes: usize,
    },
    /// Objects and lists nested too deeply.
    #[error("JSON nested deeper than {limit} levels at byte {position}")]
    TooDeep {
        /// Where the limit was passed.
        position: usize,
        /// Levels that may be.
        limit: usize,
    },
    /// Not JSON.
    #[error("invalid JSON at line {line}, column {column}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// JSON, but no object.
    #[error("expected a JSON object")]
    NotAnObject,
}

impl ReadError {
    /// Stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::TooDeep { .. } => "too_deep",
            Self::Syntax { .. } => "invalid_json",
            Self::NotAnObject => "not_an_object",
        }
    }
}

/// Reads any interface from JSON, with notes about what did not fit.
///
/// # Errors
/// When the bytes are no JSON object, or are nested too deeply.
pub fn from_json<T: Lenient>(json: &[u8]) -> Result<(T, Notes), ReadError> {
    let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    let first = match read(json) {
        Ok((Some(value), notes)) => return Ok((value, notes)),
        Ok((None, _)) => return Err(ReadError::NotAnObject),
        Err(error) => error,
    };
    let mended = match mend::mend(json, limits::MAX_JSON_DEPTH)? {
        Cow::Owned(mended) => mended,
        Cow::Borrowed(_) => return Err(syntax(&first)),
    };
    match read(&mended) {
        Ok((Some(value), notes)) => Ok((value, notes)),
        Ok((None, _)) => Err(ReadError::NotAnObject),
        Err(error) => Err(syntax(&error)),
    }
}

/// Reads any interface from a JSON value, without notes; `None` when it is no object.
#[must_use]
pub fn from_value<T: Lenient>(value: serde_json::Value) -> Option<T> {
    T::read(value, &mut Notes::default()).ok().flatten()
}

fn read<T: Lenient>(json: &[u8]) -> Result<(Option<T>, Notes), serde_json::Error> {
    let mut notes = Notes::default();
    let mut input = Deserializer::from_slice(json);
    let value = T::read(&mut input, &mut notes)?;
    input.end()?;
    Ok((value, notes))
}

fn syntax(error: &serde_json::Error) -> ReadError {
    ReadError::Syntax {
        line: error.line(),
        column: error.column(),
    }
}

impl Event {
    /// Reads an event; what did not fit stands in [`Event::errors`].
    ///
    /// ```
    /// use mini_sentry::protocol::Event;
    /// let event = Event::from_json(br#"{"message": "hi", "level": 7, "extra": {"x": NaN}}"#)?;
    /// assert_eq!(event.errors[0].name.as_deref(), Some("level"));
    /// assert!(event.extra["x"].is_null());
    /// # Ok::<(), mini_sentry::protocol::ReadError>(())
    /// ```
    ///
    /// # Errors
    /// When the bytes are no JSON object, are too many, or are nested too deeply.
    #[inline]
    pub fn from_json(json: &[u8]) -> Result<Self, ReadError> {
        check_size(json)?;
        let (mut event, notes) = from_json::<Self>(json)?;
        event.record(notes);
        Ok(event)
    }
}

impl Transaction {
    /// Reads a transaction; what did not fit stands in [`Transaction::errors`].
    ///
    /// # Errors
    /// When the bytes are no JSON object, are too many, or are nested too deeply.
    #[inline]
    pub fn from_json(json: &[u8]) -> Result<Self, ReadError> {
        check_size(json)?;
        let (mut transaction, notes) = from_json::<Self>(json)?;
        transaction.record(notes);
        Ok(transaction)
    }
}

fn check_size(json: &[u8]) -> Result<(), ReadError> {
    let (size_bytes, limit_bytes) = (json.len(), limits::MAX_EVENT_BYTES);
    if size_bytes > limit_bytes {
        return Err(ReadError::TooLarge {
            size_bytes,
            limit_bytes,
        });
    }
    Ok(())
}
