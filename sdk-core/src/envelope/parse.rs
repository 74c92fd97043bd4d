//! Reads an envelope that is wholly in memory; payloads are borrowed from it.
//!
//! The frame, on which this reader and the one in [`stream`](super::stream) agree to the byte:
//!
//! - The first line is the envelope's header, a JSON object. Every line ends at a line feed or
//!   at the end of the input; a carriage return before it counts as JSON's white space.
//! - Blank lines where an item's header could stand are passed over.
//! - With a `length` the payload has exactly that many bytes, and a line feed or the end of the
//!   input follows. Without one, or with null, it runs to the next line feed or to the end.
//! - An item that has no type or is larger than its type allows costs that item only. A header
//!   that is no JSON object, or a length that lies, loses the frame and ends the reading.

#![warn(clippy::arithmetic_side_effects)]

use std::fmt;
use std::iter::FusedIterator;

use memchr::memchr;
use serde_json::{Map, Value};

use super::error::EnvelopeError;
use super::item_header::ItemHeader;
use crate::limits::EnvelopeLimits;

/// Iterates over the items of an envelope.
///
/// ```
/// use mini_sentry::envelope::EnvelopeReader;
/// use mini_sentry::limits::EnvelopeLimits;
///
/// let body = b"{}\n{\"type\":\"session\"}\n{\"sid\":\"1\"}\n{\"type\":\"event\",\"length\":2}\n{}\n";
/// let reader = EnvelopeReader::new(body, &EnvelopeLimits::default())?;
/// let payloads: Vec<&[u8]> =
///     reader.map(|item| Ok(item?.payload)).collect::<Result<_, mini_sentry::envelope::EnvelopeError>>()?;
/// assert_eq!(payloads, [&b"{\"sid\":\"1\"}"[..], &b"{}"[..]]);
/// # Ok::<(), mini_sentry::envelope::EnvelopeError>(())
/// ```
#[derive(Clone)]
pub struct EnvelopeReader<'a> {
    input: &'a [u8],
    position: usize,
    items_seen: usize,
    has_ended: bool,
    header: RawHeader<'a>,
    limits: EnvelopeLimits,
}

/// The header line of an envelope.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RawHeader<'a> {
    /// The line without its line feed.
    pub line: &'a [u8],
    /// Its fields.
    pub fields: Map<String, Value>,
}

/// One item, its payload borrowed from the envelope.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RawItemRef<'a> {
    /// The item's header.
    pub header: ItemHeader,
    /// The payload's bytes.
    pub payload: &'a [u8],
}

impl<'a> EnvelopeReader<'a> {
    /// Reads the envelope's header; its items are read one by one.
    pub fn new(input: &'a [u8], limits: &EnvelopeLimits) -> Result<Self, EnvelopeError> {
        if input.len() > limits.max_envelope_bytes {
            return Err(EnvelopeError::TooLarge {
                limit: limits.max_envelope_bytes,
            });
        }
        let (line, position) = line_at(input, 0);
        let fields = envelope_header(line, limits)?;
        Ok(Self {
            input,
            position,
            items_seen: 0,
            has_ended: false,
            header: RawHeader { line, fields },
            limits: limits.clone(),
        })
    }

    /// Returns the envelope's header.
    pub fn header(&self) -> &RawHeader<'a> {
        &self.header
    }

    /// Returns the envelope's header and gives up the items.
    pub fn into_header(self) -> RawHeader<'a> {
        self.header
    }

    /// Returns where reading goes on, as an offset from the first byte.
    pub fn position(&self) -> usize {
        self.position
    }

    fn read_item(&mut self) -> Result<Option<RawItemRef<'a>>, EnvelopeError> {
        let line = loop {
            let rest = self.input.get(self.position..).unwrap_or_default();
            let start = self.position.saturating_add(line_feeds(rest));
            if start >= self.input.len() {
                return Ok(None);
            }
            let (line, next) = line_at(self.input, start);
            check_line(line, start, &self.limits)?;
            self.position = next;
            if !is_blank(line) {
                break Line { bytes: line, start };
            }
        };
        let header = item_header(&line, &mut self.items_seen, &self.limits)?;
        let payload_start = self.position;
        let (payload, next) = match header.length {
            Some(length) => counted_payload(self.input, payload_start, length)?,
            None => line_at(self.input, payload_start),
        };
        self.position = next;
        let max_bytes = header.max_bytes;
        let header = header.outcome?;
        if payload.len() > max_bytes {
            return Err(EnvelopeError::ItemTooLarge {
                position: line.start,
                limit: max_bytes,
            });
        }
        Ok(Some(RawItemRef { header, payload }))
    }
}

