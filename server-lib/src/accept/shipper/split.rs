//! Splits a body into entries: one object, an array of them, or one on each line.

use serde_json::value::RawValue;

use super::field::Fields;

/// A log entry: the fields of one object.
pub type Entry = Fields;

/// An entry that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Why.
    pub reason: &'static str,
}

/// Splits a body into its entries, each with its place; those that are no objects are told apart,
/// and so are those behind the first `max`.
#[must_use]
pub fn split(body: &[u8], max: usize) -> (Vec<Entry>, Vec<Rejected>) {
    let mut found = Found {
        max,
        ..Found::default()
    };
    let body = body.trim_ascii();
    if let Ok(parts) = serde_json::from_slice::<Vec<&RawValue>>(body) {
        for part in parts {
            found.add(part.get().as_bytes());
        }
    } else if serde_json::from_slice::<&RawValue>(body).is_ok() {
        found.add(body);
    } else {
        let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        for line in lines.filter(|line| !line.is_empty()) {
            found.add(line);
        }
    }
    (found.entries, found.rejected)
}

#[derive(Default)]
struct Found {
    max: usize,
    count: usize,
    entries: Vec<Entry>,
    rejected: Vec<Rejected>,
}

impl Found {
    fn add(&mut self, json: &[u8]) {
        let index = self.count;
        self.count = self.count.saturating_add(1);
        if index >= self.max {
            self.reject(index, "too many entries in one request");
            return;
        }
        match serde_json::from_slice(json) {
            Ok(entry) => self.entries.push(entry),
            Err(_) => self.reject(index, "not a JSON object"),
        }
    }

    fn reject(&mut self, index: usize, reason: &'static str) {
        self.rejected.push(Rejected { index, reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &str) -> (usize, Vec<usize>) {
        let (entries, rejected) = split(body.as_bytes(), 3);
        (
            entries.len(),
            rejected.iter().map(|entry| entry.index).collect(),
        )
    }

    #[test]
    fn an_object_an_array_and_lines_are_told_apart() {
        assert_eq!(count(r#"{"a":1}"#), (1, vec![]));
        assert_eq!(count("{\n\"a\":\n1}\n"), (1, vec![]));
        assert_eq!(count(r#"[{"a":1},{"b":2}]"#), (2, vec![]));
        assert_eq!(count("{\"a\":1}\r\n\n{\"b\":2}\n"), (2, vec![]));
        assert_eq!(count(""), (0, vec![]));
    }

    #[test]
    fn what_is_no_object_does_not_cost_its_neighbours() {
        assert_eq!(count(r#"[{"a":1},7,{"b":2}]"#), (2, vec![1]));
        assert_eq!(count("{\"a\":1}\n{\"b\":\n{\"c\":3}"), (2, vec![1]));
        assert_eq!(count("7"), (0, vec![0]));
    }

    #[test]
    fn entries_beyond_the_bound_are_rejected_and_counted() {
        assert_eq!(count("[{},{},{},{},{}]"), (3, vec![3, 4]));
    }
}
