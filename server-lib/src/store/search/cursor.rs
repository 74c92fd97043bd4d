//! A place in the query that moves on, and the texts that are read there.

use super::error::{Place, SearchError, SearchErrorKind};
use super::pattern::Pattern;

/// A text with its wildcards.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) pattern: Pattern,
    /// As it was written, without quotes.
    pub(super) raw: String,
    pub(super) is_quoted: bool,
    pub(super) place: Place,
}

/// What ends a text without quotes, besides a blank.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    Query,
    List,
}

/// Where reading has come to.
pub(super) struct Cursor<'a> {
    chars: &'a [char],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(chars: &'a [char]) -> Self {
        Self { chars, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes back to where reading was before.
    pub(super) fn go_back(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn quoted(&mut self) -> Result<Item, SearchError> {
        let opened = self.here();
        self.advance(1);
        let mut text = Scanned::default();
        loop {
            match self.peek() {
                None => return Err(self.unclosed(opened, "`\"` at the end of the text")),
                Some('"') => break,
                Some(c) => self.scan(c, &mut text),
            }
        }
        self.advance(1);
        Ok(text.into_item(true, self.since(opened.start)))
    }

    /// Reads up to the next blank. Parentheses that are opened and closed within belong to it.
    pub(super) fn bare(&mut self, within: Within) -> Item {
        let start = self.at;
        let mut text = Scanned::default();
        let mut depth = 0_usize;
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace()) {
            match c {
                '(' if depth == 0 && !self.closes_in_word() => break,
                '(' => depth = depth.saturating_add(1),
                ')' if depth == 0 => break,
                ')' => depth = depth.saturating_sub(1),
                ',' | ']' if within == Within::List && depth == 0 => break,
                _ => {}
            }
            self.scan(c, &mut text);
        }
        text.into_item(false, self.since(start))
    }

    /// Takes one character, or two when the first is a backslash that takes away a meaning.
    fn scan(&mut self, c: char, text: &mut Scanned) {
        text.raw.push(c);
        let next = self.peek_at(1).filter(|c| matches!(c, '*' | '"' | '\\'));
        match (c, next) {
            ('\\', Some(next)) => {
                text.raw.push(next);
                text.push(next);
                self.advance(2);
            }
            ('*', _) => {
                text.pieces.push(String::new());
                self.advance(1);
            }
            _ => {
                text.push(c);
                self.advance(1);
            }
        }
    }

    fn closes_in_word(&self) -> bool {
        let mut depth = 0_usize;
        for c in self.chars.iter().skip(self.at) {
            match c {
                '(' => depth = depth.saturating_add(1),
                ')' => depth = depth.saturating_sub(1),
                c if c.is_whitespace() => return false,
                _ => {}
            }
            if depth == 0 {
                return true;
            }
        }
        false
    }

    /// Whether a pair of parentheses, a colon and a value follow.
    pub(super) fn is_function(&self) -> bool {
        let mut rest = self.chars.iter().skip(self.at);
        let closed = rest.any(|c| *c == ')');
        closed
            && rest.next() == Some(&':')
            && rest.next().is_some_and(|c| !c.is_whitespace() && *c != ':')
    }

    pub(super) fn ends_at(&self, ahead: usize) -> bool {
        self.peek_at(ahead)
            .is_none_or(|c| c.is_whitespace() || c == ')')
    }

    pub(super) fn unexpected(&self, place: Place, expected: &str) -> SearchError {
        let found = self.text(place);
        SearchError::new(SearchErrorKind::Unexpected, place, &found, expected)
    }

    pub(super) fn unclosed(&self, opened: Place, expected: &str) -> SearchError {
        let place = self.since(opened.start);
        SearchError::new(
            SearchErrorKind::Unclosed,
            place,
            &self.text(place),
            expected,
        )
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at.checked_add(ahead)?).copied()
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.chars.len());
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.advance(1);
        }
    }

    pub(super) fn since(&self, start: usize) -> Place {
        Place::new(start, self.at)
    }

    /// The next character, or the end.
    pub(super) fn here(&self) -> Place {
        Place::new(self.at, self.at.saturating_add(1).min(self.chars.len()))
    }

    pub(super) fn text(&self, place: Place) -> String {
        let length = place.end.saturating_sub(place.start);
        self.chars.iter().skip(place.start).take(length).collect()
    }

    pub(super) fn rest_of_word(&self) -> String {
        let rest = self.chars.iter().skip(self.at);
        rest.take_while(|c| !c.is_whitespace()).take(40).collect()
    }
}

/// Text on its way to an item.
struct Scanned {
    raw: String,
    pieces: Vec<String>,
}

impl Default for Scanned {
    fn default() -> Self {
        Self {
            raw: String::new(),
            pieces: vec![String::new()],
        }
    }
}

impl Scanned {
    fn push(&mut self, c: char) {
        if let Some(piece) = self.pieces.last_mut() {
            piece.push(c);
        }
    }

    fn into_item(self, is_quoted: bool, place: Place) -> Item {
        Item {
            pattern: Pattern::from_pieces(self.pieces),
            raw: self.raw,
            is_quoted,
            place,
        }
    }
}
