//! Which ids of events and transactions are in the index, without a B-tree over them.
//!
//! Ids are random, so each new one would touch another page of a B-tree, and each page would be
//! written for one row. Here they are kept in memory until there are some ten thousand, sorted by
//! their hash and written as a [run](run); runs of a size are merged into a larger one by a thread
//! of its own. A filter for each run answers almost all questions for ids that are new.
//!
//! Nothing here is the truth. An answer is a place where the id may be, and the caller looks at
//! the row. Runs are made from rows, and made again from rows when they are missing, damaged, of
//! another database, or ahead of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mini_sentry::protocol::EventId;
use rusqlite::Connection;

use crate::error::{Error, ErrorKind};

mod bloom;
mod build;
mod fill;
mod hash;
mod memory;
mod merge;
mod run;

pub(super) use hash::Entry;
use memory::{Active, Sorted};
use merge::Merger;
use run::Run;

/// Runs of a size that are merged into one, and so the ratio between sizes.
const FAN: usize = 8;

/// Sorted entries that may wait for being written, in runs.
const WAITING_RUNS: usize = 8;

/// How much is kept in memory.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Entries that are kept at least before they become a run.
    run_entries: usize,
    /// Bytes of filters. Larger indexes read the blocks of the rest from the page cache.
    filter_bytes: u64,
}

/// The filters are those of six million events.
const SIZES: Sizes = Sizes {
    run_entries: 32 * 1024,
    filter_bytes: 8 * 1024 * 1024,
};

/// The index of event ids.
pub(super) struct Ids {
    shared: Arc<Shared>,
    merger: Merger,
}

/// What the writer, the readers and the merging thread share.
struct Shared {
    dir: PathBuf,
    store: i64,
    sizes: Sizes,
    state: Mutex<State>,
}

/// Where the entries are. Each place is known by exactly one part.
#[derive(Default)]
struct State {
    /// Whether the rest was read at all.
    is_loaded: bool,
    /// All places up to this one are known.
    upto: u64,
    /// Nothing below this place is in the index any more.
    floor: u64,
    /// In files, oldest first.
    runs: Vec<Arc<Run>>,
    /// Sorted and waiting for being written, oldest first; newer than the runs.
    waiting: Vec<Arc<Sorted>>,
    /// The newest.
    active: Active,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is left of the memory for filters.
    fn budget(&self, state: &State) -> u64 {
        let used = state.runs.iter().map(|run| run.filter_bytes()).sum();
        self.sizes.filter_bytes.saturating_sub(used)
    }
}

/// Returns the hash under which an id is kept.
pub(super) fn hash_of(id: EventId) -> u64 {
    hash::hash(id)
}

impl Ids {
    /// Makes the index of a database. Nothing is read before it is needed.
    pub(super) fn new(database: &Path, store: i64) -> Self {
        Self::sized(database, store, SIZES)
    }

    fn sized(database: &Path, store: i64, sizes: Sizes) -> Self {
        let mut dir = database.as_os_str().to_owned();
        dir.push("-ids");
        let shared = Arc::new(Shared {
            dir: dir.into(),
            store,
            sizes,
            state: Mutex::new(State::default()),
        });
        Self {
            merger: Merger::new(Arc::clone(&shared)),
            shared,
        }
    }

    /// Returns the folder of the runs.
    pub(super) fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Returns where the hashes may be, as the index of the hash and a place. Knows all that the
    /// connection sees.
    pub(super) fn search(
        &self,
        connection: &Connection,
        hashes: &[u64],
    ) -> Result<Vec<(usize, u64)>, Error> {
        match self.try_search(connection, hashes) {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                // A run is damaged: it is left out when all are read again, and its part made anew.
                tracing::warn!(error = %error, "a run of event ids is made again");
                self.discard_damaged();
                self.try_search(connection, hashes)
            }
            answer => answer,
        }
    }

    /// Adds the entries of a batch that ended at `upto` and is committed.
    pub(super) fn add(&self, entries: &[Entry], upto: u64) {
        let mut state = self.shared.state();
        for entry in entries {
            state.active.insert(*entry);
        }
        state.upto = state.upto.max(upto);
        let upto = state.upto;
        if state.active.len() >= self.shared.sizes.run_entries && state.waiting.len() < WAITING_RUNS
        {
            let sorted = state.active.take_sorted(upto);
            state.waiting.push(Arc::new(sorted));
            drop(state);
            self.merger.wake();
        }
    }

    /// Tells that nothing below the place is in the index any more.
    pub(super) fn raise_floor(&self, floor: u64) {
        let mut state = self.shared.state();
        state.floor = state.floor.max(floor);
        let (kept, gone) = std::mem::take(&mut state.runs)
            .into_iter()
            .partition(|run| run.footer().last >= floor);
        state.runs = kept;
        drop(state);
        let gone: Vec<Arc<Run>> = gone;
        gone.iter().for_each(|run| remove(run.path()));
    }

    /// Reads all runs once, and returns what is wrong.
    pub(super) fn check(&self) -> Vec<String> {
        let runs = self.shared.state().runs.clone();
        let damaged = runs.iter().filter_map(|run| run.verify().err());
        damaged.map(|error| error.to_string()).collect()
    }

    /// Writes what waits, and ends the thread.
    pub(super) fn close(&self) {
        self.merger.close();
    }

    fn try_search(
        &self,
        connection: &Connection,
        hashes: &[u64],
    ) -> Result<Vec<(usize, u64)>, Error> {
        let mut found = Vec::new();
        let (runs, waiting) = {
            let mut state = self.shared.state();
            fill::catch_up(&self.shared, &mut state, connection)?;
            for (index, hash) in hashes.iter().enumerate() {
                state
                    .active
                    .search(*hash, &mut |seq| found.push((index, seq)));
            }
            (state.runs.clone(), state.waiting.clone())
        };
        self.merger.wake_if(runs.len() >= FAN);
        for sorted in &waiting {
            for (index, hash) in hashes.iter().enumerate() {
                sorted.search(*hash, &mut |seq| found.push((index, seq)));
            }
        }
        // Run by run, and in the order of the hashes: neighbours share lines of cache.
        let mut order: Vec<_> = hashes.iter().copied().enumerate().collect();
        order.sort_unstable_by_key(|(_, hash)| *hash);
        for run in &runs {
            for (index, hash) in &order {
                run.search(*hash, &mut |seq| found.push((*index, seq)))?;
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    fn discard_damaged(&self) {
        let mut state = self.shared.state();
        for run in &state.runs {
            if run.verify().is_err() {
                remove(run.path());
            }
        }
        *state = State {
            floor: state.floor,
            ..State::default()
        };
    }
}

/// Removes a file that is no longer needed. If that fails, the next start finds it covered by
/// others and tries again.
fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file cannot be removed");
    }
}

#[cfg(test)]
mod tests;
