//! One batch of digest, one transaction.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use mini_sentry::protocol::EventId;
use rusqlite::{Transaction, params};

use super::ids::{self, Entry};
use super::issues::{Counted, Place, Touched};
use super::outcomes::{self, Corrections};
use super::partition::{self, Span};
use super::row::{counted, level_code, one, stored};
use super::sums::{SumKey, Sums};
use super::writer::{Durability, Memory, Writer, counter, set_counter};
use super::{Sqlite, erase, items, releases, sessions};
use crate::error::{Error, ErrorKind};
use crate::model::event::NewEvent;
use crate::model::ids::{GroupId, IssueId, ProjectId, Seq};
use crate::model::item::ItemRow;
use crate::store::{Applied, Batch, Digests, Stored};

#[async_trait]
impl Digests for Sqlite {
    async fn position(&self) -> Result<Seq, Error> {
        self.read(|connection| Ok(Seq(counted(counter(connection, "position")?))))
            .await
    }

    async fn apply(&self, batch: Arc<Batch>) -> Result<Applied, Error> {
        self.writer.run(move |writer| apply(writer, &batch)).await
    }
}

fn apply(writer: &mut Writer, batch: &Batch) -> Result<Applied, Error> {
    let position = counted(counter(writer.connection(), "position")?);
    if batch.last.0 <= position {
        return Ok(Applied::default());
    }
    if batch.first.0 <= position {
        return Err(Error::because(
            ErrorKind::Conflict,
            format!(
                "record {} is digested already, and its batch is not",
                batch.first
            ),
        ));
    }
    let events = batch.events.iter().map(|event| event.event_id);
    let once = once(batch).map(|item| item.event_id);
    let hashes: Vec<_> = events.chain(once).map(ids::hash_of).collect();
    let places = writer.ids.search(writer.connection(), &hashes)?;
    let limits = writer.limits;
    let (applied, entries) = writer.write(Durability::Process, |transaction, memory| {
        memory.floors.refresh(transaction)?;
        let mut span = partition::for_batch(transaction, batch, limits)?;
        let mut written = Written::default();
        written.events(transaction, memory, &mut span, batch, &hashes, &places)?;
        written.applied.partition = Some((span.id, span.first));
        let repeated = written.repeated(transaction, batch, &hashes, &places)?;
        items::insert(transaction, memory, &mut span, &batch.items, &repeated)?;
        sessions::apply(transaction, memory, &batch.sessions, &batch.tallies)?;
        releases_of_sessions(transaction, batch)?;
        outcomes::add(transaction, memory, &batch.outcomes, &written.corrections)?;
        partition::grown(transaction, &span)?;
        erase::replaced(transaction, &batch.items)?;
        set_counter(transaction, "position", batch.last.to_i64())?;
        Ok((written.applied, written.entries))
    })?;
    writer.ids.add(&entries, batch.last.0);
    Ok(applied)
}

/// Returns the items of a batch that are stored once.
fn once(batch: &Batch) -> impl Iterator<Item = &ItemRow> {
    batch.items.iter().filter(|item| item.is_stored_once())
}

/// Makes the releases known that sessions tell.
fn releases_of_sessions(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
    let updates = batch.sessions.iter();
    let updates = updates.map(|session| (session.project, session.release.as_str()));
    let tallies = batch.tallies.iter();
    let tallies = tallies.map(|tally| (tally.project, tally.release.as_str()));
    let told: BTreeSet<_> = updates.chain(tallies).collect();
    for (project, release) in told {
        releases::seen(transaction, project, release, batch.received, None)?;
    }
    Ok(())
}

/// What became of a batch's events.
#[derive(Default)]
struct Written {
    applied: Applied,
    entries: Vec<Entry>,
    corrections: Corrections,
}

