//! Issues go: at once from all answers, their events by and by.

use rusqlite::{Connection, Transaction, params};

use super::touch::IssueMemory;
use crate::error::Error;
use crate::model::ids::{IssueId, ProjectId, Seq};
use crate::store::sqlite::index::purging;
use crate::store::sqlite::partition::{self, Span};
use crate::store::sqlite::row::{counted, one, rows, stored};
use crate::store::sqlite::writer::Memory;

/// Deletes issues; returns how many there were.
pub(super) fn delete(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    ids: &[IssueId],
    discards: bool,
) -> Result<u64, Error> {
    let mut deleted = 0_u64;
    for id in ids {
        let id = id.to_i64();
        let exists = "SELECT 1 FROM issues WHERE id = ?1 AND merged_into IS NULL";
        if one(transaction, exists, [id], |_| Ok(()))?.is_none() {
            continue;
        }
        if discards {
            let discard = "INSERT OR IGNORE INTO discarded_groups
                SELECT project, grouping FROM groups WHERE issue = ?1";
            transaction.execute(discard, [id])?;
        }
        for group in groups_of(transaction, id)? {
            let condemn = "INSERT OR IGNORE INTO deleted_groups
                SELECT id, project FROM groups WHERE id = ?1";
            transaction.execute(condemn, [group])?;
            remove_group(transaction, group)?;
        }
        remove_issue(transaction, id)?;
        deleted = deleted.saturating_add(1);
    }
    memory.issues = IssueMemory::default();
    if deleted > 0 {
        purging::note(transaction)?;
    }
    Ok(deleted)
}

fn groups_of(connection: &Connection, issue: i64) -> Result<Vec<i64>, Error> {
    let select = "SELECT id FROM groups WHERE issue = ?1";
    rows(connection, select, [issue], |row| Ok(row.get(0)?))
}

/// Removes a group with what is known of it.
fn remove_group(transaction: &Transaction<'_>, group: i64) -> Result<(), Error> {
    for delete in [
        "DELETE FROM text_words WHERE rowid IN (SELECT id FROM texts WHERE group_id = ?1)",
        "DELETE FROM texts WHERE group_id = ?1",
        "DELETE FROM group_people WHERE id = ?1",
        "DELETE FROM groups WHERE id = ?1",
    ] {
        transaction.prepare_cached(delete)?.execute([group])?;
    }
    Ok(())
}

/// Removes an issue with those that were merged into it.
fn remove_issue(transaction: &Transaction<'_>, issue: i64) -> Result<(), Error> {
    for delete in [
        "DELETE FROM activity WHERE issue = ?1",
        "DELETE FROM issue_marks WHERE issue = ?1",
        "DELETE FROM issues WHERE id = ?1 OR merged_into = ?1",
    ] {
        transaction.prepare_cached(delete)?.execute([issue])?;
    }
    Ok(())
}

/// Removes groups of which no event is left, and issues of which no group is, so that nothing is
/// left of what their events said. Forgets what the writer knows of them.
pub(in crate::store::sqlite) fn remove_empty(
    transaction: &Transaction<'_>,
    memory: &mut IssueMemory,
    groups: impl Iterator<Item = i64>,
) -> Result<(), Error> {
    let spans = partition::all(transaction)?;
    for group in groups {
        if has_events(transaction, &spans, group)? {
            purging::note_group(transaction, group)?;
            continue;
        }
        let of = "SELECT issue FROM groups WHERE id = ?1";
        let issue: Option<i64> = one(transaction, of, [group], |row| Ok(row.get(0)?))?;
        remove_group(transaction, group)?;
        *memory = IssueMemory::default();
        let Some(issue) = issue else { continue };
        let others = groups_of(transaction, issue)?;
        if let Some(other) = others.first() {
            // What the issue says may be of the group that goes.
            purging::note_group(transaction, *other)?;
            super::merge::sum_up(transaction, IssueId::from_i64(issue).unwrap_or_default())?;
        } else {
            remove_issue(transaction, issue)?;
        }
    }
    Ok(())
}

fn has_events(connection: &Connection, spans: &[Span], group: i64) -> Result<bool, Error> {
    for span in spans {
        let find = format!(
            "SELECT 1 FROM events_{} WHERE group_id = ?1 LIMIT 1",
            span.id
        );
        if one(connection, &find, [group], |_| Ok(()))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns some events of deleted groups, and their partition; forgets groups that have none left.
pub(in crate::store::sqlite) fn condemned(
    transaction: &Transaction<'_>,
    most: u64,
) -> Result<Option<(Span, Vec<Seq>)>, Error> {
    let next = "SELECT id FROM deleted_groups ORDER BY id LIMIT 1";
    let spans = partition::all(transaction)?;
    while let Some(group) = one(transaction, next, [], |row| Ok(row.get::<_, i64>(0)?))? {
        for span in &spans {
            let select = format!(
                "SELECT seq FROM events_{} WHERE group_id = ?1 ORDER BY happened LIMIT ?2",
                span.id
            );
            let seqs = rows(transaction, &select, params![group, stored(most)], |row| {
                Ok(Seq(counted(row.get(0)?)))
            })?;
            if !seqs.is_empty() {
                return Ok(Some((*span, seqs)));
            }
        }
        transaction.execute("DELETE FROM deleted_groups WHERE id = ?1", [group])?;
    }
    Ok(None)
}

/// Removes some of what a deleted project has in issues; returns how many rows.
pub(in crate::store::sqlite) fn clear_project(
    transaction: &Transaction<'_>,
    project: ProjectId,
    most: i64,
) -> Result<usize, Error> {
    let select = "SELECT id FROM groups WHERE project = ?1 LIMIT ?2";
    let of = params![project.0, most];
    let groups: Vec<i64> = rows(transaction, select, of, |row| Ok(row.get(0)?))?;
    let mut cleared = groups.len();
    for group in groups {
        remove_group(transaction, group)?;
    }
    let select = "SELECT id FROM issues WHERE project = ?1 LIMIT ?2";
    let issues: Vec<i64> = rows(transaction, select, of, |row| Ok(row.get(0)?))?;
    cleared = cleared.saturating_add(issues.len());
    for issue in issues {
        remove_issue(transaction, issue)?;
    }
    for clear in [
        "DELETE FROM releases WHERE project = ?1 AND id IN
            (SELECT id FROM releases WHERE project = ?1 LIMIT ?2)",
        "DELETE FROM discarded_groups WHERE project = ?1 AND grouping IN
            (SELECT grouping FROM discarded_groups WHERE project = ?1 LIMIT ?2)",
    ] {
        cleared = cleared.saturating_add(transaction.execute(clear, of)?);
    }
    Ok(cleared)
}
