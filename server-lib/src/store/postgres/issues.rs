//! Issues, read.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::pool::Pool;
use super::row::{big, issue, issue_columns, projects};
use crate::error::Error;
use crate::model::event::Issue;
use crate::model::ids::{IssueId, ProjectId};
use crate::store::Issues;
use crate::store::query::Page;

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
}
