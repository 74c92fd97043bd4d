//! The face that bindings wrap, as a binding uses it: texts, bytes and numbers.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mini_sentry::bridge::{Bridge, GLOBAL};
use mini_sentry::clock::Clock;
use mini_sentry::envelope::{Envelope, Item, Payload};
use mini_sentry::protocol::Timestamp;
use mini_sentry::test::TestTransport;
use mini_sentry::transport::{Transport, TransportOptions};
use mini_sentry::{Client, ClientOptions};
use serde_json::{Value, json};

const NOW_MS: f64 = 1_700_000_000_500.0;
const NIL: &str = "00000000000000000000000000000000";

fn bridge_with(mut options: Value) -> Bridge {
    options["dsn"] = json!("http://0123456789abcdef0123456789abcdef@localhost/1");
    Bridge::with_outbox(&options.to_string(), NOW_MS).unwrap()
}

fn bridge() -> Bridge {
    bridge_with(
        json!({"release": "shop@1", "platform": "python", "sdk_name": "mini-sentry.python"}),
    )
}

/// What the host gets when it flushes and takes all, with the payloads as JSON.
fn sent(bridge: &Bridge) -> Vec<(u64, Envelope)> {
    bridge.flush(60_000).unwrap();
    let mut sent = Vec::new();
    while let Some(outgoing) = bridge.take_envelope().unwrap() {
        let parsed = Envelope::parse(&outgoing.bytes).unwrap();
        assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
        sent.push((outgoing.id, parsed.envelope));
    }
    sent
}

/// The same, with everything answered well.
fn delivered(bridge: &Bridge) -> Vec<Envelope> {
    let answer = |(id, envelope)| {
        assert!(!bridge.response(id, 200, None, None).unwrap());
        envelope
    };
    sent(bridge).into_iter().map(answer).collect()
}

fn payloads(envelopes: &[Envelope]) -> Vec<(String, Value)> {
    let items = envelopes.iter().flat_map(|envelope| &envelope.items);
    items
        .map(|item| (item.header.kind.as_str().to_owned(), payload(item)))
        .collect()
}

fn payload(item: &Item) -> Value {
    let mut json = Vec::new();
    item.payload.write_json(&mut json).unwrap();
    serde_json::from_slice(&json).unwrap_or_else(|_| String::from_utf8(json).unwrap().into())
}

/// The only payload there is.
fn only(bridge: &Bridge) -> (String, Value) {
    let mut payloads = payloads(&delivered(bridge));
    assert_eq!(payloads.len(), 1, "{payloads:?}");
    payloads.remove(0)
}

fn only_event(bridge: &Bridge) -> Value {
    let (kind, event) = only(bridge);
    assert_eq!(kind, "event");
    event
}

fn losses(bridge: &Bridge) -> Vec<(String, String, u64)> {
    let report: Value = serde_json::from_str(&bridge.loss_report().unwrap()).unwrap();
    let entries = report["discarded_events"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    entries
        .iter()
        .map(|e| {
            (
                text(e, "category"),
                text(e, "reason"),
                e["quantity"].as_u64().unwrap(),
            )
        })
        .collect()
}

fn lost(category: &str, reason: &str, quantity: u64) -> (String, String, u64) {
    (category.to_owned(), reason.to_owned(), quantity)
}

#[test]
fn a_bridge_may_be_used_from_any_thread() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Bridge>();
}

#[test]
fn a_message_comes_out_with_the_hosts_time_and_options() {
    let bridge = bridge();
    let id = bridge
        .capture_message(GLOBAL, "the cache is cold", "warning")
        .unwrap();
    bridge.flush(60_000).unwrap();
    bridge.set_now(NOW_MS + 2_000.0);
    let envelope = delivered(&bridge).remove(0);
    assert_eq!(envelope.event_id().unwrap().to_string(), id);
    assert_eq!(json!(envelope.header.sent_at), "2023-11-14T22:13:22.500Z");
    let event = payload(&envelope.items[0]);
    assert_eq!(event["message"], "the cache is cold");
    assert_eq!(event["level"], "warning");
    assert_eq!(event["timestamp"], "2023-11-14T22:13:20.500Z");
    assert_eq!(event["release"], "shop@1");
    assert_eq!(event["platform"], "python");
    assert_eq!(event["sdk"]["name"], "mini-sentry.python");
}

