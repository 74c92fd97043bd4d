//! A bridge that sends by itself, to a real server on this machine.

use mini_sentry::bridge::{Bridge, GLOBAL};
use serde_json::json;

use crate::sink::{Answer, Sink};

#[test]
fn a_bridge_with_a_worker_sends_by_itself_and_keeps_to_limits() {
    let sink = Sink::start();
    let options = json!({
        "dsn": sink.dsn().to_string(), "sdk_name": "mini-sentry.node", "platform": "node", "shutdown_time": 1,
    });
    let bridge = Bridge::with_worker(&options.to_string()).unwrap();
    assert!(bridge.is_enabled());
    assert!(bridge.unknown_options().contains("shutdown_timeout"));
    sink.answer(Answer::status(429).header("X-Sentry-Rate-Limits", "600:error:key"));
    bridge.capture_message(GLOBAL, "one", "info").unwrap();
    assert!(bridge.flush(20_000).unwrap());
    let request = &sink.wait_for(1)[0];
    assert!(
        request
            .header("User-Agent")
            .unwrap()
            .starts_with("mini-sentry.node/")
    );
    assert_eq!(request.message(), "one");
    bridge.capture_message(GLOBAL, "held", "info").unwrap();
    bridge.capture_log(GLOBAL, "info", "sent", None).unwrap();
    // The outbox is the host's way to send, so there is nothing in it.
    assert_eq!(bridge.take_envelope().unwrap(), None);
    assert_eq!(bridge.next_take_ms(), -1.0);
    assert!(bridge.close(20_000).unwrap());
    let requests = sink.wait_for(2);
    let kinds: Vec<_> = requests[1..]
        .iter()
        .flat_map(|request| request.envelope().items)
        .map(|item| item.header.kind.as_str().to_owned())
        .collect();
    assert!(kinds.contains(&"log".to_owned()) && kinds.contains(&"client_report".to_owned()));
    assert!(!kinds.contains(&"event".to_owned()));
}
