//! Writing segments anew: tighter, and without the dead.
//!
//! The new file is complete and on disk before it takes the place and name of the first old one,
//! so a crash leaves either. Who reads an old file meanwhile goes on reading it.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::block::{Block, BlockBuilder, BlockHeader, Entry, MAX_PLAIN_BYTES, Packer};
use crate::error::{Error, ErrorKind};
use crate::model::ids::{ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::DeadRecords;

use super::folder::during;
use super::index::Index;
use super::segment::{OpenSegment, SEGMENT_HEADER_BYTES, Segment, SegmentHeader, Span};
use super::shared::{Shared, remove_file};

/// Segments of an older generation are written anew.
pub(super) const GENERATION: u8 = 1;
/// A block is finished when the next record would make it larger. One record is read from it in
/// about half a millisecond.
const BLOCK_BYTES: usize = 2 * 1024 * 1024;
/// Synced as it goes, so that the writer's syncs never wait for much of ours.
const SYNC_BYTES: u64 = 4 * 1024 * 1024;

/// Which records go.
#[derive(Debug, Default)]
pub(super) struct Dead {
    seqs: Vec<Seq>,
    pub(super) projects: HashMap<ProjectId, Millis>,
}

impl Dead {
    pub(super) fn new(records: DeadRecords) -> Self {
        let mut seqs = records.seqs;
        seqs.sort_unstable();
        let mut projects = HashMap::new();
        for (project, until) in records.projects {
            let known = projects.entry(project).or_insert(until);
            *known = until.max(*known);
        }
        Self { seqs, projects }
    }

    /// Reports whether one of the single dead is in the range.
    pub(super) fn touches(&self, first: Seq, last: Seq) -> bool {
        let next = self.seqs.partition_point(|seq| *seq < first);
        self.seqs.get(next).is_some_and(|seq| *seq <= last)
    }

    fn has(&self, entry: &Entry) -> bool {
        let until = self.projects.get(&entry.project);
        until.is_some_and(|until| entry.received <= *until)
            || self.seqs.binary_search(&entry.seq).is_ok()
    }
}

/// Writes `inputs`, neighbours in the list, as one segment. Returns the ranges of single dead that
/// are really gone, or `None` when an input was removed meanwhile.
pub(super) fn rewrite(
    shared: &Shared,
    inputs: &[Arc<Segment>],
    dead: &Dead,
) -> Result<Option<Vec<RangeInclusive<Seq>>>, Error> {
    let (Some(first), Some(last)) = (inputs.first(), inputs.last()) else {
        return Ok(None);
    };
    let mut rewriter = Rewriter::new(shared, dead, first.first)?;
    for input in inputs {
        let Some(open) = input.open()? else {
            return Ok(None);
        };
        for span in open.spans(Seq(0), Seq(u64::MAX), usize::MAX) {
            if shared.is_closing.load(Ordering::Acquire) {
                return Err(Error::because(
                    ErrorKind::Closed,
                    "the server is shutting down",
                ));
            }
            rewriter.add_block(&open, &span)?;
        }
    }
    let last_seq = last.last();
    let output = rewriter.finish(last_seq)?;
    for name in &rewriter.dead_blobs {
        shared.blobs.remove(name)?;
    }
    let is_done = rewriter.install(inputs, output.as_ref(), last_seq)?;
    Ok(is_done.then(|| std::mem::take(&mut rewriter.gaps)))
}

struct Rewriter<'a> {
    shared: &'a Shared,
    dead: &'a Dead,
    first: Seq,
    id: u64,
    path: PathBuf,
    file: File,
    end: u64,
    synced: u64,
    index: Index,
    packer: Packer,
    builder: BlockBuilder,
    block: Vec<u8>,
    dead_blobs: Vec<String>,
    /// Ranges without survivors that have single dead.
    gaps: Vec<RangeInclusive<Seq>>,
    /// Behind the last survivor.
    gap_start: Seq,
}

