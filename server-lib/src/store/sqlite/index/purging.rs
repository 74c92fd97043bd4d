//! Takes what was erased out of the file: out of the runs of the index, out of the full text, and
//! out of the pages that earlier merges left free.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::add::exists;
use super::merging::{advance, begin, clear_remains, exchange, put};
use super::{SqliteShelf, ready};
use crate::error::Error;
use crate::model::ids::{GroupId, PartitionId, ProjectId, Seq};
use crate::store::index::merging::Merging;
use crate::store::index::purge::{ErasedEvent, Going, MAX_ERASED};
use crate::store::index::shelf::Shelved;
use crate::store::sqlite::Sqlite;
use crate::store::sqlite::floors::{self, DELETED};
use crate::store::sqlite::partition;
use crate::store::sqlite::row::{counted, one, rows};
use crate::store::sqlite::writer::{Durability, Writer, counter, set_counter};

/// What is still to be done, see the counter `erasure`.
const ALL: i64 = 1;
const WORDS: i64 = 2;
const FREE_PAGES: i64 = 3;
const BLANKS: i64 = 4;
const NOTHING: i64 = 0;

/// The rest behind each step, in lengths of the step.
const REST_FACTOR: u32 = 3;
/// The longest rest.
const MAX_REST: Duration = Duration::from_secs(1);
/// Pages of words that are merged at once.
const WORD_PAGES: i64 = 64;
/// Free pages that are overwritten at once.
const BLANK_PAGES: i64 = 128;
/// What a page of a long value has besides the value.
const PAGE_LINK: i64 = 4;

/// A partition with something that goes.
struct Task {
    partition: PartitionId,
    first: Seq,
    erased: Vec<(Seq, GroupId, i64)>,
    mark: Option<i64>,
    merging: Option<Merging>,
}

/// Notes that traces of what was erased are still in the file.
pub(in crate::store::sqlite) fn note(connection: &Connection) -> Result<(), Error> {
    set_counter(connection, "erasure", ALL)
}

/// Notes that a project was deleted that partitions have.
pub(in crate::store::sqlite) fn note_deleted(connection: &Connection) -> Result<(), Error> {
    let mark = "INSERT INTO stale_partitions (id, mark, seq)
        SELECT id, 1, ?1 FROM partitions WHERE true
        ON CONFLICT DO UPDATE SET mark = mark + 1, seq = excluded.seq";
    connection.execute(mark, [counter(connection, "position")?])?;
    note(connection)
}

/// Notes an event that was erased.
pub(in crate::store::sqlite) fn note_event(
    connection: &Connection,
    seq: Seq,
    project: ProjectId,
    group: i64,
    hour: i64,
) -> Result<(), Error> {
    let insert = "INSERT OR IGNORE INTO erased_events (seq, project, group_id, hour)
        VALUES (?1, ?2, ?3, ?4)";
    connection
        .prepare_cached(insert)?
        .execute(params![seq.to_i64(), project.0, group, hour])?;
    Ok(())
}

/// Notes a group that lost events and has others.
pub(in crate::store::sqlite) fn note_group(
    connection: &Connection,
    group: i64,
) -> Result<(), Error> {
    let insert = "INSERT INTO stale_groups (id, mark, seq)
        SELECT id, 1, (SELECT value FROM counters WHERE name = 'position') FROM groups WHERE id = ?1
        ON CONFLICT DO UPDATE SET mark = mark + 1, seq = excluded.seq";
    connection.prepare_cached(insert)?.execute([group])?;
    Ok(())
}

/// Forgets what was noted of the records of a partition that goes.
pub(in crate::store::sqlite) fn forget(
    connection: &Connection,
    id: PartitionId,
    (first, last): (Seq, Seq),
) -> Result<(), Error> {
    let forget = "DELETE FROM erased_events WHERE seq BETWEEN ?1 AND ?2";
    connection.execute(forget, [first.to_i64(), last.to_i64()])?;
    connection.execute("DELETE FROM stale_partitions WHERE id = ?1", [id.0])?;
    Ok(())
}

