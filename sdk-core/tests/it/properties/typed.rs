//! Values of the types themselves: what is written reads back equal.

use mini_sentry::envelope::{Envelope, Item};
use mini_sentry::protocol::{
    Addr, Attachment, Attribute, Breadcrumb, CheckIn, CheckInStatus, ClientReport, Context,
    DiscardedEvents, Event, EventId, Exception, Frame, Items, Level, Log, LogEntry, LogLevel,
    Mechanism, Object, Pairs, Params, Request, SessionStatus, SessionUpdate, Span, SpanId,
    SpanStatus, Stacktrace, Thread, ThreadId, Timestamp, TraceContext, TraceId, Transaction, User,
};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::json;

fn text() -> impl Strategy<Value = String> {
    ".{0,12}"
}

fn object() -> impl Strategy<Value = Object> {
    json::object().prop_map(|value| value.as_object().cloned().unwrap())
}

fn unknown() -> impl Strategy<Value = Object> {
    btree_map("x_[a-z]{0,3}", json::value(), 0..3).prop_map(|map| map.into_iter().collect())
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_nanos)
}

fn level() -> impl Strategy<Value = Level> {
    select(vec![
        Level::Debug,
        Level::Info,
        Level::Warning,
        Level::Error,
        Level::Fatal,
    ])
}

prop_compose! {
    fn frame()(
        (function, filename) in (of(text()), of(text())),
        (lineno, in_app) in (of(any::<u64>()), of(any::<bool>())),
        pre_context in vec(text(), 0..3),
        address in of(any::<u64>()),
        (vars, other) in (object(), unknown()),
    ) -> Frame {
        let instruction_addr = address.map(Addr);
        Frame {
            function, filename, lineno, in_app, pre_context, instruction_addr, vars, other,
            ..Frame::default()
        }
    }
}

fn stacktrace() -> impl Strategy<Value = Stacktrace> {
    (vec(frame(), 0..3), unknown()).prop_map(|(frames, other)| Stacktrace {
        frames,
        other,
        ..Stacktrace::default()
    })
}

prop_compose! {
    fn exception()(
        (ty, value) in (of(text()), of(text())),
        (handled, id) in (of(any::<bool>()), of(any::<u64>())),
        thread in of(any::<u64>()),
        stacktrace in of(stacktrace()),
        other in unknown(),
    ) -> Exception {
        let mechanism = Mechanism { handled, exception_id: id, ..Mechanism::default() };
        let thread_id = thread.map(ThreadId::Number);
        Exception {
            ty, value, thread_id, mechanism: Some(mechanism), stacktrace, other,
            ..Exception::default()
        }
    }
}

prop_compose! {
    fn breadcrumb()(
        timestamp in of(timestamp()),
        level in of(level()),
        message in of(text()),
        (data, other) in (object(), unknown()),
    ) -> Breadcrumb {
        Breadcrumb { timestamp, level, message: message.map(Into::into), data, other, ..Breadcrumb::default() }
    }
}

fn pairs() -> impl Strategy<Value = Pairs> {
    prop_oneof![
        text().prop_map(Pairs::Text),
        vec((select(vec!["a", "b", "c"]), text()), 0..4).prop_map(Pairs::from_iter),
    ]
}

fn contexts() -> impl Strategy<Value = Vec<(String, Context)>> {
    let trace = (any::<[u8; 16]>(), any::<[u8; 8]>()).prop_map(|(trace, span)| TraceContext {
        trace_id: Some(TraceId::from_bytes(trace)),
        span_id: Some(SpanId::from_bytes(span)),
        status: Some(SpanStatus::NotFound),
        ..TraceContext::default()
    });
    let own = ("x[a-z]{0,3}", object()).prop_map(|(name, object)| (name, object.into()));
    let trace = trace.prop_map(|trace| ("trace".to_owned(), trace.into()));
    vec(prop_oneof![trace, own], 0..3)
}

prop_compose! {
    fn event()(
        id in any::<[u8; 16]>(),
        (level, timestamp) in (of(level()), of(timestamp())),
        (message, template) in (of(text()), of(text())),
        params in vec(json::value(), 0..3),
        exceptions in vec(exception(), 0..3),
        breadcrumbs in vec(breadcrumb(), 0..3),
        thread in of(stacktrace()),
        (user, url) in (of(text()), of(text())),
        (query_string, headers) in (pairs(), pairs()),
        contexts in contexts(),
        (tags, modules) in (btree_map(text(), text(), 0..3), btree_map(text(), text(), 0..3)),
        fingerprint in vec(text(), 0..3),
        (extra, other) in (object(), unknown()),
    ) -> Event {
        let template = template.map(|message| LogEntry {
            message: Some(message), params: Params::List(params), ..LogEntry::default()
        });
        let thread = Thread { stacktrace: thread, ..Thread::default() };
        Event {
            event_id: Some(EventId::from_bytes(id)),
            level, timestamp, fingerprint, tags, modules, extra, other,
            message: message.map(Into::into),
            logentry: template,
            exception: exceptions.into(),
            breadcrumbs: breadcrumbs.into(),
            threads: vec![thread].into(),
            user: Some(User { id: user, ..User::default() }),
            request: Some(Request { url, query_string, headers, ..Request::default() }),
            contexts: contexts.into_iter().collect(),
            ..Event::default()
        }
    }
}

