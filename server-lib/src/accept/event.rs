//! Events, transactions and feedback: scrub, look at, filter, count, keep.

use bytes::Bytes;
use mini_sentry::envelope::{ItemHeader, ItemKind};
use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::DataCategory;

use super::Refusal;
use super::filter::Subject;
use super::intake::{EventSlot, Fate, Intake, Payload};
use super::ip::Borrowed;
use super::quota::{KEY_REASON, PROJECT_REASON};
use super::security::{self, Site};
use crate::facts::{FactsInput, Scan, derive};
use crate::model::outcome::Outcome;
use crate::model::record::RecordKind;
use crate::secret;

impl Intake<'_> {
    /// Judges an item that is an event, by its type or by what its JSON says.
    pub(super) fn event_item(
        &mut self,
        header: &ItemHeader,
        payload: Payload,
    ) -> Result<(), Refusal> {
        if !matches!(self.event, EventSlot::Free) {
            self.invalid(&header.kind, "multiple_events", 1);
            return Ok(());
        }
        let Payload::Inline(json) = payload else {
            self.invalid(&header.kind, "too_large", 1);
            return Ok(());
        };
        // Before anything is taken from it: titles must not hold what the body does not.
        let body = self.scrub(json);
        let scan = match Scan::read(&body) {
            Ok(scan) => scan,
            Err(error) => {
                let fate = (Outcome::Invalid, error.code());
                self.event = EventSlot::Gone(self.envelope.event_id, fate);
                self.invalid(&header.kind, error.code(), 1);
                return Ok(());
            }
        };
        let (kind, category) = sort(&header.kind, &scan);
        let own_id = scan.event_id.filter(|id| !id.is_nil());
        let told_id = self.envelope.event_id.or(own_id);
        let borrowed = Borrowed::of(&scan, self.facts, self.keeps_addresses());
        if let Some(fate) = self.turn_away(&scan, &borrowed, category) {
            self.refuse(category, fate, 1);
            self.event = EventSlot::Gone(told_id, fate);
            return Ok(());
        }
        let event_id = told_id.map_or_else(new_id, Ok)?;
        let mut context = self.context();
        context.client_ip = borrowed.client_ip;
        context.user_agent = borrowed.user_agent;
        self.event = EventSlot::Kept(event_id);
        if kind != RecordKind::Event {
            drop(scan);
            return self.keep(
                kind,
                event_id,
                context,
                Payload::Inline(body),
                (category, 1),
            );
        }
        let input = FactsInput {
            received: self.facts.received,
            drift_ms: self.envelope.drift_ms,
            client_ip: context.client_ip,
            rules: &self.policy.frames,
        };
        let facts = Box::new(derive(&scan, &input));
        drop(scan);
        self.keep_event(event_id, context, facts, body, category)
    }

    /// Judges a browser's report, as the event that it stands for.
    pub(super) fn security_item(
        &mut self,
        header: &ItemHeader,
        payload: &Payload,
    ) -> Result<(), Refusal> {
        let text = |name: &str| header.other.get(name)?.as_str().map(str::to_owned);
        let site = Site {
            release: text("sentry_release"),
            environment: text("sentry_environment"),
        };
        let events = match payload {
            Payload::Inline(report) => security::events(report, &site),
            Payload::File(_) => None,
        };
        let Some(event) = events.and_then(|events| events.into_iter().next()) else {
            self.invalid(&header.kind, "unknown_report", 1);
            return Ok(());
        };
        let json = Bytes::from(event.to_string());
        self.event_item(header, Payload::Inline(json))
    }

    /// Returns why the event is not kept: a filter, or a limit.
    fn turn_away(
        &mut self,
        scan: &Scan<'_>,
        borrowed: &Borrowed,
        category: DataCategory,
    ) -> Option<Fate> {
        let subject = Subject {
            scan,
            client_ip: self.client_ip(),
            user_agent: scan
                .user_agent
                .as_deref()
                .or(borrowed.user_agent.as_deref()),
        };
        if let Some(reason) = self.policy.filters.judge(subject) {
            return Some((Outcome::Filtered, reason));
        }
        let config = &self.core.parts.config.ingest;
        let now = self.facts.received;
        let limit = self
            .core
            .quotas
            .take(&self.sender, config, category, now)
            .err()?;
        let is_key = limit.reason.as_deref() == Some(KEY_REASON);
        self.limits.push(limit);
        let reason = if is_key { KEY_REASON } else { PROJECT_REASON };
        Some((Outcome::RateLimited, reason))
    }
}

/// Sorts by the item's type and by what the event itself says.
fn sort(kind: &ItemKind, scan: &Scan<'_>) -> (RecordKind, DataCategory) {
    match (kind, scan.kind.as_deref()) {
        (ItemKind::Transaction, _) | (ItemKind::Event, Some("transaction")) => {
            (RecordKind::Transaction, DataCategory::Transaction)
        }
        (ItemKind::Feedback, _) | (ItemKind::Event, Some("feedback")) => {
            (RecordKind::Feedback, DataCategory::Feedback)
        }
        (_, Some("csp" | "hpkp" | "expectct" | "expectstaple")) => {
            (RecordKind::Event, DataCategory::Security)
        }
        _ => (RecordKind::Event, DataCategory::Error),
    }
}

/// Makes an id for an event that has none: a random UUID of version 4.
fn new_id() -> Result<EventId, Refusal> {
    let mut bytes = secret::random::<16>().map_err(|_| Refusal::Busy)?;
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    Ok(EventId::from_bytes(bytes))
}

/// Wraps the JSON of one event that came without an envelope.
pub(super) fn lone_event(json: Bytes) -> (ItemHeader, Payload) {
    (ItemHeader::new(ItemKind::Event), Payload::Inline(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_is_a_random_uuid() {
        let (first, second) = (new_id().unwrap(), new_id().unwrap());
        assert_ne!(first, second);
        let text = first.to_string();
        assert_eq!(text.as_bytes()[12], b'4');
        assert!(b"89ab".contains(&text.as_bytes()[16]));
    }

    #[test]
    fn the_payload_may_say_what_the_item_does_not() {
        for (kind, json, sorted) in [
            (ItemKind::Event, "{}", RecordKind::Event),
            (
                ItemKind::Event,
                r#"{"type":"transaction"}"#,
                RecordKind::Transaction,
            ),
            (
                ItemKind::Event,
                r#"{"type":"feedback"}"#,
                RecordKind::Feedback,
            ),
            (
                ItemKind::Transaction,
                r#"{"type":"error"}"#,
                RecordKind::Transaction,
            ),
        ] {
            let scan = Scan::read(json.as_bytes()).unwrap();
            assert_eq!(sort(&kind, &scan).0, sorted);
        }
        let report = Scan::read(br#"{"type":"csp"}"#).unwrap();
        assert_eq!(sort(&ItemKind::Event, &report).1, DataCategory::Security);
    }
}
