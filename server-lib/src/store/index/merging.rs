//! Which runs are merged, and the merge of one sort of entries after the other.

use std::sync::Arc;

use super::key::KINDS;
use super::merge::Joiner;
use super::page::Page;
use super::purge::{Going, Preparing};
use super::shelf::Shelf;
use crate::error::Error;
use crate::model::ids::PartitionId;

/// Runs of one level that are merged when there are so many.
const FEW: usize = 6;
/// Runs of a finished partition that are merged at once.
const MANY: usize = 24;
/// Pages that are written in one transaction.
const PAGES: usize = 64;

/// A merge under way: which sort of entries, and how far.
pub(in crate::store) struct Merging {
    /// The partition.
    pub(in crate::store) partition: PartitionId,
    /// The runs that are to become one.
    pub(in crate::store) runs: Vec<i64>,
    /// How often the new run was merged.
    pub(in crate::store) level: i64,
    /// What goes on the way, as long as that is being found out …
    preparing: Option<Preparing>,
    /// … and then.
    going: Option<Arc<Going>>,
    kinds: std::vec::IntoIter<u8>,
    joiner: Option<(u8, Joiner, Vec<Vec<u8>>)>,
}

impl Merging {
    /// Chooses among the runs of a partition, given with their levels, lowest first: those that are
    /// worth it. Of a partition that is finished all become one.
    pub(in crate::store) fn choose(
        partition: PartitionId,
        runs: &[(i64, i64)],
        is_finished: bool,
    ) -> Option<Self> {
        let chosen = if is_finished {
            (runs.len() > 1).then(|| runs.get(..MANY).unwrap_or(runs))
        } else {
            let mut same = runs.chunk_by(|(_, one), (_, two)| one == two);
            let same = same.find(|same| same.len() >= FEW);
            same.map(|same| same.get(..FEW).unwrap_or(same))
        }?;
        Some(Self::new(partition, chosen, None))
    }

    /// Merges all runs of a partition into one without what goes.
    pub(in crate::store) fn without(
        partition: PartitionId,
        runs: &[(i64, i64)],
        going: Going,
    ) -> Self {
        Self::new(partition, runs, Some(Preparing::new(going)))
    }

    fn new(partition: PartitionId, runs: &[(i64, i64)], preparing: Option<Preparing>) -> Self {
        let level = runs.iter().map(|(_, level)| *level).max().unwrap_or(0);
        Self {
            partition,
            runs: runs.iter().map(|(id, _)| *id).collect(),
            level: level.saturating_add(1),
            preparing,
            going: None,
            kinds: KINDS.to_vec().into_iter(),
            joiner: None,
        }
    }

    /// Returns what goes, once that is known.
    pub(in crate::store) fn going(&self) -> Option<&Going> {
        self.going.as_deref()
    }

    /// Joins until enough pages are ready. Returns them, and whether all is done. There are none while
    /// it is being found out what goes.
    pub(in crate::store) async fn advance(
        &mut self,
        shelf: &mut impl Shelf,
    ) -> Result<(Vec<Page>, bool), Error> {
        if let Some(mut preparing) = self.preparing.take() {
            if !preparing.advance(shelf, self.partition, &self.runs).await? {
                self.preparing = Some(preparing);
                return Ok((Vec::new(), false));
            }
            self.going = Some(Arc::new(preparing.into_going()));
        }
        let mut ready = Vec::new();
        while ready.len() < PAGES {
            let Some((kind, joiner, behind)) = &mut self.joiner else {
                let Some(kind) = self.kinds.next() else {
                    return Ok((ready, true));
                };
                let runs = self.runs.len();
                let joiner = Joiner::new(kind, runs)?.without(self.going.clone());
                self.joiner = Some((kind, joiner, vec![Vec::new(); runs]));
                continue;
            };
            while let Some(place) = joiner.wants() {
                let run = self.runs.get(place).copied().unwrap_or_default();
                let from = behind.get(place).map(Vec::as_slice).unwrap_or_default();
                let page = shelf.page_after(self.partition, run, *kind, from).await?;
                joiner.feed(place, page.as_ref().map(|(_, body)| body.as_slice()))?;
                if let (Some((first, _)), Some(from)) = (page, behind.get_mut(place)) {
                    *from = first;
                }
            }
            let is_end = joiner.join()?;
            ready.extend(joiner.take(is_end)?);
            if is_end {
                self.joiner = None;
            }
        }
        Ok((ready, false))
    }
}
