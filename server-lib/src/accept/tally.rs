//! Counts of what never reaches the journal, added up in memory until they are written.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mini_sentry::ratelimit::DataCategory;

use super::Sender;
use crate::metrics::{Metrics, OutcomeLabels};
use crate::model::ids::{KeyId, ProjectId};
use crate::model::outcome::{Outcome, OutcomeCount};
use crate::model::time::Millis;
use crate::store::Stats;

/// Different counts that are kept between two flushes; beyond, reasons and keys are dropped.
const MAX_COUNTS: usize = 10_000;

/// The counts since the last flush.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Mutex<HashMap<Slot, u64>>,
    metrics: Arc<Metrics>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Slot {
    project: ProjectId,
    key: Option<KeyId>,
    minute: i64,
    category: DataCategory,
    outcome: Outcome,
    reason: Cow<'static, str>,
}

impl Tally {
    /// Begins at zero.
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            counts: Mutex::default(),
            metrics,
        }
    }

    /// Counts items that are refused.
    pub(super) fn refuse(
        &self,
        sender: &Sender,
        at: Millis,
        category: DataCategory,
        (outcome, reason): (Outcome, &'static str),
        quantity: u64,
    ) {
        self.show(category, outcome, reason, quantity);
        let slot = Slot {
            project: sender.project.id,
            key: sender.key.as_ref().map(|key| key.id),
            minute: at.minute(),
            category,
            outcome,
            reason: Cow::Borrowed(reason),
        };
        self.add(slot, quantity);
    }

    /// Shows accepted items in the metrics. Their rows are written by digest, once.
    pub(super) fn accept(&self, category: DataCategory, quantity: u64) {
        self.show(category, Outcome::Accepted, "", quantity);
    }

    /// Writes the counts to the store; what it does not take is kept for the next time.
    pub(super) async fn flush(&self, stats: &dyn Stats) {
        let counts = std::mem::take(&mut *self.lock());
        if counts.is_empty() {
            return;
        }
        let rows: Vec<OutcomeCount> = counts
            .iter()
            .map(|(slot, quantity)| OutcomeCount {
                project: slot.project,
                key: slot.key,
                at: Millis(slot.minute.saturating_mul(Millis::MINUTE)),
                category: slot.category,
                outcome: slot.outcome,
                reason: slot.reason.clone().into_owned(),
                quantity: *quantity,
            })
            .collect();
        if let Err(error) = stats.add_outcomes(&rows).await {
            tracing::warn!(rows = rows.len(), error = %error, "outcomes are kept until the store takes them");
            for (slot, quantity) in counts {
                self.add(slot, quantity);
            }
        }
    }

    fn add(&self, slot: Slot, quantity: u64) {
        let mut counts = self.lock();
        let slot = if counts.len() < MAX_COUNTS || counts.contains_key(&slot) {
            slot
        } else {
            Slot {
                key: None,
                reason: Cow::Borrowed("other"),
                ..slot
            }
        };
        let count = counts.entry(slot).or_default();
        *count = count.saturating_add(quantity);
    }

    fn show(&self, category: DataCategory, outcome: Outcome, reason: &'static str, quantity: u64) {
        let labels = OutcomeLabels {
            category: category.as_str(),
            outcome: outcome.as_str(),
            reason,
        };
        self.metrics
            .outcomes
            .get_or_create(&labels)
            .inc_by(quantity);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Slot, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
