//! The value behind a key: single, compared, several, or a range.

use super::cursor::{Item, Within};
use super::error::{Place, SearchError, SearchErrorKind};
use super::keys::Kind;
use super::lexer::{Key, Lexer};

#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) form: Form,
    pub(super) place: Place,
}

#[derive(Clone, Debug)]
pub(super) enum Form {
    Single(Option<Compare>, Item),
    List(Vec<Item>),
    Range(Item, Item),
    /// What `has:` takes.
    Key(Key),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
}

impl Compare {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
        }
    }
}

impl Lexer<'_> {
    pub(super) fn form(&mut self, key: &Key) -> Result<Form, SearchError> {
        if key.kind == Kind::Has {
            let name = self.key_name()?;
            return match name {
                Some(name) => Ok(Form::Key(name)),
                None => Err(self.input.unexpected(self.input.here(), "a key")),
            };
        }
        match self.input.peek() {
            Some('[') => self.list(),
            Some('!' | '=' | '<' | '>') => {
                let compare = self.compare(key)?;
                let item = self.item(Within::Query)?;
                Ok(Form::Single(Some(compare), item))
            }
            _ => Ok(Form::Single(None, self.item(Within::Query)?)),
        }
    }

    fn compare(&mut self, key: &Key) -> Result<Compare, SearchError> {
        let start = self.input.at();
        while self
            .input
            .peek()
            .is_some_and(|c| matches!(c, '!' | '=' | '<' | '>' | '~'))
        {
            self.input.advance(1);
        }
        let place = self.input.since(start);
        let found = self.input.text(place);
        let rest = self.input.rest_of_word();
        let text = &key.text;
        let suggestion = match found.as_str() {
            ">" => return Ok(Compare::Above),
            ">=" => return Ok(Compare::AtLeast),
            "<" => return Ok(Compare::Below),
            "<=" => return Ok(Compare::AtMost),
            "=" => return Ok(Compare::Equal),
            "=>" | ">>" => Some(format!("{text}:>={rest}")),
            "=<" | "<<" => Some(format!("{text}:<={rest}")),
            "==" | "===" => Some(format!("{text}:{rest}")),
            "!" | "!=" | "<>" | "!==" => Some(format!("!{text}:{rest}")),
            _ => None,
        };
        let expected = "one of >, >=, <, <=, or a value, in quotes if it begins so";
        Err(
            SearchError::new(SearchErrorKind::Operator, place, &found, expected)
                .suggest(suggestion),
        )
    }

    fn list(&mut self) -> Result<Form, SearchError> {
        let opened = self.input.here();
        self.input.advance(1);
        self.input.skip_blanks();
        let mut items = vec![self.item(Within::List)?];
        loop {
            self.input.skip_blanks();
            match self.input.peek() {
                Some(']') => {
                    self.input.advance(1);
                    return Ok(match items.pop() {
                        // A list of one is that one.
                        Some(only) if items.is_empty() => Form::Single(None, only),
                        last => {
                            items.extend(last);
                            Form::List(items)
                        }
                    });
                }
                Some(',') => {
                    self.input.advance(1);
                    self.input.skip_blanks();
                    items.push(self.item(Within::List)?);
                }
                Some(_) => return self.range(items),
                None => return Err(self.input.unclosed(opened, "`]` at the end of the list")),
            }
        }
    }

    /// Reads the rest of `[a TO b]`.
    fn range(&mut self, mut items: Vec<Item>) -> Result<Form, SearchError> {
        let here = self.input.here();
        let mut word = self.input.bare(Within::List);
        if word.raw.is_empty() {
            word.place = here;
            word.raw = self.input.text(here);
        }
        let is_single = items.len() == 1;
        let from = items.pop().filter(|_| is_single && word.raw == "TO");
        let Some(from) = from else {
            let (kind, expected) = (SearchErrorKind::Unexpected, "`,`, `TO` or `]`");
            let suggestion = word.raw.eq_ignore_ascii_case("to").then_some("TO");
            let error = SearchError::new(kind, word.place, &word.raw, expected);
            return Err(error.suggest(suggestion.filter(|_| is_single)));
        };
        self.input.skip_blanks();
        let to = self.item(Within::List)?;
        self.input.skip_blanks();
        if self.input.peek() != Some(']') {
            return Err(self
                .input
                .unexpected(self.input.here(), "`]` at the end of the range"));
        }
        self.input.advance(1);
        Ok(Form::Range(from, to))
    }

    fn item(&mut self, within: Within) -> Result<Item, SearchError> {
        match self.input.peek() {
            Some('"') => self.input.quoted(),
            None | Some('(' | ')') => Err(self.no_value()),
            Some(']' | ',') if within == Within::List => Err(self.no_value()),
            Some(c) if c.is_whitespace() => Err(self.no_value()),
            Some(_) => Ok(self.input.bare(within)),
        }
    }

    fn no_value(&self) -> SearchError {
        let expected = match self.input.peek() {
            Some('(') => "a value, or several as [a,b]",
            Some(c) if c.is_whitespace() => "a value directly behind it",
            _ => "a value",
        };
        self.input.unexpected(self.input.here(), expected)
    }

    /// A known key with a comparison where its colon should stand.
    pub(super) fn missing_colon(&mut self, key: &Key) -> SearchError {
        let start = self.input.at();
        while self
            .input
            .peek()
            .is_some_and(|c| matches!(c, '=' | '<' | '>' | '!'))
        {
            self.input.advance(1);
        }
        let place = self.input.since(start);
        let found = self.input.text(place);
        let rest = self.input.rest_of_word();
        let text = &key.text;
        let suggestion = match found.as_str() {
            "=" | "==" => Some(format!("{text}:{rest}")),
            "!=" | "<>" => Some(format!("!{text}:{rest}")),
            ">" | ">=" | "<" | "<=" => Some(format!("{text}:{found}{rest}")),
            _ => None,
        };
        let expected = "`:` behind the key, or quotes around the whole";
        SearchError::new(SearchErrorKind::Operator, place, &found, expected).suggest(suggestion)
    }
}
