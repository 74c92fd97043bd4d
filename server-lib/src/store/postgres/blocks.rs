//! The tables of blocks: one for each range of records.

use std::pin::pin;

use bytes::Bytes;
use tokio_postgres::Row;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use super::pool::{ANSWER, Lease, in_time};
use super::row::{big, count, get, int, seq};
use crate::block::{
    Block, BlockBuilder, BlockError, BlockHeader, Entry, HEADER_BYTES, MAX_PLAIN_BYTES, Packer,
    Unpacked,
};
use crate::error::Error;
use crate::journal::JournalBlock;
use crate::model::ids::Seq;
use crate::store::open::StoreOptions;

/// A range is closed after so many records at the latest.
const RANGE_RECORDS: u64 = 65_536;
/// The level of blocks that are cut, as the journal has it.
const FRESH_LEVEL: i8 = 1;

/// A range of records and the table that has their blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// Its number.
    pub(super) id: i32,
    /// Its first record.
    pub(super) first: Seq,
    /// Its last record.
    pub(super) last: Seq,
    /// How many times it was packed.
    pub(super) generation: i32,
    /// Whether it is packed.
    pub(super) packed: bool,
    records: u64,
}

impl Range {
    /// Returns the name of its table.
    pub(super) fn table(&self) -> String {
        format!("blocks_{}_{}", self.id, self.generation)
    }

    /// Returns the name of the table that it is packed into.
    pub(super) fn next_table(&self) -> String {
        format!("blocks_{}_{}", self.id, self.generation.saturating_add(1))
    }
}

/// Reads a row of `id, first_seq, last_seq, generation, packed, records`.
fn range(row: &Row) -> Result<Range, Error> {
    Ok(Range {
        id: get(row, 0)?,
        first: seq(row, 1)?,
        last: seq(row, 2)?,
        generation: get(row, 3)?,
        packed: get(row, 4)?,
        records: count(row, 5)?,
    })
}

/// Returns all ranges, oldest first.
pub(super) async fn ranges(lease: &mut Lease) -> Result<Vec<Range>, Error> {
    let rows = lease
        .query(
            "SELECT id, first_seq, last_seq, generation, packed, records FROM block_ranges \
             ORDER BY id",
            &[],
        )
        .await?;
    rows.iter().map(range).collect()
}

/// A block on its way into a table.
pub(super) struct NewBlock {
    first: Seq,
    last: Seq,
    count: u64,
    projects: Vec<i32>,
    newest: Vec<i64>,
    bytes: Bytes,
    blobs: Vec<String>,
}

impl NewBlock {
    /// Reads the directory of a block.
    pub(super) fn of(bytes: Bytes) -> Result<Self, Error> {
        let header = BlockHeader::peek(&bytes)?;
        let directory = bytes.get(HEADER_BYTES..).unwrap_or_default();
        let entries = Block::read_directory(&header, directory)?;
        let (projects, newest) = owners(&entries);
        let blobs = if header.names_blobs {
            let unpacked = Block::parse(bytes.clone())?.unpack(MAX_PLAIN_BYTES)?;
            let names = entries.iter().map(|entry| blob_of(&unpacked, entry));
            names
                .filter_map(Result::transpose)
                .collect::<Result<_, _>>()?
        } else {
            Vec::new()
        };
        Ok(Self {
            first: header.first,
            last: header.last,
            count: u64::from(header.count),
            projects,
            newest,
            bytes,
            blobs,
        })
    }
}

/// Returns the file that holds the body of a record, where one does.
pub(super) fn blob_of(block: &Unpacked, entry: &Entry) -> Result<Option<String>, BlockError> {
    if !entry.has_blob {
        return Ok(None);
    }
    let context = block.record(entry)?.head.context;
    Ok(context.blob.map(|blob| blob.name))
}

/// Returns the projects of the records, and when the last of each arrived.
fn owners(entries: &[Entry]) -> (Vec<i32>, Vec<i64>) {
    let mut newest = std::collections::BTreeMap::new();
    for entry in entries {
        let latest = newest.entry(int(entry.project.0)).or_insert(i64::MIN);
        *latest = entry.received.0.max(*latest);
    }
    newest.into_iter().unzip()
}

