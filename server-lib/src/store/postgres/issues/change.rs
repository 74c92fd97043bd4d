//! Changes of status, assignment, priority and marks, with the history that they leave.

use std::collections::HashMap;

use serde_json::json;

use super::activity;
use crate::error::Error;
use crate::model::activity::ActivityKind;
use crate::model::ids::IssueId;
use crate::model::issue::{
    Actor, Issue, IssueChange, IssueState, Mark, MarkChange, Resolution, StatusChange,
};
use crate::model::time::Millis;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::releases;
use crate::store::postgres::row::{big, count, get, text};
use crate::store::state;

/// Who changes something, and when.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    /// Who.
    pub(super) actor: Option<&'a Actor>,
    /// When.
    pub(super) at: Millis,
}

/// Changes issues, which the transaction has locked; returns those that are different now.
pub(super) async fn change(
    lease: &mut Lease,
    issues: &[Issue],
    change: &IssueChange,
    by: By<'_>,
) -> Result<Vec<IssueId>, Error> {
    let mut changed = Vec::new();
    for issue in issues {
        let mut is_different = false;
        if let Some(status) = &change.status {
            is_different |= set_status(lease, issue, status, by).await?;
        }
        if let Some(assignee) = &change.assignee
            && *assignee != issue.assignee
        {
            assign(lease, issue, assignee.as_ref(), by).await?;
            is_different = true;
        }
        if let Some(priority) = change.priority
            && priority != issue.priority
        {
            lease
                .execute(
                    "UPDATE issues SET priority = $2 WHERE id = $1",
                    &[&issue.id.to_i64(), &i16::from(priority.code())],
                )
                .await?;
            let data = json!({ "priority": priority.as_str() });
            write(lease, issue, ActivityKind::Priority, by, &data).await?;
            is_different = true;
        }
        if is_different {
            changed.push(issue.id);
        }
    }
    Ok(changed)
}

async fn write(
    lease: &mut Lease,
    issue: &Issue,
    kind: ActivityKind,
    by: By<'_>,
    data: &serde_json::Value,
) -> Result<(), Error> {
    let id = issue.id.to_i64();
    let written = activity::insert(lease, id, kind, by.actor, by.at, &data.to_string()).await;
    written.map(drop)
}

async fn assign(
    lease: &mut Lease,
    issue: &Issue,
    assignee: Option<&Actor>,
    by: By<'_>,
) -> Result<(), Error> {
    let name = assignee.map(|assignee| text(assignee.as_str()));
    lease
        .execute(
            "UPDATE issues SET assignee = $2 WHERE id = $1",
            &[&issue.id.to_i64(), &name],
        )
        .await?;
    let (kind, data) = state::assigned(name.as_deref());
    write(lease, issue, kind, by, &data).await
}

async fn set_status(
    lease: &mut Lease,
    issue: &Issue,
    change: &StatusChange,
    by: By<'_>,
) -> Result<bool, Error> {
    let change = match change {
        StatusChange::Resolve(resolution) => {
            StatusChange::Resolve(whole(lease, issue, resolution).await?)
        }
        other => other.clone(),
    };
    let Some((state, kind, data)) = state::changed(issue, &change, by.at) else {
        return Ok(false);
    };
    put(lease, issue, &state).await?;
    write(lease, issue, kind, by, &data).await?;
    Ok(true)
}

/// Fills in what the store knows of a resolution.
async fn whole(
    lease: &mut Lease,
    issue: &Issue,
    resolution: &Resolution,
) -> Result<Resolution, Error> {
    match resolution {
        Resolution::NextRelease { after } if after.is_empty() => Ok(Resolution::NextRelease {
            after: releases::latest(lease, issue.project)
                .await?
                .unwrap_or_default(),
        }),
        Resolution::Commit { commit, .. } => {
            let release = releases::with_commit(lease, issue.project, commit).await?;
            Ok(release.map_or_else(|| resolution.clone(), Resolution::Release))
        }
        _ => Ok(resolution.clone()),
    }
}

async fn put(lease: &mut Lease, issue: &Issue, state: &IssueState) -> Result<(), Error> {
    let resolution = state.resolution.as_ref().map(state::resolution_columns);
    let snooze = state.snooze.unwrap_or_default();
    let bound = |had: u64, more: u64| big(had.saturating_add(more));
    lease
        .execute(
            "UPDATE issues SET status = $2, substatus = $3, since = $4, resolution = $5, \
             resolution_of = $6, resolution_in = $7, snooze = $8, wake_at = $9, \
             wake_events = $10, wake_users = $11, wake_from = NULL, wake_escalating = $12 \
             WHERE id = $1",
            &[
                &issue.id.to_i64(),
                &i16::from(state.status.code()),
                &i16::from(state.substatus.code()),
                &state.since.0,
                &resolution.map(|(code, ..)| code),
                &resolution.and_then(|(_, of, _)| of).map(text),
                &resolution.and_then(|(.., within)| within).map(text),
                &state.snooze.as_ref().map(state::write_snooze),
                &snooze.until.map(|at| at.0),
                &snooze
                    .events
                    .map(|events| bound(issue.events, events.count)),
                &snooze
                    .users
                    .map(|users| bound(issue.affected.users, users.count)),
                &snooze.until_escalating,
            ],
        )
        .await?;
    Ok(())
}

/// Returns a person's marks.
pub(super) async fn marks(
    lease: &mut Lease,
    ids: &[IssueId],
    of: &Actor,
) -> Result<Vec<Mark>, Error> {
    let wanted: Vec<_> = ids.iter().map(|id| id.to_i64()).collect();
    let rows = lease
        .query(
            "SELECT issue, bookmarked, subscribed, seen FROM issue_marks \
             WHERE issue = ANY($1) AND person = $2",
            &[&wanted, &text(of.as_str())],
        )
        .await?;
    let mut known = HashMap::new();
    for row in &rows {
        let mark = Mark {
            is_bookmarked: get(row, 1)?,
            is_subscribed: get(row, 2)?,
            seen: get::<Option<i64>>(row, 3)?.map(Millis),
        };
        known.insert(IssueId(count(row, 0)?), mark);
    }
    Ok(ids
        .iter()
        .map(|id| known.get(id).copied().unwrap_or_default())
        .collect())
}

/// Changes a person's marks.
pub(super) async fn mark(
    lease: &mut Lease,
    ids: &[IssueId],
    of: &Actor,
    change: MarkChange,
) -> Result<(), Error> {
    let wanted: Vec<_> = ids.iter().map(|id| id.to_i64()).collect();
    lease
        .execute(
            "INSERT INTO issue_marks AS m (issue, person, bookmarked, subscribed, seen) \
             SELECT s.id, $2, COALESCE($3, false), $4, $6 FROM issues s WHERE s.id = ANY($1) \
             ON CONFLICT (issue, person) DO UPDATE \
             SET bookmarked = COALESCE($3, m.bookmarked), \
             subscribed = COALESCE($4, m.subscribed), \
             seen = CASE WHEN $5 THEN $6 ELSE m.seen END",
            &[
                &wanted,
                &text(of.as_str()),
                &change.is_bookmarked,
                &change.is_subscribed,
                &change.seen.is_some(),
                &change.seen.flatten().map(|at| at.0),
            ],
        )
        .await?;
    Ok(())
}
