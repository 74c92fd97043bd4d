//! Files of large bodies that belong to no record: a crash between the file and its record leaves one,
//! and so does a record that is dropped while its file cannot be removed.

use std::ops::Range;
use std::sync::PoisonError;

use tokio_util::sync::CancellationToken;

use super::runner::{JobReport, Jobs};
use crate::blob::{BlobFile, Blobs};
use crate::error::{Error, ErrorKind};
use crate::model::time::Millis;
use crate::store::Store;

/// A file is left alone for so long: its record is on its way.
pub const GRACE_MS: i64 = 60 * Millis::MINUTE;
/// All files are looked at this often, in between only new ones.
const WHOLE_MS: i64 = Millis::DAY;
/// How many files are looked up at once.
const STEP: usize = 500;

/// What a run needs to know of the runs before.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// When a run began last.
    ran: Option<Millis>,
    /// When one began that looked at everything.
    ran_whole: Option<Millis>,
    /// What arrived before has been looked at.
    seen: Option<Millis>,
}

impl Memory {
    /// Returns the arrivals to look at now, if it is time.
    fn due(&self, now: Millis) -> Option<Range<Millis>> {
        let is_past = |moment: Option<Millis>, ms: i64| moment.is_none_or(|at| now.since(at) >= ms);
        if !is_past(self.ran, GRACE_MS) {
            return None;
        }
        let whole = is_past(self.ran_whole, WHOLE_MS);
        let from = self.seen.filter(|_| !whole).unwrap_or(Millis(0));
        Some(from..now.plus(-GRACE_MS))
    }

    fn done(&mut self, now: Millis, times: &Range<Millis>) {
        self.ran = Some(now);
        self.seen = Some(times.end);
        if times.start == Millis(0) {
            self.ran_whole = Some(now);
        }
    }
}

pub(super) async fn run(jobs: &Jobs, stop: &CancellationToken) -> Result<JobReport, Error> {
    let mut report = JobReport::default();
    let state = &jobs.state;
    let now = state.clock.now();
    let due = {
        let memory = jobs.orphans.lock().unwrap_or_else(PoisonError::into_inner);
        memory.due(now)
    };
    let Some(times) = due else {
        return Ok(report);
    };
    let files = files(&state.blobs, times.clone()).await?;
    // The index can only tell when it knows every record that names one of them.
    if state.progress.position() < state.journal.tail() {
        return Ok(report);
    }
    for files in files.chunks(STEP) {
        if stop.is_cancelled() {
            return Ok(report);
        }
        for orphan in unknown(files, &state.store).await? {
            state.blobs.remove(&orphan.name)?;
            report.blobs = report.blobs.saturating_add(1);
        }
    }
    let mut memory = jobs.orphans.lock().unwrap_or_else(PoisonError::into_inner);
    memory.done(now, &times);
    Ok(report)
}

/// Finds files that belong to no record, beside a running server too: what digest may not have
/// reached yet is left out.
///
/// # Errors
///
/// When the folder or the store cannot be read.
pub async fn orphans(blobs: &Blobs, store: &Store, now: Millis) -> Result<Vec<BlobFile>, Error> {
    let partitions = store.upkeep.partitions().await?;
    let digested = partitions.last().map_or(Millis(0), |last| last.newest);
    let times = Millis(0)..now.min(digested).plus(-GRACE_MS);
    let mut orphans = Vec::new();
    for files in files(blobs, times).await?.chunks(STEP) {
        orphans.extend(unknown(files, store).await?);
    }
    Ok(orphans)
}

async fn files(blobs: &Blobs, times: Range<Millis>) -> Result<Vec<BlobFile>, Error> {
    let blobs = blobs.clone();
    let listing = tokio::task::spawn_blocking(move || match blobs.received_in(times) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        result => Ok(result?),
    });
    listing
        .await
        .map_err(|error| Error::new(ErrorKind::System, error))?
}

async fn unknown(files: &[BlobFile], store: &Store) -> Result<Vec<BlobFile>, Error> {
    let bodies: Vec<_> = files
        .iter()
        .map(|file| (file.received, file.bytes))
        .collect();
    let known = store.events.known_bodies(&bodies).await?;
    let unknown = files.iter().zip(known).filter(|(_, known)| !known);
    Ok(unknown.map(|(file, _)| file.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_looked_at_first_and_daily_and_only_what_is_new_in_between() {
        let mut memory = Memory::default();
        let mut now = Millis(1_790_000_000_000);
        let first = memory.due(now).unwrap();
        assert_eq!(first, Millis(0)..now.plus(-GRACE_MS));
        memory.done(now, &first);
        assert_eq!(memory.due(now.plus(GRACE_MS - 1)), None);
        now = now.plus(GRACE_MS);
        let next = memory.due(now).unwrap();
        assert_eq!(next, first.end..now.plus(-GRACE_MS));
        memory.done(now, &next);
        now = now.plus(WHOLE_MS);
        assert_eq!(memory.due(now).unwrap().start, Millis(0));
    }
}
