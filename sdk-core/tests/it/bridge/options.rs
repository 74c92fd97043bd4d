//! Options as JSON.

use mini_sentry::bridge::{Bridge, GLOBAL};
use serde_json::{Value, json};

use super::{NIL, NOW_MS, bridge_with, delivered, only_event, payloads};

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
fn secrets_are_scrubbed_unless_the_options_say_otherwise() {
    let extra = |options: Value| {
        let bridge = bridge_with(options);
        let event = json!({"extra": {"password": "x1", "shoe_size": "x2", "token": "x3"}});
        bridge
            .capture_event(GLOBAL, event.to_string().as_bytes())
            .unwrap();
        let extra = only_event(&bridge)["extra"].clone();
        ["password", "shoe_size", "token"].map(|key| extra[key] == "[Filtered]")
    };
    assert_eq!(extra(json!({})), [true, false, true]);
    assert_eq!(extra(json!({"scrub": true})), [true, false, true]);
    assert_eq!(extra(json!({"scrub": false})), [false, false, false]);
    let own = json!({"scrub_deny_keys": ["shoe_size"], "scrub_allow_keys": ["token"]});
    assert_eq!(extra(own), [true, true, false]);
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
