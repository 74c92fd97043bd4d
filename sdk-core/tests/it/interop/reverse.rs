//! The other way round: envelopes that the `sentry-types` crate writes, read by us.

use std::time::Duration;

use mini_sentry::Dsn;
use mini_sentry::envelope::{Item, ItemKind, Payload};
use mini_sentry::protocol::{self as ours, Timestamp};
use sentry_types::protocol::v7::{self as theirs, Envelope, EnvelopeItem};
use serde_json::{Value, json};

use super::{START, at, headers, map};

const EVENT_ID: &str = "7d0fa3112c524d1aa118dbba2a17acd9";
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID: &str = "b7ad6b7169203331";

/// What we read from an envelope of theirs; everything in it must fit.
fn read(envelope: &Envelope) -> mini_sentry::envelope::Envelope {
    let mut bytes = Vec::new();
    envelope.to_writer(&mut bytes).unwrap();
    let parsed = mini_sentry::envelope::Envelope::parse(&bytes).unwrap();
    assert_eq!(parsed.faults, []);
    assert_eq!(parsed.notes, []);
    parsed.envelope
}

/// The payload that we read from an item of theirs.
fn payload(item: impl Into<EnvelopeItem>) -> Payload {
    let mut items = read(&Envelope::from(item.into())).items;
    let last = items.pop().expect("an item");
    assert_eq!(items, []);
    last.payload
}

fn start() -> Timestamp {
    Timestamp::default().plus(Duration::from_millis(START))
}

fn object(value: Value) -> ours::Object {
    map(value).into_iter().collect()
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Their form of a context names its type.
fn typed(ty: &str) -> ours::Object {
    object(json!({ "type": ty }))
}

#[test]
fn the_header_and_the_frames_of_theirs_are_read() {
    let trace = theirs::DynamicSamplingContext::new()
        .with_trace_id(TRACE_ID.parse().unwrap())
        .with_sample_rate(0.25)
        .with_sample_rand(0.125.try_into().unwrap())
        .with_sampled(true);
    let mut envelope = Envelope::new().with_headers(
        headers()
            .with_event_id(EVENT_ID.parse().unwrap())
            .with_dsn("http://key@localhost/1".parse().unwrap())
            .with_trace(trace),
    );
    envelope.add_item(theirs::Attachment {
        buffer: b"\0\n{}\n".to_vec(),
        filename: "a.bin".to_owned(),
        content_type: Some("image/png".to_owned()),
        ty: Some(theirs::AttachmentType::Minidump),
    });
    let read = read(&envelope);
    let header = read.header;
    assert_eq!(header.event_id, EVENT_ID.parse().ok());
    let dsn: Dsn = header.dsn.unwrap().parse().unwrap();
    assert_eq!(dsn.to_string(), "http://key@localhost/1");
    assert_eq!(header.sent_at, Some(start()));
    assert_eq!(
        header.sdk.and_then(|sdk| sdk.name).as_deref(),
        Some("mini-sentry.rust")
    );
    let trace = header.trace.unwrap();
    assert_eq!(trace.trace_id, TRACE_ID.parse().ok());
    assert_eq!(trace.sample_rate.as_deref(), Some("0.25"));
    assert_eq!(trace.sample_rand.as_deref(), Some("0.125000"));
    assert_eq!(trace.sampled.as_deref(), Some("true"));
    let [Item { header, payload }] = &*read.items else {
        panic!("expected one item, got {:?}", read.items)
    };
    assert_eq!(header.kind, ItemKind::Attachment);
    assert_eq!(header.filename.as_deref(), Some("a.bin"));
    assert_eq!(header.content_type.as_deref(), Some("image/png"));
    assert_eq!(header.attachment_type.as_deref(), Some("event.minidump"));
    assert_eq!(payload, &Payload::Raw(b"\0\n{}\n".to_vec()));
}

fn their_event() -> theirs::Event<'static> {
    let frame = theirs::Frame {
        function: text("main"),
        lineno: Some(3),
        in_app: Some(false),
        instruction_addr: Some(theirs::Addr(0x1234)),
        vars: map(json!({"a": [1, null]})),
        ..theirs::Frame::default()
    };
    let exception = theirs::Exception {
        ty: "IoError".to_owned(),
        value: text("gone"),
        thread_id: Some(theirs::ThreadId::Int(4)),
        stacktrace: theirs::Stacktrace::from_frames_reversed(vec![frame]),
        mechanism: Some(theirs::Mechanism {
            ty: "panic".to_owned(),
            handled: Some(false),
            ..theirs::Mechanism::default()
        }),
        ..theirs::Exception::default()
    };
    theirs::Event {
        event_id: EVENT_ID.parse().unwrap(),
        level: theirs::Level::Warning,
        timestamp: at(START),
        message: text("hello"),
        release: Some("1.0".into()),
        tags: [("a".to_owned(), "b".to_owned())].into(),
        extra: map(json!({"n": 1.5})),
        user: Some(theirs::User {
            id: text("42"),
            ip_address: Some(theirs::IpAddress::Auto),
            ..theirs::User::default()
        }),
        request: Some(theirs::Request {
            url: "http://example.com/a".parse().ok(),
            query_string: text("b=1"),
            headers: [("Accept".to_owned(), "*/*".to_owned())].into(),
            ..theirs::Request::default()
        }),
        breadcrumbs: vec![theirs::Breadcrumb {
            timestamp: at(START - 1_000),
            message: text("before"),
            level: theirs::Level::Debug,
            ..theirs::Breadcrumb::default()
        }]
        .into(),
        exception: vec![exception].into(),
        contexts: [
            (
                "os".to_owned(),
                theirs::OsContext {
                    name: text("Linux"),
                    ..theirs::OsContext::default()
                }
                .into(),
            ),
            (
                "own".to_owned(),
                theirs::Context::Other(map(json!({"x": 1}))),
            ),
        ]
        .into(),
        ..theirs::Event::default()
    }
}

