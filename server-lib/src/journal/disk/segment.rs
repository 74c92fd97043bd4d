//! A segment: a file with a header and a row of blocks.
//!
//! ```text
//! header   64 bytes: magic, version, generation, first and last record, place of the index
//! blocks   one behind the other
//! index    only where compaction wrote it: the blocks' places, and which projects are in it
//! ```
//!
//! A segment as the writer leaves it has generation 0, an open end and no index; its blocks are
//! found by walking their headers.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;

use crate::block::BlockHeader;
use crate::error::{Error, ErrorKind};
use crate::model::ids::Seq;

use super::folder::during;
use super::index;
use super::scan::{self, Ending};

/// Length of a segment's header: where its first block is.
pub(super) const SEGMENT_HEADER_BYTES: u64 = 64;

const MAGIC: [u8; 4] = *b"MSSG";
const VERSION: u8 = 1;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    /// 0 as written by the writer, else the generation of the rules that compacted it.
    pub(super) generation: u8,
    /// The first record that it may have.
    pub(super) first: Seq,
    /// The last record that it may have; `None` as written by the writer.
    pub(super) last: Option<Seq>,
    /// Where its index is.
    pub(super) index: Option<(u64, u32)>,
}

impl SegmentHeader {
    pub(super) fn to_bytes(self) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let (index_at, index_bytes) = self.index.unwrap_or_default();
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[VERSION, self.generation, 0, 0]);
        bytes.extend_from_slice(&self.first.0.to_le_bytes());
        bytes.extend_from_slice(&self.last.unwrap_or_default().0.to_le_bytes());
        bytes.extend_from_slice(&index_at.to_le_bytes());
        bytes.extend_from_slice(&index_bytes.to_le_bytes());
        bytes.resize(60, 0);
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        let mut header = [0; SEGMENT_HEADER_BYTES as usize];
        header.copy_from_slice(&bytes);
        header
    }

    /// Reads the header; `None` when it is not whole.
    pub(super) fn read(file: &File) -> Result<Option<Self>, Error> {
        let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => Self::from_bytes(&bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn from_bytes(bytes: &[u8; SEGMENT_HEADER_BYTES as usize]) -> Result<Option<Self>, Error> {
        let (covered, crc) = bytes.split_at(60);
        if !bytes.starts_with(&MAGIC) || crc != crc32fast::hash(covered).to_le_bytes() {
            return Ok(None);
        }
        let [_, _, _, _, version, generation, ..] = *bytes;
        if version != VERSION {
            return Err(Error::because(
                ErrorKind::TooNew,
                format!("a segment has the unknown version {version}"),
            ));
        }
        let long = |at: usize| {
            let field = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
            field.map_or(0, |field| u64::from_le_bytes(*field))
        };
        let index_at = long(24);
        let index_bytes = (long(32) & u64::from(u32::MAX)) as u32;
        Ok(Some(Self {
            generation,
            first: Seq(long(8)),
            last: Some(Seq(long(16))).filter(|last| last.0 != 0),
            index: (index_bytes != 0).then_some((index_at, index_bytes)),
        }))
    }
}

/// Where a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: Seq,
    pub(super) last: Seq,
    pub(super) offset: u64,
    pub(super) bytes: u32,
    pub(super) plain_bytes: u32,
    pub(super) names_blobs: bool,
}

impl Span {
    /// Returns the place of a block with this header.
    pub(super) fn new(offset: u64, header: &BlockHeader) -> Self {
        Self {
            first: header.first,
            last: header.last,
            offset,
            bytes: u32::try_from(header.total_bytes()).unwrap_or(u32::MAX),
            plain_bytes: header.plain_bytes,
            names_blobs: header.names_blobs,
        }
    }

    /// Returns where the next block begins.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.bytes))
    }
}

/// A segment's file with its blocks' places. Stays readable when the segment is replaced or
/// removed meanwhile.
#[derive(Debug)]
pub(super) struct OpenSegment {
    /// The number of the [`Segment`], for caches.
    pub(super) id: u64,
    pub(super) file: File,
    spans: RwLock<Vec<Span>>,
}

impl OpenSegment {
    pub(super) fn new(id: u64, file: File, spans: Vec<Span>) -> Self {
        Self {
            id,
            file,
            spans: RwLock::new(spans),
        }
    }

