//! The search index in SQLite: runs of pages in a table of each partition.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::Sqlite;
use super::events::EventReader;
use super::partition;
use super::row::{counted, rows};
use super::writer::counter;
use crate::error::Error;
use crate::model::ids::{IssueId, Seq};
use crate::model::issue::Reopened;
use crate::model::tag::TagSummary;
use crate::model::time::Millis;
use crate::store::index::shelf::hour;
use crate::store::index::{
    CountBy, EventCounts, Index, IndexBatch, IssueHour, Parts, Renewal, RowsAfter, Split,
    StaleGroup, TagScope, count, find, split, tags,
};
use crate::store::query::{EventHits, EventQuery};

mod add;
mod merging;
pub(super) mod purging;
mod renewing;
mod shelf;

pub(super) use shelf::{SqliteShelf, ready};

#[async_trait]
impl Index for Sqlite {
    async fn position(&self) -> Result<Seq, Error> {
        self.read(|connection| Ok(Seq(counted(counter(connection, "indexed")?))))
            .await
    }

    async fn rows_after(&self, after: Seq, limit: u32) -> Result<RowsAfter, Error> {
        self.read(move |connection| rows_after(connection, after, limit))
            .await
    }

    async fn add(&self, batch: IndexBatch) -> Result<Vec<Reopened>, Error> {
        self.writer
            .run(move |writer| add::add(writer, &batch))
            .await
    }

    async fn merge(&self) -> Result<bool, Error> {
        self.merge_runs().await
    }

    async fn purge(&self) -> Result<bool, Error> {
        self.purge_some().await
    }

    async fn stale_group(&self) -> Result<Option<StaleGroup>, Error> {
        self.read(renewing::stale_group).await
    }

    async fn renew(&self, renewal: Renewal) -> Result<bool, Error> {
        self.writer
            .run(move |writer| renewing::renew(writer, &renewal))
            .await
    }

    async fn tags(
        &self,
        scope: &TagScope,
        key: Option<&str>,
        values: u32,
    ) -> Result<Vec<TagSummary>, Error> {
        let (scope, key) = (scope.clone(), key.map(str::to_owned));
        self.ask(move |shelf| ready(tags::summaries(shelf, &scope, key.as_deref(), values)))
            .await
    }

    async fn hours(
        &self,
        issues: &[IssueId],
        times: RangeInclusive<Millis>,
    ) -> Result<Vec<IssueHour>, Error> {
        let issues = issues.to_vec();
        self.read(move |connection| hours(connection, &issues, &times))
            .await
    }

    async fn find(&self, query: &EventQuery) -> Result<EventHits, Error> {
        let query = query.clone();
        self.ask(move |shelf| ready(find::find(shelf, &query)))
            .await
    }

    async fn count(&self, query: &EventQuery, by: CountBy) -> Result<EventCounts, Error> {
        let query = query.clone();
        self.ask(move |shelf| ready(count::count(shelf, &query, &by)))
            .await
    }

    async fn split(&self, query: &EventQuery, split: &Split) -> Result<Parts, Error> {
        let (query, split) = (query.clone(), split.clone());
        self.ask(move |shelf| ready(split::split(shelf, &query, &split)))
            .await
    }
}

impl Sqlite {
    /// Has a reader answer a question of what the index knows.
    async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut SqliteShelf<'_>) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        self.read(move |connection| question(&mut SqliteShelf::new(connection)))
            .await
    }
}

fn rows_after(connection: &Connection, after: Seq, limit: u32) -> Result<RowsAfter, Error> {
    let position = Seq(counted(counter(connection, "position")?));
    let mut reader = EventReader::default();
    for span in partition::all(connection)? {
        if span.last <= after {
            continue;
        }
        let select = format!(
            "SELECT seq FROM events_{} WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            span.id
        );
        let seqs = rows(connection, &select, params![after.to_i64(), limit], |row| {
            Ok(Seq(counted(row.get(0)?)))
        })?;
        let is_end = u32::try_from(seqs.len()).is_ok_and(|read| read < limit);
        let mut found = RowsAfter {
            partition: Some((span.id, span.first)),
            through: seqs.last().copied().unwrap_or(after),
            ..RowsAfter::default()
        };
        if is_end {
            found.through = span.last.min(position);
        }
        for seq in seqs {
            found.rows.extend(reader.read(connection, &span, seq)?);
        }
        return Ok(found);
    }
    Ok(RowsAfter {
        through: after.max(position),
        ..RowsAfter::default()
    })
}

fn hours(
    connection: &Connection,
    issues: &[IssueId],
    times: &RangeInclusive<Millis>,
) -> Result<Vec<IssueHour>, Error> {
    let (first, last) = (hour(*times.start()), hour(*times.end()));
    let spans = partition::all(connection)?;
    let mut found = Vec::new();
    for issue in issues {
        let mut sums = std::collections::BTreeMap::<i64, u64>::new();
        for span in &spans {
            if hour(span.max_happened) < first || hour(span.min_happened) > last {
                continue;
            }
            let select = format!(
                "SELECT hour, hours.events FROM groups JOIN hours_{} AS hours
                    ON hours.group_id = groups.id
                WHERE issue = ?1 AND hour BETWEEN ?2 AND ?3",
                span.id
            );
            let of = params![issue.to_i64(), first, last];
            rows(connection, &select, of, |row| {
                let sum = sums.entry(row.get(0)?).or_default();
                *sum = sum.saturating_add(counted(row.get(1)?));
                Ok(())
            })?;
        }
        found.extend(sums.into_iter().map(|(hour, events)| IssueHour {
            issue: *issue,
            at: Millis(hour.saturating_mul(60 * Millis::MINUTE)),
            events,
        }));
    }
    Ok(found)
}