#[test]
fn their_event_is_read_field_by_field() {
    let frame = ours::Frame {
        function: text("main"),
        lineno: Some(3),
        in_app: Some(false),
        instruction_addr: Some(ours::Addr(0x1234)),
        vars: object(json!({"a": [1, null]})),
        ..ours::Frame::default()
    };
    let exception = ours::Exception {
        ty: text("IoError"),
        value: text("gone"),
        thread_id: Some(ours::ThreadId::Number(4)),
        stacktrace: Some(ours::Stacktrace {
            frames: vec![frame],
            ..ours::Stacktrace::default()
        }),
        mechanism: Some(ours::Mechanism {
            ty: text("panic"),
            handled: Some(false),
            ..ours::Mechanism::default()
        }),
        ..ours::Exception::default()
    };
    let os = ours::OsContext {
        name: text("Linux"),
        other: typed("os"),
        ..ours::OsContext::default()
    };
    let own = ours::Context::Other(object(json!({"type": "unknown", "x": 1})));
    let expected = ours::Event {
        event_id: EVENT_ID.parse().ok(),
        level: Some(ours::Level::Warning),
        timestamp: Some(start()),
        message: Some("hello".into()),
        release: text("1.0"),
        tags: [("a".to_owned(), "b".to_owned())].into(),
        extra: object(json!({"n": 1.5})),
        user: Some(ours::User {
            id: text("42"),
            ip_address: text("{{auto}}"),
            ..ours::User::default()
        }),
        request: Some(ours::Request {
            url: text("http://example.com/a"),
            query_string: ours::Pairs::Text("b=1".to_owned()),
            headers: [("Accept", "*/*")].into_iter().collect(),
            ..ours::Request::default()
        }),
        breadcrumbs: vec![ours::Breadcrumb {
            timestamp: Some(start().minus(Duration::from_secs(1))),
            message: Some("before".into()),
            level: Some(ours::Level::Debug),
            ..ours::Breadcrumb::default()
        }]
        .into(),
        exception: vec![exception].into(),
        contexts: [("os".to_owned(), os.into()), ("own".to_owned(), own)].into(),
        ..ours::Event::default()
    };
    assert_eq!(payload(their_event()), Payload::Event(Box::new(expected)));
}

