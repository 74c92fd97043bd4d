//! Sums of outcomes within a batch.

use std::collections::HashMap;

use mini_sentry::envelope::ItemKind;
use mini_sentry::ratelimit::DataCategory;

use crate::model::ids::{KeyId, ProjectId};
use crate::model::outcome::{Outcome, OutcomeCount};
use crate::model::record::{RecordHead, RecordKind};
use crate::model::time::Millis;

/// Outcomes of a batch, added up by minute.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: HashMap<Counted, u64>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Counted {
    project: ProjectId,
    key: Option<KeyId>,
    minute: i64,
    category: DataCategory,
    outcome: Outcome,
    reason: String,
}

impl Tally {
    /// Counts what happened to (a part of) a record, at the time when it arrived.
    pub(super) fn add(
        &mut self,
        head: &RecordHead,
        category: DataCategory,
        outcome: Outcome,
        reason: &str,
        quantity: u64,
    ) {
        self.add_at(head, head.received, (category, outcome, reason), quantity);
    }

    /// Counts what happened at another time.
    pub(super) fn add_at(
        &mut self,
        head: &RecordHead,
        at: Millis,
        (category, outcome, reason): (DataCategory, Outcome, &str),
        quantity: u64,
    ) {
        if quantity == 0 {
            return;
        }
        let counted = Counted {
            project: head.project,
            key: head.context.key,
            minute: at.minute(),
            category,
            outcome,
            reason: reason.to_owned(),
        };
        let sum = self.counts.entry(counted).or_default();
        *sum = sum.saturating_add(quantity);
    }

    /// Counts an item as accepted, in all its categories.
    pub(super) fn accept_item(&mut self, head: &RecordHead, body_bytes: u64) {
        let entries = head.context.quantity.unwrap_or(1);
        let mut accept = |category, quantity| {
            self.add(head, category, Outcome::Accepted, "", quantity);
        };
        match head.kind {
            RecordKind::Attachment => {
                let blob_bytes = head.context.blob.as_ref().map_or(0, |blob| blob.bytes);
                accept(DataCategory::Attachment, body_bytes.max(blob_bytes));
                accept(DataCategory::AttachmentItem, 1);
            }
            RecordKind::Log => {
                accept(DataCategory::LogItem, entries);
                accept(DataCategory::LogByte, body_bytes);
            }
            // A replay counts once, by its facts.
            RecordKind::ReplayRecording => {}
            kind => {
                if let Some(category) = category_of(kind) {
                    accept(category, entries);
                }
            }
        }
    }

    /// Returns the counts in a stable order.
    pub(super) fn into_counts(self) -> Vec<OutcomeCount> {
        let mut counts: Vec<_> = self
            .counts
            .into_iter()
            .map(|(counted, quantity)| OutcomeCount {
                project: counted.project,
                key: counted.key,
                at: Millis(counted.minute.saturating_mul(Millis::MINUTE)),
                category: counted.category,
                outcome: counted.outcome,
                reason: counted.reason,
                quantity,
            })
            .collect();
        counts.sort_unstable_by(|a, b| {
            let order = |count: &OutcomeCount| (count.project, count.key, count.at, count.category);
            order(a)
                .cmp(&order(b))
                .then_with(|| (a.outcome, &a.reason).cmp(&(b.outcome, &b.reason)))
        });
        counts
    }
}

/// Returns the category that items of this kind are counted under.
pub(super) fn category_of(kind: RecordKind) -> Option<DataCategory> {
    ItemKind::from_name(kind.as_str()).category()
}
