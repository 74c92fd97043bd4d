//! A walk over JSON that builds nothing: text is lent where it has no escapes, and what nobody
//! asks for is checked and passed over, sixty-four bytes at a time.
//!
//! What it takes is what the core's readers take after mending: JSON, and beside it bare `NaN`
//! and `Infinity`, numbers out of range, and half surrogate pairs.

#![warn(clippy::arithmetic_side_effects)]

use std::borrow::Cow;

use mini_sentry::limits::MAX_JSON_DEPTH;

use super::ScanError;
use special::Specials;

mod special;

/// A place in a text.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    specials: Specials,
}

/// A string as it stands between its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawText<'a> {
    raw: &'a str,
    has_escapes: bool,
}

/// What a value begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    List,
    Text,
    Other,
}

impl<'a> RawText<'a> {
    /// Returns the text as it is meant.
    pub(super) fn decode(self) -> Cow<'a, str> {
        if self.has_escapes {
            Cow::Owned(unescape(self.raw))
        } else {
            Cow::Borrowed(self.raw)
        }
    }
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            specials: Specials::new(text.as_bytes()),
        }
    }

    /// Looks at what comes next.
    pub(super) fn shape(&mut self) -> Shape {
        match self.peek() {
            Some(b'{') => Shape::Object,
            Some(b'[') => Shape::List,
            Some(b'"') => Shape::Text,
            _ => Shape::Other,
        }
    }

    /// Fails unless nothing but blanks follows.
    pub(super) fn end(&mut self) -> Result<(), ScanError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault()),
        }
    }

    /// Walks an object; `each` gets every key and has to read or pass over its value.
    pub(super) fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, &str) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        self.entries(|cursor, key| each(cursor, &key))
    }

    /// Walks an object whose keys are wanted for longer.
    pub(super) fn entries(
        &mut self,
        mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        self.open(b'{')?;
        if self.take(b'}') {
            self.close();
            return Ok(());
        }
        loop {
            let key = self.key()?;
            each(self, key.decode())?;
            if self.take(b',') {
                continue;
            }
            self.expect(b'}')?;
            self.close();
            return Ok(());
        }
    }

    /// Walks a list; `each` has to read or pass over every element.
    pub(super) fn list(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        self.open(b'[')?;
        if self.take(b']') {
            self.close();
            return Ok(());
        }
        loop {
            each(self)?;
            if self.take(b',') {
                continue;
            }
            self.expect(b']')?;
            self.close();
            return Ok(());
        }
    }

    /// Reads a string; anything else is passed over.
    pub(super) fn text(&mut self) -> Result<Option<Cow<'a, str>>, ScanError> {
        if self.take(b'"') {
            return Ok(Some(self.string()?.decode()));
        }
        self.skip()?;
        Ok(None)
    }

    /// Reads a string, or a number or boolean as it is written; null, lists and objects are passed
    /// over.
    pub(super) fn scalar(&mut self) -> Result<Option<Cow<'a, str>>, ScanError> {
        match self.peek() {
            Some(b'"' | b'{' | b'[') => self.text(),
            _ => {
                let start = self.at;
                self.bare()?;
                let word = self.text.get(start..self.at).unwrap_or_default();
                let is_value = word != "null" && !is_mended(word);
                Ok(is_value.then_some(Cow::Borrowed(word)))
            }
        }
    }

    /// Reads a boolean; anything else is passed over.
    pub(super) fn boolean(&mut self) -> Result<Option<bool>, ScanError> {
        Ok(match self.peek() {
            Some(b't') => {
                self.word("true")?;
                Some(true)
            }
            Some(b'f') => {
                self.word("false")?;
                Some(false)
            }
            _ => {
                self.skip()?;
                None
            }
        })
    }

    /// Passes over a value of any kind.
    pub(super) fn skip(&mut self) -> Result<(), ScanError> {
        // One bit for each open container: set for objects.
        let mut open: u128 = 0;
        let mut levels: usize = 0;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.advance();
                    self.string()?;
                }
                Some(b'{') => {
                    self.open(b'{')?;
                    if self.take(b'}') {
                        self.close();
                    } else {
                        open = (open << 1) | 1;
                        levels = levels.saturating_add(1);
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.open(b'[')?;
                    if self.take(b']') {
                        self.close();
                    } else {
                        open <<= 1;
                        levels = levels.saturating_add(1);
                        continue;
                    }
                }
                _ => self.bare()?,
            }
            loop {
                if levels == 0 {
                    return Ok(());
                }
                let in_object = open & 1 == 1;
                if self.take(b',') {
                    if in_object {
                        self.key()?;
                    }
                    break;
                }
                self.expect(if in_object { b'}' } else { b']' })?;
                self.close();
                open >>= 1;
                levels = levels.saturating_sub(1);
            }
        }
    }

    fn open(&mut self, bracket: u8) -> Result<(), ScanError> {
        self.expect(bracket)?;
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_JSON_DEPTH {
            return Err(ScanError::TooDeep);
        }
        Ok(())
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<RawText<'a>, ScanError> {
        self.expect(b'"')?;
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Reads the rest of a string whose quote is behind us.
    fn string(&mut self) -> Result<RawText<'a>, ScanError> {
        let start = self.at;
        let mut has_escapes = false;
        loop {
            let found = self.specials.find(self.text.as_bytes(), self.at);
            self.at = found.ok_or_else(|| self.fault())?;
            match self.here() {
                Some(b'"') => {
                    let raw = self.text.get(start..self.at).unwrap_or_default();
                    self.advance();
                    return Ok(RawText { raw, has_escapes });
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.advance();
                    self.escape()?;
                }
                _ => return Err(self.fault()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), ScanError> {
        match self.here() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.advance(),
            Some(b'u') => {
                let digits = self.text.as_bytes().get(self.at.saturating_add(1)..);
                let digits = digits.and_then(<[u8]>::first_chunk::<4>);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.fault());
                }
                self.at = self.at.saturating_add(5);
            }
            _ => return Err(self.fault()),
        }
        Ok(())
    }

    /// Passes over a number, `true`, `false`, `null`, or what the core mends to null.
    fn bare(&mut self) -> Result<(), ScanError> {
        match self.peek() {
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => self.number(),
            _ => Err(self.fault()),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), ScanError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.fault());
        }
        self.at = self.at.saturating_add(word.len());
        Ok(())
    }

    fn number(&mut self) -> Result<(), ScanError> {
        let bytes = self.text.as_bytes();
        let rest = bytes.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')))
            .unwrap_or(rest.len());
        let end = self.at.saturating_add(length);
        let word = self.text.get(self.at..end).unwrap_or_default();
        if !is_number(word.as_bytes()) && !is_mended(word) {
            return Err(self.fault());
        }
        self.at = end;
        Ok(())
    }

    /// Passes over blanks and returns the byte behind them.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = self.here()?;
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.advance();
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.advance();
        }
        is_next
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), ScanError> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.fault())
        }
    }

    #[inline]
    fn here(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn advance(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    #[cold]
    fn fault(&self) -> ScanError {
        ScanError::Syntax { position: self.at }
    }
}

/// Reports whether the word is a number as JSON has it.
fn is_number(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"-").unwrap_or(word);
    let (whole, rest) = split_digits(word);
    if whole.is_empty() || (whole.len() > 1 && whole.first() == Some(&b'0')) {
        return false;
    }
    let rest = match rest.strip_prefix(b".") {
        Some(rest) => {
            let (digits, rest) = split_digits(rest);
            if digits.is_empty() {
                return false;
            }
            rest
        }
        None => rest,
    };
    match rest.split_first() {
        None => true,
        Some((b'e' | b'E', rest)) => {
            let rest = rest
                .strip_prefix(b"+")
                .or_else(|| rest.strip_prefix(b"-"))
                .unwrap_or(rest);
            let (digits, rest) = split_digits(rest);
            !digits.is_empty() && rest.is_empty()
        }
        Some(_) => false,
    }
}

fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, &[]))
}

/// Reports whether the core reads the word as null although it is no JSON.
fn is_mended(word: &str) -> bool {
    matches!(
        word.trim_start_matches('-'),
        "NaN" | "Infinity" | "inf" | "Inf"
    ) || word.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// Puts characters in the place of checked escapes; half a surrogate pair becomes U+FFFD.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, behind)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = behind.chars();
        let character = match chars.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (character, width) = unicode(behind);
                out.push(character);
                rest = behind.get(width..).unwrap_or_default();
                continue;
            }
            Some(other) => other,
            None => break,
        };
        out.push(character);
        rest = chars.as_str();
    }
    out.push_str(rest);
    out
}

/// Reads `uXXXX`, or `uXXXX\uXXXX` where two make a pair; returns how many bytes that is.
fn unicode(text: &str) -> (char, usize) {
    const HALF: (char, usize) = (char::REPLACEMENT_CHARACTER, 5);
    let unit = |from: usize| {
        let hex = text.get(from..from.checked_add(4)?)?;
        u32::from_str_radix(hex, 16).ok()
    };
    let Some(first) = unit(1) else {
        return HALF;
    };
    if let Some(character) = char::from_u32(first) {
        return (character, 5);
    }
    let second = text
        .get(5..7)
        .filter(|escape| *escape == "\\u")
        .and_then(|_| unit(7));
    let (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) = (first, second) else {
        return HALF;
    };
    let behind_first_plane = ((first & 0x3ff) << 10) | (low & 0x3ff);
    char::from_u32(behind_first_plane.saturating_add(0x1_0000))
        .map_or(HALF, |character| (character, 11))
}