/// True when both are the same; `1` and `1.0` are.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| is_same(a, b)))
        }
        _ => a == b,
    }
}

#[test]
fn golden_events_come_out_as_they_should_with_nothing_but_defaults_added() {
    const DEFAULTS: &[&str] = &[
        "event_id",
        "timestamp",
        "level",
        "platform",
        "server_name",
        "release",
        "sdk",
        "contexts",
    ];
    const CONTEXTS: &[&str] = &["os", "device", "runtime", "trace"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/events");
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".in.json") else {
            continue;
        };
        count += 1;
        let input = fs::read(folder.join(format!("{name}.in.json"))).unwrap();
        let wanted = fs::read(folder.join(format!("{name}.out.json"))).unwrap();
        let wanted: Value = serde_json::from_slice(&wanted).unwrap();
        let bridge = bridge();
        bridge.capture_event(GLOBAL, &input).unwrap();
        let event = only_event(&bridge);
        for (key, wanted) in wanted.as_object().unwrap() {
            if key == "contexts" {
                for (context, wanted) in wanted.as_object().unwrap() {
                    let got = &event["contexts"][context];
                    assert!(is_same(got, wanted), "{name} {context}: {got} {wanted}");
                }
                continue;
            }
            let got = &event[key];
            assert!(is_same(got, wanted), "{name} {key}: {got} {wanted}");
        }
        for key in event.as_object().unwrap().keys() {
            let is_known = wanted.get(key).is_some() || DEFAULTS.contains(&key.as_str());
            assert!(is_known, "{name}: {key} was added");
        }
        for key in event["contexts"].as_object().unwrap().keys() {
            let given = wanted
                .get("contexts")
                .and_then(|contexts| contexts.get(key));
            assert!(
                given.is_some() || CONTEXTS.contains(&key.as_str()),
                "{name}: {key}"
            );
        }
    }
    assert!(count >= 42, "only {count} events");
}

