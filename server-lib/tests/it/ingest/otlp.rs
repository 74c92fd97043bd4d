//! OpenTelemetry's exporters.

use std::io::Write;

use mini_sentry_server::model::record::RecordKind;
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{keyed, only_event, only_item, path};
use crate::caller::{answer, request};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn exception() -> Value {
    json!([
        {"key": "exception.type", "value": {"stringValue": "TypeError"}},
        {"key": "exception.message", "value": {"stringValue": "no cart"}},
        {"key": "exception.stacktrace", "value": {"stringValue":
            "TypeError: no cart\n    at buy (/app/cart.js:7:3)"}},
    ])
}

#[tokio::test]
async fn spans_are_kept_and_their_exceptions_are_events() {
    let server = TestServer::start().await.unwrap();
    let traces = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": TRACE, "spanId": "b7ad6b7169203331", "name": "GET /cart",
        "startTimeUnixNano": "1767323045000000000", "endTimeUnixNano": "1767323045500000000",
        "events": [{"name": "exception", "attributes": exception()}],
    }]}]}]});
    let sent = keyed(&server, Method::POST, "integration/otlp/v1/traces").json(&traces);
    let sent = answer(sent).await;
    assert_eq!(
        (sent.status, sent.json()),
        (StatusCode::ACCEPTED, json!({}))
    );
    let (row, spans) = only_item(&server, RecordKind::Span).await;
    assert_eq!(spans["items"][0]["name"], "GET /cart");
    assert_eq!(
        row.content_type,
        "application/vnd.sentry.items.span.v2+json"
    );
    let event = only_event(&server).await;
    assert_eq!(event["exception"][0]["type"], "TypeError");
    assert_eq!(event["frames"][0]["function"], "buy");
    assert_eq!(event["contexts"]["trace"]["trace_id"], TRACE);
    assert_eq!(event["transaction"], "GET /cart");
}

#[tokio::test]
async fn log_records_are_kept_and_their_exceptions_are_events() {
    let server = TestServer::start().await.unwrap();
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"severityText": "INFO", "body": {"stringValue": "started"}},
        {"severityNumber": 17, "body": {"stringValue": "failed"}, "attributes": exception()},
        7,
    ]}]}]});
    // Exporters are given their headers as text, often without a scheme.
    let auth = format!(
        "sentry_key={}, sentry_version=7",
        server.first.key.public_key
    );
    let to = path(&server, "integration/otlp/v1/logs/");
    let sent = request(&server, Method::POST, &to)
        .header("Authorization", auth)
        .json(&logs);
    let sent = answer(sent).await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text);
    assert_eq!(sent.json()["partialSuccess"]["rejectedLogRecords"], "1");
    let (_, kept) = only_item(&server, RecordKind::Log).await;
    assert_eq!(kept["items"][0]["body"], "started");
    assert_eq!(kept["items"][1]["level"], "error");
    let event = only_event(&server).await;
    assert_eq!(event["level"], "error");
    assert_eq!(event["message"], "failed");
}

/// Sends one request and returns what is stored of it: the container and the event.
async fn stored(signal: &str, content_type: &str, body: &'static [u8]) -> (Value, Value) {
    let server = TestServer::start().await.unwrap();
    let (path, kind) = match signal {
        "logs" => ("integration/otlp/v1/logs", RecordKind::Log),
        _ => ("integration/otlp/v1/traces", RecordKind::Span),
    };
    let sent = keyed(&server, Method::POST, path)
        .header("Content-Type", content_type)
        .body(body);
    let sent = answer(sent).await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text);
    assert!(sent.header("content-type").starts_with(content_type));
    let (_, container) = only_item(&server, kind).await;
    let mut event = only_event(&server).await;
    // The exception is old by now, so its time is that of its arrival.
    for own in ["id", "event_id", "timestamp", "created_at", "received_at"] {
        event.as_object_mut().unwrap().remove(own);
    }
    (container, event)
}

