//! What stays of a message when everything that varies is put aside.
//!
//! `<n>` stands for numbers, hashes and random ids, alike because a hash may have no letters;
//! `<uuid>`, `<ip>`, `<mac>`, `<email>`, `<date>`, `<path>` and `<url>` for what they say; `<s>` for
//! text in quotes. Of several in a row, divided by commas, one stays.

mod address;
mod date;
mod word;

use crate::grouping::record::clip_bytes;

const QUOTED: &str = "<s>";
/// Folders that are at the root of machines and not of websites.
const ROOTS: &[&str] = &[
    "Applications",
    "Library",
    "Users",
    "Volumes",
    "app",
    "bin",
    "data",
    "dev",
    "etc",
    "home",
    "lib",
    "media",
    "mnt",
    "opt",
    "private",
    "proc",
    "root",
    "run",
    "sbin",
    "srv",
    "sys",
    "tmp",
    "usr",
    "var",
    "workspace",
];

/// Appends the first line of `text` with placeholders for what varies.
pub(in super::super) fn write_template(text: &str, out: &mut String) {
    let line = text.trim_start().lines().next().unwrap_or_default();
    let mut rest = clip_bytes(line.trim_end());
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let (length, last) = step(rest, first, before, out);
        before = last;
        let length = length.max(first.len_utf8());
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// Appends what begins `rest`; returns how long it was, and what counts as the character before the
/// rest.
fn step(rest: &str, first: char, before: char, out: &mut String) -> (usize, char) {
    let is_start = !word::is_inside(before);
    if is_start {
        if (first.is_ascii_digit() || first.is_ascii_uppercase())
            && let Some(length) = date::length(rest)
        {
            push(out, "<date>");
            return (length, 'w');
        }
        if let Some((length, placeholder)) = address::find(rest, first) {
            push(out, placeholder);
            return (length, 'w');
        }
        if let Some(length) = file(rest, first, out) {
            return (length, 'w');
        }
    }
    if word::is_inside(first) {
        if is_start && let Some(length) = url(rest, out) {
            return (length, 'w');
        }
        let end = rest.find(|c| !word::is_inside(c)).unwrap_or(rest.len());
        word::write(rest.get(..end).unwrap_or(rest), out);
        return (end, 'w');
    }
    if let Some(length) = quoted(first, before, rest) {
        push(out, QUOTED);
        return (length, first);
    }
    out.push(first);
    (first.len_utf8(), first)
}

/// Appends a placeholder, unless it only goes on with a list of the same.
fn push(out: &mut String, placeholder: &str) {
    for separator in [", ", ","] {
        if let Some(kept) = out.strip_suffix(separator)
            && kept.ends_with(placeholder)
        {
            let length = kept.len();
            out.truncate(length);
            return;
        }
    }
    out.push_str(placeholder);
}

/// Returns the length of the text in quotes that `rest` begins with; an apostrophe inside a word
/// opens nothing.
fn quoted(quote: char, before: char, rest: &str) -> Option<usize> {
    let close = match quote {
        '"' | '\'' | '`' => quote,
        '“' => '”',
        '‘' => '’',
        '«' => '»',
        _ => return None,
    };
    if before == 'w' {
        return None;
    }
    let opened = quote.len_utf8();
    let inside = rest.get(opened..)?;
    let end = inside
        .match_indices(close)
        .map(|(end, _)| end)
        .find(|end| {
            let behind = inside.get(end.saturating_add(close.len_utf8())..);
            !behind
                .unwrap_or_default()
                .starts_with(char::is_alphanumeric)
        })?;
    Some(opened.saturating_add(end).saturating_add(close.len_utf8()))
}

/// Appends a path that `rest` begins with.
fn file(rest: &str, first: char, out: &mut String) -> Option<usize> {
    let is_local = match first {
        '/' => false,
        '.' => ["./", "../", ".\\", "..\\"]
            .iter()
            .any(|start| rest.starts_with(start)),
        '~' => rest.starts_with("~/"),
        letter if letter.is_ascii_alphabetic() => matches!(
            rest.as_bytes(),
            [_, b':', b'\\' | b'/', next, ..] if !matches!(next, b'/' | b'\\')
        ),
        _ => return None,
    };
    if !is_local && first != '/' {
        return None;
    }
    let path = path_of(rest);
    if path.len() < 2 || !path.contains(|c: char| c.is_alphanumeric()) {
        return None;
    }
    if is_local || is_file(path) {
        push(out, "<path>");
    } else {
        write_route(path, out);
    }
    Some(path.len())
}

/// Cuts where a path in a sentence ends.
fn path_of(rest: &str) -> &str {
    let is_end = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '`' | ',' | ';' | ')' | ']' | '}' | '>' | '<' | '|'
            )
    };
    let path = rest
        .get(..rest.find(is_end).unwrap_or(rest.len()))
        .unwrap_or(rest);
    path.trim_end_matches(['.', ':', '!'])
}

