//! Joins runs into one, page by page, so that no run is ever in memory whole.

use std::collections::VecDeque;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::key::{self, OTHERS, Owner, PEOPLE, TAGS};
use super::page::{
    Entries, Page, PageBuilder, damaged, read_seen, read_set, write_seen, write_set,
};
use super::people::People;
use super::purge::Going;
use crate::error::Error;
use crate::model::tag::Seen;

/// A run that is read, as far as its next page.
#[derive(Debug, Default)]
struct Source {
    entries: VecDeque<(Vec<u8>, Vec<u8>)>,
    is_done: bool,
}

/// Joins the entries of one sort of several runs.
///
/// Whoever drives it gives it pages as it [wants](Self::wants) them and takes pages out.
#[derive(Debug)]
pub struct Joiner {
    kind: u8,
    sources: Vec<Source>,
    values: Values,
    builder: PageBuilder,
}

impl Joiner {
    /// Begins to join so many runs.
    ///
    /// # Errors
    ///
    /// When there is no memory for packing.
    pub fn new(kind: u8, runs: usize) -> Result<Self, Error> {
        let mut builder = PageBuilder::default();
        builder.begin(kind)?;
        Ok(Self {
            kind,
            sources: std::iter::repeat_with(Source::default).take(runs).collect(),
            values: Values::default(),
            builder,
        })
    }

    /// Leaves out what goes.
    pub(super) fn without(mut self, going: Option<Arc<Going>>) -> Self {
        self.values.going = going;
        self
    }

    /// Returns a run of which the next page is wanted; `None` when nothing is missing.
    #[must_use]
    pub fn wants(&self) -> Option<usize> {
        let is_wanting = |source: &Source| !source.is_done && source.entries.is_empty();
        self.sources.iter().position(is_wanting)
    }

    /// Takes the next page of a run; `None` when it has no more.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the page is damaged.
    pub fn feed(&mut self, run: usize, page: Option<&[u8]>) -> Result<(), Error> {
        let source = self.sources.get_mut(run).ok_or_else(damaged)?;
        let Some(page) = page else {
            source.is_done = true;
            return Ok(());
        };
        let mut entries = Entries::unpack(page)?;
        while let Some((key, value)) = entries.next()? {
            source.entries.push_back((key.to_vec(), value.to_vec()));
        }
        Ok(())
    }

    /// Joins as far as the given pages reach. Returns true when all is joined.
    ///
    /// # Errors
    ///
    /// `Corrupt` when an entry is damaged.
    pub fn join(&mut self) -> Result<bool, Error> {
        while self.wants().is_none() {
            let heads = self
                .sources
                .iter()
                .filter_map(|source| source.entries.front());
            let Some(key) = heads.map(|(key, _)| key).min().cloned() else {
                self.values.flush(&mut self.builder)?;
                return Ok(true);
            };
            let mut parts = Vec::with_capacity(self.sources.len());
            for source in &mut self.sources {
                if source.entries.front().is_some_and(|(head, _)| *head == key) {
                    parts.extend(source.entries.pop_front().map(|(_, value)| value));
                }
            }
            self.put(&key, &parts)?;
        }
        Ok(false)
    }

    /// Returns the pages that are ready; after the end all of them.
    ///
    /// # Errors
    ///
    /// When there is no memory for packing.
    pub fn take(&mut self, is_end: bool) -> Result<Vec<Page>, Error> {
        if is_end {
            return self.builder.finish();
        }
        Ok(self.builder.take())
    }

    /// Returns how many pages are ready.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.builder.closed()
    }

    fn put(&mut self, key: &[u8], parts: &[Vec<u8>]) -> Result<(), Error> {
        if self.kind == TAGS {
            let mut parts = parts.iter().map(|part| read_seen(part));
            let mut seen = parts.next().ok_or_else(damaged)??;
            for part in parts {
                seen.add(part?);
            }
            return self.values.push(key, seen, &mut self.builder);
        }
        let mut value = Vec::new();
        let joined = match parts {
            [one] => one.as_slice(),
            many if self.kind == PEOPLE => {
                let mut people = People::default();
                for part in many {
                    people.add(&People::from_bytes(part));
                }
                value = people.to_bytes();
                &value
            }
            many => {
                let mut set = RoaringBitmap::new();
                for part in many {
                    read_set(part, &mut set)?;
                }
                set.optimize();
                write_set(&mut value, &set)?;
                &value
            }
        };
        match &self.values.going {
            None => self.builder.push(key, joined),
            Some(going) => match going.left(self.kind, key, joined)? {
                Some(left) => self.builder.push(key, &left),
                None => Ok(()),
            },
        }
    }
}

/// Holds the values of one owner and name together, to keep the most frequent of too many.
#[derive(Debug, Default)]
pub(super) struct Values {
    begin: Vec<u8>,
    max: usize,
    values: Vec<(Vec<u8>, Seen)>,
    going: Option<Arc<Going>>,
}

impl Values {
    /// Takes a value; writes those before it when it is another's.
    pub(super) fn push(
        &mut self,
        key: &[u8],
        seen: Seen,
        into: &mut PageBuilder,
    ) -> Result<(), Error> {
        let (begin, owner, _, value) = key::split_owned(key).ok_or_else(damaged)?;
        if begin != self.begin {
            self.flush(into)?;
            self.begin = begin.to_vec();
            self.max = Owner::max_values(owner);
        }
        self.values.push((value.to_vec(), seen));
        Ok(())
    }

    /// Writes what it holds.
    pub(super) fn flush(&mut self, into: &mut PageBuilder) -> Result<(), Error> {
        let mut values = std::mem::take(&mut self.values);
        if let Some(going) = &self.going {
            going.leave_values(&self.begin, &mut values);
        }
        if values.len() > self.max {
            values.sort_by(|(a, one), (b, two)| {
                let is_other = |value: &[u8]| value == OTHERS;
                (is_other(b).cmp(&is_other(a)))
                    .then(two.count.cmp(&one.count))
                    .then(a.cmp(b))
            });
            let rare = values.split_off(self.max);
            let rare = rare.into_iter().map(|(_, seen)| seen);
            let others = rare.reduce(|mut sum, seen| {
                sum.add(seen);
                sum
            });
            if let Some(others) = others {
                match values.first_mut().filter(|(value, _)| value == OTHERS) {
                    Some((_, sum)) => sum.add(others),
                    None => values.push((OTHERS.to_vec(), others)),
                }
            }
            values.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        let mut key = std::mem::take(&mut self.begin);
        let begin = key.len();
        let mut bytes = Vec::new();
        for (value, seen) in values {
            key.truncate(begin);
            key.extend_from_slice(&value);
            bytes.clear();
            write_seen(&mut bytes, seen);
            into.push(&key, &bytes)?;
        }
        Ok(())
    }
}
