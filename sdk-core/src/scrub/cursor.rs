//! Small steps over JSON bytes: to the end of a string, of a number, of a whole value.
//!
//! Every step takes an offset and gives one that is not smaller; offsets never pass the end.

use crate::scrub::lanes::{self, WIDTH};

/// A string between its quotation marks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    /// First byte of the content.
    pub(super) start: usize,
    /// The closing mark, or the end of the input where there is none.
    pub(super) end: usize,
    /// True when the content has backslashes.
    pub(super) escaped: bool,
    /// True when the closing mark is there.
    pub(super) closed: bool,
}

impl Text {
    /// The string whose opening mark is at the offset.
    #[inline(always)]
    pub(super) fn at(json: &[u8], open: usize) -> Self {
        let start = open + 1;
        let mut at = start;
        let mut escaped = false;
        while at < json.len() {
            let chunk = lanes::load(json, at);
            let stops = chunk.equal(b'"') | chunk.equal(b'\\');
            if stops == 0 {
                at += WIDTH;
                continue;
            }
            at += stops.trailing_zeros() as usize;
            if json.get(at) == Some(&b'"') {
                return Self {
                    start,
                    end: at,
                    escaped,
                    closed: true,
                };
            }
            escaped = true;
            at += 2;
        }
        Self {
            start: start.min(json.len()),
            end: json.len(),
            escaped,
            closed: false,
        }
    }

    /// The offset behind the string.
    pub(super) fn after(self) -> usize {
        self.end + usize::from(self.closed)
    }

    /// The bytes between the marks.
    pub(super) fn content(self, json: &[u8]) -> &[u8] {
        json.get(self.start..self.end).unwrap_or_default()
    }
}

/// The offset of the next byte that is not white space.
#[inline(always)]
pub(super) fn skip_space(json: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = json.get(at) {
        at += 1;
    }
    at
}

/// The offset behind a number, a literal, or whatever else stands between separators.
pub(super) fn skip_scalar(json: &[u8], mut at: usize) -> usize {
    while let Some(byte) = json.get(at) {
        if matches!(
            byte,
            b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']' | b' ' | b'\n' | b'\t' | b'\r'
        ) {
            break;
        }
        at += 1;
    }
    at
}

/// The offset behind the value, however deep it is.
pub(super) fn skip_value(json: &[u8], start: usize) -> usize {
    let mut at = start;
    let mut depth = 0_usize;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = Text::at(json, at).after(),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                if depth == 0 {
                    return at;
                }
                depth -= 1;
                at += 1;
            }
            b' ' | b'\n' | b'\t' | b'\r' | b',' | b':' => {
                if depth == 0 {
                    return at;
                }
                at += 1;
                continue;
            }
            _ => at = skip_scalar(json, at),
        }
        if depth == 0 {
            return at;
        }
    }
    json.len()
}