impl<'a> Rewriter<'a> {
    fn new(shared: &'a Shared, dead: &'a Dead, first: Seq) -> Result<Self, Error> {
        let id = shared.new_id();
        let path = shared.folder.unfinished_path(first, id);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| during("create", &path, error))?;
        Ok(Self {
            shared,
            dead,
            first,
            id,
            path,
            file,
            end: SEGMENT_HEADER_BYTES,
            synced: 0,
            index: Index::default(),
            packer: Packer::tight()?,
            builder: BlockBuilder::new(),
            block: Vec::new(),
            dead_blobs: Vec::new(),
            gaps: Vec::new(),
            gap_start: first,
        })
    }

    fn add_block(&mut self, open: &OpenSegment, span: &Span) -> Result<(), Error> {
        let bytes = open.read(span)?;
        let block = Block::parse(bytes.clone()).and_then(|block| block.verify().map(|()| block));
        let Ok(block) = block else {
            return self.add_damaged(&bytes, span);
        };
        let has_dead = block.directory().iter().any(|entry| self.dead.has(entry));
        if !has_dead && is_tight(block.header()) {
            self.finish_block()?;
            for entry in block.directory() {
                self.index.note(entry.project, entry.received);
                self.survive(entry.seq);
            }
            return self.write_block(&bytes, block.header());
        }
        let Ok(unpacked) = block.unpack(MAX_PLAIN_BYTES) else {
            return self.add_damaged(&bytes, span);
        };
        for entry in unpacked.directory() {
            if self.dead.has(entry) {
                let blob = match entry.has_blob {
                    true => unpacked.record(entry)?.head.context.blob,
                    false => None,
                };
                self.dead_blobs.extend(blob.map(|blob| blob.name));
                continue;
            }
            let body = unpacked.body(entry)?;
            let plain = self.builder.plain_bytes().saturating_add(body.len());
            if plain > BLOCK_BYTES {
                self.finish_block()?;
            }
            self.builder
                .push_entry(entry, &unpacked.context(entry)?, &body)?;
            self.index.note(entry.project, entry.received);
            self.survive(entry.seq);
        }
        Ok(())
    }

    /// A damaged block is kept as it is, so that nothing is lost that somebody could rescue;
    /// unless it has records that must go.
    fn add_damaged(&mut self, bytes: &Bytes, span: &Span) -> Result<(), Error> {
        let has_dead = self.dead.touches(span.first, span.last);
        tracing::error!(
            first = span.first.0,
            last = span.last.0,
            dropped = has_dead,
            "a block is damaged and cannot be packed again"
        );
        if has_dead {
            return Ok(());
        }
        self.finish_block()?;
        self.survive(span.first);
        self.gap_start = span.last.next();
        self.write_block_at(bytes, *span)
    }

    fn finish_block(&mut self) -> Result<(), Error> {
        if self.builder.is_empty() {
            return Ok(());
        }
        let mut block = std::mem::take(&mut self.block);
        block.clear();
        let header = self
            .builder
            .finish(&mut self.packer, 0, false, &mut block)?;
        self.write_block(&block, &header)?;
        self.block = block;
        Ok(())
    }

    fn write_block(&mut self, bytes: &[u8], header: &BlockHeader) -> Result<(), Error> {
        self.write_block_at(bytes, Span::new(self.end, header))
    }

    fn write_block_at(&mut self, bytes: &[u8], span: Span) -> Result<(), Error> {
        self.index.spans.push(Span {
            offset: self.end,
            ..span
        });
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file
            .write_all_at(bytes, self.end)
            .map_err(|error| during("write", &self.path, error))?;
        self.end = self.end.saturating_add(bytes.len() as u64);
        if self.end.saturating_sub(self.synced) > SYNC_BYTES {
            self.file.sync_data()?;
            self.synced = self.end;
        }
        Ok(())
    }

    fn survive(&mut self, seq: Seq) {
        self.close_gap(Seq(seq.0.saturating_sub(1)));
        self.gap_start = seq.next();
    }

    fn close_gap(&mut self, last: Seq) {
        if self.gap_start <= last && self.dead.touches(self.gap_start, last) {
            self.gaps.push(self.gap_start..=last);
        }
    }

    /// Completes the file; `None` when no record is left.
    fn finish(&mut self, last: Seq) -> Result<Option<SegmentHeader>, Error> {
        self.finish_block()?;
        self.close_gap(last);
        if self.index.spans.is_empty() {
            return Ok(None);
        }
        let index = self.index.to_bytes();
        let index_at = self.end;
        self.write(&index)?;
        let header = SegmentHeader {
            generation: GENERATION,
            first: self.first,
            last: Some(last),
            index: Some((index_at, u32::try_from(index.len()).unwrap_or_default())),
        };
        self.file
            .write_all_at(&header.to_bytes(), 0)
            .and_then(|()| self.file.sync_all())
            .map_err(|error| during("write", &self.path, error))?;
        Ok(Some(header))
    }

    /// Puts the new file in the place of the old ones. False when one of them is gone.
    fn install(
        &self,
        inputs: &[Arc<Segment>],
        output: Option<&SegmentHeader>,
        last: Seq,
    ) -> Result<bool, Error> {
        let path = self.shared.folder.segment_path(self.first);
        let installed = self.shared.change_segments(|segments| {
            let ids = |segments: &[Arc<Segment>]| {
                segments
                    .iter()
                    .map(|segment| segment.id)
                    .collect::<Vec<_>>()
            };
            let wanted = ids(inputs);
            let start = segments
                .windows(inputs.len())
                .position(|window| ids(window) == wanted);
            let Some(start) = start else {
                return Ok(false);
            };
            let mut replacement = None;
            if let Some(header) = output {
                fs::rename(&self.path, &path)
                    .map_err(|error| during("rename", &self.path, error))?;
                let segment = Segment::closed(self.id, path.clone(), header, last, self.end);
                replacement = Some(Arc::new(segment));
            }
            segments.splice(start..start.saturating_add(inputs.len()), replacement);
            Ok::<_, Error>(true)
        })?;
        if !installed {
            return Ok(false);
        }
        self.shared.folder.sync()?;
        for input in inputs {
            self.shared.cache.forget(input);
            if output.is_none() || input.path != path {
                remove_file(&input.path)?;
            }
        }
        self.shared.folder.sync()?;
        Ok(true)
    }
}

impl Drop for Rewriter<'_> {
    fn drop(&mut self) {
        // Not there any more when it was installed.
        let _ = fs::remove_file(&self.path);
    }
}

fn is_tight(header: &BlockHeader) -> bool {
    header.level >= Packer::TIGHT_LEVEL && header.plain_bytes as usize >= BLOCK_BYTES / 2
}
