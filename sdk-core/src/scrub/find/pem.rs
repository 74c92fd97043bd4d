//! Private keys in PEM form.

use memchr::memmem;

use crate::scrub::find::{Found, Rule};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const RULE: &[u8] = b"-----";
const LABEL: &[u8] = b"PRIVATE KEY";
/// Longest label with its hyphens.
const MAX_LABEL: usize = 64;

pub(in crate::scrub) fn find(text: &[u8], rule: Rule, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(start) = find_from(text, at, BEGIN) {
        let label_at = start + BEGIN.len();
        let label = text.get(label_at..).unwrap_or_default();
        let label = label.get(..MAX_LABEL).unwrap_or(label);
        let label_len = memmem::find(label, RULE);
        let is_private = label_len
            .and_then(|len| label.get(..len))
            .is_some_and(|label| memmem::find(label, LABEL).is_some());
        if !is_private {
            at = label_at;
            continue;
        }
        // A key that was cut off goes up to the end of the text.
        let end = find_from(text, label_at, END)
            .and_then(|end| find_from(text, end + END.len(), RULE))
            .map_or(text.len(), |end| end + RULE.len());
        found.push(Found { start, end, rule });
        at = end;
    }
}

fn find_from(text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    memmem::find(text.get(from..)?, what).map(|at| from + at)
}