/// Adds the blocks of a batch that are not there yet. Each block of the journal is in one batch or
/// in several: it is stored with the first.
pub(super) async fn append(
    lease: &mut Lease,
    blocks: &[JournalBlock],
    begin_range: bool,
    options: &StoreOptions,
) -> Result<(), Error> {
    if blocks.is_empty() {
        return Ok(());
    }
    let last = lease
        .query_opt(
            "SELECT id, first_seq, last_seq, generation, packed, records FROM block_ranges \
             ORDER BY id DESC LIMIT 1",
            &[],
        )
        .await?;
    let last = last.as_ref().map(range).transpose()?;
    let stored = last.map_or(Seq(0), |range| range.last);
    let mut fresh = Vec::new();
    for block in blocks.iter().filter(|block| block.last > stored) {
        let bytes = if block.first > stored {
            block.bytes.clone()
        } else {
            rest_of(&block.bytes, stored)?
        };
        fresh.push(NewBlock::of(bytes)?);
    }
    let (Some(first), Some(end)) = (fresh.first(), fresh.last()) else {
        return Ok(());
    };
    let limit = RANGE_RECORDS.min(options.partition_events);
    let range = match last {
        Some(range) if !begin_range && range.records < limit && !range.packed => range,
        other => {
            let id = other.map_or(1, |range| range.id.saturating_add(1));
            begin(lease, id, first.first).await?
        }
    };
    let records: u64 = fresh.iter().map(|block| block.count).sum();
    let end = end.last;
    copy(lease, &range.table(), &fresh).await?;
    lease
        .execute(
            "UPDATE block_ranges SET last_seq = $2, records = records + $3 WHERE id = $1",
            &[&range.id, &end.to_i64(), &big(records)],
        )
        .await?;
    Ok(())
}

async fn begin(lease: &mut Lease, id: i32, first: Seq) -> Result<Range, Error> {
    let range = Range {
        id,
        first,
        last: first,
        generation: 0,
        packed: false,
        records: 0,
    };
    make_table(lease, &range.table()).await?;
    lease
        .execute(
            "INSERT INTO block_ranges (id, first_seq, last_seq, records, generation, packed, \
             staged) VALUES ($1, $2, $2, 0, 0, false, 0)",
            &[&id, &first.to_i64()],
        )
        .await?;
    Ok(range)
}

/// Makes a table for blocks, unless it is there.
pub(super) async fn make_table(lease: &mut Lease, table: &str) -> Result<(), Error> {
    lease
        .run(&format!(
            "CREATE TABLE IF NOT EXISTS {table} (LIKE blocks INCLUDING ALL)"
        ))
        .await
}

/// Copies blocks into a table.
pub(super) async fn copy(lease: &mut Lease, table: &str, blocks: &[NewBlock]) -> Result<(), Error> {
    const TYPES: &[Type] = &[
        Type::INT8,
        Type::INT8,
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::BYTEA,
        Type::TEXT_ARRAY,
    ];
    let sql = format!(
        "COPY {table} (first_seq, last_seq, projects, newest, bytes, blobs) FROM STDIN BINARY"
    );
    let sink = lease.copy_in(&sql).await?;
    let copied = in_time(ANSWER, async {
        let mut writer = pin!(BinaryCopyInWriter::new(sink, TYPES));
        for block in blocks {
            writer
                .as_mut()
                .write(&[
                    &block.first.to_i64(),
                    &block.last.to_i64(),
                    &block.projects,
                    &block.newest,
                    &block.bytes.as_ref(),
                    &block.blobs,
                ])
                .await?;
        }
        writer.finish().await
    });
    let result = copied.await;
    lease.noting(result).map(|_| ())
}

/// Replaces a block, which keeps its key; returns false when it is not there any more.
pub(super) async fn replace(
    lease: &mut Lease,
    table: &str,
    key: Seq,
    block: Option<&NewBlock>,
) -> Result<bool, Error> {
    let touched = match block {
        None => {
            let sql = format!("DELETE FROM {table} WHERE first_seq = $1");
            lease.execute_text(&sql, &[&key.to_i64()]).await?
        }
        Some(block) => {
            let sql = format!(
                "UPDATE {table} SET first_seq = $2, last_seq = $3, projects = $4, newest = $5, \
                 bytes = $6, blobs = $7, revision = revision + 1 WHERE first_seq = $1"
            );
            lease
                .execute_text(
                    &sql,
                    &[
                        &key.to_i64(),
                        &block.first.to_i64(),
                        &block.last.to_i64(),
                        &block.projects,
                        &block.newest,
                        &block.bytes.as_ref(),
                        &block.blobs,
                    ],
                )
                .await?
        }
    };
    Ok(touched > 0)
}

/// Makes a block of the records after a place.
fn rest_of(bytes: &Bytes, after: Seq) -> Result<Bytes, BlockError> {
    let unpacked = Block::parse(bytes.clone())?.unpack(MAX_PLAIN_BYTES)?;
    let mut builder = BlockBuilder::new();
    for entry in unpacked.directory() {
        if entry.seq > after {
            builder.push_entry(entry, &unpacked.context(entry)?, &unpacked.body(entry)?)?;
        }
    }
    let mut out = Vec::new();
    builder.finish(&mut Packer::new(FRESH_LEVEL)?, 0, false, &mut out)?;
    Ok(Bytes::from(out))
}
