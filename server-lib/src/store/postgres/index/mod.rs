//! The search index in PostgreSQL: runs of pages in a table of each partition.

mod add;
mod merging;
pub(super) mod purging;
mod renewing;
mod shelf;

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;

pub(super) use shelf::PostgresShelf;

use super::pool::{Lease, Pool};
use super::row::{count, event_columns, events, get, seq};
use crate::error::Error;
use crate::model::ids::{IssueId, PartitionId, Seq};
use crate::model::issue::Reopened;
use crate::model::tag::TagSummary;
use crate::model::time::Millis;
use crate::store::index::shelf::hour;
use crate::store::index::{
    CountBy, EventCounts, Index, IndexBatch, IssueHour, Parts, Renewal, RowsAfter, Split,
    StaleGroup, TagScope, count as counting, find as finding, split as splitting, tags,
};
use crate::store::open::StoreOptions;
use crate::store::query::{EventHits, EventQuery};

/// One state of the database for a whole answer.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The index in PostgreSQL.
#[derive(Debug)]
pub(super) struct PostgresIndex {
    pool: Arc<Pool>,
    options: StoreOptions,
    /// Runs are written anew by one at a time.
    merging: tokio::sync::Mutex<()>,
}

impl PostgresIndex {
    /// Makes the part.
    pub(super) fn new(pool: Arc<Pool>, options: StoreOptions) -> Self {
        Self {
            pool,
            options,
            merging: tokio::sync::Mutex::default(),
        }
    }

    async fn snapshot(&self) -> Result<Lease, Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin(SNAPSHOT).await?;
        Ok(lease)
    }
}

#[async_trait]
impl Index for PostgresIndex {
    async fn position(&self) -> Result<Seq, Error> {
        let mut lease = self.pool.lend().await?;
        add::position(&mut lease).await
    }

    async fn rows_after(&self, after: Seq, limit: u32) -> Result<RowsAfter, Error> {
        let mut lease = self.snapshot().await?;
        let found = rows_after(&mut lease, after, limit).await?;
        lease.commit().await?;
        Ok(found)
    }

    async fn add(&self, batch: IndexBatch) -> Result<Vec<Reopened>, Error> {
        let mut lease = self.pool.lend().await?;
        add::add(&mut lease, &batch, self.options.clock.now()).await
    }

    async fn merge(&self) -> Result<bool, Error> {
        let _turn = self.merging.lock().await;
        merging::merge(&self.pool).await
    }

    async fn purge(&self) -> Result<bool, Error> {
        let _turn = self.merging.lock().await;
        purging::purge(&self.pool).await
    }

    async fn stale_group(&self) -> Result<Option<StaleGroup>, Error> {
        let mut lease = self.snapshot().await?;
        let found = renewing::stale_group(&mut lease).await?;
        lease.commit().await?;
        Ok(found)
    }

    async fn renew(&self, renewal: Renewal) -> Result<bool, Error> {
        let mut lease = self.pool.lend().await?;
        renewing::renew(&mut lease, &renewal).await
    }

    async fn tags(
        &self,
        scope: &TagScope,
        key: Option<&str>,
        values: u32,
    ) -> Result<Vec<TagSummary>, Error> {
        let mut lease = self.snapshot().await?;
        let mut shelf = PostgresShelf::new(&mut lease);
        let found = tags::summaries(&mut shelf, scope, key, values).await?;
        lease.commit().await?;
        Ok(found)
    }

    async fn hours(
        &self,
        issues: &[IssueId],
        times: RangeInclusive<Millis>,
    ) -> Result<Vec<IssueHour>, Error> {
        let wanted: Vec<_> = issues.iter().map(|issue| issue.to_i64()).collect();
        let first = hour(*times.start()).saturating_mul(60);
        let last = hour(*times.end()).saturating_mul(60).saturating_add(59);
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query(
                "SELECT g.issue, (c.minute - mod(mod(c.minute, 60) + 60, 60)) / 60, \
                 sum(c.events)::bigint FROM groups g JOIN issue_counts c ON c.group_id = g.id \
                 WHERE g.issue = ANY($1) AND c.minute BETWEEN $2 AND $3 \
                 GROUP BY 1, 2 ORDER BY 1, 2",
                &[&wanted, &first, &last],
            )
            .await?;
        let hour = |row| {
            Ok(IssueHour {
                issue: IssueId(count(row, 0)?),
                at: Millis(get::<i64>(row, 1)?.saturating_mul(60 * Millis::MINUTE)),
                events: count(row, 2)?,
            })
        };
        rows.iter().map(hour).collect()
    }

    async fn find(&self, query: &EventQuery) -> Result<EventHits, Error> {
        let mut lease = self.snapshot().await?;
        let found = finding::find(&mut PostgresShelf::new(&mut lease), query).await?;
        lease.commit().await?;
        Ok(found)
    }

    async fn count(&self, query: &EventQuery, by: CountBy) -> Result<EventCounts, Error> {
        let mut lease = self.snapshot().await?;
        let found = counting::count(&mut PostgresShelf::new(&mut lease), query, &by).await?;
        lease.commit().await?;
        Ok(found)
    }

    async fn split(&self, query: &EventQuery, split: &Split) -> Result<Parts, Error> {
        let mut lease = self.snapshot().await?;
        let found = splitting::split(&mut PostgresShelf::new(&mut lease), query, split).await?;
        lease.commit().await?;
        Ok(found)
    }
}

async fn rows_after(lease: &mut Lease, after: Seq, limit: u32) -> Result<RowsAfter, Error> {
    let row = lease.query_one("SELECT position FROM digest", &[]).await?;
    let position = seq(&row, 0)?;
    let partition = lease
        .query_opt(
            "SELECT id, first_seq, last_seq FROM partitions WHERE last_seq > $1 \
             ORDER BY id LIMIT 1",
            &[&after.to_i64()],
        )
        .await?;
    let Some(partition) = partition else {
        return Ok(RowsAfter {
            through: after.max(position),
            ..RowsAfter::default()
        });
    };
    let (id, last): (i32, Seq) = (get(&partition, 0)?, seq(&partition, 2)?);
    let rows = lease
        .query(
            concat!(
                "SELECT ",
                event_columns!(),
                " FROM events e WHERE e.part = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3"
            ),
            &[&id, &after.to_i64(), &i64::from(limit)],
        )
        .await?;
    let is_end = u32::try_from(rows.len()).is_ok_and(|read| read < limit);
    let through = match rows.last() {
        Some(row) if !is_end => seq(row, 0)?,
        _ => last.min(position),
    };
    let partition_id = PartitionId::from_i64(i64::from(id)).unwrap_or_default();
    Ok(RowsAfter {
        partition: Some((partition_id, seq(&partition, 1)?)),
        rows: shown(lease, events(&rows)?).await?,
        through,
    })
}

/// Leaves out rows that are hidden.
async fn shown(
    lease: &mut Lease,
    mut rows: Vec<crate::model::event::EventRow>,
) -> Result<Vec<crate::model::event::EventRow>, Error> {
    let hidden = lease
        .query("SELECT project, received FROM hidden", &[])
        .await?;
    let mut floors = std::collections::HashMap::new();
    for row in &hidden {
        floors.insert(super::row::project(row, 0)?, Millis(get(row, 1)?));
    }
    rows.retain(|row| {
        floors
            .get(&row.project)
            .is_none_or(|floor| row.received > *floor)
    });
    Ok(rows)
}
