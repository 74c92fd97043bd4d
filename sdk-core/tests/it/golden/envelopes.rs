//! Frames of the envelopes: what both readers see, and the first fault that both meet.

use mini_sentry::envelope::{EnvelopeReader, ItemHeader, ItemKind};
use mini_sentry::limits::EnvelopeLimits;
use mini_sentry::protocol::read::from_json;
use serde_json::{Value, json};

use super::{base64, bytes, is_same, json, names};
use crate::envelope::{read_slice, read_stream};

/// How the pieces of a body are cut when it is read while it arrives.
const CUTS: &[&[usize]] = &[&[usize::MAX], &[1], &[2, 3], &[7, 1, 64], &[4096]];

/// What stands in the parsed form for a payload.
fn parsed_payload(header: &ItemHeader, payload: &[u8]) -> Value {
    let is_binary = matches!(
        header.kind,
        ItemKind::Attachment
            | ItemKind::ReplayRecording
            | ItemKind::ReplayVideo
            | ItemKind::UnrealReport
    );
    if let (false, Ok((value, _))) = (is_binary, from_json::<Value>(payload)) {
        return value;
    }
    match std::str::from_utf8(payload) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "base64": base64(payload) }),
    }
}

#[test]
fn every_good_envelope_is_framed_as_official_parsers_frame_it() {
    for name in names("envelopes/ok", ".envelope", 109) {
        let body = bytes(&format!("envelopes/ok/{name}.envelope"));
        let expected = json(&format!("envelopes/ok/{name}.json"));
        let read = read_slice(&body, &EnvelopeLimits::default());
        assert_eq!(read.errors(), [], "{name}");
        let items: Vec<Value> = read
            .items
            .iter()
            .flatten()
            .map(|(header, payload)| {
                json!({"header": header, "payload": parsed_payload(header, payload)})
            })
            .collect();
        let form = json!({"header": read.header, "items": items});
        assert!(
            is_same(&form, &expected),
            "{name}: {form} is not {expected}"
        );
    }
}

#[test]
fn every_envelope_reads_alike_whole_and_in_pieces() {
    let limits = EnvelopeLimits::default();
    for (folder, at_least) in [("envelopes/ok", 109), ("envelopes/bad", 29)] {
        for name in names(folder, ".envelope", at_least) {
            let body = bytes(&format!("{folder}/{name}.envelope"));
            let whole = read_slice(&body, &limits);
            for cuts in CUTS {
                let pieces = read_stream(&body, cuts, &limits);
                assert_eq!(pieces, whole, "{name} cut by {cuts:?}");
            }
        }
    }
}

#[test]
fn every_bad_envelope_is_refused_with_its_code_and_position() {
    for name in names("envelopes/bad", ".envelope", 29) {
        let body = bytes(&format!("envelopes/bad/{name}.envelope"));
        let expected = bytes(&format!("envelopes/bad/{name}.code"));
        let expected = String::from_utf8(expected).unwrap();
        let read = read_slice(&body, &EnvelopeLimits::default());
        let first = read.errors().first().copied();
        let (code, position) = first.unwrap_or_else(|| panic!("{name} was not refused"));
        assert_eq!(format!("{code} {position}"), expected.trim_end(), "{name}");
    }
}

#[test]
fn every_vector_has_both_of_its_files() {
    for (folder, one, other) in [
        ("envelopes/ok", ".envelope", ".json"),
        ("envelopes/bad", ".envelope", ".code"),
        ("events", ".in.json", ".out.json"),
    ] {
        assert_eq!(names(folder, one, 1), names(folder, other, 1), "{folder}");
    }
}

#[test]
fn a_good_envelope_cut_anywhere_is_read_up_to_the_cut() {
    let limits = EnvelopeLimits::default();
    for name in names("envelopes/ok", ".envelope", 109) {
        let body = bytes(&format!("envelopes/ok/{name}.envelope"));
        let whole = read_slice(&body, &limits);
        // Every byte of a small one; of a large one a prime step, so that all parts are met.
        let step = if body.len() < 2_000 { 1 } else { 97 };
        for end in (0..body.len()).step_by(step) {
            let cut = read_slice(&body[..end], &limits);
            let complete = cut.items.iter().filter(|item| item.is_ok()).count();
            assert!(cut.errors().len() <= 1, "{name} cut at {end}: {cut:?}");
            assert!(complete <= whole.items.len(), "{name} cut at {end}");
            // All but the last item were whole, so they are what they were.
            let kept = complete.saturating_sub(1);
            assert_eq!(cut.items[..kept], whole.items[..kept], "{name} at {end}");
            if let Ok(reader) = EnvelopeReader::new(&body[..end], &limits) {
                assert!(reader.position() <= end);
            }
        }
    }
}
