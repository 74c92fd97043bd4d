//! Finding the blocks of a segment that has no index, and the end of one that was cut off.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use memchr::memmem;

use crate::block::{Block, BlockHeader, HEADER_BYTES};
use crate::model::ids::Seq;

use super::segment::{SEGMENT_HEADER_BYTES, Span};

/// How much is looked at at once behind a damaged place.
const SEARCH_BYTES: usize = 1024 * 1024;
const BLOCK_MAGIC: &[u8] = b"MSBK";

/// What is in a segment.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The blocks, in order.
    pub(super) spans: Vec<Span>,
    /// Places between blocks that hold nothing readable.
    pub(super) damaged: Vec<Range<u64>>,
    /// Where the last readable block ends.
    pub(super) end: u64,
}

/// Walks the headers of the blocks up to `length`. Steps over damaged places.
pub(super) fn walk(file: &File, length: u64) -> io::Result<Found> {
    let mut found = Found {
        end: SEGMENT_HEADER_BYTES,
        ..Found::default()
    };
    let mut previous = Seq(0);
    let mut at = SEGMENT_HEADER_BYTES;
    while at < length {
        match block_at(file, at, length, previous)? {
            Some(span) => {
                at = span.end();
                previous = span.last;
                found.end = at;
                found.spans.push(span);
            }
            None => match next_block(file, at, length, previous)? {
                Some(next) => {
                    found.damaged.push(at..next);
                    at = next;
                }
                None => break,
            },
        }
    }
    Ok(found)
}

/// Finds where the group ends that was written last: everything behind was never answered. The
/// group itself counts only if it is whole, because it may have been cut off too.
pub(super) fn whole_end(file: &File, length: u64, found: &mut Found) -> io::Result<u64> {
    let Some(last) = found.spans.last() else {
        return Ok(SEGMENT_HEADER_BYTES);
    };
    // Bytes behind the last block are the group that was cut off; the one before was answered.
    if found.end < length && !goes_on(file, last)? {
        return Ok(found.end);
    }
    let group_start = last.offset.saturating_sub(u64::from(
        header_at(file, last.offset)?.map_or(0, |header| header.group_offset),
    ));
    let group = found
        .spans
        .partition_point(|span| span.offset < group_start);
    let mut at = group_start;
    let mut is_whole = !goes_on(file, last)?;
    for span in found.spans.get(group..).unwrap_or_default() {
        is_whole = is_whole && span.offset == at && is_intact(file, span)?;
        at = span.end();
    }
    if is_whole {
        return Ok(found.end);
    }
    found.spans.truncate(group);
    Ok(group_start)
}

/// Writes damaged places to the log.
pub(super) fn report(path: &Path, found: &Found) {
    for place in &found.damaged {
        tracing::error!(
            segment = %path.display(),
            offset = place.start,
            size_bytes = place.end.saturating_sub(place.start),
            "a part of a segment is damaged and is skipped"
        );
    }
}

fn goes_on(file: &File, span: &Span) -> io::Result<bool> {
    Ok(header_at(file, span.offset)?.is_none_or(|header| header.more_follows))
}

fn is_intact(file: &File, span: &Span) -> io::Result<bool> {
    let mut bytes = vec![0; usize::try_from(span.bytes).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, span.offset)?;
    let block = Block::parse(Bytes::from(bytes));
    Ok(block.and_then(|block| block.verify()).is_ok())
}

fn header_at(file: &File, at: u64) -> io::Result<Option<BlockHeader>> {
    let mut bytes = [0; HEADER_BYTES];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(BlockHeader::peek(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn block_at(file: &File, at: u64, length: u64, previous: Seq) -> io::Result<Option<Span>> {
    let span = header_at(file, at)?.map(|header| Span::new(at, &header));
    Ok(span.filter(|span| span.end() <= length && span.first > previous))
}

fn next_block(file: &File, from: u64, length: u64, previous: Seq) -> io::Result<Option<u64>> {
    let mut window = vec![0; SEARCH_BYTES];
    let mut at = from.saturating_add(1);
    while at < length {
        let left = usize::try_from(length.saturating_sub(at)).unwrap_or(usize::MAX);
        window.truncate(left);
        file.read_exact_at(&mut window, at)?;
        for position in memmem::find_iter(&window, BLOCK_MAGIC) {
            let candidate = at.saturating_add(position as u64);
            if block_at(file, candidate, length, previous)?.is_some() {
                return Ok(Some(candidate));
            }
        }
        if left <= window.len() {
            break;
        }
        // The next look overlaps, for a magic number on the border.
        at = at.saturating_add((window.len() - (BLOCK_MAGIC.len() - 1)) as u64);
    }
    Ok(None)
}
