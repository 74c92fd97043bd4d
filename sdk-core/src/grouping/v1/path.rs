//! Files and modules: without hosts, builds, hashes and versions.

use memchr::memchr2;
use memchr::memmem;

use super::digits::{is_bundle_hash, is_hex_id, is_number, is_uuid};
use super::language::Language;

/// Stands for a number or a hash in a path.
const VARIES: char = '*';
/// Parts of paths under which no project keeps code of its own.
const FOREIGN_PARTS: &[&str] = &[
    "/node_modules/",
    "/site-packages/",
    "/dist-packages/",
    "/.cargo/registry/",
    "/rustc/",
    "/lib/python2.",
    "/lib/python3.",
    "/vendor/bundle/",
];
/// Beginnings of file names that runtimes give to code of their own.
const FOREIGN_PREFIXES: &[&str] = &["node:", "internal/", "<frozen ", "webpack/", "/usr/lib/"];

/// Reports whether a file or module is nobody's own project, by its name alone.
#[must_use]
pub fn is_foreign(name: &str) -> bool {
    FOREIGN_PARTS.iter().any(|part| name.contains(part))
        || FOREIGN_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Reports whether a file is a library's, although SDKs in browsers cannot know that.
pub(super) fn is_script_library(path: &str) -> bool {
    memmem::find(path.as_bytes(), b"node_modules/").is_some() || path.starts_with("node:")
}

/// Appends a path: without scheme, host, query and leading dots, with `*` for what builds change.
pub(super) fn write_path(path: &str, language: Language, out: &mut String) {
    let mut path = without_host(path);
    if language == Language::JavaScript {
        path = path.split(['?', '#']).next().unwrap_or(path);
    }
    path = without_drive(path);
    let mut rest = path;
    let mut is_first = true;
    while !rest.is_empty() {
        let end = memchr2(b'/', b'\\', rest.as_bytes());
        let (segment, behind) = match end {
            Some(end) => rest
                .split_at_checked(end)
                .map_or((rest, ""), |(segment, behind)| {
                    (segment, behind.get(1..).unwrap_or_default())
                }),
            None => (rest, ""),
        };
        rest = behind;
        if matches!(segment, "" | "." | "..") {
            continue;
        }
        if !is_first {
            out.push('/');
        }
        is_first = false;
        if end.is_none() && language == Language::JavaScript {
            write_script(segment, out);
        } else {
            write_segment(segment, out);
        }
    }
}

fn without_host(path: &str) -> &str {
    let Some(colon) = path.find(':') else {
        return path;
    };
    let Some(rest) = path.get(colon..).and_then(|rest| rest.strip_prefix("://")) else {
        return path;
    };
    rest.find('/')
        .and_then(|slash| rest.get(slash..))
        .unwrap_or(rest)
}

fn without_drive(path: &str) -> &str {
    match path.as_bytes() {
        [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic() => {
            path.get(2..).unwrap_or(path)
        }
        _ => path,
    }
}

/// Appends the file name of a script: `app.3f9a1c02.js`, `index-BxZ12_ab.js`.
fn write_script(name: &str, out: &mut String) {
    let stem_end = name.rfind('.').unwrap_or(name.len());
    let (stem, extension) = name.split_at_checked(stem_end).unwrap_or((name, ""));
    let head = stem.len().checked_sub(9).and_then(|at| {
        let (head, tail) = stem.split_at_checked(at)?;
        let is_hash = tail.starts_with(['-', '.']) && tail.get(1..).is_some_and(is_bundle_hash);
        is_hash.then_some(head)
    });
    match head {
        Some(head) => {
            write_segment(head, out);
            if !out.ends_with(VARIES) {
                out.push('.');
                out.push(VARIES);
            }
        }
        None => write_segment(stem, out),
    }
    out.push_str(extension);
}

/// Appends a segment with `*` for numbers and hashes; two in a row are one.
fn write_segment(segment: &str, out: &mut String) {
    if !segment.bytes().any(|byte| byte.is_ascii_digit()) && segment.len() < 16 {
        out.push_str(segment);
        return;
    }
    if is_uuid(segment) {
        out.push(VARIES);
        return;
    }
    let mut separator = None;
    let mut did_vary = false;
    let mut rest = segment;
    loop {
        let end = rest.find(['.', '-', '_', '@', '~']).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        // A folder named `v2` is an interface, a piece beside others is a version.
        let varies = is_number(piece)
            || is_hex_id(piece, 6)
            || (piece.len() < segment.len() && is_version(piece));
        if !(varies && did_vary) {
            out.extend(separator);
            if varies {
                out.push(VARIES);
            } else {
                out.push_str(piece);
            }
        }
        did_vary = varies;
        let mut behind = behind.chars();
        separator = behind.next();
        if separator.is_none() {
            return;
        }
        rest = behind.as_str();
    }
}

fn is_version(piece: &str) -> bool {
    piece.len() > 1 && piece.len() < 4 && piece.strip_prefix('v').is_some_and(is_number)
}

/// Appends a module or class: without numbers of classes that compilers made.
pub(super) fn write_module(module: &str, language: Language, out: &mut String) {
    match language {
        Language::Java => {
            let module = module
                .find("$$")
                .and_then(|end| module.get(..end))
                .unwrap_or(module);
            write_without_class_numbers(module, out);
        }
        Language::DotNet => {
            let end = module.find("+<").unwrap_or(module.len());
            out.push_str(module.get(..end).unwrap_or(module));
        }
        Language::JavaScript
        | Language::Python
        | Language::Go
        | Language::Ruby
        | Language::Php
        | Language::Native
        | Language::Other => out.push_str(module),
    }
}

/// Leaves out `$2` of `Main$2` and the digits of `$Proxy12`.
pub(super) fn write_without_class_numbers(name: &str, out: &mut String) {
    let mut parts = name.split('$');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let kept = part.trim_end_matches(|c: char| c.is_ascii_digit());
        if !kept.is_empty() {
            out.push('$');
            out.push_str(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str, language: Language) -> String {
        let mut out = String::new();
        write_path(path, language, &mut out);
        out
    }

    #[test]
    fn builds_hosts_and_queries_leave_no_trace_in_a_path() {
        for (from, expected) in [
            ("https://a.example/app.3f9a1c02.js?v=1", "app.*.js"),
            (
                "https://a.example:8080/static/js/main.aa11bb22.chunk.js",
                "static/js/main.*.chunk.js",
            ),
            ("/assets/index-BxZ12_ab.js", "assets/index.*.js"),
            (
                "/_next/static/chunks/2117-9c8b7a6f5e4d3c2b.js",
                "_next/static/chunks/*.js",
            ),
            ("webpack://shop/./src/list.ts", "src/list.ts"),
            ("app:///index.android.bundle", "index.android.bundle"),
            ("src/base64.js", "src/base64.js"),
            ("pages/settings.js", "pages/settings.js"),
            ("https://a.example", "a.example"),
            ("?", ""),
        ] {
            assert_eq!(path(from, Language::JavaScript), expected, "{from}");
        }
        for (from, expected) in [
            (
                "/var/www/releases/20261118101500/public/feed.php",
                "var/www/releases/*/public/feed.php",
            ),
            ("C:\\app\\src\\Main.cs", "app/src/Main.cs"),
            (
                "lib/serde_json-1.0.120/src/de.rs",
                "lib/serde_json-*/src/de.rs",
            ),
            (
                "github.com/acme/render@v1.8.0/engine.go",
                "github.com/acme/render@*/engine.go",
            ),
            ("app/v2/api.py", "app/v2/api.py"),
            ("what?.py", "what?.py"),
            ("", ""),
        ] {
            assert_eq!(path(from, Language::Other), expected, "{from}");
        }
    }

    #[test]
    fn classes_that_compilers_made_are_those_that_they_were_made_of() {
        let module = |text: &str, language| {
            let mut out = String::new();
            write_module(text, language, &mut out);
            out
        };
        let java = |text| module(text, Language::Java);
        assert_eq!(java("com.example.A$$Lambda$41/0x0800"), "com.example.A");
        assert_eq!(
            java("com.example.SyncKt$sync$2$1"),
            "com.example.SyncKt$sync"
        );
        assert_eq!(java("com.sun.proxy.$Proxy12"), "com.sun.proxy.$Proxy");
        assert_eq!(module("A.B+<>c__DisplayClass5_0", Language::DotNet), "A.B");
    }
}
