//! Outcomes and sessions.

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use mini_sentry::ratelimit::DataCategory;

use super::digest::add_outcomes;
use super::pool::Pool;
use super::row::{Sixteen, coded, count, get, int, project, projects};
use super::session_sums;
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::outcome::{Outcome, OutcomeCount};
use crate::model::session::SessionState;
use crate::model::time::Millis;
use crate::store::health::shown;
use crate::store::query::{OutcomeFilter, OutcomeRow};
use crate::store::{SessionTotals, Stats};

/// Counts in PostgreSQL.
#[derive(Debug)]
pub(super) struct PostgresStats {
    pool: Arc<Pool>,
}

impl PostgresStats {
    /// Makes the part.
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Stats for PostgresStats {
    async fn add_outcomes(&self, counts: &[OutcomeCount]) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        add_outcomes(&mut lease, counts).await
    }

    async fn outcomes(&self, filter: &OutcomeFilter) -> Result<Vec<OutcomeRow>, Error> {
        let interval = i64::from(filter.interval_minutes.max(1));
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query(
                "SELECT (minute - mod(mod(minute, $4) + $4, $4)) AS start, project, category, \
                 outcome, reason, sum(quantity)::bigint FROM outcomes \
                 WHERE project = ANY($1) AND minute BETWEEN $2 AND $3 \
                 GROUP BY 1, 2, 3, 4, 5 HAVING sum(quantity) > 0 ORDER BY 1, 2, 3, 4, 5",
                &[
                    &projects(&filter.projects),
                    &filter.times.start().minute(),
                    &filter.times.end().minute(),
                    &interval,
                ],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let start: i64 = get(row, 0)?;
                Ok(OutcomeRow {
                    at: Millis(start.saturating_mul(Millis::MINUTE)),
                    project: project(row, 1)?,
                    category: DataCategory::from_name(get(row, 2)?),
                    outcome: coded(row, 3, Outcome::from_code)?,
                    reason: get(row, 4)?,
                    quantity: count(row, 5)?,
                })
            })
            .collect()
    }

    async fn session(
        &self,
        project: ProjectId,
        sid: [u8; 16],
    ) -> Result<Option<SessionState>, Error> {
        let mut lease = self.pool.lend().await?;
        let row = lease
            .query_opt(
                "SELECT state, errors FROM sessions WHERE project = $1 AND sid = $2",
                &[&int(project.0), &Sixteen(sid)],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let state = coded(&row, 0, SessionState::from_code)?;
        Ok(Some(shown(state, count(&row, 1)?)))
    }

    async fn session_totals(
        &self,
        project: ProjectId,
        times: RangeInclusive<Millis>,
    ) -> Result<SessionTotals, Error> {
        let mut lease = self.pool.lend().await?;
        session_sums::totals(&mut lease, project, &times).await
    }
}