prop_compose! {
    fn transaction()(
        (start, end) in (of(timestamp()), of(timestamp())),
        (op, description) in (of(text()), of(text())),
        ids in any::<([u8; 16], [u8; 8])>(),
        (data, other) in (object(), unknown()),
    ) -> Transaction {
        let span = Span {
            trace_id: Some(TraceId::from_bytes(ids.0)),
            span_id: Some(SpanId::from_bytes(ids.1)),
            op, description, data, other,
            status: Some(SpanStatus::Ok),
            ..Span::default()
        };
        Transaction {
            start_timestamp: start, timestamp: end, spans: vec![span], ..Transaction::default()
        }
    }
}

prop_compose! {
    fn log()(
        (timestamp, body) in (of(timestamp()), of(text())),
        attributes in btree_map(text(), prop_oneof![
            text().prop_map(Attribute::from),
            any::<i64>().prop_map(Attribute::from),
            any::<bool>().prop_map(Attribute::from),
            (-1e300..1e300).prop_map(Attribute::from),
        ], 0..3),
        other in unknown(),
    ) -> Log {
        Log { timestamp, body, level: Some(LogLevel::Warn), attributes, other, ..Log::default() }
    }
}

prop_compose! {
    fn session()(
        (sid, did) in (any::<[u8; 16]>(), of(text())),
        status in select(vec![SessionStatus::Ok, SessionStatus::Crashed, SessionStatus::Unhandled]),
        (errors, init) in (of(any::<u64>()), of(any::<bool>())),
        (started, duration) in (of(timestamp()), of(0.0..1e9)),
        other in unknown(),
    ) -> SessionUpdate {
        SessionUpdate {
            sid: Some(EventId::from_bytes(sid)), did, errors, init, started, duration, other,
            status: Some(status),
            ..SessionUpdate::default()
        }
    }
}

fn item() -> impl Strategy<Value = Item> {
    let check_in = (text(), of(0.0..1e9)).prop_map(|(slug, duration)| CheckIn {
        monitor_slug: Some(slug),
        status: Some(CheckInStatus::InProgress),
        duration,
        ..CheckIn::default()
    });
    let report = (text(), any::<u64>()).prop_map(|(reason, quantity)| ClientReport {
        discarded_events: vec![DiscardedEvents {
            reason: Some(reason),
            quantity: Some(quantity),
            ..DiscardedEvents::default()
        }],
        ..ClientReport::default()
    });
    let attachment = (text(), vec(any::<u8>(), 0..64), of(text())).prop_map(|(name, data, ty)| {
        let mut attachment = Attachment::new(name, data);
        attachment.content_type = ty;
        attachment
    });
    prop_oneof![
        event().prop_map(Item::from),
        transaction().prop_map(Item::from),
        vec(log(), 0..3).prop_map(|logs| Items::from(logs).into()),
        session().prop_map(Item::from),
        check_in.prop_map(Item::from),
        report.prop_map(Item::from),
        attachment.prop_map(Item::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn an_event_reads_back_equal(event in event()) {
        let written = serde_json::to_vec(&event).unwrap();
        prop_assert_eq!(Event::from_json(&written), Ok(event));
    }

    #[test]
    fn an_envelope_reads_back_equal(items in vec(item(), 0..5), is_cut in any::<bool>()) {
        let mut envelope = Envelope::default();
        for item in items {
            envelope.add(item);
        }
        let mut written = envelope.to_vec();
        if is_cut {
            // The last line feed may be missing.
            written.pop();
        }
        let parsed = Envelope::parse(&written).unwrap();
        prop_assert_eq!(parsed.faults, []);
        prop_assert_eq!(parsed.notes, []);
        let mut read = parsed.envelope;
        for item in &mut read.items {
            prop_assert!(item.header.length.take().is_some());
        }
        prop_assert_eq!(read, envelope);
    }

    #[test]
    fn any_number_is_written_as_it_was_read(number in any::<f64>()) {
        let extra = Value::from(number).to_string();
        let json = format!("{{\"extra\":{{\"n\":{extra}}}}}");
        let event = Event::from_json(json.as_bytes()).unwrap();
        prop_assert_eq!(serde_json::to_string(&event).unwrap(), json);
    }
}
