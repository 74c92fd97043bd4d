//! Reads the values of one key, whatever their form: single, compared, listed or a range.

use super::ast::{OneOf, TimeRange};
use super::cursor::Item;
use super::dates;
use super::error::{SearchError, SearchErrorKind, closest};
use super::forms::{Compare, Form, Value};
use super::keys::BOOLEANS;
use super::lexer::Key;
use super::numbers::Range;
use crate::model::time::Millis;

const MOMENT: &str = "a time, such as -24h, +2d, 2026-01-31, 2026-01-31T12:00 or now-1h";

/// A key and its value.
pub(super) struct Reader<'a> {
    pub(super) key: &'a Key,
    pub(super) value: &'a Value,
    pub(super) now: Millis,
}

impl<'a> Reader<'a> {
    /// Returns the value when it is one, without comparison.
    pub(super) fn single(&self) -> Option<&'a Item> {
        match &self.value.form {
            Form::Single(None, item) => Some(item),
            _ => None,
        }
    }

    /// Returns the value and what it is compared by.
    pub(super) fn compared(&self) -> Option<(Compare, &'a Item)> {
        match &self.value.form {
            Form::Single(Some(compare), item) => Some((*compare, item)),
            _ => None,
        }
    }

    /// Whether it asks for larger or smaller values.
    pub(super) fn is_compared(&self) -> bool {
        matches!(
            &self.value.form,
            Form::Single(Some(_), _) | Form::Range(_, _)
        )
    }

    /// Returns the values that are listed, or the one that is not compared.
    pub(super) fn items(&self) -> Result<&'a [Item], SearchError> {
        match &self.value.form {
            Form::Single(None, item) => Ok(std::slice::from_ref(item)),
            Form::List(items) => Ok(items),
            Form::Single(Some(_), item) => {
                let place = self.value.place;
                let found = self.shown();
                let expected = "a value without a comparison, in quotes if it begins like one";
                let error = SearchError::new(SearchErrorKind::Operator, place, &found, expected);
                Err(error.suggest(Some(format!("{}:{}", self.key.text, item.raw))))
            }
            Form::Range(_, _) => Err(self.wrong_form("a value, or several as [a,b]")),
            Form::Key(_) => Err(self.wrong_form("a value")),
        }
    }

    /// Reads each of the values.
    pub(super) fn all<T>(
        &self,
        read: impl Fn(&Item) -> Result<T, SearchError>,
    ) -> Result<OneOf<T>, SearchError> {
        let read: Result<Vec<T>, SearchError> = self
            .items()?
            .iter()
            .map(|item| {
                if item.pattern.as_exact() == Some("") {
                    return Err(wrong(item, "a value that is not empty"));
                }
                read(item)
            })
            .collect();
        OneOf::new(read?).ok_or_else(|| self.wrong_form("a value"))
    }

    /// Reads each of the values as one of some words.
    pub(super) fn words<T>(
        &self,
        parse: impl Fn(&str) -> Option<T>,
        names: &[&'static str],
    ) -> Result<OneOf<T>, SearchError> {
        self.all(|item| word(item, &parse, names))
    }

    pub(super) fn boolean(&self) -> Result<bool, SearchError> {
        let parse = |text: &str| match text {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        };
        let item = self
            .single()
            .ok_or_else(|| self.wrong_form("true or false"))?;
        word(item, parse, BOOLEANS)
    }

    /// Reads what is compared, listed or between two ends.
    pub(super) fn ranges<T: Clone + PartialOrd>(
        &self,
        parse: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Vec<Range<T>>, SearchError> {
        let read = |item: &Item| {
            plain(item)
                .and_then(&parse)
                .ok_or_else(|| wrong(item, expected))
        };
        match &self.value.form {
            Form::Single(compare, item) => {
                let value = read(item)?;
                Ok(vec![match compare {
                    None | Some(Compare::Equal) => Range::only(value),
                    Some(Compare::Above) => Range::Above(value),
                    Some(Compare::AtLeast) => Range::AtLeast(value),
                    Some(Compare::Below) => Range::Below(value),
                    Some(Compare::AtMost) => Range::AtMost(value),
                }])
            }
            Form::List(items) => items
                .iter()
                .map(|item| read(item).map(Range::only))
                .collect(),
            Form::Range(from, to) => {
                let range = match (from.pattern.is_any(), to.pattern.is_any()) {
                    (true, true) => return Err(wrong(to, expected)),
                    (true, false) => Range::AtMost(read(to)?),
                    (false, true) => Range::AtLeast(read(from)?),
                    (false, false) => {
                        let (from, to) = (read(from)?, read(to)?);
                        if from > to {
                            return Err(self.backwards());
                        }
                        Range::Between(from, to)
                    }
                };
                Ok(vec![range])
            }
            Form::Key(_) => Err(self.wrong_form(expected)),
        }
    }

    /// Reads a time, or how long ago it was: `age:>24h` is older than a day.
    pub(super) fn age(&self) -> Result<TimeRange, SearchError> {
        let length = self
            .compared()
            .and_then(|(compare, item)| Some((compare, dates::unsigned(plain(item)?)?)));
        let Some((compare, length)) = length else {
            return self.times();
        };
        let then = dates::ago(length, self.now);
        Ok(match compare {
            Compare::Above => TimeRange::until(dates::before(then)),
            Compare::AtLeast => TimeRange::until(then),
            Compare::Below => TimeRange::since(dates::behind(then)),
            Compare::AtMost => TimeRange::since(then),
            Compare::Equal => TimeRange::between(then, then),
        })
    }

    /// Reads a time: `-24h` is since then, `+2d` before then.
    pub(super) fn times(&self) -> Result<TimeRange, SearchError> {
        match &self.value.form {
            Form::Single(None, item) => {
                let text = plain(item).unwrap_or_default();
                match dates::signed(text) {
                    Some(length) if text.starts_with('-') => {
                        let length = length.saturating_neg();
                        Ok(TimeRange::since(dates::ago(length, self.now)))
                    }
                    Some(length) => Ok(TimeRange::until(dates::ago(length, self.now))),
                    None => self.moment(item),
                }
            }
            Form::Single(Some(compare), item) => self.compared_time(*compare, item),
            Form::Range(from, to) => self.between(from, to),
            Form::List(_) | Form::Key(_) => Err(self.wrong_form("a time, or two as [a TO b]")),
        }
    }

    fn compared_time(&self, compare: Compare, item: &Item) -> Result<TimeRange, SearchError> {
        let moment = self.moment(item)?;
        let ends = moment.from().zip(moment.to());
        let (from, to) = ends.ok_or_else(|| wrong(item, MOMENT))?;
        Ok(match compare {
            Compare::Above => TimeRange::since(dates::behind(to)),
            Compare::AtLeast => TimeRange::since(from),
            Compare::Below => TimeRange::until(dates::before(from)),
            Compare::AtMost => TimeRange::until(to),
            Compare::Equal => moment,
        })
    }

    fn between(&self, from: &Item, to: &Item) -> Result<TimeRange, SearchError> {
        let end = |item: &Item| {
            if item.pattern.is_any() {
                return Ok(None);
            }
            self.moment(item).map(Some)
        };
        let start = end(from)?.and_then(|moment| moment.from());
        let last = end(to)?.and_then(|moment| moment.to());
        match (start, last) {
            (None, None) => Err(wrong(to, MOMENT)),
            (Some(start), None) => Ok(TimeRange::since(start)),
            (None, Some(last)) => Ok(TimeRange::until(last)),
            (Some(start), Some(last)) if start > last => Err(self.backwards()),
            (Some(start), Some(last)) => Ok(TimeRange::between(start, last)),
        }
    }

    fn moment(&self, item: &Item) -> Result<TimeRange, SearchError> {
        let read = plain(item).and_then(|text| dates::moment(text, self.now));
        read.ok_or_else(|| {
            let is_length = dates::unsigned(&item.raw).is_some();
            let meant = is_length.then(|| format!("-{}", item.raw));
            wrong(item, MOMENT).suggest(meant)
        })
    }

    fn backwards(&self) -> SearchError {
        let kind = SearchErrorKind::Range;
        let expected = "a range whose first end is not the larger";
        SearchError::new(kind, self.value.place, &self.shown(), expected)
    }

    pub(super) fn wrong_form(&self, expected: &str) -> SearchError {
        let kind = SearchErrorKind::Value;
        SearchError::new(kind, self.value.place, &self.shown(), expected)
    }

    /// The value in few words.
    fn shown(&self) -> String {
        match &self.value.form {
            Form::Single(None, item) => item.raw.clone(),
            Form::Single(Some(compare), item) => format!("{}{}", compare.sign(), item.raw),
            Form::List(items) => {
                let items: Vec<&str> = items.iter().map(|item| item.raw.as_str()).collect();
                format!("[{}]", items.join(","))
            }
            Form::Range(from, to) => format!("[{} TO {}]", from.raw, to.raw),
            Form::Key(key) => key.text.clone(),
        }
    }
}

/// Returns the text of a value that has no wildcard and is not empty.
pub(super) fn plain(item: &Item) -> Option<&str> {
    item.pattern.as_exact().filter(|text| !text.is_empty())
}

/// Reads one of some words; names the nearest when it is none.
pub(super) fn word<T>(
    item: &Item,
    parse: impl Fn(&str) -> Option<T>,
    names: &[&'static str],
) -> Result<T, SearchError> {
    let text = item.raw.to_lowercase();
    let read = plain(item).and_then(|_| parse(&text));
    read.ok_or_else(|| {
        wrong(item, &format!("one of {}", names.join(", ")))
            .suggest(closest(&text, names.iter().copied()))
    })
}

/// A value that its key does not take.
pub(super) fn wrong(item: &Item, expected: &str) -> SearchError {
    SearchError::new(SearchErrorKind::Value, item.place, &item.raw, expected)
}
