//! Scopes, spans and traces by number.

use mini_sentry::bridge::GLOBAL;
use serde_json::{Value, json};

use super::{NOW_MS, bridge, bridge_with, delivered, only, only_event, payloads};

#[test]
fn everything_that_a_scope_takes_is_in_the_event_and_can_be_removed() {
    let bridge = bridge();
    let set = |on: bool| {
        let json = |text: &'static [u8]| on.then_some(text);
        bridge
            .set_tag(GLOBAL, "queue", on.then_some("mails"))
            .unwrap();
        bridge.set_user(GLOBAL, json(br#"{"id": 42}"#)).unwrap();
        bridge
            .set_context(GLOBAL, "order", json(br#"{"id": 4711}"#))
            .unwrap();
        bridge
            .set_context(GLOBAL, "browser", json(br#"{"name": "Firefox"}"#))
            .unwrap();
        bridge.set_extra(GLOBAL, "note", json(b"[1, NaN]")).unwrap();
    };
    set(true);
    let fields = br#"{"level": "fatal", "fingerprint": ["a"], "transaction": "/cart", "request": {"method": "PUT"}}"#;
    bridge.set_fields(GLOBAL, fields).unwrap();
    bridge
        .add_breadcrumb(GLOBAL, br#"{"message": "clicked", "category": "ui"}"#)
        .unwrap();
    bridge.capture_message(GLOBAL, "with", "info").unwrap();
    let event = only_event(&bridge);
    assert_eq!(event["tags"], json!({"queue": "mails"}));
    assert_eq!(event["user"], json!({"id": "42"}));
    assert_eq!(event["contexts"]["order"], json!({"id": 4711}));
    assert_eq!(event["contexts"]["browser"], json!({"name": "Firefox"}));
    assert_eq!(event["extra"], json!({"note": [1, null]}));
    assert_eq!(event["level"], "fatal");
    assert_eq!(event["fingerprint"], json!(["a"]));
    assert_eq!(event["transaction"], "/cart");
    assert_eq!(event["request"], json!({"method": "PUT"}));
    let crumb = &event["breadcrumbs"]["values"][0];
    assert_eq!(crumb["message"], "clicked");
    assert_eq!(crumb["timestamp"], "2023-11-14T22:13:20.500Z");
    set(false);
    bridge
        .set_fields(
            GLOBAL,
            br#"{"level": null, "fingerprint": null, "request": null}"#,
        )
        .unwrap();
    bridge.capture_message(GLOBAL, "without", "info").unwrap();
    let event = only_event(&bridge);
    for gone in ["tags", "user", "extra", "fingerprint", "request"] {
        assert_eq!(event.get(gone), None, "{gone}");
    }
    assert_eq!(event["contexts"].get("order"), None);
    assert_eq!(event["level"], "info");
    assert_eq!(event["transaction"], "/cart", "what is not named stays");
}

#[test]
fn scopes_are_copies_and_pushed_changes_are_taken_back() {
    let bridge = bridge();
    bridge.set_tag(GLOBAL, "from", Some("global")).unwrap();
    let request = bridge.fork_scope(GLOBAL).unwrap();
    let task = bridge.fork_scope(request).unwrap();
    assert!(request != GLOBAL && task != request);
    bridge.set_tag(request, "request", Some("1")).unwrap();
    bridge.push_scope(request).unwrap();
    bridge.set_tag(request, "pushed", Some("1")).unwrap();
    bridge.capture_message(request, "pushed", "info").unwrap();
    assert!(bridge.pop_scope(request).unwrap());
    assert!(!bridge.pop_scope(request).unwrap());
    for scope in [request, task, GLOBAL] {
        bridge.capture_message(scope, "later", "info").unwrap();
    }
    let events = payloads(&delivered(&bridge));
    let tags: Vec<_> = events
        .iter()
        .map(|(_, event)| event["tags"].clone())
        .collect();
    let wanted = [
        json!({"from": "global", "request": "1", "pushed": "1"}),
        json!({"from": "global", "request": "1"}),
        json!({"from": "global"}),
        json!({"from": "global"}),
    ];
    assert_eq!(tags, wanted);
    bridge.drop_scope(request).unwrap();
    assert_eq!(
        bridge.drop_scope(request).unwrap_err().code(),
        "unknown_scope"
    );
    assert_eq!(
        bridge
            .capture_message(request, "x", "info")
            .unwrap_err()
            .code(),
        "unknown_scope"
    );
    assert!(
        !bridge
            .capture_message(task, "x", "info")
            .unwrap()
            .is_empty()
    );
}

#[test]
fn scopes_and_pushes_are_bounded() {
    let bridge = bridge();
    let error = (0..).find_map(|_| bridge.fork_scope(GLOBAL).err()).unwrap();
    assert_eq!(error.code(), "too_many");
    let error = (0..).find_map(|_| bridge.push_scope(GLOBAL).err()).unwrap();
    assert_eq!(error.code(), "too_many");
    bridge.drop_scope(1).unwrap();
    bridge.fork_scope(GLOBAL).unwrap();
}

#[test]
fn spans_nest_by_scope_and_end_by_number() {
    let bridge = bridge_with(json!({"traces_sample_rate": 1.0}));
    let transaction = bridge
        .start_transaction(GLOBAL, "/cart", "http.server", None)
        .unwrap();
    let outer = bridge.start_span(GLOBAL, "db", "outer").unwrap();
    let inner = bridge.start_span(GLOBAL, "db", "inner").unwrap();
    bridge.set_span_data(inner, "rows", b"3").unwrap();
    bridge.capture_message(GLOBAL, "inside", "info").unwrap();
    bridge.set_now(NOW_MS + 1_000.0);
    bridge.finish_span(inner, Some("not_found")).unwrap();
    bridge.finish_span(outer, None).unwrap();
    bridge.finish_span(transaction, Some("ok")).unwrap();
    assert_eq!(
        bridge.finish_span(transaction, None).unwrap_err().code(),
        "unknown_span"
    );
    let sent = payloads(&delivered(&bridge));
    let (event, transaction) = (&sent[0].1, &sent[1].1);
    assert_eq!(transaction["transaction"], "/cart");
    let [inner, outer] = &transaction["spans"].as_array().unwrap()[..] else {
        unreachable!()
    };
    assert_eq!(inner["parent_span_id"], outer["span_id"]);
    assert_eq!(
        outer["parent_span_id"],
        transaction["contexts"]["trace"]["span_id"]
    );
    assert_eq!(inner["status"], "not_found");
    assert_eq!(inner["data"]["rows"], 3);
    assert_eq!(event["contexts"]["trace"]["span_id"], inner["span_id"]);
    // Nothing is active any more, so this begins a transaction.
    let next = bridge.start_span(GLOBAL, "task", "next").unwrap();
    bridge.finish_span(next, None).unwrap();
    assert_eq!(only(&bridge).1["transaction"], "next");
}

#[test]
fn traces_go_on_from_headers_and_out_in_headers() {
    let bridge = bridge_with(json!({"traces_sample_rate": 0.0}));
    let headers =
        br#"{"Sentry-Trace": "4c79f60c11214eb38604f4ae0781bfb2-e9c0f0f2b7a1d3c5-1", "accept": 7}"#;
    bridge.continue_trace(GLOBAL, headers).unwrap();
    let out: Value = serde_json::from_str(&bridge.trace_headers(GLOBAL).unwrap()).unwrap();
    assert!(
        out["sentry-trace"]
            .as_str()
            .unwrap()
            .starts_with("4c79f60c11214eb38604f4ae0781bfb2-")
    );
    assert!(
        out["traceparent"]
            .as_str()
            .unwrap()
            .starts_with("00-4c79f60c11214eb38604f4ae0781bfb2-")
    );
    let span = bridge
        .start_transaction(GLOBAL, "/", "http.server", Some(headers))
        .unwrap();
    bridge.finish_span(span, None).unwrap();
    let (kind, sent) = only(&bridge);
    assert_eq!(kind, "transaction", "the caller decided to keep the trace");
    assert_eq!(
        sent["contexts"]["trace"]["parent_span_id"],
        "e9c0f0f2b7a1d3c5"
    );
}
