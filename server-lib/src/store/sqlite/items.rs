//! The index of items.

use std::collections::HashSet;

use mini_sentry::protocol::EventId;
use rusqlite::{Connection, Row, Transaction, params};

use super::connection::damaged;
use super::floors::{self, DELETED};
use super::partition::{self, Span};
use super::row::{counted, one, rows, stored};
use super::writer::Memory;
use crate::error::Error;
use crate::model::ids::{ProjectId, Seq};
use crate::model::item::ItemRow;
use crate::model::record::RecordKind;
use crate::model::time::Millis;
use crate::store::query::{ItemFilter, Page};

const COLUMNS: &str = "seq, project, kind, event_id, received, name, content_type,
    attachment_type, bytes";

/// Writes a batch's items into the partition.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    memory: &Memory,
    span: &mut Span,
    items: &[ItemRow],
    repeated: &HashSet<Seq>,
) -> Result<(), Error> {
    let mut insert = transaction.prepare_cached(&format!(
        "INSERT INTO items_{} (seq, project, kind, event_id, received, name, content_type,
            attachment_type, bytes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        span.id
    ))?;
    for item in items {
        if repeated.contains(&item.seq) || !memory.floors.shows(item.project, item.received) {
            continue;
        }
        let event = Some(item.event_id).filter(|id| !id.is_nil());
        insert.execute(params![
            item.seq.to_i64(),
            item.project.0,
            item.kind.code(),
            event.as_ref().map(EventId::as_bytes),
            item.received.0,
            item.name,
            item.content_type,
            item.attachment_type,
            stored(item.bytes)
        ])?;
        span.items = span.items.saturating_add(1);
    }
    Ok(())
}

/// Reports whether the same item is stored at a place.
pub(super) fn is_stored_at(
    connection: &Connection,
    item: &ItemRow,
    seq: u64,
) -> Result<bool, Error> {
    let Some(span) = partition::holding(connection, Seq(seq))? else {
        return Ok(false);
    };
    let find = format!(
        "SELECT 1 FROM items_{} WHERE seq = ?1 AND project = ?2 AND kind = ?3 AND event_id = ?4",
        span.id
    );
    let columns = params![
        stored(seq),
        item.project.0,
        item.kind.code(),
        item.event_id.as_bytes()
    ];
    Ok(one(connection, &find, columns, |_| Ok(()))?.is_some())
}

/// Returns items, newest first.
pub(super) fn list(
    connection: &Connection,
    filter: &ItemFilter,
    page: Page,
) -> Result<Vec<ItemRow>, Error> {
    let mut owners = Vec::new();
    for project in &filter.projects {
        let floor = floors::of(connection, *project)?.received;
        if floor != DELETED {
            owners.push((*project, floor));
        }
    }
    let mut left_out = page.offset;
    let mut listed = Vec::new();
    for span in partition::all(connection)?.iter().rev() {
        let found = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        let missing = page.limit.saturating_sub(found);
        if missing == 0 {
            break;
        }
        let wanted = left_out.saturating_add(missing);
        let mut items = match filter.event_id {
            Some(event) => {
                let mut items = of_event(connection, span, event)?;
                items.retain(|item| is_wanted(item, filter, &owners));
                items
            }
            None => {
                let mut seqs = of_kinds(connection, span, &owners, &filter.kinds, wanted)?;
                let skipped = left_out.min(seqs.len() as u64);
                left_out = left_out.saturating_sub(skipped);
                seqs.drain(..usize::try_from(skipped).unwrap_or(0));
                seqs.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
                let mut items = Vec::new();
                for seq in seqs {
                    items.extend(read(connection, span, seq)?);
                }
                items
            }
        };
        let skipped = left_out.min(items.len() as u64);
        left_out = left_out.saturating_sub(skipped);
        items.drain(..usize::try_from(skipped).unwrap_or(0));
        items.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
        listed.append(&mut items);
    }
    Ok(listed)
}

fn is_wanted(item: &ItemRow, filter: &ItemFilter, owners: &[(ProjectId, Millis)]) -> bool {
    let is_shown =
        |(project, floor): &(ProjectId, Millis)| *project == item.project && item.received > *floor;
    owners.iter().any(is_shown)
        && (filter.kinds.is_empty() || filter.kinds.contains(&item.kind))
        && filter.event_id.is_none_or(|event| event == item.event_id)
}

/// Returns the items of an event, newest first.
pub(super) fn of_event(
    connection: &Connection,
    span: &Span,
    event: EventId,
) -> Result<Vec<ItemRow>, Error> {
    let select = format!(
        "SELECT {COLUMNS} FROM items_{} WHERE event_id = ?1 ORDER BY seq DESC",
        span.id
    );
    rows(connection, &select, [event.as_bytes()], item)
}