#[tokio::test]
async fn the_binary_form_of_logs_is_stored_as_json_is() {
    let binary = include_bytes!("../fixtures/otlp/logs.pb");
    let json = include_bytes!("../fixtures/otlp/logs.json");
    let binary = stored("logs", "application/x-protobuf", binary).await;
    assert_eq!(binary, stored("logs", "application/json", json).await);
    let (container, event) = binary;
    let record = &container["items"][0];
    assert_eq!(record["body"], "stock is low");
    assert_eq!(record["level"], "warn");
    assert_eq!(record["trace_id"], TRACE);
    let attribute = |name: &str| record["attributes"][name]["value"].clone();
    assert_eq!(attribute("count"), -7);
    assert_eq!(attribute("big"), 9_007_199_254_740_993_i64);
    assert_eq!(attribute("share"), 0.25);
    assert_eq!(attribute("open"), true);
    assert_eq!(attribute("raw"), "AP8=");
    assert_eq!(attribute("sizes"), json!([1, "two", [3.5]]));
    assert_eq!(attribute("order"), r#"{"id":42,"paid":false}"#);
    assert_eq!(event["exception"][0]["type"], "KeyError");
    assert_eq!(event["frames"][0]["function"], "total");
    assert_eq!(event["release"], "1.0");
}

#[tokio::test]
async fn the_binary_form_of_spans_is_stored_as_json_is() {
    let binary = include_bytes!("../fixtures/otlp/spans.pb");
    let json = include_bytes!("../fixtures/otlp/spans.json");
    let binary = stored("traces", "application/x-protobuf", binary).await;
    assert_eq!(binary, stored("traces", "application/json", json).await);
    let (container, event) = binary;
    let span = &container["items"][0];
    assert_eq!(span["name"], "GET /cart");
    assert_eq!(span["status"], "error");
    assert_eq!(span["parent_span_id"], "00f067aa0ba902b7");
    assert_eq!(span["links"][0]["attributes"]["why"]["value"], "batch");
    assert_eq!(container["items"][1]["is_segment"], true);
    assert_eq!(event["transaction"], "GET /cart");
    assert_eq!(event["contexts"]["trace"]["trace_id"], TRACE);
}

#[tokio::test]
async fn a_binary_request_is_answered_in_the_binary_form() {
    let server = TestServer::start().await.unwrap();
    let send = |body: Vec<u8>| {
        let request = keyed(&server, Method::POST, "otlp/v1/logs/");
        request
            .header("Content-Type", "application/x-protobuf")
            .body(body)
    };
    let nothing = answer(send(Vec::new())).await;
    assert_eq!(
        (nothing.status, nothing.text.as_str()),
        (StatusCode::ACCEPTED, "")
    );

    // One record that ends early, within lists that do not.
    let partly = answer(send(vec![10, 5, 0x12, 3, 0x12, 1, 0x0a])).await;
    assert_eq!(partly.status, StatusCode::ACCEPTED);
    assert!(
        partly.text.starts_with("\n"),
        "partial_success is the first field"
    );
    assert!(
        partly.text.contains("\u{8}\u{1}"),
        "one record was rejected"
    );
    assert!(partly.text.contains("not readable"));

    let broken = answer(send(vec![10, 9])).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert_eq!(broken.header("content-type"), "application/x-protobuf");
    assert!(
        broken.text.starts_with("\u{8}\u{3}\u{12}"),
        "a code and a text"
    );
    assert!(
        broken
            .text
            .ends_with("the body is no OTLP request as protobuf")
    );
    assert!(broken.header("x-sentry-error").contains("protobuf"));

    let to = path(&server, "otlp/v1/logs/");
    let stranger = request(&server, Method::POST, &to)
        .header("Content-Type", "application/x-protobuf")
        .body(Vec::new());
    let stranger = answer(stranger).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.header("content-type"), "application/x-protobuf");
    assert!(stranger.text.starts_with("\u{8}\u{10}\u{12}"));

    let large = answer(send(vec![0; 5 * 1024 * 1024])).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_binary_request_may_be_packed_and_sent_again() {
    let server = TestServer::start().await.unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(include_bytes!("../fixtures/otlp/logs.pb"))
        .unwrap();
    let body = gzip.finish().unwrap();
    for _ in 0..2 {
        let sent = keyed(&server, Method::POST, "otlp/v1/logs/")
            .header("Content-Type", "application/x-protobuf")
            .header("Content-Encoding", "gzip")
            .body(body.clone());
        assert_eq!(answer(sent).await.status, StatusCode::ACCEPTED);
    }
    // An exporter that saw no answer sends again; the exception is stored once.
    only_event(&server).await;
}

#[tokio::test]
async fn a_limit_on_events_does_not_hold_back_log_records() {
    let server = TestServer::start_with(|config| config.ingest.sentry_events_per_minute = 1);
    let server = server.await.unwrap();
    let record = json!({"severityNumber": 17, "attributes": exception()});
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": vec![record; 4]}]}]});
    let sent = answer(keyed(&server, Method::POST, "otlp/v1/logs").json(&logs)).await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text);
    assert!(sent.header("x-sentry-rate-limits").contains("error"));
    let (_, kept) = only_item(&server, RecordKind::Log).await;
    assert_eq!(kept["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn other_media_types_are_told_what_to_send() {
    let server = TestServer::start().await.unwrap();
    let sent = keyed(&server, Method::POST, "otlp/v1/traces/")
        .header("Content-Type", "application/msgpack")
        .body(vec![10, 0]);
    let sent = answer(sent).await;
    assert_eq!(sent.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let detail = sent.json()["detail"].to_string();
    assert!(detail.contains("application/x-protobuf"), "{detail}");
}
