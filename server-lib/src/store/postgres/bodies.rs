//! The home of bodies: blocks in tables, read by place.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use super::blocks::ranges;
use super::compact::{Compaction, Step};
use super::pool::{Lease, Pool};
use super::row::{count, get, seq};
use crate::blob::Blobs;
use crate::block::{Block, MAX_PLAIN_BYTES, Unpacked};
use crate::error::{Error, ErrorKind};
use crate::model::ids::Seq;
use crate::model::record::Record;
use crate::store::{Bodies, Upkeep};

/// Plain bytes of the blocks that are kept for the next reader.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// Bodies in PostgreSQL.
#[derive(Debug)]
pub(super) struct PostgresBodies {
    pool: Arc<Pool>,
    blobs: Blobs,
    recent: Mutex<Recent>,
    compaction: Compaction,
}

/// A table, a block's first record, and how many times it was rewritten.
type Key = (String, i64, i32);

/// The blocks that were read last, the latest in front.
#[derive(Debug, Default)]
struct Recent(VecDeque<(Key, Arc<Unpacked>)>);

impl PostgresBodies {
    /// Makes the part.
    pub(super) fn new(pool: Arc<Pool>, blobs: Blobs) -> Self {
        Self {
            compaction: Compaction::new(Arc::clone(&pool), blobs.clone()),
            pool,
            blobs,
            recent: Mutex::default(),
        }
    }

    async fn read_once(&self, seqs: &[Seq]) -> Result<Vec<Option<Record>>, Error> {
        let mut lease = self.pool.lend().await?;
        let mut found = BTreeMap::new();
        for (table, wanted) in by_table(&mut lease, seqs).await? {
            for (key, wanted) in by_block(&mut lease, table, wanted).await? {
                let Some(block) = self.block(&mut lease, &key).await? else {
                    continue;
                };
                for seq in wanted {
                    if let Some(entry) = block.find(seq) {
                        // One record of each of many blocks must not hold them all.
                        found.insert(seq, block.record_alone(entry)?);
                    }
                }
            }
        }
        Ok(seqs.iter().map(|seq| found.get(seq).cloned()).collect())
    }

    async fn block(&self, lease: &mut Lease, key: &Key) -> Result<Option<Arc<Unpacked>>, Error> {
        let known = self.lock().recall(key);
        if known.is_some() {
            return Ok(known);
        }
        let sql = format!("SELECT bytes FROM {} WHERE first_seq = $1", key.0);
        let rows = lease.query_text(&sql, &[&key.1]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let bytes: Vec<u8> = get(row, 0)?;
        let block = Arc::new(unpack(Bytes::from(bytes)).await?);
        self.lock().keep(key.clone(), &block);
        Ok(Some(block))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Bodies for PostgresBodies {
    async fn read(&self, seqs: &[Seq]) -> Result<Vec<Option<Record>>, Error> {
        if seqs.is_empty() {
            return Ok(Vec::new());
        }
        // A table that is packed or dropped meanwhile is looked up again.
        match self.read_once(seqs).await {
            Err(error) if error.kind() == ErrorKind::NotFound => self.read_once(seqs).await,
            other => other,
        }
    }

    async fn drop_through(&self, through: Seq) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        let ranges = ranges(&mut lease).await?;
        let last_id = ranges.last().map(|range| range.id);
        for range in ranges.iter().filter(|range| range.first <= through) {
            let sql = format!(
                "SELECT unnest(blobs) FROM {} WHERE last_seq <= $1 AND cardinality(blobs) > 0",
                range.table()
            );
            let rows = lease.query_text(&sql, &[&through.to_i64()]).await?;
            let names = rows.iter().map(|row| get(row, 0));
            remove_blobs(&self.blobs, names.collect::<Result<_, _>>()?).await?;
            if range.last <= through && Some(range.id) != last_id {
                lease.begin("BEGIN").await?;
                lease
                    .execute("DELETE FROM block_ranges WHERE id = $1", &[&range.id])
                    .await?;
                lease
                    .run(&format!(
                        "DROP TABLE IF EXISTS {}; DROP TABLE IF EXISTS {}",
                        range.table(),
                        range.next_table()
                    ))
                    .await?;
                lease.commit().await?;
            } else {
                let sql = format!("DELETE FROM {} WHERE last_seq <= $1", range.table());
                lease.execute_text(&sql, &[&through.to_i64()]).await?;
            }
        }
        Ok(())
    }

    async fn compact(&self, upkeep: &dyn Upkeep) -> Result<bool, Error> {
        Ok(self.compaction.step(upkeep).await? == Step::Done)
    }

    async fn bytes(&self) -> Result<u64, Error> {
        let mut lease = self.pool.lend().await?;
        let row = lease
            .query_one(
                "SELECT COALESCE(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class \
                 WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' \
                 AND relname LIKE 'blocks\\_%'",
                &[],
            )
            .await?;
        let files = match self.blobs.total_bytes() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            other => other?,
        };
        Ok(count(&row, 0)?.saturating_add(files))
    }
}

impl Recent {
    fn recall(&mut self, key: &Key) -> Option<Arc<Unpacked>> {
        let place = self.0.iter().position(|(known, _)| known == key)?;
        let found = self.0.remove(place)?;
        let block = Arc::clone(&found.1);
        self.0.push_front(found);
        Some(block)
    }

