//! The client's clock, put right everywhere in an event.

use mini_sentry::protocol::{Context, Event, Object, Timestamp, Value};

use super::fault;
use crate::facts::correct as correct_time;
use crate::model::record::RecordHead;
use crate::model::time::Millis;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// Moves all times of the event by the drift, and the event's own to its arrival where it cannot
/// be right.
pub(super) fn correct(event: &mut Event, head: &RecordHead) {
    let drift_ms = head.context.drift_ms;
    let told = event.timestamp;
    let moment = correct_time(told, drift_ms, head.received);
    if let Some(told) = told {
        let moved = shift(told, drift_ms);
        event.timestamp = Some(moved);
        if moment != Millis::from(moved) {
            let kind = if moment < Millis::from(moved) {
                "future_timestamp"
            } else {
                "past_timestamp"
            };
            let value = Value::from(told.to_string());
            event
                .errors
                .push(fault(kind, Some("timestamp"), Some(value)));
            event.timestamp = Some(moment.to_timestamp());
        }
    } else {
        event.timestamp = Some(moment.to_timestamp());
    }
    if drift_ms != 0 {
        shift_inside(event, drift_ms);
    }
}

fn shift_inside(event: &mut Event, drift_ms: i64) {
    for breadcrumb in &mut event.breadcrumbs.values {
        shift_field(&mut breadcrumb.timestamp, drift_ms);
    }
    for context in event.contexts.values_mut() {
        match context {
            Context::App(app) => shift_field(&mut app.app_start_time, drift_ms),
            Context::Device(device) => shift_field(&mut device.boot_time, drift_ms),
            _ => {}
        }
    }
    shift_value(&mut event.other, "start_timestamp", drift_ms);
    if let Some(Value::Array(spans)) = event.other.get_mut("spans") {
        for span in spans.iter_mut().filter_map(Value::as_object_mut) {
            shift_value(span, "start_timestamp", drift_ms);
            shift_value(span, "timestamp", drift_ms);
        }
    }
}

fn shift_field(field: &mut Option<Timestamp>, drift_ms: i64) {
    *field = field.map(|timestamp| shift(timestamp, drift_ms));
}

fn shift_value(object: &mut Object, key: &str, drift_ms: i64) {
    let Some(value) = object.get_mut(key) else {
        return;
    };
    let told = match &*value {
        Value::Number(seconds) => seconds.as_f64().and_then(Timestamp::from_seconds),
        Value::String(text) => Timestamp::parse(text),
        _ => None,
    };
    if let Some(told) = told {
        *value = shift(told, drift_ms).as_seconds().into();
    }
}

fn shift(timestamp: Timestamp, drift_ms: i64) -> Timestamp {
    let nanos = drift_ms.saturating_mul(NANOS_PER_MILLI);
    Timestamp::from_nanos(timestamp.as_nanos().saturating_add(nanos))
}