    /// Returns the places of blocks with records from `first` to `last`, in order, at most `max`.
    pub(super) fn spans(&self, first: Seq, last: Seq, max: usize) -> Vec<Span> {
        let spans = self.spans.read().unwrap_or_else(PoisonError::into_inner);
        let start = spans.partition_point(|span| span.last < first);
        let rest = spans.get(start..).unwrap_or_default();
        rest.iter()
            .take_while(|span| span.first <= last)
            .take(max)
            .copied()
            .collect()
    }

    /// Returns how many blocks it has.
    pub(super) fn len(&self) -> usize {
        self.spans
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Adds blocks that are on disk now.
    pub(super) fn extend(&self, added: &[Span]) {
        self.spans
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(added);
    }

    /// Reads a block's bytes.
    pub(super) fn read(&self, span: &Span) -> Result<Bytes, Error> {
        let mut bytes = vec![0; usize::try_from(span.bytes).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, span.offset)?;
        Ok(Bytes::from(bytes))
    }
}

/// A segment in the list of the journal.
#[derive(Debug)]
pub(super) struct Segment {
    /// Different for every segment of this process, also for one that replaces another.
    pub(super) id: u64,
    pub(super) first: Seq,
    pub(super) generation: u8,
    pub(super) path: PathBuf,
    last: AtomicU64,
    bytes: AtomicU64,
    is_retired: AtomicBool,
    /// Held open while the writer appends to it.
    live: Mutex<Option<Arc<OpenSegment>>>,
}

impl Segment {
    /// A segment that nothing is appended to.
    pub(super) fn closed(
        id: u64,
        path: PathBuf,
        header: &SegmentHeader,
        last: Seq,
        bytes: u64,
    ) -> Self {
        Self {
            id,
            first: header.first,
            generation: header.generation,
            path,
            last: AtomicU64::new(last.0),
            bytes: AtomicU64::new(bytes),
            is_retired: AtomicBool::new(false),
            live: Mutex::new(None),
        }
    }

    /// The segment that the writer appends to.
    pub(super) fn live(
        path: PathBuf,
        first: Seq,
        last: Seq,
        bytes: u64,
        open: Arc<OpenSegment>,
    ) -> Self {
        Self {
            id: open.id,
            first,
            generation: 0,
            path,
            last: AtomicU64::new(last.0),
            bytes: AtomicU64::new(bytes),
            is_retired: AtomicBool::new(false),
            live: Mutex::new(Some(open)),
        }
    }

    /// Returns the last record that it may have. Below `first` when it is new.
    pub(super) fn last(&self) -> Seq {
        Seq(self.last.load(Ordering::Acquire))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Tells that it is not in the list any more, so that its file is not kept open.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Release);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Acquire)
    }

    pub(super) fn is_live(&self) -> bool {
        self.live_part().is_some()
    }

    pub(super) fn live_part(&self) -> Option<Arc<OpenSegment>> {
        self.live
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells how far the writer has come.
    pub(super) fn grow(&self, last: Seq, bytes: u64) {
        self.last.store(last.0, Ordering::Release);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Tells that nothing more is appended.
    pub(super) fn close(&self) {
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Opens the file and finds its blocks. `None` when the file is gone.
    pub(super) fn open(&self) -> Result<Option<OpenSegment>, Error> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(during("open", &self.path, error)),
        };
        let spans = find_blocks(&file, &self.path, self.last())?;
        Ok(Some(OpenSegment::new(self.id, file, spans)))
    }
}

/// Finds the blocks by the index, or by walking where there is none.
fn find_blocks(file: &File, path: &Path, last: Seq) -> Result<Vec<Span>, Error> {
    let header =
        SegmentHeader::read(file).map_err(|error| error.during(path.display().to_string()))?;
    if let Some(place) = header.and_then(|header| header.index)
        && let Some(index) = index::read(file, place)?
    {
        return Ok(index.spans);
    }
    let end = header
        .and_then(|header| header.index)
        .map_or(file.metadata()?.len(), |(index_at, _)| index_at);
    let found =
        scan::walk(file, end, Ending::Exact).map_err(|error| during("read", path, error))?;
    scan::report(path, &found);
    let mut spans = found.spans;
    // What an unfinished write left behind is numbered like the records of the next segment.
    spans.retain(|span| span.last <= last);
    Ok(spans)
}
