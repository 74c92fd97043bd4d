//! Merges runs: reads and joins on a reader's thread, writes in small transactions.

use rusqlite::{Connection, params};

use super::add::{exists, insert_pages, next_run};
use super::read::Runs;
use crate::error::Error;
use crate::model::ids::PartitionId;
use crate::store::index::key::KINDS;
use crate::store::index::merge::Joiner;
use crate::store::index::page::Page;
use crate::store::sqlite::Sqlite;
use crate::store::sqlite::partition;
use crate::store::sqlite::row::{one, rows};
use crate::store::sqlite::writer::{Durability, Writer, counter};

/// Runs of one level that are merged when there are so many.
const FEW: usize = 6;
/// Runs of a finished partition that are merged at once.
const MANY: usize = 24;
/// Pages that are written in one transaction.
const PAGES: usize = 64;

/// Runs that are to become one.
struct Task {
    partition: PartitionId,
    runs: Vec<i64>,
    level: i64,
}

/// A merge under way: which sort of entries, and how far.
struct Progress {
    runs: Runs,
    kinds: std::vec::IntoIter<u8>,
    joiner: Option<(u8, Joiner, Vec<Vec<u8>>)>,
}

impl Sqlite {
    /// Merges some runs; false when there is nothing to merge.
    pub(super) async fn merge_runs(&self) -> Result<bool, Error> {
        if self.writer.run(clear_remains).await? {
            return Ok(true);
        }
        let Some(task) = self.read(task).await? else {
            return Ok(false);
        };
        let (partition, level) = (task.partition, task.level);
        let run = self
            .writer
            .run(move |writer| begin(writer, partition, level))
            .await?;
        let mut progress = Progress {
            runs: Runs {
                partition,
                ids: task.runs.clone(),
            },
            kinds: KINDS.to_vec().into_iter(),
            joiner: None,
        };
        loop {
            let (pages, after, is_done) = self
                .read(move |connection| {
                    let mut progress = progress;
                    let (pages, is_done) = progress.advance(connection)?;
                    Ok((pages, progress, is_done))
                })
                .await?;
            progress = after;
            let is_there = self
                .writer
                .run(move |writer| put(writer, partition, run, &pages))
                .await?;
            if is_done || !is_there {
                break;
            }
        }
        let runs = task.runs;
        self.writer
            .run(move |writer| complete(writer, run, &runs))
            .await?;
        Ok(true)
    }
}

impl Progress {
    /// Joins until enough pages are ready. Returns them, and whether all is done.
    fn advance(&mut self, connection: &Connection) -> Result<(Vec<Page>, bool), Error> {
        let mut ready = Vec::new();
        // A partition may be dropped meanwhile.
        if !exists(connection, self.runs.partition)? {
            return Ok((ready, true));
        }
        while ready.len() < PAGES {
            let Some((kind, joiner, behind)) = &mut self.joiner else {
                let Some(kind) = self.kinds.next() else {
                    return Ok((ready, true));
                };
                let runs = self.runs.ids.len();
                self.joiner = Some((kind, Joiner::new(kind, runs)?, vec![Vec::new(); runs]));
                continue;
            };
            while let Some(place) = joiner.wants() {
                let run = self.runs.ids.get(place).copied().unwrap_or_default();
                let from = behind.get(place).map(Vec::as_slice).unwrap_or_default();
                let page = self.runs.page_after(connection, run, *kind, from)?;
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

/// Finds runs that are worth merging.
fn task(connection: &Connection) -> Result<Option<Task>, Error> {
    let spans = partition::all(connection)?;
    let indexed = counter(connection, "indexed")?;
    let last = spans.last().map(|span| span.id);
    for span in &spans {
        let select = "SELECT id, level FROM runs WHERE partition = ?1 AND complete = 1
            ORDER BY level, id";
        let runs: Vec<(i64, i64)> = rows(connection, select, [span.id.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let is_finished = Some(span.id) != last && span.last.to_i64() <= indexed;
        if is_finished && runs.len() > 1 {
            let level = runs.iter().map(|(_, level)| *level).max().unwrap_or(0);
            return Ok(Some(Task {
                partition: span.id,
                runs: runs.into_iter().map(|(id, _)| id).take(MANY).collect(),
                level: level.saturating_add(1),
            }));
        }
        for same in runs.chunk_by(|(_, one), (_, two)| one == two) {
            if same.len() >= FEW {
                let level = same.first().map_or(0, |(_, level)| *level);
                return Ok(Some(Task {
                    partition: span.id,
                    runs: same.iter().map(|(id, _)| *id).take(FEW).collect(),
                    level: level.saturating_add(1),
                }));
            }
        }
    }
    Ok(None)
}

fn begin(writer: &mut Writer, partition: PartitionId, level: i64) -> Result<i64, Error> {
    writer.write(Durability::Process, |transaction, _| {
        let run = next_run(transaction)?;
        let begin = "INSERT INTO runs (id, partition, level, complete) VALUES (?1, ?2, ?3, 0)";
        transaction.execute(begin, params![run, partition.0, level])?;
        Ok(run)
    })
}

/// Writes some pages; false when the partition is gone.
fn put(
    writer: &mut Writer,
    partition: PartitionId,
    run: i64,
    pages: &[Page],
) -> Result<bool, Error> {
    writer.write(Durability::Process, |transaction, _| {
        if !exists(transaction, partition)? {
            return Ok(false);
        }
        insert_pages(transaction, partition, run, pages)?;
        Ok(true)
    })
}

/// Puts the new run in the place of the old ones.
fn complete(writer: &mut Writer, run: i64, old: &[i64]) -> Result<(), Error> {
    writer.write(Durability::Process, |transaction, _| {
        let mut set = transaction.prepare_cached("UPDATE runs SET complete = ?2 WHERE id = ?1")?;
        set.execute([run, 1])?;
        for id in old {
            set.execute([*id, 0])?;
        }
        Ok(())
    })
}

/// Removes some pages of a run that is no more, or was not completed; false when there is none.
fn clear_remains(writer: &mut Writer) -> Result<bool, Error> {
    let find = "SELECT id, partition FROM runs WHERE complete = 0 ORDER BY id LIMIT 1";
    let found = one(writer.connection(), find, [], |row| {
        Ok((row.get::<_, i64>(0)?, PartitionId(row.get(1)?)))
    })?;
    let Some((run, partition)) = found else {
        return Ok(false);
    };
    writer.write(Durability::Process, |transaction, _| {
        let mut removed = 0;
        if exists(transaction, partition)? {
            let remove = format!(
                "DELETE FROM pages_{partition} WHERE id IN
                    (SELECT id FROM pages_{partition} WHERE run = ?1 LIMIT 500)"
            );
            removed = transaction.prepare_cached(&remove)?.execute([run])?;
        }
        if removed == 0 {
            transaction.execute("DELETE FROM runs WHERE id = ?1", [run])?;
        }
        Ok(true)
    })
}
