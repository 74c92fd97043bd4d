//! Reading records back: for digest, for people, for a store that keeps blocks itself.

use crate::block::Unpacked;
use crate::error::{Error, ErrorKind};
use crate::journal::{Delivery, JournalBlock};
use crate::model::ids::Seq;
use crate::model::record::Record;

use super::segment::{OpenSegment, Span};
use super::shared::Shared;

/// Plain bytes that digest gets at once from disk.
const MAX_DELIVERED_BYTES: u64 = 8 * 1024 * 1024;
/// Blocks that are looked up at once.
const SPANS_AT_ONCE: usize = 64;

impl Shared {
    /// Reads up to `max` records after `after` and up to `upto`, and tells how far it got: beyond
    /// the last record when what follows cannot be read.
    pub(super) fn deliver_from_disk(
        &self,
        after: Seq,
        upto: Seq,
        max: usize,
    ) -> Result<(Vec<Delivery>, Seq), Error> {
        let mut deliveries = Vec::new();
        let mut plain_bytes = 0_u64;
        let mut reached = after;
        let is_complete = self.visit_blocks(after.next(), upto, |open, span| {
            plain_bytes = plain_bytes.saturating_add(u64::from(span.plain_bytes));
            if plain_bytes > MAX_DELIVERED_BYTES && !deliveries.is_empty() {
                return Ok(false);
            }
            let Some(block) = self.unpack_or_skip(open, span)? else {
                reached = span.last;
                return Ok(true);
            };
            for entry in block.directory() {
                if entry.seq <= after {
                    continue;
                }
                if entry.seq > upto || deliveries.len() >= max {
                    return Ok(false);
                }
                reached = entry.seq;
                match block.record(entry) {
                    Ok(record) => deliveries.push(deliver(record)),
                    Err(error) => {
                        tracing::error!(seq = entry.seq.0, %error, "a record is skipped");
                    }
                }
            }
            reached = span.last;
            Ok(deliveries.len() < max)
        })?;
        Ok((deliveries, if is_complete { upto } else { reached }))
    }

    /// Returns the blocks with records from `first` to `last` as they are on disk.
    pub(super) fn raw_blocks(&self, first: Seq, last: Seq) -> Result<Vec<JournalBlock>, Error> {
        let mut blocks = Vec::new();
        self.visit_blocks(first, last, |open, span| {
            blocks.push(JournalBlock {
                first: span.first,
                last: span.last,
                bytes: open.read(span)?,
            });
            Ok(true)
        })?;
        Ok(blocks)
    }

    /// Reads records in the order asked.
    pub(super) fn read_records(&self, seqs: &[Seq]) -> Result<Vec<Option<Record>>, Error> {
        let mut places = seqs.iter().copied().enumerate().collect::<Vec<_>>();
        places.sort_by_key(|(_, seq)| *seq);
        let mut records = Vec::new();
        records.resize_with(seqs.len(), || None);
        let mut block: Option<std::sync::Arc<Unpacked>> = None;
        for (place, seq) in places {
            let in_last_block = block.as_ref().is_some_and(|block| covers(block, seq));
            if !in_last_block {
                block = self.find_block(seq)?;
            }
            let Some(block) = &block else { continue };
            let found = block.find(seq).map(|entry| block.record_alone(entry));
            if let (Some(slot), Some(record)) = (records.get_mut(place), found.transpose()?) {
                *slot = Some(record);
            }
        }
        Ok(records)
    }

    /// Calls `visit` for each block with records from `first` to `last`, until it returns false.
    /// Returns whether it got to the end.
    pub(super) fn visit_blocks(
        &self,
        first: Seq,
        last: Seq,
        mut visit: impl FnMut(&OpenSegment, &Span) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        for segment in self.segments_between(first, last) {
            // Gone means that retention or compaction was faster.
            let Some(open) = self.cache.open(&segment)? else {
                continue;
            };
            let mut from = first;
            loop {
                let spans = open.spans(from, last, SPANS_AT_ONCE);
                let Some(end) = spans.last().map(|span| span.last) else {
                    break;
                };
                for span in &spans {
                    if !visit(&open, span)? {
                        return Ok(false);
                    }
                }
                from = end.next();
            }
        }
        Ok(true)
    }

    fn find_block(&self, seq: Seq) -> Result<Option<std::sync::Arc<Unpacked>>, Error> {
        let mut found = None;
        self.visit_blocks(seq, seq, |open, span| {
            found = self.unpack_or_skip(open, span)?;
            Ok(false)
        })?;
        Ok(found)
    }

    /// Unpacks a block; a damaged one is written to the log and counts as missing.
    pub(super) fn unpack_or_skip(
        &self,
        open: &OpenSegment,
        span: &Span,
    ) -> Result<Option<std::sync::Arc<Unpacked>>, Error> {
        match self.cache.unpack(open, span) {
            Ok(block) => Ok(Some(block)),
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt) => {
                tracing::error!(
                    first = span.first.0,
                    last = span.last.0,
                    %error,
                    "a block is damaged and its records are skipped"
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn deliver(record: Record) -> Delivery {
    let in_blob = record.head.context.blob.as_ref().map(|blob| blob.bytes);
    Delivery {
        seq: record.seq,
        head: record.head,
        facts: None,
        body_bytes: in_blob.unwrap_or(record.body.len() as u64),
        body: Some(record.body),
    }
}

fn covers(block: &Unpacked, seq: Seq) -> bool {
    let ends = (block.directory().first(), block.directory().last());
    matches!(ends, (Some(first), Some(last)) if first.seq <= seq && seq <= last.seq)
}
