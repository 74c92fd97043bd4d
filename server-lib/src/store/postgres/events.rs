//! The index of events and items, read.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use mini_sentry::protocol::EventId;

use super::filter::{OF_ISSUE, Scope, Where, count_events, count_series};
use super::pool::Pool;
use super::row::{
    Sixteen, big, count, event, event_columns, events, get, int, item, item_columns, level_code,
    project, projects, seq, text,
};
use crate::error::Error;
use crate::model::event::EventRow;
use crate::model::ids::{ProjectId, Seq};
use crate::model::item::ItemRow;
use crate::model::record::RecordKind;
use crate::model::time::Millis;
use crate::store::query::{EventFilter, ItemFilter, LevelCounts, Minutes, Page};
use crate::store::{Events, MAX_ENVIRONMENTS};

/// Records are numbered when they are appended, which is later than they arrive.
const ARRIVAL_SLACK_MS: i64 = 60 * Millis::MINUTE;

/// With a condition that few rows meet, the project is hidden in a sum from the planner, which would
/// otherwise read all of the project when it has no statistics.
const PROJECT: &str = "x.project";
const ONE_OF_FEW: &str = "x.project + 0";

/// Nothing that arrived up to the mark of its project is shown.
macro_rules! visible {
    ($row:literal) => {
        concat!(
            " NOT EXISTS (SELECT FROM hidden h WHERE h.project = ",
            $row,
            ".project AND h.received >= ",
            $row,
            ".received)"
        )
    };
}

/// The index in PostgreSQL.
#[derive(Debug)]
pub(super) struct PostgresEvents {
    pool: Arc<Pool>,
}

