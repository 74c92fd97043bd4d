//! The bounded trail of breadcrumbs in a scope.
//!
//! Adding is a push; a capture shares the whole trail with the scope at the cost of a few
//! reference counts. So the trail is a queue of shared, finished chunks and one open chunk, which
//! a capture finishes however short it is: what is never shared is never copied.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::protocol::Breadcrumb;

const CHUNK: usize = 16;
/// About how many bytes a breadcrumb holds.
#[cfg(feature = "worker")]
const WEIGHT: usize = size_of::<Breadcrumb>() + 64;

/// A trail of breadcrumbs, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Breadcrumbs {
    finished: VecDeque<Arc<Vec<Breadcrumb>>>,
    open: Vec<Breadcrumb>,
    finished_len: usize,
    /// A chunk that was let go. One entry is dropped for each that is added, as allocators like
    /// it best, and then its room becomes the next open chunk.
    leaving: Vec<Breadcrumb>,
    /// How many were ever added.
    added: usize,
}

impl Breadcrumbs {
    /// Adds one; beyond `max` the oldest are let go, a chunk at a time.
    pub(crate) fn push(&mut self, breadcrumb: Breadcrumb, max: usize) {
        if self.open.len() >= CHUNK {
            self.finish();
        }
        if self.open.capacity() == 0 {
            if self.leaving.is_empty() {
                self.open = std::mem::take(&mut self.leaving);
            }
            self.open.reserve_exact(CHUNK);
        }
        drop(self.leaving.pop());
        self.open.push(breadcrumb);
        self.added = self.added.wrapping_add(1);
        while let Some(oldest) = self.finished.front() {
            let without = self.finished_len.saturating_sub(oldest.len());
            if without.saturating_add(self.open.len()) < max {
                break;
            }
            self.finished_len = without;
            if let Some(chunk) = self.finished.pop_front().and_then(Arc::into_inner) {
                self.leaving = chunk;
            }
        }
    }

    /// Makes everything sharable.
    pub(crate) fn finish(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let chunk = std::mem::take(&mut self.open);
        self.finished_len = self.finished_len.saturating_add(chunk.len());
        self.finished.push_back(Arc::new(chunk));
    }

    /// About how many bytes the trail adds to what others share with it.
    #[cfg(feature = "worker")]
    pub(crate) fn weight(&self) -> usize {
        let finished = self.finished.iter().map(|chunk| {
            let bytes = chunk.len().saturating_mul(WEIGHT);
            bytes.checked_div(Arc::strong_count(chunk)).unwrap_or(bytes)
        });
        finished
            .sum::<usize>()
            .saturating_add(self.open.len().saturating_mul(WEIGHT))
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds what `theirs` got since it was a copy of `base`.
    pub(crate) fn take_over(&mut self, base: &Self, theirs: &Self) {
        let new = theirs.added.saturating_sub(base.added);
        for breadcrumb in theirs.newest(new) {
            // The next that is added keeps the bound again.
            self.push(breadcrumb.clone(), usize::MAX);
        }
    }

    /// The newest `max`, oldest first.
    pub(crate) fn newest(&self, max: usize) -> impl Iterator<Item = &Breadcrumb> {
        let all = self.finished_len.saturating_add(self.open.len());
        let chunks = self.finished.iter().flat_map(|chunk| chunk.iter());
        chunks.chain(&self.open).skip(all.saturating_sub(max))
    }
}

impl Clone for Breadcrumbs {
    fn clone(&self) -> Self {
        Self {
            finished: self.finished.clone(),
            open: self.open.clone(),
            finished_len: self.finished_len,
            leaving: Vec::new(),
            added: self.added,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crumb(n: usize) -> Breadcrumb {
        Breadcrumb {
            message: Some(n.to_string().into()),
            ..Breadcrumb::default()
        }
    }

    #[test]
    fn the_newest_are_kept_in_order_whatever_the_bound() {
        for max in [0, 1, 5, 16, 17, 100] {
            let mut trail = Breadcrumbs::default();
            for n in 0..250 {
                trail.push(crumb(n), max);
                let kept: Vec<_> = trail
                    .newest(max)
                    .map(|b| b.message.clone().unwrap())
                    .collect();
                let want: Vec<_> = ((n + 1).saturating_sub(max)..=n)
                    .map(|n| n.to_string())
                    .collect();
                assert_eq!(kept, want);
            }
            assert!(trail.finished_len + trail.open.len() <= max + CHUNK);
        }
    }

    #[test]
    fn a_copy_is_not_changed_by_later_breadcrumbs() {
        let mut trail = Breadcrumbs::default();
        (0..40).for_each(|n| trail.push(crumb(n), 100));
        let copy = trail.clone();
        (40..80).for_each(|n| trail.push(crumb(n), 100));
        assert_eq!(copy.newest(100).count(), 40);
        assert_eq!(trail.newest(100).count(), 80);
    }
}
