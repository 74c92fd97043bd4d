//! The partition that a batch goes into.

use crate::error::Error;
use crate::model::event::NewEvent;
use crate::model::ids::Seq;
use crate::store::Batch;
use crate::store::open::StoreOptions;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{big, count, get, seq};

/// The tables that have one table for each partition, named `<table>_<partition>`.
pub(in crate::store::postgres) const PARTED_TABLES: [&str; 6] = [
    "events",
    "items",
    "event_counts",
    "issue_counts",
    "pages",
    "unindexed",
];

/// A partition that is written to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Current {
    /// Its number.
    pub(super) id: i32,
    /// Its first record.
    pub(super) first: Seq,
    /// Whether it was opened for this batch.
    pub(super) is_new: bool,
}

/// Returns the last partition, or opens a new one when that is full or old.
pub(super) async fn current(
    lease: &mut Lease,
    batch: &Batch,
    options: &StoreOptions,
) -> Result<Current, Error> {
    let last = lease
        .query_opt(
            "SELECT id, opened, events + items, first_seq FROM partitions ORDER BY id DESC LIMIT 1",
            &[],
        )
        .await?;
    let mut next = 1_i32;
    if let Some(row) = last {
        let id: i32 = get(&row, 0)?;
        let age = batch.received.0.saturating_sub(get(&row, 1)?);
        let limit = i64::try_from(options.partition_age.as_millis()).unwrap_or(i64::MAX);
        if count(&row, 2)? < options.partition_events && age < limit {
            return Ok(Current {
                id,
                first: seq(&row, 3)?,
                is_new: false,
            });
        }
        next = id.saturating_add(1);
    }
    open(lease, next).await?;
    lease
        .execute(
            "INSERT INTO partitions (id, first_seq, last_seq, opened, newest, events, items, \
             min_happened, max_happened) VALUES ($1, $2, $3, $4, $4, 0, 0, \
             9223372036854775807, -9223372036854775808)",
            &[
                &next,
                &batch.first.to_i64(),
                &batch.last.to_i64(),
                &opened(batch),
            ],
        )
        .await?;
    Ok(Current {
        id: next,
        first: batch.first,
        is_new: true,
    })
}

/// Returns when the first record of the batch arrived.
fn opened(batch: &Batch) -> i64 {
    let events = batch.events.iter().map(|event| event.received.0);
    let items = batch.items.iter().map(|item| item.received.0);
    let first = events.chain(items).min();
    first.map_or(batch.received.0, |first| first.min(batch.received.0))
}

/// Makes the tables of a partition. Attaching, other than creating in place, lets readers go on.
pub(in crate::store::postgres) async fn open(lease: &mut Lease, id: i32) -> Result<(), Error> {
    for table in PARTED_TABLES {
        lease
            .run(&format!(
                "CREATE TABLE {table}_{id} (LIKE {table} INCLUDING ALL, CHECK (part = {id}));
                 ALTER TABLE {table} ATTACH PARTITION {table}_{id} FOR VALUES IN ({id})"
            ))
            .await?;
    }
    // Sums are counted up in place; room in the page keeps that cheap.
    lease
        .run(&format!(
            "ALTER TABLE event_counts_{id} SET (fillfactor = 70);
             ALTER TABLE issue_counts_{id} SET (fillfactor = 70)"
        ))
        .await
}

/// Notes that items were removed, given the partition of each.
pub(in crate::store::postgres) async fn lost_items(
    lease: &mut Lease,
    parts: &[i32],
) -> Result<(), Error> {
    if parts.is_empty() {
        return Ok(());
    }
    lease
        .execute(
            "UPDATE partitions p SET items = p.items - n.lost FROM (SELECT part, count(*) AS lost \
             FROM unnest($1::integer[]) AS u (part) GROUP BY part) AS n WHERE p.id = n.part",
            &[&parts],
        )
        .await?;
    Ok(())
}

/// Notes what the batch brought.
pub(super) async fn extend(
    lease: &mut Lease,
    id: i32,
    batch: &Batch,
    (events, items): (&[&NewEvent], usize),
) -> Result<(), Error> {
    let count = big(events.len() as u64);
    let items = big(items as u64);
    let times = || events.iter().map(|event| event.facts.timestamp.0);
    let first = times().min().unwrap_or(i64::MAX);
    let last = times().max().unwrap_or(i64::MIN);
    lease
        .execute(
            "UPDATE partitions SET last_seq = $2, newest = GREATEST(newest, $3), \
             events = events + $4, items = items + $7, \
             min_happened = LEAST(min_happened, $5), \
             max_happened = GREATEST(max_happened, $6) WHERE id = $1",
            &[
                &id,
                &batch.last.to_i64(),
                &batch.received.0,
                &count,
                &first,
                &last,
                &items,
            ],
        )
        .await?;
    Ok(())
}
