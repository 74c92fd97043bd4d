//! Transactions with their spans, and events that happen inside them.

use mini_sentry::protocol::{SpanStatus, User};
use mini_sentry::{Level, TransactionContext};
use serde_json::{Value, json};

use super::expected::{Spelled, facts, first_id, with};
use super::stage::{ENVIRONMENT, PUBLIC_KEY, RELEASE, SERVER, Stage};
use super::{Sample, Samples};

pub(super) fn samples() -> Samples {
    let [event, transaction] = own_trace()?;
    Ok(vec![event, transaction, without_spans()?, continued()?])
}

fn stage() -> Stage {
    Stage::new(|options| options.server_name(SERVER).traces_sample_rate(1.0))
}

/// The envelope's `trace` when this program began it. The number that decided is drawn by lot;
/// it is read from the `baggage` for other programs.
fn trace_header(trace_id: &str, name: &str, headers: &[(&str, String)]) -> Value {
    let baggage = headers.iter().find(|(name, _)| *name == "baggage");
    let number = baggage
        .map_or("", |(_, value)| value)
        .split(',')
        .find_map(|part| part.trim().strip_prefix("sentry-sample_rand="));
    json!({
        "trace_id": trace_id,
        "public_key": PUBLIC_KEY,
        "release": RELEASE,
        "environment": ENVIRONMENT,
        "transaction": name,
        "sampled": "true",
        "sample_rate": "1",
        "sample_rand": number,
    })
}

