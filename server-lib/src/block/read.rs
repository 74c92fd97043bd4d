//! Reading blocks.

use bytes::Bytes;

use crate::model::ids::Seq;
use crate::model::record::{Record, RecordContext, RecordHead};

use super::directory::{self, Entry};
use super::header::HEADER_BYTES;
use super::{BlockError, BlockHeader};

/// A block with its directory read and its payload still packed.
#[derive(Clone, Debug)]
pub struct Block {
    header: BlockHeader,
    entries: Vec<Entry>,
    packed: Bytes,
}

impl Block {
    /// Reads the block at the start of `bytes`; what comes behind it is left alone.
    ///
    /// # Errors
    ///
    /// When it is cut off, damaged or of a newer version.
    pub fn parse(mut bytes: Bytes) -> Result<Self, BlockError> {
        let header = BlockHeader::peek(&bytes)?;
        let directory_bytes = to_usize(header.directory_bytes);
        let packed_bytes = to_usize(header.packed_bytes);
        if (bytes.len() as u64) < header.total_bytes() {
            return Err(BlockError::Torn);
        }
        let mut rest = bytes.split_off(HEADER_BYTES);
        let mut packed = rest.split_off(directory_bytes);
        packed.truncate(packed_bytes);
        Ok(Self {
            entries: directory::parse(&header, &rest)?,
            header,
            packed,
        })
    }

    /// Reads only the directory, from the bytes that follow the header.
    ///
    /// # Errors
    ///
    /// When they are damaged or too few.
    pub fn read_directory(header: &BlockHeader, bytes: &[u8]) -> Result<Vec<Entry>, BlockError> {
        let bytes = bytes
            .get(..to_usize(header.directory_bytes))
            .ok_or(BlockError::Torn)?;
        directory::parse(header, bytes)
    }

    /// Returns what the block says of itself.
    #[must_use]
    pub fn header(&self) -> &BlockHeader {
        &self.header
    }

    /// Returns what is known of its records, in their order.
    #[must_use]
    pub fn directory(&self) -> &[Entry] {
        &self.entries
    }

    /// Checks the payload's checksum.
    ///
    /// # Errors
    ///
    /// When it is not what was written.
    pub fn verify(&self) -> Result<(), BlockError> {
        if crc32fast::hash(&self.packed) == self.header.packed_crc {
            Ok(())
        } else {
            Err(BlockError::Damaged("checksum of the payload"))
        }
    }

    /// Unpacks the payload, if it has no more than `max_plain` bytes then.
    ///
    /// # Errors
    ///
    /// When it has more, or is damaged.
    pub fn unpack(&self, max_plain: usize) -> Result<Unpacked, BlockError> {
        let plain_bytes = to_usize(self.header.plain_bytes);
        if plain_bytes > max_plain {
            return Err(BlockError::TooLarge {
                plain: plain_bytes as u64,
                limit: max_plain as u64,
            });
        }
        self.verify()?;
        let frame = zstd::zstd_safe::get_frame_content_size(&self.packed);
        if frame.ok().flatten() != Some(plain_bytes as u64) {
            return Err(BlockError::Damaged("length of the payload"));
        }
        let plain = zstd::bulk::decompress(&self.packed, plain_bytes)
            .map_err(|_| BlockError::Damaged("payload"))?;
        if plain.len() != plain_bytes {
            return Err(BlockError::Damaged("length of the payload"));
        }
        Ok(Unpacked {
            entries: self.entries.clone(),
            plain: Bytes::from(plain),
        })
    }
}

/// A block's records, unpacked.
#[derive(Clone, Debug)]
pub struct Unpacked {
    entries: Vec<Entry>,
    plain: Bytes,
}

impl Unpacked {
    /// Returns what is known of the records, in their order.
    #[must_use]
    pub fn directory(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns how many plain bytes it holds.
    #[must_use]
    pub fn plain_bytes(&self) -> usize {
        self.plain.len()
    }

    /// Finds a record by its number.
    #[must_use]
    pub fn find(&self, seq: Seq) -> Option<&Entry> {
        let index = self.entries.binary_search_by_key(&seq, |entry| entry.seq);
        self.entries.get(index.ok()?)
    }

    /// Returns the record of an entry of this block. Its body shares the block's memory.
    ///
    /// # Errors
    ///
    /// When the entry is another block's, or its context cannot be read.
    pub fn record(&self, entry: &Entry) -> Result<Record, BlockError> {
        let context = self.context(entry)?;
        let context = if context.is_empty() {
            RecordContext::default()
        } else {
            serde_json::from_slice(&context)
                .map_err(|_| BlockError::Damaged("context of a record"))?
        };
        Ok(Record {
            seq: entry.seq,
            head: RecordHead {
                project: entry.project,
                kind: entry.kind,
                event_id: entry.event_id,
                received: entry.received,
                context,
            },
            body: self.body(entry)?,
        })
    }

    /// Returns the record of an entry of this block for a reader that keeps it: a body that would
    /// hold a much larger block in memory is copied.
    ///
    /// # Errors
    ///
    /// As [`record`](Self::record).
    pub fn record_alone(&self, entry: &Entry) -> Result<Record, BlockError> {
        let mut record = self.record(entry)?;
        if record.body.len().saturating_mul(2) < self.plain_bytes() {
            record.body = Bytes::copy_from_slice(&record.body);
        }
        Ok(record)
    }

    /// Returns all records, in their order.
    ///
    /// # Errors
    ///
    /// When the context of one cannot be read.
    pub fn records(&self) -> Result<Vec<Record>, BlockError> {
        self.entries
            .iter()
            .map(|entry| self.record(entry))
            .collect()
    }

    /// Returns the body of an entry of this block, sharing the block's memory.
    ///
    /// # Errors
    ///
    /// When the entry is another block's.
    pub fn body(&self, entry: &Entry) -> Result<Bytes, BlockError> {
        self.part(entry.body_start, entry.body_bytes)
    }

    /// Returns the context of an entry of this block as JSON; empty when there is nothing in it.
    ///
    /// # Errors
    ///
    /// When the entry is another block's.
    pub fn context(&self, entry: &Entry) -> Result<Bytes, BlockError> {
        self.part(entry.context_start, entry.context_bytes)
    }

    fn part(&self, start: u32, length: u32) -> Result<Bytes, BlockError> {
        let start = to_usize(start);
        let end = start.saturating_add(to_usize(length));
        if end > self.plain.len() {
            return Err(BlockError::Missing);
        }
        Ok(self.plain.slice(start..end))
    }
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
