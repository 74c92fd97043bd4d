use serde_json::json;

use super::packer::MAX_ENTRIES;
use super::*;
use crate::model::time::Millis;

const NOW: Millis = Millis(1_767_323_045_678);
const TRACE: &str = "0AF7651916CD43DD8448EB211C80319C";

fn read_logs(request: &Value) -> Converted {
    logs(request.to_string().as_bytes(), Format::Json, NOW).unwrap()
}

fn read_spans(request: &Value) -> Converted {
    spans(request.to_string().as_bytes(), Format::Json, NOW).unwrap()
}

/// Writes a field of bytes, text or a message; numbers of fields are below 16 here.
fn field(number: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let mut field = vec![number << 3 | 2];
    let mut length = content.len();
    while length > 0x7f {
        field.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).unwrap());
    field.extend(content);
    field
}

/// Writes a request of records, which share a resource.
fn request(resource: &[u8], records: &[Vec<u8>]) -> Vec<u8> {
    let scope: Vec<u8> = records.iter().flat_map(|record| field(2, record)).collect();
    field(1, [field(1, resource), field(2, scope)].concat())
}

fn entries(converted: &Converted) -> Vec<Value> {
    let entries = converted.items.iter().flat_map(|item| {
        let container: Value = serde_json::from_slice(&item.payload).unwrap();
        let entries = container["items"].as_array().unwrap().clone();
        assert_eq!(item.header.item_count, Some(entries.len() as u64));
        entries
    });
    entries.collect()
}

fn resource() -> Value {
    json!({"attributes": [
        {"key": "service.name", "value": {"stringValue": "shop"}},
        {"key": "service.version", "value": {"stringValue": "1.0"}},
        {"key": "deployment.environment.name", "value": {"stringValue": "prod"}},
    ]})
}

fn exception() -> Value {
    json!([
        {"key": "exception.type", "value": {"stringValue": "KeyError"}},
        {"key": "exception.message", "value": {"stringValue": "'user'"}},
        {"key": "exception.stacktrace", "value": {"stringValue":
            "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nKeyError: 'user'"}},
    ])
}

#[test]
fn a_span_keeps_its_place_its_times_and_typed_attributes() {
    let converted = read_spans(
        &json!({"resourceSpans": [{"resource": resource(), "scopeSpans": [{"spans": [{
            "traceId": TRACE, "spanId": "b7ad6b7169203331", "parentSpanId": "",
            "name": "GET /cart", "startTimeUnixNano": "1767323045000000000",
            "endTimeUnixNano": "1767323045500000000", "status": {"code": 2},
            "attributes": [{"key": "n", "value": {"intValue": "7"}},
                {"key": "l", "value": {"arrayValue": {"values": [{"doubleValue": 1.5}]}}}],
        }, {"name": "no ids"}]}]}]}),
    );
    assert_eq!(converted.rejected, 1);
    let spans = entries(&converted);
    let span = &spans[0];
    assert_eq!(span["trace_id"], TRACE.to_ascii_lowercase());
    assert_eq!(span["status"], "error");
    assert_eq!(span["is_segment"], true);
    assert_eq!(span["end_timestamp"], 1_767_323_045.5);
    assert_eq!(
        span["attributes"]["n"],
        json!({"value": 7, "type": "integer"})
    );
    assert_eq!(
        span["attributes"]["l"],
        json!({"value": [1.5], "type": "array"})
    );
    assert_eq!(span["attributes"]["service.name"]["value"], "shop");
    assert!(converted.events.is_empty());
}

#[test]
fn the_exception_of_a_span_is_an_event() {
    let converted = read_spans(
        &json!({"resourceSpans": [{"resource": resource(), "scopeSpans": [{"spans": [{
            "traceId": TRACE, "spanId": "b7ad6b7169203331", "name": "GET /cart",
            "startTimeUnixNano": "1767323045000000000", "endTimeUnixNano": "1767323045500000000",
            "events": [{"name": "retry"}, {"name": "exception",
                "timeUnixNano": "1767323045250000000", "attributes": exception()}],
        }]}]}]}),
    );
    let event = serde_json::to_value(&converted.events[0]).unwrap();
    assert_eq!(converted.events.len(), 1);
    assert_eq!(event["timestamp"], "2026-01-02T03:04:05.250Z");
    assert_eq!(event["transaction"], "GET /cart");
    assert_eq!(event["release"], "1.0");
    assert_eq!(event["environment"], "prod");
    assert_eq!(event["level"], "error");
    let error = &event["exception"]["values"][0];
    assert_eq!(error["type"], "KeyError");
    assert_eq!(error["stacktrace"]["frames"][0]["lineno"], 3);
    assert_eq!(
        event["contexts"]["trace"]["trace_id"],
        TRACE.to_ascii_lowercase()
    );
}

