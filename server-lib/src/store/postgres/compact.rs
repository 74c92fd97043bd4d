//! Idle work on blocks: closed ranges are packed tighter into a table that takes the old one's
//! place, which gives its space back at once; later, single blocks lose what has died.
//!
//! Every step is a short transaction of its own, and can be taken up again after a crash.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::blocks::{NewBlock, Range, blob_of, copy, make_table, ranges, replace};
use super::bodies::remove_blobs;
use super::pool::{Lease, Pool};
use super::row::{get, seq};
use crate::blob::Blobs;
use crate::block::{Block, BlockBuilder, Entry, MAX_PLAIN_BYTES, Packer};
use crate::error::{Error, ErrorKind};
use crate::model::ids::{ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::{DeadRecords, Upkeep};

/// Blocks with so many bytes together become one.
const MERGED_BYTES: i64 = 256 * 1024;
/// And so many at most.
const MERGED_BLOCKS: i64 = 256;
/// The level that packs them: slow to write, as fast to read as any.
const PACKED_LEVEL: i8 = 9;

/// Whether there was something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There was, and there may be more.
    Done,
    /// There was not.
    Idle,
}

/// What compaction remembers between its steps.
#[derive(Debug)]
pub(super) struct Compaction {
    pool: Arc<Pool>,
    blobs: Blobs,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// The marks of projects for which no block has anything to lose.
    settled: Option<Vec<(ProjectId, Millis)>>,
    /// Tables with rewritten blocks, whose space is to be given back.
    rewritten: BTreeSet<String>,
}

/// Records that are not to be kept.
struct Dead {
    seqs: HashSet<Seq>,
    projects: HashMap<ProjectId, Millis>,
}

impl Dead {
    fn new(dead: &DeadRecords) -> Self {
        Self {
            seqs: dead.seqs.iter().copied().collect(),
            projects: dead.projects.iter().copied().collect(),
        }
    }

    fn has(&self, entry: &Entry) -> bool {
        let floor = self.projects.get(&entry.project);
        self.seqs.contains(&entry.seq) || floor.is_some_and(|floor| entry.received <= *floor)
    }
}

impl Compaction {
    /// Makes one that remembers nothing.
    pub(super) fn new(pool: Arc<Pool>, blobs: Blobs) -> Self {
        Self {
            pool,
            blobs,
            memory: Mutex::default(),
        }
    }

    /// Does one unit of work.
    pub(super) async fn step(&self, upkeep: &dyn Upkeep) -> Result<Step, Error> {
        let mut lease = self.pool.lend().await?;
        let ranges = ranges(&mut lease).await?;
        let open = ranges.last().map(|range| range.id);
        let closed = ranges
            .iter()
            .find(|range| !range.packed && Some(range.id) != open);
        if let Some(range) = closed {
            pack(&mut lease, range, upkeep, &self.blobs).await?;
            return Ok(Step::Done);
        }
        if self.rewrite_marked(&mut lease, &ranges, upkeep).await? == Step::Done
            || self.rewrite_hidden(&mut lease, &ranges, upkeep).await? == Step::Done
        {
            return Ok(Step::Done);
        }
        self.give_back(&mut lease).await?;
        Ok(Step::Idle)
    }

