//! Patterns with `*`, `?`, `[…]` and `{…,…}`.

/// Ways to write alternatives in one pattern.
const MAX_ALTERNATIVES: usize = 32;
/// Bytes of a text that are looked at.
const MAX_TEXT_BYTES: usize = 1_000;

/// A pattern.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    alternatives: Vec<Vec<Token>>,
    /// A text that is in everything that matches; empty when none is known.
    needle: String,
    ignores_case: bool,
    is_path: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Char(char),
    AnyChar,
    /// Any text; in paths without slashes.
    Star,
    /// Any text.
    DoubleStar,
    Set {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// How a pattern is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    /// Letters are as they are.
    Exact,
    /// Large and small letters are the same.
    AnyCase,
    /// The same, and `*` ends at a slash.
    Path,
}

impl Glob {
    pub(super) fn new(pattern: &str, sense: Sense) -> Self {
        let ignores_case = sense != Sense::Exact;
        let is_path = sense == Sense::Path;
        let fold = |pattern: String| {
            let pattern = if is_path {
                pattern.replace("\\\\", "/")
            } else {
                pattern
            };
            if ignores_case {
                pattern.to_lowercase()
            } else {
                pattern
            }
        };
        let alternatives: Vec<_> = alternatives(pattern)
            .into_iter()
            .map(|pattern| tokens(&fold(pattern), is_path))
            .collect();
        let needle = match alternatives.as_slice() {
            [tokens] => longest_text(tokens),
            _ => String::new(),
        };
        Self {
            alternatives,
            needle,
            ignores_case,
            is_path,
        }
    }

    /// Returns how many `*` each alternative has, at least.
    pub(super) fn stars(&self) -> usize {
        let stars = |tokens: &Vec<Token>| tokens.iter().filter(|token| token.is_star()).count();
        self.alternatives.iter().map(stars).min().unwrap_or(0)
    }

    /// Reports whether it begins with `**/`, so that it is about what lies below any folder.
    pub(super) fn begins_below(&self) -> bool {
        let is_below = |tokens: &Vec<Token>| {
            matches!(tokens.as_slice(), [Token::DoubleStar, Token::Char('/'), ..])
        };
        self.alternatives.iter().any(is_below)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.captures(text, |_| ()).is_some()
    }

    /// Returns what the `*` of a given number, from 1, stands for.
    pub(super) fn capture(&self, text: &str, star: usize) -> Option<String> {
        self.captures(text, |spans| {
            let (chars, spans) = spans;
            let span = star.checked_sub(1).and_then(|at| spans.get(at));
            let (start, end) = span.copied().unwrap_or_default();
            chars
                .get(start..end)
                .map(|chars| chars.iter().collect::<String>())
                .unwrap_or_default()
        })
    }

    fn captures<T>(
        &self,
        text: &str,
        found: impl Fn((&[char], &[(usize, usize)])) -> T,
    ) -> Option<T> {
        let text = super::super::record::clip(text, MAX_TEXT_BYTES);
        if !self.may_match(text) {
            return None;
        }
        let told: Vec<char> = text.chars().collect();
        let seen: Vec<char> = told.iter().map(|c| self.fold(*c)).collect();
        let mut spans = Vec::new();
        self.alternatives
            .iter()
            .any(|tokens| matches(tokens, &seen, &mut spans))
            .then(|| found((&told, &spans)))
    }

    /// Turns most texts away without looking at each character.
    fn may_match(&self, text: &str) -> bool {
        if self.needle.is_empty() || !text.is_ascii() || (self.is_path && text.contains('\\')) {
            return true;
        }
        if !self.ignores_case {
            return text.contains(&self.needle);
        }
        let needle = self.needle.as_bytes();
        let mut windows = text.as_bytes().windows(needle.len());
        windows.any(|window| window.eq_ignore_ascii_case(needle))
    }

