//! Small items whose bodies digest looks into: client reports, check-ins, feedback of old clients.

use mini_sentry::protocol::{CheckIn, ClientReport, EventId, UserReport, read};
use mini_sentry::ratelimit::DataCategory;

use super::tally::Tally;
use crate::facts::{correct, tidy};
use crate::model::outcome::Outcome;
use crate::model::record::RecordHead;

/// Counts in one report; SDKs send one for each pair of reason and category.
const MAX_COUNTS: usize = 200;
/// Bytes of an SDK's word for why it dropped something.
const MAX_REASON_BYTES: usize = 64;
/// More of one count is no count but a mistake.
const MAX_QUANTITY: u64 = 1_000_000_000;
/// Characters of a monitor's name.
const MAX_SLUG: usize = 100;

/// Counts what an SDK says that it has dropped.
pub(super) fn take_client_report(head: &RecordHead, body: &[u8], tally: &mut Tally) {
    let Ok((report, _)) = read::from_json::<ClientReport>(body) else {
        tally.add(
            head,
            DataCategory::Internal,
            Outcome::Invalid,
            "invalid_json",
            1,
        );
        return;
    };
    let at = correct(report.timestamp, head.context.drift_ms, head.received);
    for count in report.discarded_events.iter().take(MAX_COUNTS) {
        let category = DataCategory::from_name(count.category.as_deref().unwrap_or_default());
        let reason = safe_reason(count.reason.as_deref().unwrap_or_default());
        let quantity = count.quantity.unwrap_or(0).min(MAX_QUANTITY);
        tally.add_at(
            head,
            at,
            (category, Outcome::ClientDiscard, &reason),
            quantity,
        );
    }
}

/// Returns the monitor that a check-in is about; empty when it does not say.
pub(super) fn monitor_of(body: &[u8]) -> String {
    let slug = read::from_json::<CheckIn>(body)
        .ok()
        .and_then(|(check_in, _)| check_in.monitor_slug);
    tidy(slug.as_deref().unwrap_or_default(), MAX_SLUG)
}

/// Returns the event that feedback of an old client is about.
pub(super) fn event_of_report(body: &[u8]) -> Option<EventId> {
    read::from_json::<UserReport>(body).ok()?.0.event_id
}

/// Words of clients become part of a key in the database, so they are kept short and plain.
fn safe_reason(reason: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "_-.".contains(c) {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    reason
        .trim()
        .chars()
        .take(MAX_REASON_BYTES)
        .map(plain)
        .collect()
}
