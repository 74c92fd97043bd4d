//! Erases events and items for good: rows are overwritten, bodies marked for compaction.

use std::collections::{BTreeMap, BTreeSet};

use mini_sentry::protocol::EventId;
use rusqlite::{Connection, Transaction, params};

use super::index::purging;
use super::issues;
use super::items;
use super::partition::{self, Span};
use super::row::{counted, one, rows};
use super::sums::{SumKey, Sums};
use super::writer::Memory;
use crate::error::Error;
use crate::model::ids::{PartitionId, ProjectId, Seq};
use crate::model::item::ItemRow;
use crate::model::time::Millis;

/// Rows that one transaction erases.
pub(super) const STEP: usize = 500;

/// An event as far as its removal needs it.
struct Removed {
    project: ProjectId,
    event_id: EventId,
    group: i64,
    received: Millis,
    sum: SumKey,
}

/// What was removed from partitions, to be written to their sums at the end.
#[derive(Default)]
pub(super) struct Removal {
    partitions: BTreeMap<PartitionId, (Sums, u64, u64)>,
    groups: BTreeSet<i64>,
    rows: u64,
}

impl Removal {
    /// Returns how many rows it removed.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Removes an event's row, if there is one that `is_meant` says yes to.
    fn event(
        &mut self,
        transaction: &Transaction<'_>,
        span: &Span,
        seq: Seq,
        is_meant: impl FnOnce(&Removed) -> bool,
    ) -> Result<Option<Removed>, Error> {
        let Some(event) = find(transaction, span, seq)?.filter(is_meant) else {
            return Ok(None);
        };
        let delete = format!("DELETE FROM events_{} WHERE seq = ?1", span.id);
        transaction
            .prepare_cached(&delete)?
            .execute([seq.to_i64()])?;
        let note = format!(
            "INSERT OR IGNORE INTO unindexed_{} (seq) VALUES (?1)",
            span.id
        );
        transaction.prepare_cached(&note)?.execute([seq.to_i64()])?;
        let (sums, events, _) = self.partitions.entry(span.id).or_default();
        sums.count(event.sum);
        *events = events.saturating_add(1);
        self.groups.insert(event.group);
        self.rows = self.rows.saturating_add(1);
        Ok(Some(event))
    }

    /// Removes the row of an event that lies below a floor.
    pub(super) fn hidden_event(
        &mut self,
        transaction: &Transaction<'_>,
        span: &Span,
        seq: Seq,
    ) -> Result<(), Error> {
        self.event(transaction, span, seq, |_| true).map(drop)
    }

    /// Removes an item's row.
    pub(super) fn item(
        &mut self,
        transaction: &Transaction<'_>,
        span: &Span,
        seq: Seq,
    ) -> Result<bool, Error> {
        let delete = format!("DELETE FROM items_{} WHERE seq = ?1", span.id);
        let deleted = transaction
            .prepare_cached(&delete)?
            .execute([seq.to_i64()])?;
        if deleted == 0 {
            return Ok(false);
        }
        let (_, _, items) = self.partitions.entry(span.id).or_default();
        *items = items.saturating_add(1);
        self.rows = self.rows.saturating_add(1);
        Ok(true)
    }

    /// Corrects the sums of the partitions.
    pub(super) fn finish(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        for (partition, (sums, events, items)) in &self.partitions {
            sums.subtract(transaction, *partition)?;
            partition::shrunk(transaction, *partition, *events, *items)?;
        }
        Ok(())
    }
}

/// Erases events, with the items that belong to them, and items.
pub(super) fn erase(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    seqs: &[Seq],
) -> Result<u64, Error> {
    memory.floors.refresh(transaction)?;
    let spans = partition::all(transaction)?;
    let mut removal = Removal::default();
    for seq in seqs {
        let Some(span) = spans.iter().find(|span| span.holds(*seq)) else {
            continue;
        };
        let is_shown = |event: &Removed| memory.floors.shows(event.project, event.received);
        if let Some(event) = removal.event(transaction, span, *seq, is_shown)? {
            bury(transaction, *seq)?;
            let hour = event.sum.minute.div_euclid(60);
            purging::note_event(transaction, *seq, event.project, event.group, hour)?;
            items_of(transaction, &mut removal, &spans, &event)?;
        } else if removal.item(transaction, span, *seq)? {
            bury(transaction, *seq)?;
        }
    }
    removal.finish(transaction)?;
    let touched = removal.groups.iter().copied();
    issues::remove_empty(transaction, &mut memory.issues, touched)?;
    Ok(removal.rows)
}

/// Removes what a batch's items take the place of.
pub(super) fn replaced(transaction: &Transaction<'_>, batch: &[ItemRow]) -> Result<(), Error> {
    if !batch.iter().any(ItemRow::replaces) {
        return Ok(());
    }
    let spans = partition::all(transaction)?;
    let mut removal = Removal::default();
    for item in batch.iter().filter(|item| item.replaces()) {
        for span in &spans {
            for earlier in items::of_event(transaction, span, item.event_id)? {
                let is_replaced = earlier.seq < item.seq
                    && earlier.project == item.project
                    && earlier.kind == item.kind;
                if is_replaced && removal.item(transaction, span, earlier.seq)? {
                    bury(transaction, earlier.seq)?;
                }
            }
        }
    }
    removal.finish(transaction)
}

/// Returns the places of a person's events in a partition.
pub(super) fn of_user(
    connection: &Connection,
    span: &Span,
    project: ProjectId,
    user: i64,
) -> Result<Vec<Seq>, Error> {
    // One pass over the rows: an index by user would cost each event for the rare day it is used.
    let select = format!(
        "SELECT seq FROM events_{} NOT INDEXED WHERE project = ?1 AND user = ?2 ORDER BY seq",
        span.id
    );
    rows(connection, &select, params![project.0, user], |row| {
        Ok(Seq(counted(row.get(0)?)))
    })
}

fn items_of(
    transaction: &Transaction<'_>,
    removal: &mut Removal,
    spans: &[Span],
    event: &Removed,
) -> Result<(), Error> {
    for span in spans {
        for item in items::of_event(transaction, span, event.event_id)? {
            if item.project == event.project && removal.item(transaction, span, item.seq)? {
                bury(transaction, item.seq)?;
            }
        }
    }
    Ok(())
}

fn bury(transaction: &Transaction<'_>, seq: Seq) -> Result<(), Error> {
    transaction
        .prepare_cached("INSERT OR IGNORE INTO dead_records VALUES (?1)")?
        .execute([seq.to_i64()])?;
    Ok(())
}

fn find(connection: &Connection, span: &Span, seq: Seq) -> Result<Option<Removed>, Error> {
    let select = format!(
        "SELECT project, event_id, group_id, received, happened, level, environment, release
        FROM events_{} WHERE seq = ?1",
        span.id
    );
    one(connection, &select, [seq.to_i64()], |row| {
        let project = ProjectId(row.get(0)?);
        let happened = Millis(row.get(4)?);
        Ok(Removed {
            project,
            event_id: EventId::from_bytes(row.get(1)?),
            group: row.get(2)?,
            received: Millis(row.get(3)?),
            sum: SumKey {
                project,
                minute: happened.minute(),
                level: row.get(5)?,
                environment: row.get(6)?,
                release: row.get(7)?,
            },
        })
    })
}