    /// Folds one character of a text; ASCII is all that paths and types need.
    fn fold(&self, c: char) -> char {
        if self.is_path && c == '\\' {
            '/'
        } else if self.ignores_case {
            c.to_lowercase().next().unwrap_or(c)
        } else {
            c
        }
    }
}

impl Token {
    fn is_star(&self) -> bool {
        matches!(self, Self::Star | Self::DoubleStar)
    }

    fn matches(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::AnyChar => true,
            Self::Star | Self::DoubleStar => false,
            Self::Set { is_negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *is_negated
            }
        }
    }
}

/// Returns the longest run of plain characters, when they are ASCII.
fn longest_text(tokens: &[Token]) -> String {
    let (mut longest, mut run) = (String::new(), String::new());
    for token in tokens {
        if let Token::Char(c) = token
            && c.is_ascii()
        {
            run.push(*c);
        } else {
            run.clear();
        }
        if run.len() > longest.len() {
            longest.clone_from(&run);
        }
    }
    longest
}

/// A star that may still take more.
#[derive(Clone, Copy)]
struct Retry {
    token: usize,
    text: usize,
    stars: usize,
}

/// Matches with memory of the last star of each kind, so the time is bounded by the product of the
/// lengths, and by that of the text once more in paths.
fn matches(tokens: &[Token], text: &[char], spans: &mut Vec<(usize, usize)>) -> bool {
    let (mut token, mut at) = (0_usize, 0_usize);
    let (mut star, mut double): (Option<Retry>, Option<Retry>) = (None, None);
    spans.clear();
    loop {
        let next = tokens.get(token);
        match (next, text.get(at)) {
            (Some(kind), _) if kind.is_star() => {
                let retry = Retry {
                    token,
                    text: at,
                    stars: spans.len(),
                };
                if *kind == Token::Star {
                    star = Some(retry);
                } else {
                    (star, double) = (None, Some(retry));
                }
                spans.push((at, at));
                token = token.saturating_add(1);
                continue;
            }
            (None, None) => return true,
            (Some(kind), Some(c)) if kind.matches(*c) => {
                token = token.saturating_add(1);
                at = at.saturating_add(1);
                continue;
            }
            _ => {}
        }
        let can_grow = |retry: &Retry, stops_at_slash: bool| {
            text.get(retry.text)
                .is_some_and(|c| !(stops_at_slash && *c == '/'))
        };
        // In plain patterns all stars are double.
        let retry = if star.is_some_and(|retry| can_grow(&retry, true)) {
            &mut star
        } else if double.is_some_and(|retry| can_grow(&retry, false)) {
            star = None;
            &mut double
        } else {
            return false;
        };
        if let Some(retry) = retry {
            retry.text = retry.text.saturating_add(1);
            (token, at) = (retry.token.saturating_add(1), retry.text);
            spans.truncate(retry.stars.saturating_add(1));
            if let Some(span) = spans.last_mut() {
                span.1 = at;
            }
        }
    }
}

fn tokens(pattern: &str, is_path: bool) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        rest = chars.as_str();
        match c {
            '*' => {
                let is_double = !is_path || rest.starts_with('*');
                while let Some(behind) = rest.strip_prefix('*') {
                    rest = behind;
                }
                tokens.push(if is_double {
                    Token::DoubleStar
                } else {
                    Token::Star
                });
                chars = rest.chars();
            }
            '?' => tokens.push(Token::AnyChar),
            '\\' => tokens.push(Token::Char(chars.next().unwrap_or('\\'))),
            '[' => match set(rest) {
                Some((token, behind)) => {
                    tokens.push(token);
                    chars = behind.chars();
                }
                None => tokens.push(Token::Char('[')),
            },
            c => tokens.push(Token::Char(c)),
        }
    }
    tokens
}