#[test]
fn their_transaction_is_read_field_by_field() {
    let span = theirs::Span {
        span_id: SPAN_ID.parse().unwrap(),
        trace_id: TRACE_ID.parse().unwrap(),
        op: text("db"),
        status: Some(theirs::SpanStatus::UnknownError),
        start_timestamp: at(START),
        timestamp: Some(at(START + 5)),
        data: map(json!({"rows": 1})),
        ..theirs::Span::default()
    };
    let transaction = theirs::Transaction {
        event_id: EVENT_ID.parse().unwrap(),
        name: text("/"),
        start_timestamp: at(START),
        timestamp: Some(at(START + 7)),
        spans: vec![span],
        ..theirs::Transaction::default()
    };
    let span = ours::Span {
        span_id: SPAN_ID.parse().ok(),
        trace_id: TRACE_ID.parse().ok(),
        op: text("db"),
        status: Some(ours::SpanStatus::Unknown),
        start_timestamp: Some(start()),
        timestamp: Some(start().plus(Duration::from_millis(5))),
        data: object(json!({"rows": 1})),
        ..ours::Span::default()
    };
    let expected = ours::Transaction {
        event_id: EVENT_ID.parse().ok(),
        transaction: text("/"),
        start_timestamp: Some(start()),
        timestamp: Some(start().plus(Duration::from_millis(7))),
        spans: vec![span],
        ..ours::Transaction::default()
    };
    assert_eq!(
        payload(transaction),
        Payload::Transaction(Box::new(expected))
    );
}

fn their_attributes() -> theirs::SessionAttributes<'static> {
    theirs::SessionAttributes {
        release: "1.0".into(),
        environment: None,
        ip_address: "192.0.2.7".parse().ok(),
        user_agent: text("browser/1.0"),
    }
}

fn our_attributes() -> Option<ours::SessionAttributes> {
    Some(ours::SessionAttributes {
        release: text("1.0"),
        ip_address: text("192.0.2.7"),
        user_agent: text("browser/1.0"),
        ..ours::SessionAttributes::default()
    })
}

#[test]
fn their_sessions_are_read_field_by_field() {
    let update = theirs::SessionUpdate {
        session_id: EVENT_ID.parse().unwrap(),
        distinct_id: text("42"),
        sequence: Some(9),
        timestamp: Some(at(START + 500)),
        started: at(START),
        init: true,
        duration: Some(0.5),
        status: theirs::SessionStatus::Abnormal,
        errors: 2,
        attributes: their_attributes(),
    };
    let expected = ours::SessionUpdate {
        sid: EVENT_ID.parse().ok(),
        did: text("42"),
        seq: Some(9),
        timestamp: Some(start().plus(Duration::from_millis(500))),
        started: Some(start()),
        init: Some(true),
        duration: Some(0.5),
        status: Some(ours::SessionStatus::Abnormal),
        errors: Some(2),
        attrs: our_attributes(),
        ..ours::SessionUpdate::default()
    };
    assert_eq!(payload(update), Payload::Session(Box::new(expected)));

    let aggregates = theirs::SessionAggregates {
        aggregates: vec![theirs::SessionAggregateItem {
            started: at(START),
            distinct_id: None,
            exited: 1,
            errored: 2,
            abnormal: 3,
            crashed: 4,
        }],
        attributes: their_attributes(),
    };
    let expected = ours::SessionAggregates {
        aggregates: vec![ours::SessionAggregate {
            started: Some(start()),
            exited: Some(1),
            errored: Some(2),
            abnormal: Some(3),
            crashed: Some(4),
            ..ours::SessionAggregate::default()
        }],
        attrs: our_attributes(),
        ..ours::SessionAggregates::default()
    };
    assert_eq!(payload(aggregates), Payload::Sessions(expected));
}

