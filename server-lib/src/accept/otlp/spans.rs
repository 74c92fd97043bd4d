//! Spans.

use mini_sentry::envelope::ItemKind;
use serde_json::{Map, Value, json};

use super::{Converted, Packer, attributes, list, without_nulls};
use crate::accept::shipper;
use crate::model::time::Millis;

const CONTENT_TYPE: &str = "application/vnd.sentry.items.span.v2+json";

/// Converts a request of spans.
#[must_use]
pub fn spans(request: &Value, received: Millis) -> Converted {
    let mut packer = Packer::new(ItemKind::Span, CONTENT_TYPE);
    for resource in list(request, &["resourceSpans"]) {
        let about = attributes::read(resource.get("resource").unwrap_or(&Value::Null));
        for scope in list(resource, &["scopeSpans", "instrumentationLibrarySpans"]) {
            for span in list(scope, &["spans"]) {
                match convert(span, &about) {
                    Some(entry) => packer.entry(entry),
                    None => packer.reject(),
                }
                exceptions(span, &about, received, &mut packer);
            }
        }
    }
    packer.finish()
}

fn convert(span: &Value, about: &Map<String, Value>) -> Option<Value> {
    let trace_id = attributes::id(span, "traceId", 32)?;
    let span_id = attributes::id(span, "spanId", 16)?;
    let parent = attributes::id(span, "parentSpanId", 16);
    let code = span.get("status").and_then(|status| status.get("code"));
    let is_error = code.is_some_and(|code| code == 2 || code == "STATUS_CODE_ERROR");
    let mut all = about.clone();
    all.extend(attributes::read(span));
    let status_message = span
        .get("status")
        .and_then(|status| status.get("message")?.as_str())
        .filter(|message| !message.is_empty());
    if let Some(message) = status_message {
        all.insert("sentry.status.message".to_owned(), json!(message));
    }
    let links: Vec<Value> = list(span, &["links"]).filter_map(link).collect();
    Some(without_nulls(json!({
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_span_id": parent,
        "name": span.get("name").and_then(Value::as_str).unwrap_or("unknown"),
        "status": if is_error { "error" } else { "ok" },
        "is_segment": parent.is_none(),
        "start_timestamp": attributes::seconds(span, "startTimeUnixNano")?,
        "end_timestamp": attributes::seconds(span, "endTimeUnixNano")?,
        "attributes": attributes::typed(&all),
        "links": (!links.is_empty()).then_some(links),
    })))
}

fn link(link: &Value) -> Option<Value> {
    Some(json!({
        "trace_id": attributes::id(link, "traceId", 32)?,
        "span_id": attributes::id(link, "spanId", 16)?,
        "attributes": attributes::typed(&attributes::read(link)),
    }))
}

/// Makes events of the exceptions that a span has noted.
fn exceptions(span: &Value, about: &Map<String, Value>, received: Millis, packer: &mut Packer) {
    let of_span = list(span, &["events"]);
    let is_exception = |event: &&Value| event.get("name").is_some_and(|name| name == "exception");
    for noted in of_span.filter(is_exception) {
        let mut fields = about.clone();
        fields.extend(attributes::read(span));
        fields.extend(attributes::read(noted));
        let mut insert = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        insert("level", Some(json!("error")));
        let time = attributes::seconds(noted, "timeUnixNano");
        insert("@timestamp", time.map(Value::from));
        insert(
            "trace_id",
            attributes::id(span, "traceId", 32).map(Value::from),
        );
        insert(
            "span_id",
            attributes::id(span, "spanId", 16).map(Value::from),
        );
        let mut event = shipper::event(fields, received);
        event.transaction = span.get("name").and_then(Value::as_str).map(str::to_owned);
        packer.event(event);
    }
}
