//! The history of issues.

use rusqlite::{Connection, Row, Transaction, params};

use crate::error::Error;
use crate::model::activity::{Activity, ActivityKind};
use crate::model::ids::{ActivityId, IssueId};
use crate::model::issue::Actor;
use crate::model::time::Millis;
use crate::store::NewActivity;
use crate::store::query::Page;
use crate::store::sqlite::connection::damaged;
use crate::store::sqlite::row::{not_found, one, rows, stored};

const ENTRY: &str = "SELECT id, issue, kind, actor, at, data FROM activity";

/// Writes an entry; returns its number.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    issue: i64,
    kind: ActivityKind,
    actor: Option<&Actor>,
    at: Millis,
    data: &str,
) -> Result<i64, Error> {
    let insert = "INSERT INTO activity (issue, kind, actor, at, data) VALUES (?1, ?2, ?3, ?4, ?5)";
    let actor = actor.map(Actor::as_str);
    let columns = params![issue, kind.code(), actor, at.0, data];
    Ok(transaction.prepare_cached(insert)?.insert(columns)?)
}

/// Returns the history of an issue.
pub(super) fn list(
    connection: &Connection,
    issue: i64,
    kind: Option<ActivityKind>,
    page: Page,
) -> Result<Vec<Activity>, Error> {
    let select = format!(
        "{ENTRY} WHERE issue = ?1 AND (?2 IS NULL OR kind = ?2)
        ORDER BY at DESC, id DESC LIMIT ?3 OFFSET ?4"
    );
    let kind = kind.map(ActivityKind::code);
    let columns = params![issue, kind, stored(page.limit), stored(page.offset)];
    rows(connection, &select, columns, entry)
}

/// Writes an entry by hand.
pub(super) fn note(transaction: &Transaction<'_>, entry: &NewActivity) -> Result<Activity, Error> {
    let issue = entry.issue.to_i64();
    let actor = entry.actor.as_ref();
    if entry.kind == ActivityKind::Note {
        change_comments(transaction, issue, 1)?;
    }
    let id = insert(transaction, issue, entry.kind, actor, entry.at, &entry.data)?;
    find(transaction, issue, id)?.ok_or_else(|| not_found("comment"))
}

/// Changes a comment.
pub(super) fn edit(
    transaction: &Transaction<'_>,
    issue: IssueId,
    id: ActivityId,
    data: &str,
) -> Result<Activity, Error> {
    let update = "UPDATE activity SET data = ?3 WHERE id = ?1 AND issue = ?2 AND kind = ?4";
    let note = ActivityKind::Note.code();
    transaction.execute(update, params![id.to_i64(), issue.to_i64(), data, note])?;
    let found = find(transaction, issue.to_i64(), id.to_i64())?;
    found
        .filter(|entry| entry.kind == ActivityKind::Note)
        .ok_or_else(|| not_found("comment"))
}

/// Deletes a comment.
pub(super) fn delete(
    transaction: &Transaction<'_>,
    issue: IssueId,
    id: ActivityId,
) -> Result<(), Error> {
    let delete = "DELETE FROM activity WHERE id = ?1 AND issue = ?2 AND kind = ?3";
    let note = ActivityKind::Note.code();
    let columns = params![id.to_i64(), issue.to_i64(), note];
    if transaction.execute(delete, columns)? == 0 {
        return Err(not_found("comment"));
    }
    change_comments(transaction, issue.to_i64(), -1)
}

fn change_comments(transaction: &Transaction<'_>, issue: i64, by: i64) -> Result<(), Error> {
    let update = "UPDATE issues SET comments = max(0, comments + ?2) WHERE id = ?1";
    if transaction.execute(update, params![issue, by])? == 0 {
        return Err(not_found("issue"));
    }
    Ok(())
}

/// Returns an entry of the history of an issue.
pub(super) fn find(
    connection: &Connection,
    issue: i64,
    id: i64,
) -> Result<Option<Activity>, Error> {
    let select = format!("{ENTRY} WHERE id = ?1 AND issue = ?2");
    one(connection, &select, [id, issue], entry)
}

fn entry(row: &Row<'_>) -> Result<Activity, Error> {
    let actor: Option<String> = row.get(3)?;
    Ok(Activity {
        id: ActivityId::from_i64(row.get(0)?).ok_or_else(|| damaged("entry"))?,
        issue: IssueId::from_i64(row.get(1)?).ok_or_else(|| damaged("issue"))?,
        kind: ActivityKind::from_code(row.get(2)?).ok_or_else(|| damaged("entry"))?,
        actor: actor.as_deref().and_then(Actor::new),
        at: Millis(row.get(4)?),
        data: row.get(5)?,
    })
}
