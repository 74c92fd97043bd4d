//! OpenTelemetry's exporters.

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

#[tokio::test]
async fn the_binary_form_is_told_what_to_set() {
    let server = TestServer::start().await.unwrap();
    let sent = keyed(&server, Method::POST, "otlp/v1/traces/")
        .header("Content-Type", "application/x-protobuf")
        .body(vec![10, 0]);
    let sent = answer(sent).await;
    assert_eq!(sent.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(
        sent.json()["detail"]
            .as_str()
            .unwrap()
            .contains("http/json")
    );
}
