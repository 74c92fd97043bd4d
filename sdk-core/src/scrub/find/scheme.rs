//! `Bearer` and `Basic`, as the authorization header has them, in any text.

use crate::scrub::find::{Found, Rule};

/// Length from which on any token after `Bearer` is taken for one.
const SURELY_A_TOKEN: usize = 20;
/// Shortest that is looked at.
const MIN_TOKEN: usize = 4;

pub(in crate::scrub) fn find(text: &[u8], rule: Rule, found: &mut Vec<Found>) {
    let mut done = 0;
    for space in memchr::memchr_iter(b' ', text) {
        if space < done {
            continue;
        }
        let Some(scheme) = Scheme::before(text, space) else {
            continue;
        };
        let rest = text.get(space..).unwrap_or_default();
        let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
        let start = space + spaces;
        let token = token(text.get(start..).unwrap_or_default());
        let end = start + token.len();
        let is_header = end == text.len() && space == scheme.len()
            || follows_header_name(text, space - scheme.len());
        // What a server asks for: `Bearer realm="…"`.
        let is_parameter = token.ends_with(b"=") && text.get(end) == Some(&b'"');
        if !is_parameter && scheme.accepts(token, is_header) {
            found.push(Found { start, end, rule });
            done = end;
        }
    }
}

#[derive(Clone, Copy)]
enum Scheme {
    Bearer,
    Basic,
}

impl Scheme {
    fn before(text: &[u8], end: usize) -> Option<Self> {
        let before = text.get(..end)?;
        let scheme = [Self::Bearer, Self::Basic].into_iter().find(|scheme| {
            before
                .last_chunk_of(scheme.len())
                .is_some_and(|last| last.eq_ignore_ascii_case(scheme.word()))
        })?;
        let front = end
            .checked_sub(scheme.len() + 1)
            .and_then(|at| text.get(at));
        (!front.is_some_and(u8::is_ascii_alphanumeric)).then_some(scheme)
    }

    const fn word(self) -> &'static [u8] {
        match self {
            Self::Bearer => b"bearer",
            Self::Basic => b"basic",
        }
    }

    const fn len(self) -> usize {
        self.word().len()
    }

    /// Tells tokens from prose such as "bearer of news" and "basic authentication".
    fn accepts(self, token: &[u8], is_header: bool) -> bool {
        let min = if is_header { 1 } else { MIN_TOKEN };
        if token.len() < min {
            return false;
        }
        match self {
            Self::Bearer => {
                let prose = !token.iter().any(u8::is_ascii_digit) && !has_inner_capital(token);
                is_header || token.len() >= SURELY_A_TOKEN || !prose
            }
            Self::Basic => decodes_to_a_pair(token),
        }
    }
}

/// The last bytes of a slice.
trait LastBytes {
    fn last_chunk_of(&self, len: usize) -> Option<&[u8]>;
}

impl LastBytes for [u8] {
    fn last_chunk_of(&self, len: usize) -> Option<&[u8]> {
        self.get(self.len().checked_sub(len)?..)
    }
}

/// True when `authorization:` stands before the offset.
fn follows_header_name(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_ascii_end();
    let Some(before) = before.strip_suffix(b":") else {
        return false;
    };
    const NAME: &[u8] = b"authorization";
    before
        .last_chunk_of(NAME.len())
        .is_some_and(|last| last.eq_ignore_ascii_case(NAME))
}

fn token(rest: &[u8]) -> &[u8] {
    let len = rest
        .iter()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
        })
        .count();
    let token = rest.get(..len).unwrap_or_default();
    // The full stop of a sentence is no part of it.
    token.strip_suffix(b".").unwrap_or(token)
}

fn has_inner_capital(token: &[u8]) -> bool {
    let inner = token.get(1..).unwrap_or_default();
    inner.iter().any(u8::is_ascii_uppercase) && inner.iter().any(u8::is_ascii_lowercase)
}

/// True when the base64 stands for `user:password`.
fn decodes_to_a_pair(token: &[u8]) -> bool {
    let digits = token.strip_suffix(b"=").unwrap_or(token);
    let digits = digits.strip_suffix(b"=").unwrap_or(digits);
    if digits.len() % 4 == 1 {
        return false;
    }
    let (mut bits, mut held, mut colon) = (0_u32, 0_u32, false);
    for digit in digits {
        let Some(value) = base64_value(*digit) else {
            return false;
        };
        bits = (bits << 6 | value) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            colon |= bits >> held & 0xff == u32::from(b':');
        }
    }
    colon
}

fn base64_value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}
