//! Transactions and spans: which are kept, and what they say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mini_sentry::protocol::{SpanStatus, Timestamp};
use mini_sentry::test::{TestClock, with_captured_envelopes_options};
use mini_sentry::{
    Baggage, ClientOptions, Level, SentryTrace, TransactionContext, capture_message,
    configure_scope, start_span, start_transaction, trace_headers,
};
use serde_json::json;

use super::stage::{events, losses, lost, transactions};

const TRACE: &str = "4c79f60c11214eb38604f4ae0781bfb2";

fn all() -> ClientOptions {
    ClientOptions::new()
        .traces_sample_rate(1.0)
        .release("shop@1")
        .environment("staging")
}

fn context() -> TransactionContext {
    TransactionContext::new("import", "task")
}

fn continued(sampled: &str) -> TransactionContext {
    let header = format!("{TRACE}-e9c0f0f2b7a1d3c5{sampled}");
    TransactionContext::continue_from_headers("import", "task", [("sentry-trace", header)])
}

/// How many of so many transactions are sent, and what is said about the others.
fn kept(options: ClientOptions, make: impl Fn() -> TransactionContext, count: usize) -> usize {
    let sent = with_captured_envelopes_options(options, || {
        for _ in 0..count {
            let transaction = start_transaction(make());
            let sampled = transaction.is_sampled();
            let child = transaction.start_child("op", "child");
            assert_eq!(child.is_sampled(), sampled);
            child.finish();
            transaction.finish();
        }
    });
    let kept = transactions(&sent).len();
    let dropped = (count - kept) as u64;
    let mut wanted = lost([
        ("transaction/sample_rate", dropped),
        ("span/sample_rate", dropped * 2),
    ]);
    wanted.retain(|_, count| *count > 0);
    assert_eq!(losses(&sent), wanted);
    kept
}

#[test]
fn a_transaction_arrives_with_its_spans_times_and_trace() {
    let start = Timestamp::from_nanos(1_700_000_000_000_000_000);
    let clock = TestClock::at(start);
    let sent = with_captured_envelopes_options(all().clock(Arc::clone(&clock)), || {
        configure_scope(|scope| scope.set_tag("from", "scope"));
        let transaction = start_transaction(context());
        transaction.set_tag("own", "tag");
        transaction.set_data("rows", 3);
        transaction.set_source("task");
        clock.advance(Duration::from_secs(1));
        let child = transaction.start_child("db.query", "SELECT 1");
        let grandchild = child.start_child("db.row", "");
        grandchild.set_status(SpanStatus::NotFound);
        grandchild.finish();
        child.set_data("db.system", "sqlite");
        child.set_tag("cached", false);
        clock.advance(Duration::from_secs(2));
        child.finish();
        transaction.set_name("import orders");
        transaction.finish();
    });
    let transaction = transactions(&sent)[0];
    assert_eq!(sent[0].event_id(), transaction.event_id);
    assert_eq!(transaction.ty.as_deref(), Some("transaction"));
    assert_eq!(transaction.transaction.as_deref(), Some("import orders"));
    let info = transaction.transaction_info.as_ref().unwrap();
    assert_eq!(info.source.as_deref(), Some("task"));
    assert_eq!(transaction.start_timestamp, Some(start));
    assert_eq!(
        transaction.timestamp,
        Some(start.plus(Duration::from_secs(3)))
    );
    assert_eq!(transaction.tags["from"], "scope");
    assert_eq!(transaction.tags["own"], "tag");
    assert_eq!(transaction.release.as_deref(), Some("shop@1"));
    let trace = json!(transaction.contexts["trace"]);
    assert_eq!(trace["op"], "task");
    assert_eq!(trace["status"], "ok");
    assert_eq!(trace["data"]["rows"], 3);
    let [grandchild, child] = &transaction.spans[..] else {
        panic!("two spans")
    };
    assert_eq!(json!(child.parent_span_id), trace["span_id"]);
    assert_eq!(grandchild.parent_span_id, child.span_id);
    assert_eq!(json!(child.trace_id), trace["trace_id"]);
    assert_eq!(
        child.start_timestamp,
        Some(start.plus(Duration::from_secs(1)))
    );
    assert_eq!(child.timestamp, Some(start.plus(Duration::from_secs(3))));
    assert_eq!(child.description.as_deref(), Some("SELECT 1"));
    assert_eq!(child.data["db.system"], "sqlite");
    assert_eq!(child.tags["cached"], "false");
    assert_eq!(child.status, Some(SpanStatus::Ok));
    assert_eq!(grandchild.status, Some(SpanStatus::NotFound));
    let described = sent[0].header.trace.as_ref().unwrap();
    assert_eq!(described.trace_id, child.trace_id);
    assert_eq!(described.transaction.as_deref(), Some("import orders"));
    assert_eq!(
        described.public_key.as_deref(),
        Some("0123456789abcdef0123456789abcdef")
    );
}

