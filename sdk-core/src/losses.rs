//! Counts of what was dropped, so that nothing disappears without a name.
//!
//! Whoever drops something says so here; the counts leave as a client report with the next
//! envelope.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::envelope::{Envelope, Payload};
use crate::protocol::{ClientReport, DiscardReason, DiscardedEvents, Timestamp};
use crate::ratelimit::DataCategory;

/// What is to be counted when an envelope gets lost in foreign hands.
#[derive(Debug)]
pub(crate) struct Contents {
    counts: Vec<(DataCategory, u64)>,
    reports: Vec<ClientReport>,
}

impl Contents {
    pub(crate) fn of(envelope: &Envelope) -> Self {
        let mut contents = Self {
            counts: Vec::with_capacity(envelope.items.len()),
            reports: Vec::new(),
        };
        for item in &envelope.items {
            if let Payload::ClientReport(report) = &item.payload {
                contents.reports.push(report.clone());
            } else if let Some(category) = item.category() {
                contents.counts.push((category, item.quantity()));
            }
        }
        contents
    }
}

/// Counts by category and reason.
#[derive(Debug, Default)]
pub struct Losses {
    counts: Mutex<BTreeMap<(DataCategory, DiscardReason), u64>>,
}

impl Losses {
    /// Counts so many of one category.
    pub fn record(&self, category: DataCategory, reason: DiscardReason, quantity: u64) {
        if quantity > 0 {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry((category, reason)).or_default();
            *count = count.saturating_add(quantity);
        }
    }

    /// Counts everything in an envelope. A client report in it is counted back in, so that the
    /// counts that it carried are not lost with it.
    pub fn record_envelope(&self, envelope: &Envelope, reason: DiscardReason) {
        self.record_contents(Contents::of(envelope), reason);
    }

    /// Counts what an envelope held that is gone already.
    pub(crate) fn record_contents(&self, contents: Contents, reason: DiscardReason) {
        for (category, quantity) in contents.counts {
            self.record(category, reason, quantity);
        }
        for report in &contents.reports {
            self.restore(report);
        }
    }

    /// Puts the counts of a report back, because it could not be delivered.
    pub fn restore(&self, report: &ClientReport) {
        for entry in &report.discarded_events {
            let category = entry
                .category
                .as_deref()
                .map_or(DataCategory::Unknown, DataCategory::from_name);
            let reason = entry.reason.as_deref().and_then(DiscardReason::from_name);
            if let (Some(reason), Some(quantity)) = (reason, entry.quantity) {
                self.record(category, reason, quantity);
            }
        }
    }

    /// Takes all counts, as the report that carries them; `None` when nothing was dropped.
    #[must_use]
    pub fn take(&self, now: Timestamp) -> Option<ClientReport> {
        let counts =
            std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        report(counts, now)
    }

    /// Looks at all counts, and leaves them.
    #[must_use]
    pub fn peek(&self, now: Timestamp) -> Option<ClientReport> {
        let counts = self
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        report(counts, now)
    }

    /// How many were dropped since the last report, whatever the reason.
    #[must_use]
    pub fn pending(&self) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// The report that carries these counts.
fn report(
    counts: BTreeMap<(DataCategory, DiscardReason), u64>,
    now: Timestamp,
) -> Option<ClientReport> {
    if counts.is_empty() {
        return None;
    }
    let discarded_events = counts
        .into_iter()
        .map(|((category, reason), quantity)| DiscardedEvents {
            reason: Some(reason.as_str().to_owned()),
            category: Some(category.as_str().to_owned()),
            quantity: Some(quantity),
            ..DiscardedEvents::default()
        })
        .collect();
    Some(ClientReport {
        timestamp: Some(now),
        discarded_events,
        ..ClientReport::default()
    })
}
