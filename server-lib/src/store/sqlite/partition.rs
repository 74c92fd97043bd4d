//! The partitions of the index: which there are, and the tables of each.
//!
//! Events and items are inserted in the order of their places, whole batches at a time, so a
//! partition is a contiguous range that can be dropped without looking at its rows.

use rusqlite::{Connection, Row, Transaction, params};

use super::row::{counted, one, rows, stored};
use super::writer::PartitionLimits;
use crate::error::Error;
use crate::model::ids::{PartitionId, Seq};
use crate::model::time::Millis;
use crate::store::{Batch, Partition};

const TABLES: &str = include_str!("sql/partition.sql");

const SPAN: &str = "SELECT id, first, last, opened, newest, events, items, min_happened,
    max_happened FROM partitions WHERE dropping = 0";

/// A partition as its row in the registry has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The number in its tables' names.
    pub(super) id: PartitionId,
    /// Its first record.
    pub(super) first: Seq,
    /// Its last record so far.
    pub(super) last: Seq,
    /// None of its rows arrived before. Places are given when a request is complete, so times of
    /// arrival are not quite in their order.
    pub(super) opened: Millis,
    /// None of its rows arrived later.
    pub(super) newest: Millis,
    /// How many events it has.
    pub(super) events: u64,
    /// How many items it has.
    pub(super) items: u64,
    /// No event of it happened before.
    pub(super) min_happened: Millis,
    /// No event of it happened later.
    pub(super) max_happened: Millis,
}

impl Span {
    /// Returns what callers of the store are told.
    pub(super) fn to_partition(self) -> Partition {
        Partition {
            id: self.id,
            first: self.first,
            last: self.last,
            opened: self.opened,
            newest: self.newest,
            events: self.events,
        }
    }

    /// Reports whether the place lies in it.
    pub(super) fn holds(&self, seq: Seq) -> bool {
        self.first <= seq && seq <= self.last
    }

    fn is_full(&self, at: Millis, limits: PartitionLimits) -> bool {
        let age = u128::try_from(at.since(self.opened)).unwrap_or(0);
        self.events.saturating_add(self.items) >= limits.rows || age >= limits.age.as_millis()
    }
}

/// Returns the partitions, oldest first.
pub(super) fn all(connection: &Connection) -> Result<Vec<Span>, Error> {
    rows(connection, &format!("{SPAN} ORDER BY id"), [], span)
}

/// Returns the partition that holds the place.
pub(super) fn holding(connection: &Connection, seq: Seq) -> Result<Option<Span>, Error> {
    let select = format!("{SPAN} AND first <= ?1 ORDER BY id DESC LIMIT 1");
    let found = one(connection, &select, [seq.to_i64()], span)?;
    Ok(found.filter(|span| span.holds(seq)))
}

/// Returns the partition into which the batch goes: the last one, or a new one after it.
pub(super) fn for_batch(
    transaction: &Transaction<'_>,
    batch: &Batch,
    limits: PartitionLimits,
) -> Result<Span, Error> {
    let (opened, newest) = arrivals(batch);
    let select = format!("{SPAN} ORDER BY id DESC LIMIT 1");
    let last = one(transaction, &select, [], span)?;
    if let Some(span) = last.filter(|span| !span.is_full(opened, limits)) {
        return Ok(Span {
            last: batch.last,
            opened: span.opened.min(opened),
            newest: span.newest.max(newest),
            ..span
        });
    }
    let insert = "INSERT INTO partitions (first, last, opened, newest, events, items, min_happened,
        max_happened, dropping) VALUES (?1, ?1, ?2, ?2, 0, 0, ?3, ?4, 0)";
    // Contiguous, also where records were lost.
    let first = last.map_or(batch.first, |span| span.last.next());
    transaction.execute(
        insert,
        params![first.to_i64(), opened.0, i64::MAX, i64::MIN],
    )?;
    let id = transaction.last_insert_rowid();
    transaction.execute_batch(&TABLES.replace("{id}", &id.to_string()))?;
    Ok(Span {
        id: PartitionId::from_i64(id).unwrap_or_default(),
        first,
        last: batch.last,
        opened,
        newest,
        events: 0,
        items: 0,
        min_happened: Millis(i64::MAX),
        max_happened: Millis(i64::MIN),
    })
}

/// Returns when the first and the last of a batch's rows arrived.
fn arrivals(batch: &Batch) -> (Millis, Millis) {
    let events = batch.events.iter().map(|event| event.received);
    let items = batch.items.iter().map(|item| item.received);
    let rows = events.chain(items);
    rows.fold((batch.received, batch.received), |(first, last), at| {
        (first.min(at), last.max(at))
    })
}

/// Writes how a partition stands after a batch.
pub(super) fn grown(transaction: &Transaction<'_>, span: &Span) -> Result<(), Error> {
    let update = "UPDATE partitions SET last = ?2, newest = ?3, events = ?4, items = ?5,
        min_happened = ?6, max_happened = ?7, opened = ?8 WHERE id = ?1";
    transaction.prepare_cached(update)?.execute(params![
        span.id.0,
        span.last.to_i64(),
        span.newest.0,
        stored(span.events),
        stored(span.items),
        span.min_happened.0,
        span.max_happened.0,
        span.opened.0
    ])?;
    Ok(())
}

/// Notes that rows were removed from a partition.
pub(super) fn shrunk(
    transaction: &Transaction<'_>,
    id: PartitionId,
    events: u64,
    items: u64,
) -> Result<(), Error> {
    let update = "UPDATE partitions SET events = events - ?2, items = items - ?3 WHERE id = ?1";
    transaction
        .prepare_cached(update)?
        .execute(params![id.0, stored(events), stored(items)])?;
    Ok(())
}

fn span(row: &Row<'_>) -> Result<Span, Error> {
    Ok(Span {
        id: PartitionId(row.get(0)?),
        first: Seq(counted(row.get(1)?)),
        last: Seq(counted(row.get(2)?)),
        opened: Millis(row.get(3)?),
        newest: Millis(row.get(4)?),
        events: counted(row.get(5)?),
        items: counted(row.get(6)?),
        min_happened: Millis(row.get(7)?),
        max_happened: Millis(row.get(8)?),
    })
}
