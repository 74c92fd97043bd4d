//! What opens an issue again: an event of a release that should not have it any more, more events
//! or users than somebody wanted to hear of, or the time.

use super::activity;
use crate::error::Error;
use crate::model::activity::ActivityKind;
use crate::model::ids::{IssueId, ProjectId, Seq};
use crate::model::issue::{IssueStatus, Reopened, Resolution, Substatus};
use crate::model::time::Millis;
use crate::store::postgres::digest::LOCK;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::releases;
use crate::store::postgres::row::{big, count, get};
use crate::store::state::{self, EventBound};

/// Issues that one call looks at.
const MAX_LOOKED_AT: i64 = 500;

/// An issue that has further events.
pub(in crate::store::postgres) struct Touch<'a> {
    /// The issue.
    pub(in crate::store::postgres) issue: i64,
    /// Whose it is.
    pub(in crate::store::postgres) project: ProjectId,
    /// The releases of the events, each with its first event.
    pub(in crate::store::postgres) releases: &'a [(&'a str, Seq)],
    /// When the latest of them happened.
    pub(in crate::store::postgres) last_seen: Millis,
    /// How many there are.
    pub(in crate::store::postgres) events: i64,
}

/// Opens a resolved issue if one of the events says that it is not mended.
pub(in crate::store::postgres) async fn regressed(
    lease: &mut Lease,
    touch: &Touch<'_>,
    at: Millis,
) -> Result<Option<Reopened>, Error> {
    let row = lease
        .query_one(
            "SELECT resolution, resolution_of, resolution_in FROM issues WHERE id = $1",
            &[&touch.issue],
        )
        .await?;
    let resolution = state::read_resolution(get(&row, 0)?, get(&row, 1)?, get(&row, 2)?);
    let resolution = resolution.unwrap_or(Resolution::Now);
    for (version, seq) in touch.releases {
        let opens = match state::deciding_release(&resolution) {
            Err(answer) => answer,
            Ok((bound, needs_later)) => {
                let created = releases::created(lease, touch.project, version).await?;
                let bound_created = releases::created(lease, touch.project, bound).await?;
                state::is_reopened_by((version, created), (bound, bound_created), needs_later)
            }
        };
        if !opens {
            continue;
        }
        open(lease, touch.issue, Substatus::Regressed, at).await?;
        let data = serde_json::json!({ "version": version }).to_string();
        activity::insert(
            lease,
            touch.issue,
            ActivityKind::Regression,
            None,
            at,
            &data,
        )
        .await?;
        return Ok(Some(Reopened {
            issue: IssueId::from_i64(touch.issue).unwrap_or_default(),
            seq: *seq,
            substatus: Substatus::Regressed,
        }));
    }
    Ok(None)
}

/// Opens an ignored issue if it has more events than somebody wanted to hear of.
pub(in crate::store::postgres) async fn escalated(
    lease: &mut Lease,
    touch: &Touch<'_>,
    at: Millis,
) -> Result<Option<Reopened>, Error> {
    let row = lease
        .query_one(
            "SELECT events, wake_events, wake_from, snooze FROM issues WHERE id = $1",
            &[&touch.issue],
        )
        .await?;
    let events = count(&row, 0)?;
    let Some(bound) = get::<Option<i64>>(&row, 1)? else {
        return Ok(None);
    };
    let threshold = state::read_snooze(get(&row, 3)?).and_then(|snooze| snooze.events);
    let known = EventBound {
        events: u64::try_from(bound).unwrap_or(0),
        from: get::<Option<i64>>(&row, 2)?.map(Millis),
    };
    let had = events.saturating_sub(u64::try_from(touch.events).unwrap_or(0));
    let bound = state::bound_after(known, threshold, had, touch.last_seen);
    if bound != known {
        lease
            .execute(
                "UPDATE issues SET wake_from = $2, wake_events = $3 WHERE id = $1",
                &[
                    &touch.issue,
                    &bound.from.map(|from| from.0),
                    &big(bound.events),
                ],
            )
            .await?;
    }
    if events < bound.events {
        return Ok(None);
    }
    let seq = touch.releases.first().map_or(Seq(0), |(_, seq)| *seq);
    wake(lease, touch.issue, "events", seq, at).await.map(Some)
}

/// Brings an issue back from being ignored.
pub(in crate::store::postgres) async fn wake(
    lease: &mut Lease,
    issue: i64,
    reason: &str,
    seq: Seq,
    at: Millis,
) -> Result<Reopened, Error> {
    open(lease, issue, Substatus::Escalating, at).await?;
    let data = serde_json::json!({ "reason": reason }).to_string();
    activity::insert(lease, issue, ActivityKind::Escalating, None, at, &data).await?;
    Ok(Reopened {
        issue: IssueId::from_i64(issue).unwrap_or_default(),
        seq,
        substatus: Substatus::Escalating,
    })
}

async fn open(
    lease: &mut Lease,
    issue: i64,
    substatus: Substatus,
    at: Millis,
) -> Result<(), Error> {
    lease
        .execute(
            "UPDATE issues SET status = $2, substatus = $3, since = $4, resolution = NULL, \
             resolution_of = NULL, resolution_in = NULL, snooze = NULL, wake_at = NULL, \
             wake_events = NULL, wake_users = NULL, wake_from = NULL, wake_escalating = false \
             WHERE id = $1",
            &[
                &issue,
                &i16::from(IssueStatus::Unresolved.code()),
                &i16::from(substatus.code()),
                &at.0,
            ],
        )
        .await?;
    Ok(())
}

/// Opens the issues whose time has come, and those that have become frequent.
pub(super) async fn wake_all(lease: &mut Lease, now: Millis) -> Result<Vec<Reopened>, Error> {
    lease.begin("BEGIN").await?;
    lease.query(LOCK, &[]).await?;
    let hour = now.minute().div_euclid(60);
    let rows = lease
        .query(
            include_str!("waking.sql"),
            &[&now.0, &MAX_LOOKED_AT, &hour.saturating_mul(60)],
        )
        .await?;
    let mut woken = Vec::new();
    for row in &rows {
        let (issue, is_timed): (i64, bool) = (get(row, 0)?, get(row, 1)?);
        let reason = if is_timed { "time" } else { "escalating" };
        woken.push(wake(lease, issue, reason, Seq(0), now).await?);
    }
    lease.commit().await?;
    Ok(woken)
}
