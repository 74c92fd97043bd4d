//! Issues: found, changed and put together by people.

mod activity;
mod change;
mod merge;
pub(super) mod remove;
pub(super) mod reopen;
mod search;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

pub(super) use merge::people;

use super::digest::LOCK;
use super::pool::{Lease, Pool};
use super::row::{
    Sixteen, big, coded, count, get, int, issue, issue_columns, level, project, projects,
};
use crate::error::Error;
use crate::model::activity::{Activity, ActivityKind};
use crate::model::event::GroupingKey;
use crate::model::ids::{ActivityId, GroupId, IssueId, ProjectId};
use crate::model::issue::{
    Actor, Group, Issue, IssueChange, IssueStatus, Mark, MarkChange, Reopened,
};
use crate::model::time::Millis;
use crate::store::query::{IssuePage, IssueQuery, Page};
use crate::store::{IssueTotal, Issues, NewActivity};
use change::By;

/// Issues in PostgreSQL.
#[derive(Debug)]
pub(super) struct PostgresIssues {
    pool: Arc<Pool>,
}

impl PostgresIssues {
    /// Makes the part.
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }

    /// Begins to move groups: digest and others that move them wait.
    async fn moving(&self) -> Result<Lease, Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin("BEGIN").await?;
        lease.query(LOCK, &[]).await?;
        Ok(lease)
    }

    async fn remove(&self, ids: &[IssueId], discards: bool) -> Result<u64, Error> {
        let mut lease = self.moving().await?;
        let deleted = remove::delete(&mut lease, ids, discards).await?;
        lease.commit().await?;
        Ok(deleted)
    }
}

#[async_trait]
impl Issues for PostgresIssues {
    async fn get(&self, ids: &[IssueId]) -> Result<Vec<Issue>, Error> {
        let mut lease = self.pool.lend().await?;
        find(&mut lease, ids).await
    }

    async fn by_number(&self, of: ProjectId, number: u64) -> Result<Option<Issue>, Error> {
        let mut lease = self.pool.lend().await?;
        let row = lease
            .query_opt(
                "SELECT id FROM issues WHERE project = $1 AND number = $2",
                &[&int(of.0), &big(number)],
            )
            .await?;
        match row {
            Some(row) => Ok(find(&mut lease, &[IssueId(count(&row, 0)?)]).await?.pop()),
            None => Ok(None),
        }
    }

    async fn list(&self, of: &[ProjectId], page: Page) -> Result<Vec<Issue>, Error> {
        let mut of = projects(of);
        of.sort_unstable();
        of.dedup();
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query_text(
                concat!(
                    "SELECT ",
                    issue_columns!(),
                    " FROM unnest($1::integer[]) AS p (project) \
                     CROSS JOIN generate_series(0, 2) AS t (status) \
                     CROSS JOIN LATERAL (SELECT * FROM issues i WHERE i.project = p.project \
                     AND i.status = t.status ORDER BY i.last_seen DESC, i.id DESC LIMIT $2) AS s \
                     WHERE NOT EXISTS (SELECT FROM hidden h WHERE h.project = p.project \
                     AND h.received = 9223372036854775807) \
                     ORDER BY s.last_seen DESC, s.id DESC OFFSET $3 LIMIT $4"
                ),
                &[
                    &of,
                    &big(page.offset.saturating_add(page.limit)),
                    &big(page.offset),
                    &big(page.limit),
                ],
            )
            .await?;
        rows.iter().map(issue).collect()
    }

    async fn search(&self, query: &IssueQuery) -> Result<IssuePage, Error> {
        let mut lease = self.pool.lend().await?;
        lease
            .begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let page = search::search(&mut lease, query).await?;
        lease.commit().await?;
        Ok(page)
    }

    async fn totals(&self) -> Result<Vec<IssueTotal>, Error> {
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query(
                "SELECT project, level, status, count(*) FROM issues s \
                 WHERE merged_into IS NULL AND NOT EXISTS (SELECT FROM hidden h \
                 WHERE h.project = s.project AND h.received = 9223372036854775807) \
                 GROUP BY project, level, status ORDER BY project, level, status",
                &[],
            )
            .await?;
        let total = |row| {
            Ok(IssueTotal {
                project: project(row, 0)?,
                level: level(row, 1)?,
                status: coded(row, 2, IssueStatus::from_code)?,
                issues: count(row, 3)?,
            })
        };
        rows.iter().map(total).collect()
    }

    async fn change(
        &self,
        ids: &[IssueId],
        to: IssueChange,
        by: Option<&Actor>,
        at: Millis,
    ) -> Result<Vec<IssueId>, Error> {
        let mut lease = self.moving().await?;
        let issues = find(&mut lease, ids).await?;
        let changed = change::change(&mut lease, &issues, &to, By { actor: by, at }).await?;
        lease.commit().await?;
        Ok(changed)
    }

