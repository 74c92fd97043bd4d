//! Passwords of URLs.

use memchr::memmem;

use crate::scrub::find::{Found, Rule};
use crate::scrub::scrubber::FILTERED;

const SEPARATOR: &[u8] = b"://";

pub(in crate::scrub) fn find(text: &[u8], rule: Rule, found: &mut Vec<Found>) {
    for separator in memmem::find_iter(text, SEPARATOR) {
        let from = separator + SEPARATOR.len();
        let authority = authority(text.get(from..).unwrap_or_default());
        let Some(at_sign) = memchr::memrchr(b'@', authority) else {
            continue;
        };
        let user_info = authority.get(..at_sign).unwrap_or_default();
        let Some(colon) = memchr::memchr(b':', user_info) else {
            continue;
        };
        let password = user_info.get(colon + 1..).unwrap_or_default();
        if !password.is_empty() && password != FILTERED.as_bytes() {
            let (start, end) = (from + colon + 1, from + at_sign);
            found.push(Found { start, end, rule });
        }
    }
}

/// User, host and port: up to the path, the query or whatever cannot be part of a URL.
fn authority(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| {
        byte.is_ascii_whitespace()
            || byte.is_ascii_control()
            || matches!(
                byte,
                b'/' | b'?' | b'#' | b'\\' | b'"' | b'\'' | b'`' | b'<' | b'>'
            )
    });
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}