/// Reads `abc]`, `a-z]` or `!a]` behind a bracket.
fn set(text: &str) -> Option<(Token, &str)> {
    let (inside, behind) = text
        .split_once(']')
        .filter(|(inside, _)| !inside.is_empty())?;
    let negated = inside.strip_prefix(['!', '^']);
    let mut chars = negated.unwrap_or(inside).chars().peekable();
    let mut ranges = Vec::new();
    while let Some(from) = chars.next() {
        let to = match chars.peek() {
            Some('-') => {
                chars.next();
                chars.next().unwrap_or('-')
            }
            _ => from,
        };
        ranges.push((from, to));
    }
    let token = Token::Set {
        is_negated: negated.is_some(),
        ranges,
    };
    Some((token, behind))
}

/// Writes `a{b,c}` as `ab` and `ac`. Braces without a comma are themselves.
fn alternatives(pattern: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(pattern) = open.pop() {
        if done.len().saturating_add(open.len()) >= MAX_ALTERNATIVES {
            done.push(pattern);
            continue;
        }
        match braces(&pattern) {
            Some((before, inside, behind)) => {
                let all = inside.split(',').rev();
                open.extend(all.map(|one| format!("{before}{one}{behind}")));
            }
            None => done.push(pattern),
        }
    }
    done
}

/// Finds the first braces with a comma in them that no backslash is before.
fn braces(pattern: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0_usize;
    loop {
        let found = pattern.get(from..)?.find('{')?;
        let start = from.saturating_add(found);
        let before = pattern.get(..start)?;
        let rest = pattern.get(start.saturating_add(1)..)?;
        if !before.ends_with('\\')
            && let Some((inside, behind)) = rest.split_once('}')
            && inside.contains(',')
            && !inside.contains('{')
        {
            return Some((before, inside, behind));
        }
        from = start.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(pattern: &str, text: &str, sense: Sense) -> bool {
        Glob::new(pattern, sense).matches(text)
    }

    #[test]
    fn patterns_match_what_they_say() {
        for (pattern, text, expected) in [
            ("Zero*Error", "ZeroDivisionError", true),
            ("zero*", "ZeroDivisionError", false),
            ("*", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("[ab]*[!0-9]", "b12x", true),
            ("[ab]*[!0-9]", "b123", false),
            ("{Key,Index}Error", "IndexError", true),
            ("{Key,Index}Error", "TypeError", false),
            ("Http404./api/{id}", "Http404./api/{id}", true),
            (r"\*\[a\]", "*[a]", true),
            ("*a*b*c", "xxaxbxbc", true),
            ("*a*b*c", "xxaxbxbcd", false),
            ("a/*", "a/b/c", true),
            ("[", "[", true),
        ] {
            assert_eq!(
                is(pattern, text, Sense::Exact),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(is(
            "connection ERROR: *",
            "Connection error: x",
            Sense::AnyCase
        ));
    }

    #[test]
    fn a_star_in_a_path_ends_at_a_slash_and_two_do_not() {
        for (pattern, text, expected) in [
            ("**/project/**.c", "/srv/Project/a/b.c", true),
            ("**/vendor/foo/*.c", "/x/vendor/foo/a.c", true),
            ("**/vendor/foo/*.c", "/x/vendor/foo/b/a.c", false),
            ("**/*.gen.c", "/foo/bar.gen.c", true),
            ("**/node_modules/**", "C:\\a\\node_modules\\b.js", true),
            ("**/a/*/c/**/d", "x/a/b/c/a/q/c/y/z/d", true),
        ] {
            assert_eq!(is(pattern, text, Sense::Path), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn stars_can_be_asked_what_they_stand_for() {
        let glob = Glob::new("cannot read * (reading '*')", Sense::AnyCase);
        assert_eq!(glob.stars(), 2);
        let text = "Cannot read properties of undefined (reading 'Message')";
        assert_eq!(glob.capture(text, 2).as_deref(), Some("Message"));
        assert_eq!(
            glob.capture(text, 1).as_deref(),
            Some("properties of undefined")
        );
        assert_eq!(glob.capture("other", 1), None);
    }
}
