//! The writer: takes what is queued, writes it as one group, syncs once, answers everybody.
//!
//! While a sync runs, the next group gathers by itself; under load it gathers a moment longer. A group
//! is all there or not at all: the blocks of a group say so, and opening cuts off a torn one.
//!
//! When writing fails, the file is cut back to the last good group and the next group tries
//! again. When a sync fails, the system may have thrown the data away and call the next sync good;
//! so the file is given up and the next group begins a new one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::blob::free_bytes;
use crate::block::{BlockBuilder, BlockError, BlockHeader, Packer};
use crate::error;
use crate::journal::{AppendError, Delivery, Trouble};
use crate::model::ids::Seq;
use crate::model::record::NewRecord;

use super::folder::means_full;
use super::intake::{Request, Work};
use super::segment::{OpenSegment, SEGMENT_HEADER_BYTES, Segment, SegmentHeader, Span};
use super::shared::Shared;
use super::spare::{PAGE_BYTES, Spares};

/// A block is finished when the next record would make it larger.
const BLOCK_BYTES: usize = 1024 * 1024;
/// How long the free space is believed.
const FREE_SPACE_AGE: Duration = Duration::from_millis(250);
/// After so much idleness, a segment that is only a way to another home is closed and removed.
const IDLE: Duration = Duration::from_secs(5);
/// Under load, groups begin so long after each other: what a sync costs the processor is shared by
/// more records then. A request that is alone never waits.
const RHYTHM: Duration = Duration::from_micros(300);
/// A segment is made ahead only while so many would find room.
const SPARE_ROOM: u64 = 8;
const KEPT_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// The writer's own part; lives on its thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    packer: Packer,
    builder: BlockBuilder,
    /// The group as it goes to disk, and its blocks with their places in it.
    group: Vec<u8>,
    headers: Vec<(u64, BlockHeader)>,
    active: Option<Active>,
    spares: Spares,
    /// The free space, and when it was looked at.
    free: Option<(Instant, u64)>,
}

/// The segment at hand.
struct Active {
    segment: Arc<Segment>,
    open: Arc<OpenSegment>,
    /// Where the next group begins: behind the last good one.
    end: u64,
    /// Up to where the file is zeros on disk.
    prepared: u64,
    has_prepared_next: bool,
}

impl Active {
    /// Makes the file end behind the last good group.
    fn cut(&mut self) -> io::Result<()> {
        self.prepared = 0;
        self.open.file.set_len(self.end)
    }
}

