//! Tokens to expressions: `NOT` before `AND` before `OR`, with parentheses.

use super::ast::{Condition, Expr, Query};
use super::error::{Place, SearchError, SearchErrorKind};
use super::forms::Form;
use super::keys::Subject;
use super::lexer::{self, Token, TokenKind};
use super::terms;
use crate::model::time::Millis;

/// How many characters a query may have.
pub const MAX_CHARS: usize = 4_096;
/// How many parentheses and negations may lie inside each other.
pub const MAX_DEPTH: usize = 32;
/// How many terms a query may have.
pub const MAX_TERMS: usize = 100;
/// How many values the lists of a query may have together.
pub const MAX_VALUES: usize = 500;

/// How a query is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseOptions {
    /// What is searched.
    pub subject: Subject,
    /// What `now` is, and what relative times are counted from.
    pub now: Millis,
    /// How words without a key go together.
    pub bare_words: BareWords,
}

impl ParseOptions {
    /// Makes options; all words must be found.
    #[must_use]
    pub fn new(subject: Subject, now: Millis) -> Self {
        Self {
            subject,
            now,
            bare_words: BareWords::All,
        }
    }

    /// Says how words without a key go together.
    #[must_use]
    pub fn bare_words(mut self, bare_words: BareWords) -> Self {
        self.bare_words = bare_words;
        self
    }
}

/// How words without a key go together when nothing stands between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BareWords {
    /// All must be found.
    All,
    /// One is enough, as in Mini Sentry's list of events. Terms with keys hold besides.
    Any,
}

/// Reads a query.
///
/// # Errors
///
/// Names the first mistake, its place, and what was expected there.
pub fn parse(text: &str, options: &ParseOptions) -> Result<Query, SearchError> {
    let chars: Vec<char> = text.chars().take(MAX_CHARS.saturating_add(1)).collect();
    if chars.len() > MAX_CHARS {
        let place = Place::new(MAX_CHARS, chars.len());
        let expected = format!("at most {MAX_CHARS} characters");
        return Err(SearchError::new(
            SearchErrorKind::TooLong,
            place,
            "…",
            expected,
        ));
    }
    let mut tokens = lexer::tokens(&chars, options.subject)?;
    join_by_small_words(&mut tokens);
    check_values(&tokens)?;
    if tokens.is_empty() {
        return Ok(Query::default());
    }
    let mut parser = Parser {
        tokens: &tokens,
        end: chars.len(),
        terms: 0,
        options,
    };
    let root = parser.alternatives(0)?;
    match parser.tokens.first() {
        None => Ok(Query { root: Some(root) }),
        Some(token) => {
            let expected = "a term, because no parenthesis is open";
            let kind = SearchErrorKind::Unexpected;
            Err(SearchError::new(kind, token.place, shown(token), expected))
        }
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    end: usize,
    terms: usize,
    options: &'a ParseOptions,
}

impl Parser<'_> {
    fn alternatives(&mut self, depth: usize) -> Result<Expr, SearchError> {
        let mut parts = vec![self.sequence(depth)?];
        while self.take_if(|kind| matches!(kind, TokenKind::Or)).is_some() {
            parts.push(self.sequence(depth)?);
        }
        Expr::any(parts).ok_or_else(|| self.unexpected("a term"))
    }

    fn sequence(&mut self, depth: usize) -> Result<Expr, SearchError> {
        let mut runs = vec![vec![self.operand(depth)?]];
        while let Some(token) = self.tokens.first() {
            match token.kind {
                TokenKind::Close | TokenKind::Or => break,
                TokenKind::And => {
                    self.advance();
                    runs.push(vec![self.operand(depth)?]);
                }
                _ => {
                    let next = self.operand(depth)?;
                    if let Some(run) = runs.last_mut() {
                        run.push(next);
                    }
                }
            }
        }
        let joined = runs.into_iter().filter_map(|run| self.join(run));
        Expr::all(joined).ok_or_else(|| self.unexpected("a term"))
    }

    /// Joins what stands side by side without an operator.
    fn join(&self, run: Vec<Expr>) -> Option<Expr> {
        if self.options.bare_words == BareWords::All {
            return Expr::all(run);
        }
        let is_word = |part: &Expr| matches!(part, Expr::One(Condition::Text(_)));
        let (words, mut rest): (Vec<Expr>, Vec<Expr>) = run.into_iter().partition(is_word);
        rest.extend(Expr::any(words));
        Expr::all(rest)
    }

    fn operand(&mut self, depth: usize) -> Result<Expr, SearchError> {
        let Some((token, rest)) = self.tokens.split_first() else {
            return Err(self.unexpected("a term"));
        };
        check_depth(token, depth)?;
        match &token.kind {
            TokenKind::And | TokenKind::Or | TokenKind::Close => Err(self.unexpected("a term")),
            TokenKind::Not => {
                self.tokens = rest;
                Ok(self.operand(depth.saturating_add(1))?.not())
            }
            TokenKind::Open => {
                self.tokens = rest;
                let inner = self.alternatives(depth.saturating_add(1))?;
                match self.take_if(|kind| matches!(kind, TokenKind::Close)) {
                    Some(_) => Ok(inner),
                    None => {
                        let kind = SearchErrorKind::Unclosed;
                        let expected = "`)` for this parenthesis";
                        Err(SearchError::new(kind, token.place, "(", expected))
                    }
                }
            }
            TokenKind::Text { negated, item } => {
                self.tokens = rest;
                let expr = terms::text(item)?;
                self.count(token, &expr, depth)?;
                Ok(turned(*negated, expr))
            }
            TokenKind::Term {
                negated,
                key,
                value,
            } => {
                self.tokens = rest;
                let expr = terms::read(key, value, self.options)?;
                self.count(token, &expr, depth)?;
                Ok(turned(*negated, expr))
            }
        }
    }

    /// Counts conditions. A term can stand for several, which its canonical form puts in
    /// parentheses.
    fn count(&mut self, token: &Token, expr: &Expr, depth: usize) -> Result<(), SearchError> {
        let held = match expr {
            Expr::Any(parts) | Expr::All(parts) => {
                check_depth(token, depth.saturating_add(2))?;
                parts.len()
            }
            Expr::Not(_) | Expr::One(_) => 1,
        };
        self.terms = self.terms.saturating_add(held);
        if self.terms <= MAX_TERMS {
            return Ok(());
        }
        let expected = format!("at most {MAX_TERMS} terms");
        let kind = SearchErrorKind::TooManyTerms;
        Err(SearchError::new(kind, token.place, shown(token), expected))
    }

    fn take_if(&mut self, is_wanted: impl Fn(&TokenKind) -> bool) -> Option<&Token> {
        let (token, rest) = self.tokens.split_first()?;
        if !is_wanted(&token.kind) {
            return None;
        }
        self.tokens = rest;
        Some(token)
    }

    fn advance(&mut self) {
        self.tokens = self.tokens.split_first().map_or(&[], |(_, rest)| rest);
    }

    fn unexpected(&self, expected: &str) -> SearchError {
        let kind = SearchErrorKind::Unexpected;
        match self.tokens.first() {
            Some(token) => SearchError::new(kind, token.place, shown(token), expected),
            None => SearchError::new(kind, Place::new(self.end, self.end), "", expected),
        }
    }
}

