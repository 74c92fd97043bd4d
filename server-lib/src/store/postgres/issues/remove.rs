//! Issues go: at once from all answers, their events by and by.

use crate::error::Error;
use crate::model::ids::IssueId;
use crate::store::postgres::index::purging;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::get;

/// Deletes issues; returns how many there were.
pub(super) async fn delete(
    lease: &mut Lease,
    ids: &[IssueId],
    discards: bool,
) -> Result<u64, Error> {
    let wanted: Vec<_> = ids.iter().map(|id| id.to_i64()).collect();
    let rows = lease
        .query(
            "SELECT id FROM issues WHERE id = ANY($1) AND merged_into IS NULL",
            &[&wanted],
        )
        .await?;
    let found: Vec<i64> = rows
        .iter()
        .map(|row| get(row, 0))
        .collect::<Result<_, _>>()?;
    if discards {
        lease
            .execute(
                "INSERT INTO discarded_groups SELECT project, grouping_key FROM groups \
                 WHERE issue = ANY($1) ON CONFLICT DO NOTHING",
                &[&found],
            )
            .await?;
    }
    lease
        .execute(
            "INSERT INTO deleted_groups SELECT id, project FROM groups \
             WHERE issue = ANY($1) ON CONFLICT DO NOTHING",
            &[&found],
        )
        .await?;
    let rows = lease
        .query("SELECT id FROM groups WHERE issue = ANY($1)", &[&found])
        .await?;
    let groups: Vec<i64> = rows
        .iter()
        .map(|row| get(row, 0))
        .collect::<Result<_, _>>()?;
    remove_groups(lease, &groups).await?;
    remove_issues(lease, &found).await?;
    Ok(found.len() as u64)
}

async fn remove_groups(lease: &mut Lease, groups: &[i64]) -> Result<(), Error> {
    for delete in [
        "DELETE FROM texts WHERE group_id = ANY($1)",
        "DELETE FROM group_people WHERE id = ANY($1)",
        "DELETE FROM groups WHERE id = ANY($1)",
    ] {
        lease.execute(delete, &[&groups]).await?;
    }
    Ok(())
}

async fn remove_issues(lease: &mut Lease, issues: &[i64]) -> Result<(), Error> {
    for delete in [
        "DELETE FROM activity WHERE issue = ANY($1)",
        "DELETE FROM issue_marks WHERE issue = ANY($1)",
        "DELETE FROM issues WHERE id = ANY($1) OR merged_into = ANY($1)",
    ] {
        lease.execute(delete, &[&issues]).await?;
    }
    Ok(())
}

/// Removes those of the groups that have no events left, and issues that have no groups left, so
/// that nothing is left of what their events said.
pub(in crate::store::postgres) async fn remove_empty(
    lease: &mut Lease,
    groups: &[i64],
) -> Result<(), Error> {
    let rows = lease
        .query(
            "SELECT g.id, g.issue FROM groups g WHERE g.id = ANY($1) \
             AND NOT EXISTS (SELECT FROM events e WHERE e.group_id = g.id)",
            &[&groups],
        )
        .await?;
    let empty: Vec<i64> = rows
        .iter()
        .map(|row| get(row, 0))
        .collect::<Result<_, _>>()?;
    let mut issues: Vec<i64> = rows
        .iter()
        .map(|row| get(row, 1))
        .collect::<Result<_, _>>()?;
    let mut stale: Vec<i64> = groups.to_vec();
    stale.retain(|group| !empty.contains(group));
    purging::note_groups(lease, &stale).await?;
    if empty.is_empty() {
        return Ok(());
    }
    remove_groups(lease, &empty).await?;
    issues.sort_unstable();
    issues.dedup();
    let rows = lease
        .query(
            "SELECT i.id, (SELECT min(g.id) FROM groups g WHERE g.issue = i.id) \
             FROM unnest($1::bigint[]) AS i (id)",
            &[&issues],
        )
        .await?;
    let mut gone = Vec::new();
    for row in &rows {
        let issue: i64 = get(row, 0)?;
        let other: Option<i64> = get(row, 1)?;
        if let Some(other) = other {
            // What the issue says may be of the group that goes.
            purging::note_groups(lease, &[other]).await?;
            super::merge::sum_up(lease, issue).await?;
        } else {
            gone.push(issue);
        }
    }
    remove_issues(lease, &gone).await
}

/// Returns some events of deleted groups; forgets groups that have none left.
pub(in crate::store::postgres) async fn condemned(
    lease: &mut Lease,
    most: i64,
) -> Result<Vec<i64>, Error> {
    lease
        .run(
            "DELETE FROM deleted_groups d WHERE NOT EXISTS \
             (SELECT FROM events e WHERE e.group_id = d.id)",
        )
        .await?;
    let rows = lease
        .query(
            "SELECT e.seq FROM deleted_groups d CROSS JOIN LATERAL (SELECT seq FROM events \
             WHERE group_id = d.id LIMIT $1) AS e LIMIT $1",
            &[&most],
        )
        .await?;
    rows.iter().map(|row| get(row, 0)).collect()
}

/// Removes what deleted projects have in issues and releases.
pub(in crate::store::postgres) async fn clear_projects(lease: &mut Lease) -> Result<(), Error> {
    let of = "(SELECT project FROM hidden WHERE received = 9223372036854775807)";
    for (table, key, owner) in [
        ("texts", "group_id", "groups"),
        ("group_people", "id", "groups"),
        ("activity", "issue", "issues"),
        ("issue_marks", "issue", "issues"),
    ] {
        lease
            .run(&format!(
                "DELETE FROM {table} WHERE {key} IN \
                 (SELECT id FROM {owner} WHERE project IN {of})"
            ))
            .await?;
    }
    for table in ["groups", "issues", "releases", "discarded_groups"] {
        lease
            .run(&format!("DELETE FROM {table} WHERE project IN {of}"))
            .await?;
    }
    Ok(())
}
