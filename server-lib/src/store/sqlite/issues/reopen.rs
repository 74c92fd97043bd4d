//! What opens an issue again: an event of a release that should not have it any more, or more
//! events or users than somebody wanted to hear of.

use rusqlite::{Connection, Transaction, params};

use super::activity;
use crate::error::Error;
use crate::model::activity::ActivityKind;
use crate::model::ids::{IssueId, ProjectId, Seq};
use crate::model::issue::{IssueStatus, Reopened, Resolution, Substatus};
use crate::model::time::Millis;
use crate::store::sqlite::releases;
use crate::store::sqlite::row::{counted, one, stored};
use crate::store::state::{self, EventBound};

/// An issue that has further events.
pub(super) struct Touch<'a> {
    /// The issue.
    pub(super) issue: i64,
    /// Whose it is.
    pub(super) project: ProjectId,
    /// The releases of the events, each with its first event.
    pub(super) releases: &'a [(&'a str, Seq)],
    /// When the latest of them happened.
    pub(super) last_seen: Millis,
    /// How many there are.
    pub(super) events: u64,
}

/// Opens a resolved issue if one of the events says that it is not mended.
pub(super) fn regressed(
    transaction: &Transaction<'_>,
    touch: &Touch<'_>,
    at: Millis,
) -> Result<Option<Reopened>, Error> {
    let select = "SELECT resolution, resolution_of, resolution_in FROM issues WHERE id = ?1";
    let resolution = one(transaction, select, [touch.issue], |row| {
        Ok(state::read_resolution(
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
        ))
    })?;
    let resolution = resolution.flatten().unwrap_or(Resolution::Now);
    for (version, seq) in touch.releases {
        if !is_reopened_by(transaction, touch.project, &resolution, version)? {
            continue;
        }
        open(transaction, touch.issue, Substatus::Regressed, at)?;
        let data = serde_json::json!({ "version": version }).to_string();
        let kind = ActivityKind::Regression;
        activity::insert(transaction, touch.issue, kind, None, at, &data)?;
        return Ok(Some(Reopened {
            issue: IssueId::from_i64(touch.issue).unwrap_or_default(),
            seq: *seq,
            substatus: Substatus::Regressed,
        }));
    }
    Ok(None)
}

fn is_reopened_by(
    connection: &Connection,
    project: ProjectId,
    resolution: &Resolution,
    version: &str,
) -> Result<bool, Error> {
    let (bound, needs_later) = match state::deciding_release(resolution) {
        Ok(deciding) => deciding,
        Err(answer) => return Ok(answer),
    };
    let event = (version, releases::created(connection, project, version)?);
    let bound = (bound, releases::created(connection, project, bound)?);
    Ok(state::is_reopened_by(event, bound, needs_later))
}

/// Opens an ignored issue if it has more events than somebody wanted to hear of.
pub(super) fn escalated(
    transaction: &Transaction<'_>,
    touch: &Touch<'_>,
    at: Millis,
) -> Result<Option<Reopened>, Error> {
    let select = "SELECT events, wake_events, wake_from, snooze FROM issues WHERE id = ?1";
    let found = one(transaction, select, [touch.issue], |row| {
        Ok((
            counted(row.get(0)?),
            row.get::<_, Option<i64>>(1)?.map(counted),
            row.get::<_, Option<i64>>(2)?,
            row.get::<_, Option<String>>(3)?,
        ))
    })?;
    let Some((events, Some(bound), from, snooze)) = found else {
        return Ok(None);
    };
    let threshold = state::read_snooze(snooze.as_deref()).and_then(|snooze| snooze.events);
    let known = EventBound {
        events: bound,
        from: from.map(Millis),
    };
    let had = events.saturating_sub(touch.events);
    let bound = state::bound_after(known, threshold, had, touch.last_seen);
    if bound != known {
        let update = "UPDATE issues SET wake_from = ?2, wake_events = ?3 WHERE id = ?1";
        let from = bound.from.map(|from| from.0);
        let columns = params![touch.issue, from, stored(bound.events)];
        transaction.prepare_cached(update)?.execute(columns)?;
    }
    if events < bound.events {
        return Ok(None);
    }
    let seq = touch.releases.first().map_or(Seq(0), |(_, seq)| *seq);
    wake(transaction, touch.issue, "events", seq, at).map(Some)
}

/// Brings an issue back from being ignored.
pub(in crate::store::sqlite) fn wake(
    transaction: &Transaction<'_>,
    issue: i64,
    reason: &str,
    seq: Seq,
    at: Millis,
) -> Result<Reopened, Error> {
    open(transaction, issue, Substatus::Escalating, at)?;
    let data = serde_json::json!({ "reason": reason }).to_string();
    activity::insert(
        transaction,
        issue,
        ActivityKind::Escalating,
        None,
        at,
        &data,
    )?;
    Ok(Reopened {
        issue: IssueId::from_i64(issue).unwrap_or_default(),
        seq,
        substatus: Substatus::Escalating,
    })
}

fn open(
    transaction: &Transaction<'_>,
    issue: i64,
    substatus: Substatus,
    at: Millis,
) -> Result<(), Error> {
    let open = "UPDATE issues SET status = ?2, substatus = ?3, since = ?4, resolution = NULL,
            resolution_of = NULL, resolution_in = NULL, snooze = NULL, wake_at = NULL,
            wake_events = NULL, wake_users = NULL, wake_from = NULL, wake_escalating = 0
        WHERE id = ?1";
    transaction.prepare_cached(open)?.execute(params![
        issue,
        IssueStatus::Unresolved.code(),
        substatus.code(),
        at.0
    ])?;
    Ok(())
}
