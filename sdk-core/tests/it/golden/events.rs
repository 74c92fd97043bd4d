//! Events as sent, and as they are written again after lenient reading.

use mini_sentry::envelope::Envelope;
use mini_sentry::protocol::Event;
use serde_json::Value;

use super::{bytes, is_same, json, names};

#[test]
fn every_event_is_written_as_its_vector_says() {
    for name in names("events", ".in.json", 44) {
        let input = bytes(&format!("events/{name}.in.json"));
        let expected = json(&format!("events/{name}.out.json"));
        let event = Event::from_json(&input).unwrap_or_else(|error| panic!("{name}: {error}"));
        let written = serde_json::to_value(&event).unwrap();
        assert!(
            is_same(&written, &expected),
            "{name}:\nwritten  {written}\nexpected {expected}"
        );
    }
}

#[test]
fn every_written_event_reads_again_without_a_change_or_a_further_note() {
    for name in names("events", ".out.json", 44) {
        let written = bytes(&format!("events/{name}.out.json"));
        let event = Event::from_json(&written).unwrap();
        let again = serde_json::to_value(&event).unwrap();
        let expected: Value = serde_json::from_slice(&written).unwrap();
        assert!(
            is_same(&again, &expected),
            "{name}: {again} is not {expected}"
        );
    }
}

#[test]
fn every_event_reads_the_same_by_itself_and_as_an_item() {
    for name in names("events", ".in.json", 44) {
        let input = bytes(&format!("events/{name}.in.json"));
        let length = input.len();
        let mut body = format!("{{}}\n{{\"type\":\"event\",\"length\":{length}}}\n").into_bytes();
        body.extend_from_slice(&input);
        let parsed = Envelope::parse(&body).unwrap();
        let alone = Event::from_json(&input).unwrap();
        assert_eq!(parsed.envelope.event(), Some(&alone), "{name}");
    }
}
