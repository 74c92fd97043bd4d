//! Reading spooled envelopes back, and counting those that cannot be read.

use crate::envelope::{Envelope, EnvelopeReader, Item, ItemKind, Payload};
use crate::limits::EnvelopeLimits;
use crate::losses::Losses;
use crate::protocol::read::from_json;
use crate::protocol::{ClientReport, DiscardReason};
use crate::ratelimit::DataCategory;

/// Reads a file's bytes; `None` when any part of it is damaged, which is counted.
pub(super) fn read_envelope(bytes: &[u8], losses: &Losses) -> Option<Envelope> {
    let (envelope, is_whole) = read_lossy(bytes);
    if is_whole {
        return Some(envelope);
    }
    losses.record_envelope(&envelope, DiscardReason::Invalid);
    // What could not be read at all was most probably an event.
    let is_report_only = |item: &Item| item.header.kind == ItemKind::ClientReport;
    if envelope.items.iter().all(is_report_only) {
        losses.record(DataCategory::Error, DiscardReason::Invalid, 1);
    }
    None
}

/// Reads as much as there is, and tells whether that is all.
fn read_lossy(bytes: &[u8]) -> (Envelope, bool) {
    let mut envelope = Envelope::default();
    let Ok(reader) = EnvelopeReader::new(bytes, &limits()) else {
        return (envelope, false);
    };
    let Ok(header) = serde_json::from_slice(reader.header().line) else {
        return (envelope, false);
    };
    envelope.header = header;
    for item in reader {
        let Ok(item) = item else {
            return (envelope, false);
        };
        let mut header = item.header;
        // Writing counts anew.
        header.length = None;
        // Reports are read, so that their counts can be put back; the rest stays as it is.
        if header.kind == ItemKind::ClientReport {
            // Not by `Item::read`, which would bring the readers of all types into each program.
            let report = from_json::<ClientReport>(item.payload).ok();
            let payload = report.map(|(report, _)| Payload::ClientReport(report));
            envelope
                .items
                .extend(payload.map(|payload| Item { header, payload }));
        } else {
            envelope.items.push(Item::raw(header, item.payload));
        }
    }
    let has_items = !envelope.items.is_empty();
    (envelope, has_items)
}

/// What was written by ourselves is not refused for its size.
fn limits() -> EnvelopeLimits {
    EnvelopeLimits::default()
        .max_envelope_bytes(usize::MAX)
        .max_items(usize::MAX)
        .max_header_line_bytes(usize::MAX)
        .max_event_bytes(usize::MAX)
        .max_attachment_bytes(usize::MAX)
        .max_container_bytes(usize::MAX)
        .max_check_in_bytes(usize::MAX)
        .max_client_report_bytes(usize::MAX)
        .max_profile_bytes(usize::MAX)
        .max_replay_bytes(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::ItemHeader;

    fn sample() -> Vec<u8> {
        let mut envelope = Envelope::default();
        envelope.add(Item::raw(ItemHeader::new(ItemKind::Event), *b"{\"a\":1}"));
        envelope.add(Item::raw(ItemHeader::new(ItemKind::Session), *b"{}"));
        envelope.to_vec()
    }

    #[test]
    fn a_whole_file_gives_the_same_bytes_again() {
        let losses = Losses::default();
        let envelope = read_envelope(&sample(), &losses).unwrap();
        assert_eq!(envelope.to_vec(), sample());
        assert_eq!(losses.pending(), 0);
    }

    #[test]
    fn a_file_cut_anywhere_inside_is_counted() {
        let whole = sample();
        for len in 0..whole.len() - 1 {
            let losses = Losses::default();
            let envelope = read_envelope(&whole[..len], &losses);
            // Cut between two items it cannot be told from a whole one.
            assert_eq!(envelope.is_none(), losses.pending() > 0, "cut at {len}");
            assert!(envelope.is_none_or(|e| e.items.len() == 1), "cut at {len}");
        }
    }
}