impl Sqlite {
    /// Does some of what is to be done after erasures; false when it is nothing.
    pub(super) async fn purge_some(&self) -> Result<bool, Error> {
        let _turn = self.merging.lock().await;
        if self
            .read(|connection| counter(connection, "erasure"))
            .await?
            == NOTHING
        {
            return Ok(false);
        }
        if self.writer.run(clear_remains).await? {
            return Ok(true);
        }
        if let Some(task) = self.read(task).await? {
            self.purge_partition(task).await?;
            return Ok(true);
        }
        if !self.read(is_clean).await? {
            // It is its turn when the index knows it, or when it was read again.
            return Ok(false);
        }
        let started = Instant::now();
        let is_more = self.writer.run(wipe).await?;
        rest(started).await;
        Ok(is_more)
    }

    async fn purge_partition(&self, mut task: Task) -> Result<(), Error> {
        let Some(mut merging) = task.merging.take() else {
            return self
                .writer
                .run(move |writer| complete(writer, &task, None))
                .await;
        };
        let (partition, level) = (merging.partition, merging.level);
        let run = self
            .writer
            .run(move |writer| begin(writer, partition, level))
            .await?;
        loop {
            let started = Instant::now();
            let (pages, after, is_done) = self
                .read(move |connection| advance(connection, merging))
                .await?;
            merging = after;
            let is_there = pages.is_empty()
                || self
                    .writer
                    .run(move |writer| put(writer, partition, run, &pages))
                    .await?;
            if is_done || !is_there {
                break;
            }
            rest(started).await;
        }
        self.writer
            .run(move |writer| complete(writer, &task, Some((run, &merging))))
            .await
    }
}

async fn rest(started: Instant) {
    let pause = started.elapsed().saturating_mul(REST_FACTOR);
    tokio::time::sleep(pause.min(MAX_REST)).await;
}

