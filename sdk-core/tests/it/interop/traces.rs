//! Transactions, spans, and what the envelope says about the trace.

use sentry_types::protocol::v7::{
    DynamicSamplingContext, EnvelopeItem, Level, OrganizationId, Span, SpanStatus, TraceContext,
    Transaction, User,
};
use serde_json::json;

use super::{
    EVENT_ID, PUBLIC_KEY, RELEASE, START, Sample, TRACE_ID, at, contexts, event, expected, headers,
    id, items, map, read, sdk, trace,
};

/// What every transaction of the samples says.
fn transaction(sample: &Sample, trace: TraceContext) -> Transaction<'static> {
    Transaction {
        event_id: id(sample, EVENT_ID),
        platform: "native".into(),
        release: Some(RELEASE.into()),
        environment: Some("staging".into()),
        server_name: Some("host-1".into()),
        start_timestamp: at(START),
        timestamp: Some(at(START)),
        contexts: contexts(trace),
        sdk: Some(std::borrow::Cow::Owned(sdk())),
        ..Transaction::default()
    }
}

fn user() -> User {
    User {
        id: Some("42".to_owned()),
        ..User::default()
    }
}

fn own_trace(sample: &Sample, name: &str) -> DynamicSamplingContext {
    DynamicSamplingContext::new()
        .with_trace_id(id(sample, TRACE_ID))
        .with_public_key(PUBLIC_KEY.to_owned())
        .with_release(RELEASE.to_owned())
        .with_environment("staging".to_owned())
        .with_transaction(name.to_owned())
        .with_sampled(true)
        .with_sample_rate(1.0)
        .with_sample_rand(id(sample, "/header/trace/sample_rand"))
}

#[test]
fn a_transaction_and_its_spans_are_understood() {
    let (sample, envelope) = read("transaction");
    let root = TraceContext {
        op: Some("task".to_owned()),
        status: Some(SpanStatus::DeadlineExceeded),
        data: map(json!({"rows": 3})),
        ..trace(sample)
    };
    let span = |index: usize| {
        let spans = "/items/0/payload/spans";
        Span {
            trace_id: root.trace_id,
            span_id: id(sample, &format!("{spans}/{index}/span_id")),
            parent_span_id: Some(id(sample, &format!("{spans}/{index}/parent_span_id"))),
            ..Span::default()
        }
    };
    let cache = Span {
        op: Some("cache.get".to_owned()),
        description: Some("order:4711".to_owned()),
        status: Some(SpanStatus::NotFound),
        start_timestamp: at(START + 15),
        timestamp: Some(at(START + 16)),
        ..span(0)
    };
    let query = Span {
        op: Some("db.query".to_owned()),
        description: Some("SELECT * FROM orders WHERE id = ?".to_owned()),
        status: Some(SpanStatus::Ok),
        start_timestamp: at(START + 10),
        timestamp: Some(at(START + 20)),
        tags: [("cold".to_owned(), "true".to_owned())].into(),
        data: map(json!({"db.system": "sqlite", "db.rows": 12})),
        ..span(1)
    };
    assert_eq!(cache.parent_span_id, Some(query.span_id));
    assert_eq!(query.parent_span_id, Some(root.span_id));
    let expected = Transaction {
        name: Some("import orders".to_owned()),
        tags: [("batch".to_owned(), "7".to_owned())].into(),
        extra: map(json!({"file": "orders.csv"})),
        user: Some(user()),
        timestamp: Some(at(START + 120)),
        spans: vec![cache, query],
        ..transaction(sample, root)
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(expected)]);
    let headers = headers()
        .with_event_id(id(sample, EVENT_ID))
        .with_sent_at(at(START + 120))
        .with_trace(own_trace(sample, "import orders"));
    assert_eq!(envelope.headers(), &headers);
}

#[test]
fn an_event_within_a_span_is_understood() {
    let (sample, envelope) = read("event-in-span");
    let parent = id(sample, "/items/0/payload/contexts/trace/parent_span_id");
    let span = TraceContext {
        parent_span_id: Some(parent),
        op: Some("db.query".to_owned()),
        description: Some("SELECT * FROM orders WHERE id = ?".to_owned()),
        ..trace(sample)
    };
    let mut expected = event(sample);
    expected.level = Level::Info;
    expected.message = Some("row skipped".to_owned());
    expected.timestamp = at(START + 16);
    expected.transaction = Some("import orders".to_owned());
    expected.user = Some(user());
    expected.contexts = contexts(span);
    assert_eq!(items(&envelope), [&EnvelopeItem::from(expected)]);
    let headers = headers()
        .with_event_id(id(sample, EVENT_ID))
        .with_sent_at(at(START + 16))
        .with_trace(own_trace(sample, "import orders"));
    assert_eq!(envelope.headers(), &headers);
}

#[test]
fn a_transaction_without_spans_is_understood() {
    let (sample, envelope) = read("transaction-without-spans");
    let root = TraceContext {
        op: Some("http.server".to_owned()),
        status: Some(SpanStatus::Ok),
        ..trace(sample)
    };
    let expected = Transaction {
        name: Some("/health".to_owned()),
        ..transaction(sample, root)
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(expected)]);
}

#[test]
fn what_another_program_said_about_the_trace_is_understood() {
    let (sample, envelope) = read("transaction-continued");
    assert_eq!(
        expected(sample, TRACE_ID),
        "0af7651916cd43dd8448eb211c80319c"
    );
    let root = TraceContext {
        parent_span_id: "b7ad6b7169203331".parse().ok(),
        op: Some("http.server".to_owned()),
        status: Some(SpanStatus::Ok),
        ..trace(sample)
    };
    let expected = Transaction {
        name: Some("/pay".to_owned()),
        ..transaction(sample, root)
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(expected)]);
    let described = DynamicSamplingContext::new()
        .with_trace_id(id(sample, TRACE_ID))
        .with_public_key("fedcba9876543210fedcba9876543210".to_owned())
        .with_release("front@1.0".to_owned())
        .with_environment("prod ü".to_owned())
        .with_transaction("/cart".to_owned())
        .with_sampled(true)
        .with_sample_rate(0.5)
        .with_sample_rand(0.25.try_into().unwrap())
        .with_org_id(OrganizationId::from(7));
    let headers = headers()
        .with_event_id(id(sample, EVENT_ID))
        .with_trace(described);
    assert_eq!(envelope.headers(), &headers);
}
