//! Reads runs, and makes from rows what they do not know.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mini_sentry::protocol::EventId;
use rusqlite::{Connection, params};

use super::build::{self, EXTENSION, Range, UNFINISHED};
use super::hash::{self, Entry};
use super::memory::Sorted;
use super::run::Run;
use super::{FAN, Shared, State, remove};
use crate::error::{Error, ErrorKind};
use crate::model::record::RecordKind;
use crate::store::sqlite::connection::damaged;
use crate::store::sqlite::partition::{self, Span};
use crate::store::sqlite::row::{counted, stored};
use crate::store::sqlite::writer::counter;

/// Files that nobody finished in this time are left from a crash.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// Makes the state know everything that the connection sees.
pub(super) fn catch_up(
    shared: &Shared,
    state: &mut State,
    connection: &Connection,
) -> Result<(), Error> {
    let position = counted(counter(connection, "position")?);
    if !state.is_loaded {
        load(shared, state, connection, position)?;
    }
    if state.upto < position {
        // Another handle has written, or the last run ends before the last row.
        let spans = partition::all(connection)?;
        let from = state.upto.saturating_add(1);
        make(shared, state, connection, &spans, from, position)?;
        state.upto = position;
    }
    Ok(())
}

fn load(
    shared: &Shared,
    state: &mut State,
    connection: &Connection,
    position: u64,
) -> Result<(), Error> {
    let spans = partition::all(connection)?;
    let floor = spans.first().map_or(0, |span| span.first.0);
    *state = State {
        floor: floor.max(state.floor),
        ..State::default()
    };
    let mut next = floor.max(1);
    for run in usable(shared, state.floor, position)? {
        let footer = *run.footer();
        if next < footer.first {
            make(shared, state, connection, &spans, next, footer.first - 1)?;
            settle(shared, state)?;
        }
        state.runs.push(Arc::new(run));
        next = footer.last.saturating_add(1);
    }
    state.upto = next.saturating_sub(1);
    state.is_loaded = true;
    Ok(())
}

/// Opens the runs that belong to the database and do not overlap, oldest first. Others are removed.
fn usable(shared: &Shared, floor: u64, position: u64) -> Result<Vec<Run>, Error> {
    let mut found: Vec<(Range, PathBuf)> = Vec::new();
    let listed = match fs::read_dir(&shared.dir) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    for file in listed {
        let path = file?.path();
        match range_of(&path) {
            Some(range) => found.push((range, path)),
            None if is_abandoned(&path) => remove(&path),
            None => (),
        }
    }
    // Of those that begin alike, the longest first: a merged run comes before its parts.
    found.sort_unstable_by_key(|(range, _)| (range.first, u64::MAX - range.last));
    let mut budget = shared.budget(&State::default());
    let mut runs: Vec<Run> = Vec::new();
    for (range, path) in found {
        let known = runs.last().map_or(0, |run| run.footer().last);
        let is_useful = range.first > known && range.last >= floor && range.last <= position;
        let opened = match is_useful {
            true => Run::open(path.clone(), &mut budget).map(Some),
            false => Ok(None),
        };
        match opened {
            Ok(Some(run)) if run.footer().store == shared.store => runs.push(run),
            Ok(_) => remove(&path),
            // Merged by another process since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => (),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                tracing::warn!(error = %error, "a run of event ids is made again");
                remove(&path);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(runs)
}

/// Makes entries from the rows of some places: runs of whole chunks, and the rest as the newest.
fn make(
    shared: &Shared,
    state: &mut State,
    connection: &Connection,
    spans: &[Span],
    from: u64,
    to: u64,
) -> Result<(), Error> {
    for span in spans {
        if span.last.0 < from || to < span.first.0 {
            continue;
        }
        let (id, transaction) = (span.id, RecordKind::Transaction.code());
        let select = format!(
            "SELECT seq, event_id FROM events_{id} WHERE seq BETWEEN ?1 AND ?2
            UNION ALL
            SELECT seq, event_id FROM items_{id} WHERE seq BETWEEN ?1 AND ?2
                AND kind = {transaction} AND event_id IS NOT NULL
            ORDER BY seq"
        );
        let mut select = connection.prepare_cached(&select)?;
        let mut rows = select.query(params![stored(from), stored(to)])?;
        while let Some(row) = rows.next()? {
            let seq = counted(row.get(0)?);
            let id: &[u8] = row.get_ref(1)?.as_blob().map_err(|_| damaged("event id"))?;
            let id: [u8; 16] = id.try_into().map_err(|_| damaged("event id"))?;
            let hash = hash::hash(EventId::from_bytes(id));
            state.active.insert(Entry { hash, seq });
            state.upto = seq;
            // Larger than usual, because all of them are there already.
            if state.active.len() >= shared.sizes.run_entries.saturating_mul(FAN) {
                settle(shared, state)?;
            }
        }
    }
    state.upto = to;
    Ok(())
}

/// Writes the newest entries as a run at once.
fn settle(shared: &Shared, state: &mut State) -> Result<(), Error> {
    let first = state.runs.last().map_or(0, |run| run.footer().last);
    let waiting = state.waiting.last().map_or(0, |sorted| sorted.last());
    let first = first.max(waiting).saturating_add(1);
    let sorted = state.active.take_sorted(state.upto);
    if sorted.entries().is_empty() {
        return Ok(());
    }
    if !state.waiting.is_empty() {
        // Runs are written in order: the merging thread takes this one after the others.
        state.waiting.push(Arc::new(sorted));
        return Ok(());
    }
    let run = write(shared, first, &sorted, shared.budget(state))?;
    state.runs.push(Arc::new(run));
    Ok(())
}

/// Writes sorted entries as a run that knows all from `first` on.
pub(super) fn write(
    shared: &Shared,
    first: u64,
    sorted: &Sorted,
    mut budget: u64,
) -> Result<Run, Error> {
    fs::create_dir_all(&shared.dir)?;
    let range = Range {
        first,
        last: sorted.last(),
    };
    let entries = sorted.entries();
    let path = build::write(
        &shared.dir,
        shared.store,
        range,
        entries.len() as u64,
        entries.iter().map(|entry| Ok(*entry)),
    )?;
    Run::open(path, &mut budget)
}

fn range_of(path: &Path) -> Option<Range> {
    if path.extension()? != EXTENSION {
        return None;
    }
    let (first, last) = path.file_stem()?.to_str()?.split_once('-')?;
    Some(Range {
        first: first.parse().ok()?,
        last: last.parse().ok()?,
    })
}

fn is_abandoned(path: &Path) -> bool {
    let is_unfinished = path.extension().is_some_and(|end| end == UNFINISHED);
    let modified = path.metadata().and_then(|metadata| metadata.modified());
    let age = modified.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    is_unfinished && age.is_ok_and(|age| age > ABANDONED)
}