impl PostgresEvents {
    /// Makes the part.
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Events for PostgresEvents {
    async fn find(&self, id: EventId, of: &[ProjectId]) -> Result<Vec<EventRow>, Error> {
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query(
                concat!(
                    "SELECT ",
                    event_columns!(),
                    " FROM events e WHERE e.event_id = $1 AND e.project + 0 = ANY($2) AND",
                    visible!("e"),
                    " ORDER BY e.seq"
                ),
                &[&Sixteen(*id.as_bytes()), &projects(of)],
            )
            .await?;
        events(&rows)
    }

    async fn get(&self, seq: Seq) -> Result<Option<EventRow>, Error> {
        let mut lease = self.pool.lend().await?;
        let row = lease
            .query_opt(
                concat!(
                    "SELECT ",
                    event_columns!(),
                    " FROM events e WHERE e.seq = $1 AND",
                    visible!("e")
                ),
                &[&seq.to_i64()],
            )
            .await?;
        match row {
            Some(row) => event(&row),
            None => Ok(None),
        }
    }

    async fn list(&self, filter: &EventFilter, page: Page) -> Result<Vec<EventRow>, Error> {
        let mut lease = self.pool.lend().await?;
        let scope = Scope::of(&mut lease, &filter.projects).await?;
        if scope.is_empty() || page.limit == 0 {
            return Ok(Vec::new());
        }
        let mut conditions = Where::new(vec![
            Box::new(scope.projects()),
            Box::new(scope.floors()),
            Box::new(big(page.offset.saturating_add(page.limit))),
            Box::new(big(page.offset)),
            Box::new(big(page.limit)),
        ]);
        if let Some(issue) = filter.issue {
            conditions.add(OF_ISSUE, issue.to_i64(), "))");
        }
        if !filter.levels.is_empty() {
            let levels: Vec<_> = filter
                .levels
                .iter()
                .map(|level| level_code(*level))
                .collect();
            conditions.add("x.level = ANY(", levels, ")");
        }
        if !filter.environments.is_empty() {
            conditions.add("x.environment = ANY(", texts(&filter.environments), ")");
        }
        if !filter.releases.is_empty() {
            conditions.add("x.release = ANY(", texts(&filter.releases), ")");
        }
        if let Some(times) = &filter.times {
            conditions.add("x.happened >= ", times.start().0, "");
            conditions.add("x.happened <= ", times.end().0, "");
        }
        let sql = format!(
            concat!(
                "SELECT ",
                event_columns!(),
                " FROM unnest($1::integer[], $2::bigint[]) AS p (project, floor) \
                 CROSS JOIN LATERAL (SELECT * FROM events x WHERE {} = p.project \
                 AND x.received > p.floor{} ORDER BY x.happened DESC, x.seq DESC \
                 LIMIT $3) AS e ORDER BY e.happened DESC, e.seq DESC OFFSET $4 LIMIT $5"
            ),
            filter.issue.map_or(PROJECT, |_| ONE_OF_FEW),
            conditions.sql()
        );
        let rows = lease.query_text(&sql, &conditions.params()).await?;
        events(&rows)
    }

    async fn count(&self, filter: &EventFilter) -> Result<u64, Error> {
        let mut lease = self.pool.lend().await?;
        lease
            .begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let count = count_events(&mut lease, filter).await?;
        lease.commit().await?;
        Ok(count)
    }

    async fn series(
        &self,
        filter: &EventFilter,
        minutes: Minutes,
    ) -> Result<Vec<LevelCounts>, Error> {
        let mut lease = self.pool.lend().await?;
        lease
            .begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let counts = count_series(&mut lease, filter, minutes).await?;
        lease.commit().await?;
        Ok(counts)
    }

    async fn environments(&self, of: &[ProjectId]) -> Result<Vec<(ProjectId, String)>, Error> {
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query(
                "SELECT project, name FROM (SELECT project, name, \
                 row_number() OVER (PARTITION BY project ORDER BY name) AS place \
                 FROM environments WHERE project = ANY($1)) AS e \
                 WHERE place <= $2 ORDER BY project, name COLLATE \"C\"",
                &[&projects(of), &big(MAX_ENVIRONMENTS as u64)],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((project(row, 0)?, get(row, 1)?)))
            .collect()
    }

    async fn known_bodies(&self, bodies: &[(Millis, u64)]) -> Result<Vec<bool>, Error> {
        let times = || bodies.iter().map(|(received, _)| received.0);
        let (Some(first), Some(last)) = (times().min(), times().max()) else {
            return Ok(Vec::new());
        };
        let shortest = bodies.iter().map(|(_, bytes)| *bytes).min().unwrap_or(0);
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query_text(
                include_str!("known_bodies.sql"),
                &[&first, &last, &big(shortest), &ARRIVAL_SLACK_MS],
            )
            .await?;
        let mut known = HashSet::with_capacity(rows.len());
        for row in &rows {
            known.insert((Millis(get(row, 0)?), count(row, 1)?));
        }
        Ok(bodies.iter().map(|body| known.contains(body)).collect())
    }

    async fn item_places(
        &self,
        project: ProjectId,
        kinds: &[RecordKind],
        after: Seq,
        most: u64,
    ) -> Result<Vec<Seq>, Error> {
        let kinds: Vec<_> = kinds.iter().map(|kind| i16::from(kind.code())).collect();
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query_text(
                "SELECT seq FROM items WHERE project = $1 AND kind = ANY($2) AND seq > $3 \
                 AND received > COALESCE((SELECT received FROM hidden WHERE project = $1), \
                 -9223372036854775808) ORDER BY seq LIMIT $4",
                &[&int(project.0), &kinds, &after.to_i64(), &big(most)],
            )
            .await?;
        rows.iter().map(|row| seq(row, 0)).collect()
    }

    async fn items(&self, filter: &ItemFilter, page: Page) -> Result<Vec<ItemRow>, Error> {
        let mut lease = self.pool.lend().await?;
        let scope = Scope::of(&mut lease, &filter.projects).await?;
        if scope.is_empty() || page.limit == 0 {
            return Ok(Vec::new());
        }
        let mut conditions = Where::new(vec![
            Box::new(scope.projects()),
            Box::new(scope.floors()),
            Box::new(big(page.offset.saturating_add(page.limit))),
            Box::new(big(page.offset)),
            Box::new(big(page.limit)),
        ]);
        if let Some(id) = filter.event_id {
            if id.is_nil() {
                conditions.add_text("x.event_id IS NULL");
            } else {
                conditions.add("x.event_id = ", Sixteen(*id.as_bytes()), "");
            }
        }
        if !filter.kinds.is_empty() {
            let kinds: Vec<_> = filter
                .kinds
                .iter()
                .map(|kind| i16::from(kind.code()))
                .collect();
            conditions.add("x.kind = ANY(", kinds, ")");
        }
        let sql = format!(
            concat!(
                "SELECT ",
                item_columns!(),
                " FROM unnest($1::integer[], $2::bigint[]) AS p (project, floor) \
                 CROSS JOIN LATERAL (SELECT * FROM items x WHERE {} = p.project \
                 AND x.received > p.floor{} ORDER BY x.seq DESC LIMIT $3) AS i \
                 ORDER BY i.seq DESC OFFSET $4 LIMIT $5"
            ),
            filter.event_id.map_or(PROJECT, |_| ONE_OF_FEW),
            conditions.sql()
        );
        let rows = lease.query_text(&sql, &conditions.params()).await?;
        rows.iter().map(item).collect()
    }
}

fn texts(values: &[String]) -> Vec<String> {
    values
        .iter()
        .map(|value| text(value).into_owned())
        .collect()
}
