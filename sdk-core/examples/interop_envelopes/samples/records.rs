//! Containers: log lines, measurements and the newer spans.

use mini_sentry::TransactionContext;
use mini_sentry::protocol::{
    Attribute, Items, LogLevel, Map, SpanV2, Timestamp, TraceMetric, User,
};
use serde_json::{Value, json};

use super::expected::{Spelled, TraceIds, with};
use super::stage::{ENVIRONMENT, RELEASE, SERVER, START, Stage};
use super::{Sample, Samples};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

pub(super) fn samples() -> Samples {
    Ok(vec![logs()?, log_in_span()?, metrics()?, spans()?])
}

fn container(kind: &str, content_type: &str, count: usize) -> Value {
    json!({"type": kind, "item_count": count, "content_type": content_type})
}

fn log_container(lines: &[Value]) -> Spelled {
    let header = container("log", "application/vnd.sentry.items.log+json", lines.len());
    Spelled::new().item_with(header, json!({"items": lines}))
}

/// What every line says about the program.
fn about_program() -> Value {
    json!({
        "sentry.release": {"value": RELEASE, "type": "string"},
        "sentry.environment": {"value": ENVIRONMENT, "type": "string"},
        "sentry.sdk.name": {"value": "mini-sentry.rust", "type": "string"},
        "sentry.sdk.version": {"value": VERSION, "type": "string"},
        "server.address": {"value": SERVER, "type": "string"},
    })
}

fn logs() -> Result<Sample, String> {
    let stage = Stage::new(|options| options.server_name(SERVER));
    let (trace, bytes) = stage.play_one(|| {
        mini_sentry::logger_trace!("very fine");
        mini_sentry::logger_debug!("fine");
        mini_sentry::logger_info!(
            db.host = "db-1",
            rows = 3,
            below = -4_i64,
            most = i64::MAX,
            beyond = u64::MAX,
            share = 0.5,
            dry = true,
            "read {} rows ☂",
            3
        );
        mini_sentry::set_user(Some(User {
            id: Some("42".to_owned()),
            email: Some("a@example.com".to_owned()),
            username: Some("user-42".to_owned()),
            ..User::default()
        }));
        mini_sentry::logger_warn!("slow");
        mini_sentry::logger_error!("lost");
        mini_sentry::logger_fatal!("over\nand out");
        TraceIds::current()
    })?;
    let line = |level: &str, number: u64, body: &str, more: Value| {
        json!({
            "timestamp": START,
            "trace_id": trace.trace,
            "level": level,
            "severity_number": number,
            "body": body,
            "attributes": with(about_program(), more),
        })
    };
    let user = json!({
        "user.id": {"value": "42", "type": "string"},
        "user.email": {"value": "a@example.com", "type": "string"},
        "user.name": {"value": "user-42", "type": "string"},
    });
    let facts = json!({
        "db.host": {"value": "db-1", "type": "string"},
        "rows": {"value": 3, "type": "integer"},
        "below": {"value": -4, "type": "integer"},
        "most": {"value": i64::MAX, "type": "integer"},
        "beyond": {"value": "18446744073709551615", "type": "string"},
        "share": {"value": 0.5, "type": "double"},
        "dry": {"value": true, "type": "boolean"},
    });
    let lines = [
        line("trace", 1, "very fine", json!({})),
        line("debug", 5, "fine", json!({})),
        line("info", 9, "read 3 rows ☂", facts),
        line("warn", 13, "slow", user.clone()),
        line("error", 17, "lost", user.clone()),
        line("fatal", 21, "over\nand out", user),
    ];
    Ok(Sample::new("logs", bytes, log_container(&lines)))
}

