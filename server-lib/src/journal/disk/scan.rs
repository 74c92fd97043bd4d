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
/// How much is read for a header.
const WINDOW_BYTES: usize = 4096;
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

/// Whether the file may end in zeros that were put there for groups to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was cut to its length.
    Exact,
    /// It may: so many zeros that they can be in no block are its end.
    Prepared,
}

/// Walks the headers of the blocks up to `length`. Steps over damaged places.
pub(super) fn walk(file: &File, length: u64, ending: Ending) -> io::Result<Found> {
    let mut found = Found {
        end: SEGMENT_HEADER_BYTES,
        ..Found::default()
    };
    let mut headers = Headers::new(file);
    let mut previous = Seq(0);
    let mut at = SEGMENT_HEADER_BYTES;
    while at < length {
        match block_at(&mut headers, at, length, previous)? {
            Some(span) => {
                at = span.end();
                previous = span.last;
                found.end = at;
                found.spans.push(span);
            }
            None => match next_block(&mut headers, at..length, previous, ending)? {
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

/// Reads headers; small blocks have several in one page.
struct Headers<'a> {
    file: &'a File,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Headers<'a> {
    fn new(file: &'a File) -> Self {
        Self {
            file,
            window: Vec::new(),
            window_at: 0,
        }
    }

    /// Returns the header at `at`, if there is one.
    fn at(&mut self, at: u64) -> io::Result<Option<BlockHeader>> {
        if self.slice(at).is_none() {
            self.window.resize(WINDOW_BYTES, 0);
            let read = self.file.read_at(&mut self.window, at)?;
            self.window.truncate(read);
            self.window_at = at;
        }
        let header = self.slice(at).map(BlockHeader::peek);
        Ok(header.and_then(Result::ok))
    }

    fn slice(&self, at: u64) -> Option<&[u8]> {
        let start = usize::try_from(at.checked_sub(self.window_at)?).ok()?;
        self.window.get(start..start.checked_add(HEADER_BYTES)?)
    }
}

/// Finds where the group ends that was written last: everything behind was never answered. The
/// group itself counts only if it is whole, because it may have been cut off too.
pub(super) fn whole_end(file: &File, length: u64, found: &mut Found) -> io::Result<u64> {
    let Some(last) = found.spans.last() else {
        return Ok(SEGMENT_HEADER_BYTES);
    };
    // Bytes behind the last block are the group that was cut off; the one before was answered.
    let mut headers = Headers::new(file);
    let last_header = headers.at(last.offset)?;
    let goes_on = last_header.is_none_or(|header| header.more_follows);
    if found.end < length && !goes_on && !begins_with_zeros(file, found.end)? {
        return Ok(found.end);
    }
    let group_offset = last_header.map_or(0, |header| header.group_offset);
    let group_start = last.offset.saturating_sub(u64::from(group_offset));
    let group = found
        .spans
        .partition_point(|span| span.offset < group_start);
    let mut at = group_start;
    let mut is_whole = !goes_on;
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

fn is_intact(file: &File, span: &Span) -> io::Result<bool> {
    let mut bytes = vec![0; usize::try_from(span.bytes).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, span.offset)?;
    let block = Block::parse(Bytes::from(bytes));
    Ok(block.and_then(|block| block.verify()).is_ok())
}

fn block_at(
    headers: &mut Headers<'_>,
    at: u64,
    length: u64,
    previous: Seq,
) -> io::Result<Option<Span>> {
    let span = headers.at(at)?.map(|header| Span::new(at, &header));
    Ok(span.filter(|span| span.end() <= length && span.first > previous))
}

/// Reports whether nothing was written at `at`, as far as a header tells.
fn begins_with_zeros(file: &File, at: u64) -> io::Result<bool> {
    let mut bytes = [0; HEADER_BYTES];
    let read = file.read_at(&mut bytes, at)?;
    Ok(bytes.iter().take(read).all(|byte| *byte == 0))
}

fn next_block(
    headers: &mut Headers<'_>,
    range: Range<u64>,
    previous: Seq,
    ending: Ending,
) -> io::Result<Option<u64>> {
    let (file, length) = (headers.file, range.end);
    let mut window = vec![0; SEARCH_BYTES];
    let mut at = range.start.saturating_add(1);
    while at < length {
        let left = usize::try_from(length.saturating_sub(at)).unwrap_or(usize::MAX);
        window.truncate(left);
        file.read_exact_at(&mut window, at)?;
        if ending == Ending::Prepared && window.iter().all(|byte| *byte == 0) {
            break;
        }
        for position in memmem::find_iter(&window, BLOCK_MAGIC) {
            let candidate = at.saturating_add(position as u64);
            if block_at(headers, candidate, length, previous)?.is_some() {
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
