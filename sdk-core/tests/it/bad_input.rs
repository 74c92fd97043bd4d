//! Bad events and payloads: a typed error, or an event without what was wrong. How much memory
//! that may take is tested in `tests/memory`, broken frames in `envelope`.

#![expect(
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

use mini_sentry::envelope::Envelope;
use mini_sentry::limits::{MAX_EVENT_BYTES, MAX_ITEMS, MAX_JSON_DEPTH};
use mini_sentry::protocol::read::ReadError;
use mini_sentry::protocol::{Event, Level, Message};
use serde_json::{Value, json};

use crate::golden;

fn read(json: impl AsRef<[u8]>) -> Event {
    Event::from_json(json.as_ref()).unwrap()
}

fn code(json: impl AsRef<[u8]>) -> &'static str {
    match Event::from_json(json.as_ref()) {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}

fn message(event: &Event) -> Option<&str> {
    event.message.as_ref().map(Message::text)
}

fn nested(field: &str, levels: usize) -> String {
    let (open, close) = ("[".repeat(levels), "]".repeat(levels));
    format!("{{\"{field}\":{open}{close}}}")
}

#[test]
fn an_event_nested_ten_thousand_deep_is_too_deep_in_any_field() {
    for field in [
        "extra",
        "unknown",
        "user",
        "exception",
        "tags",
        "message",
        "level",
        "contexts",
    ] {
        assert_eq!(code(nested(field, 10_000)), "too_deep", "{field}");
    }
    assert_eq!(code("[".repeat(10_000)), "too_deep");
    assert_eq!(code("{\"a\":".repeat(10_000)), "too_deep");
}

#[test]
fn the_deepest_event_that_reads_has_as_many_levels_as_the_limit() {
    for field in ["unknown", "contexts", "level"] {
        assert_eq!(code(nested(field, MAX_JSON_DEPTH - 1)), "ok", "{field}");
        let refused = Event::from_json(nested(field, MAX_JSON_DEPTH).as_bytes());
        let position = format!("{{\"{field}\":").len() + MAX_JSON_DEPTH - 1;
        let limit = MAX_JSON_DEPTH;
        assert_eq!(
            refused,
            Err(ReadError::TooDeep { position, limit }),
            "{field}"
        );
    }
}

#[test]
fn a_deep_value_of_the_wrong_type_is_noted_without_the_value() {
    let event = read(nested("user", 100));
    assert_eq!(event.errors.len(), 1);
    assert_eq!(event.errors[0].name.as_deref(), Some("user"));
    assert_eq!(event.errors[0].value, None);
    let written = serde_json::to_vec(&event).unwrap();
    assert_eq!(Event::from_json(&written), Ok(event));
}

#[test]
fn a_deep_payload_costs_its_item_only() {
    let deep = nested("extra", 10_000);
    let good = "{\"type\":\"event\"}\n{\"message\":\"kept\"}\n";
    let body = format!("{{}}\n{good}{{\"type\":\"event\"}}\n{deep}\n{good}");
    let parsed = Envelope::parse(body.as_bytes()).unwrap();
    assert_eq!(parsed.envelope.items.len(), 2);
    assert_eq!(parsed.faults.len(), 1);
    assert_eq!(parsed.faults[0].code(), "too_deep");
}

#[test]
fn an_event_of_one_byte_too_many_is_too_large() {
    let fill = "x".repeat(MAX_EVENT_BYTES - "{\"message\":\"\"}".len());
    assert_eq!(code(format!("{{\"message\":\"{fill}\"}}")), "ok");
    let refused = Event::from_json(format!("{{\"message\":\"{fill}x\"}}").as_bytes());
    let limit_bytes = MAX_EVENT_BYTES;
    let size_bytes = limit_bytes + 1;
    assert_eq!(
        refused,
        Err(ReadError::TooLarge {
            size_bytes,
            limit_bytes
        })
    );
}

#[test]
fn what_is_no_object_is_refused() {
    for root in [
        "7", "\"text\"", "null", "true", "[]", "[{}]", "NaN", "1e999",
    ] {
        assert_eq!(code(root), "not_an_object", "{root}");
    }
    for nothing in [
        "", " ", "\n", "\u{feff}", "\0", "{", "}", "{}{}", "{} x", "{'a':1}", "<html>",
    ] {
        assert_eq!(code(nothing), "invalid_json", "{nothing:?}");
    }
}