/// Why a group was not written.
#[derive(Debug, Error)]
enum Failure {
    #[error("only {0} bytes are free")]
    Full(u64),
    #[error("{0} failed")]
    Disk(&'static str, #[source] io::Error),
    #[error("a group cannot be packed")]
    Packing(#[from] BlockError),
}

impl Failure {
    fn means_full(&self) -> bool {
        match self {
            Self::Full(_) => true,
            Self::Disk(_, error) => means_full(error),
            Self::Packing(_) => false,
        }
    }
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Result<Self, BlockError> {
        let last = shared.segments().pop();
        let active = last.and_then(|segment| {
            let open = segment.live_part()?;
            let end = segment.bytes();
            Some(Active {
                segment,
                open,
                end,
                prepared: 0,
                has_prepared_next: false,
            })
        });
        Ok(Self {
            packer: Packer::hasty()?,
            shared,
            builder: BlockBuilder::new(),
            group: Vec::new(),
            headers: Vec::new(),
            active,
            spares: Spares::default(),
            free: None,
        })
    }

    pub(super) fn run(mut self) {
        let mut not_before = None;
        loop {
            match self.shared.intake.next(IDLE, not_before) {
                Work::Group(requests) => {
                    let (is_busy, started) = (requests.len() > 1, Instant::now());
                    not_before = is_busy.then(|| started.checked_add(RHYTHM)).flatten();
                    self.write_group(requests);
                }
                Work::Seal(answers) => {
                    self.seal();
                    for answer in answers {
                        // Who asked may have given up.
                        let _ = answer.send(());
                    }
                }
                Work::Idle => self.rest(),
                Work::Closed => break,
            }
        }
        self.trim();
        self.shared.handoff.close();
    }

    fn write_group(&mut self, requests: Vec<Request>) {
        let started = Instant::now();
        let first = self.shared.tail().next();
        match self.try_write(&requests, first) {
            Ok(()) => self.publish(requests, first, started),
            Err(failure) => {
                let (trouble, error) = if failure.means_full() {
                    (Trouble::Full, AppendError::Full)
                } else {
                    (Trouble::Failed, AppendError::Failed)
                };
                if self.shared.trouble() != Some(trouble) {
                    self.shared.set_trouble(Some(trouble));
                    tracing::error!(
                        reason = error.code(),
                        error = &failure as &dyn std::error::Error,
                        "the journal takes no records now"
                    );
                }
                for request in requests {
                    let _ = request.answer.send(Err(error.clone()));
                }
            }
        }
    }

    fn try_write(&mut self, requests: &[Request], first: Seq) -> Result<(), Failure> {
        self.check_space()?;
        self.pack(requests, first)
            .inspect_err(|_| self.builder.clear())?;
        let mut active = match self.active.take() {
            Some(active) => active,
            None => self
                .create_segment(first)
                .map_err(|error| Failure::Disk("creating a segment", error))?,
        };
        let group_end = active.end.saturating_add(self.group.len() as u64);
        self.fill_page(group_end, active.prepared);
        if let Err(error) = active.open.file.write_all_at(&self.group, active.end) {
            if active.cut().is_ok() {
                self.active = Some(active);
            } else {
                self.give_up(&active);
            }
            return Err(Failure::Disk("writing a group", error));
        }
        if let Err(error) = active.open.file.sync_data() {
            // Not being cut back does no harm: nothing beyond its last good group is read.
            let _ = active.cut();
            self.give_up(&active);
            return Err(Failure::Disk("syncing a group", error));
        }
        let spans = self
            .headers
            .iter()
            .map(|(offset, header)| Span::new(active.end.saturating_add(*offset), header))
            .collect::<Vec<_>>();
        active.end = group_end;
        active.open.extend(&spans);
        let last = spans.last().map_or(first, |span| span.last);
        active.segment.grow(last, active.end);
        self.active = Some(active);
        Ok(())
    }

    /// Packs the records of all requests into the blocks of one group.
    fn pack(&mut self, requests: &[Request], first: Seq) -> Result<(), BlockError> {
        self.headers.clear();
        if self.group.capacity() > KEPT_BUFFER_BYTES {
            self.group = Vec::new();
        }
        self.group.clear();
        let mut seq = first;
        for record in requests.iter().flat_map(|request| &request.records) {
            let plain = self.builder.plain_bytes().saturating_add(record.body.len());
            if plain > BLOCK_BYTES && !self.builder.is_empty() {
                self.finish_block(true)?;
            }
            self.builder.push(seq, &record.head, &record.body)?;
            seq = seq.next();
        }
        self.finish_block(false)
    }

    fn finish_block(&mut self, more_follows: bool) -> Result<(), BlockError> {
        let offset = self.group.len();
        let header = self.builder.finish(
            &mut self.packer,
            u32::try_from(offset).unwrap_or(u32::MAX),
            more_follows,
            &mut self.group,
        )?;
        self.headers.push((offset as u64, header));
        Ok(())
    }

    /// In a prepared file, writes the rest of the group's last page too: it is zeros already, and
    /// the system would have to read it before it could change a part of it.
    fn fill_page(&mut self, end: u64, prepared: u64) {
        let whole = end.next_multiple_of(PAGE_BYTES);
        let missing = usize::try_from(whole.saturating_sub(end));
        if let (true, Ok(missing)) = (whole <= prepared, missing) {
            self.group
                .resize(self.group.len().saturating_add(missing), 0);
        }
    }

    /// Tells everybody that the group is on disk.
    fn publish(&mut self, requests: Vec<Request>, first: Seq, started: Instant) {
        let shared = Arc::clone(&self.shared);
        shared
            .last_append
            .store(shared.clock.now().0, Ordering::Relaxed);
        if shared.trouble().is_some() {
            shared.set_trouble(None);
            tracing::info!("the journal takes records again");
        }
        let mut deliveries = Vec::new();
        let mut answers = Vec::with_capacity(requests.len());
        let mut seq = first;
        for request in requests {
            answers.push((request.answer, seq));
            for record in request.records {
                deliveries.push(deliver(seq, record));
                seq = seq.next();
            }
        }
        let tail = Seq(seq.0.saturating_sub(1));
        let count = deliveries.len();
        shared.handoff.push(deliveries, tail);
        shared.set_tail(tail);
        for (answer, seq) in answers {
            // The request may have been given up.
            let _ = answer.send(Ok(seq));
        }
        shared.metrics.group_records.observe(count as f64);
        shared
            .metrics
            .group_seconds
            .observe(started.elapsed().as_secs_f64());
        shared.count_queue();
        let end = self.active.as_ref().map_or(0, |active| active.end);
        if end >= shared.segment_bytes {
            self.seal();
        } else if end >= shared.segment_bytes / 2 {
            self.prepare_next();
        }
    }

    /// Has the next segment's file made, once for each segment, where there is much room.
    fn prepare_next(&mut self) {
        let shared = &self.shared;
        let wanted = match &mut self.active {
            Some(active) => !std::mem::replace(&mut active.has_prepared_next, true),
            None => false,
        };
        let room = shared
            .segment_bytes
            .saturating_mul(SPARE_ROOM)
            .saturating_add(shared.min_free_bytes);
        if wanted && free_bytes(shared.folder.path()).is_ok_and(|free| free >= room) {
            let path = shared.folder.spare_path();
            self.spares.prepare(path, shared.segment_bytes);
        }
    }

    /// Closes the segment; the next group begins a new one.
    fn seal(&mut self) {
        self.trim();
        if let Some(active) = self.active.take() {
            active.segment.close();
        }
    }

    /// Gives back what the segment does not fill. What it holds stays where it is, so nothing needs
    /// to be synced; opening would cut it off too.
    fn trim(&mut self) {
        if let Some(active) = &mut self.active
            && active.prepared > active.end
            && let Err(error) = active.cut()
        {
            tracing::debug!(%error, "a segment keeps its empty end");
        }
    }

    /// Closes a segment that cannot be relied on any more.
    fn give_up(&self, active: &Active) {
        active.segment.close();
        if active.end > SEGMENT_HEADER_BYTES {
            return;
        }
        // Nothing good is in it, and the next one has the same name.
        let id = active.segment.id;
        if let Err(error) = self.shared.remove_segments(|segment| segment.id == id) {
            tracing::debug!(%error, "an empty segment cannot be removed");
        }
    }

    fn create_segment(&self, first: Seq) -> io::Result<Active> {
        let shared = &self.shared;
        let id = shared.new_id();
        let path = shared.folder.segment_path(first);
        let header = SegmentHeader {
            generation: 0,
            first,
            last: None,
            index: None,
        };
        let (file, prepared) = match self.take_spare(&header, &path) {
            Some(spare) => spare,
            None => (create_file(shared, &header, &path)?, 0),
        };
        shared.folder.sync()?;
        let open = Arc::new(OpenSegment::new(id, file, Vec::new()));
        let before = Seq(first.0.saturating_sub(1));
        let segment = Arc::new(Segment::live(
            path,
            first,
            before,
            SEGMENT_HEADER_BYTES,
            Arc::clone(&open),
        ));
        shared.change_segments(|segments| segments.push(Arc::clone(&segment)));
        Ok(Active {
            segment,
            open,
            end: SEGMENT_HEADER_BYTES,
            prepared,
            has_prepared_next: false,
        })
    }

    /// Makes the spare the segment, when there is one and it is as it was left.
    fn take_spare(&self, header: &SegmentHeader, path: &Path) -> Option<(File, u64)> {
        let spare = self.spares.take()?;
        let taken = spare
            .file
            .write_all_at(&header.to_bytes(), 0)
            .and_then(|()| fs::rename(&spare.path, path));
        if let Err(error) = taken {
            tracing::warn!(%error, "a segment that was made ahead cannot be used");
            let _ = fs::remove_file(&spare.path);
            return None;
        }
        Some((spare.file, spare.bytes))
    }

    fn check_space(&mut self) -> Result<(), Failure> {
        let known = self
            .free
            .filter(|(checked, _)| checked.elapsed() < FREE_SPACE_AGE);
        let free = match known {
            Some((_, free)) => free,
            None => {
                // A system that does not say is found out by writing.
                let free = free_bytes(self.shared.folder.path()).unwrap_or(u64::MAX);
                self.free = Some((Instant::now(), free));
                free
            }
        };
        if free >= self.shared.min_free_bytes {
            Ok(())
        } else {
            Err(Failure::Full(free))
        }
    }

    /// Frees what is not needed any more, when nothing comes.
    fn rest(&mut self) {
        let shared = Arc::clone(&self.shared);
        self.group = Vec::new();
        self.builder = BlockBuilder::new();
        self.trim();
        self.spares.shed();
        shared.cache.shed();
        let all_digested = shared.committed() >= shared.tail();
        if shared.keeps_bodies || !all_digested {
            return;
        }
        self.seal();
        if let Err(error) = shared.remove_segments(|segment| segment.last() <= shared.committed()) {
            log_removal(&error);
        }
    }
}

/// Writes to the log that digested segments could not be removed.
pub(super) fn log_removal(error: &error::Error) {
    tracing::error!(%error, "a digested segment cannot be removed");
}

fn deliver(seq: Seq, record: NewRecord) -> Delivery {
    let in_blob = record.head.context.blob.as_ref().map(|blob| blob.bytes);
    Delivery {
        seq,
        body_bytes: in_blob.unwrap_or(record.body.len() as u64),
        body: record.facts.is_none().then_some(record.body),
        facts: record.facts,
        head: record.head,
    }
}

fn create_file(shared: &Shared, header: &SegmentHeader, path: &Path) -> io::Result<File> {
    let unfinished = shared.folder.unfinished_path(header.first, shared.new_id());
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&unfinished)?;
    file.write_all_at(&header.to_bytes(), 0)
        .and_then(|()| fs::rename(&unfinished, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&unfinished);
        })?;
    Ok(file)
}
