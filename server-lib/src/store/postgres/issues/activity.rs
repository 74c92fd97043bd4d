//! The history of issues.

use tokio_postgres::Row;

use crate::error::{Error, ErrorKind};
use crate::model::activity::{Activity, ActivityKind};
use crate::model::ids::{ActivityId, IssueId};
use crate::model::issue::Actor;
use crate::model::time::Millis;
use crate::store::NewActivity;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{big, coded, count, get, text};
use crate::store::query::Page;

/// Returns the error for something that is not there.
pub(super) fn missing(what: &str) -> Error {
    Error::because(ErrorKind::NotFound, format!("there is no such {what}"))
}

/// Writes an entry.
pub(super) async fn insert(
    lease: &mut Lease,
    issue: i64,
    kind: ActivityKind,
    actor: Option<&Actor>,
    at: Millis,
    data: &str,
) -> Result<Activity, Error> {
    let row = lease
        .query_one(
            "INSERT INTO activity (issue, kind, actor, at, data) VALUES ($1, $2, $3, $4, $5) \
             RETURNING id, issue, kind, actor, at, data",
            &[
                &issue,
                &i16::from(kind.code()),
                &actor.map(|actor| text(actor.as_str())),
                &at.0,
                &text(data),
            ],
        )
        .await?;
    entry(&row)
}

/// Returns the history of an issue.
pub(super) async fn list(
    lease: &mut Lease,
    issue: i64,
    kind: Option<ActivityKind>,
    page: Page,
) -> Result<Vec<Activity>, Error> {
    let rows = lease
        .query(
            "SELECT id, issue, kind, actor, at, data FROM activity WHERE issue = $1 \
             AND ($2::smallint IS NULL OR kind = $2) \
             ORDER BY at DESC, id DESC LIMIT $3 OFFSET $4",
            &[
                &issue,
                &kind.map(|kind| i16::from(kind.code())),
                &big(page.limit),
                &big(page.offset),
            ],
        )
        .await?;
    rows.iter().map(entry).collect()
}

/// Returns an entry of the history of an issue.
pub(super) async fn find(
    lease: &mut Lease,
    issue: IssueId,
    id: ActivityId,
) -> Result<Option<Activity>, Error> {
    let row = lease
        .query_opt(
            "SELECT id, issue, kind, actor, at, data FROM activity WHERE id = $1 AND issue = $2",
            &[&id.to_i64(), &issue.to_i64()],
        )
        .await?;
    row.as_ref().map(entry).transpose()
}

/// Writes an entry by hand.
pub(super) async fn note(lease: &mut Lease, new: &NewActivity) -> Result<Activity, Error> {
    let issue = new.issue.to_i64();
    lease.begin("BEGIN").await?;
    change_comments(lease, issue, i64::from(new.kind == ActivityKind::Note)).await?;
    let written = insert(
        lease,
        issue,
        new.kind,
        new.actor.as_ref(),
        new.at,
        &new.data,
    )
    .await?;
    lease.commit().await?;
    Ok(written)
}

/// Changes a comment.
pub(super) async fn edit(
    lease: &mut Lease,
    issue: IssueId,
    id: ActivityId,
    data: &str,
) -> Result<Activity, Error> {
    let row = lease
        .query_opt(
            "UPDATE activity SET data = $3 WHERE id = $1 AND issue = $2 AND kind = 0 \
             RETURNING id, issue, kind, actor, at, data",
            &[&id.to_i64(), &issue.to_i64(), &text(data)],
        )
        .await?;
    entry(&row.ok_or_else(|| missing("comment"))?)
}

/// Deletes a comment.
pub(super) async fn delete(lease: &mut Lease, issue: IssueId, id: ActivityId) -> Result<(), Error> {
    lease.begin("BEGIN").await?;
    let deleted = lease
        .execute(
            "DELETE FROM activity WHERE id = $1 AND issue = $2 AND kind = 0",
            &[&id.to_i64(), &issue.to_i64()],
        )
        .await?;
    if deleted == 0 {
        lease.rollback().await?;
        return Err(missing("comment"));
    }
    change_comments(lease, issue.to_i64(), -1).await?;
    lease.commit().await
}

async fn change_comments(lease: &mut Lease, issue: i64, by: i64) -> Result<(), Error> {
    let changed = lease
        .execute(
            "UPDATE issues SET comments = GREATEST(0, comments + $2) WHERE id = $1",
            &[&issue, &by],
        )
        .await?;
    if changed == 0 {
        return Err(missing("issue"));
    }
    Ok(())
}

fn entry(row: &Row) -> Result<Activity, Error> {
    Ok(Activity {
        id: ActivityId(count(row, 0)?),
        issue: IssueId(count(row, 1)?),
        kind: coded(row, 2, ActivityKind::from_code)?,
        actor: get::<Option<&str>>(row, 3)?.and_then(Actor::new),
        at: Millis(get(row, 4)?),
        data: get(row, 5)?,
    })
}
