//! Writes what digest made: one batch, one transaction.
//!
//! The transaction is committed with `synchronous_commit` as the server has it, which is `on`: what
//! `position` tells is durable, so the journal may drop what lies before it. One sync for a batch
//! of hundreds of events costs next to nothing.

mod counts;
mod issues;
mod partition;
mod releases;
pub(super) mod sessions;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

pub(super) use counts::{Counted, add_events, add_outcomes};
pub(super) use partition::{PARTED_TABLES, lost_items, open as open_partition};

use super::blocks;
use super::pool::{ANSWER, Lease, Pool, in_time};
use super::row::{Sixteen, big, int, level_code, seq, text};
use crate::error::Error;
use crate::model::event::NewEvent;
use crate::model::ids::{GroupId, IssueId, PartitionId, Seq};
use crate::model::item::ItemRow;
use crate::model::record::RecordKind;
use crate::store::open::StoreOptions;
use crate::store::{Applied, Batch, Digests, Stored};
use issues::Placed;

/// Writers of the index and its sums follow one another by locking this row.
pub(super) const LOCK: &str = "SELECT position FROM digest FOR UPDATE";

/// The planner has no statistics for fresh tables, and would read them whole. Every lookup of a
/// batch is by an index.
pub(super) const BEGIN: &str = "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
                     SET LOCAL enable_mergejoin = off; SET LOCAL enable_bitmapscan = off";

/// Digest's way into PostgreSQL.
#[derive(Debug)]
pub(super) struct PostgresDigests {
    pool: Arc<Pool>,
    options: StoreOptions,
}

impl PostgresDigests {
    /// Makes the part.
    pub(super) fn new(pool: Arc<Pool>, options: StoreOptions) -> Self {
        Self { pool, options }
    }
}

#[async_trait]
impl Digests for PostgresDigests {
    async fn position(&self) -> Result<Seq, Error> {
        let mut lease = self.pool.lend().await?;
        let row = lease.query_one("SELECT position FROM digest", &[]).await?;
        seq(&row, 0)
    }

    async fn apply(&self, batch: Arc<Batch>) -> Result<Applied, Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin(BEGIN).await?;
        let row = lease.query_one(LOCK, &[]).await?;
        if batch.last <= seq(&row, 0)? {
            lease.rollback().await?;
            return Ok(Applied::default());
        }
        let part = partition::current(&mut lease, &batch, &self.options).await?;
        let (fresh, duplicates) = without_duplicates(&mut lease, &batch.events).await?;
        let recorded = issues::record(&mut lease, &fresh, batch.received).await?;
        let fresh: Vec<(&NewEvent, Placed)> = (fresh.into_iter().zip(&recorded.places))
            .filter_map(|(event, place)| Some((event, (*place)?)))
            .collect();
        let events: Vec<&NewEvent> = fresh.iter().map(|(event, _)| *event).collect();
        copy_events(&mut lease, part.id, &fresh).await?;
        let (items, repeated) = without_repeated(&mut lease, &batch.items).await?;
        copy_items(&mut lease, part.id, &items).await?;
        remove_replaced(&mut lease, &batch.items).await?;
        let counted: Vec<_> = fresh
            .iter()
            .map(|(event, place)| Counted::of(event, *place))
            .collect();
        add_events(&mut lease, part.id, &counted, 1).await?;
        counts::note_environments(&mut lease, &counted).await?;
        let duplicate_events: Vec<_> = duplicates.iter().map(|(event, _)| *event).collect();
        let outcomes = counts::corrected(
            &batch.outcomes,
            (&duplicate_events, &repeated),
            &recorded.discarded,
        );
        add_outcomes(&mut lease, &outcomes).await?;
        sessions::apply(&mut lease, &batch.sessions, &batch.tallies).await?;
        releases::note(&mut lease, &batch, &events).await?;
        let duplicates = duplicates.iter().map(|(_, seq)| *seq);
        let repeated = repeated.iter().map(|item| item.seq);
        let duplicates: Vec<Seq> = duplicates.chain(repeated).collect();
        mark_dead(&mut lease, &duplicates).await?;
        let discarded: Vec<Seq> = recorded.discarded.iter().map(|event| event.seq).collect();
        mark_dead(&mut lease, &discarded).await?;
        blocks::append(&mut lease, &batch.blocks, part.is_new, &self.options).await?;
        partition::extend(&mut lease, part.id, &batch, (&events, items.len())).await?;
        lease
            .execute("UPDATE digest SET position = $1", &[&batch.last.to_i64()])
            .await?;
        lease.commit().await?;
        let stored = fresh.iter().map(|(event, place)| Stored {
            seq: event.seq,
            group: GroupId::from_i64(place.group).unwrap_or_default(),
            issue: IssueId::from_i64(place.issue).unwrap_or_default(),
            is_new: place.is_new,
        });
        Ok(Applied {
            partition: PartitionId::from_i64(i64::from(part.id)).map(|id| (id, part.first)),
            stored: stored.collect(),
            reopened: recorded.reopened,
            duplicates,
            discarded,
        })
    }
}

