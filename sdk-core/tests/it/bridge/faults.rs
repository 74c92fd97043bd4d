//! What is refused, and what happens when the SDK itself fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mini_sentry::bridge::{Bridge, GLOBAL};
use mini_sentry::clock::Clock;
use mini_sentry::protocol::Timestamp;
use mini_sentry::test::TestTransport;
use mini_sentry::transport::{Transport, TransportOptions};
use mini_sentry::{Client, ClientOptions};

use super::{NIL, NOW_MS, bridge, losses, lost, sent};

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
