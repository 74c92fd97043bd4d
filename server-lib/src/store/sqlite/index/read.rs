//! Reads runs: pages by their first keys.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use roaring::RoaringBitmap;
use rusqlite::{Connection, params};

use crate::error::Error;
use crate::model::ids::PartitionId;
use crate::store::index::key::{self, EVENTS, HOURS};
use crate::store::index::page::{Entries, read_set};
use crate::store::sqlite::partition::Span;
use crate::store::sqlite::row::{one, rows};

/// The runs of a partition.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    /// The partition.
    pub(super) partition: PartitionId,
    /// Their numbers.
    pub(super) ids: Vec<i64>,
}

impl Runs {
    /// Finds the runs of a partition.
    pub(super) fn of(connection: &Connection, partition: PartitionId) -> Result<Self, Error> {
        let select = "SELECT id FROM runs WHERE partition = ?1 AND complete = 1";
        Ok(Self {
            partition,
            ids: rows(connection, select, [partition.0], |row| Ok(row.get(0)?))?,
        })
    }

    /// Visits the entries of all runs from a key on, of each run until the visit says false.
    pub(super) fn visit(
        &self,
        connection: &Connection,
        kind: u8,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        for run in &self.ids {
            self.visit_run(connection, *run, kind, from, &mut visit)?;
        }
        Ok(())
    }

    /// Visits the entries of one run from a key on, until the visit says false.
    pub(super) fn visit_run(
        &self,
        connection: &Connection,
        run: i64,
        kind: u8,
        from: &[u8],
        visit: &mut impl FnMut(&[u8], &[u8]) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut next = self.page_with(connection, run, kind, from)?;
        if next.is_none() {
            next = self.page_after(connection, run, kind, from)?;
        }
        while let Some((first, body)) = next {
            let mut entries = Entries::unpack(&body)?;
            while let Some((key, value)) = entries.next()? {
                if key >= from && !visit(key, value)? {
                    return Ok(());
                }
            }
            next = self.page_after(connection, run, kind, &first)?;
        }
        Ok(())
    }

    fn page_with(
        &self,
        connection: &Connection,
        run: i64,
        kind: u8,
        key: &[u8],
    ) -> Result<Option<(Vec<u8>, Vec<u8>)>, Error> {
        let select = format!(
            "SELECT first, body FROM pages_{} WHERE run = ?1 AND kind = ?2 AND first <= ?3
            ORDER BY first DESC LIMIT 1",
            self.partition
        );
        one(connection, &select, params![run, kind, key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// Returns the page behind the one that begins with a key.
    pub(super) fn page_after(
        &self,
        connection: &Connection,
        run: i64,
        kind: u8,
        key: &[u8],
    ) -> Result<Option<(Vec<u8>, Vec<u8>)>, Error> {
        let select = format!(
            "SELECT first, body FROM pages_{} WHERE run = ?1 AND kind = ?2 AND first > ?3
            ORDER BY first LIMIT 1",
            self.partition
        );
        one(connection, &select, params![run, kind, key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// Reads the set of a thing.
    pub(super) fn set(
        &self,
        connection: &Connection,
        kind: u8,
        number: u64,
    ) -> Result<RoaringBitmap, Error> {
        let wanted = number.to_be_bytes();
        let mut set = RoaringBitmap::new();
        for run in &self.ids {
            let Some((_, body)) = self.page_with(connection, *run, kind, &wanted)? else {
                continue;
            };
            let mut entries = Entries::unpack(&body)?;
            while let Some((key, value)) = entries.next()? {
                if key >= wanted.as_slice() {
                    if key == wanted {
                        read_set(value, &mut set)?;
                    }
                    break;
                }
            }
        }
        Ok(set)
    }

    /// Reads the sets of things by their numbers.
    pub(super) fn sets(
        &self,
        connection: &Connection,
        numbers: impl IntoIterator<Item = u64>,
    ) -> Result<crate::store::index::ask::Sets, Error> {
        let mut sets = crate::store::index::ask::Sets::default();
        for number in numbers {
            let set = self.set(connection, EVENTS, number)?;
            if !set.is_empty() {
                sets.insert(number, set);
            }
        }
        Ok(sets)
    }

    /// Reads which events happened in each of some hours.
    pub(super) fn hours(
        &self,
        connection: &Connection,
        hours: &RangeInclusive<i64>,
    ) -> Result<BTreeMap<i64, RoaringBitmap>, Error> {
        let mut found = BTreeMap::<i64, RoaringBitmap>::new();
        let from = key::hour(*hours.start());
        self.visit(
            connection,
            HOURS,
            &from,
            |key, value| match key::read_hour(key) {
                Some(hour) if hour <= *hours.end() => {
                    read_set(value, found.entry(hour).or_default())?;
                    Ok(true)
                }
                _ => Ok(false),
            },
        )?;
        Ok(found)
    }
}

/// Returns the hours that a partition can have, as far as they are asked for.
pub(super) fn hours_within(span: &Span, asked: &RangeInclusive<i64>) -> RangeInclusive<i64> {
    let first = span.min_happened.minute().div_euclid(60);
    let last = span.max_happened.minute().div_euclid(60);
    first.max(*asked.start())..=last.min(*asked.end())
}
