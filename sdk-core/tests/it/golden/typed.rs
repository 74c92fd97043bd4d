//! Envelopes in the protocol's types: nothing is lost by reading and writing them.

use mini_sentry::envelope::{Envelope, Item, Payload};
use serde_json::Value;

use super::rules::assert_kept;
use super::{bytes, is_same, json, names};

/// The one vector with an item whose payload is not what its header says.
const BROKEN: &str = "doc-broken-item";

fn written(payload: &Payload) -> Vec<u8> {
    let mut out = Vec::new();
    payload.write_json(&mut out).unwrap();
    out
}

/// The same item without the length of its frame, which writing counts anew.
fn unframed(item: &Item) -> Item {
    let mut item = item.clone();
    item.header.length = None;
    item
}

#[test]
fn every_good_envelope_is_read_whole() {
    for name in names("envelopes/ok", ".envelope", 109) {
        let parsed = Envelope::parse(&bytes(&format!("envelopes/ok/{name}.envelope"))).unwrap();
        let expected = json(&format!("envelopes/ok/{name}.json"));
        let faults: Vec<_> = parsed.faults.iter().map(|fault| fault.code()).collect();
        if name == BROKEN {
            assert_eq!(faults, ["invalid_json"]);
            continue;
        }
        assert_eq!(faults, [""; 0], "{name}");
        let items = expected["items"].as_array().unwrap();
        assert_eq!(parsed.envelope.items.len(), items.len(), "{name}");
        for (item, expected) in parsed.envelope.items.iter().zip(items) {
            let header = serde_json::to_value(&item.header).unwrap();
            assert!(is_same(&header, &expected["header"]), "{name}: {header}");
        }
    }
}

#[test]
fn what_official_sdks_send_fits_the_types_and_leaves_no_notes() {
    for name in names("envelopes/ok", ".envelope", 109) {
        if name.starts_with("doc-") {
            continue;
        }
        let parsed = Envelope::parse(&bytes(&format!("envelopes/ok/{name}.envelope"))).unwrap();
        assert_eq!(parsed.notes, [], "{name}");
        for item in &parsed.envelope.items {
            let errors = match &item.payload {
                Payload::Event(event) | Payload::Feedback(event) => &event.errors,
                Payload::Transaction(transaction) => &transaction.errors,
                _ => continue,
            };
            assert_eq!(errors, &[], "{name}");
        }
    }
}

#[test]
fn every_payload_is_written_as_it_was_sent_but_for_the_rules() {
    for name in names("envelopes/ok", ".envelope", 109) {
        if name == BROKEN {
            continue;
        }
        let parsed = Envelope::parse(&bytes(&format!("envelopes/ok/{name}.envelope"))).unwrap();
        let expected = json(&format!("envelopes/ok/{name}.json"));
        let header = serde_json::to_value(&parsed.envelope.header).unwrap();
        assert_kept(&expected["header"], &header, &name);
        for (item, expected) in parsed
            .envelope
            .items
            .iter()
            .zip(expected["items"].as_array().unwrap())
        {
            if matches!(item.payload, Payload::Raw(_)) {
                continue;
            }
            let written: Value = serde_json::from_slice(&written(&item.payload)).unwrap();
            assert_kept(&expected["payload"], &written, &name);
        }
    }
}

#[test]
fn every_envelope_written_and_read_again_is_the_same() {
    for name in names("envelopes/ok", ".envelope", 109) {
        let parsed = Envelope::parse(&bytes(&format!("envelopes/ok/{name}.envelope"))).unwrap();
        let body = parsed.envelope.to_vec();
        let again = Envelope::parse(&body).unwrap();
        assert_eq!(again.faults, [], "{name}");
        assert_eq!(again.envelope.header, parsed.envelope.header, "{name}");
        let items: Vec<Item> = parsed.envelope.items.iter().map(unframed).collect();
        let items_again: Vec<Item> = again.envelope.items.iter().map(unframed).collect();
        assert_eq!(items_again, items, "{name}");
        assert_eq!(again.envelope.to_vec(), body, "{name}");
    }
}

#[test]
fn every_known_payload_is_read_into_its_type() {
    let mut typed = std::collections::BTreeMap::new();
    for name in names("envelopes/ok", ".envelope", 109) {
        let parsed = Envelope::parse(&bytes(&format!("envelopes/ok/{name}.envelope"))).unwrap();
        for item in parsed.envelope.items {
            let is_typed = !matches!(item.payload, Payload::Raw(_));
            *typed
                .entry((item.header.kind.to_string(), is_typed))
                .or_insert(0) += 1;
        }
    }
    for (kind, at_least) in [
        ("event", 42),
        ("session", 20),
        ("transaction", 8),
        ("check_in", 8),
        ("client_report", 5),
        ("sessions", 5),
        ("span", 3),
        ("trace_metric", 3),
        ("log", 3),
        ("feedback", 2),
        ("user_report", 1),
    ] {
        let count = typed.get(&(kind.to_owned(), true)).copied().unwrap_or(0);
        assert!(count >= at_least, "only {count} of {kind} were typed");
        assert!(
            !typed.contains_key(&(kind.to_owned(), false)),
            "{kind} was kept raw"
        );
    }
}
