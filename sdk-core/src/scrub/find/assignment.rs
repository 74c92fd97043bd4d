//! Names and values inside of texts: `token=…` of queries, forms and connection strings,
//! `password = "…"` of source lines, and `"password": "…"` of JSON in a text.

use crate::scrub::find::{Found, Rule};
use crate::scrub::keys::KeyRules;
use crate::scrub::scrubber::FILTERED;

/// Spaces or backslashes that are passed over.
const MAX_SPACES: usize = 16;

/// False when the equals sign at the offset surely assigns nothing secret; the text may go on
/// behind its end, and may have escapes other than those by number.
#[inline(always)]
pub(in crate::scrub) fn may_assign(text: &[u8], at: usize, keys: &KeyRules) -> bool {
    match text.get(at + 1..) {
        // Most are of these two forms, in lines of source code: a comparison, or an assignment
        // with spaces that is not of a literal.
        Some([b'=', ..]) => false,
        Some([b' ', value, ..]) if !matches!(value, b' ' | b'"' | b'\'' | b'`' | b'\\') => false,
        _ => may_assign_here(text, at, keys),
    }
}

fn may_assign_here(text: &[u8], at: usize, keys: &KeyRules) -> bool {
    let arrow = text.get(at + 1) == Some(&b'>');
    let behind = at + 1 + usize::from(arrow);
    let value = skip_spaces(text, behind);
    let spaced = value != behind || at.checked_sub(1).and_then(|at| text.get(at)) == Some(&b' ');
    let is_plain = !matches!(text.get(value), Some(b'"' | b'\'' | b'`' | b'\\'));
    if is_plain && (arrow || spaced || text.get(value) == Some(&b'=')) {
        return false;
    }
    Name::before(text, at).is_some_and(|name| keys.may_deny(name.bytes))
}

/// Finds the values behind equals signs.
pub(in crate::scrub) fn find_equals(text: &[u8], keys: &KeyRules, found: &mut Vec<Found>) {
    let mut done = 0;
    for at in memchr::memchr_iter(b'=', text) {
        if at < done {
            continue;
        }
        if let Some(hit) = assigned(text, at, keys) {
            done = hit.end;
            found.push(hit);
        }
    }
}

/// Finds the values behind colons that follow a name in quotation marks.
pub(in crate::scrub) fn find_quoted_names(text: &[u8], keys: &KeyRules, found: &mut Vec<Found>) {
    let mut done = 0;
    for at in memchr::memchr_iter(b':', text) {
        if at < done || !at.checked_sub(1).is_some_and(|at| is_quote(text.get(at))) {
            continue;
        }
        if let Some(hit) = keyed(text, at, keys) {
            done = hit.end;
            found.push(hit);
        }
    }
}

fn assigned(text: &[u8], at: usize, keys: &KeyRules) -> Option<Found> {
    let arrow = text.get(at + 1) == Some(&b'>');
    let behind = at + 1 + usize::from(arrow);
    let value = skip_spaces(text, behind);
    let name = Name::before(text, at)?;
    // With spaces it is source code, where only a literal is secret.
    let needs_quote = arrow || name.spaced || value != behind;
    let (start, end) = match Quote::at(text, value) {
        Some(quote) => quote.content(text),
        None if needs_quote || text.get(value) == Some(&b'=') => return None,
        None => (value, plain_end(text, value, b"")),
    };
    let rule = denied(text, start, end, name.bytes, keys)?;
    Some(Found { start, end, rule })
}

fn keyed(text: &[u8], at: usize, keys: &KeyRules) -> Option<Found> {
    let name = Name::before(text, at)?;
    let value = skip_spaces(text, at + 1);
    let (start, end) = match Quote::at(text, value) {
        Some(quote) => quote.content(text),
        None => (value, plain_end(text, value, b",}]")),
    };
    let literals: [&[u8]; 6] = [b"null", b"None", b"true", b"false", b"True", b"False"];
    let plain = text.get(start..end)?;
    if matches!(plain.first(), Some(b'{' | b'[')) && start == value || literals.contains(&plain) {
        return None;
    }
    let rule = denied(text, start, end, name.bytes, keys)?;
    Some(Found { start, end, rule })
}