impl Written {
    fn events(
        &mut self,
        transaction: &Transaction<'_>,
        memory: &mut Memory,
        span: &mut Span,
        batch: &Batch,
        hashes: &[u64],
        places: &[(usize, u64)],
    ) -> Result<(), Error> {
        let stored_before = stored_before(transaction, batch, places)?;
        let mut seen: HashSet<(ProjectId, EventId)> = HashSet::with_capacity(batch.events.len());
        let mut touched = Touched::default();
        let mut sums = Sums::default();
        let mut insert = transaction.prepare_cached(&format!(
            "INSERT INTO events_{} (seq, project, group_id, happened, received, kind, level,
                environment, release, user, event_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            span.id
        ))?;
        let mut bury =
            transaction.prepare_cached("INSERT OR IGNORE INTO dead_records VALUES (?1)")?;
        for (index, event) in batch.events.iter().enumerate() {
            if !memory.floors.shows(event.project, event.received) {
                continue;
            }
            let is_new = seen.insert((event.project, event.event_id));
            if !is_new || stored_before.contains(&index) {
                bury.execute([event.seq.to_i64()])?;
                self.corrections.duplicate(event);
                self.applied.duplicates.push(event.seq);
                continue;
            }
            let facts = &event.facts;
            let Counted { place, is_new } =
                touched.count(transaction, &mut memory.issues, event)?;
            let Place::Group { group, issue } = place else {
                bury.execute([event.seq.to_i64()])?;
                self.corrections.discarded(event);
                self.applied.discarded.push(event.seq);
                continue;
            };
            let key = SumKey {
                project: event.project,
                minute: facts.timestamp.minute(),
                level: level_code(facts.level),
                environment: memory.names.intern(transaction, &facts.environment)?,
                release: memory.names.intern(transaction, &facts.release)?,
            };
            insert.execute(params![
                event.seq.to_i64(),
                event.project.0,
                group,
                facts.timestamp.0,
                event.received.0,
                facts.kind.code(),
                key.level,
                key.environment,
                key.release,
                facts.user,
                event.event_id.as_bytes()
            ])?;
            sums.count(key);
            span.events = span.events.saturating_add(1);
            span.min_happened = span.min_happened.min(facts.timestamp);
            span.max_happened = span.max_happened.max(facts.timestamp);
            self.applied.stored.push(Stored {
                seq: event.seq,
                group: GroupId::from_i64(group).unwrap_or_default(),
                issue: IssueId::from_i64(issue).unwrap_or_default(),
                is_new,
            });
            self.entries.extend(hashes.get(index).map(|hash| Entry {
                hash: *hash,
                seq: event.seq.0,
            }));
        }
        self.applied.reopened = touched.write(transaction, &mut memory.names, batch.received)?;
        memory
            .environments
            .note(transaction, &sums.environments())?;
        sums.add(transaction, span.id)
    }

    /// Finds the items that are stored once and were there already. Their hashes and places follow
    /// those of the events.
    fn repeated(
        &mut self,
        transaction: &Transaction<'_>,
        batch: &Batch,
        hashes: &[u64],
        places: &[(usize, u64)],
    ) -> Result<HashSet<Seq>, Error> {
        let once: Vec<_> = once(batch).collect();
        let mut repeated = HashSet::new();
        for (index, seq) in places {
            let index = index.checked_sub(batch.events.len());
            let Some(item) = index.and_then(|index| once.get(index)) else {
                continue;
            };
            if items::is_stored_at(transaction, item, *seq)? {
                repeated.insert(item.seq);
            }
        }
        let mut seen = HashSet::with_capacity(once.len());
        let mut bury =
            transaction.prepare_cached("INSERT OR IGNORE INTO dead_records VALUES (?1)")?;
        for (item, hash) in once.iter().zip(hashes.iter().skip(batch.events.len())) {
            let is_new = seen.insert((item.project, item.event_id));
            if is_new && !repeated.contains(&item.seq) {
                self.entries.push(Entry {
                    hash: *hash,
                    seq: item.seq.0,
                });
                continue;
            }
            repeated.insert(item.seq);
            bury.execute([item.seq.to_i64()])?;
            self.corrections.duplicate_transaction(item.project);
            self.applied.duplicates.push(item.seq);
        }
        Ok(repeated)
    }
}

/// Returns which events of the batch are in the index, of those that may be.
fn stored_before(
    transaction: &Transaction<'_>,
    batch: &Batch,
    places: &[(usize, u64)],
) -> Result<HashSet<usize>, Error> {
    let mut stored_before = HashSet::new();
    for (index, seq) in places {
        let Some(event) = batch.events.get(*index) else {
            continue;
        };
        if is_stored_at(transaction, event, *seq)? {
            stored_before.insert(*index);
        }
    }
    Ok(stored_before)
}

fn is_stored_at(transaction: &Transaction<'_>, event: &NewEvent, seq: u64) -> Result<bool, Error> {
    let Some(span) = partition::holding(transaction, Seq(seq))? else {
        return Ok(false);
    };
    let find = format!(
        "SELECT 1 FROM events_{} WHERE seq = ?1 AND project = ?2 AND event_id = ?3",
        span.id
    );
    let columns = params![stored(seq), event.project.0, event.event_id.as_bytes()];
    Ok(one(transaction, &find, columns, |_| Ok(()))?.is_some())
}