/// Finds a partition of which something goes that the index knows.
fn task(connection: &Connection) -> Result<Option<Task>, Error> {
    let indexed = counter(connection, "indexed")?;
    for span in partition::all(connection)? {
        let select = "SELECT seq, project, group_id, hour FROM erased_events
            WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3";
        let last = span.last.to_i64().min(indexed);
        let of = params![span.first.to_i64(), last, MAX_ERASED];
        let mut hours = Vec::new();
        let erased = rows(connection, select, of, |row| {
            let event = ErasedEvent {
                seq: Seq(counted(row.get(0)?)),
                project: ProjectId(row.get(1)?),
                group: GroupId(row.get(2)?),
            };
            hours.push((event.seq, event.group, row.get(3)?));
            Ok(event)
        })?;
        let marked = "SELECT mark FROM stale_partitions WHERE id = ?1 AND seq <= ?2";
        let mark = one(connection, marked, params![span.id.0, indexed], |row| {
            Ok(row.get(0)?)
        })?;
        if erased.is_empty() && mark.is_none() {
            continue;
        }
        let mut deleted = Vec::new();
        if mark.is_some() {
            let floors = floors::all(connection)?.into_iter();
            let floors = floors.filter(|(_, received)| *received == DELETED);
            deleted.extend(floors.map(|(project, _)| project));
        }
        let shelved = Shelved {
            id: span.id,
            first: span.first,
            min_happened: span.min_happened,
            max_happened: span.max_happened,
        };
        let mut shelf = SqliteShelf::new(connection);
        let going = ready(Going::new(&mut shelf, &shelved, &erased, &deleted))?;
        let select = "SELECT id, level FROM runs WHERE partition = ?1 AND complete = 1
            ORDER BY level, id";
        let runs: Vec<(i64, i64)> = rows(connection, select, [span.id.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let is_needed = !going.is_empty() && !runs.is_empty();
        return Ok(Some(Task {
            partition: span.id,
            first: span.first,
            erased: hours,
            mark,
            merging: is_needed.then(|| Merging::without(span.id, &runs, going)),
        }));
    }
    Ok(None)
}

/// Shows the new run, and forgets what is gone with the old ones.
fn complete(
    writer: &mut Writer,
    task: &Task,
    written: Option<(i64, &Merging)>,
) -> Result<(), Error> {
    writer.write(Durability::Process, |transaction, _| {
        let partition = task.partition;
        if !exists(transaction, partition)? {
            return Ok(());
        }
        let mut sums = BTreeMap::<(i64, i64), i64>::new();
        if let Some((run, merging)) = written {
            exchange(transaction, run, &merging.runs)?;
            let known: BTreeMap<_, _> = (task.erased.iter())
                .map(|(seq, group, hour)| (*seq, (group.to_i64(), *hour)))
                .collect();
            for seq in merging
                .going()
                .into_iter()
                .flat_map(|going| going.had(task.first))
            {
                if let Some(hour) = known.get(&seq) {
                    let sum = sums.entry(*hour).or_default();
                    *sum = sum.saturating_add(1);
                }
            }
        }
        let subtract = format!(
            "UPDATE hours_{partition} SET events = events - ?3 WHERE group_id = ?1 AND hour = ?2"
        );
        let empty = format!(
            "DELETE FROM hours_{partition} WHERE group_id = ?1 AND hour = ?2 AND events <= 0"
        );
        for ((group, hour), events) in sums {
            let mut subtract = transaction.prepare_cached(&subtract)?;
            subtract.execute([group, hour, events])?;
            transaction.prepare_cached(&empty)?.execute([group, hour])?;
        }
        let unindexed = format!("DELETE FROM unindexed_{partition} WHERE seq = ?1");
        for forget in [
            unindexed.as_str(),
            "DELETE FROM erased_events WHERE seq = ?1",
        ] {
            let mut forget = transaction.prepare_cached(forget)?;
            for (seq, _, _) in &task.erased {
                forget.execute([seq.to_i64()])?;
            }
        }
        if let Some(mark) = task.mark {
            let clean = "DELETE FROM stale_partitions WHERE id = ?1 AND mark = ?2";
            transaction.execute(clean, params![partition.0, mark])?;
        }
        Ok(())
    })
}

/// Reports whether nothing waits for the index or to be read again.
fn is_clean(connection: &Connection) -> Result<bool, Error> {
    let any = "SELECT 1 WHERE EXISTS (SELECT 1 FROM erased_events)
        OR EXISTS (SELECT 1 FROM stale_partitions) OR EXISTS (SELECT 1 FROM stale_groups)";
    Ok(one(connection, any, [], |_| Ok(()))?.is_none())
}

/// Does a step of what comes behind the runs; false when all is done.
fn wipe(writer: &mut Writer) -> Result<bool, Error> {
    let next = match counter(writer.connection(), "erasure")? {
        ALL => {
            merge_words(writer, -WORD_PAGES)?;
            WORDS
        }
        WORDS => match merge_words(writer, WORD_PAGES)? {
            true => WORDS,
            false => FREE_PAGES,
        },
        FREE_PAGES => match overwrite(writer)? {
            true => FREE_PAGES,
            false => BLANKS,
        },
        BLANKS => match remove_blanks(writer)? {
            true => BLANKS,
            false => NOTHING,
        },
        _ => NOTHING,
    };
    writer.write(Durability::Process, |transaction, _| {
        set_counter(transaction, "erasure", next)
    })?;
    if next == NOTHING {
        writer.note_erased();
        writer.forget_erased()?;
    }
    Ok(next != NOTHING)
}

/// Merges words, which leaves out those of texts that are gone: with a negative number all of them
/// begin to become one. False when nothing was left to merge.
fn merge_words(writer: &mut Writer, pages: i64) -> Result<bool, Error> {
    writer.write(Durability::Process, |transaction, _| {
        let before = transaction.total_changes();
        let merge = "INSERT INTO text_words (text_words, rank) VALUES ('merge', ?1)";
        transaction.prepare_cached(merge)?.execute([pages])?;
        // The statement itself counts as one.
        Ok(transaction.total_changes().saturating_sub(before) > 1)
    })
}

/// Overwrites some free pages, by taking them for zeros; false when there is none.
fn overwrite(writer: &mut Writer) -> Result<bool, Error> {
    writer.write(Durability::Process, |transaction, _| {
        let free: i64 = transaction.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
        if free == 0 {
            return Ok(false);
        }
        let page: i64 = transaction.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        // One more than fits into so many: part of it lies beside the key.
        let pages = free.min(BLANK_PAGES).saturating_add(1);
        let bytes = page.saturating_sub(PAGE_LINK).saturating_mul(pages);
        transaction
            .prepare_cached("INSERT INTO blanks (body) VALUES (zeroblob(?1))")?
            .execute([bytes])?;
        Ok(true)
    })
}

/// Gives pages of zeros back; false when there is none.
fn remove_blanks(writer: &mut Writer) -> Result<bool, Error> {
    writer.write(Durability::Process, |transaction, _| {
        let remove = "DELETE FROM blanks WHERE id IN (SELECT id FROM blanks LIMIT 1)";
        Ok(transaction.prepare_cached(remove)?.execute([])? > 0)
    })
}