    /// Takes the records that have a mark of their own out of one block.
    async fn rewrite_marked(
        &self,
        lease: &mut Lease,
        ranges: &[Range],
        upkeep: &dyn Upkeep,
    ) -> Result<Step, Error> {
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
            return Ok(Step::Idle);
        };
        let marked = lease
            .query_opt(
                "SELECT seq FROM dead WHERE seq <= $1 ORDER BY seq LIMIT 1",
                &[&last.last.to_i64()],
            )
            .await?;
        let Some(row) = marked else {
            return Ok(Step::Idle);
        };
        let dead = seq(&row, 0)?;
        let range = ranges
            .iter()
            .rev()
            .find(|range| range.first <= dead)
            .unwrap_or(first);
        let sql = format!(
            "SELECT first_seq FROM {} WHERE first_seq <= $1 AND last_seq >= $1 \
             ORDER BY first_seq DESC LIMIT 1",
            range.table()
        );
        let rows = lease.query_text(&sql, &[&dead.to_i64()]).await?;
        match rows.first() {
            Some(row) => {
                let key = seq(row, 0)?;
                self.rewrite(lease, range, key, upkeep).await?;
            }
            None => {
                lease
                    .execute("DELETE FROM dead WHERE seq = $1", &[&dead.to_i64()])
                    .await?;
            }
        }
        Ok(Step::Done)
    }

    /// Takes the records of a project out of one block that are all hidden.
    async fn rewrite_hidden(
        &self,
        lease: &mut Lease,
        ranges: &[Range],
        upkeep: &dyn Upkeep,
    ) -> Result<Step, Error> {
        let marks = upkeep.dead(Seq(0)..=Seq(0)).await?.projects;
        if marks.is_empty() || self.lock().settled.as_ref() == Some(&marks) {
            return Ok(Step::Idle);
        }
        for range in ranges {
            let sql = format!(
                "SELECT b.first_seq FROM {} b WHERE EXISTS (SELECT FROM \
                 unnest(b.projects, b.newest) AS p (project, newest) \
                 JOIN hidden h ON h.project = p.project WHERE p.newest <= h.received) \
                 ORDER BY b.first_seq LIMIT 1",
                range.table()
            );
            if let Some(row) = lease.query_text(&sql, &[]).await?.first() {
                let key = seq(row, 0)?;
                self.rewrite(lease, range, key, upkeep).await?;
                return Ok(Step::Done);
            }
        }
        self.lock().settled = Some(marks);
        Ok(Step::Idle)
    }

    async fn rewrite(
        &self,
        lease: &mut Lease,
        range: &Range,
        key: Seq,
        upkeep: &dyn Upkeep,
    ) -> Result<(), Error> {
        let table = range.table();
        let sql = format!("SELECT last_seq, bytes FROM {table} WHERE first_seq = $1");
        let rows = lease.query_text(&sql, &[&key.to_i64()]).await?;
        let Some(row) = rows.first() else {
            return Ok(());
        };
        let last = seq(row, 0)?;
        let bytes: Vec<u8> = get(row, 1)?;
        let dead = upkeep.dead(key..=last).await?;
        let level = if range.packed { PACKED_LEVEL } else { 1 };
        let merged = merged(vec![Bytes::from(bytes)], Dead::new(&dead), level).await?;
        remove_blobs(&self.blobs, merged.dead_blobs).await?;
        lease.begin("BEGIN").await?;
        replace(lease, &table, key, merged.block.as_ref()).await?;
        lease
            .execute("DELETE FROM dead WHERE seq = ANY($1)", &[&places(&dead)])
            .await?;
        lease.commit().await?;
        self.lock().rewritten.insert(table);
        Ok(())
    }

    /// Lets the database use the space of rewritten blocks again.
    async fn give_back(&self, lease: &mut Lease) -> Result<(), Error> {
        loop {
            let Some(table) = self.lock().rewritten.pop_first() else {
                return Ok(());
            };
            match lease.run(&format!("VACUUM {table}")).await {
                // Packed or dropped meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => other?,
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Merges the next blocks of a range, or puts the new table in the place of the old one.
async fn pack(
    lease: &mut Lease,
    range: &Range,
    upkeep: &dyn Upkeep,
    blobs: &Blobs,
) -> Result<(), Error> {
    let row = lease
        .query_opt(
            "SELECT staged FROM block_ranges WHERE id = $1",
            &[&range.id],
        )
        .await?;
    let Some(row) = row else { return Ok(()) };
    let staged: i64 = get(&row, 0)?;
    let table = range.table();
    let sql = format!(
        "SELECT last_seq FROM (SELECT first_seq, last_seq, \
         sum(octet_length(bytes)) OVER (ORDER BY first_seq) - octet_length(bytes) AS before \
         FROM (SELECT first_seq, last_seq, bytes FROM {table} WHERE first_seq > $1 \
         ORDER BY first_seq LIMIT $2) AS next) AS sized \
         WHERE before < $3 ORDER BY first_seq DESC LIMIT 1"
    );
    let rows = lease
        .query_text(&sql, &[&staged, &MERGED_BLOCKS, &MERGED_BYTES])
        .await?;
    let Some(row) = rows.first() else {
        return exchange(lease, range).await;
    };
    let last = seq(row, 0)?;
    let sql = format!(
        "SELECT bytes FROM {table} WHERE first_seq > $1 AND last_seq <= $2 ORDER BY first_seq"
    );
    let rows = lease.query_text(&sql, &[&staged, &last.to_i64()]).await?;
    let mut sources = Vec::with_capacity(rows.len());
    for row in &rows {
        let bytes: Vec<u8> = get(row, 0)?;
        sources.push(Bytes::from(bytes));
    }
    let from = Seq::from_i64(staged)
        .unwrap_or_default()
        .next()
        .max(range.first);
    let dead = upkeep.dead(from..=last).await?;
    let merged = merged(sources, Dead::new(&dead), PACKED_LEVEL).await?;
    remove_blobs(blobs, merged.dead_blobs).await?;
    make_table(lease, &range.next_table()).await?;
    lease.begin("BEGIN").await?;
    if let Some(block) = merged.block {
        copy(lease, &range.next_table(), &[block]).await?;
    }
    lease
        .execute(
            "UPDATE block_ranges SET staged = $2 WHERE id = $1",
            &[&range.id, &last.to_i64()],
        )
        .await?;
    lease
        .execute(
            "UPDATE dead SET staged = true WHERE seq = ANY($1)",
            &[&places(&dead)],
        )
        .await?;
    lease.commit().await
}

async fn exchange(lease: &mut Lease, range: &Range) -> Result<(), Error> {
    make_table(lease, &range.next_table()).await?;
    lease.begin("BEGIN; SET LOCAL lock_timeout = '2s'").await?;
    lease
        .execute(
            "UPDATE block_ranges SET generation = generation + 1, packed = true, staged = 0 \
             WHERE id = $1",
            &[&range.id],
        )
        .await?;
    lease
        .execute(
            "DELETE FROM dead WHERE staged AND seq BETWEEN $1 AND $2",
            &[&range.first.to_i64(), &range.last.to_i64()],
        )
        .await?;
    lease.run(&format!("DROP TABLE {}", range.table())).await?;
    lease.commit().await
}

/// What becomes of some blocks.
struct Merged {
    /// One block with the living; `None` when nobody is left.
    block: Option<NewBlock>,
    /// The files of the dead.
    dead_blobs: Vec<String>,
}

/// Makes one block of several, on a thread for such work.
async fn merged(sources: Vec<Bytes>, dead: Dead, level: i8) -> Result<Merged, Error> {
    let work = move || merge(sources, &dead, level);
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::new(ErrorKind::System, error))?
}

fn merge(sources: Vec<Bytes>, dead: &Dead, level: i8) -> Result<Merged, Error> {
    let mut builder = BlockBuilder::new();
    let mut dead_blobs = Vec::new();
    for source in sources {
        let unpacked = Block::parse(source)?.unpack(MAX_PLAIN_BYTES)?;
        for entry in unpacked.directory() {
            if dead.has(entry) {
                dead_blobs.extend(blob_of(&unpacked, entry)?);
            } else {
                builder.push_entry(entry, &unpacked.context(entry)?, &unpacked.body(entry)?)?;
            }
        }
    }
    let mut block = None;
    if !builder.is_empty() {
        let mut out = Vec::new();
        builder.finish(&mut Packer::new(level)?, 0, false, &mut out)?;
        block = Some(NewBlock::of(Bytes::from(out))?);
    }
    Ok(Merged { block, dead_blobs })
}

fn places(dead: &DeadRecords) -> Vec<i64> {
    dead.seqs.iter().map(|seq| seq.to_i64()).collect()
}