#[test]
fn the_rate_decides_where_nobody_else_does() {
    assert_eq!(kept(all(), context, 50), 50);
    assert_eq!(kept(ClientOptions::new(), context, 50), 0);
    let half = kept(ClientOptions::new().traces_sample_rate(0.5), context, 1_000);
    assert!((370..=630).contains(&half), "{half}");
}

#[test]
fn the_program_that_began_the_trace_decides_for_those_that_follow() {
    assert_eq!(kept(ClientOptions::new(), || continued("-1"), 10), 10);
    assert_eq!(kept(all(), || continued("-0"), 10), 0);
    assert_eq!(kept(all(), || continued(""), 10), 10);
    assert_eq!(kept(ClientOptions::new(), || continued(""), 10), 0);
}

#[test]
fn a_decision_by_hand_counts_like_a_parents() {
    let by_hand = |sampled: bool| {
        move || {
            let mut context = context();
            context.set_sampled(sampled);
            context
        }
    };
    assert_eq!(kept(ClientOptions::new(), by_hand(true), 10), 10);
    assert_eq!(kept(all(), by_hand(false), 10), 0);
}

#[test]
fn the_sampler_wins_and_knows_name_operation_and_parent() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let sampler = move |context: &mini_sentry::SamplingContext<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        assert_eq!((context.name, context.op), ("import", "task"));
        if context.parent_sampled == Some(false) {
            1.0
        } else {
            0.0
        }
    };
    let options = || {
        ClientOptions::new()
            .traces_sample_rate(1.0)
            .traces_sampler(sampler.clone())
    };
    assert_eq!(kept(options(), context, 5), 0);
    assert_eq!(kept(options(), || continued("-0"), 5), 5);
    assert_eq!(calls.load(Ordering::Relaxed), 10);
}

#[test]
fn a_sampler_that_panics_keeps_nothing_and_harms_nothing() {
    let options = all().traces_sampler(|_| panic!("expected"));
    assert_eq!(kept(options, context, 3), 0);
}

#[test]
fn programs_that_share_a_trace_draw_the_same_number() {
    let with_number = |number: &str| {
        let headers = [
            ("sentry-trace", format!("{TRACE}-e9c0f0f2b7a1d3c5")),
            (
                "baggage",
                format!("sentry-trace_id={TRACE},sentry-sample_rand={number}"),
            ),
        ];
        TransactionContext::continue_from_headers("import", "task", headers)
    };
    let half = || ClientOptions::new().traces_sample_rate(0.5);
    assert_eq!(kept(half(), || with_number("0.499999"), 20), 20);
    assert_eq!(kept(half(), || with_number("0.500000"), 20), 0);
}

#[test]
fn more_than_a_thousand_spans_are_counted_not_sent() {
    let sent = with_captured_envelopes_options(all(), || {
        let transaction = start_transaction(context());
        for _ in 0..1_005 {
            transaction.start_child("op", "child").finish();
        }
        transaction.finish();
    });
    assert_eq!(transactions(&sent)[0].spans.len(), 1_000);
    assert_eq!(losses(&sent), lost([("span/buffer_overflow", 5)]));
}

#[test]
fn a_span_that_ends_after_its_transaction_changes_nothing() {
    let sent = with_captured_envelopes_options(all(), || {
        let transaction = start_transaction(context());
        let child = transaction.start_child("op", "late");
        let copy = transaction.clone();
        transaction.finish();
        child.finish();
        copy.finish();
    });
    assert_eq!(transactions(&sent).len(), 1);
    assert!(transactions(&sent)[0].spans.is_empty());
}