    async fn merge(
        &self,
        parent: IssueId,
        children: &[IssueId],
        by: Option<&Actor>,
        at: Millis,
    ) -> Result<(), Error> {
        let mut lease = self.moving().await?;
        merge::merge(&mut lease, parent, children, By { actor: by, at }).await?;
        lease.commit().await
    }

    async fn unmerge(
        &self,
        issue: IssueId,
        leave: &[GroupId],
        by: Option<&Actor>,
        at: Millis,
    ) -> Result<Vec<IssueId>, Error> {
        let mut lease = self.moving().await?;
        let made = merge::unmerge(&mut lease, issue, leave, By { actor: by, at }).await?;
        lease.commit().await?;
        Ok(made)
    }

    async fn delete(&self, ids: &[IssueId]) -> Result<u64, Error> {
        self.remove(ids, false).await
    }

    async fn discard(&self, ids: &[IssueId]) -> Result<u64, Error> {
        self.remove(ids, true).await
    }

    async fn groups(&self, id: IssueId) -> Result<Vec<Group>, Error> {
        let mut lease = self.pool.lend().await?;
        match find(&mut lease, &[id]).await?.pop() {
            Some(issue) => groups(&mut lease, issue.id.to_i64()).await,
            None => Ok(Vec::new()),
        }
    }

    async fn activity(
        &self,
        id: IssueId,
        kind: Option<ActivityKind>,
        page: Page,
    ) -> Result<Vec<Activity>, Error> {
        let mut lease = self.pool.lend().await?;
        match find(&mut lease, &[id]).await?.pop() {
            Some(issue) => activity::list(&mut lease, issue.id.to_i64(), kind, page).await,
            None => Ok(Vec::new()),
        }
    }

    async fn entry(&self, issue: IssueId, id: ActivityId) -> Result<Option<Activity>, Error> {
        let mut lease = self.pool.lend().await?;
        activity::find(&mut lease, issue, id).await
    }

    async fn note(&self, entry: NewActivity) -> Result<Activity, Error> {
        let mut lease = self.pool.lend().await?;
        activity::note(&mut lease, &entry).await
    }

    async fn edit_note(
        &self,
        issue: IssueId,
        id: ActivityId,
        data: &str,
    ) -> Result<Activity, Error> {
        let mut lease = self.pool.lend().await?;
        activity::edit(&mut lease, issue, id, data).await
    }

    async fn delete_note(&self, issue: IssueId, id: ActivityId) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        activity::delete(&mut lease, issue, id).await
    }

    async fn marks(&self, ids: &[IssueId], of: &Actor) -> Result<Vec<Mark>, Error> {
        let mut lease = self.pool.lend().await?;
        change::marks(&mut lease, ids, of).await
    }

    async fn mark(&self, ids: &[IssueId], of: &Actor, to: MarkChange) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        change::mark(&mut lease, ids, of, to).await
    }

    async fn wake(&self, now: Millis) -> Result<Vec<Reopened>, Error> {
        let mut lease = self.pool.lend().await?;
        reopen::wake_all(&mut lease, now).await
    }
}

/// Finds issues by number, in the order asked; for merged ones those that have their events now.
async fn find(lease: &mut Lease, ids: &[IssueId]) -> Result<Vec<Issue>, Error> {
    let wanted: Vec<_> = ids.iter().map(|id| id.to_i64()).collect();
    let rows = lease
        .query(
            concat!(
                "SELECT ",
                issue_columns!(),
                ", a.id FROM issues a JOIN issues s ON s.id = COALESCE(a.merged_into, a.id) \
                 WHERE a.id = ANY($1) AND NOT EXISTS (SELECT FROM hidden h \
                 WHERE h.project = s.project AND h.received = 9223372036854775807)"
            ),
            &[&wanted],
        )
        .await?;
    let mut found = HashMap::new();
    for row in &rows {
        found.insert(IssueId(count(row, 31)?), issue(row)?);
    }
    Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
}

/// Returns the groups of an issue, latest seen first.
async fn groups(lease: &mut Lease, issue: i64) -> Result<Vec<Group>, Error> {
    let rows = lease
        .query(
            "SELECT id, issue, grouping_key, first_seen, last_seen, events FROM groups \
             WHERE issue = $1 ORDER BY last_seen DESC, id DESC",
            &[&issue],
        )
        .await?;
    let group = |row| {
        Ok(Group {
            id: GroupId::from_i64(get(row, 0)?).unwrap_or_default(),
            issue: IssueId(count(row, 1)?),
            grouping: GroupingKey(get::<Sixteen>(row, 2)?.0),
            first_seen: Millis(get(row, 3)?),
            last_seen: Millis(get(row, 4)?),
            events: count(row, 5)?,
        })
    };
    rows.iter().map(group).collect()
}
