//! Trace headers, read and written, by the golden vectors of `traces.json`.

use std::path::Path;

use mini_sentry::test::with_captured_events;
use mini_sentry::{
    Baggage, Level, SentryTrace, TraceHeaders, TraceParent, TransactionContext, capture_message,
    configure_scope, trace_headers,
};
use serde_json::{Value, json};

fn vectors() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn cases(value: &Value, at_least: usize) -> &Vec<Value> {
    let cases = value.as_array().unwrap();
    assert!(cases.len() >= at_least);
    cases
}

#[test]
fn sentry_trace_reads_as_the_vectors_say_and_writes_back() {
    let vectors = vectors();
    for case in cases(&vectors["sentry_trace"]["ok"], 7) {
        let header = case["header"].as_str().unwrap();
        let read = SentryTrace::parse(header).unwrap_or_else(|| panic!("{header}"));
        assert_eq!(
            read.trace_id.to_string(),
            case["trace_id"].as_str().unwrap()
        );
        assert_eq!(read.span_id.to_string(), case["span_id"].as_str().unwrap());
        assert_eq!(json!(read.sampled), case["sampled"]);
        assert_eq!(read.to_string(), header.trim());
    }
    for header in cases(&vectors["sentry_trace"]["bad"], 9) {
        assert_eq!(
            SentryTrace::parse(header.as_str().unwrap()),
            None,
            "{header}"
        );
    }
}

#[test]
fn traceparent_reads_as_the_vectors_say_and_writes_what_reads_alike() {
    let vectors = vectors();
    for case in cases(&vectors["traceparent"]["ok"], 4) {
        let header = case["header"].as_str().unwrap();
        let read = TraceParent::parse(header).unwrap_or_else(|| panic!("{header}"));
        assert_eq!(
            read.trace_id.to_string(),
            case["trace_id"].as_str().unwrap()
        );
        assert_eq!(read.span_id.to_string(), case["span_id"].as_str().unwrap());
        assert_eq!(json!(read.sampled), case["sampled"]);
        assert_eq!(TraceParent::parse(&read.to_string()), Some(read));
    }
    for header in cases(&vectors["traceparent"]["bad"], 12) {
        assert_eq!(
            TraceParent::parse(header.as_str().unwrap()),
            None,
            "{header}"
        );
    }
}

#[test]
fn baggage_reads_as_the_vectors_say_and_writes_what_reads_alike() {
    for case in cases(&vectors()["baggage"], 8) {
        let header = case["header"].as_str().unwrap();
        let read = Baggage::parse(header);
        let fields = read
            .as_ref()
            .map_or(json!({}), |baggage| json!(baggage.trace));
        assert_eq!(fields, case["sentry"], "{header}");
        if let Some(baggage) = read {
            assert_eq!(
                Baggage::parse(&baggage.to_string()),
                Some(baggage),
                "{header}"
            );
        }
    }
}

#[test]
fn a_long_baggage_header_costs_bounded_work_and_no_panic() {
    let long = format!("sentry-release=a,{}", "x".repeat(1 << 20));
    assert_eq!(
        Baggage::parse(&long).unwrap().trace.release.as_deref(),
        Some("a")
    );
    assert_eq!(Baggage::parse(&"ü".repeat(8_192)), None);
    let cut = format!("sentry-release=a,{}", "ü".repeat(8_192));
    assert_eq!(
        Baggage::parse(&cut).unwrap().trace.release.as_deref(),
        Some("a")
    );
    for broken in [
        "sentry-a=%",
        "sentry-a=%F",
        "sentry-a=%ZZ",
        "sentry-a=%+1",
        "sentry-=",
        "=,=;=",
    ] {
        let _ = Baggage::parse(broken);
    }
}

const SENTRY: &str = "4c79f60c11214eb38604f4ae0781bfb2-e9c0f0f2b7a1d3c5-1";
const W3C: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const BAGGAGE: &str = "vendor=1,sentry-trace_id=4c79f60c11214eb38604f4ae0781bfb2,sentry-release=front@1,sentry-sampled=true";

#[test]
fn headers_are_found_whatever_the_case_of_their_names_and_sentrys_own_wins() {
    let both =
        TraceHeaders::from_headers([("TraceParent", W3C), ("SENTRY-TRACE", SENTRY), ("x", "y")]);
    assert_eq!(both.parent(), SentryTrace::parse(SENTRY));
    let w3c = TraceHeaders::from_headers([("traceparent", W3C)]);
    let parent = w3c.parent().unwrap();
    assert_eq!(
        parent.trace_id.to_string(),
        "0af7651916cd43dd8448eb211c80319c"
    );
    assert_eq!(parent.sampled, Some(true));
    let unsampled = TraceHeaders::from_headers([("traceparent", W3C.replace("-01", "-00"))]);
    assert_eq!(unsampled.parent().unwrap().sampled, None);
}

#[test]
fn events_of_a_scope_belong_to_the_trace_that_it_goes_on_with() {
    let events = with_captured_events(|| {
        let headers = TraceHeaders::from_headers([("sentry-trace", SENTRY), ("baggage", BAGGAGE)]);
        configure_scope(|scope| scope.continue_trace(&headers));
        capture_message("here", Level::Info);
        let out = trace_headers();
        let names: Vec<_> = out.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["sentry-trace", "traceparent", "baggage"]);
        let next = SentryTrace::parse(&out[0].1).unwrap();
        assert_eq!(
            next.trace_id.to_string(),
            "4c79f60c11214eb38604f4ae0781bfb2"
        );
        assert_eq!(TraceParent::parse(&out[1].1).unwrap().span_id, next.span_id);
        // Other vendors' members are theirs to carry on.
        assert_eq!(
            Baggage::parse(&out[2].1).unwrap().trace.release.as_deref(),
            Some("front@1")
        );
    });
    let trace = json!(events[0].contexts["trace"]);
    assert_eq!(trace["trace_id"], "4c79f60c11214eb38604f4ae0781bfb2");
    assert_eq!(trace["parent_span_id"], "e9c0f0f2b7a1d3c5");
}

#[test]
fn headers_that_name_no_trace_begin_a_new_one() {
    let bad = TraceHeaders::from_headers([("sentry-trace", "hello"), ("traceparent", "00")]);
    assert_eq!(bad.parent(), None);
    let first = TransactionContext::continue_from("/", "http.server", &bad).trace_id();
    let second = TransactionContext::continue_from("/", "http.server", &bad).trace_id();
    assert!(!first.is_nil() && first != second);
}
