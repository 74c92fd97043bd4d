//! The thread that writes runs and merges them.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::run::Run;
use super::{FAN, Shared, build, fill, remove};
use crate::error::Error;

/// More runs than these are merged whatever their sizes.
const MOST_RUNS: usize = 5 * FAN;

/// Starts the thread when there is something to do.
pub(super) struct Merger {
    shared: Arc<Shared>,
    thread: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Merger {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            thread: Mutex::new(None),
        }
    }

    /// Has the thread look for work.
    pub(super) fn wake(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((sender, _)) = &*thread
            && sender.send(()).is_ok()
        {
            return;
        }
        let (sender, receiver) = channel();
        let shared = Arc::clone(&self.shared);
        let started = std::thread::Builder::new()
            .name("mini-sentry-ids".to_owned())
            .spawn(move || work(&shared, &receiver));
        match started {
            Ok(handle) => {
                // The receiver lives as long as the thread.
                let _ = sender.send(());
                *thread = Some((sender, handle));
            }
            // Entries stay in memory, and the next batch tries again.
            Err(error) => tracing::warn!(%error, "no thread to write event ids"),
        }
    }

    /// Wakes the thread once after the runs were read, if there may be something to merge.
    pub(super) fn wake_if(&self, has_work: bool) {
        let is_idle = |thread: &Mutex<Option<_>>| {
            let thread = thread.lock().unwrap_or_else(PoisonError::into_inner);
            thread.is_none()
        };
        if has_work && is_idle(&self.thread) {
            self.wake();
        }
    }

    /// Waits until what was begun is done, and ends the thread.
    pub(super) fn close(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some((sender, handle)) = thread {
            drop(sender);
            if handle.join().is_err() {
                tracing::warn!("the thread that writes event ids ended badly");
            }
        }
    }
}

fn work(shared: &Shared, wakes: &Receiver<()>) {
    while wakes.recv().is_ok() {
        let done = write_waiting(shared).and_then(|()| merge_all(shared, wakes));
        if let Err(error) = done {
            // Everything is still in memory or in the older runs; the next wake tries again.
            tracing::warn!(error = %error, "event ids cannot be written");
        }
    }
}

fn write_waiting(shared: &Shared) -> Result<(), Error> {
    loop {
        let (first, sorted, budget) = {
            let state = shared.state();
            let Some(sorted) = state.waiting.first().map(Arc::clone) else {
                return Ok(());
            };
            let known = state.runs.last().map_or(0, |run| run.footer().last);
            (known.saturating_add(1), sorted, shared.budget(&state))
        };
        let run = fill::write(shared, first, &sorted, budget)?;
        let mut state = shared.state();
        // The runs may have been read again meanwhile, and the rows made into others.
        let is_next = |waiting: &Arc<_>| Arc::ptr_eq(waiting, &sorted);
        if state.waiting.first().is_some_and(is_next) {
            state.waiting.remove(0);
            state.runs.push(Arc::new(run));
        }
    }
}

fn merge_all(shared: &Shared, wakes: &Receiver<()>) -> Result<(), Error> {
    loop {
        let (chosen, floor) = {
            let state = shared.state();
            let Some(chosen) = choose(&state.runs, shared.sizes.run_entries) else {
                return Ok(());
            };
            (chosen, state.floor)
        };
        let path = build::merge(&shared.dir, shared.store, &chosen, floor)?;
        let mut state = shared.state();
        let begin = chosen.first().and_then(|first| {
            let same = |run: &Arc<Run>| Arc::ptr_eq(run, first);
            state.runs.iter().position(same)
        });
        let end = begin.map(|begin| begin.saturating_add(chosen.len()));
        let is_same = |(one, other): (&Arc<Run>, &Arc<Run>)| Arc::ptr_eq(one, other);
        let current = begin
            .zip(end)
            .and_then(|(begin, end)| state.runs.get(begin..end));
        if let Some((begin, end)) = begin.zip(end)
            && current.is_some_and(|current| current.iter().zip(&chosen).all(is_same))
        {
            let freed: u64 = chosen.iter().map(|run| run.filter_bytes()).sum();
            let mut budget = shared.budget(&state).saturating_add(freed);
            let merged = Run::open(path, &mut budget)?;
            state.runs.splice(begin..end, [Arc::new(merged)]);
            drop(state);
            chosen.iter().for_each(|run| remove(run.path()));
        } else {
            // Dropped or read again meanwhile.
            drop(state);
            remove(&path);
        }
        if wakes.try_recv().is_ok() {
            write_waiting(shared)?;
        }
    }
}

/// Returns neighbouring runs to merge: enough of one size, or just too many.
fn choose(runs: &[Arc<Run>], run_entries: usize) -> Option<Vec<Arc<Run>>> {
    let is_level = |window: &&[Arc<Run>]| {
        let level = window.first().map(|run| level(run, run_entries));
        window
            .iter()
            .all(|run| Some(self::level(run, run_entries)) == level)
    };
    let entries = |window: &&[Arc<Run>]| -> u64 {
        let entries = window.iter().map(|run| run.footer().entries);
        entries.sum()
    };
    let chosen = runs.windows(FAN).find(is_level);
    let crowded = || runs.windows(FAN).min_by_key(entries);
    let is_crowded = runs.len() > MOST_RUNS;
    let chosen = chosen.or_else(|| is_crowded.then(crowded).flatten());
    chosen.map(<[_]>::to_vec)
}

/// Returns the size of a run in steps of [`FAN`].
fn level(run: &Run, run_entries: usize) -> u32 {
    let runs = run.footer().entries / (run_entries as u64).max(1);
    runs.checked_ilog(FAN as u64).unwrap_or(0)
}
