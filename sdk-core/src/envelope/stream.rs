//! Reads an envelope while it arrives, in pieces of any size.
//!
//! Only header lines are ever held; payload bytes are handed on as they come. Frame, limits,
//! errors and their positions are those of [`parse`](super::parse), with two differences that
//! lie in the nature of reading ahead of the end: an envelope that is too large shows only where
//! it crosses the limit, and a payload without a length that turns out too large has been handed
//! on up to its limit when the error takes it back.

#![warn(clippy::arithmetic_side_effects)]

use std::fmt;

use memchr::memchr;
use serde_json::{Map, Value};

use super::error::EnvelopeError;
use super::item_header::ItemHeader;
use super::parse::{Line, envelope_header, is_blank, item_header, line_feeds};
use crate::limits::EnvelopeLimits;

/// Reads an envelope piece by piece.
///
/// Call [`advance`](Self::advance) with each piece until it returns `None`, and
/// [`finish`](Self::finish) in the same way after the last one.
///
/// ```
/// use mini_sentry::envelope::{EnvelopeError, EnvelopeStream, StreamEvent};
/// use mini_sentry::limits::EnvelopeLimits;
///
/// let mut stream = EnvelopeStream::new(&EnvelopeLimits::default());
/// let mut payload = Vec::new();
/// for piece in ["{}\n{\"type\":\"ev", "ent\",\"length\":6}\nab", "cdef\n"] {
///     let mut rest = piece.as_bytes();
///     while let Some(event) = stream.advance(&mut rest) {
///         if let StreamEvent::ItemData(bytes) = event? {
///             payload.extend_from_slice(bytes);
///         }
///     }
/// }
/// while let Some(event) = stream.finish() {
///     event?;
/// }
/// assert_eq!(payload, b"abcdef");
/// # Ok::<(), EnvelopeError>(())
/// ```
pub struct EnvelopeStream {
    state: State,
    /// The header line that is arriving.
    line: Vec<u8>,
    line_start: usize,
    /// Bytes taken so far.
    position: usize,
    items_seen: usize,
    limits: EnvelopeLimits,
}

/// What [`EnvelopeStream`] has read.
///
/// An item is `ItemStart`, any number of `ItemData`, and `ItemEnd`. An error in the place of
/// `ItemEnd` takes the item back: what was received of it is to be thrown away.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StreamEvent<'c> {
    /// The fields of the envelope's header, always first.
    Header(Map<String, Value>),
    /// An item begins.
    ItemStart(ItemHeader),
    /// The next bytes of the item's payload, never empty.
    ItemData(&'c [u8]),
    /// The item is complete.
    ItemEnd,
}

/// One step of a reader: an event or an error.
type Step<'c> = Result<StreamEvent<'c>, EnvelopeError>;

#[derive(Debug)]
enum State {
    /// In the envelope's header line.
    Header,
    /// In the line where an item's header or a blank line may stand.
    ItemHeader,
    /// In a payload.
    Payload(Payload),
    /// At the end of the input, or where the frame got lost.
    Ended,
}

/// The payload that is arriving.
#[derive(Clone, Copy, Debug)]
struct Payload {
    start: usize,
    /// Bytes still to come; without it the payload runs to the next line feed.
    remaining: Option<u64>,
    fate: Fate,
}

impl Payload {
    /// Returns how many of `len` bytes to take at once from a payload without a length: those
    /// within its limit are handed on before the error of the first beyond it.
    fn open_bytes(&self, len: usize) -> usize {
        match self.fate {
            Fate::HandOn { allowed, .. } if allowed > 0 => len.min(allowed),
            Fate::HandOn { .. } | Fate::PassOver(_) | Fate::Forgotten => len,
        }
    }
}

/// What becomes of a payload's bytes.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// They are handed on, as many as the item may still have.
    HandOn {
        item_start: usize,
        limit: usize,
        allowed: usize,
    },
    /// They are passed over, and at the end this error is reported.
    PassOver(EnvelopeError),
    /// They are passed over, and the error has been reported.
    Forgotten,
}