#[test]
fn an_error_is_one_exception_or_a_chain() {
    let bridge = bridge();
    let one = json!({"type": "KeyError", "value": "'user'", "stacktrace": {"frames": [{"function": "f"}]}});
    bridge
        .capture_exception(GLOBAL, one.to_string().as_bytes())
        .unwrap();
    let event = only_event(&bridge);
    assert_eq!(event["exception"]["values"][0], one);
    assert_eq!(event["level"], "error");
    let chain = json!([{"type": "Cause"}, {"type": "Effect"}]);
    bridge
        .capture_exception(GLOBAL, chain.to_string().as_bytes())
        .unwrap();
    assert_eq!(only_event(&bridge)["exception"]["values"], chain);
    bridge
        .capture_exception(
            GLOBAL,
            br#"{"type": "NaN", "stacktrace": {"frames": [{"vars": {"x": NaN}}]}}"#,
        )
        .unwrap();
    assert_eq!(only_event(&bridge)["exception"]["values"][0]["type"], "NaN");
}

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
fn attachments_travel_with_the_event() {
    let bridge = bridge();
    bridge
        .add_attachment(GLOBAL, "log.txt", Some("text/plain"), b"a\nb")
        .unwrap();
    bridge.capture_message(GLOBAL, "with", "info").unwrap();
    let envelope = delivered(&bridge).remove(0);
    let item = &envelope.items[1];
    assert_eq!(item.header.filename.as_deref(), Some("log.txt"));
    assert_eq!(item.header.content_type.as_deref(), Some("text/plain"));
    assert_eq!(item.payload, Payload::Raw(b"a\nb".to_vec()));
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
fn sessions_start_and_end_by_scope() {
    let bridge = bridge();
    bridge.start_session(GLOBAL).unwrap();
    bridge.set_now(NOW_MS + 1_500.0);
    bridge.end_session(GLOBAL, "exited").unwrap();
    assert_eq!(
        bridge.end_session(GLOBAL, "asleep").unwrap_err().code(),
        "unknown_name"
    );
    let updates = payloads(&delivered(&bridge));
    let statuses: Vec<_> = updates
        .iter()
        .map(|(_, update)| update["status"].clone())
        .collect();
    assert_eq!(statuses, ["ok", "exited"]);
    assert_eq!(updates[1].1["duration"], 1.5);
}

#[test]
fn a_session_of_the_page_lasts_from_the_start_to_the_close() {
    let bridge = bridge_with(json!({"release": "shop@1", "auto_session_tracking": true}));
    bridge.capture_message(GLOBAL, "bad", "error").unwrap();
    bridge.close(60_000).unwrap();
    let sent = payloads(
        &sent(&bridge)
            .into_iter()
            .map(|(_, envelope)| envelope)
            .collect::<Vec<_>>(),
    );
    let sessions = sent.iter().filter(|(kind, _)| kind == "session");
    let course: Vec<_> = sessions
        .map(|(_, s)| (s["status"].clone(), s["errors"].clone()))
        .collect();
    assert_eq!(
        course,
        [
            (json!("ok"), json!(0)),
            (json!("ok"), json!(1)),
            (json!("exited"), json!(1))
        ]
    );
}

#[test]
fn logs_check_ins_and_feedback_come_out_as_their_items() {
    let bridge = bridge();
    bridge
        .capture_log(
            GLOBAL,
            "warn",
            "slow",
            Some(br#"{"ms": 12, "cached": false}"#),
        )
        .unwrap();
    let (kind, logs) = only(&bridge);
    assert_eq!(kind, "log");
    assert_eq!(logs["items"][0]["body"], "slow");
    assert_eq!(
        logs["items"][0]["attributes"]["ms"],
        json!({"value": 12, "type": "integer"})
    );
    let id = bridge
        .capture_check_in(br#"{"monitor_slug": "nightly", "status": "in_progress"}"#)
        .unwrap();
    let (kind, word) = only(&bridge);
    assert_eq!(
        (kind.as_str(), &word["check_in_id"]),
        ("check_in", &json!(id))
    );
    assert_eq!(word["release"], "shop@1");
    let id = bridge
        .capture_feedback(GLOBAL, br#"{"message": "it broke"}"#)
        .unwrap();
    let (kind, feedback) = only(&bridge);
    assert_eq!(
        (kind.as_str(), &feedback["event_id"]),
        ("feedback", &json!(id))
    );
    assert_eq!(feedback["contexts"]["feedback"]["message"], "it broke");
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
fn a_finished_transaction_may_come_as_json() {
    let bridge = bridge();
    let json = json!({
        "type": "transaction", "transaction": "/cart", "release": "own@2",
        "start_timestamp": 1_700_000_000, "timestamp": 1_700_000_001,
        "contexts": {"trace": {"trace_id": "4c79f60c11214eb38604f4ae0781bfb2", "span_id": "e9c0f0f2b7a1d3c5"}},
        "spans": [{"span_id": "a9c0f0f2b7a1d3c5", "op": "db"}],
    });
    let id = bridge
        .capture_event(GLOBAL, json.to_string().as_bytes())
        .unwrap();
    let (kind, sent) = only(&bridge);
    assert_eq!(
        (kind.as_str(), &sent["event_id"]),
        ("transaction", &json!(id))
    );
    assert_eq!(sent["release"], "own@2");
    assert_eq!(sent["platform"], "python");
    assert_eq!(sent["spans"], json["spans"]);
    assert_eq!(sent["contexts"]["trace"], json["contexts"]["trace"]);
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

#[test]
fn options_are_read_by_their_names_and_unknown_ones_are_told() {
    let json = r#"{"release": null, "environment": "staging", "max_breadcrumbs": 1, "sampleRate": 0,
        "shutdown_timeout": 0.5, "in_app_include": ["shop"], "session_mode": "request", "wholly_new": {}}"#;
    let bridge = Bridge::with_outbox(json, NOW_MS).unwrap();
    let unknown: Value = serde_json::from_str(&bridge.unknown_options()).unwrap();
    let wanted = json!([
        {"name": "sampleRate", "nearest": "sample_rate"},
        {"name": "wholly_new", "nearest": null},
    ]);
    assert_eq!(unknown, wanted);
    assert!(!bridge.is_enabled(), "there is no DSN");
    assert_eq!(bridge.capture_message(GLOBAL, "x", "info").unwrap(), NIL);
    assert_eq!(bridge.capture_check_in(b"{}").unwrap(), NIL);
    assert!(bridge.flush(0).unwrap() && bridge.close(0).unwrap());
    assert_eq!(bridge.take_envelope().unwrap(), None);
    assert_eq!(bridge.next_take_ms(), -1.0);
}

#[test]
fn options_have_an_effect() {
    let bridge = bridge_with(json!({
        "max_breadcrumbs": 1, "ignore_errors": ["noise"], "environment": "staging", "server_name": "host-1",
        "enable_logs": false,
    }));
    bridge
        .add_breadcrumb(GLOBAL, br#"{"message": "old"}"#)
        .unwrap();
    bridge
        .add_breadcrumb(GLOBAL, br#"{"message": "new"}"#)
        .unwrap();
    bridge.capture_log(GLOBAL, "info", "off", None).unwrap();
    bridge
        .capture_message(GLOBAL, "some noise", "info")
        .unwrap();
    bridge.flush(60_000).unwrap();
    bridge.capture_message(GLOBAL, "kept", "info").unwrap();
    let sent = payloads(&delivered(&bridge));
    let events: Vec<_> = sent.iter().filter(|(kind, _)| kind == "event").collect();
    assert_eq!(events.len(), 1);
    let event = &events[0].1;
    assert_eq!(event["environment"], "staging");
    assert_eq!(event["server_name"], "host-1");
    assert_eq!(event["breadcrumbs"]["values"].as_array().unwrap().len(), 1);
    assert!(sent.iter().all(|(kind, _)| kind != "log"));
}

#[test]
fn every_error_has_its_code_and_tells_no_secrets() {
    let made = |json: &str| Bridge::with_outbox(json, NOW_MS).err().unwrap();
    for (json, code) in [
        ("", "invalid_options"),
        ("[]", "invalid_options"),
        (r#"{"dsn": 7}"#, "invalid_option"),
        (r#"{"sample_rate": "secret"}"#, "invalid_option"),
        (r#"{"ignore_errors": ["secret", 1]}"#, "invalid_option"),
        (r#"{"max_queue_bytes": -1}"#, "invalid_option"),
        (r#"{"shutdown_timeout": -1}"#, "invalid_option"),
        (r#"{"session_mode": "secret"}"#, "invalid_option"),
    ] {
        let error = made(json);
        assert_eq!(error.code(), code, "{json}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert_eq!(made(r#"{"dsn": "no dsn"}"#).code(), "invalid_dsn");
    let bridge = bridge();
    let deep = "[".repeat(10_000);
    let errors = [
        (
            bridge.capture_event(GLOBAL, b"{").unwrap_err(),
            "invalid_json",
        ),
        (
            bridge.capture_event(GLOBAL, b"[]").unwrap_err(),
            "not_an_object",
        ),
        (
            bridge
                .capture_event(GLOBAL, format!("{{\"a\": {deep}").as_bytes())
                .unwrap_err(),
            "too_deep",
        ),
        (
            bridge
                .capture_event(GLOBAL, &vec![b' '; 2 << 20])
                .unwrap_err(),
            "too_large",
        ),
        (bridge.capture_event(7, b"{}").unwrap_err(), "unknown_scope"),
        (
            bridge.capture_message(GLOBAL, "x", "loud").unwrap_err(),
            "unknown_name",
        ),
        (
            bridge.capture_exception(GLOBAL, b"nope").unwrap_err(),
            "invalid_json",
        ),
        (
            bridge.capture_log(GLOBAL, "loud", "x", None).unwrap_err(),
            "unknown_name",
        ),
        (
            bridge
                .capture_log(GLOBAL, "info", "x", Some(b"{"))
                .unwrap_err(),
            "invalid_json",
        ),
        (bridge.capture_check_in(b"{").unwrap_err(), "invalid_json"),
        (
            bridge.capture_feedback(GLOBAL, b"7").unwrap_err(),
            "not_an_object",
        ),
        (
            bridge.add_breadcrumb(GLOBAL, b"").unwrap_err(),
            "invalid_json",
        ),
        (
            bridge.set_user(GLOBAL, Some(b"")).unwrap_err(),
            "invalid_json",
        ),
        (
            bridge.set_context(GLOBAL, "x", Some(b"{")).unwrap_err(),
            "invalid_json",
        ),
        (
            bridge.set_extra(GLOBAL, "x", Some(b"{")).unwrap_err(),
            "invalid_json",
        ),
        (bridge.set_fields(GLOBAL, b"{").unwrap_err(), "invalid_json"),
        (bridge.set_tag(7, "x", None).unwrap_err(), "unknown_scope"),
        (
            bridge.add_attachment(7, "x", None, b"").unwrap_err(),
            "unknown_scope",
        ),
        (bridge.fork_scope(7).unwrap_err(), "unknown_scope"),
        (bridge.drop_scope(GLOBAL).unwrap_err(), "unknown_scope"),
        (bridge.push_scope(7).unwrap_err(), "unknown_scope"),
        (bridge.pop_scope(7).unwrap_err(), "unknown_scope"),
        (bridge.start_session(7).unwrap_err(), "unknown_scope"),
        (
            bridge.continue_trace(GLOBAL, b"{").unwrap_err(),
            "invalid_json",
        ),
        (bridge.trace_headers(7).unwrap_err(), "unknown_scope"),
        (bridge.start_span(7, "x", "x").unwrap_err(), "unknown_scope"),
        (
            bridge.set_span_data(7, "x", b"1").unwrap_err(),
            "unknown_span",
        ),
        (
            bridge.record_loss("error", "boredom", 1).unwrap_err(),
            "unknown_name",
        ),
    ];
    for (number, (error, code)) in errors.iter().enumerate() {
        assert_eq!(error.code(), *code, "{number}: {error}");
    }
    assert!(sent(&bridge).is_empty());
}

#[test]
fn rate_limits_hold_their_category_back_and_count_it() {
    let bridge = bridge();
    bridge.capture_message(GLOBAL, "first", "info").unwrap();
    let (id, _) = sent(&bridge).remove(0);
    assert!(
        !bridge
            .response(id, 200, Some("60:error:key"), None)
            .unwrap()
    );
    bridge
        .add_attachment(GLOBAL, "big", None, &[0; 100])
        .unwrap();
    bridge.capture_message(GLOBAL, "held", "info").unwrap();
    bridge
        .capture_log(GLOBAL, "info", "not held", None)
        .unwrap();
    let kinds: Vec<_> = payloads(&delivered(&bridge))
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(kinds, ["log", "client_report"]);
    assert!(losses(&bridge).is_empty(), "they are reported");
    bridge.set_now(NOW_MS + 60_000.0);
    bridge.capture_message(GLOBAL, "free", "info").unwrap();
    assert_eq!(payloads(&delivered(&bridge))[0].1["message"], "free");
}

#[test]
fn under_a_limit_on_everything_only_the_report_of_it_leaves() {
    let bridge = bridge();
    bridge.capture_message(GLOBAL, "first", "info").unwrap();
    bridge.capture_message(GLOBAL, "waits", "info").unwrap();
    bridge.flush(60_000).unwrap();
    let first = bridge.take_envelope().unwrap().unwrap();
    assert!(!bridge.response(first.id, 429, None, Some("30")).unwrap());
    assert_eq!(bridge.take_envelope().unwrap(), None);
    bridge
        .add_attachment(GLOBAL, "big", None, &[0; 100])
        .unwrap();
    bridge.capture_message(GLOBAL, "held", "info").unwrap();
    let reports = payloads(&delivered(&bridge));
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0].0, "client_report");
    let wanted = json!([
        {"reason": "ratelimit_backoff", "category": "error", "quantity": 2},
        {"reason": "ratelimit_backoff", "category": "attachment", "quantity": 100},
    ]);
    assert_eq!(reports[0].1["discarded_events"], wanted);
    bridge.set_now(NOW_MS + 30_000.0);
    bridge.capture_message(GLOBAL, "free", "info").unwrap();
    let last = payloads(&delivered(&bridge));
    assert!(last.iter().any(|(_, event)| event["message"] == "free"));
}

#[test]
fn failures_are_tried_again_after_a_pause_and_refusals_are_counted() {
    let bridge = bridge();
    bridge.capture_message(GLOBAL, "one", "info").unwrap();
    let (id, envelope) = sent(&bridge).remove(0);
    assert!(!bridge.flush(0).unwrap(), "the host has not answered yet");
    assert!(bridge.response(id, 0, None, None).unwrap());
    assert_eq!(bridge.take_envelope().unwrap(), None);
    assert_eq!(bridge.next_take_ms(), 1_000.0);
    bridge.set_now(NOW_MS + 1_000.0);
    let (id, again) = sent(&bridge).remove(0);
    assert_eq!(again.event_id(), envelope.event_id());
    assert!(bridge.response(id, 503, None, Some("7")).unwrap());
    assert_eq!(bridge.next_take_ms(), 7_000.0);
    bridge.set_now(NOW_MS + 8_000.0);
    let (id, _) = sent(&bridge).remove(0);
    assert!(!bridge.response(id, 413, None, None).unwrap());
    assert_eq!(losses(&bridge), [lost("error", "send_error", 1)]);
    assert!(
        !bridge.response(id, 413, None, None).unwrap(),
        "an answer counts once"
    );
    assert_eq!(losses(&bridge), [lost("error", "send_error", 1)]);
}

#[test]
fn an_envelope_over_which_the_server_keeps_failing_is_given_up() {
    let bridge = bridge();
    bridge.capture_message(GLOBAL, "poison", "info").unwrap();
    let answers: Vec<bool> = (1..=3)
        .map(|n| {
            let (id, _) = sent(&bridge).remove(0);
            let again = bridge.response(id, 500, None, None).unwrap();
            bridge.set_now(NOW_MS + f64::from(n) * 100_000.0);
            again
        })
        .collect();
    assert_eq!(answers, [true, true, false]);
    assert_eq!(losses(&bridge), [lost("error", "send_error", 1)]);
}

#[test]
fn the_outbox_is_bounded_in_bytes_and_the_oldest_go_first() {
    let bridge = bridge_with(json!({"max_queue_bytes": 50_000}));
    for n in 0..100 {
        bridge
            .capture_message(GLOBAL, &format!("{n:0>1000}"), "info")
            .unwrap();
        bridge.flush(60_000).unwrap();
    }
    let envelopes = delivered(&bridge);
    let events = payloads(&envelopes)
        .into_iter()
        .filter(|(kind, _)| kind == "event");
    let texts: Vec<_> = events.map(|(_, event)| event["message"].clone()).collect();
    assert!((10..50).contains(&texts.len()), "{}", texts.len());
    let wanted: Vec<_> = (100 - texts.len()..100)
        .map(|n| json!(format!("{n:0>1000}")))
        .collect();
    assert_eq!(texts, wanted);
    let reported: u64 = payloads(&envelopes)
        .iter()
        .filter_map(|(_, report)| report["discarded_events"].as_array())
        .flatten()
        .map(|entry| entry["quantity"].as_u64().unwrap())
        .sum();
    let pending: u64 = losses(&bridge).iter().map(|(.., count)| count).sum();
    assert_eq!(reported + pending, 100 - texts.len() as u64);
}

#[test]
fn losses_of_the_host_are_shown_and_leave_with_the_next_envelope() {
    let bridge = bridge();
    assert!(losses(&bridge).is_empty());
    bridge.record_loss("error", "before_send", 3).unwrap();
    assert_eq!(losses(&bridge), [lost("error", "before_send", 3)]);
    assert_eq!(losses(&bridge), [lost("error", "before_send", 3)]);
    bridge.capture_message(GLOBAL, "next", "info").unwrap();
    let sent = payloads(&delivered(&bridge));
    assert_eq!(sent[1].0, "client_report");
    assert_eq!(sent[1].1["discarded_events"][0]["quantity"], 3);
    assert!(losses(&bridge).is_empty());
}

#[test]
fn after_closing_what_waits_can_be_taken_and_nothing_new_comes() {
    let bridge = bridge();
    bridge.capture_message(GLOBAL, "before", "info").unwrap();
    bridge.capture_log(GLOBAL, "info", "before", None).unwrap();
    bridge.close(60_000).unwrap();
    assert!(!bridge.is_enabled());
    assert_eq!(
        bridge.capture_message(GLOBAL, "after", "info").unwrap(),
        NIL
    );
    let kinds: Vec<_> = payloads(&delivered(&bridge))
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(kinds, ["event", "log"]);
}

/// Panics while it is broken.
#[derive(Debug, Default)]
struct FragileClock {
    is_broken: Arc<AtomicBool>,
}

impl Clock for FragileClock {
    fn now(&self) -> Timestamp {
        assert!(!self.is_broken.load(Ordering::Relaxed), "expected");
        Timestamp::from_nanos(1_700_000_000_000_000_000)
    }
}

#[test]
fn a_panic_inside_becomes_an_error_and_a_loss() {
    let transport = TestTransport::default();
    let factory = move |_: &TransportOptions| Arc::new(transport.clone()) as Arc<dyn Transport>;
    let clock = FragileClock::default();
    let is_broken = Arc::clone(&clock.is_broken);
    let options = ClientOptions::new()
        .dsn("http://0123456789abcdef0123456789abcdef@localhost/1")
        .transport(factory);
    let bridge = Bridge::with_client(Arc::new(Client::new(options, Arc::new(clock))));
    is_broken.store(true, Ordering::Relaxed);
    let errors = [
        bridge.capture_message(GLOBAL, "x", "info").unwrap_err(),
        bridge.capture_log(GLOBAL, "info", "x", None).unwrap_err(),
        bridge
            .start_transaction(GLOBAL, "x", "x", None)
            .unwrap_err(),
        bridge.loss_report().unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.code() == "internal"));
    is_broken.store(false, Ordering::Relaxed);
    let wanted = ["error", "transaction", "log_item", "internal"];
    let counted = losses(&bridge);
    assert_eq!(counted.len(), wanted.len());
    for category in wanted {
        assert!(
            counted.contains(&lost(category, "internal_sdk_error", 1)),
            "{counted:?}"
        );
    }
    assert_ne!(
        bridge
            .capture_message(GLOBAL, "still here", "info")
            .unwrap(),
        NIL
    );
}
