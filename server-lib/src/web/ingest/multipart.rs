//! Forms with files, read from memory without copying the files.
//!
//! Crash handlers write them in their own ways: without a media type, with bare line feeds, or one
//! form inside another. The first line tells the boundary then.

use bytes::Bytes;
use memchr::memmem;

/// Parts of a form.
const MAX_PARTS: usize = 256;
/// Bytes of a part's headers.
const MAX_HEADERS_BYTES: usize = 16 * 1024;
/// Bytes of a boundary.
const MAX_BOUNDARY_BYTES: usize = 200;

/// A field or file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) content: Bytes,
}

/// Reports whether a body is a form, by its media type or by how it begins.
pub(super) fn is_form(content_type: Option<&str>, body: &[u8]) -> bool {
    let is_told = content_type.is_some_and(|told| {
        told.trim_start()
            .get(..10)
            .is_some_and(|begin| begin.eq_ignore_ascii_case("multipart/"))
    });
    is_told || body.starts_with(b"--")
}

/// Splits a form into its parts; `None` when it is broken or has too many.
pub(super) fn parse(content_type: Option<&str>, body: &Bytes) -> Option<Vec<Part>> {
    let boundary = content_type
        .and_then(boundary)
        .or_else(|| first_line(body))?;
    if boundary.is_empty() || boundary.len() > MAX_BOUNDARY_BYTES {
        return None;
    }
    let delimiter = [b"--", boundary.as_slice()].concat();
    let finder = memmem::Finder::new(&delimiter);
    let mut at = finder
        .find_iter(body)
        .find_map(|found| end_of_delimiter(body, found, delimiter.len()))?;
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        at = at.checked_add(line_end(rest)?)?;
        let end = next_delimiter(body.get(at..)?, &finder)?.checked_add(at)?;
        if parts.len() >= MAX_PARTS {
            return None;
        }
        parts.push(part(body, at, end)?);
        at = end;
        at = at.checked_add(line_feed(body.get(at..)?))?;
        at = at.checked_add(delimiter.len())?;
    }
}

/// Finds the line break in front of the next delimiter.
fn next_delimiter(rest: &[u8], finder: &memmem::Finder<'_>) -> Option<usize> {
    finder.find_iter(rest).find_map(|found| {
        end_of_delimiter(rest, found, finder.needle().len())?;
        let before = rest.get(..found)?;
        if before.ends_with(b"\r\n") {
            return found.checked_sub(2);
        }
        if before.ends_with(b"\n") || found == 0 {
            return Some(found.saturating_sub(1));
        }
        None
    })
}

/// Returns where a delimiter ends, unless it is the beginning of a longer word.
fn end_of_delimiter(bytes: &[u8], found: usize, length: usize) -> Option<usize> {
    let end = found.checked_add(length)?;
    let rest = bytes.get(end..)?;
    let is_whole = rest.starts_with(b"--") || matches!(rest.first(), Some(b'\r' | b'\n' | b' '));
    is_whole.then_some(end)
}

fn part(body: &Bytes, start: usize, end: usize) -> Option<Part> {
    let whole = body.get(start..end)?;
    let head = whole.get(..whole.len().min(MAX_HEADERS_BYTES))?;
    let mut part = Part::default();
    let mut at = 0_usize;
    loop {
        let rest = head.get(at..)?;
        let length = line_end(rest)?;
        let line = String::from_utf8_lossy(rest.get(..length)?);
        at = at.checked_add(length)?;
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-disposition") {
            part.name = parameter(value, "name").unwrap_or_default();
            part.filename = parameter(value, "filename").map(|path| base_name(&path));
        } else if name.eq_ignore_ascii_case("content-type") {
            part.content_type = Some(value.trim().to_owned());
        }
    }
    part.content = body.slice(start.checked_add(at)?.min(end)..end);
    Some(part)
}

/// Returns how long the first line is, its line feed included.
fn line_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes)?.checked_add(1)
}

fn line_feed(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    }
}

