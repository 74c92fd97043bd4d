//! Which runs are merged, and the merge of one sort of entries after the other.

use super::key::KINDS;
use super::merge::Joiner;
use super::page::Page;
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
        let level = chosen.iter().map(|(_, level)| *level).max().unwrap_or(0);
        Some(Self {
            partition,
            runs: chosen.iter().map(|(id, _)| *id).collect(),
            level: level.saturating_add(1),
            kinds: KINDS.to_vec().into_iter(),
            joiner: None,
        })
    }

    /// Joins until enough pages are ready. Returns them, and whether all is done.
    pub(in crate::store) async fn advance(
        &mut self,
        shelf: &mut impl Shelf,
    ) -> Result<(Vec<Page>, bool), Error> {
        let mut ready = Vec::new();
        while ready.len() < PAGES {
            let Some((kind, joiner, behind)) = &mut self.joiner else {
                let Some(kind) = self.kinds.next() else {
                    return Ok((ready, true));
                };
                let runs = self.runs.len();
                self.joiner = Some((kind, Joiner::new(kind, runs)?, vec![Vec::new(); runs]));
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
