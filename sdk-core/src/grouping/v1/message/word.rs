//! Words: numbers, ids and addresses in them.

use super::push;
use crate::grouping::v1::digits::{is_hex_id, is_number, is_random, is_uuid};

/// Reports whether a character is inside of words. A dot or hyphen holds one together: versions,
/// addresses, ids.
pub(super) fn is_inside(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+')
}

/// Reports whether a whole segment is a number, a UUID, a hash or a random id.
pub(super) fn is_id(text: &str) -> bool {
    is_number(text)
        || is_uuid(text)
        || is_hex_id(text, 8)
        || is_random(text)
        || text
            .rsplit_once('_')
            .is_some_and(|(_, id)| is_random(id) || is_hex_id(id, 8))
}

/// Appends a word with placeholders for what varies in it.
pub(super) fn write(word: &str, out: &mut String) {
    if !word
        .bytes()
        .any(|byte| byte.is_ascii_digit() || byte == b'@')
    {
        out.push_str(word);
        return;
    }
    // A full stop behind a sentence is none of the word's.
    let core = word.trim_end_matches(['.', '-', '+']);
    let end = word.get(core.len()..).unwrap_or_default();
    let unsigned = core.trim_start_matches(['-', '+']);
    if is_email(core) {
        push(out, "<email>");
    } else if is_uuid(core) {
        push(out, "<uuid>");
    } else if unsigned.starts_with(|c: char| c.is_ascii_digit()) && is_one_number(unsigned) {
        push(out, "<n>");
    } else if let Some(name) = pod(core) {
        write_parts(name, out);
        out.push_str("-<n>");
    } else {
        write_parts(core, out);
    }
    out.push_str(end);
}

/// Returns the name in front of what Kubernetes puts behind it: `redis-66bd57c8d4-qq2lm`.
fn pod(word: &str) -> Option<&str> {
    let is_made = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let (rest, own) = word.rsplit_once('-')?;
    let (name, set) = rest.rsplit_once('-')?;
    let has_digit = set.bytes().any(|byte| byte.is_ascii_digit());
    let is_pod = own.len() == 5 && (8..=10).contains(&set.len()) && has_digit;
    (is_pod && is_made(own) && is_made(set)).then_some(name)
}

fn is_email(word: &str) -> bool {
    word.split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// Reports whether all of a word is a number or a version: `1.25`, `0x7f3a`, `1e9`, `1.2.3-rc.1`.
fn is_one_number(word: &str) -> bool {
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let (digits, rest) = split_at(word, |c| !c.is_ascii_digit() && c != '.');
    let dots = digits.matches('.').count();
    rest.is_empty()
        || (dots > 0 && rest.starts_with(['-', '+']))
        || rest
            .strip_prefix(['e', 'E'])
            .is_some_and(|power| is_number(power.trim_start_matches(['-', '+'])))
}

fn split_at(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(is_end).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Puts `<n>` in the place of each part that is an id, and of each run of digits; dots and hyphens
/// between digits belong to them.
fn write_parts(word: &str, out: &mut String) {
    let mut in_number = false;
    let mut at = 0_usize;
    for part in word.split_inclusive(['.', '-', '_', '@', '+']) {
        at = at.saturating_add(part.len());
        let core = part.trim_end_matches(['.', '-', '_', '@', '+']);
        if is_hex_id(core, 8) || is_random(core) {
            if !in_number {
                out.push_str("<n>");
            }
            in_number = true;
        } else {
            for c in core.chars() {
                let is_digit = c.is_ascii_digit();
                match (is_digit, in_number) {
                    (true, true) => {}
                    (true, false) => out.push_str("<n>"),
                    (false, _) => out.push(c),
                }
                in_number = is_digit;
            }
        }
        let separator = part.get(core.len()..).unwrap_or_default();
        let next = word.get(at..).unwrap_or_default();
        let joins = in_number
            && matches!(separator, "." | "-")
            && next.starts_with(|c: char| c.is_ascii_digit());
        // Behind `v1.10.0` a hyphen begins the name of a trial version.
        let is_trial = in_number && separator == "-" && is_trial_name(next);
        if is_trial {
            return;
        }
        if !joins {
            in_number = false;
            out.push_str(separator);
        }
    }
}

fn is_trial_name(text: &str) -> bool {
    [
        "alpha", "beta", "rc", "dev", "preview", "canary", "next", "snapshot",
    ]
    .iter()
    .any(|name| {
        text.len() >= name.len()
            && text
                .get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
    })
}
