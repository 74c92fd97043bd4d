//! Mends JSON that other clients write slightly wrong.

use std::borrow::Cow;

use crate::protocol::read::ReadError;

/// Mends what can be mended; borrowed when there is nothing to mend.
pub(super) fn mend(json: &[u8], max_depth: usize) -> Result<Cow<'_, [u8]>, ReadError> {
    let text = String::from_utf8_lossy(json);
    let mut out = String::new();
    let mut copied = 0;
    let mut scan = Scan {
        text: &text,
        at: 0,
        depth: 0,
        max_depth,
        in_string: false,
    };
    while let Some(fault) = scan.next_fault()? {
        out.push_str(text.get(copied..fault.start).unwrap_or_default());
        out.push_str(fault.replacement);
        copied = fault.end;
    }
    if copied == 0 {
        return Ok(match text {
            Cow::Borrowed(_) => Cow::Borrowed(json),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        });
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Ok(Cow::Owned(out.into_bytes()))
}

/// A place to replace.
struct Fault {
    start: usize,
    end: usize,
    replacement: &'static str,
}

/// A walk over the text that stops at what is to be mended.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    max_depth: usize,
    in_string: bool,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn next_fault(&mut self) -> Result<Option<Fault>, ReadError> {
        while let Some(byte) = self.text.as_bytes().get(self.at).copied() {
            if self.in_string {
                if let Some(fault) = self.string() {
                    return Ok(Some(fault));
                }
                continue;
            }
            match byte {
                b'"' => {
                    self.in_string = true;
                    self.skip(1);
                }
                b'{' | b'[' => {
                    self.depth = self.depth.saturating_add(1);
                    if self.depth > self.max_depth {
                        return Err(ReadError::TooDeep {
                            position: self.at,
                            limit: self.max_depth,
                        });
                    }
                    self.skip(1);
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.skip(1);
                }
                b'N' | b'I' | b'-' | b'0'..=b'9' => {
                    if let Some(fault) = self.number() {
                        return Ok(Some(fault));
                    }
                }
                _ => self.skip(1),
            }
        }
        Ok(None)
    }

    /// Walks the rest of a string; stops at half a surrogate pair.
    fn string(&mut self) -> Option<Fault> {
        loop {
            let rest = self.rest();
            let stop = memchr::memchr2(b'"', b'\\', rest.as_bytes());
            let Some(stop) = stop else {
                self.at = self.text.len();
                return None;
            };
            self.skip(stop);
            if self.rest().starts_with('"') {
                self.in_string = false;
                self.skip(1);
                return None;
            }
            match escaped_unit(self.rest()) {
                Some(0xD800..=0xDBFF) => {
                    let second = self.rest().get(6..).and_then(escaped_unit);
                    if !matches!(second, Some(0xDC00..=0xDFFF)) {
                        return Some(self.half_surrogate());
                    }
                    self.skip(12);
                }
                Some(0xDC00..=0xDFFF) => return Some(self.half_surrogate()),
                Some(_) => self.skip(6),
                None => {
                    // Any other escape: the backslash and the character behind it.
                    let width = self.rest().chars().nth(1).map_or(0, char::len_utf8);
                    self.skip(width.saturating_add(1));
                }
            }
        }
    }

    /// Replaces one `\uD8xx`.
    fn half_surrogate(&mut self) -> Fault {
        let start = self.at;
        self.skip(6);
        Fault {
            start,
            end: self.at,
            replacement: "\\ufffd",
        }
    }

    /// Walks a number or a bare word; stops when it has to become null.
    fn number(&mut self) -> Option<Fault> {
        let start = self.at;
        let rest = self.rest();
        let width = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')))
            .unwrap_or(rest.len());
        let word = rest.get(..width).unwrap_or_default();
        let is_bare = matches!(
            word.trim_start_matches('-'),
            "NaN" | "Infinity" | "inf" | "Inf"
        );
        let overflows = || word.parse::<f64>().is_ok_and(f64::is_infinite);
        let replace = is_bare || overflows();
        self.skip(width.max(1));
        replace.then_some(Fault {
            start,
            end: self.at,
            replacement: "null",
        })
    }
}

/// The code unit of a `\uXXXX` at the start of the text.
fn escaped_unit(text: &str) -> Option<u16> {
    let hex = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(hex, 16).ok()
}
