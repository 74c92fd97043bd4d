//! To be replaced.
use crate::error::Error;
use crate::model::ids::{IssueId, Seq};
use crate::model::issue::Reopened;
use crate::model::tag::TagSummary;
use crate::model::time::Millis;
use crate::store::index::{
    CountBy, EventCounts, Index, IndexBatch, IssueHour, RowsAfter, TagScope,
};
use crate::store::query::{EventHits, EventQuery};
use async_trait::async_trait;
use std::ops::RangeInclusive;

/// To be replaced.
#[derive(Debug)]
pub(super) struct PostgresIndex;

#[async_trait]
impl Index for PostgresIndex {
    async fn position(&self) -> Result<Seq, Error> {
        Err(super::issues::unready())
    }

    async fn rows_after(&self, _: Seq, _: u32) -> Result<RowsAfter, Error> {
        Err(super::issues::unready())
    }

    async fn add(&self, _: IndexBatch) -> Result<Vec<Reopened>, Error> {
        Err(super::issues::unready())
    }

    async fn merge(&self) -> Result<bool, Error> {
        Err(super::issues::unready())
    }

    async fn tags(&self, _: &TagScope, _: Option<&str>, _: u32) -> Result<Vec<TagSummary>, Error> {
        Err(super::issues::unready())
    }

    async fn hours(
        &self,
        _: &[IssueId],
        _: RangeInclusive<Millis>,
    ) -> Result<Vec<IssueHour>, Error> {
        Err(super::issues::unready())
    }

    async fn find(&self, _: &EventQuery) -> Result<EventHits, Error> {
        Err(super::issues::unready())
    }

    async fn count(&self, _: &EventQuery, _: CountBy) -> Result<EventCounts, Error> {
        Err(super::issues::unready())
    }
}
