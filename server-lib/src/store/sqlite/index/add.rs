//! Writes what the indexer gathered.

use rusqlite::{Connection, Transaction, params};

use crate::error::{Error, ErrorKind};
use crate::model::ids::{GroupId, PartitionId, Seq};
use crate::model::issue::{IssueStatus, Reopened};
use crate::store::index::people::People;
use crate::store::index::{GroupText, IndexBatch};
use crate::store::sqlite::issues;
use crate::store::sqlite::row::{counted, one, stored};
use crate::store::sqlite::writer::{Durability, Writer, counter, set_counter};

/// Texts of one group that are searched.
pub(super) const MAX_TEXTS: i64 = 8;

/// Writes a batch. Returns the issues that have more people than somebody wanted to hear of.
pub(super) fn add(writer: &mut Writer, batch: &IndexBatch) -> Result<Vec<Reopened>, Error> {
    let position = Seq(counted(counter(writer.connection(), "indexed")?));
    if batch.last <= position {
        return Ok(Vec::new());
    }
    if batch.first <= position {
        return Err(Error::because(
            ErrorKind::Conflict,
            format!(
                "record {} is indexed already, and its batch is not",
                batch.first
            ),
        ));
    }
    let now = writer.clock.now();
    writer.write(Durability::Process, |transaction, _| {
        let mut reopened = Vec::new();
        if let Some(partition) = batch.partition
            && exists(transaction, partition)?
        {
            add_pages(transaction, partition, batch)?;
            add_hours(transaction, partition, &batch.hours)?;
        }
        for (group, people) in &batch.people {
            reopened.extend(add_people(transaction, *group, people, now)?);
        }
        for text in &batch.texts {
            add_text(transaction, text)?;
        }
        set_counter(transaction, "indexed", batch.last.to_i64())?;
        Ok(reopened)
    })
}

/// Returns the number of a new run.
pub(super) fn next_run(transaction: &Transaction<'_>) -> Result<i64, Error> {
    let next = "UPDATE counters SET value = value + 1 WHERE name = 'run' RETURNING value";
    Ok(transaction
        .prepare_cached(next)?
        .query_row([], |row| row.get(0))?)
}

fn add_pages(
    transaction: &Transaction<'_>,
    partition: PartitionId,
    batch: &IndexBatch,
) -> Result<(), Error> {
    if batch.pages.is_empty() {
        return Ok(());
    }
    let run = next_run(transaction)?;
    let begin = "INSERT INTO runs (id, partition, level, complete) VALUES (?1, ?2, 0, 1)";
    transaction
        .prepare_cached(begin)?
        .execute(params![run, partition.0])?;
    insert_pages(transaction, partition, run, &batch.pages)
}

/// Inserts pages of a run.
pub(super) fn insert_pages(
    transaction: &Transaction<'_>,
    partition: PartitionId,
    run: i64,
    pages: &[crate::store::index::page::Page],
) -> Result<(), Error> {
    let mut insert = transaction.prepare_cached(&format!(
        "INSERT INTO pages_{partition} (run, kind, first, body) VALUES (?1, ?2, ?3, ?4)"
    ))?;
    for page in pages {
        insert.execute(params![run, page.kind, page.first, page.body])?;
    }
    Ok(())
}

fn add_hours(
    transaction: &Transaction<'_>,
    partition: PartitionId,
    hours: &[(GroupId, i64, u64)],
) -> Result<(), Error> {
    let mut add = transaction.prepare_cached(&format!(
        "INSERT INTO hours_{partition} (group_id, hour, events) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET events = events + excluded.events"
    ))?;
    for (group, hour, events) in hours {
        add.execute(params![group.to_i64(), hour, stored(*events)])?;
    }
    Ok(())
}

fn add_people(
    transaction: &Transaction<'_>,
    group: GroupId,
    numbers: &[u32],
    now: crate::model::time::Millis,
) -> Result<Option<Reopened>, Error> {
    let select = "SELECT issue, people, (SELECT count(*) FROM groups AS others
            WHERE others.issue = groups.issue)
        FROM groups LEFT JOIN group_people USING (id) WHERE id = ?1";
    let found = one(transaction, select, [group.to_i64()], |row| {
        let people: Option<Vec<u8>> = row.get(1)?;
        Ok((row.get::<_, i64>(0)?, people, row.get::<_, i64>(2)?))
    })?;
    let Some((issue, known, groups)) = found else {
        return Ok(None);
    };
    let mut people = People::from_bytes(&known.unwrap_or_default());
    let mut is_changed = false;
    for number in numbers {
        is_changed |= people.insert(*number);
    }
    if !is_changed {
        return Ok(None);
    }
    transaction
        .prepare_cached("INSERT OR REPLACE INTO group_people (id, people) VALUES (?1, ?2)")?
        .execute(params![group.to_i64(), people.to_bytes()])?;
    if groups > 1 {
        people = issues::people(transaction, issue)?;
    }
    let update = "UPDATE issues SET users = ?2, users_exact = ?3 WHERE id = ?1
        RETURNING status, wake_users";
    let columns = params![issue, stored(people.count()), people.is_exact()];
    let after = one(transaction, update, columns, |row| {
        Ok((
            row.get::<_, u8>(0)?,
            row.get::<_, Option<i64>>(1)?.map(counted),
        ))
    })?;
    match after {
        Some((status, Some(bound)))
            if status == IssueStatus::Ignored.code() && people.count() >= bound =>
        {
            issues::wake(transaction, issue, "users", Seq(0), now).map(Some)
        }
        _ => Ok(None),
    }
}

/// Adds a text to those of its group, unless it has it or has enough.
pub(super) fn add_text(transaction: &Transaction<'_>, text: &GroupText) -> Result<(), Error> {
    let insert = "INSERT INTO texts (group_id, hash)
        SELECT id, ?2 FROM groups WHERE id = ?1
            AND (SELECT count(*) FROM texts WHERE group_id = ?1) < ?3
        ON CONFLICT DO NOTHING";
    let group = text.group.to_i64();
    let columns = params![group, text.hash, MAX_TEXTS];
    if transaction.prepare_cached(insert)?.execute(columns)? == 0 {
        return Ok(());
    }
    let id = transaction.last_insert_rowid();
    transaction
        .prepare_cached("INSERT INTO text_words (rowid, words) VALUES (?1, ?2)")?
        .execute(params![id, text.text])?;
    Ok(())
}

/// Reports whether a partition is there.
pub(super) fn exists(connection: &Connection, partition: PartitionId) -> Result<bool, Error> {
    let select = "SELECT 1 FROM partitions WHERE id = ?1 AND dropping = 0";
    Ok(one(connection, select, [partition.0], |_| Ok(()))?.is_some())
}
