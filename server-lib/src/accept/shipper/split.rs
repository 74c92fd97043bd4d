//! Splits a body into entries: one object, an array of them, or one on each line.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The entries of a body, not yet read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split<'a> {
    /// The first ones, each as the JSON that it should be.
    pub entries: Vec<&'a [u8]>,
    /// How many there are beyond the bound.
    pub excess: usize,
}

/// Splits a body into its entries, of which `max` are kept.
#[must_use]
pub fn split(body: &[u8], max: usize) -> Split<'_> {
    let body = body.trim_ascii();
    if body.first() == Some(&b'[')
        && let Ok(split) = split_array(body, max)
    {
        return split;
    }
    let mut split = Split::default();
    if serde_json::from_slice::<IgnoredAny>(body).is_ok() {
        split.add(body, max);
        return split;
    }
    for line in body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if !line.is_empty() {
            split.add(line, max);
        }
    }
    split
}

fn split_array(body: &[u8], max: usize) -> Result<Split<'_>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let split = reader.deserialize_seq(ArrayVisitor { max })?;
    reader.end()?;
    Ok(split)
}

impl<'a> Split<'a> {
    fn add(&mut self, entry: &'a [u8], max: usize) {
        if self.entries.len() < max {
            self.entries.push(entry);
        } else {
            self.excess = self.excess.saturating_add(1);
        }
    }
}

struct ArrayVisitor {
    max: usize,
}

impl<'de> Visitor<'de> for ArrayVisitor {
    type Value = Split<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Split<'de>, A::Error> {
        let mut split = Split::default();
        while split.entries.len() < self.max {
            match array.next_element::<&RawValue>()? {
                Some(entry) => split.entries.push(entry.get().as_bytes()),
                None => return Ok(split),
            }
        }
        while array.next_element::<IgnoredAny>()?.is_some() {
            split.excess = split.excess.saturating_add(1);
        }
        Ok(split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> Vec<&str> {
        let entries = split(body.as_bytes(), 3).entries.into_iter();
        entries
            .map(|entry| std::str::from_utf8(entry).unwrap())
            .collect()
    }

    #[test]
    fn an_object_an_array_and_lines_are_told_apart() {
        assert_eq!(texts(r#" {"a":1} "#), [r#"{"a":1}"#]);
        assert_eq!(texts("{\n\"a\":\n1}\n"), ["{\n\"a\":\n1}"]);
        assert_eq!(texts(r#"[{"a":1}, 7,{}]"#), [r#"{"a":1}"#, "7", "{}"]);
        assert_eq!(texts("{\"a\":1}\r\n\n{}\n"), [r#"{"a":1}"#, "{}"]);
        assert_eq!(texts(""), Vec::<&str>::new());
    }

    #[test]
    fn a_broken_line_does_not_cost_its_neighbours() {
        assert_eq!(texts("{}\n{\"b\":\n{}"), ["{}", "{\"b\":", "{}"]);
    }

    #[test]
    fn entries_beyond_the_bound_are_counted_only() {
        assert_eq!(split(b"[{},{},{},{},{}]", 3).excess, 2);
        assert_eq!(split(b"{}\n{}\n{}\n{}", 3).excess, 1);
    }
}
