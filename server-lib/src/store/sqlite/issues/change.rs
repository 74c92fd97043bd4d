//! Changes of status, assignment and priority, with the history that they leave.

use rusqlite::{Transaction, params};
use serde_json::json;

use super::activity;
use super::row::Reader;
use crate::error::Error;
use crate::model::activity::ActivityKind;
use crate::model::ids::IssueId;
use crate::model::issue::{
    Actor, Issue, IssueChange, IssueState, Mark, MarkChange, Resolution, Snooze, StatusChange,
};
use crate::model::time::Millis;
use crate::store::sqlite::releases;
use crate::store::sqlite::row::{one, stored};
use crate::store::state;

/// Who changes something, and when.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    /// Who.
    pub(super) actor: Option<&'a Actor>,
    /// When.
    pub(super) at: Millis,
}

/// Changes issues; returns those that are different now.
pub(super) fn change(
    transaction: &Transaction<'_>,
    ids: &[IssueId],
    change: &IssueChange,
    by: By<'_>,
) -> Result<Vec<IssueId>, Error> {
    let mut reader = Reader::default();
    let mut changed = Vec::new();
    for id in ids {
        let Some(issue) = reader.find(transaction, id.to_i64())? else {
            continue;
        };
        let mut is_different = false;
        if let Some(status) = &change.status {
            is_different |= set_status(transaction, &issue, status, by)?;
        }
        if let Some(assignee) = &change.assignee
            && *assignee != issue.assignee
        {
            assign(transaction, &issue, assignee.as_ref(), by)?;
            is_different = true;
        }
        if let Some(priority) = change.priority
            && priority != issue.priority
        {
            let update = "UPDATE issues SET priority = ?2 WHERE id = ?1";
            transaction.execute(update, params![issue.id.to_i64(), priority.code()])?;
            let data = json!({ "priority": priority.as_str() });
            write(transaction, &issue, ActivityKind::Priority, by, &data)?;
            is_different = true;
        }
        if is_different {
            changed.push(issue.id);
        }
    }
    Ok(changed)
}

fn write(
    transaction: &Transaction<'_>,
    issue: &Issue,
    kind: ActivityKind,
    by: By<'_>,
    data: &serde_json::Value,
) -> Result<(), Error> {
    let id = issue.id.to_i64();
    activity::insert(transaction, id, kind, by.actor, by.at, &data.to_string()).map(drop)
}

fn assign(
    transaction: &Transaction<'_>,
    issue: &Issue,
    assignee: Option<&Actor>,
    by: By<'_>,
) -> Result<(), Error> {
    let update = "UPDATE issues SET assignee = ?2 WHERE id = ?1";
    let name = assignee.map(Actor::as_str);
    transaction.execute(update, params![issue.id.to_i64(), name])?;
    let (kind, data) = state::assigned(name);
    write(transaction, issue, kind, by, &data)
}

fn set_status(
    transaction: &Transaction<'_>,
    issue: &Issue,
    change: &StatusChange,
    by: By<'_>,
) -> Result<bool, Error> {
    let change = match change {
        StatusChange::Resolve(resolution) => {
            StatusChange::Resolve(whole(transaction, issue, resolution)?)
        }
        other => other.clone(),
    };
    let Some((state, kind, data)) = state::changed(issue, &change, by.at) else {
        return Ok(false);
    };
    put(transaction, issue, &state)?;
    write(transaction, issue, kind, by, &data)?;
    Ok(true)
}

/// Fills in what the store knows of a resolution.
fn whole(
    transaction: &Transaction<'_>,
    issue: &Issue,
    resolution: &Resolution,
) -> Result<Resolution, Error> {
    match resolution {
        Resolution::NextRelease { after } if after.is_empty() => Ok(Resolution::NextRelease {
            after: releases::latest(transaction, issue.project)?.unwrap_or_default(),
        }),
        Resolution::Commit { commit, .. } => {
            let release = releases::with_commit(transaction, issue.project, commit)?;
            Ok(release.map_or_else(|| resolution.clone(), Resolution::Release))
        }
        _ => Ok(resolution.clone()),
    }
}

/// Writes how an issue stands.
fn put(transaction: &Transaction<'_>, issue: &Issue, state: &IssueState) -> Result<(), Error> {
    let resolution = state.resolution.as_ref().map(state::resolution_columns);
    let snooze = state.snooze.unwrap_or_default();
    let Snooze {
        until,
        events,
        users,
        until_escalating,
    } = snooze;
    let bound = |had: u64, more: u64| stored(had.saturating_add(more));
    let update = "UPDATE issues SET status = ?2, substatus = ?3, since = ?4, resolution = ?5,
            resolution_of = ?6, resolution_in = ?7, snooze = ?8, wake_at = ?9, wake_events = ?10,
            wake_users = ?11, wake_from = NULL, wake_escalating = ?12
        WHERE id = ?1";
    transaction.prepare_cached(update)?.execute(params![
        issue.id.to_i64(),
        state.status.code(),
        state.substatus.code(),
        state.since.0,
        resolution.map(|(code, ..)| code),
        resolution.and_then(|(_, of, _)| of),
        resolution.and_then(|(.., within)| within),
        state.snooze.as_ref().map(state::write_snooze),
        until.map(|at| at.0),
        events.map(|events| bound(issue.events, events.count)),
        users.map(|users| bound(issue.affected.users, users.count)),
        until_escalating,
    ])?;
    Ok(())
}

/// Returns a person's marks.
pub(super) fn marks(
    connection: &rusqlite::Connection,
    ids: &[IssueId],
    of: &Actor,
) -> Result<Vec<Mark>, Error> {
    let select = "SELECT bookmarked, subscribed, seen FROM issue_marks
        WHERE issue = ?1 AND person = ?2";
    let mut marks = Vec::with_capacity(ids.len());
    for id in ids {
        let mark = one(
            connection,
            select,
            params![id.to_i64(), of.as_str()],
            |row| {
                Ok(Mark {
                    is_bookmarked: row.get(0)?,
                    is_subscribed: row.get(1)?,
                    seen: row.get::<_, Option<i64>>(2)?.map(Millis),
                })
            },
        )?;
        marks.push(mark.unwrap_or_default());
    }
    Ok(marks)
}

/// Changes a person's marks.
pub(super) fn mark(
    transaction: &Transaction<'_>,
    ids: &[IssueId],
    of: &Actor,
    change: MarkChange,
) -> Result<(), Error> {
    let put = "INSERT INTO issue_marks (issue, person, bookmarked, subscribed, seen)
        SELECT id, ?2, ?3, ?4, ?5 FROM issues WHERE id = ?1
        ON CONFLICT DO UPDATE SET bookmarked = excluded.bookmarked,
            subscribed = excluded.subscribed, seen = excluded.seen";
    for (id, mark) in ids.iter().zip(marks(transaction, ids, of)?) {
        transaction.prepare_cached(put)?.execute(params![
            id.to_i64(),
            of.as_str(),
            change.is_bookmarked.unwrap_or(mark.is_bookmarked),
            change.is_subscribed.or(mark.is_subscribed),
            change.seen.unwrap_or(mark.seen).map(|at| at.0)
        ])?;
    }
    Ok(())
}