/// Returns the places of the newest items of projects and kinds, newest first.
fn of_kinds(
    connection: &Connection,
    span: &Span,
    owners: &[(ProjectId, Millis)],
    kinds: &[RecordKind],
    wanted: u64,
) -> Result<Vec<i64>, Error> {
    let select = format!(
        "SELECT seq FROM items_{} WHERE project = ?1 AND kind = ?2 AND received > ?3
        ORDER BY seq DESC LIMIT ?4",
        span.id
    );
    let kinds = if kinds.is_empty() {
        RecordKind::ALL
    } else {
        kinds
    };
    let mut seqs: Vec<i64> = Vec::new();
    for (project, floor) in owners {
        for kind in kinds {
            let columns = params![project.0, kind.code(), floor.0, stored(wanted)];
            seqs.extend(rows(connection, &select, columns, |row| {
                Ok(row.get::<_, i64>(0)?)
            })?);
        }
    }
    seqs.sort_unstable_by(|one, next| next.cmp(one));
    seqs.dedup();
    Ok(seqs)
}

/// Reads an item.
pub(super) fn read(
    connection: &Connection,
    span: &Span,
    seq: i64,
) -> Result<Option<ItemRow>, Error> {
    let select = format!("SELECT {COLUMNS} FROM items_{} WHERE seq = ?1", span.id);
    one(connection, &select, [seq], item)
}

fn item(row: &Row<'_>) -> Result<ItemRow, Error> {
    let event: Option<[u8; 16]> = row.get(3)?;
    Ok(ItemRow {
        seq: Seq(counted(row.get(0)?)),
        project: ProjectId(row.get(1)?),
        kind: RecordKind::from_code(row.get(2)?).ok_or_else(|| damaged("kind of item"))?,
        event_id: event.map_or(EventId::nil(), EventId::from_bytes),
        received: Millis(row.get(4)?),
        name: row.get(5)?,
        content_type: row.get(6)?,
        attachment_type: row.get(7)?,
        bytes: counted(row.get(8)?),
    })
}

/// Returns the places of items behind `after`, in order.
pub(super) fn places(
    connection: &Connection,
    project: ProjectId,
    kinds: &[RecordKind],
    after: Seq,
    most: u64,
) -> Result<Vec<Seq>, Error> {
    let floor = floors::of(connection, project)?.received;
    let wanted = usize::try_from(most).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for span in partition::all(connection)? {
        if found.len() >= wanted {
            break;
        }
        if span.last <= after {
            continue;
        }
        let select = format!(
            "SELECT seq FROM items_{} WHERE project = ?1 AND kind = ?2 AND seq > ?3
                AND received > ?4 ORDER BY seq LIMIT ?5",
            span.id
        );
        let mut here = Vec::new();
        for kind in kinds {
            let columns = params![
                project.0,
                kind.code(),
                after.to_i64(),
                floor.0,
                stored(most)
            ];
            here.extend(rows(connection, &select, columns, |row| {
                Ok(Seq(counted(row.get(0)?)))
            })?);
        }
        here.sort_unstable();
        found.append(&mut here);
    }
    found.truncate(wanted);
    Ok(found)
}

/// Tells which bodies items have, by arrival and length.
pub(super) fn known_bodies(
    connection: &Connection,
    bodies: &[(Millis, u64)],
) -> Result<Vec<bool>, Error> {
    let times = || bodies.iter().map(|(received, _)| *received);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Ok(Vec::new());
    };
    let shortest = bodies.iter().map(|(_, bytes)| *bytes).min().unwrap_or(0);
    let wanted: HashSet<_> = bodies.iter().copied().collect();
    let mut known = HashSet::new();
    // Records are numbered when they are appended, which is later than they arrive.
    let slack = 60 * Millis::MINUTE;
    for span in partition::all(connection)? {
        if span.newest < first.plus(-slack) || span.opened > last.plus(slack) {
            continue;
        }
        // One pass over the rows: an index by arrival would cost each item for rare questions.
        let select = format!(
            "SELECT received, bytes FROM items_{} NOT INDEXED
            WHERE bytes >= ?1 AND received BETWEEN ?2 AND ?3",
            span.id
        );
        let columns = params![stored(shortest), first.0, last.0];
        let found = rows(connection, &select, columns, |row| {
            Ok((Millis(row.get(0)?), counted(row.get(1)?)))
        })?;
        known.extend(found.into_iter().filter(|body| wanted.contains(body)));
    }
    Ok(bodies.iter().map(|body| known.contains(body)).collect())
}
