//! What a backend reads for questions; the answers are made of it for all backends alike.

use std::ops::RangeInclusive;

use roaring::RoaringBitmap;

use super::ask::Sets;
use crate::error::Error;
use crate::model::event::EventRow;
use crate::model::ids::{GroupId, IssueId, PartitionId, ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::state::Words;

/// A partition of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Shelved {
    /// Its number.
    pub(in crate::store) id: PartitionId,
    /// Its first place.
    pub(in crate::store) first: Seq,
    /// No event of it happened before …
    pub(in crate::store) min_happened: Millis,
    /// … or later.
    pub(in crate::store) max_happened: Millis,
}

impl Shelved {
    /// Returns the hours in which its events may have happened.
    pub(super) fn hours(&self) -> RangeInclusive<i64> {
        hour(self.min_happened)..=hour(self.max_happened)
    }

    /// Returns those of the hours that are asked for.
    pub(super) fn hours_within(&self, asked: &RangeInclusive<i64>) -> RangeInclusive<i64> {
        let own = self.hours();
        *own.start().max(asked.start())..=*own.end().min(asked.end())
    }
}

/// Returns the hour of a moment, counted since 1970.
pub(in crate::store) fn hour(at: Millis) -> i64 {
    at.minute().div_euclid(60)
}

/// Events that the index has and nobody is shown any more.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Gone {
    /// Their places, counted from the partition's first.
    pub(in crate::store) offsets: RoaringBitmap,
    /// Groups of which all are gone.
    pub(in crate::store) groups: Vec<GroupId>,
    /// Projects of which all are gone.
    pub(in crate::store) projects: Vec<ProjectId>,
}

/// What is counted of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Brief {
    /// When it happened.
    pub(in crate::store) at: Millis,
    /// Its issue.
    pub(in crate::store) issue: IssueId,
    /// A hash of who was affected.
    pub(in crate::store) user: Option<i64>,
}

/// A page that is there: its first key and its body.
pub(in crate::store) type StoredPage = (Vec<u8>, Vec<u8>);

/// What a backend reads for one answer, from one state of the database.
pub(in crate::store) trait Shelf {
    /// Returns the partitions, oldest first.
    async fn spans(&mut self) -> Result<Vec<Shelved>, Error>;

    /// Returns the projects that are not deleted.
    async fn shown(&mut self, projects: &[ProjectId]) -> Result<Vec<ProjectId>, Error>;

    /// Returns the groups of an issue.
    async fn groups(&mut self, issue: IssueId) -> Result<Vec<GroupId>, Error>;

    /// Returns the groups that have words.
    async fn with_words(&mut self, words: &Words) -> Result<RoaringBitmap, Error>;

    /// Returns the groups that there are, but those of deleted projects.
    async fn known_groups(&mut self) -> Result<RoaringBitmap, Error>;

    /// Returns the groups that are in another issue than the one that they opened, with that.
    async fn moved(&mut self) -> Result<Vec<(u32, u32)>, Error>;

    /// Returns the sets of things by their numbers; empty ones may be missing.
    async fn sets(
        &mut self,
        partition: PartitionId,
        kind: u8,
        numbers: &[u64],
    ) -> Result<Sets, Error>;

    /// Returns the pages that may have keys from the one to before the other, of each run in order.
    async fn pages(
        &mut self,
        partition: PartitionId,
        kind: u8,
        from: &[u8],
        until: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error>;

    /// Returns of each run the pages among which the first key from the one on is, but none that has
    /// only keys from the other on.
    async fn first_pages(
        &mut self,
        partition: PartitionId,
        kind: u8,
        from: &[u8],
        until: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error>;

    /// Returns the page of a run behind the one that begins with a key, with its own first key. The
    /// first one is behind the empty key.
    async fn page_after(
        &mut self,
        partition: PartitionId,
        run: i64,
        kind: u8,
        key: &[u8],
    ) -> Result<Option<StoredPage>, Error>;

    /// Reads rows in the order asked, those that are there and shown.
    async fn rows(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<EventRow>, Error>;

    /// Returns when events happened, of those that are there.
    async fn times(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<(Seq, Millis)>, Error>;

    /// Returns the issue of each event, of those that are there.
    async fn issues(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<IssueId>, Error>;

    /// Returns what is counted of each event, of those that are there.
    async fn briefs(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<Brief>, Error>;

    /// Returns what is gone of a partition.
    async fn gone(&mut self, span: &Shelved, projects: &[ProjectId]) -> Result<Gone, Error>;

    /// Sums up the events of projects by issue, in some hours.
    async fn sums(
        &mut self,
        span: &Shelved,
        projects: &[ProjectId],
        hours: RangeInclusive<i64>,
    ) -> Result<Vec<(IssueId, u64)>, Error>;
}
