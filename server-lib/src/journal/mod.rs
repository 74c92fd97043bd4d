//! The durable queue between accept and digest.
//!
//! Records are appended in groups: many requests share one write and one `fdatasync`, and none is
//! answered before that. A group is one compressed [block](crate::block). The journal numbers
//! records without gaps; the number stays the record's name for its whole life.
//!
//! On one machine the journal's segments stay the home of the bodies after digest: what is
//! written once is not copied elsewhere. See [`Bodies`](crate::store::Bodies).

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Error;
use crate::model::event::EventFacts;
use crate::model::ids::Seq;
use crate::model::record::{NewRecord, RecordHead};

pub mod disk;

/// A durable queue of records.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Appends the records, all or none, and returns the number of the first when they are on
    /// disk. `records` is not empty.
    ///
    /// # Errors
    ///
    /// [`AppendError::Full`] and [`AppendError::Busy`] at once, when there is no room.
    async fn append(&self, records: Vec<NewRecord>) -> Result<Seq, AppendError>;

    /// Returns the number of the last record on disk; 0 when there is none.
    fn tail(&self) -> Seq;

    /// Returns up to `max` records after `after`, in order, waiting up to `timeout` for the first.
    /// Blocks the thread. Fresh records come from memory with their facts, older ones from disk.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    fn read_after(&self, after: Seq, max: usize, timeout: Duration)
    -> Result<Vec<Delivery>, Error>;

    /// Tells that all records up to `upto` are digested. What the journal keeps for digest alone
    /// may go.
    fn commit(&self, upto: Seq);

    /// Returns the blocks that hold the records from `first` to `last`, as they are on disk. For
    /// a store that is the bodies' home itself.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    fn blocks(&self, first: Seq, last: Seq) -> Result<Vec<JournalBlock>, Error>;

    /// Returns how the journal stands, for metrics and `doctor`.
    fn state(&self) -> JournalState;

    /// Removes what digest has finished from its own disk, also out of the file that is being written
    /// to, where the store is the home of bodies.
    async fn drop_copies(&self) -> Result<(), Error>;

    /// Stops taking records, writes what it has, and ends its threads.
    fn close(&self);
}

/// Why records were not taken. The request is answered 503 with `Retry-After`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The disk has no room.
    #[error("the disk is full")]
    Full,
    /// The queue has reached its bound.
    #[error("the queue is full")]
    Busy,
    /// Writing failed.
    #[error("the journal cannot be written")]
    Failed,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Closed,
}

impl AppendError {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Full => "disk_full",
            Self::Busy => "queue_full",
            Self::Failed => "journal_failed",
            Self::Closed => "shutting_down",
        }
    }
}

/// A record as digest gets it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its place.
    pub seq: Seq,
    /// What is known of it.
    pub head: RecordHead,
    /// What accept took from an event's body; `None` after a restart, and for other kinds.
    pub facts: Option<Box<EventFacts>>,
    /// The body; `None` for an event that has its facts, because digest does not need it then.
    pub body: Option<Bytes>,
    /// Length of the body.
    pub body_bytes: u64,
}

/// A block as it is on disk: what [`Block`](crate::block::Block) reads.
#[derive(Clone, Debug)]
pub struct JournalBlock {
    /// Its first record.
    pub first: Seq,
    /// Its last record.
    pub last: Seq,
    /// Its bytes.
    pub bytes: Bytes,
}

/// How the journal stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalState {
    /// The last record on disk.
    pub tail: Seq,
    /// The last record that digest has finished.
    pub committed: Seq,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Whether the last write failed, and how.
    pub trouble: Option<Trouble>,
}

/// Why the journal does not take records now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The disk has no room.
    Full,
    /// Writing failed.
    Failed,
}
