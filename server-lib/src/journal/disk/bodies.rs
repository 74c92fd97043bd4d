//! The segments as the home of bodies.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind};
use crate::model::ids::Seq;
use crate::model::record::Record;
use crate::store::{Bodies, Upkeep};

use super::journal::DiskJournal;
use super::segment::{OpenSegment, Span};
use super::shared::Shared;

/// The rest behind each removed file, in lengths of its removal: a file system is busy with it for
/// that long, and syncs of the journal wait.
const REST_FACTOR: u32 = 9;

#[async_trait]
impl Bodies for DiskJournal {
    async fn read(&self, seqs: &[Seq]) -> Result<Vec<Option<Record>>, Error> {
        let shared = Arc::clone(&self.shared);
        let seqs = seqs.to_vec();
        blocking(move || shared.read_records(&seqs)).await
    }

    async fn drop_through(&self, seq: Seq) -> Result<(), Error> {
        loop {
            let shared = Arc::clone(&self.shared);
            let started = Instant::now();
            if !blocking(move || shared.drop_first(seq)).await? {
                return Ok(());
            }
            tokio::time::sleep(started.elapsed().saturating_mul(REST_FACTOR)).await;
        }
    }

    async fn compact(&self, upkeep: &dyn Upkeep) -> Result<bool, Error> {
        self.compaction.step(&self.shared, upkeep).await
    }

    async fn bytes(&self) -> Result<u64, Error> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let segments = shared.segments();
            let in_segments = segments.iter().map(|segment| segment.bytes()).sum::<u64>();
            Ok(in_segments.saturating_add(shared.blobs.total_bytes()?))
        })
        .await
    }
}

/// Runs what may block on a thread for that.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Error::new(ErrorKind::System, error)))
}

impl Shared {
    /// Removes the first segment and the blobs of its records, when it has nothing behind `seq`;
    /// false when there is none to remove.
    fn drop_first(&self, seq: Seq) -> Result<bool, Error> {
        let segments = self.segments();
        let mut closed = segments.iter().filter(|segment| !segment.is_live());
        let Some(segment) = closed.next().filter(|segment| segment.last() <= seq) else {
            return Ok(false);
        };
        if let Some(open) = self.cache.open(segment)? {
            for span in open.spans(Seq(0), Seq(u64::MAX), usize::MAX) {
                if span.names_blobs {
                    self.remove_blobs(&open, &span)?;
                }
            }
        }
        let id = segment.id;
        self.remove_segments(|segment| segment.id == id)?;
        Ok(true)
    }

    fn remove_blobs(&self, open: &OpenSegment, span: &Span) -> Result<(), Error> {
        let Some(block) = self.unpack_or_skip(open, span)? else {
            return Ok(());
        };
        for entry in block.directory().iter().filter(|entry| entry.has_blob) {
            if let Some(blob) = block.record(entry)?.head.context.blob {
                self.blobs.remove(&blob.name)?;
            }
        }
        Ok(())
    }
}