type Split<'a> = (Vec<&'a NewEvent>, Vec<(&'a NewEvent, Seq)>);

/// Parts the events that their projects do not have yet from the others.
async fn without_duplicates<'a>(
    lease: &mut Lease,
    events: &'a [NewEvent],
) -> Result<Split<'a>, Error> {
    if events.is_empty() {
        return Ok(Split::default());
    }
    let ids: Vec<_> = events
        .iter()
        .map(|event| Sixteen(*event.event_id.as_bytes()))
        .collect();
    let projects: Vec<_> = events.iter().map(|event| int(event.project.0)).collect();
    // The sum hides the project from the planner, which would read all of its events.
    let rows = lease
        .query(
            "SELECT b.event_id, b.project FROM unnest($1::uuid[], $2::integer[]) \
             AS b (event_id, project) WHERE EXISTS (SELECT FROM events e \
             WHERE e.event_id = b.event_id AND e.project + 0 = b.project)",
            &[&ids, &projects],
        )
        .await?;
    let mut known = HashSet::with_capacity(events.len());
    for row in &rows {
        known.insert((
            super::row::get::<Sixteen>(row, 0)?,
            super::row::get::<i32>(row, 1)?,
        ));
    }
    let mut split = Split::default();
    for event in events {
        let name = (Sixteen(*event.event_id.as_bytes()), int(event.project.0));
        if known.insert(name) {
            split.0.push(event);
        } else {
            split.1.push((event, event.seq));
        }
    }
    Ok(split)
}

/// Parts the items that their projects do not have yet from those that are stored once and were
/// there.
async fn without_repeated<'a>(
    lease: &mut Lease,
    items: &'a [ItemRow],
) -> Result<(Vec<&'a ItemRow>, Vec<&'a ItemRow>), Error> {
    let once: Vec<_> = items.iter().filter(|item| item.is_stored_once()).collect();
    if once.is_empty() {
        return Ok((items.iter().collect(), Vec::new()));
    }
    let name = |item: &ItemRow| (int(item.project.0), Sixteen(*item.event_id.as_bytes()));
    let (projects, ids): (Vec<_>, Vec<_>) = once.iter().map(|item| name(item)).unzip();
    let kind = i32::from(RecordKind::Transaction.code());
    // The sum hides the project from the planner, which would read all of its items.
    let rows = lease
        .query(
            "SELECT b.project, b.event_id FROM unnest($1::integer[], $2::uuid[]) \
             AS b (project, event_id) WHERE EXISTS (SELECT FROM items i \
             WHERE i.event_id = b.event_id AND i.project + 0 = b.project AND i.kind + 0 = $3)",
            &[&projects, &ids, &kind],
        )
        .await?;
    let mut known = HashSet::with_capacity(once.len());
    for row in &rows {
        known.insert((
            super::row::get(row, 0)?,
            super::row::get::<Sixteen>(row, 1)?,
        ));
    }
    let is_new = |item: &&ItemRow| !item.is_stored_once() || known.insert(name(item));
    Ok(items.iter().partition(is_new))
}