#[test]
fn a_log_record_is_an_entry_and_with_an_exception_an_event_too() {
    let converted = read_logs(
        &json!({"resourceLogs": [{"resource": resource(), "scopeLogs": [{"logRecords": [
            {"timeUnixNano": "1767323045000000000", "severityNumber": 13,
             "body": {"stringValue": "slow"}, "traceId": TRACE},
            {"observedTimeUnixNano": "1767323045000000000", "severityText": "ERROR",
             "body": {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": true}}]}},
             "attributes": exception()},
            7,
        ]}]}]}),
    );
    let logs = entries(&converted);
    assert_eq!(logs.len(), 2);
    assert_eq!(converted.rejected, 1);
    assert_eq!(logs[0]["level"], "warn");
    assert_eq!(logs[0]["body"], "slow");
    assert_eq!(logs[1]["severity_number"], 17);
    assert_eq!(logs[1]["body"], r#"{"a":true}"#);
    let event = serde_json::to_value(&converted.events[0]).unwrap();
    assert_eq!(event["level"], "error");
    assert_eq!(event["exception"]["values"][0]["type"], "KeyError");
}

#[test]
fn many_entries_are_packed_into_several_items() {
    let record = json!({"body": {"stringValue": "m"}});
    let records = vec![record; MAX_ENTRIES + 1];
    let converted = read_logs(&json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}));
    assert_eq!(converted.items.len(), 2);
    assert_eq!(entries(&converted).len(), MAX_ENTRIES + 1);
}

#[test]
fn a_broken_record_is_rejected_and_its_neighbours_are_kept() {
    let text = |text: &str| field(5, field(1, text));
    let broken = [
        field(5, [0x0b]),
        field(6, field(2, [0x0a, 9])),
        vec![0x0d, 1],
    ];
    for broken in broken {
        let records = [text("first"), broken, text("last")];
        let converted = logs(&request(&[], &records), Format::Protobuf, NOW).unwrap();
        assert_eq!(converted.rejected, 1);
        let logs = entries(&converted);
        assert_eq!(
            (&logs[0]["body"], &logs[1]["body"]),
            (&json!("first"), &json!("last"))
        );
    }
}

#[test]
fn a_request_that_ends_early_is_unreadable() {
    let whole = request(&[], &[field(5, field(1, "text"))]);
    for length in 1..whole.len() {
        let cut = logs(&whole[..length], Format::Protobuf, NOW).unwrap_err();
        assert_eq!(cut, Unreadable::Protobuf);
    }
    assert_eq!(logs(b"", Format::Protobuf, NOW).unwrap().rejected, 0);
    for text in ["", "[]", r#"{"resourceLogs":7}"#, r#"{"resourceLogs":[{}"#] {
        let cut = logs(text.as_bytes(), Format::Json, NOW).unwrap_err();
        assert_eq!(cut, Unreadable::Json, "{text}");
    }
}

#[test]
fn values_within_values_are_followed_to_a_bound() {
    let nested = |levels: usize| {
        let value = (0..levels).fold(field(1, "core"), |inner, _| field(5, field(1, inner)));
        let record = field(5, value);
        logs(&request(&[], &[record]), Format::Protobuf, NOW).unwrap()
    };
    assert_eq!(entries(&nested(2))[0]["body"], r#"[["core"]]"#);
    assert_eq!(nested(10_000).rejected, 1);
}

#[test]
fn what_is_said_of_a_resource_does_not_multiply_without_bound() {
    let attribute = [field(1, "about"), field(2, field(1, "x".repeat(200_000)))].concat();
    let records = vec![field(5, field(1, "m")); 10_000];
    let body = request(&field(1, &attribute), &records);
    let converted = logs(&body, Format::Protobuf, NOW).unwrap();
    let bytes: usize = converted.items.iter().map(|item| item.payload.len()).sum();
    assert!(bytes < 17 * 1024 * 1024, "{bytes}");
    assert_eq!(
        converted.rejected,
        10_000 - entries(&converted).len() as u64
    );

    let attribute = [field(1, "about"), field(2, field(1, "x".repeat(300_000)))].concat();
    let body = request(&field(1, &attribute), &records);
    let refused = logs(&body, Format::Protobuf, NOW).unwrap_err();
    assert_eq!(refused, Unreadable::ResourceTooLarge);
}

#[test]
fn an_exception_that_is_sent_again_keeps_its_id() {
    let request = |time: &str| {
        let record = json!({"timeUnixNano": time, "attributes": exception()});
        json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record, record]}]}]})
    };
    let ids = |time| {
        let events = read_logs(&request(time)).events.into_iter();
        events.map(|event| event.event_id).collect::<Vec<_>>()
    };
    let first = ids("1767323045000000000");
    assert_eq!(first, ids("1767323045000000000"));
    assert_ne!(first[0], first[1]);
    assert_ne!(first, ids("1767323045000000001"));
    assert_eq!(ids("0"), [None, None], "it may have happened twice");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>, resource: Vec<u8>, record: Vec<u8>) {
        for body in [&bytes, &request(&resource, &[record])] {
            let _ = logs(body, Format::Protobuf, NOW);
            let _ = spans(body, Format::Protobuf, NOW);
            let _ = logs(body, Format::Json, NOW);
        }
    }
}