fn denied(text: &[u8], start: usize, end: usize, name: &[u8], keys: &KeyRules) -> Option<Rule> {
    let value = text.get(start..end)?;
    if value.is_empty() || value.starts_with(FILTERED.as_bytes()) {
        return None;
    }
    let rule = keys.denies(name)?;
    let is_number = value
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.');
    (!(is_number && keys.spares_numbers(rule))).then_some(Rule::Key(rule))
}

/// A name that ends before a sign.
struct Name<'a> {
    bytes: &'a [u8],
    /// True when spaces stand between name and sign.
    spaced: bool,
}

impl<'a> Name<'a> {
    fn before(text: &'a [u8], sign: usize) -> Option<Self> {
        let before = text.get(..sign)?;
        let trimmed = trim_end(before, MAX_SPACES, |byte| byte == b' ' || byte == b'\t');
        let spaced = trimmed.len() != before.len();
        let open = match trimmed.split_last() {
            Some((b'"' | b'\'' | b'`', rest)) => trim_end(rest, MAX_SPACES, |byte| byte == b'\\'),
            _ => trimmed,
        };
        // No name has a sign in it, so that no byte is looked at for two names.
        let start = trim_end(open, usize::MAX, is_name).len();
        let bytes = open.get(start..).filter(|bytes| !bytes.is_empty())?;
        Some(Self { bytes, spaced })
    }
}

/// Without the last bytes that pass the test, at most so many.
fn trim_end(bytes: &[u8], most: usize, test: impl Fn(u8) -> bool) -> &[u8] {
    let count = bytes
        .iter()
        .rev()
        .take(most)
        .take_while(|byte| test(**byte))
        .count();
    bytes
        .get(..bytes.len().saturating_sub(count))
        .unwrap_or_default()
}

/// An opening quotation mark.
struct Quote {
    mark: u8,
    /// Backslashes before it, as in JSON within JSON.
    slashes: usize,
    /// The offset behind it.
    start: usize,
}

impl Quote {
    fn at(text: &[u8], at: usize) -> Option<Self> {
        let rest = text.get(at..)?;
        let slashes = rest
            .iter()
            .take(MAX_SPACES)
            .take_while(|byte| **byte == b'\\')
            .count();
        let mark = *rest.get(slashes)?;
        is_quote(Some(&mark)).then_some(Self {
            mark,
            slashes,
            start: at + slashes + 1,
        })
    }

    /// From the mark to the next one that has no more backslashes, or to the end.
    fn content(&self, text: &[u8]) -> (usize, usize) {
        let mut slashes = 0;
        for (at, byte) in text.iter().enumerate().skip(self.start) {
            if *byte == self.mark && slashes <= self.slashes {
                return (self.start, at - slashes);
            }
            slashes = if *byte == b'\\' { slashes + 1 } else { 0 };
        }
        (self.start, text.len())
    }
}

/// The end of a value without quotation marks.
fn plain_end(text: &[u8], start: usize, stops: &[u8]) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let len = rest
        .iter()
        .take_while(|byte| {
            !byte.is_ascii_whitespace()
                && !matches!(byte, b'&' | b';' | b'"' | b'\'' | b'`' | b'<' | b'>')
                && !stops.contains(byte)
        })
        .count();
    // The backslash of a quotation mark that follows belongs to the mark.
    let value = rest.get(..len).unwrap_or_default();
    let slashes = match rest.get(len) {
        Some(b'"' | b'\'' | b'`') => value
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count(),
        _ => 0,
    };
    start + len.saturating_sub(slashes)
}

fn skip_spaces(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .take(MAX_SPACES)
        .take_while(|byte| **byte == b' ')
        .count()
}

fn is_quote(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'"' | b'\'' | b'`'))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || !byte.is_ascii()
        || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%' | b'$')
}