async fn copy_events(
    lease: &mut Lease,
    part: i32,
    events: &[(&NewEvent, Placed)],
) -> Result<(), Error> {
    const TYPES: &[Type] = &[
        Type::INT4,
        Type::INT8,
        Type::INT4,
        Type::UUID,
        Type::INT8,
        Type::INT2,
        Type::INT8,
        Type::INT8,
        Type::INT2,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
    ];
    if events.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "COPY events_{part} (part, seq, project, event_id, group_id, kind, happened, received, \
         level, environment, release, person) FROM STDIN BINARY"
    );
    let sink = lease.copy_in(&sql).await?;
    let copied = in_time(ANSWER, async {
        let mut writer = pin!(BinaryCopyInWriter::new(sink, TYPES));
        for (event, place) in events {
            let facts = &event.facts;
            writer
                .as_mut()
                .write(&[
                    &part,
                    &event.seq.to_i64(),
                    &int(event.project.0),
                    &Sixteen(*event.event_id.as_bytes()),
                    &place.group,
                    &i16::from(facts.kind.code()),
                    &facts.timestamp.0,
                    &event.received.0,
                    &level_code(facts.level),
                    &text(&facts.environment),
                    &text(&facts.release),
                    &facts.user,
                ])
                .await?;
        }
        writer.finish().await
    });
    let result = copied.await;
    lease.noting(result).map(|_| ())
}

async fn copy_items(lease: &mut Lease, part: i32, items: &[&ItemRow]) -> Result<(), Error> {
    const TYPES: &[Type] = &[
        Type::INT4,
        Type::INT8,
        Type::INT4,
        Type::INT2,
        Type::UUID,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
    ];
    if items.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "COPY items_{part} (part, seq, project, kind, event_id, received, name, content_type, \
         attachment_type, bytes) FROM STDIN BINARY"
    );
    let sink = lease.copy_in(&sql).await?;
    let copied = in_time(ANSWER, async {
        let mut writer = pin!(BinaryCopyInWriter::new(sink, TYPES));
        for item in items {
            let id = item.event_id;
            writer
                .as_mut()
                .write(&[
                    &part,
                    &item.seq.to_i64(),
                    &int(item.project.0),
                    &i16::from(item.kind.code()),
                    &(!id.is_nil()).then(|| Sixteen(*id.as_bytes())),
                    &item.received.0,
                    &text(&item.name),
                    &text(&item.content_type),
                    &text(&item.attachment_type),
                    &big(item.bytes),
                ])
                .await?;
        }
        writer.finish().await
    });
    let result = copied.await;
    lease.noting(result).map(|_| ())
}

/// Removes what a batch's items take the place of.
async fn remove_replaced(lease: &mut Lease, items: &[ItemRow]) -> Result<(), Error> {
    let replacing: Vec<_> = items.iter().filter(|item| item.replaces()).collect();
    if replacing.is_empty() {
        return Ok(());
    }
    let ids = replacing.iter().map(|item| *item.event_id.as_bytes());
    let ids: Vec<_> = ids.map(Sixteen).collect();
    let projects: Vec<_> = replacing.iter().map(|item| int(item.project.0)).collect();
    let kinds = replacing.iter().map(|item| i16::from(item.kind.code()));
    let kinds: Vec<_> = kinds.collect();
    let seqs: Vec<_> = replacing.iter().map(|item| item.seq.to_i64()).collect();
    // The sum hides the project from the planner, which would read all of its items.
    let rows = lease
        .query(
            "DELETE FROM items i USING unnest($1::integer[], $2::uuid[], $3::smallint[], \
             $4::bigint[]) AS n (project, event_id, kind, seq) \
             WHERE i.event_id = n.event_id AND i.project + 0 = n.project AND i.kind = n.kind \
             AND i.seq < n.seq RETURNING i.seq, i.part",
            &[&projects, &ids, &kinds, &seqs],
        )
        .await?;
    let parts: Result<Vec<i32>, _> = rows.iter().map(|row| super::row::get(row, 1)).collect();
    lost_items(lease, &parts?).await?;
    let gone: Result<Vec<Seq>, _> = rows.iter().map(|row| seq(row, 0)).collect();
    mark_dead(lease, &gone?).await
}

pub(super) async fn mark_dead(lease: &mut Lease, seqs: &[Seq]) -> Result<(), Error> {
    if seqs.is_empty() {
        return Ok(());
    }
    let seqs: Vec<_> = seqs.iter().map(|seq| seq.to_i64()).collect();
    lease
        .execute(
            "INSERT INTO dead (seq) SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING",
            &[&seqs],
        )
        .await?;
    Ok(())
}
