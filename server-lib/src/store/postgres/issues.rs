//! Issues, read.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::pool::Pool;
use super::row::{big, issue, issue_columns, projects};
use crate::error::Error;
use crate::model::activity::{Activity, ActivityKind};
use crate::model::ids::{ActivityId, GroupId, IssueId, ProjectId};
use crate::model::issue::{Actor, Group, Issue, IssueChange, Mark, MarkChange, Reopened};
use crate::model::time::Millis;
use crate::store::query::{IssuePage, IssueQuery, Page};
use crate::store::{IssueTotal, Issues, NewActivity};

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
}

#[async_trait]
impl Issues for PostgresIssues {
    async fn get(&self, ids: &[IssueId]) -> Result<Vec<Issue>, Error> {
        let wanted: Vec<_> = ids.iter().map(|id| id.to_i64()).collect();
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query(
                concat!(
                    "SELECT ",
                    issue_columns!(),
                    " FROM issues s WHERE s.id = ANY($1) AND NOT EXISTS (SELECT FROM hidden h \
                     WHERE h.project = s.project AND h.received = 9223372036854775807)"
                ),
                &[&wanted],
            )
            .await?;
        let mut found = HashMap::new();
        for row in &rows {
            let issue = issue(row)?;
            found.insert(issue.id, issue);
        }
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    async fn list(&self, of: &[ProjectId], page: Page) -> Result<Vec<Issue>, Error> {
        let mut of = projects(of);
        of.sort_unstable();
        of.dedup();
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query_text(
                include_str!("list_issues.sql"),
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

    async fn by_number(&self, _: ProjectId, _: u64) -> Result<Option<Issue>, Error> {
        Err(unready())
    }

    async fn search(&self, _: &IssueQuery) -> Result<IssuePage, Error> {
        Err(unready())
    }

    async fn totals(&self) -> Result<Vec<IssueTotal>, Error> {
        Err(unready())
    }

    async fn change(
        &self,
        _: &[IssueId],
        _: IssueChange,
        _: Option<&Actor>,
        _: Millis,
    ) -> Result<Vec<IssueId>, Error> {
        Err(unready())
    }

    async fn merge(
        &self,
        _: IssueId,
        _: &[IssueId],
        _: Option<&Actor>,
        _: Millis,
    ) -> Result<(), Error> {
        Err(unready())
    }

    async fn unmerge(
        &self,
        _: IssueId,
        _: &[GroupId],
        _: Option<&Actor>,
        _: Millis,
    ) -> Result<Vec<IssueId>, Error> {
        Err(unready())
    }

    async fn delete(&self, _: &[IssueId]) -> Result<u64, Error> {
        Err(unready())
    }

    async fn discard(&self, _: &[IssueId]) -> Result<u64, Error> {
        Err(unready())
    }

    async fn groups(&self, _: IssueId) -> Result<Vec<Group>, Error> {
        Err(unready())
    }

    async fn activity(
        &self,
        _: IssueId,
        _: Option<ActivityKind>,
        _: Page,
    ) -> Result<Vec<Activity>, Error> {
        Err(unready())
    }

    async fn note(&self, _: NewActivity) -> Result<Activity, Error> {
        Err(unready())
    }

    async fn edit_note(&self, _: IssueId, _: ActivityId, _: &str) -> Result<Activity, Error> {
        Err(unready())
    }

    async fn delete_note(&self, _: IssueId, _: ActivityId) -> Result<(), Error> {
        Err(unready())
    }

    async fn marks(&self, _: &[IssueId], _: &Actor) -> Result<Vec<Mark>, Error> {
        Err(unready())
    }

    async fn mark(&self, _: &[IssueId], _: &Actor, _: MarkChange) -> Result<(), Error> {
        Err(unready())
    }

    async fn wake(&self, _: Millis) -> Result<Vec<Reopened>, Error> {
        Err(unready())
    }
}

/// The error of what is not there yet.
pub(super) fn unready() -> Error {
    Error::because(crate::error::ErrorKind::NotBuilt, "not with postgres")
}
