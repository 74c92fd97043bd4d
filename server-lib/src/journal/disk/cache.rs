//! Opened segments and unpacked blocks that are kept for a while, both bounded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::block::{Block, Unpacked};
use crate::error::Error;

use super::segment::{OpenSegment, Segment, Span};

/// Files that are kept open.
const MAX_SEGMENTS: usize = 32;
/// Places of blocks that are kept for them, about 40 bytes each.
const MAX_SPANS: usize = 65_536;
/// Plain bytes of unpacked blocks.
const MAX_UNPACKED_BYTES: usize = 8 * 1024 * 1024;
/// A block larger than this is unpacked again each time.
const MAX_CACHED_BLOCK_BYTES: usize = MAX_UNPACKED_BYTES / 2;

/// Both caches. The latest used is last.
#[derive(Debug, Default)]
pub(super) struct Cache {
    segments: Mutex<Vec<Arc<OpenSegment>>>,
    blocks: Mutex<Vec<(BlockKey, Arc<Unpacked>)>>,
}

/// Segment and offset.
type BlockKey = (u64, u64);

impl Cache {
    /// Opens a segment; `None` when it is gone.
    pub(super) fn open(&self, segment: &Segment) -> Result<Option<Arc<OpenSegment>>, Error> {
        if let Some(open) = segment.live_part() {
            return Ok(Some(open));
        }
        if let Some(open) = self.find_segment(segment.id) {
            return Ok(Some(open));
        }
        let Some(open) = segment.open()? else {
            return Ok(None);
        };
        let open = Arc::new(open);
        let mut segments = lock(&self.segments);
        segments.retain(|other| other.id != open.id);
        if segment.is_retired() {
            return Ok(Some(open));
        }
        segments.push(Arc::clone(&open));
        let mut spans = segments.iter().map(|segment| segment.len()).sum::<usize>();
        while segments.len() > MAX_SEGMENTS || (spans > MAX_SPANS && segments.len() > 1) {
            spans = spans.saturating_sub(segments.remove(0).len());
        }
        Ok(Some(open))
    }

    /// Reads and unpacks a block.
    pub(super) fn unpack(&self, open: &OpenSegment, span: &Span) -> Result<Arc<Unpacked>, Error> {
        let key = (open.id, span.offset);
        if let Some(block) = self.find_block(key) {
            return Ok(block);
        }
        let block = Block::parse(open.read(span)?)?.unpack(crate::block::MAX_PLAIN_BYTES)?;
        let block = Arc::new(block);
        if block.plain_bytes() <= MAX_CACHED_BLOCK_BYTES {
            let mut blocks = lock(&self.blocks);
            blocks.retain(|(other, _)| *other != key);
            blocks.push((key, Arc::clone(&block)));
            let mut bytes = blocks
                .iter()
                .map(|(_, block)| block.plain_bytes())
                .sum::<usize>();
            while bytes > MAX_UNPACKED_BYTES {
                bytes = bytes.saturating_sub(blocks.remove(0).1.plain_bytes());
            }
        }
        Ok(block)
    }

    /// Forgets what belongs to a segment that is not in the list any more.
    pub(super) fn forget(&self, segment: &Segment) {
        segment.retire();
        lock(&self.segments).retain(|other| other.id != segment.id);
        lock(&self.blocks).retain(|((other, _), _)| *other != segment.id);
    }

    /// Gives the memory of unpacked blocks back.
    pub(super) fn shed(&self) {
        *lock(&self.blocks) = Vec::new();
    }

    fn find_segment(&self, id: u64) -> Option<Arc<OpenSegment>> {
        let mut segments = lock(&self.segments);
        let index = segments.iter().position(|segment| segment.id == id)?;
        let found = segments.remove(index);
        segments.push(Arc::clone(&found));
        Some(found)
    }

    fn find_block(&self, key: BlockKey) -> Option<Arc<Unpacked>> {
        let mut blocks = lock(&self.blocks);
        let index = blocks.iter().position(|(other, _)| *other == key)?;
        let found = blocks.remove(index);
        let block = Arc::clone(&found.1);
        blocks.push(found);
        Some(block)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
