//! The face that bindings wrap, as a binding uses it: texts, bytes and numbers.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

mod capture;
mod faults;
mod golden;
mod options;
mod outbox;
mod scopes;
#[cfg(feature = "http")]
mod worker;

use mini_sentry::bridge::Bridge;
use mini_sentry::envelope::{Envelope, Item};
use serde_json::{Value, json};

const NOW_MS: f64 = 1_700_000_000_500.0;
const NIL: &str = "00000000000000000000000000000000";

fn bridge_with(mut options: Value) -> Bridge {
    options["dsn"] = json!("http://0123456789abcdef0123456789abcdef@localhost/1");
    Bridge::with_outbox(&options.to_string(), NOW_MS).unwrap()
}

fn bridge() -> Bridge {
    bridge_with(
        json!({"release": "shop@1", "platform": "python", "sdk_name": "mini-sentry.python"}),
    )
}

/// What the host gets when it flushes and takes all, with the payloads as JSON.
fn sent(bridge: &Bridge) -> Vec<(u64, Envelope)> {
    bridge.flush(60_000).unwrap();
    let mut sent = Vec::new();
    while let Some(outgoing) = bridge.take_envelope().unwrap() {
        let parsed = Envelope::parse(&outgoing.bytes).unwrap();
        assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
        sent.push((outgoing.id, parsed.envelope));
    }
    sent
}

/// The same, with everything answered well.
fn delivered(bridge: &Bridge) -> Vec<Envelope> {
    let answer = |(id, envelope)| {
        assert!(!bridge.response(id, 200, None, None).unwrap());
        envelope
    };
    sent(bridge).into_iter().map(answer).collect()
}

fn payloads(envelopes: &[Envelope]) -> Vec<(String, Value)> {
    let items = envelopes.iter().flat_map(|envelope| &envelope.items);
    items
        .map(|item| (item.header.kind.as_str().to_owned(), payload(item)))
        .collect()
}

fn payload(item: &Item) -> Value {
    let mut json = Vec::new();
    item.payload.write_json(&mut json).unwrap();
    serde_json::from_slice(&json).unwrap_or_else(|_| String::from_utf8(json).unwrap().into())
}

/// The only payload there is.
fn only(bridge: &Bridge) -> (String, Value) {
    let mut payloads = payloads(&delivered(bridge));
    assert_eq!(payloads.len(), 1, "{payloads:?}");
    payloads.remove(0)
}

fn only_event(bridge: &Bridge) -> Value {
    let (kind, event) = only(bridge);
    assert_eq!(kind, "event");
    event
}

fn losses(bridge: &Bridge) -> Vec<(String, String, u64)> {
    let report: Value = serde_json::from_str(&bridge.loss_report().unwrap()).unwrap();
    let entries = report["discarded_events"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    entries
        .iter()
        .map(|e| {
            (
                text(e, "category"),
                text(e, "reason"),
                e["quantity"].as_u64().unwrap(),
            )
        })
        .collect()
}

fn lost(category: &str, reason: &str, quantity: u64) -> (String, String, u64) {
    (category.to_owned(), reason.to_owned(), quantity)
}
