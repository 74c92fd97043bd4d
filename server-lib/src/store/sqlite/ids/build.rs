//! Writes runs: from memory, and from several runs merged.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bloom::{self, BloomWriter};
use super::hash::Entry;
use super::run::{FOOTER_BYTES, Footer, PAGE_BYTES, PAGE_CHECKSUM, PAGE_ENTRIES, Run};
use crate::error::Error;
use crate::secret::random_hex;

/// The end of the names of runs.
pub(super) const EXTENSION: &str = "ids";

/// The end of the names of runs that are being written.
pub(super) const UNFINISHED: &str = "part";

/// Which events a run knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// From this place …
    pub(super) first: u64,
    /// … to this one.
    pub(super) last: u64,
}

/// Writes a run of at most `most` entries that come in ascending order, and returns its path. It
/// is on disk before it has its name.
pub(super) fn write(
    dir: &Path,
    store: i64,
    range: Range,
    most: u64,
    entries: impl Iterator<Item = Result<Entry, Error>>,
) -> Result<PathBuf, Error> {
    let name = format!("{:020}-{:020}", range.first, range.last);
    // Another process may be writing the same run.
    let unfinished = dir.join(format!("{name}.{}.{UNFINISHED}", random_hex::<4>()?));
    let finished = dir.join(format!("{name}.{EXTENSION}"));
    let written = fill(&unfinished, store, range, most, entries)
        .and_then(|()| Ok(fs::rename(&unfinished, &finished)?))
        .and_then(|()| Ok(File::open(dir)?.sync_all()?));
    if let Err(error) = written {
        // The first error matters more than this one.
        let _ = fs::remove_file(&unfinished);
        return Err(error.during("write a run of event ids"));
    }
    Ok(finished)
}

fn fill(
    path: &Path,
    store: i64,
    range: Range,
    most: u64,
    entries: impl Iterator<Item = Result<Entry, Error>>,
) -> Result<(), Error> {
    let pages = most.div_ceil(PAGE_ENTRIES as u64);
    let blocks = bloom::blocks_for(most);
    let filter_at = pages.saturating_mul(PAGE_BYTES as u64);
    let create = |path: &Path| {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    };
    let mut filter = create(path)?;
    filter.seek(SeekFrom::Start(filter_at))?;
    let mut filter = BloomWriter::new(BufWriter::with_capacity(64 * 1024, filter), blocks);
    let mut pages_out = PageWriter::new(BufWriter::with_capacity(64 * 1024, create(path)?));
    for entry in entries {
        let entry = entry?;
        filter.add(entry.hash)?;
        pages_out.add(entry)?;
    }
    let (count, firsts) = pages_out.finish()?;
    let (mut out, mut checksum) = filter.finish()?;
    for first in firsts {
        checksum.update(&first.to_le_bytes());
        out.write_all(&first.to_le_bytes())?;
    }
    let footer = Footer {
        store,
        first: range.first,
        last: range.last,
        entries: count,
        pages,
        blocks,
        checksum: checksum.finalize(),
    };
    let footer: [u8; FOOTER_BYTES] = footer.to_bytes();
    out.write_all(&footer)?;
    let file = out.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    Ok(())
}

struct PageWriter {
    out: BufWriter<File>,
    page: Vec<u8>,
    count: u64,
    firsts: Vec<u64>,
}

impl PageWriter {
    fn new(out: BufWriter<File>) -> Self {
        Self {
            out,
            page: Vec::with_capacity(PAGE_BYTES),
            count: 0,
            firsts: Vec::new(),
        }
    }

    fn add(&mut self, entry: Entry) -> Result<(), Error> {
        if self.page.is_empty() {
            self.firsts.push(entry.hash);
        }
        self.page.extend_from_slice(&entry.to_bytes());
        self.count = self.count.saturating_add(1);
        if self.page.len() >= PAGE_CHECKSUM {
            self.put()?;
        }
        Ok(())
    }

    fn put(&mut self) -> Result<(), Error> {
        self.page.resize(PAGE_CHECKSUM, 0);
        let checksum = crc32fast::hash(&self.page);
        self.page.extend_from_slice(&checksum.to_le_bytes());
        self.page.resize(PAGE_BYTES, 0);
        self.out.write_all(&self.page)?;
        self.page.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(u64, Vec<u64>), Error> {
        if !self.page.is_empty() {
            self.put()?;
        }
        self.out.flush()?;
        Ok((self.count, self.firsts))
    }
}

/// Merges runs, oldest first, that follow each other; leaves out what lies below `floor`.
pub(super) fn merge(
    dir: &Path,
    store: i64,
    runs: &[Arc<Run>],
    floor: u64,
) -> Result<PathBuf, Error> {
    let range = Range {
        first: runs.first().map_or(0, |run| run.footer().first),
        last: runs.last().map_or(0, |run| run.footer().last),
    };
    let most = runs.iter().map(|run| run.footer().entries).sum();
    let mut cursors = Vec::new();
    for run in runs {
        cursors.push(Cursor::new(run)?);
    }
    let entries = std::iter::from_fn(move || next_of(&mut cursors).transpose());
    let entries = entries.filter(|entry| {
        let is_dropped = |entry: &Entry| entry.seq < floor;
        !entry.as_ref().is_ok_and(is_dropped)
    });
    write(dir, store, range, most, entries)
}

/// A place in a run that is being merged.
struct Cursor {
    run: Arc<Run>,
    page: u64,
    entries: std::vec::IntoIter<Entry>,
    head: Option<Entry>,
}

impl Cursor {
    fn new(run: &Arc<Run>) -> Result<Self, Error> {
        let mut cursor = Self {
            run: Arc::clone(run),
            page: 0,
            entries: Vec::new().into_iter(),
            head: None,
        };
        cursor.advance()?;
        Ok(cursor)
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.head = self.entries.next();
        if self.head.is_none() && self.page < self.run.footer().used_pages() {
            let entries: Vec<_> = self.run.page(self.page)?.collect();
            self.page = self.page.saturating_add(1);
            self.entries = entries.into_iter();
            self.head = self.entries.next();
        }
        Ok(())
    }
}

/// Takes the least entry. There are few cursors: looking at all is as fast as a heap.
fn next_of(cursors: &mut [Cursor]) -> Result<Option<Entry>, Error> {
    let least = cursors
        .iter_mut()
        .filter(|cursor| cursor.head.is_some())
        .min_by_key(|cursor| cursor.head);
    let Some(least) = least else {
        return Ok(None);
    };
    let entry = least.head;
    least.advance()?;
    Ok(entry)
}
