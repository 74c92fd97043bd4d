//! The directory of a block: what is known of each record without unpacking.
//!
//! Numbers are written in seven-bit groups, numbers and times of records as steps from the record
//! before: an entry of an event takes about 25 bytes, 16 of them its id.

use mini_sentry::protocol::EventId;

use crate::model::ids::{ProjectId, Seq};
use crate::model::record::{RecordHead, RecordKind};
use crate::model::time::Millis;

use super::{BlockError, BlockHeader};

const HAS_ID: u8 = 0x80;
const HAS_BLOB: u8 = 0x40;
const KIND: u8 = 0x3f;
/// Number, project, kind, time, and two lengths.
const LEAST_ENTRY_BYTES: usize = 6;

/// What the directory says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its place.
    pub seq: Seq,
    /// Whose it is.
    pub project: ProjectId,
    /// What its body is; a kind of a newer version reads as unknown.
    pub kind: RecordKind,
    /// Whether its body is in a blob.
    pub has_blob: bool,
    /// The event that it is or belongs to; nil when there is none.
    pub event_id: EventId,
    /// When the server read it.
    pub received: Millis,
    /// Length of its body.
    pub body_bytes: u32,
    pub(super) body_start: u32,
    pub(super) context_bytes: u32,
    pub(super) context_start: u32,
}

impl Entry {
    /// Returns the entry of a record that is about to be written.
    pub(super) fn new(seq: Seq, head: &RecordHead, body_bytes: u32, context_bytes: u32) -> Self {
        Self {
            seq,
            project: head.project,
            kind: head.kind,
            has_blob: head.context.blob.is_some(),
            event_id: head.event_id,
            received: head.received,
            body_bytes,
            body_start: 0,
            context_bytes,
            context_start: 0,
        }
    }
}

/// Writes entries, each as steps from the one before.
#[derive(Debug, Default)]
pub(super) struct DirectoryWriter {
    bytes: Vec<u8>,
    previous_seq: u64,
    previous_received: i64,
}

impl DirectoryWriter {
    pub(super) fn push(&mut self, entry: &Entry) {
        let step = entry.seq.0.wrapping_sub(self.previous_seq);
        write_number(&mut self.bytes, step);
        write_number(&mut self.bytes, u64::from(entry.project.0));
        let flags = if entry.event_id.is_nil() { 0 } else { HAS_ID }
            | if entry.has_blob { HAS_BLOB } else { 0 };
        self.bytes.push((entry.kind.code() & KIND) | flags);
        if !entry.event_id.is_nil() {
            self.bytes.extend_from_slice(entry.event_id.as_bytes());
        }
        let later = entry.received.0.wrapping_sub(self.previous_received);
        write_number(&mut self.bytes, zigzag(later));
        write_number(&mut self.bytes, u64::from(entry.body_bytes));
        write_number(&mut self.bytes, u64::from(entry.context_bytes));
        self.previous_seq = entry.seq.0;
        self.previous_received = entry.received.0;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.previous_seq = 0;
        self.previous_received = 0;
    }
}

/// Reads all entries of a block.
pub(super) fn parse(header: &BlockHeader, bytes: &[u8]) -> Result<Vec<Entry>, BlockError> {
    if crc32fast::hash(bytes) != header.directory_crc {
        return Err(BlockError::Damaged("checksum of the directory"));
    }
    let count = usize::try_from(header.count).unwrap_or(usize::MAX);
    if count > bytes.len() / LEAST_ENTRY_BYTES {
        return Err(BlockError::Damaged("count of its records"));
    }
    let mut entries = Vec::with_capacity(count);
    let mut reader = DirectoryReader {
        bytes,
        previous_seq: 0,
        previous_received: 0,
        body_end: 0,
    };
    for _ in 0..count {
        entries.push(reader.entry(entries.last())?);
    }
    if !reader.bytes.is_empty() {
        return Err(BlockError::Damaged("length of the directory"));
    }
    let mut end = reader.body_end;
    for entry in &mut entries {
        entry.context_start = end;
        end = sum(end, entry.context_bytes)?;
    }
    let ends = (entries.first(), entries.last());
    if end != header.plain_bytes
        || ends.0.map(|entry| entry.seq) != Some(header.first)
        || ends.1.map(|entry| entry.seq) != Some(header.last)
    {
        return Err(BlockError::Damaged("directory does not fit its header"));
    }
    Ok(entries)
}

struct DirectoryReader<'a> {
    bytes: &'a [u8],
    previous_seq: u64,
    previous_received: i64,
    body_end: u32,
}

impl DirectoryReader<'_> {
    fn entry(&mut self, before: Option<&Entry>) -> Result<Entry, BlockError> {
        let seq = self.previous_seq.wrapping_add(self.number()?);
        if before.is_some_and(|before| before.seq.0 >= seq) {
            return Err(BlockError::Disordered);
        }
        let project = self.small_number()?;
        let [tag] = self.take::<1>()?;
        let event_id = if tag & HAS_ID == 0 {
            EventId::nil()
        } else {
            EventId::from_bytes(self.take()?)
        };
        let received = self
            .previous_received
            .wrapping_add(unzigzag(self.number()?));
        let body_bytes = self.small_number()?;
        let context_bytes = self.small_number()?;
        let body_start = self.body_end;
        self.body_end = sum(self.body_end, body_bytes)?;
        self.previous_seq = seq;
        self.previous_received = received;
        Ok(Entry {
            seq: Seq(seq),
            project: ProjectId(project),
            kind: RecordKind::from_code(tag & KIND).unwrap_or(RecordKind::Unknown),
            has_blob: tag & HAS_BLOB != 0,
            event_id,
            received: Millis(received),
            body_bytes,
            body_start,
            context_bytes,
            context_start: 0,
        })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], BlockError> {
        let (field, rest) = self
            .bytes
            .split_first_chunk::<N>()
            .ok_or(BlockError::Damaged("length of the directory"))?;
        self.bytes = rest;
        Ok(*field)
    }

    fn small_number(&mut self) -> Result<u32, BlockError> {
        u32::try_from(self.number()?).map_err(|_| BlockError::Damaged("number in the directory"))
    }

    fn number(&mut self) -> Result<u64, BlockError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take::<1>()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(BlockError::Damaged("number in the directory"))
    }
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn zigzag(number: i64) -> u64 {
    (number.wrapping_shl(1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg()
}

fn sum(end: u32, length: u32) -> Result<u32, BlockError> {
    end.checked_add(length)
        .ok_or(BlockError::Damaged("lengths in the directory"))
}