#[test]
fn an_event_cut_at_any_byte_is_refused() {
    for name in ["full", "unknown-fields", "exception-wrong", "nan"] {
        let whole = golden::bytes(&format!("events/{name}.in.json"));
        let end = whole.trim_ascii_end().len();
        assert_eq!(code(&whole[..end]), "ok", "{name}");
        for cut in 0..end {
            assert_eq!(code(&whole[..cut]), "invalid_json", "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_payload_cut_at_any_byte_costs_its_item_only() {
    let event = golden::bytes("events/full.in.json");
    let event: Value = serde_json::from_slice(&event).unwrap();
    let event = event.to_string();
    for cut in 0..event.len() {
        // A length that fits, so that the frame is whole and the payload is not.
        let header = json!({"type": "event", "length": event.get(..cut).map(str::len)});
        let Some(payload) = event.get(..cut) else {
            continue;
        };
        let body = format!("{{}}\n{header}\n{payload}\n{{\"type\":\"event\"}}\n{{}}\n");
        let parsed = Envelope::parse(body.as_bytes()).unwrap();
        assert_eq!(parsed.faults.len(), 1, "cut at {cut}");
        assert_eq!(parsed.faults[0].code(), "invalid_json", "cut at {cut}");
        assert_eq!(parsed.envelope.items.len(), 1, "cut at {cut}");
    }
}

#[test]
fn invalid_utf8_is_mended_in_text_and_in_keys() {
    let event = read(b"{\"message\":\"a\xffb\",\"k\xc3\":1,\"extra\":{\"\xe2\x82\":\"\xf0\x9f\"}}");
    assert_eq!(message(&event), Some("a\u{fffd}b"));
    assert_eq!(event.other["k\u{fffd}"], 1);
    assert_eq!(event.extra["\u{fffd}"], "\u{fffd}");
    assert_eq!(event.errors, []);
}

#[test]
fn invalid_utf8_anywhere_is_mended_or_refused() {
    let whole = golden::bytes("events/full.in.json");
    let mut mended = 0;
    for at in 0..whole.len() {
        for byte in [0xff, 0xc3, 0x80] {
            let mut broken = whole.clone();
            broken[at] = byte;
            if std::str::from_utf8(&broken).is_ok() {
                continue;
            }
            match Event::from_json(&broken) {
                Ok(event) => {
                    let written = serde_json::to_string(&event).unwrap();
                    assert!(written.contains('\u{fffd}'), "{byte:#x} at {at}");
                    mended += 1;
                }
                Err(error) => assert_eq!(error.code(), "invalid_json", "{byte:#x} at {at}"),
            }
        }
    }
    assert!(mended > whole.len(), "only {mended} were mended");
}

#[test]
fn the_last_of_duplicate_keys_wins() {
    let event = read(
        r#"{"level":"info","level":"fatal","x":1,"x":2,"message":"a","message":"b",
            "tags":{"t":"1","t":"2"},"extra":{"e":1,"e":{"e":3}},
            "user":{"id":1,"id":2},"user":{"id":3},"exception":[{"type":"A"}],
            "exception":{"values":[{"type":"B"}]}}"#,
    );
    assert_eq!(event.level, Some(Level::Fatal));
    assert_eq!(event.other["x"], 2);
    assert_eq!(message(&event), Some("b"));
    assert_eq!(event.tags["t"], "2");
    assert_eq!(event.extra["e"], json!({"e": 3}));
    assert_eq!(event.user.unwrap().id.as_deref(), Some("3"));
    assert_eq!(event.exception.len(), 1);
    assert_eq!(event.exception[0].ty.as_deref(), Some("B"));
    assert_eq!(event.errors, []);
}

#[test]
fn duplicate_keys_in_headers_take_the_last_value() {
    let body = b"{\"dsn\":\"a\",\"dsn\":\"b\"}\n{\"type\":\"x\",\"type\":\"event\",\"length\":9,\"length\":2}\n{}\n";
    let parsed = Envelope::parse(body).unwrap();
    assert_eq!(parsed.envelope.header.dsn.as_deref(), Some("b"));
    assert!(parsed.envelope.event().is_some());
}

#[test]
fn numbers_out_of_range_become_null() {
    let digits = "9".repeat(400);
    for number in ["1e999", "-1e999", "1E+400", digits.as_str()] {
        let event = read(format!(
            "{{\"extra\":{{\"n\":{number},\"kept\":1}},\"timestamp\":{number}}}"
        ));
        assert_eq!(event.extra["n"], Value::Null, "{number}");
        assert_eq!(event.extra["kept"], 1);
        assert_eq!(event.timestamp, None);
    }
    for number in ["1e-999", "1.7976931348623157e308", "18446744073709551615"] {
        let event = read(format!("{{\"extra\":{{\"n\":{number}}}}}"));
        assert!(event.extra["n"].is_number(), "{number}");
    }
}

#[test]
fn bare_words_of_other_languages_become_null_and_stay_in_text() {
    for word in [
        "NaN",
        "Infinity",
        "-Infinity",
        "-NaN",
        "Inf",
        "-Inf",
        "-inf",
    ] {
        let event = read(format!("{{\"extra\":{{\"n\":{word},\"t\":\"{word}\"}}}}"));
        assert_eq!(event.extra["n"], Value::Null, "{word}");
        assert_eq!(event.extra["t"], word);
    }
    for word in [
        "None",
        "undefined",
        "True",
        "nan",
        "+1",
        ".5",
        "0x10",
        "Nan",
    ] {
        assert_eq!(
            code(format!("{{\"extra\":{{\"n\":{word}}}}}")),
            "invalid_json",
            "{word}"
        );
    }
}

#[test]
fn half_surrogates_are_mended_and_whole_pairs_kept() {
    for (escaped, mended) in [
        (r"\ud800", "\u{fffd}"),
        (r"\udc00", "\u{fffd}"),
        (r"\ud83d\ude00", "\u{1f600}"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83dx", "\u{fffd}x"),
        (r"\\ud800", "\\ud800"),
        (r"\ud83d\n", "\u{fffd}\n"),
    ] {
        let event = read(format!(
            "{{\"message\":\"{escaped}\",\"{escaped}\":\"{escaped}\"}}"
        ));
        assert_eq!(message(&event), Some(mended), "{escaped}");
        assert_eq!(event.other[mended], mended, "{escaped}");
    }
    for cut in [
        r#"{"a":"\ud8"#,
        r#"{"a":"\ud800"#,
        r#"{"a":"\ud83d\u"#,
        r#"{"a":"\"#,
    ] {
        assert_eq!(code(cut), "invalid_json", "{cut}");
    }
}

#[test]
fn escaped_nul_bytes_are_text_and_bare_ones_are_refused() {
    let event = read(r#"{"message":"a\u0000b","k\u0000":1}"#);
    assert_eq!(message(&event), Some("a\0b"));
    assert_eq!(event.other["k\0"], 1);
    for bare in ["{\"message\":\"a\0b\"}", "{\0\"message\":1}", "{}\0"] {
        assert_eq!(code(bare), "invalid_json", "{bare:?}");
    }
}

#[test]
fn a_byte_order_mark_in_front_is_passed_over() {
    assert_eq!(message(&read("\u{feff}{\"message\":\"a\"}")), Some("a"));
    assert_eq!(
        read("\u{feff}{\"extra\":{\"n\":NaN}}").extra["n"],
        Value::Null
    );
    assert_eq!(code("\u{feff}\u{feff}{}"), "invalid_json");
}

#[test]
fn very_long_keys_and_texts_are_kept() {
    let long = "k".repeat(300_000);
    let event = read(json!({&long: 1, "tags": {&long: &long}}).to_string());
    assert_eq!(event.other[&long], 1);
    assert_eq!(event.tags[&long], long);
    let wrong = read(json!({"modules": {&long: 7}}).to_string());
    assert_eq!(wrong.errors[0].name, Some(format!("modules.{long}")));
}

#[test]
fn an_item_over_the_limit_ends_the_reading_of_the_envelope() {
    let body = format!(
        "{{}}\n{}",
        "{\"type\":\"session\"}\n{}\n".repeat(MAX_ITEMS + 5)
    );
    let parsed = Envelope::parse(body.as_bytes()).unwrap();
    assert_eq!(parsed.envelope.items.len(), MAX_ITEMS);
    let codes: Vec<_> = parsed.faults.iter().map(|fault| fault.code()).collect();
    assert_eq!(codes, ["too_many_items"]);
}

#[test]
fn wrong_types_in_items_without_errors_are_noted_beside_the_envelope() {
    let body = b"{\"event_id\":\"x\",\"sdk\":5}\n{\"type\":\"event\"}\n{\"level\":7}\n\
        {\"type\":\"session\"}\n{\"sid\":\"x\",\"status\":\"ok\"}\n{\"type\":\"log\"}\n\
        {\"items\":[{\"body\":\"kept\"},{\"body\":7}]}\n";
    let parsed = Envelope::parse(body).unwrap();
    assert_eq!(parsed.faults, []);
    let notes: Vec<_> = parsed
        .notes
        .iter()
        .map(|noted| (noted.index, noted.note.path.as_str()))
        .collect();
    let expected = [
        (None, "event_id"),
        (None, "sdk"),
        (Some(1), "sid"),
        (Some(2), "items.1.body"),
    ];
    assert_eq!(notes, expected);
    assert_eq!(parsed.envelope.event().unwrap().errors.len(), 1);
}

#[test]
fn error_texts_hold_nothing_of_the_payload() {
    for json in ["{\"secret\":hush}", "\"hush\"", "{\"hush\":\"\u{1}\"}"] {
        let error = Event::from_json(json.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}
