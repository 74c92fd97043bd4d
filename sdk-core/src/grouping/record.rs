//! What is hashed, and, when somebody wants to know, the list of what it was made of.

use twox_hash::{XxHash3_64, XxHash3_128};

use super::explanation::{Part, Reason};

/// Between two parts; no text of JSON holds it unless it was meant to confuse.
const SEPARATOR: char = '\u{1f}';
/// Bytes of one part that count.
const MAX_PART_BYTES: usize = 1_000;

/// Gathers the parts of an event that count: one behind the other, each with its name.
#[derive(Debug)]
pub(super) struct Record {
    text: String,
    log: Option<Vec<Part>>,
}

/// A place in a record, to return to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(usize);

impl Record {
    pub(super) fn new(prefix: &str, is_logged: bool) -> Self {
        let mut text = String::with_capacity(1024);
        text.push_str(prefix);
        Self {
            text,
            log: is_logged.then(Vec::new),
        }
    }

    pub(super) fn place(&self) -> Place {
        Place(self.text.len())
    }

    /// Forgets the text behind a place; the log stays.
    pub(super) fn back_to(&mut self, place: Place) {
        self.text.truncate(place.0);
    }

    /// Returns a hash of the text behind a place.
    pub(super) fn hash_from(&self, place: Place) -> u64 {
        let text = self.text.as_bytes().get(place.0..).unwrap_or_default();
        XxHash3_64::oneshot(text)
    }

    /// Begins a part of the text.
    pub(super) fn begin(&mut self, name: &str) -> &mut String {
        self.text.push(SEPARATOR);
        self.text.push_str(name);
        self.text.push(SEPARATOR);
        &mut self.text
    }

    /// Appends a text as it is.
    pub(super) fn push(&mut self, name: &'static str, value: &str) {
        let value = clip_bytes(value);
        self.begin(name).push_str(value);
        if self.log.is_some() {
            self.note(Part::new(name, value));
        }
    }

    /// Appends a text that `write` writes.
    pub(super) fn push_with(&mut self, name: &'static str, write: impl FnOnce(&mut String)) {
        let start = self.begin(name).len();
        write(&mut self.text);
        if self.log.is_some() {
            let value = self.text.get(start..).unwrap_or_default();
            let part = Part::new(name, value);
            self.note(part);
        }
    }

    /// Appends a number that stands for other parts.
    pub(super) fn push_hash(&mut self, hash: u64) {
        use std::fmt::Write as _;
        let text = self.begin("set");
        // Writing to a text cannot fail.
        let _ = write!(text, "{hash:016x}");
    }

    pub(super) fn is_logged(&self) -> bool {
        self.log.is_some()
    }

    /// Adds to the log alone.
    pub(super) fn note(&mut self, part: Part) {
        if let Some(log) = &mut self.log {
            log.push(part);
        }
    }

    /// Returns how long the log is.
    pub(super) fn log_len(&self) -> usize {
        self.log.as_ref().map_or(0, Vec::len)
    }

    /// Changes what was logged from an entry on.
    pub(super) fn amend(&mut self, from: usize, mut change: impl FnMut(&mut Part)) {
        let entries = self.log.iter_mut().flatten().skip(from);
        entries.for_each(&mut change);
    }

    /// Changes one entry of the log.
    pub(super) fn amend_one(&mut self, at: usize, change: impl FnOnce(&mut Part)) {
        if let Some(part) = self.log.as_mut().and_then(|log| log.get_mut(at)) {
            change(part);
        }
    }

    /// Says of what was logged from an entry on that it does not count after all.
    pub(super) fn dismiss(&mut self, from: usize, reason: Reason) {
        self.amend(from, |part| {
            if part.counts {
                part.counts = false;
                part.reason = Some(reason);
            }
        });
    }

    /// Returns the text behind a place.
    pub(super) fn text_from(&self, place: Place) -> &str {
        self.text.get(place.0..).unwrap_or_default()
    }

    pub(super) fn finish(self) -> ([u8; 16], Vec<Part>) {
        let hash = XxHash3_128::oneshot(self.text.as_bytes());
        (hash.to_be_bytes(), self.log.unwrap_or_default())
    }
}

/// Cuts a text that is too long to be hashed for each event.
pub(super) fn clip_bytes(text: &str) -> &str {
    clip(text, MAX_PART_BYTES)
}

/// Cuts a text after so many bytes, before a character that would be cut in two.
pub(super) fn clip(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}
