//! Removes rows that are hidden, in small steps, and what a deleted project leaves behind.

use rusqlite::{Connection, Transaction, params};

use super::erase::{self, Removal};
use super::floors::DELETED;
use super::index::purging;
use super::issues;
use super::outcomes;
use super::partition::{self, Span};
use super::row::{counted, one, rows, stored};
use super::writer::{Durability, Memory, Writer};
use super::{session_sums, sessions};
use crate::error::Error;
use crate::model::ids::{ProjectId, Seq};
use crate::model::time::Millis;

/// Places that one step looks at.
const WINDOW: u64 = 10_000;

/// Rows of a deleted project's own tables that one step removes.
const CLEARED: i64 = 1000;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Rows it removed.
    pub(super) removed: u64,
    /// Whether nothing hidden is left.
    pub(super) is_done: bool,
}

/// A project of which rows may be hidden.
struct Unswept {
    project: ProjectId,
    received: Millis,
    swept: u64,
}

/// Removes up to `most` hidden rows, and looks at a bounded number of others.
pub(super) fn step(writer: &mut Writer, most: u64) -> Result<Step, Error> {
    if unswept(writer.connection())?.is_none() {
        return deleted_groups(writer, most);
    }
    writer.erase(Durability::Process, |transaction, memory| {
        let removed = match unswept(transaction)? {
            Some(unswept) => sweep(transaction, memory, &unswept, most)?,
            None => 0,
        };
        Ok(Step {
            removed,
            is_done: false,
        })
    })
}

/// Removes some rows of groups that people deleted.
fn deleted_groups(writer: &mut Writer, most: u64) -> Result<Step, Error> {
    let any = "SELECT 1 FROM deleted_groups LIMIT 1";
    if one(writer.connection(), any, [], |_| Ok(()))?.is_none() {
        return Ok(Step {
            removed: 0,
            is_done: true,
        });
    }
    writer.erase(Durability::Process, |transaction, memory| {
        let most = most.min(WINDOW / 10);
        let Some((_, seqs)) = issues::condemned(transaction, most)? else {
            return Ok(Step {
                removed: 0,
                is_done: true,
            });
        };
        let removed = erase::erase(transaction, memory, &seqs)?;
        Ok(Step {
            removed,
            is_done: false,
        })
    })
}

/// Puts old statistics together, one step, when nothing is hidden; rests when nothing happens.
pub(super) fn tidy(writer: &mut Writer) -> Result<(), Error> {
    let now = writer.clock.now();
    writer.write(Durability::Process, |transaction, _| {
        outcomes::roll(transaction, now)?;
        session_sums::roll(transaction, now)?;
        sessions::forget(transaction, now)
    })?;
    writer.rest()
}

fn unswept(connection: &Connection) -> Result<Option<Unswept>, Error> {
    let select = "SELECT project, received, swept FROM project_floors WHERE is_swept = 0
        ORDER BY project LIMIT 1";
    one(connection, select, [], |row| {
        Ok(Unswept {
            project: ProjectId(row.get(0)?),
            received: Millis(row.get(1)?),
            swept: counted(row.get(2)?),
        })
    })
}

fn sweep(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    unswept: &Unswept,
    most: u64,
) -> Result<u64, Error> {
    let spans = partition::all(transaction)?;
    let next = spans.iter().find(|span| unswept.swept < span.last.0);
    match next.filter(|span| span.opened <= unswept.received) {
        Some(span) => window(transaction, unswept, span, most),
        None => {
            if unswept.received != DELETED || is_cleared(transaction, memory, unswept.project)? {
                let done = "UPDATE project_floors SET is_swept = 1 WHERE project = ?1";
                transaction.execute(done, [unswept.project.0])?;
                if unswept.received == DELETED {
                    purging::note(transaction)?;
                }
            }
            Ok(0)
        }
    }
}

/// Removes what is hidden among the next places.
fn window(
    transaction: &Transaction<'_>,
    unswept: &Unswept,
    span: &Span,
    most: u64,
) -> Result<u64, Error> {
    let from = unswept.swept.max(span.first.0.saturating_sub(1));
    let to = from.saturating_add(WINDOW).min(span.last.0);
    let hidden = |table: &str| {
        let select = format!(
            "SELECT seq FROM {table}_{} NOT INDEXED
            WHERE seq > ?1 AND seq <= ?2 AND project = ?3 AND received <= ?4
            ORDER BY seq LIMIT ?5",
            span.id
        );
        let received = unswept.received.0;
        let project = unswept.project.0;
        let columns = params![stored(from), stored(to), project, received, stored(most)];
        rows(transaction, &select, columns, |row| {
            Ok(Seq(counted(row.get(0)?)))
        })
    };
    let events = hidden("events")?.into_iter().map(|seq| (seq, true));
    let items = hidden("items")?.into_iter().map(|seq| (seq, false));
    let mut hidden: Vec<_> = events.chain(items).collect();
    hidden.sort_unstable();
    let is_whole = (hidden.len() as u64) < most;
    hidden.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    let mut removal = Removal::default();
    for (seq, is_event) in &hidden {
        match is_event {
            true => removal.hidden_event(transaction, span, *seq)?,
            false => {
                removal.item(transaction, span, *seq)?;
            }
        }
    }
    removal.finish(transaction)?;
    let last = hidden.last().map_or(to, |(seq, _)| seq.0);
    let swept = if is_whole { to } else { last };
    let progress = "UPDATE project_floors SET swept = ?2 WHERE project = ?1";
    transaction.execute(progress, params![unswept.project.0, stored(swept)])?;
    Ok(removal.rows())
}

/// Removes some of what a deleted project has besides events and items. True when nothing is left.
fn is_cleared(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    project: ProjectId,
) -> Result<bool, Error> {
    let mut cleared = issues::clear_project(transaction, project, CLEARED)?;
    for clear in [
        "DELETE FROM sessions WHERE project = ?1 AND sid IN
            (SELECT sid FROM sessions WHERE project = ?1 LIMIT ?2)",
        "DELETE FROM environments WHERE project = ?1 AND environment IN
            (SELECT environment FROM environments WHERE project = ?1 LIMIT ?2)",
        "DELETE FROM session_counts WHERE project = ?1 AND minute IN
            (SELECT minute FROM session_counts WHERE project = ?1 LIMIT ?2)",
        "DELETE FROM outcomes WHERE project = ?1 AND minute IN
            (SELECT minute FROM outcomes WHERE project = ?1 LIMIT ?2)",
    ] {
        cleared += transaction.execute(clear, params![project.0, CLEARED])?;
    }
    memory.issues = Default::default();
    Ok(cleared == 0)
}