/// Reports whether a path is one of a machine, not of a website.
fn is_file(path: &str) -> bool {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let first = segments.next().unwrap_or_default();
    if ROOTS.contains(&first) {
        return true;
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    last.rsplit_once('.').is_some_and(|(name, extension)| {
        !name.is_empty()
            && (1..=6).contains(&extension.len())
            && extension.starts_with(|c: char| c.is_ascii_alphabetic())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Appends the path of a website without its query, ids aside.
fn write_route(path: &str, out: &mut String) {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut segments = path.trim_end_matches('/').split('/');
    word::write(segments.next().unwrap_or_default(), out);
    for segment in segments {
        out.push('/');
        word::write(segment, out);
    }
}

/// Appends a URL that `rest` begins with: its host may be anyone's, its path says what was called.
fn url(rest: &str, out: &mut String) -> Option<usize> {
    let colon = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))?;
    let behind = rest.get(colon..)?.strip_prefix("://")?;
    let address = path_of(behind);
    if address.is_empty() {
        return None;
    }
    push(out, "<url>");
    if let Some(slash) = address.find(['/', '?', '#'])
        && let Some(path) = address.get(slash..)
    {
        write_route(path, out);
    }
    Some(colon.saturating_add(3).saturating_add(address.len()))
}

/// Writes an address as a route with `{id}` for what varies in it, as rules name endpoints.
pub(in super::super) fn write_endpoint(address: &str, out: &mut String) {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest
            .find('/')
            .and_then(|slash| rest.get(slash..))
            .unwrap_or("/"),
        None => address,
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut is_first = true;
    for segment in path.split('/') {
        if !is_first {
            out.push('/');
        }
        is_first = false;
        let varies = word::is_id(segment);
        out.push_str(if varies { "{id}" } else { segment });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> String {
        let mut out = String::new();
        write_template(text, &mut out);
        out
    }

    #[test]
    fn what_varies_in_a_message_is_put_aside() {
        for (text, expected) in [
            ("user 42 is gone", "user <n> is gone"),
            ("took 1.25s, 3 retries", "took <n>s, <n> retries"),
            ("is -12.50 or +7", "is <n> or <n>"),
            ("no route to 192.0.2.7:8080.", "no route to <ip>."),
            ("no route to [2001:db8::1]:443", "no route to <ip>"),
            ("device 00:1b:44:11:3a:b7", "device <mac>"),
            (
                "job 6f9619ff-8b86-d011-b42d-00c04fc964ff failed",
                "job <uuid> failed",
            ),
            ("job {6F9619FF-8B86-D011-B42D-00C04FC964FF}", "job <uuid>"),
            ("object at 0x7f3a", "object at <n>"),
            ("commit deadbeef01", "commit <n>"),
            ("decade facade", "decade facade"),
            ("mail to a@example.com.", "mail to <email>."),
            ("no file 'a b.txt'", "no file <s>"),
            (r#"key "x" of “y” is bad"#, "key <s> of <s> is bad"),
            ("one of 'a', 'b', 'c'", "one of <s>"),
            ("can't read user's file", "can't read user's file"),
            ("first line\nsecond 42", "first line"),
            ("at 2026-11-20 10:20:30.5 UTC", "at <date>"),
            ("at 10:20", "at <n>:<n>"),
            ("open /var/lib/a.db: denied", "open <path>: denied"),
            ("open C:\\a\\b.db", "open <path>"),
            ("GET /api/users/42?x=1 is 404", "GET /api/users/<n> is <n>"),
            ("to https://a.example:81/hooks/7/?s=1", "to <url>/hooks/<n>"),
            ("std::io::Error and/or 1/2", "std::io::Error and/or <n>/<n>"),
            ("/ by zero", "/ by zero"),
            ("v1.10.0-beta.4 of worker-17", "v<n> of worker-<n>"),
            ("[1, 2, 3]", "[<n>]"),
            ("naïve 'ä' ß7", "naïve <s> ß<n>"),
            ("", ""),
            ("'", "'"),
        ] {
            assert_eq!(template(text), expected, "{text}");
        }
    }

    #[test]
    fn an_endpoint_has_names_and_ids() {
        let endpoint = |text: &str| {
            let mut out = String::new();
            write_endpoint(text, &mut out);
            out
        };
        assert_eq!(
            endpoint("https://a.example/api/users/42?x=1"),
            "/api/users/{id}"
        );
        assert_eq!(
            endpoint("/api/materials/9f86d081884c/comments/"),
            "/api/materials/{id}/comments/"
        );
        assert_eq!(endpoint("https://a.example"), "/");
        assert_eq!(endpoint("/v2/users/me"), "/v2/users/me");
    }
}
