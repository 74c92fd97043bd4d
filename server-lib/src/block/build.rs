//! Writing blocks.

use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, compress_bound};

use crate::model::ids::Seq;
use crate::model::record::{RecordContext, RecordHead};

use super::directory::{DirectoryWriter, Entry};
use super::{BlockError, BlockHeader, MAX_PLAIN_BYTES};

/// Buffers that grew beyond this are given back after the block.
const KEPT_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// A compressor that is used again and again.
pub struct Packer {
    compressor: Compressor<'static>,
    level: i8,
    packed: Vec<u8>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer")
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

impl Packer {
    /// What blocks of a tight packer have as their level.
    pub const TIGHT_LEVEL: i8 = 9;

    /// Makes one for a zstd level.
    ///
    /// # Errors
    ///
    /// When the level does not exist or there is no memory.
    pub fn new(level: i8) -> Result<Self, BlockError> {
        let compressor = Compressor::new(i32::from(level)).map_err(|_| BlockError::Packing)?;
        Ok(Self {
            compressor,
            level,
            packed: Vec::new(),
        })
    }

    /// Makes one that takes its time: about ten times as long as level 1, for two thirds of the
    /// bytes. Its tables are small, so that it needs 3 MiB, and long matches are all it looks for.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub fn tight() -> Result<Self, BlockError> {
        Self::new(Self::TIGHT_LEVEL)?.tuned(&[
            CParameter::HashLog(19),
            CParameter::ChainLog(19),
            CParameter::SearchLog(5),
            CParameter::MinMatch(6),
        ])
    }

    /// Makes one that is a third faster than level 1, for a third more bytes: for what is packed
    /// again later.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub fn hasty() -> Result<Self, BlockError> {
        Self::new(1)?.tuned(&[
            CParameter::HashLog(16),
            CParameter::MinMatch(7),
            // How far it jumps where it finds nothing.
            CParameter::TargetLength(3),
        ])
    }

    fn tuned(mut self, parameters: &[CParameter]) -> Result<Self, BlockError> {
        for parameter in parameters {
            self.compressor
                .set_parameter(*parameter)
                .map_err(|_| BlockError::Packing)?;
        }
        Ok(self)
    }

    fn pack(&mut self, plain: &[u8]) -> Result<(), BlockError> {
        self.packed.clear();
        self.packed.reserve(compress_bound(plain.len()));
        self.compressor
            .compress_to_buffer(plain, &mut self.packed)
            .map_err(|_| BlockError::Packing)?;
        Ok(())
    }

    fn relax(&mut self) {
        if self.packed.capacity() > KEPT_BUFFER_BYTES {
            self.packed = Vec::new();
        }
    }
}

/// Collects records for one block; may be used for the next one afterwards.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    ends: Option<(Seq, Seq)>,
    count: u32,
    names_blobs: bool,
    directory: DirectoryWriter,
    /// The bodies, and behind them the contexts when the block is finished.
    plain: Vec<u8>,
    contexts: Vec<u8>,
}

impl BlockBuilder {
    /// Makes one without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record. Its number must be greater than that of the one before.
    ///
    /// # Errors
    ///
    /// When it is not, or when the block would become too large.
    pub fn push(&mut self, seq: Seq, head: &RecordHead, body: &[u8]) -> Result<(), BlockError> {
        let before = self.contexts.len();
        if head.context != RecordContext::default() {
            serde_json::to_writer(&mut self.contexts, &head.context)
                .map_err(|_| BlockError::Packing)?;
        }
        let context_bytes = self.contexts.len().saturating_sub(before);
        let added = self
            .make_room(seq, body.len(), 0)
            .and_then(|()| Ok((small(body.len())?, small(context_bytes)?)));
        let (body_bytes, context_bytes) = match added {
            Ok(lengths) => lengths,
            Err(error) => {
                self.contexts.truncate(before);
                return Err(error);
            }
        };
        self.add(&Entry::new(seq, head, body_bytes, context_bytes), body);
        Ok(())
    }

    /// Adds a record of another block as it is there.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_entry(
        &mut self,
        entry: &Entry,
        context: &[u8],
        body: &[u8],
    ) -> Result<(), BlockError> {
        self.make_room(entry.seq, body.len(), context.len())?;
        let entry = Entry {
            body_bytes: small(body.len())?,
            context_bytes: small(context.len())?,
            ..*entry
        };
        self.contexts.extend_from_slice(context);
        self.add(&entry, body);
        Ok(())
    }

    /// Returns how many records it has.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Reports whether it has no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns how many plain bytes it has.
    #[must_use]
    pub fn plain_bytes(&self) -> usize {
        self.plain.len().saturating_add(self.contexts.len())
    }

    /// Packs the records, appends the block to `out` and begins anew. A group of blocks is written
    /// at once: `group_offset` is how far the group has come, `more_follows` whether it goes on.
    ///
    /// # Errors
    ///
    /// [`BlockError::Missing`] without records, another one when the compressor fails. Then `out` is
    /// as before, and the records are forgotten.
    pub fn finish(
        &mut self,
        packer: &mut Packer,
        group_offset: u32,
        more_follows: bool,
        out: &mut Vec<u8>,
    ) -> Result<BlockHeader, BlockError> {
        let (first, last) = self.ends.ok_or(BlockError::Missing)?;
        self.plain.append(&mut self.contexts);
        if let Err(error) = packer.pack(&self.plain) {
            self.clear();
            return Err(error);
        }
        let directory = self.directory.bytes();
        let header = BlockHeader {
            first,
            last,
            count: self.count,
            level: packer.level,
            more_follows,
            names_blobs: self.names_blobs,
            group_offset,
            directory_bytes: small(directory.len())?,
            packed_bytes: small(packer.packed.len())?,
            plain_bytes: small(self.plain.len())?,
            directory_crc: crc32fast::hash(directory),
            packed_crc: crc32fast::hash(&packer.packed),
        };
        out.extend_from_slice(&header.to_bytes());
        out.extend_from_slice(directory);
        out.extend_from_slice(&packer.packed);
        packer.relax();
        self.clear();
        Ok(header)
    }

    /// Forgets all records.
    pub fn clear(&mut self) {
        self.ends = None;
        self.count = 0;
        self.names_blobs = false;
        self.directory.clear();
        self.contexts.clear();
        if self.plain.capacity() > KEPT_BUFFER_BYTES {
            self.plain = Vec::new();
        }
        self.plain.clear();
    }

    /// `context` are bytes that are not among the contexts yet.
    fn make_room(&self, seq: Seq, body: usize, context: usize) -> Result<(), BlockError> {
        if self.ends.is_some_and(|(_, last)| last >= seq) {
            return Err(BlockError::Disordered);
        }
        let plain = self
            .plain_bytes()
            .saturating_add(body)
            .saturating_add(context);
        if plain > MAX_PLAIN_BYTES {
            return Err(BlockError::TooLarge {
                plain: plain as u64,
                limit: MAX_PLAIN_BYTES as u64,
            });
        }
        Ok(())
    }

    fn add(&mut self, entry: &Entry, body: &[u8]) {
        self.directory.push(entry);
        self.plain.extend_from_slice(body);
        self.names_blobs |= entry.has_blob;
        self.count = self.count.saturating_add(1);
        let first = self.ends.map_or(entry.seq, |(first, _)| first);
        self.ends = Some((first, entry.seq));
    }
}

fn small(length: usize) -> Result<u32, BlockError> {
    u32::try_from(length).map_err(|_| BlockError::TooLarge {
        plain: length as u64,
        limit: u64::from(u32::MAX),
    })
}