    fn keep(&mut self, key: Key, block: &Arc<Unpacked>) {
        self.0.push_front((key, Arc::clone(block)));
        let mut bytes = 0_usize;
        let fitting = self.0.iter().take_while(|(_, block)| {
            bytes = bytes.saturating_add(block.plain_bytes());
            bytes <= KEPT_BYTES
        });
        let fitting = fitting.count();
        self.0.truncate(fitting);
    }
}

/// Removes files of bodies, on a thread for such work. Their records are about to go, so that one
/// that stays after a crash is removed with them the next time.
pub(super) async fn remove_blobs(blobs: &Blobs, names: Vec<String>) -> Result<(), Error> {
    if names.is_empty() {
        return Ok(());
    }
    let blobs = blobs.clone();
    let work = move || names.iter().try_for_each(|name| blobs.remove(name));
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Error::new(ErrorKind::System, error))??)
}

/// Unpacks a block on a thread for such work.
pub(super) async fn unpack(bytes: Bytes) -> Result<Unpacked, Error> {
    let work = move || Block::parse(bytes)?.unpack(MAX_PLAIN_BYTES);
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Error::new(ErrorKind::System, error))??)
}

async fn by_table(
    lease: &mut Lease,
    seqs: &[Seq],
) -> Result<BTreeMap<String, BTreeSet<i64>>, Error> {
    let wanted: Vec<_> = seqs.iter().map(|seq| seq.to_i64()).collect();
    let rows = lease
        .query(
            "SELECT w.seq, r.id, r.generation FROM unnest($1::bigint[]) AS w (seq) \
             CROSS JOIN LATERAL (SELECT id, generation, last_seq FROM block_ranges \
             WHERE first_seq <= w.seq ORDER BY first_seq DESC LIMIT 1) AS r \
             WHERE r.last_seq >= w.seq",
            &[&wanted],
        )
        .await?;
    let mut tables: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for row in &rows {
        let (id, generation): (i32, i32) = (get(row, 1)?, get(row, 2)?);
        let table = format!("blocks_{id}_{generation}");
        tables.entry(table).or_default().insert(get(row, 0)?);
    }
    Ok(tables)
}

async fn by_block(
    lease: &mut Lease,
    table: String,
    seqs: BTreeSet<i64>,
) -> Result<BTreeMap<Key, Vec<Seq>>, Error> {
    let sql = format!(
        "SELECT w.seq, b.first_seq, b.revision FROM unnest($1::bigint[]) AS w (seq) \
         CROSS JOIN LATERAL (SELECT first_seq, last_seq, revision FROM {table} \
         WHERE first_seq <= w.seq ORDER BY first_seq DESC LIMIT 1) AS b \
         WHERE b.last_seq >= w.seq"
    );
    let wanted: Vec<i64> = seqs.into_iter().collect();
    let rows = lease.query_text(&sql, &[&wanted]).await?;
    let mut blocks: BTreeMap<Key, Vec<Seq>> = BTreeMap::new();
    for row in &rows {
        let key = (table.clone(), get(row, 1)?, get(row, 2)?);
        blocks.entry(key).or_default().push(seq(row, 0)?);
    }
    Ok(blocks)
}
