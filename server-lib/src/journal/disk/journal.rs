//! The journal's face.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::blob::Blobs;
use crate::block::MAX_PLAIN_BYTES;
use crate::clock::Clock;
use crate::config::JournalConfig;
use crate::error::{Error, ErrorKind};
use crate::journal::{AppendError, Delivery, Journal, JournalBlock, JournalState};
use crate::metrics::Metrics;
use crate::model::ids::Seq;
use crate::model::record::NewRecord;

use super::compact::Compaction;
use super::handoff::Next;
use super::intake::Request;
use super::shared::Shared;
use super::writer::{Writer, log_removal};

/// A record may not be larger than a block, with room for what comes beside its body.
const MAX_BODY_BYTES: usize = MAX_PLAIN_BYTES - 1024 * 1024;

/// The journal of one server on its data folder.
#[derive(Debug)]
pub struct DiskJournal {
    pub(super) shared: Arc<Shared>,
    pub(super) compaction: Compaction,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl DiskJournal {
    /// Opens the journal in the data folder and makes both if they are not there. Numbers go on
    /// behind `digested`, the last record that the store knows, even when the segments are gone.
    /// With `keeps_bodies` the segments stay as the bodies' home, and `blobs` go with their
    /// records; without, segments go once digested, and blobs are the store's concern.
    ///
    /// # Errors
    ///
    /// [`Conflict`](ErrorKind::Conflict) when another process has the folder open; others when it
    /// cannot be read.
    pub fn open(
        data: &Path,
        config: &JournalConfig,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        digested: Seq,
        blobs: Arc<Blobs>,
        keeps_bodies: bool,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared::open(
            data,
            config,
            metrics,
            clock,
            digested,
            blobs,
            keeps_bodies,
        )?);
        shared.count_queue();
        let writer = Writer::new(Arc::clone(&shared))?;
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| Error::new(ErrorKind::System, error).during("start the journal"))?;
        Ok(Self {
            shared,
            compaction: Compaction::default(),
            writer: Mutex::new(Some(thread)),
        })
    }

    /// Reads everything and compares the checksums; each line of the answer is one finding.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    pub fn check(&self) -> Result<Vec<String>, Error> {
        self.shared.check()
    }
}

#[async_trait]
impl Journal for DiskJournal {
    async fn append(&self, records: Vec<NewRecord>) -> Result<Seq, AppendError> {
        if records
            .iter()
            .any(|record| record.body.len() > MAX_BODY_BYTES)
        {
            return Err(AppendError::Failed);
        }
        let shared = &self.shared;
        let waiting = shared.tail().0.saturating_sub(shared.committed().0);
        let room = shared.max_queue_records.saturating_sub(waiting);
        let (answer, receiver) = oneshot::channel();
        shared.intake.offer(Request { records, answer }, room)?;
        receiver.await.unwrap_or(Err(AppendError::Closed))
    }

    fn tail(&self) -> Seq {
        self.shared.tail()
    }

    fn read_after(
        &self,
        after: Seq,
        max: usize,
        timeout: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        let deadline = Instant::now()
            .checked_add(timeout)
            .unwrap_or_else(Instant::now);
        let max = max.max(1);
        let mut after = after;
        loop {
            match self.shared.handoff.next(after, max, deadline) {
                Next::Fresh(deliveries) => return Ok(deliveries),
                Next::Nothing => return Ok(Vec::new()),
                Next::OnDisk(upto) => {
                    let (deliveries, reached) = self.shared.deliver_from_disk(after, upto, max)?;
                    if !deliveries.is_empty() {
                        return Ok(deliveries);
                    }
                    // Nothing of it can be read, or it was removed.
                    after = reached.max(after.next());
                }
            }
        }
    }

    fn commit(&self, upto: Seq) {
        let shared = &self.shared;
        shared.commit(upto);
        if shared.keeps_bodies {
            return;
        }
        if let Err(error) = shared.remove_segments(|segment| segment.last() <= upto) {
            log_removal(&error);
        }
    }

    fn blocks(&self, first: Seq, last: Seq) -> Result<Vec<JournalBlock>, Error> {
        self.shared.raw_blocks(first, last)
    }

    fn state(&self) -> JournalState {
        let segments = self.shared.segments();
        JournalState {
            tail: self.shared.tail(),
            committed: self.shared.committed(),
            bytes: segments.iter().map(|segment| segment.bytes()).sum(),
            trouble: self.shared.trouble(),
        }
    }

    async fn drop_copies(&self) -> Result<(), Error> {
        let shared = &self.shared;
        if shared.keeps_bodies {
            return Ok(());
        }
        let committed = shared.committed();
        let is_finished = shared.segments().last().is_some_and(|last| {
            last.is_live() && last.first <= last.last() && last.last() <= committed
        });
        // An answer that does not come means that the server is shutting down.
        if is_finished && shared.intake.seal().await.is_err() {
            return Ok(());
        }
        let shared = Arc::clone(shared);
        let removing = tokio::task::spawn_blocking(move || {
            shared.remove_segments(|segment| segment.last() <= committed)
        });
        removing
            .await
            .unwrap_or_else(|error| Err(Error::new(ErrorKind::System, error)))
    }

    fn close(&self) {
        self.shared.is_closing.store(true, Ordering::Release);
        self.shared.intake.close();
        let thread = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the journal's writer ended by a panic");
        }
    }
}

impl Drop for DiskJournal {
    fn drop(&mut self) {
        self.close();
    }
}
