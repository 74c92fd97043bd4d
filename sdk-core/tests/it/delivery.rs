//! What tests of transports share: envelopes as the client makes them, and options that do not
//! wait for seconds.

#![expect(clippy::expect_used, reason = "what fails here fails the test")]

use std::sync::Arc;
use std::time::Duration;

use mini_sentry::dsn::Dsn;
use mini_sentry::envelope::{Envelope, Item, ItemHeader, ItemKind};
use mini_sentry::losses::Losses;
use mini_sentry::protocol::{ClientReport, DiscardReason, Event, EventId, Level, Timestamp};
use mini_sentry::ratelimit::DataCategory;
use mini_sentry::transport::TransportOptions;

/// A pause that no test lives to see the end of, however the jitter falls.
pub(crate) const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Options with pauses of milliseconds.
pub(crate) fn options(dsn: Dsn) -> TransportOptions {
    let mut options = TransportOptions::new(dsn, Arc::default());
    options.retry_base = Duration::from_millis(1);
    options
}

/// An envelope with one event, its payload as bytes.
pub(crate) fn event(message: &str) -> Envelope {
    let mut event = Event::from_message(message, Level::Error);
    let id = EventId::from_bytes(std::array::from_fn(|i| {
        message.as_bytes().get(i).copied().unwrap_or(b'.')
    }));
    event.event_id = Some(id);
    let mut envelope = Envelope::from(event);
    for item in &mut envelope.items {
        to_bytes(item);
    }
    envelope
}

/// An item of a kind with some bytes.
pub(crate) fn item(kind: ItemKind, payload: &str) -> Item {
    Item::raw(ItemHeader::new(kind), payload)
}

/// Adds a client report that tells of one loss.
pub(crate) fn with_report(mut envelope: Envelope) -> Envelope {
    let losses = Losses::default();
    losses.record(DataCategory::Error, DiscardReason::SampleRate, 1);
    let report: Option<ClientReport> = losses.take(Timestamp::from_nanos(0));
    envelope.add(report.expect("a loss was recorded"));
    envelope
}

/// What was lost, as lines to compare.
pub(crate) fn lost(losses: &Losses) -> Vec<String> {
    let report = losses.take(Timestamp::from_nanos(0)).unwrap_or_default();
    let lines = report.discarded_events.into_iter().map(|entry| {
        format!(
            "{} {} {}",
            entry.quantity.unwrap_or_default(),
            entry.category.unwrap_or_default(),
            entry.reason.unwrap_or_default()
        )
    });
    lines.collect()
}

fn to_bytes(item: &mut Item) {
    let mut bytes = Vec::new();
    item.payload
        .write_json(&mut bytes)
        .expect("the payload is json");
    item.payload = mini_sentry::envelope::Payload::Raw(bytes);
}
