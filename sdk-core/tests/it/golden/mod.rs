//! Runs the golden vectors of `testdata`, which every language of this project shares.
//!
//! A vector that goes missing must not look like one that passes, so each theme says how many
//! there are at least.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

mod envelopes;
mod events;
mod rules;
mod sessions;
mod tables;
mod typed;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Where the vectors are.
pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// The names of all files `NAME.suffix` of a folder, in order; fails when there are fewer than
/// `at_least`.
pub(crate) fn names(folder: &str, suffix: &str, at_least: usize) -> Vec<String> {
    let entries = fs::read_dir(testdata().join(folder)).expect("the folder can be read");
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.expect("the entry can be read").file_name();
            Some(name.to_str()?.strip_suffix(suffix)?.to_owned())
        })
        .collect();
    names.sort();
    let count = names.len();
    assert!(count >= at_least, "{folder} has only {count} of {suffix}");
    names
}

pub(crate) fn bytes(path: &str) -> Vec<u8> {
    fs::read(testdata().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&bytes(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cases of a table; fails when there are fewer than `at_least`.
fn cases<'a>(table: &'a Value, key: &str, at_least: usize) -> &'a [Value] {
    let cases = table[key].as_array().expect("a list of cases");
    let count = cases.len();
    assert!(count >= at_least, "only {count} cases of {key}");
    cases
}

/// The text of a field; null and absence are both `None`.
fn text<'a>(case: &'a Value, key: &str) -> Option<&'a str> {
    let value = &case[key];
    assert!(value.is_string() || value.is_null(), "{key} is {value}");
    value.as_str()
}

/// Equality of JSON where `1` and `1.0` are one number.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, a)| other.get(key).is_some_and(|b| is_same(a, b)))
        }
        (Value::Number(one), Value::Number(other)) => {
            one == other || (one.is_f64() != other.is_f64() && one.as_f64() == other.as_f64())
        }
        _ => one == other,
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * place)) as usize & 63];
            let is_filler = place > chunk.len();
            out.push(if is_filler { '=' } else { char::from(digit) });
        }
    }
    out
}

#[test]
fn the_runner_encodes_base64_as_the_standard_says() {
    for (bytes, text) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
    ] {
        assert_eq!(base64(bytes.as_bytes()), text);
    }
    assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
}
