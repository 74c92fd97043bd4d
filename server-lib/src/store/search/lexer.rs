//! Text to tokens: words, terms with their keys and raw values, operators, parentheses.

use super::cursor::{Cursor, Item, Within};
use super::error::{Place, SearchError, SearchErrorKind};
use super::field::Field;
use super::forms::Value;
use super::keys::{self, Kind, Subject};

/// A piece of the query.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) place: Place,
}

#[derive(Clone, Debug)]
pub(super) enum TokenKind {
    Open,
    Close,
    And,
    Or,
    Not,
    /// A word or a phrase in quotes.
    Text {
        negated: bool,
        item: Item,
    },
    /// A key with its value.
    Term {
        negated: bool,
        key: Key,
        value: Value,
    },
}

/// A key as it was written, and what it means.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) kind: Kind,
    pub(super) field: Option<Field>,
    pub(super) place: Place,
}

pub(super) struct Lexer<'a> {
    pub(super) input: Cursor<'a>,
    subject: Subject,
}

/// Cuts a query into tokens.
pub(super) fn tokens(chars: &[char], subject: Subject) -> Result<Vec<Token>, SearchError> {
    let mut lexer = Lexer {
        input: Cursor::new(chars),
        subject,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

impl Lexer<'_> {
    fn token(&mut self) -> Result<Option<Token>, SearchError> {
        self.input.skip_blanks();
        let start = self.input.at();
        let Some(first) = self.input.peek() else {
            return Ok(None);
        };
        let kind = match first {
            '(' => self.take(TokenKind::Open),
            ')' => self.take(TokenKind::Close),
            '!' if self.input.peek_at(1) == Some('(') => self.take(TokenKind::Not),
            '!' if !self.input.ends_at(1) => {
                self.input.advance(1);
                self.term(true)?
            }
            _ => self.term(false)?,
        };
        Ok(Some(Token {
            kind,
            place: self.input.since(start),
        }))
    }

    fn take(&mut self, kind: TokenKind) -> TokenKind {
        self.input.advance(1);
        kind
    }

    fn term(&mut self, negated: bool) -> Result<TokenKind, SearchError> {
        if self.input.peek() == Some('"') {
            let item = self.input.quoted()?;
            if self.input.peek() == Some(':') && !self.input.ends_at(1) {
                let key = Key {
                    text: self.input.text(item.place),
                    kind: Kind::Open,
                    field: Some(Field::Tag(exact(&item)?)),
                    place: item.place,
                };
                self.input.advance(1);
                return self.value_of(negated, key);
            }
            self.expect_end()?;
            return Ok(TokenKind::Text { negated, item });
        }
        if let Some(key) = self.key()? {
            return self.value_of(negated, key);
        }
        let item = self.input.bare(Within::Query);
        if negated {
            return Ok(TokenKind::Text { negated, item });
        }
        Ok(match item.raw.as_str() {
            "AND" => TokenKind::And,
            "OR" => TokenKind::Or,
            "NOT" => TokenKind::Not,
            "&&" => return Err(wrong_operator(&item, "AND")),
            "||" => return Err(wrong_operator(&item, "OR")),
            _ => TokenKind::Text { negated, item },
        })
    }

    fn value_of(&mut self, negated: bool, key: Key) -> Result<TokenKind, SearchError> {
        let start = self.input.at();
        let form = self.form(&key)?;
        self.expect_end()?;
        let place = self.input.since(start);
        let value = Value { form, place };
        Ok(TokenKind::Term {
            negated,
            key,
            value,
        })
    }

    /// Reads a key and its colon. Leaves everything where it was when there is none: in
    /// `Error: no such file`, `std::io` and `http://a.example` the colon belongs to the word.
    fn key(&mut self) -> Result<Option<Key>, SearchError> {
        let start = self.input.at();
        let Some(key) = self.key_name()? else {
            return Ok(None);
        };
        let is_known = keys::find(&key.text, self.subject).is_some();
        let is_bare = !key.text.contains('[');
        match self.input.peek() {
            Some(':') => {
                let is_word = match self.input.peek_at(1) {
                    Some(':') => is_bare,
                    Some('/') => !is_known && is_bare && self.input.peek_at(2) == Some('/'),
                    None => !is_known && is_bare,
                    Some(next) => !is_known && is_bare && next.is_whitespace(),
                };
                if !is_word {
                    self.input.advance(1);
                    return Ok(Some(key));
                }
            }
            Some('(') if self.input.is_function() => {
                let place = self.input.since(start);
                let found = self.input.text(place);
                let expected = "a key, because functions belong to fields and not to searches";
                let kind = SearchErrorKind::Unexpected;
                return Err(SearchError::new(kind, place, &found, expected));
            }
            _ if !is_bare => {
                let place = self.input.here();
                return Err(self.input.unexpected(place, "`:` behind the key"));
            }
            Some('=' | '<' | '>' | '!') if is_known && is_often_compared(key.kind) => {
                return Err(self.missing_colon(&key));
            }
            _ => {}
        }
        self.input.go_back(start);
        Ok(None)
    }

    /// Reads the name of a key, with what stands in brackets.
    pub(super) fn key_name(&mut self) -> Result<Option<Key>, SearchError> {
        let start = self.input.at();
        if !self
            .input
            .peek()
            .is_some_and(|c| c.is_alphabetic() || c == '_')
        {
            return Ok(None);
        }
        while self
            .input
            .peek()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
        {
            self.input.advance(1);
        }
        let name = self.input.text(self.input.since(start));
        if self.input.peek() == Some('[') && matches!(name.as_str(), "tags" | "flags") {
            return self.subscript(start, &name).map(Some);
        }
        let (kind, field) = match keys::find(&name, self.subject) {
            Some(spec) => (spec.kind, spec.field.clone()),
            None => {
                let field = Field::of_family(&name);
                let is_number = field.is_number();
                let kind = if is_number { Kind::Number } else { Kind::Open };
                (kind, Some(field))
            }
        };
        Ok(Some(Key {
            text: name,
            kind,
            field,
            place: self.input.since(start),
        }))
    }

    /// Reads `[key]`, `["key"]` and `[key,number]`.
    fn subscript(&mut self, start: usize, map: &str) -> Result<Key, SearchError> {
        let opened = self.input.here();
        self.input.advance(1);
        self.input.skip_blanks();
        let name = if self.input.peek() == Some('"') {
            exact(&self.input.quoted()?)?
        } else {
            let from = self.input.at();
            while self
                .input
                .peek()
                .is_some_and(|c| !matches!(c, ']' | ',' | '"'))
            {
                self.input.advance(1);
            }
            self.input
                .text(self.input.since(from))
                .trim_end()
                .to_owned()
        };
        self.input.skip_blanks();
        let mut kind = Kind::Open;
        if self.input.peek() == Some(',') {
            self.input.advance(1);
            self.input.skip_blanks();
            let from = self.input.at();
            while self.input.peek().is_some_and(char::is_alphanumeric) {
                self.input.advance(1);
            }
            let place = self.input.since(from);
            match self.input.text(place).as_str() {
                "number" => kind = Kind::Number,
                "string" => {}
                _ => return Err(self.input.unexpected(place, "`number` or `string`")),
            }
            self.input.skip_blanks();
        }
        if self.input.peek() != Some(']') {
            return Err(self.input.unclosed(opened, "`]` behind the key"));
        }
        self.input.advance(1);
        if name.is_empty() {
            let place = self.input.since(opened.start);
            return Err(self.input.unexpected(place, "a key in the brackets"));
        }
        let field = match map {
            "flags" => Field::Flag(name),
            _ => Field::Tag(name),
        };
        let place = self.input.since(start);
        Ok(Key {
            text: self.input.text(place),
            kind,
            field: Some(field),
            place,
        })
    }

    fn expect_end(&self) -> Result<(), SearchError> {
        if self.input.ends_at(0) {
            return Ok(());
        }
        Err(self.input.unexpected(self.input.here(), "a blank"))
    }
}

fn wrong_operator(item: &Item, suggestion: &str) -> SearchError {
    let expected = "AND, OR, NOT or a term";
    SearchError::new(SearchErrorKind::Operator, item.place, &item.raw, expected)
        .suggest(Some(suggestion))
}

/// Returns the text of a key in quotes.
fn exact(item: &Item) -> Result<String, SearchError> {
    match item.pattern.as_exact() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => {
            let kind = SearchErrorKind::Unexpected;
            let expected = "a key without wildcards";
            Err(SearchError::new(kind, item.place, &item.raw, expected))
        }
    }
}

/// Keys that nobody writes before `=` by chance, as in a line of a log.
fn is_often_compared(kind: Kind) -> bool {
    kind.is_of_issues() || matches!(kind, Kind::Level | Kind::Has | Kind::Version)
}