#[test]
fn events_inside_a_span_belong_to_it_and_to_its_transaction() {
    let mut span = None;
    let sent = with_captured_envelopes_options(all(), || {
        let transaction = start_transaction(context());
        let child = transaction.start_child("op", "child");
        span = child.trace_context().span_id;
        configure_scope(|scope| scope.set_span(Some(child.clone().into())));
        capture_message("inside", Level::Info);
        child.finish();
        transaction.finish();
    });
    let event = events(&sent)[0];
    let trace = json!(event.contexts["trace"]);
    assert_eq!(trace["span_id"], json!(span));
    assert_eq!(
        trace["trace_id"],
        json!(transactions(&sent)[0].contexts["trace"])["trace_id"]
    );
    assert_eq!(event.transaction.as_deref(), Some("import"));
    assert_eq!(json!(sent[0].header.trace)["trace_id"], trace["trace_id"]);
}

#[test]
fn headers_of_the_active_span_lead_to_it_and_describe_the_trace() {
    with_captured_envelopes_options(all(), || {
        let transaction = start_transaction(context());
        let child = transaction.start_child("http.client", "GET");
        configure_scope(|scope| scope.set_span(Some(child.clone().into())));
        let headers = trace_headers();
        let sentry = SentryTrace::parse(&headers[0].1).unwrap();
        assert_eq!(Some(sentry.trace_id), transaction.trace_context().trace_id);
        assert_eq!(Some(sentry.span_id), child.trace_context().span_id);
        assert_eq!(sentry.sampled, Some(true));
        assert_eq!(
            headers[1].1,
            format!("00-{}-{}-01", sentry.trace_id, sentry.span_id)
        );
        let described = Baggage::parse(&headers[2].1).unwrap().trace;
        assert_eq!(described.trace_id, Some(sentry.trace_id));
        assert_eq!(described.transaction.as_deref(), Some("import"));
        assert_eq!(described.release.as_deref(), Some("shop@1"));
        assert_eq!(described.environment.as_deref(), Some("staging"));
        assert_eq!(described.sampled.as_deref(), Some("true"));
        assert_eq!(described.sample_rate.as_deref(), Some("1"));
    });
}

#[test]
fn a_trace_that_came_in_goes_out_as_its_first_program_described_it() {
    let baggage = format!("sentry-trace_id={TRACE},sentry-release=front%402,sentry-sampled=true");
    let headers = [
        ("sentry-trace", format!("{TRACE}-e9c0f0f2b7a1d3c5-1")),
        ("baggage", baggage.clone()),
    ];
    let sent = with_captured_envelopes_options(all(), || {
        let context = TransactionContext::continue_from_headers("import", "task", headers);
        let transaction = start_transaction(context);
        let out = transaction.headers();
        assert_eq!(Baggage::parse(&out[2].1), Baggage::parse(&baggage));
        transaction.finish();
    });
    let described = sent[0].header.trace.as_ref().unwrap();
    assert_eq!(described.release.as_deref(), Some("front@2"));
    let trace = json!(transactions(&sent)[0].contexts["trace"]);
    assert_eq!(trace["parent_span_id"], "e9c0f0f2b7a1d3c5");
}

#[test]
fn start_span_nests_and_the_outermost_is_a_transaction() {
    let sent = with_captured_envelopes_options(all(), || {
        let sum = start_span("task", "outer", || {
            let two = start_span("math", "inner", || start_span("math", "innermost", || 2));
            start_span("math", "sibling", || two + 1)
        });
        assert_eq!(sum, 3);
        assert!(mini_sentry::Hub::current().scope().span().is_none());
    });
    let transaction = transactions(&sent)[0];
    assert_eq!(transaction.transaction.as_deref(), Some("outer"));
    let root = json!(transaction.contexts["trace"])["span_id"].clone();
    let spans: Vec<_> = transaction
        .spans
        .iter()
        .map(|span| {
            (
                span.description.as_deref().unwrap(),
                json!(span.parent_span_id) == root,
            )
        })
        .collect();
    assert_eq!(
        spans,
        [("innermost", false), ("inner", true), ("sibling", true)]
    );
}

#[test]
fn start_span_runs_the_function_when_everything_is_off() {
    assert_eq!(start_span("op", "name", || 7), 7);
    let off = start_transaction(context());
    assert!(!off.is_sampled());
    off.start_child("op", "child").finish();
    off.finish();
}