fn turned(negated: bool, expr: Expr) -> Expr {
    if negated { expr.not() } else { expr }
}

fn shown(token: &Token) -> &str {
    match &token.kind {
        TokenKind::Open => "(",
        TokenKind::Close => ")",
        TokenKind::And => "AND",
        TokenKind::Or => "OR",
        TokenKind::Not => "NOT",
        TokenKind::Text { item, .. } => &item.raw,
        TokenKind::Term { key, .. } => &key.text,
    }
}

/// Takes `and` and `or` for operators where they stand between terms with keys. Anywhere else they
/// are words.
fn join_by_small_words(tokens: &mut [Token]) {
    for index in 1..tokens.len() {
        let before = index.checked_sub(1).and_then(|at| tokens.get(at));
        let behind = index.checked_add(1).and_then(|at| tokens.get(at));
        let is_term = |token: Option<&Token>, parenthesis: fn(&TokenKind) -> bool| {
            token.is_some_and(|token| {
                matches!(token.kind, TokenKind::Term { .. }) || parenthesis(&token.kind)
            })
        };
        let is_between = is_term(before, |kind| matches!(kind, TokenKind::Close))
            && is_term(behind, |kind| matches!(kind, TokenKind::Open));
        let Some(token) = tokens.get_mut(index).filter(|_| is_between) else {
            continue;
        };
        let TokenKind::Text { negated, item } = &token.kind else {
            continue;
        };
        if *negated || item.is_quoted {
            continue;
        }
        match item.raw.as_str() {
            "and" => token.kind = TokenKind::And,
            "or" => token.kind = TokenKind::Or,
            _ => {}
        }
    }
}

fn check_depth(token: &Token, depth: usize) -> Result<(), SearchError> {
    if depth <= MAX_DEPTH {
        return Ok(());
    }
    let expected = format!("at most {MAX_DEPTH} parentheses and negations in each other");
    let kind = SearchErrorKind::TooDeep;
    Err(SearchError::new(kind, token.place, shown(token), expected))
}

fn check_values(tokens: &[Token]) -> Result<(), SearchError> {
    let mut values = 0_usize;
    for token in tokens {
        let TokenKind::Term { value, .. } = &token.kind else {
            continue;
        };
        if let Form::List(items) = &value.form {
            values = values.saturating_add(items.len());
        }
        if values > MAX_VALUES {
            let expected = format!("at most {MAX_VALUES} values in lists");
            let kind = SearchErrorKind::TooManyValues;
            return Err(SearchError::new(kind, token.place, shown(token), expected));
        }
    }
    Ok(())
}
