//! What a host captures, and what comes out.

use mini_sentry::bridge::{Bridge, GLOBAL};
use mini_sentry::envelope::Payload;
use serde_json::json;

use super::{NOW_MS, bridge, bridge_with, delivered, only, only_event, payload, payloads, sent};

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
    assert_eq!(
        event["contexts"].get("runtime"),
        None,
        "that is the host's to say"
    );
    assert_eq!(event["sdk"]["name"], "mini-sentry.python");
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