#[test]
fn their_check_in_is_read_field_by_field() {
    let check_in = theirs::MonitorCheckIn {
        check_in_id: EVENT_ID.parse().unwrap(),
        monitor_slug: "nightly".to_owned(),
        status: theirs::MonitorCheckInStatus::InProgress,
        environment: text("staging"),
        duration: Some(1.5),
        monitor_config: Some(theirs::MonitorConfig {
            schedule: theirs::MonitorSchedule::Interval {
                value: 2,
                unit: theirs::MonitorIntervalUnit::Week,
            },
            checkin_margin: Some(1),
            max_runtime: None,
            timezone: text("UTC"),
            failure_issue_threshold: None,
            recovery_threshold: Some(4),
        }),
    };
    let expected = ours::CheckIn {
        check_in_id: EVENT_ID.parse().ok(),
        monitor_slug: text("nightly"),
        status: Some(ours::CheckInStatus::InProgress),
        environment: text("staging"),
        duration: Some(1.5),
        monitor_config: Some(ours::MonitorConfig {
            checkin_margin: Some(1),
            timezone: text("UTC"),
            recovery_threshold: Some(4),
            ..ours::MonitorConfig::interval(2, "week")
        }),
        ..ours::CheckIn::default()
    };
    assert_eq!(payload(check_in), Payload::CheckIn(Box::new(expected)));
}

#[test]
fn their_log_lines_and_measurements_are_read_field_by_field() {
    let log = theirs::Log {
        level: theirs::LogLevel::Warn,
        body: "slow".to_owned(),
        trace_id: TRACE_ID.parse().ok(),
        timestamp: at(START),
        severity_number: 13.try_into().ok(),
        attributes: [
            ("n".to_owned(), 1.into()),
            ("big".to_owned(), u64::MAX.into()),
        ]
        .into(),
    };
    let expected = ours::Log {
        level: Some(ours::LogLevel::Warn),
        body: text("slow"),
        trace_id: TRACE_ID.parse().ok(),
        timestamp: Some(start()),
        severity_number: Some(13),
        attributes: [
            ("n".to_owned(), 1.into()),
            ("big".to_owned(), u64::MAX.into()),
        ]
        .into(),
        ..ours::Log::default()
    };
    assert_eq!(payload(vec![log]), Payload::Logs(vec![expected].into()));

    let metric = theirs::Metric {
        r#type: theirs::MetricType::Gauge,
        name: "queue".into(),
        value: 2.5,
        timestamp: at(START),
        trace_id: TRACE_ID.parse().unwrap(),
        span_id: SPAN_ID.parse().ok(),
        unit: Some(theirs::Unit::Byte),
        attributes: [("dry".into(), true.into())].into(),
    };
    let expected = ours::TraceMetric {
        ty: text("gauge"),
        name: text("queue"),
        value: Some(2.5),
        timestamp: Some(start()),
        trace_id: TRACE_ID.parse().ok(),
        span_id: SPAN_ID.parse().ok(),
        unit: text("byte"),
        attributes: [("dry".to_owned(), true.into())].into(),
        ..ours::TraceMetric::default()
    };
    assert_eq!(
        payload(vec![metric]),
        Payload::Metrics(vec![expected].into())
    );
}

#[test]
fn their_counts_are_read_field_by_field() {
    use theirs::client_report::{Category, Item, Reason};
    let report = theirs::ClientReport::new([Item::new(
        Category::TraceMetricByte,
        Reason::QueueOverflow,
        7,
    )]);
    let Payload::ClientReport(report) = payload(report) else {
        panic!("a client report is read as one")
    };
    assert!(report.timestamp.is_some());
    let expected = ours::DiscardedEvents {
        category: text("trace_metric_byte"),
        reason: text("queue_overflow"),
        quantity: Some(7),
        ..ours::DiscardedEvents::default()
    };
    assert_eq!(report.discarded_events, [expected]);
}
