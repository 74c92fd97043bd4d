//! Log records.

use mini_sentry::envelope::ItemKind;
use serde_json::{Map, Value, json};

use super::{Converted, Format, Packer, Signal, Unreadable, attributes, walk, without_nulls};
use crate::accept::shipper;
use crate::model::time::Millis;

const CONTENT_TYPE: &str = "application/vnd.sentry.items.log+json";

/// Converts a request of log records.
///
/// # Errors
///
/// When the request cannot be read at all.
pub fn logs(body: &[u8], format: Format, received: Millis) -> Result<Converted, Unreadable> {
    let mut packer = Packer::new(ItemKind::Log, CONTENT_TYPE, body);
    walk(body, format, Signal::Logs, &mut |about, entry| {
        let Some(record) = packer.read(entry) else {
            return;
        };
        let mut all = about.clone();
        all.extend(attributes::read(&record));
        packer.entry(&convert(&record, &all, received));
        let is_exception = ["exception.type", "exception.stacktrace"]
            .iter()
            .any(|name| all.contains_key(*name));
        if is_exception {
            let tells_time = own_time(&record).is_some();
            packer.event(received, tells_time, || fields(&record, all, received));
        }
    })?;
    Ok(packer.finish())
}

fn convert(record: &Value, all: &Map<String, Value>, received: Millis) -> Value {
    let severity = severity(record);
    // The protocol asks for a trace; a record without one gets none of our making.
    let trace_id = attributes::id(record, "traceId", 32).unwrap_or_else(|| "0".repeat(32));
    without_nulls(json!({
        "timestamp": time(record, received),
        "trace_id": trace_id,
        "span_id": attributes::id(record, "spanId", 16),
        "level": severity.map_or("info", level),
        "severity_number": severity,
        "body": body(record),
        "attributes": attributes::typed(all),
    }))
}

/// Returns the record as the fields of a log entry, for the event of its exception.
fn fields(record: &Value, mut all: Map<String, Value>, received: Millis) -> Map<String, Value> {
    let mut insert = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    insert("@timestamp", json!(time(record, received)));
    insert("message", json!(body(record)));
    if let Some(level) = severity(record).and_then(shipper::from_severity_number) {
        insert("level", json!(level.as_str()));
    }
    for (name, digits) in [("traceId", 32), ("spanId", 16)] {
        if let Some(id) = attributes::id(record, name, digits) {
            insert(name, json!(id));
        }
    }
    all
}

fn body(record: &Value) -> String {
    let body = record.get("body").unwrap_or(&Value::Null);
    attributes::text(&attributes::plain(body, 0))
}

fn time(record: &Value, received: Millis) -> f64 {
    own_time(record).unwrap_or_else(|| received.to_timestamp().as_seconds())
}

fn own_time(record: &Value) -> Option<f64> {
    attributes::seconds(record, "timeUnixNano")
        .or_else(|| attributes::seconds(record, "observedTimeUnixNano"))
}

fn severity(record: &Value) -> Option<u64> {
    let number = record.get("severityNumber").and_then(Value::as_u64);
    number
        .filter(|number| (1..=24).contains(number))
        .or_else(|| {
            let text = record.get("severityText")?.as_str()?;
            use mini_sentry::protocol::Level;
            Some(match shipper::level_from_name(text)? {
                Level::Debug => 5,
                Level::Info => 9,
                Level::Warning => 13,
                Level::Error => 17,
                Level::Fatal => 21,
            })
        })
}

fn level(number: u64) -> &'static str {
    match number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        _ => "fatal",
    }
}