fn text(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// A transaction with two spans, and an event inside the outer one.
fn own_trace() -> Result<[Sample; 2], String> {
    let stage = stage();
    let ((root, query, cache, headers, event_id), sent) = stage.play(|| {
        mini_sentry::set_user(Some(User {
            id: Some("42".to_owned()),
            ..User::default()
        }));
        let transaction =
            mini_sentry::start_transaction(TransactionContext::new("import orders", "task"));
        transaction.set_tag("batch", 7);
        transaction.set_data("rows", 3);
        transaction.set_extra("file", "orders.csv");
        let root = transaction.trace_context();
        let headers = transaction.headers();
        stage.wait(10);
        let query = transaction.start_child("db.query", "SELECT * FROM orders WHERE id = ?");
        query.set_data("db.system", "sqlite");
        query.set_data("db.rows", 12);
        query.set_tag("cold", true);
        stage.wait(5);
        let cache = query.start_child("cache.get", "order:4711");
        cache.set_status(SpanStatus::NotFound);
        let (query_trace, cache_trace) = (query.trace_context(), cache.trace_context());
        stage.wait(1);
        cache.finish();
        let event_id = mini_sentry::with_scope(
            |scope| scope.set_span(Some(query.clone().into())),
            || mini_sentry::capture_message("row skipped", Level::Info),
        );
        stage.client().flush(None);
        stage.wait(4);
        query.finish();
        stage.wait(100);
        transaction.set_status(SpanStatus::DeadlineExceeded);
        transaction.finish();
        (root, query_trace, cache_trace, headers, event_id)
    })?;
    let [event, transaction] = <[Vec<u8>; 2]>::try_from(sent)
        .map_err(|sent| format!("expected two envelopes, got {}", sent.len()))?;
    let trace_id = text(root.trace_id);
    let header = trace_header(&trace_id, "import orders", &headers);
    let user = json!({"id": "42"});

    let span = json!({
        "trace_id": trace_id,
        "span_id": text(query.span_id),
        "parent_span_id": text(root.span_id),
        "op": "db.query",
        "description": "SELECT * FROM orders WHERE id = ?",
    });
    let at = json!({
        "level": "info",
        "message": "row skipped",
        "timestamp": "2026-01-02T03:04:05.266Z",
        "transaction": "import orders",
        "user": user,
    });
    let event_payload = with(facts(&event_id, &span), at);
    let spelled_event = Spelled::of_event(&event_id, &header)
        .sent_at("2026-01-02T03:04:05.266Z")
        .item("event", event_payload);

    let id = first_id(&transaction, "event_id")?;
    let context = json!({
        "trace_id": trace_id,
        "span_id": text(root.span_id),
        "op": "task",
        "status": "deadline_exceeded",
        "data": {"rows": 3},
    });
    let own = json!({
        "type": "transaction",
        "transaction": "import orders",
        "transaction_info": {"source": "custom"},
        "start_timestamp": "2026-01-02T03:04:05.250Z",
        "timestamp": "2026-01-02T03:04:05.370Z",
        "tags": {"batch": "7"},
        "extra": {"file": "orders.csv"},
        "user": user,
        "spans": [
            {
                "trace_id": trace_id,
                "span_id": text(cache.span_id),
                "parent_span_id": text(query.span_id),
                "op": "cache.get",
                "description": "order:4711",
                "status": "not_found",
                "start_timestamp": "2026-01-02T03:04:05.265Z",
                "timestamp": "2026-01-02T03:04:05.266Z",
            },
            {
                "trace_id": trace_id,
                "span_id": text(query.span_id),
                "parent_span_id": text(root.span_id),
                "op": "db.query",
                "description": "SELECT * FROM orders WHERE id = ?",
                "status": "ok",
                "start_timestamp": "2026-01-02T03:04:05.260Z",
                "timestamp": "2026-01-02T03:04:05.270Z",
                "tags": {"cold": "true"},
                "data": {"db.system": "sqlite", "db.rows": 12},
            },
        ],
    });
    let spelled = Spelled::of_event(&id, &header)
        .sent_at("2026-01-02T03:04:05.370Z")
        .item("transaction", with(facts(&id, &context), own));
    Ok([
        Sample::new("event-in-span", event, spelled_event),
        Sample::new("transaction", transaction, spelled),
    ])
}

/// The list of spans is there even when it is empty; the `sentry-types` crate insists on it.
fn without_spans() -> Result<Sample, String> {
    let stage = stage();
    let ((root, headers), bytes) = stage.play_one(|| {
        let transaction =
            mini_sentry::start_transaction(TransactionContext::new("/health", "http.server"));
        transaction.set_source("route");
        let parts = (transaction.trace_context(), transaction.headers());
        transaction.finish();
        parts
    })?;
    let id = first_id(&bytes, "event_id")?;
    let trace_id = text(root.trace_id);
    let context = json!({
        "trace_id": trace_id,
        "span_id": text(root.span_id),
        "op": "http.server",
        "status": "ok",
    });
    let own = json!({
        "type": "transaction",
        "transaction": "/health",
        "transaction_info": {"source": "route"},
        "start_timestamp": "2026-01-02T03:04:05.250Z",
        "spans": [],
    });
    let spelled = Spelled::of_event(&id, &trace_header(&trace_id, "/health", &headers))
        .item("transaction", with(facts(&id, &context), own));
    Ok(Sample::new("transaction-without-spans", bytes, spelled))
}

/// A trace that another program began: what that one said about it is passed on.
fn continued() -> Result<Sample, String> {
    let stage = stage();
    let (root, bytes) = stage.play_one(|| {
        let headers = [
            (
                "Sentry-Trace",
                "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            ),
            (
                "baggage",
                "sentry-trace_id=0af7651916cd43dd8448eb211c80319c, other=1, sentry-sampled=true,\
                 sentry-public_key=fedcba9876543210fedcba9876543210,sentry-sample_rate=0.5,\
                 sentry-sample_rand=0.250000,sentry-release=front%401.0,sentry-org_id=7,\
                 sentry-environment=prod%20%C3%BC,sentry-transaction=%2Fcart",
            ),
        ];
        let context = TransactionContext::continue_from_headers("/pay", "http.server", headers);
        let transaction = mini_sentry::start_transaction(context);
        let root = transaction.trace_context();
        transaction.finish();
        root
    })?;
    let id = first_id(&bytes, "event_id")?;
    let context = json!({
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": text(root.span_id),
        "parent_span_id": "b7ad6b7169203331",
        "op": "http.server",
        "status": "ok",
    });
    let own = json!({
        "type": "transaction",
        "transaction": "/pay",
        "transaction_info": {"source": "custom"},
        "start_timestamp": "2026-01-02T03:04:05.250Z",
        "spans": [],
    });
    let header = json!({
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "public_key": "fedcba9876543210fedcba9876543210",
        "sample_rate": "0.5",
        "sample_rand": "0.250000",
        "sampled": "true",
        "release": "front@1.0",
        "environment": "prod ü",
        "transaction": "/cart",
        "org_id": "7",
    });
    let spelled =
        Spelled::of_event(&id, &header).item("transaction", with(facts(&id, &context), own));
    Ok(Sample::new("transaction-continued", bytes, spelled))
}