fn boundary(content_type: &str) -> Option<Vec<u8>> {
    parameter(content_type, "boundary").map(String::into_bytes)
}

fn first_line(body: &[u8]) -> Option<Vec<u8>> {
    let line = body.get(..line_end(body)?)?.trim_ascii_end();
    Some(line.strip_prefix(b"--")?.to_vec())
}

/// Returns a parameter of a header, quoted or not.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut rest = value;
    while let Some((_, after)) = rest.split_once(';') {
        let after = after.trim_start();
        let Some((name, text)) = after.split_once('=') else {
            rest = after;
            continue;
        };
        let (text, remaining) = match text.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = text.find(';').unwrap_or(text.len());
                let (word, remaining) = text.split_at_checked(end)?;
                (word.trim().to_owned(), remaining)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        rest = remaining;
    }
    None
}

/// Reads up to the closing quote. Only quotes are escaped: paths of Windows are sent as they are.
fn unquote(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                text.push('"');
            }
            '"' => return (text, quoted.get(at.saturating_add(1)..).unwrap_or_default()),
            c => text.push(c),
        }
    }
    (text, "")
}

fn base_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--xyz\r\nContent-Disposition: form-data; name=\"sentry[release]\"\r\n\r\n1.0\r\n\
        --xyz\r\ncontent-disposition: form-data; filename=\"C:\\dumps\\a.dmp\"; name=upload\r\n\
        Content-Type: application/x-dmp\r\n\r\nMDMP\r\n--xyzzy\r\n\r\n--xyz--\r\n";

    fn read(content_type: Option<&str>, form: &str) -> Option<Vec<(String, String, String)>> {
        let body = Bytes::copy_from_slice(form.as_bytes());
        let parts = parse(content_type, &body)?.into_iter();
        let parts = parts.map(|part| {
            let content = String::from_utf8_lossy(&part.content).into_owned();
            (part.name, part.filename.unwrap_or_default(), content)
        });
        Some(parts.collect())
    }

    #[test]
    fn fields_and_files_are_told_apart_and_boundaries_are_whole_lines() {
        let expected = [
            ("sentry[release]", "", "1.0"),
            ("upload", "a.dmp", "MDMP\r\n--xyzzy\r\n"),
        ];
        let expected: Vec<_> = expected
            .map(|(name, file, content)| (name.to_owned(), file.to_owned(), content.to_owned()))
            .into();
        let told = Some("multipart/form-data; charset=utf-8; boundary=\"xyz\"");
        assert_eq!(read(told, FORM).as_ref(), Some(&expected));
        assert_eq!(read(None, FORM).as_ref(), Some(&expected));
    }

    #[test]
    fn bare_line_feeds_and_empty_parts_are_read() {
        let form = "--b\nContent-Disposition: form-data; name=a\n\n\n--b\nContent-Disposition: form-data; name=c\n\nx\n--b--";
        let parts = read(None, form).unwrap();
        assert_eq!(parts[0].2, "");
        assert_eq!(parts[1].2, "x");
        let told = Some("multipart/form-data; boundary=b");
        assert_eq!(read(told, "--b--\n"), Some(vec![]));
    }

    #[test]
    fn a_broken_form_is_refused() {
        for form in [
            "",
            "--",
            "--\n",
            "--b\n",
            "--b\nno header\n\nx\n--b--",
            "--b\nContent-Disposition: form-data; name=\"a\n\nx",
            "--b\nA: b\n--b--",
        ] {
            assert_eq!(read(None, form), None, "{form:?}");
        }
        let many = "--b\nA: b\n\nx\n".repeat(MAX_PARTS + 1) + "--b--";
        assert_eq!(read(None, &many), None);
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read_without_harm(
            body in "(--b|--|\r\n|\n|content-disposition: form-data; name=|[a\";= \u{fc}]){0,40}"
        ) {
            let body = Bytes::from(body);
            let _ = parse(None, &body);
            let _ = parse(Some("multipart/form-data; boundary=b"), &body);
        }
    }
}
