//! From deliveries of the journal to a batch for the store.

use mini_sentry::ratelimit::DataCategory;

use super::rules::RuleBook;
use super::tally::{Tally, category_of};
use super::{reports, sessions};
use crate::facts::{FactsInput, FrameRules, Scan, ScanError, derive, tidy};
use crate::journal::Delivery;
use crate::model::event::{EventFacts, NewEvent};
use crate::model::ids::Seq;
use crate::model::item::ItemRow;
use crate::model::outcome::Outcome;
use crate::model::record::{RecordHead, RecordKind};
use crate::store::Batch;

/// Characters of an item's name or media type.
const MAX_TEXT: usize = 255;

/// Makes a batch that covers everything after `after` up to the last delivery.
pub(super) fn build(after: Seq, deliveries: Vec<Delivery>, rules: &mut RuleBook) -> Batch {
    let mut batch = Batch {
        first: after.next(),
        last: after,
        events: Vec::with_capacity(deliveries.len()),
        ..Batch::default()
    };
    let mut tally = Tally::default();
    for delivery in deliveries {
        batch.last = delivery.seq;
        batch.received = delivery.head.received;
        take(delivery, rules, &mut batch, &mut tally);
    }
    batch.outcomes = tally.into_counts();
    batch
}

/// Makes a batch that passes over a record which the store refuses, and counts it.
pub(super) fn pass_over(after: Seq, delivery: &Delivery) -> Batch {
    let mut tally = Tally::default();
    let category = category_of(delivery.head.kind).unwrap_or(DataCategory::Unknown);
    tally.add(
        &delivery.head,
        category,
        Outcome::Invalid,
        "refused_by_store",
        1,
    );
    Batch {
        first: after.next(),
        last: delivery.seq,
        received: delivery.head.received,
        outcomes: tally.into_counts(),
        ..Batch::default()
    }
}

fn take(delivery: Delivery, rules: &mut RuleBook, batch: &mut Batch, tally: &mut Tally) {
    let head = &delivery.head;
    let body = delivery.body.as_deref().unwrap_or_default();
    match head.kind {
        RecordKind::Event => take_event(delivery, rules, batch, tally),
        RecordKind::Session => sessions::take_update((delivery.seq, head), body, batch, tally),
        RecordKind::Sessions => sessions::take_aggregates(head, body, batch, tally),
        RecordKind::ClientReport => reports::take_client_report(head, body, tally),
        _ => {
            tally.accept_item(head, delivery.body_bytes);
            batch.items.push(item_row(&delivery));
        }
    }
}

fn take_event(delivery: Delivery, rules: &mut RuleBook, batch: &mut Batch, tally: &mut Tally) {
    let head = &delivery.head;
    let facts = match delivery.facts {
        Some(facts) => Ok(*facts),
        None => {
            let body = delivery.body.as_deref().unwrap_or_default();
            facts_of(head, body, rules.of(head.project))
        }
    };
    match facts {
        Ok(facts) => {
            let category = facts.kind.category();
            tally.add(head, category, Outcome::Accepted, "", 1);
            batch.events.push(NewEvent {
                seq: delivery.seq,
                project: head.project,
                event_id: head.event_id,
                received: head.received,
                facts,
            });
        }
        Err(error) => {
            tally.add(head, DataCategory::Error, Outcome::Invalid, error.code(), 1);
        }
    }
}

/// Takes the facts from a body, as accept took them before the body was journaled.
fn facts_of(head: &RecordHead, body: &[u8], rules: &FrameRules) -> Result<EventFacts, ScanError> {
    let scan = Scan::read(body)?;
    Ok(derive(&scan, &FactsInput::of_head(head, rules)))
}

fn item_row(delivery: &Delivery) -> ItemRow {
    let (head, context) = (&delivery.head, &delivery.head.context);
    let body = delivery.body.as_deref().unwrap_or_default();
    let mut event_id = head.event_id;
    let text = |text: &Option<String>| tidy(text.as_deref().unwrap_or_default(), MAX_TEXT);
    let mut name = text(&context.name);
    match head.kind {
        RecordKind::CheckIn => name = reports::monitor_of(body),
        RecordKind::UserReport if event_id.is_nil() => {
            event_id = reports::event_of_report(body).unwrap_or(event_id);
        }
        _ => {}
    }
    ItemRow {
        seq: delivery.seq,
        project: head.project,
        kind: head.kind,
        event_id,
        received: head.received,
        name,
        content_type: text(&context.content_type),
        attachment_type: text(&context.attachment_type),
        bytes: context
            .blob
            .as_ref()
            .map_or(delivery.body_bytes, |blob| blob.bytes),
    }
}
