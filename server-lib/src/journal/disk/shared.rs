//! What the journal's callers, its writer and compaction share.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::blob::Blobs;
use crate::clock::Clock;
use crate::config::JournalConfig;
use crate::error::Error;
use crate::journal::Trouble;
use crate::metrics::Metrics;
use crate::model::ids::Seq;

use super::cache::Cache;
use super::folder::{Folder, during};
use super::handoff::Handoff;
use super::intake::Intake;
use super::scan::{self, Ending};
use super::segment::{OpenSegment, Segment, SegmentHeader};

/// A segment may not be larger, so that one file stays manageable whatever is configured.
const MAX_SEGMENT_BYTES: u64 = 1024 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folder: Folder,
    pub(super) blobs: Arc<Blobs>,
    pub(super) segment_bytes: u64,
    pub(super) max_queue_records: u64,
    pub(super) min_free_bytes: u64,
    /// Whether the segments are the bodies' home, or only the way to it.
    pub(super) keeps_bodies: bool,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) intake: Intake,
    pub(super) handoff: Handoff,
    pub(super) cache: Cache,
    pub(super) is_closing: AtomicBool,
    /// When the last group was written.
    pub(super) last_append: AtomicI64,
    segments: RwLock<Vec<Arc<Segment>>>,
    next_id: AtomicU64,
    tail: AtomicU64,
    committed: AtomicU64,
    trouble: AtomicU8,
}

impl Shared {
    pub(super) fn open(
        data: &Path,
        config: &JournalConfig,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        digested: Seq,
        blobs: Arc<Blobs>,
        keeps_bodies: bool,
    ) -> Result<Self, Error> {
        let folder = Folder::open(data)?;
        let next_id = AtomicU64::new(1);
        let segments = open_segments(&folder, &next_id)?;
        let on_disk = segments.last().map_or(Seq(0), |segment| segment.last());
        let tail = on_disk.max(digested);
        if tail > on_disk
            && let Some(segment) = segments.last()
        {
            segment.close();
        }
        let now = clock.now();
        Ok(Self {
            folder,
            blobs,
            segment_bytes: config.segment_bytes.min(MAX_SEGMENT_BYTES),
            max_queue_records: config.max_queue_records,
            min_free_bytes: config.min_free_bytes,
            keeps_bodies,
            metrics,
            clock,
            intake: Intake::default(),
            handoff: Handoff::new(tail),
            cache: Cache::default(),
            is_closing: AtomicBool::new(false),
            last_append: AtomicI64::new(now.0),
            segments: RwLock::new(segments),
            next_id,
            tail: AtomicU64::new(tail.0),
            committed: AtomicU64::new(digested.0),
            trouble: AtomicU8::new(0),
        })
    }

    pub(super) fn tail(&self) -> Seq {
        Seq(self.tail.load(Ordering::Acquire))
    }

    pub(super) fn set_tail(&self, tail: Seq) {
        self.tail.store(tail.0, Ordering::Release);
    }

    pub(super) fn committed(&self) -> Seq {
        Seq(self.committed.load(Ordering::Acquire))
    }

    pub(super) fn commit(&self, upto: Seq) {
        self.committed.fetch_max(upto.0, Ordering::AcqRel);
        self.count_queue();
    }

