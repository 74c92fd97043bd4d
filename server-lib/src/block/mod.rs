//! A block: some records as one compressed unit with a directory. The journal's segments are
//! rows of blocks, and so is the block table of a store that keeps bodies itself.
//!
//! ```text
//! header     64 bytes: magic, version, numbers of the first and last record, lengths, checksums
//! directory  one entry for each record: number, project, kind, event id, time, lengths
//! payload    zstd: the bodies one after another, then the contexts as JSON
//! ```
//!
//! Header, directory and payload have a checksum each, so that a block can be found and its
//! directory read without unpacking it. The records of a block are in the order of their numbers;
//! numbers may be missing, because records are removed later and the others keep theirs.
//!
//! Reading trusts nothing: a damaged or lying block is an error, never a panic and never a large
//! allocation.

mod build;
mod directory;
mod header;
mod read;

pub use build::{BlockBuilder, Packer};
pub use directory::Entry;
pub use header::{BlockHeader, HEADER_BYTES};
pub use read::{Block, Unpacked};

/// No block holds more plain bytes than these.
pub const MAX_PLAIN_BYTES: usize = 256 * 1024 * 1024;

/// What is wrong with a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The bytes end before the block does.
    #[error("the block is cut off")]
    Torn,
    /// The bytes are not a block, or not what was written.
    #[error("the block is damaged: {0}")]
    Damaged(&'static str),
    /// A newer version wrote it.
    #[error("the block has the unknown version {0}")]
    TooNew(u8),
    /// It would unpack to more bytes than the reader allows.
    #[error("the block unpacks to {plain} bytes, which is more than {limit}")]
    TooLarge {
        /// What it says.
        plain: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A record is not after the one before it.
    #[error("the records of a block must be in order")]
    Disordered,
    /// There is no such record in the block.
    #[error("the block has no such record")]
    Missing,
    /// The compressor failed.
    #[error("the block cannot be compressed")]
    Packing,
}

impl BlockError {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Torn => "block_torn",
            Self::Damaged(_) => "block_damaged",
            Self::TooNew(_) => "block_too_new",
            Self::TooLarge { .. } => "block_too_large",
            Self::Disordered => "block_disordered",
            Self::Missing => "block_record_missing",
            Self::Packing => "block_packing",
        }
    }
}

impl From<BlockError> for crate::error::Error {
    fn from(error: BlockError) -> Self {
        let kind = match error {
            BlockError::TooNew(_) => crate::error::ErrorKind::TooNew,
            BlockError::Missing => crate::error::ErrorKind::NotFound,
            BlockError::Disordered | BlockError::TooLarge { .. } => {
                crate::error::ErrorKind::Invalid
            }
            BlockError::Packing => crate::error::ErrorKind::System,
            BlockError::Torn | BlockError::Damaged(_) => crate::error::ErrorKind::Corrupt,
        };
        Self::new(kind, error)
    }
}
