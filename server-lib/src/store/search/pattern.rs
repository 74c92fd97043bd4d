//! Text with wildcards.

/// What a text is compared with: itself, or pieces with anything between them.
///
/// Without a wildcard a pattern is equal to one text, letter by letter. With one, upper and lower
/// case are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// What stands between the wildcards: one piece when there is none. Only the first and the
    /// last of several may be empty.
    pieces: Vec<String>,
}

impl Pattern {
    /// Makes a pattern that is equal to one text.
    #[must_use]
    pub fn exact(text: impl Into<String>) -> Self {
        Self {
            pieces: vec![text.into()],
        }
    }

    /// Makes a pattern that the text stands somewhere in.
    #[must_use]
    pub fn containing(text: impl Into<String>) -> Self {
        Self::from_pieces(vec![String::new(), text.into(), String::new()])
    }

    /// Makes a pattern of the texts between wildcards; several wildcards in a row are one.
    pub(super) fn from_pieces(pieces: Vec<String>) -> Self {
        let last = pieces.len().saturating_sub(1);
        let pieces = pieces
            .into_iter()
            .enumerate()
            .filter(|(index, piece)| *index == 0 || *index == last || !piece.is_empty())
            .map(|(_, piece)| piece)
            .collect();
        Self { pieces }
    }

    /// Returns the text when there is no wildcard.
    #[must_use]
    pub fn as_exact(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Returns the text when the only wildcard stands at the end.
    #[must_use]
    pub fn as_prefix(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [start, end] if end.is_empty() && !start.is_empty() => Some(start),
            _ => None,
        }
    }

    /// Returns the text when wildcards stand before and behind it, and nowhere else.
    #[must_use]
    pub fn as_containing(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [start, inner, end] if start.is_empty() && end.is_empty() => Some(inner),
            _ => None,
        }
    }

    /// Returns true when it is only a wildcard.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.pieces.len() > 1 && self.pieces.iter().all(String::is_empty)
    }

    /// Returns the pattern that this one stands somewhere in.
    #[must_use]
    pub fn anywhere(&self) -> Self {
        let mut pieces = vec![String::new()];
        pieces.extend_from_slice(&self.pieces);
        pieces.push(String::new());
        Self::from_pieces(pieces)
    }

    /// Returns what stands between the wildcards; the first and the last may be empty.
    #[must_use]
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// Returns true when the pattern is the whole text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (first, rest) = match self.pieces.as_slice() {
            [] => return false,
            [only] => return only == text,
            [first, rest @ ..] => (first, rest),
        };
        let text = text.to_lowercase();
        let Some(mut left) = text.strip_prefix(&first.to_lowercase()) else {
            return false;
        };
        let Some((last, inner)) = rest.split_last() else {
            return left.is_empty();
        };
        for piece in inner {
            // The first place is as good as any: what comes later has the most room then.
            let Some((_, behind)) = left.split_once(&piece.to_lowercase()) else {
                return false;
            };
            left = behind;
        }
        left.ends_with(&last.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::from_pieces(text.split('*').map(str::to_owned).collect())
    }

    #[test]
    fn a_pattern_without_a_wildcard_is_one_text() {
        assert!(pattern("Timeout").matches("Timeout"));
        assert!(!pattern("Timeout").matches("timeout"));
        assert!(!pattern("Timeout").matches("Timeout!"));
        assert!(pattern("").matches(""));
    }

    #[test]
    fn a_wildcard_stands_for_any_text_and_case_does_not_count() {
        for (glob, text) in [
            ("*", ""),
            ("*", "anything"),
            ("time*", "TIMEOUT"),
            ("*out", "timeout"),
            ("t*m*t", "timeout"),
            ("**meo**", "timeout"),
            ("*ab*ab", "abab"),
            ("ÄÖ*", "äöü"),
        ] {
            assert!(pattern(glob).matches(text), "{glob} {text}");
        }
        for (glob, text) in [
            ("time*", "a timeout"),
            ("*time", "timeout"),
            ("aba*ba", "aba"),
            ("*ab*ab", "ab"),
            ("t*x*t", "timeout"),
        ] {
            assert!(!pattern(glob).matches(text), "{glob} {text}");
        }
    }

    #[test]
    fn simple_shapes_are_told_apart() {
        assert_eq!(pattern("a").as_exact(), Some("a"));
        assert_eq!(pattern("a*").as_prefix(), Some("a"));
        assert_eq!(pattern("*a*").as_containing(), Some("a"));
        assert!(pattern("***").is_any());
        let shape = pattern("a*b");
        assert_eq!(
            (shape.as_exact(), shape.as_prefix(), shape.as_containing()),
            (None, None, None)
        );
    }
}