    /// Writes to the metrics how many records wait for digest.
    pub(super) fn count_queue(&self) {
        let waiting = self.tail().0.saturating_sub(self.committed().0);
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        self.metrics.queue_records.set(waiting);
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        match self.trouble.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Trouble::Full),
            _ => Some(Trouble::Failed),
        }
    }

    pub(super) fn set_trouble(&self, trouble: Option<Trouble>) {
        let code = match trouble {
            None => 0,
            Some(Trouble::Full) => 1,
            Some(Trouble::Failed) => 2,
        };
        self.trouble.store(code, Ordering::Release);
    }

    pub(super) fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the list of the segments as it is now, in order.
    pub(super) fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns the segments that may have records from `first` to `last`.
    pub(super) fn segments_between(&self, first: Seq, last: Seq) -> Vec<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let start = segments.partition_point(|segment| segment.last() < first);
        let rest = segments.get(start..).unwrap_or_default();
        rest.iter()
            .take_while(|segment| segment.first <= last)
            .map(Arc::clone)
            .collect()
    }

    /// Changes the list; readers see it before or after.
    pub(super) fn change_segments<T>(&self, change: impl FnOnce(&mut Vec<Arc<Segment>>) -> T) -> T {
        let mut segments = self
            .segments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        change(&mut segments)
    }

    /// Takes segments off the list and deletes their files.
    pub(super) fn remove_segments(&self, goes: impl Fn(&Segment) -> bool) -> Result<(), Error> {
        let removed = self.change_segments(|segments| {
            let (removed, kept) = std::mem::take(segments)
                .into_iter()
                .partition::<Vec<_>, _>(|segment| !segment.is_live() && goes(segment));
            *segments = kept;
            removed
        });
        for segment in &removed {
            self.cache.forget(segment);
            remove_file(&segment.path)?;
        }
        if !removed.is_empty() {
            self.folder.sync()?;
        }
        Ok(())
    }
}

/// Deletes a file that may be gone already.
pub(super) fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(during("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// Reads the folder. The last segment is live if the writer can go on with it.
fn open_segments(folder: &Folder, next_id: &AtomicU64) -> Result<Vec<Arc<Segment>>, Error> {
    let mut headers: Vec<(SegmentHeader, std::path::PathBuf, u64)> = Vec::new();
    for (first, path) in folder.list()? {
        let file = fs::File::open(&path).map_err(|error| during("open", &path, error))?;
        let bytes = file.metadata()?.len();
        let header = SegmentHeader::read(&file)
            .map_err(|error| error.during(path.display().to_string()))?
            .filter(|header| header.first == first)
            .unwrap_or(SegmentHeader {
                generation: 0,
                first,
                last: None,
                index: None,
            });
        let covered = headers.last().and_then(|(before, ..)| before.last);
        if covered.is_some_and(|covered| covered >= first) {
            // Compaction has moved its records into the one before.
            fs::remove_file(&path).map_err(|error| during("remove", &path, error))?;
            continue;
        }
        headers.push((header, path, bytes));
    }
    let mut segments = Vec::with_capacity(headers.len());
    let mut following = headers.iter().skip(1).map(|(header, ..)| header.first);
    for (header, path, bytes) in &headers {
        let id = next_id.fetch_add(1, Ordering::Relaxed);
        let last = match (header.last, following.next()) {
            (Some(last), _) => last,
            (None, Some(next)) => Seq(next.0.saturating_sub(1)),
            (None, None) => {
                segments.push(Arc::new(recover(id, header, path)?));
                continue;
            }
        };
        segments.push(Arc::new(Segment::closed(
            id,
            path.clone(),
            header,
            last,
            *bytes,
        )));
    }
    Ok(segments)
}

/// Opens the segment that the writer was at, and cuts off what it did not finish.
fn recover(id: u64, header: &SegmentHeader, path: &Path) -> Result<Segment, Error> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| during("open", path, error))?;
    let length = file.metadata()?.len();
    let recovering = |error| during("recover", path, error);
    let mut found = scan::walk(&file, length, Ending::Prepared).map_err(recovering)?;
    let end = scan::whole_end(&file, length, &mut found).map_err(recovering)?;
    if SegmentHeader::read(&file)?.is_none() {
        std::os::unix::fs::FileExt::write_all_at(&file, &header.to_bytes(), 0)
            .map_err(recovering)?;
    }
    if end != length {
        tracing::info!(
            segment = %path.display(),
            offset = end,
            size_bytes = length.saturating_sub(end),
            "what was not finished of a segment is cut off"
        );
        file.set_len(end).map_err(recovering)?;
        file.sync_all().map_err(recovering)?;
    }
    found.damaged.retain(|place| place.start < end);
    scan::report(path, &found);
    let before = Seq(header.first.0.saturating_sub(1));
    let last = found.spans.last().map_or(before, |span| span.last);
    let open = Arc::new(OpenSegment::new(id, file, found.spans));
    Ok(Segment::live(
        path.to_owned(),
        header.first,
        last,
        end,
        open,
    ))
}
