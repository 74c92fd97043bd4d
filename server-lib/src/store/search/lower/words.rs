//! From a pattern to the words that full text is looked up by.

use crate::store::query::Expr;
use crate::store::search::pattern::Pattern;

/// Returns a search for texts that may match: words in the form that the full-text index reads,
/// where each stands for all that begin with it. `None` when the pattern holds no whole word.
///
/// The index knows words only, so the middle of a word finds nothing. `is_at_word` takes the
/// beginning of a pattern for the beginning of a word even where a wildcard stands before it.
pub(super) fn words(pattern: &Pattern, is_at_word: bool) -> Option<String> {
    let pieces = pattern.pieces();
    let mut found = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let is_cut = index > 0 && !is_at_word && piece.starts_with(char::is_alphanumeric);
        let words = piece
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .skip(usize::from(is_cut));
        // Words that are joined by a sign stand next to each other.
        let run = words.collect::<Vec<_>>().join(".");
        if !run.is_empty() {
            found.push(run);
        }
    }
    (!found.is_empty()).then(|| found.join(" "))
}

/// Returns the search for a word or phrase that a person wrote.
pub(super) fn written(pattern: &Pattern) -> Option<String> {
    match pattern.as_exact() {
        Some(text) if text.contains(char::is_whitespace) => {
            let is_worth_it = text.contains(char::is_alphanumeric);
            is_worth_it.then(|| format!("\"{}\"", text.replace('"', " ")))
        }
        _ => words(pattern, false),
    }
}

/// Looks words that stand side by side up together: they are meant to be of one event, and rare
/// words make frequent ones cheap. `words_of` tells which conditions are words, `look_up` makes one.
pub(super) fn side_by_side<P>(
    parts: Vec<Expr<P>>,
    look_up: impl Fn(String) -> P,
    words_of: impl Fn(&P) -> Option<&String>,
) -> Vec<Expr<P>> {
    let mut all_words = Vec::new();
    let mut others = Vec::new();
    for part in parts {
        let words = match &part {
            Expr::Is(predicate) => words_of(predicate).cloned(),
            _ => None,
        };
        match words {
            Some(words) => all_words.push(words),
            None => others.push(part),
        }
    }
    if !all_words.is_empty() {
        others.push(Expr::Is(look_up(all_words.join(" "))));
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::from_pieces(text.split('*').map(str::to_owned).collect())
    }

    #[test]
    fn only_whole_beginnings_of_words_are_looked_up() {
        for (text, search) in [
            ("timeout", Some("timeout")),
            ("shop/pay.py", Some("shop.pay.py")),
            ("*/views.py", Some("views.py")),
            ("*views.py", Some("py")),
            ("a*b c", Some("a c")),
            ("*out", None),
            ("->", None),
        ] {
            assert_eq!(words(&pattern(text), false).as_deref(), search, "{text}");
        }
        assert_eq!(
            words(&pattern("*data base*"), true).as_deref(),
            Some("data.base")
        );
    }

    #[test]
    fn a_phrase_stays_one() {
        assert_eq!(
            written(&pattern("no such \"x\"")).as_deref(),
            Some("\"no such  x \"")
        );
        assert_eq!(written(&pattern("time*")).as_deref(), Some("time"));
        assert_eq!(written(&pattern("- -")), None);
    }
}