impl<'a> Iterator for EnvelopeReader<'a> {
    type Item = Result<RawItemRef<'a>, EnvelopeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let item = self.read_item().transpose();
        self.has_ended = match &item {
            None => true,
            Some(result) => result.as_ref().is_err_and(EnvelopeError::is_fatal),
        };
        item
    }
}

impl FusedIterator for EnvelopeReader<'_> {}

/// Writes how far reading has come, and nothing of what was read.
impl fmt::Debug for EnvelopeReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvelopeReader")
            .field("position", &self.position)
            .field("items_seen", &self.items_seen)
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}

/// A header line and where it starts.
pub(super) struct Line<'l> {
    pub(super) bytes: &'l [u8],
    pub(super) start: usize,
}

/// What the frame needs to know of an item's header, even of one that makes no item.
pub(super) struct FramedHeader {
    pub(super) length: Option<u64>,
    pub(super) max_bytes: usize,
    pub(super) outcome: Result<ItemHeader, EnvelopeError>,
}

/// Reads the envelope's header line.
pub(super) fn envelope_header(
    line: &[u8],
    limits: &EnvelopeLimits,
) -> Result<Map<String, Value>, EnvelopeError> {
    check_line(line, 0, limits)?;
    if is_blank(line) {
        return Err(EnvelopeError::MissingHeader);
    }
    serde_json::from_slice(line).map_err(|_| EnvelopeError::InvalidHeader)
}

/// Reads an item's header line and counts it.
pub(super) fn item_header(
    line: &Line<'_>,
    items_seen: &mut usize,
    limits: &EnvelopeLimits,
) -> Result<FramedHeader, EnvelopeError> {
    let position = line.start;
    if *items_seen >= limits.max_items {
        return Err(EnvelopeError::TooManyItems {
            position,
            limit: limits.max_items,
        });
    }
    *items_seen = items_seen.saturating_add(1);
    let fields: Map<String, Value> = serde_json::from_slice(line.bytes)
        .map_err(|_| EnvelopeError::InvalidItemHeader { position })?;
    let length = match fields.get("length") {
        None | Some(Value::Null) => None,
        Some(value) => Some(
            value
                .as_u64()
                .ok_or(EnvelopeError::InvalidItemHeader { position })?,
        ),
    };
    Ok(match ItemHeader::from_fields(fields) {
        Some(header) => FramedHeader {
            length,
            max_bytes: limits.max_item_bytes(&header.kind),
            outcome: Ok(header),
        },
        None => FramedHeader {
            length,
            max_bytes: usize::MAX,
            outcome: Err(EnvelopeError::MissingItemType { position }),
        },
    })
}

pub(super) fn check_line(
    line: &[u8],
    position: usize,
    limits: &EnvelopeLimits,
) -> Result<(), EnvelopeError> {
    let limit = limits.max_header_line_bytes;
    if line.len() > limit {
        return Err(EnvelopeError::HeaderTooLong { position, limit });
    }
    Ok(())
}

pub(super) fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

/// Counts the line feeds in front, which are blank lines passed over at once.
pub(super) fn line_feeds(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| *byte != b'\n')
        .unwrap_or(bytes.len())
}

/// Returns the bytes from `start` to the next line feed or the end, and where the next line starts.
fn line_at(input: &[u8], start: usize) -> (&[u8], usize) {
    let rest = input.get(start..).unwrap_or_default();
    let len = memchr(b'\n', rest).unwrap_or(rest.len());
    let next = start.saturating_add(len).saturating_add(1).min(input.len());
    (rest.get(..len).unwrap_or_default(), next)
}

/// Returns the payload of a given length, and where the next line starts.
fn counted_payload(
    input: &[u8],
    start: usize,
    length: u64,
) -> Result<(&[u8], usize), EnvelopeError> {
    let truncated = EnvelopeError::TruncatedPayload { position: start };
    let length = usize::try_from(length).map_err(|_| truncated)?;
    let end = start.checked_add(length).ok_or(truncated)?;
    let payload = input.get(start..end).ok_or(truncated)?;
    match input.get(end) {
        None => Ok((payload, end)),
        Some(b'\n') => Ok((payload, end.saturating_add(1))),
        Some(_) => Err(EnvelopeError::MissingNewline { position: end }),
    }
}