/// A line within a span, with a list, which the `sentry-types` crate does not know.
fn log_in_span() -> Result<Sample, String> {
    let stage = Stage::new(|options| options.server_name(SERVER).traces_sample_rate(1.0));
    let (trace, bytes) = stage.play_one(|| {
        let transaction = mini_sentry::start_transaction(TransactionContext::new("a", "task"));
        let trace = transaction.trace_context();
        mini_sentry::with_scope(
            |scope| scope.set_span(Some(transaction.into())),
            || {
                let list = Attribute::from(json!(["a", "b"]));
                let attributes = Map::from([("tags".to_owned(), list)]);
                mini_sentry::capture_log(LogLevel::Info, "here".to_owned(), attributes);
            },
        );
        trace
    })?;
    let list = json!({"tags": {"value": ["a", "b"], "type": "array"}});
    let line = json!({
        "timestamp": START,
        "trace_id": trace.trace_id.map(|id| id.to_string()),
        "span_id": trace.span_id.map(|id| id.to_string()),
        "level": "info",
        "severity_number": 9,
        "body": "here",
        "attributes": with(about_program(), list),
    });
    Ok(Sample::new("log-in-span", bytes, log_container(&[line])))
}

fn metrics() -> Result<Sample, Box<dyn std::error::Error>> {
    let stage = Stage::new(|options| options);
    let metric = |ty: &str, name: &str, value: f64| TraceMetric {
        ty: Some(ty.to_owned()),
        name: Some(name.to_owned()),
        value: Some(value),
        timestamp: Timestamp::parse(START),
        trace_id: TRACE.parse().ok(),
        ..TraceMetric::default()
    };
    let metrics = vec![
        metric("counter", "orders", 1.0),
        metric("gauge", "queue.length", -2.5),
        TraceMetric {
            span_id: "b7ad6b7169203331".parse().ok(),
            unit: Some("millisecond".to_owned()),
            attributes: Map::from([("shop".to_owned(), "s-1".into())]),
            ..metric("distribution", "order.time", 12.25)
        },
    ];
    let (_, bytes) = stage.play_one(|| stage.client().send_envelope(Items::from(metrics)))?;
    let spell = |ty: &str, name: &str, value: f64| {
        json!({
            "type": ty,
            "name": name,
            "value": value,
            "timestamp": START,
            "trace_id": TRACE,
        })
    };
    let more = json!({
        "span_id": "b7ad6b7169203331",
        "unit": "millisecond",
        "attributes": {"shop": {"value": "s-1", "type": "string"}},
    });
    let items = [
        spell("counter", "orders", 1.0),
        spell("gauge", "queue.length", -2.5),
        with(spell("distribution", "order.time", 12.25), more),
    ];
    let content_type = "application/vnd.sentry.items.trace-metric+json";
    let header = container("trace_metric", content_type, items.len());
    let spelled = Spelled::new().item_with(header, json!({"items": items}));
    Ok(Sample::new("metrics", bytes, spelled))
}

fn spans() -> Result<Sample, Box<dyn std::error::Error>> {
    let stage = Stage::new(|options| options);
    let span = SpanV2 {
        trace_id: TRACE.parse().ok(),
        span_id: "b7ad6b7169203331".parse().ok(),
        parent_span_id: "00f067aa0ba902b7".parse().ok(),
        name: Some("GET /cart".to_owned()),
        status: Some("ok".to_owned()),
        is_segment: Some(true),
        start_timestamp: Timestamp::parse(START),
        end_timestamp: Timestamp::parse("2026-01-02T03:04:06Z"),
        attributes: Map::from([("http.status".to_owned(), 200.into())]),
        ..SpanV2::default()
    };
    let (_, bytes) = stage.play_one(|| stage.client().send_envelope(Items::from(vec![span])))?;
    let item = json!({
        "trace_id": TRACE,
        "span_id": "b7ad6b7169203331",
        "parent_span_id": "00f067aa0ba902b7",
        "name": "GET /cart",
        "status": "ok",
        "is_segment": true,
        "start_timestamp": START,
        "end_timestamp": "2026-01-02T03:04:06Z",
        "attributes": {"http.status": {"value": 200, "type": "integer"}},
    });
    let header = container("span", "application/vnd.sentry.items.span.v2+json", 1);
    let spelled = Spelled::new().item_with(header, json!({"items": [item]}));
    Ok(Sample::new("spans", bytes, spelled))
}