impl EnvelopeStream {
    /// Makes a reader that waits for the first byte.
    #[must_use]
    pub fn new(limits: &EnvelopeLimits) -> Self {
        Self {
            state: State::Header,
            line: Vec::new(),
            line_start: 0,
            position: 0,
            items_seen: 0,
            limits: limits.clone(),
        }
    }

    /// Takes bytes from the front of `input` and returns what they make; `None` when all of
    /// them are used up and more are needed, or when reading has ended.
    pub fn advance<'c>(&mut self, input: &mut &'c [u8]) -> Option<Step<'c>> {
        loop {
            if matches!(self.state, State::Ended) {
                *input = &[];
                return None;
            }
            if input.is_empty() {
                return None;
            }
            let allowed = self.limits.max_envelope_bytes.saturating_sub(self.position);
            if allowed == 0 {
                let limit = self.limits.max_envelope_bytes;
                return self.fail(EnvelopeError::TooLarge { limit });
            }
            // Bytes beyond the limit must not be looked at, so that every cut reads the same.
            let mut window = input.get(..allowed).unwrap_or(*input);
            let before = window.len();
            let step = self.step(&mut window);
            let taken = before.saturating_sub(window.len());
            *input = input.get(taken..).unwrap_or_default();
            if step.is_some() {
                return step;
            }
        }
    }

    /// Tells that nothing more will arrive, and returns what that makes; call it until `None`.
    pub fn finish(&mut self) -> Option<Step<'static>> {
        loop {
            match self.state {
                State::Ended => return None,
                State::Header | State::ItemHeader if self.position == self.line_start => {
                    let is_header = matches!(self.state, State::Header);
                    self.state = State::Ended;
                    return is_header.then_some(Err(EnvelopeError::MissingHeader));
                }
                State::Header | State::ItemHeader => {
                    // The end of the input ends the line as a line feed would.
                    let line = std::mem::take(&mut self.line);
                    let step = self.end_line(&line);
                    self.line_start = self.position;
                    if step.is_some() {
                        return step;
                    }
                }
                State::Payload(payload) => {
                    if payload.remaining.is_some_and(|bytes| bytes > 0) {
                        return self.fail(EnvelopeError::TruncatedPayload {
                            position: payload.start,
                        });
                    }
                    if let Some(step) = self.end_payload(payload) {
                        return Some(step);
                    }
                }
            }
        }
    }

    /// Tells whether reading has ended, so that nothing more needs to arrive.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Returns how many bytes have been taken.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Takes at least one byte from the window or changes the state.
    fn step<'c>(&mut self, window: &mut &'c [u8]) -> Option<Step<'c>> {
        match self.state {
            State::Header | State::ItemHeader => self.read_line(window),
            State::Payload(payload) => match payload.remaining {
                Some(0) => self.read_terminator(payload, window),
                Some(remaining) => {
                    let most = usize::try_from(remaining).unwrap_or(usize::MAX);
                    let bytes = self.take(window, most);
                    self.read_payload(payload, bytes)
                }
                None => {
                    let len = memchr(b'\n', window).unwrap_or(window.len());
                    if len == 0 {
                        self.take(window, 1);
                        return self.end_payload(payload);
                    }
                    let bytes = self.take(window, payload.open_bytes(len));
                    self.read_payload(payload, bytes)
                }
            },
            State::Ended => None,
        }
    }

    fn read_line<'c>(&mut self, window: &mut &'c [u8]) -> Option<Step<'c>> {
        if matches!(self.state, State::ItemHeader) && self.line.is_empty() {
            self.take(window, line_feeds(window));
            self.line_start = self.position;
        }
        let end = memchr(b'\n', window);
        let len = end.unwrap_or(window.len());
        let limit = self.limits.max_header_line_bytes;
        if self.line.len().saturating_add(len) > limit {
            return self.fail(EnvelopeError::HeaderTooLong {
                position: self.line_start,
                limit,
            });
        }
        let piece = self.take(window, len);
        if end.is_none() {
            self.line.extend_from_slice(piece);
            return None;
        }
        self.take(window, 1);
        let step = if self.line.is_empty() {
            self.end_line(piece)
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(piece);
            let step = self.end_line(&line);
            line.clear();
            self.line = line;
            step
        };
        self.line_start = self.position;
        step
    }

    /// Reads a whole header line; the bytes taken so far end with it.
    fn end_line<'c>(&mut self, line: &[u8]) -> Option<Step<'c>> {
        if matches!(self.state, State::Header) {
            return match envelope_header(line, &self.limits) {
                Ok(fields) => {
                    self.state = State::ItemHeader;
                    Some(Ok(StreamEvent::Header(fields)))
                }
                Err(error) => self.fail(error),
            };
        }
        if is_blank(line) {
            return None;
        }
        let item_start = self.line_start;
        let line = Line {
            bytes: line,
            start: item_start,
        };
        let header = match item_header(&line, &mut self.items_seen, &self.limits) {
            Ok(header) => header,
            Err(error) => return self.fail(error),
        };
        let limit = header.max_bytes;
        let is_over = header
            .length
            .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit));
        let (fate, step) = match header.outcome {
            Ok(_) if is_over => {
                let error = EnvelopeError::ItemTooLarge {
                    position: item_start,
                    limit,
                };
                (Fate::PassOver(error), None)
            }
            Ok(header) => {
                let fate = Fate::HandOn {
                    item_start,
                    limit,
                    allowed: limit,
                };
                (fate, Some(Ok(StreamEvent::ItemStart(header))))
            }
            Err(error) => (Fate::PassOver(error), None),
        };
        self.state = State::Payload(Payload {
            start: self.position,
            remaining: header.length,
            fate,
        });
        step
    }

    /// Takes note of payload bytes and hands them on when they count.
    fn read_payload<'c>(&mut self, mut payload: Payload, bytes: &'c [u8]) -> Option<Step<'c>> {
        if let Some(remaining) = &mut payload.remaining {
            let taken = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            *remaining = remaining.saturating_sub(taken);
        }
        let step = match &mut payload.fate {
            Fate::HandOn {
                item_start,
                limit,
                allowed,
            } if *allowed < bytes.len() => {
                let error = EnvelopeError::ItemTooLarge {
                    position: *item_start,
                    limit: *limit,
                };
                payload.fate = Fate::Forgotten;
                Some(Err(error))
            }
            Fate::HandOn { allowed, .. } => {
                *allowed = allowed.saturating_sub(bytes.len());
                Some(Ok(StreamEvent::ItemData(bytes)))
            }
            Fate::PassOver(_) | Fate::Forgotten => None,
        };
        self.state = State::Payload(payload);
        step
    }

    fn read_terminator<'c>(&mut self, payload: Payload, window: &mut &'c [u8]) -> Option<Step<'c>> {
        if window.first() != Some(&b'\n') {
            return self.fail(EnvelopeError::MissingNewline {
                position: self.position,
            });
        }
        self.take(window, 1);
        self.end_payload(payload)
    }

    fn end_payload<'c>(&mut self, payload: Payload) -> Option<Step<'c>> {
        self.state = State::ItemHeader;
        self.line_start = self.position;
        match payload.fate {
            Fate::HandOn { .. } => Some(Ok(StreamEvent::ItemEnd)),
            Fate::PassOver(error) => Some(Err(error)),
            Fate::Forgotten => None,
        }
    }

    fn fail<'c>(&mut self, error: EnvelopeError) -> Option<Step<'c>> {
        self.state = State::Ended;
        self.line = Vec::new();
        Some(Err(error))
    }

    /// Takes up to `most` bytes from the front of the window.
    fn take<'c>(&mut self, window: &mut &'c [u8], most: usize) -> &'c [u8] {
        let (taken, rest) = window.split_at_checked(most).unwrap_or((*window, &[]));
        *window = rest;
        self.position = self.position.saturating_add(taken.len());
        taken
    }
}

/// Writes how far reading has come, and nothing of what was read.
impl fmt::Debug for EnvelopeStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvelopeStream")
            .field("position", &self.position)
            .field("items_seen", &self.items_seen)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
