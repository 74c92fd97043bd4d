//! What is wrong with a query, where, and what would have been right.

use std::fmt;

use serde::Serialize;

/// How much of what was found an error repeats.
const MAX_FOUND_CHARS: usize = 40;

/// A range of characters of the query, counted from 0; `end` is the first one behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    /// The first character.
    pub start: usize,
    /// The character behind the last.
    pub end: usize,
}

impl Place {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// What sort of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchErrorKind {
    /// Longer than [`MAX_CHARS`](super::MAX_CHARS).
    TooLong,
    /// Deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// More terms than [`MAX_TERMS`](super::MAX_TERMS).
    TooManyTerms,
    /// More values in lists than [`MAX_VALUES`](super::MAX_VALUES).
    TooManyValues,
    /// A quote, parenthesis or bracket is not closed.
    Unclosed,
    /// Something stands where something else must stand.
    Unexpected,
    /// An operator that does not exist, or that the key does not have.
    Operator,
    /// A value that the key does not have.
    Value,
    /// A range that ends before it begins.
    Range,
    /// The key belongs to the search of something else.
    Subject,
}

impl SearchErrorKind {
    /// Returns the stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "query_too_long",
            Self::TooDeep => "query_too_deep",
            Self::TooManyTerms => "too_many_terms",
            Self::TooManyValues => "too_many_values",
            Self::Unclosed => "unclosed",
            Self::Unexpected => "unexpected",
            Self::Operator => "wrong_operator",
            Self::Value => "wrong_value",
            Self::Range => "wrong_range",
            Self::Subject => "wrong_subject",
        }
    }
}

/// Why a query cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SearchError {
    kind: SearchErrorKind,
    place: Place,
    found: String,
    expected: String,
    suggestion: Option<String>,
}

impl SearchError {
    pub(super) fn new(
        kind: SearchErrorKind,
        place: Place,
        found: &str,
        expected: impl Into<String>,
    ) -> Self {
        let mut shown: String = found.chars().take(MAX_FOUND_CHARS).collect();
        if shown.len() < found.len() {
            shown.push('…');
        }
        Self {
            kind,
            place,
            found: shown,
            expected: expected.into(),
            suggestion: None,
        }
    }

    #[must_use]
    pub(super) fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }

    /// Returns what sort of mistake it is.
    #[must_use]
    pub fn kind(&self) -> SearchErrorKind {
        self.kind
    }

    /// Returns the stable name of the mistake.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.as_str()
    }

    /// Returns where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Returns what stands there; empty at the end of the query.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// Returns what could have stood there.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Returns what was probably meant.
    #[must_use]
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }
}

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.place.start.saturating_add(1);
        write!(f, "search, character {first}: found ")?;
        match self.found.as_str() {
            "" => f.write_str("the end")?,
            found => write!(f, "`{found}`")?,
        }
        write!(f, ", expected {}", self.expected)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

/// Returns the candidate that differs from the text by the fewest letters, if they are few.
pub(super) fn closest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let text: Vec<char> = text.chars().take(64).collect();
    let allowed = text.len().div_ceil(3).min(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&text, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour.
fn distance(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
    for (row, letter) in from.iter().enumerate() {
        let mut line = vec![row.saturating_add(1)];
        for (column, other) in to.iter().enumerate() {
            let replaced = at(&above, column).saturating_add(usize::from(letter != other));
            let removed = at(&above, column.saturating_add(1)).saturating_add(1);
            let added = at(&line, column).saturating_add(1);
            let mut best = replaced.min(removed).min(added);
            let swapped = row.checked_sub(1).zip(column.checked_sub(1));
            if let Some((earlier, left)) = swapped
                && from.get(earlier) == Some(other)
                && to.get(left) == Some(letter)
            {
                best = best.min(at(&before, left).saturating_add(1));
            }
            line.push(best);
        }
        before = std::mem::replace(&mut above, line);
    }
    at(&above, to.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_the_word() {
        let words = ["unresolved", "resolved", "ignored", "me"];
        for (slip, word) in [
            ("resolvd", "resolved"),
            ("reslovde", "resolved"),
            ("unresovled", "unresolved"),
            ("ignord", "ignored"),
        ] {
            assert_eq!(closest(slip, words), Some(word), "{slip}");
        }
        assert_eq!(closest("banana", words), None);
        assert_eq!(closest("", words), None);
    }

    #[test]
    fn a_long_find_is_cut() {
        let error = SearchError::new(
            SearchErrorKind::Value,
            Place::new(3, 103),
            &"ä".repeat(100),
            "a level",
        );
        assert_eq!(error.found(), format!("{}…", "ä".repeat(40)));
    }
}
