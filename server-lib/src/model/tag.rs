//! Tags: what an event can be found and counted by.

use std::fmt;

use super::time::Millis;

/// Tags of one event that are kept.
pub const MAX_TAGS: usize = 64;
/// Characters of a tag's name.
pub const MAX_KEY: usize = 200;
/// Characters of a tag's value.
pub const MAX_VALUE: usize = 200;

/// Between a name and its value, and behind a value. No name and no value holds it.
const END: char = '\0';

/// The tags of one event, in one piece of memory, because there is one of these for each event.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tags {
    packed: String,
    count: usize,
}

impl Tags {
    /// Adds a tag. Blank names and values are left out, long ones cut, control characters become
    /// blanks; whoever comes after the bound is dropped.
    pub fn push(&mut self, key: &str, value: &str) {
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() || value.is_empty() || self.count >= MAX_TAGS {
            return;
        }
        if self.packed.capacity() == 0 {
            self.packed.reserve(512);
        }
        append(&mut self.packed, key, MAX_KEY);
        append(&mut self.packed, value, MAX_VALUE);
        self.count = self.count.saturating_add(1);
    }

    /// Returns names with values, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.packed.split_terminator(END);
        std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
    }

    /// Returns each tag as one text, name and value with a NUL between, and how long the name is.
    pub fn whole(&self) -> impl Iterator<Item = (&str, usize)> {
        let mut rest = self.packed.as_str();
        std::iter::from_fn(move || {
            let name = rest.find(END)?;
            let behind = rest.get(name.saturating_add(1)..)?;
            let end = name.saturating_add(1).saturating_add(behind.find(END)?);
            let whole = rest.get(..end)?;
            rest = rest.get(end.saturating_add(1)..)?;
            Some((whole, name))
        })
    }

    /// Returns the first value of a name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Reports whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Tags {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(tags: I) -> Self {
        let mut all = Self::default();
        for (key, value) in tags {
            all.push(key, value);
        }
        all
    }
}

/// How often a tag was seen, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How often.
    pub count: u64,
    /// First by the time of the event.
    pub first: Millis,
    /// Last.
    pub last: Millis,
}

impl Seen {
    /// Seen once.
    #[must_use]
    pub fn once(at: Millis) -> Self {
        Self {
            count: 1,
            first: at,
            last: at,
        }
    }

    /// Adds what was seen elsewhere.
    pub fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// A value of a tag with how often it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagValue {
    /// The value.
    pub value: String,
    /// How often, and when.
    pub seen: Seen,
}

/// A tag with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagSummary {
    /// The tag's name.
    pub key: String,
    /// How many events have it.
    pub total: u64,
    /// How many values are kept apart.
    pub unique: u64,
    /// Events of values that are not kept apart because there were too many. Zero means that all
    /// else here is exact.
    pub others: u64,
    /// The values, most frequent first; as many as were asked for.
    pub top: Vec<TagValue>,
}

fn append(packed: &mut String, text: &str, max_chars: usize) {
    let end = text
        .char_indices()
        .nth(max_chars)
        .map_or(text.len(), |(end, _)| end);
    let text = text.get(..end).unwrap_or(text);
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        packed.extend(
            text.chars()
                .map(|c| if c.is_ascii_control() { ' ' } else { c }),
        );
    } else {
        packed.push_str(text);
    }
    packed.push(END);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back_in_their_order_and_within_their_bounds() {
        let long = "ä".repeat(300);
        let tags: Tags = [
            ("a", "1"),
            (" b ", "x\0y"),
            ("c", " "),
            ("", "d"),
            ("a", &long),
        ]
        .into_iter()
        .collect();
        let cut = "ä".repeat(MAX_VALUE);
        let expected = [("a", "1"), ("b", "x y"), ("a", cut.as_str())];
        assert_eq!(tags.iter().collect::<Vec<_>>(), expected);
        let whole: Vec<_> = tags.whole().collect();
        assert_eq!(whole.first(), Some(&("a\x001", 1)));
        assert_eq!(whole.get(1), Some(&("b\0x y", 1)));
        assert_eq!((tags.len(), tags.get("b")), (3, Some("x y")));
        let many: Tags = (0..100).map(|_| ("k", "v")).collect();
        assert_eq!(many.iter().count(), MAX_TAGS);
    }
}
