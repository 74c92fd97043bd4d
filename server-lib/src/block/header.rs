//! The fixed part at the start of a block: enough to find the next one.

use crate::model::ids::Seq;

use super::{BlockError, MAX_PLAIN_BYTES};

/// Length of a header.
pub const HEADER_BYTES: usize = 64;

pub(super) const MAGIC: [u8; 4] = *b"MSBK";
const VERSION: u8 = 1;
const MORE_FOLLOWS: u8 = 1;
const NAMES_BLOBS: u8 = 2;

/// What a block says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockHeader {
    /// Its first record.
    pub first: Seq,
    /// Its last record.
    pub last: Seq,
    /// How many records it has.
    pub count: u32,
    /// The zstd level that packed it.
    pub level: i8,
    /// Whether the group that it was written with goes on in the next block.
    pub more_follows: bool,
    /// Whether a record's body is in a blob.
    pub names_blobs: bool,
    /// How many bytes before this block its group begins.
    pub group_offset: u32,
    /// Length of the directory.
    pub directory_bytes: u32,
    /// Length of the payload, packed.
    pub packed_bytes: u32,
    /// Length of the payload, unpacked.
    pub plain_bytes: u32,
    pub(super) directory_crc: u32,
    pub(super) packed_crc: u32,
}

impl BlockHeader {
    /// Reads the header at the start of `bytes`, which may end within the block.
    ///
    /// # Errors
    ///
    /// [`BlockError::Torn`] when even the header is cut off, another one when it is none.
    pub fn peek(bytes: &[u8]) -> Result<Self, BlockError> {
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(BlockError::Torn);
        };
        let mut fields = Fields(header.as_slice());
        if fields.take::<4>()? != MAGIC {
            return Err(BlockError::Damaged("no block begins here"));
        }
        let (covered, crc) = header.split_at(HEADER_BYTES - 4);
        if crc != crc32fast::hash(covered).to_le_bytes() {
            return Err(BlockError::Damaged("checksum of the header"));
        }
        let [version, level, flags, _] = fields.take::<4>()?;
        if version != VERSION {
            return Err(BlockError::TooNew(version));
        }
        let header = Self {
            level: i8::from_le_bytes([level]),
            more_follows: flags & MORE_FOLLOWS != 0,
            names_blobs: flags & NAMES_BLOBS != 0,
            first: Seq(fields.u64()?),
            last: Seq(fields.u64()?),
            count: fields.u32()?,
            directory_bytes: fields.u32()?,
            packed_bytes: fields.u32()?,
            plain_bytes: fields.u32()?,
            group_offset: fields.u32()?,
            directory_crc: fields.u32()?,
            packed_crc: fields.u32()?,
        };
        header.check()?;
        Ok(header)
    }

    /// Returns the length of the whole block.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        u64::from(self.directory_bytes) + u64::from(self.packed_bytes) + HEADER_BYTES as u64
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let flags = if self.more_follows { MORE_FOLLOWS } else { 0 }
            | if self.names_blobs { NAMES_BLOBS } else { 0 };
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.level.to_le_bytes());
        bytes.extend_from_slice(&[flags, 0]);
        bytes.extend_from_slice(&self.first.0.to_le_bytes());
        bytes.extend_from_slice(&self.last.0.to_le_bytes());
        for number in [
            self.count,
            self.directory_bytes,
            self.packed_bytes,
            self.plain_bytes,
            self.group_offset,
            self.directory_crc,
            self.packed_crc,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.resize(HEADER_BYTES - 4, 0);
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&bytes);
        header
    }

    fn check(&self) -> Result<(), BlockError> {
        let numbers = self.last.0.checked_sub(self.first.0);
        let fits = numbers.is_some_and(|more| u64::from(self.count) <= more.saturating_add(1));
        if !fits || self.count == 0 {
            return Err(BlockError::Damaged("numbers of its records"));
        }
        let plain = u64::from(self.plain_bytes);
        if plain > MAX_PLAIN_BYTES as u64 {
            return Err(BlockError::TooLarge {
                plain,
                limit: MAX_PLAIN_BYTES as u64,
            });
        }
        Ok(())
    }
}

/// Little-endian numbers, one after another.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], BlockError> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or(BlockError::Torn)?;
        self.0 = rest;
        Ok(*field)
    }

    fn u32(&mut self) -> Result<u32, BlockError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, BlockError> {
        self.take().map(u64::from_le_bytes)
    }
}
