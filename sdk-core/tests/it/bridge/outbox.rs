//! Envelopes that the host takes, and what it says about them.

use mini_sentry::bridge::GLOBAL;
use serde_json::json;

use super::{NIL, NOW_MS, bridge, bridge_with, delivered, losses, lost, payloads, sent};

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
