//! Merges runs: reads and joins on a reader's thread, writes in small transactions.

use rusqlite::{Connection, params};

use super::add::{exists, insert_pages, next_run};
use super::{SqliteShelf, ready};
use crate::error::Error;
use crate::model::ids::PartitionId;
use crate::store::index::merging::Merging;
use crate::store::index::page::Page;
use crate::store::sqlite::Sqlite;
use crate::store::sqlite::partition;
use crate::store::sqlite::row::{one, rows};
use crate::store::sqlite::writer::{Durability, Writer, counter};

impl Sqlite {
    /// Merges some runs; false when there is nothing to merge.
    pub(super) async fn merge_runs(&self) -> Result<bool, Error> {
        let _turn = self.merging.lock().await;
        if self.writer.run(clear_remains).await? {
            return Ok(true);
        }
        let Some(mut merging) = self.read(task).await? else {
            return Ok(false);
        };
        let (partition, level) = (merging.partition, merging.level);
        let old = merging.runs.clone();
        let run = self
            .writer
            .run(move |writer| begin(writer, partition, level))
            .await?;
        loop {
            let (pages, after, is_done) = self
                .read(move |connection| advance(connection, merging))
                .await?;
            merging = after;
            let is_there = self
                .writer
                .run(move |writer| put(writer, partition, run, &pages))
                .await?;
            if is_done || !is_there {
                break;
            }
        }
        self.writer
            .run(move |writer| complete(writer, run, &old))
            .await?;
        Ok(true)
    }
}

/// Joins some more. When the partition was dropped meanwhile, all is done.
pub(super) fn advance(
    connection: &Connection,
    mut merging: Merging,
) -> Result<(Vec<Page>, Merging, bool), Error> {
    if !exists(connection, merging.partition)? {
        return Ok((Vec::new(), merging, true));
    }
    let (pages, is_done) = ready(merging.advance(&mut SqliteShelf::new(connection)))?;
    Ok((pages, merging, is_done))
}

/// Finds runs that are worth merging.
fn task(connection: &Connection) -> Result<Option<Merging>, Error> {
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
        let merging = Merging::choose(span.id, &runs, is_finished);
        if merging.is_some() {
            return Ok(merging);
        }
    }
    Ok(None)
}

pub(super) fn begin(writer: &mut Writer, partition: PartitionId, level: i64) -> Result<i64, Error> {
    writer.write(Durability::Process, |transaction, _| {
        let run = next_run(transaction)?;
        let begin = "INSERT INTO runs (id, partition, level, complete) VALUES (?1, ?2, ?3, 0)";
        transaction.execute(begin, params![run, partition.0, level])?;
        Ok(run)
    })
}

/// Writes some pages; false when the partition is gone.
pub(super) fn put(
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
        exchange(transaction, run, old)
    })
}

/// Shows the new run instead of the old ones.
pub(super) fn exchange(connection: &Connection, run: i64, old: &[i64]) -> Result<(), Error> {
    let mut set = connection.prepare_cached("UPDATE runs SET complete = ?2 WHERE id = ?1")?;
    set.execute([run, 1])?;
    for id in old {
        set.execute([*id, 0])?;
    }
    Ok(())
}

/// Removes some pages of a run that is no more, or was not completed; false when there is none.
pub(super) fn clear_remains(writer: &mut Writer) -> Result<bool, Error> {
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
