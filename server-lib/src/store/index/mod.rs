//! The search index: which events have which tags, what an issue's events have in common, and the
//! words of messages and frames.
//!
//! The indexer adds events some seconds after digest stored them, many at once. What it adds is
//! sorted and written in *runs*: pages in the order of their keys, packed, never changed. Runs of a
//! partition are merged by and by into larger ones, and all of them go with the partition. A
//! question reads one page of each run. Sets of events and of groups are bitmaps, so conditions are
//! put together without looking at rows.
//!
//! Everything that backends share is here: [`Pending`] gathers, [`page`] packs,
//! [`merge`] joins, [`ask`] decides. Backends keep pages, and read what questions need.

use std::ops::RangeInclusive;

use async_trait::async_trait;

use super::query::{EventHits, EventQuery};
use crate::error::Error;
use crate::model::event::EventRow;
use crate::model::ids::{IssueId, PartitionId, ProjectId, Seq};
use crate::model::issue::Reopened;
use crate::model::tag::TagSummary;
use crate::model::time::Millis;

pub mod ask;
pub(super) mod count;
pub(super) mod find;
pub mod key;
pub(super) mod members;
pub mod merge;
pub(super) mod merging;
pub mod page;
mod parts;
pub mod pending;
pub mod people;
pub(super) mod purge;
pub(super) mod renewal;
pub(super) mod shelf;
pub(super) mod split;
pub(super) mod tags;
mod values;

pub use parts::{Measures, Part, PartKey, Parts, Split, SplitBy};
pub use pending::{GroupText, IndexBatch, IndexedEvent, Pending};
pub use renewal::{Renewal, StaleGroup};

/// The search index.
#[async_trait]
pub trait Index: Send + Sync + 'static {
    /// Returns the last record that is indexed; 0 when none is.
    async fn position(&self) -> Result<Seq, Error>;

    /// Returns the first rows of events after a place, of one partition only. For the indexer when
    /// it has not got them from digest.
    async fn rows_after(&self, after: Seq, limit: u32) -> Result<RowsAfter, Error>;

    /// Writes what the indexer gathered and moves the position, all or nothing. A batch that is not
    /// beyond the position changes nothing.
    /// Returns the issues that were opened again, because they affect more people than somebody
    /// wanted to hear of.
    async fn add(&self, batch: IndexBatch) -> Result<Vec<Reopened>, Error>;

    /// Merges some runs; false when there is nothing to merge.
    async fn merge(&self) -> Result<bool, Error>;

    /// Takes some of what was erased out of the index and of whatever else may hold copies of it;
    /// false when there is nothing left to do. Slow, and with rests, so that others come in between.
    async fn purge(&self) -> Result<bool, Error>;

    /// Returns a group that lost events and has others, if there is any.
    async fn stale_group(&self) -> Result<Option<StaleGroup>, Error>;

    /// Writes what was read again of a group. False when its issue got a later event meanwhile: what
    /// was read is not the latest then.
    async fn renew(&self, renewal: Renewal) -> Result<bool, Error>;

    /// Returns the names of tags with how often they were seen, most frequent first, and the
    /// `values` most frequent values of each; of one name only, or of all.
    async fn tags(
        &self,
        scope: &TagScope,
        key: Option<&str>,
        values: u32,
    ) -> Result<Vec<TagSummary>, Error>;

    /// Counts the events of issues by hour.
    async fn hours(
        &self,
        issues: &[IssueId],
        times: RangeInclusive<Millis>,
    ) -> Result<Vec<IssueHour>, Error>;

    /// Finds events by what the index knows.
    async fn find(&self, query: &EventQuery) -> Result<EventHits, Error>;

    /// Counts the events that `find` would return without a limit. Times that are no whole hours
    /// cost reading rows, and counting by issue does, so there are bounds: see
    /// [`EventCounts::is_incomplete`].
    async fn count(&self, query: &EventQuery, by: CountBy) -> Result<EventCounts, Error>;

    /// Splits the events that `find` would return without a limit up, and tells of each part what
    /// is asked for. As far as rows have to be read there are bounds: see [`Parts::is_incomplete`].
    /// People and issues of periods of some hours are those of whole hours.
    async fn split(&self, query: &EventQuery, split: &Split) -> Result<Parts, Error>;
}

/// Rows of events after a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowsAfter {
    /// The partition that they are in; `None` when there is none after the place.
    pub partition: Option<(PartitionId, Seq)>,
    /// The rows, in order.
    pub rows: Vec<EventRow>,
    /// Up to here there are no others.
    pub through: Seq,
}

/// Whose tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagScope {
    /// Those of an issue's events.
    Issue(IssueId),
    /// Those of all events of projects.
    Projects(Vec<ProjectId>),
}

/// The events of an issue in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssueHour {
    /// The issue.
    pub issue: IssueId,
    /// The hour's beginning.
    pub at: Millis,
    /// How many.
    pub events: u64,
}

/// What to count events by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountBy {
    /// Nothing: one number.
    Nothing,
    /// By the hour in which they happened.
    Hour,
    /// By the value of a tag, of the most frequent values only.
    Tag(String),
    /// By issue, of the issues with the most events only.
    Issue,
}

/// Numbers of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventCounts {
    /// What they were counted by, with the number, most first; of hours, in their order.
    pub counts: Vec<(CountKey, u64)>,
    /// True when the numbers may be too small, because a question may look at so much only.
    pub is_incomplete: bool,
}

/// What events were counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CountKey {
    /// All of them.
    All,
    /// An hour, by its beginning.
    Hour(Millis),
    /// A value of the tag.
    Tag(String),
    /// An issue.
    Issue(IssueId),
}
