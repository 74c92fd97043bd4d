//! A line of rules, read from left to right.

use super::error::{Expected, RuleError};

/// A place in a line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    number: usize,
    text: &'a str,
    at: usize,
}

impl<'a> Line<'a> {
    pub(super) fn new(number: usize, text: &'a str) -> Self {
        Self {
            number,
            text,
            at: 0,
        }
    }

    /// Returns the whole line.
    pub(super) fn text(&self) -> &'a str {
        self.text.trim()
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// Says what is missing here.
    pub(super) fn expected(&self, expected: Expected) -> RuleError {
        self.expected_at(self.at, expected)
    }

    /// Says what is missing at an earlier place.
    pub(super) fn expected_at(&self, at: usize, expected: Expected) -> RuleError {
        let before = self.text.get(..at).unwrap_or_default();
        RuleError {
            line: self.number,
            column: before.chars().count().saturating_add(1),
            expected,
        }
    }

    pub(super) fn blanks(&mut self) {
        let rest = self.rest();
        self.advance(rest.len().saturating_sub(rest.trim_start().len()));
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.blanks();
        self.rest().is_empty()
    }

    /// Takes a text that is next, if it is.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.advance(text.len());
        }
        is_next
    }

    /// Takes characters as long as they are wanted.
    pub(super) fn take_while(&mut self, is_wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !is_wanted(c)).unwrap_or(rest.len());
        self.advance(end);
        rest.get(..end).unwrap_or_default()
    }

    /// Reads what follows an opening quote. A backslash keeps its meaning for patterns, but takes
    /// that of a quote.
    pub(super) fn quoted(&mut self) -> Result<String, RuleError> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().peekable();
        while let Some((index, c)) = chars.next() {
            match c {
                '"' => {
                    self.advance(index.saturating_add(1));
                    return Ok(text);
                }
                '\\' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                    text.push('"');
                    chars.next();
                }
                _ => text.push(c),
            }
        }
        Err(self.expected_at(start.saturating_sub(1), Expected::ClosingQuote))
    }

    /// Reads a text in quotes, or up to the next blank.
    pub(super) fn word(&mut self) -> Result<String, RuleError> {
        if self.take("\"") {
            return self.quoted();
        }
        Ok(self.take_while(|c| !c.is_whitespace()).to_owned())
    }

    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }
}
