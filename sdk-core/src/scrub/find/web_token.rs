//! JSON web tokens: parts of base64 with dots between, the first of which is an object.

use memchr::memmem;

use crate::scrub::find::{Found, Rule};
use crate::scrub::marks::TOKEN_RUN;

/// How `{"` begins in base64.
const BEGINNING: &[u8] = b"eyJ";
/// Parts of an encrypted token; a signed one has three.
const MAX_PARTS: usize = 5;
/// Shortest second part.
const MIN_CLAIMS: usize = 4;

pub(in crate::scrub) fn find(text: &[u8], rule: Rule, found: &mut Vec<Found>) {
    let mut done = 0;
    for start in memmem::find_iter(text, BEGINNING) {
        let before = start.checked_sub(1).and_then(|at| text.get(at));
        if start < done || before.is_some_and(|byte| is_base64url(*byte)) {
            continue;
        }
        if let Some(end) = token_end(text, start) {
            found.push(Found { start, end, rule });
            done = end;
        }
    }
}

fn token_end(text: &[u8], start: usize) -> Option<usize> {
    let mut end = part_end(text, start);
    if end - start < TOKEN_RUN as usize {
        return None;
    }
    for part in 1..MAX_PARTS {
        if text.get(end) != Some(&b'.') {
            return (part > 1).then_some(end);
        }
        let next = part_end(text, end + 1);
        if part == 1 && next - end <= MIN_CLAIMS {
            return None;
        }
        end = next;
    }
    Some(end)
}

fn part_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    start + rest.iter().take_while(|byte| is_base64url(**byte)).count()
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
