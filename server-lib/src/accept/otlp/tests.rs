use super::*;
use crate::model::time::Millis;

const NOW: Millis = Millis(1_767_323_045_678);
const TRACE: &str = "0AF7651916CD43DD8448EB211C80319C";

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
    let converted = spans(
        &json!({"resourceSpans": [{"resource": resource(), "scopeSpans": [{"spans": [{
            "traceId": TRACE, "spanId": "b7ad6b7169203331", "parentSpanId": "",
            "name": "GET /cart", "startTimeUnixNano": "1767323045000000000",
            "endTimeUnixNano": "1767323045500000000", "status": {"code": 2},
            "attributes": [{"key": "n", "value": {"intValue": "7"}},
                {"key": "l", "value": {"arrayValue": {"values": [{"doubleValue": 1.5}]}}}],
        }, {"name": "no ids"}]}]}]}),
        NOW,
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
    let converted = spans(
        &json!({"resourceSpans": [{"resource": resource(), "scopeSpans": [{"spans": [{
            "traceId": TRACE, "spanId": "b7ad6b7169203331", "name": "GET /cart",
            "startTimeUnixNano": "1767323045000000000", "endTimeUnixNano": "1767323045500000000",
            "events": [{"name": "retry"}, {"name": "exception",
                "timeUnixNano": "1767323045250000000", "attributes": exception()}],
        }]}]}]}),
        NOW,
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
    let converted = logs(
        &json!({"resourceLogs": [{"resource": resource(), "scopeLogs": [{"logRecords": [
            {"timeUnixNano": "1767323045000000000", "severityNumber": 13,
             "body": {"stringValue": "slow"}, "traceId": TRACE},
            {"observedTimeUnixNano": "1767323045000000000", "severityText": "ERROR",
             "body": {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": true}}]}},
             "attributes": exception()},
            7,
        ]}]}]}),
        NOW,
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
    let converted = logs(
        &json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}),
        NOW,
    );
    assert_eq!(converted.items.len(), 2);
    assert_eq!(entries(&converted).len(), MAX_ENTRIES + 1);
}
