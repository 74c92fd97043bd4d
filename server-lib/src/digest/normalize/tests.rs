use bytes::Bytes;
use mini_sentry::protocol::{Context, EventId};
use serde_json::json;

use super::*;
use crate::model::ids::{ProjectId, Seq};
use crate::model::record::{RecordContext, RecordHead};
use crate::model::settings::ProjectSettings;
use crate::model::time::Millis;

/// 2026-01-02T03:04:05Z.
const RECEIVED: Millis = Millis(1_767_323_045_000);
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0";
const PHONE: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/A1) AppleWebKit/537.36 \
    (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36";

fn record(body: &Value) -> Record {
    Record {
        seq: Seq(1),
        head: RecordHead {
            project: ProjectId(1),
            kind: RecordKind::Event,
            event_id: EventId::from_bytes([7; 16]),
            received: RECEIVED,
            context: RecordContext::default(),
        },
        body: Bytes::from(body.to_string()),
    }
}

fn read(body: &Value) -> Event {
    event(&record(body), &FrameRules::default())
}

fn context(event: &Event, name: &str) -> Value {
    serde_json::to_value(event.contexts.get(name)).unwrap()
}

#[test]
fn what_is_missing_gets_its_default() {
    let event = read(&json!({"event_id": "00000000000000000000000000000001"}));
    assert_eq!(event.event_id, Some(EventId::from_bytes([7; 16])));
    assert_eq!(event.level, Some(Level::Error));
    assert_eq!(event.platform.as_deref(), Some("other"));
    assert_eq!(event.ty.as_deref(), Some("default"));
    assert_eq!(event.timestamp, Some(RECEIVED.to_timestamp()));
    assert!(event.errors.is_empty());
    let kind = |body: &Value| read(body).ty.unwrap();
    assert_eq!(kind(&json!({"exception": [{"type": "A"}]})), "error");
    assert_eq!(kind(&json!({"type": "csp"})), "csp");
    assert_eq!(kind(&json!({"type": "gibberish"})), "default");
}

#[test]
fn all_times_move_with_the_clients_clock() {
    let mut record = record(&json!({
        "timestamp": "2026-01-02T02:04:05Z",
        "breadcrumbs": [{"timestamp": 1_767_319_444.5}],
        "contexts": {"app": {"app_start_time": "2026-01-02T01:04:05Z"}},
        "start_timestamp": 1_767_319_440,
        "spans": [{"start_timestamp": 1_767_319_441.5, "timestamp": "2026-01-02T02:04:05Z"}],
    }));
    record.head.context.drift_ms = 3_600_000;
    let event = event(&record, &FrameRules::default());
    assert_eq!(event.timestamp.unwrap().to_string(), "2026-01-02T03:04:05Z");
    let breadcrumb = event.breadcrumbs[0].timestamp.unwrap();
    assert_eq!(breadcrumb.to_string(), "2026-01-02T03:04:04.500Z");
    assert_eq!(
        context(&event, "app")["app_start_time"],
        "2026-01-02T02:04:05Z"
    );
    assert_eq!(event.other["start_timestamp"], json!(1_767_323_040.0));
    assert_eq!(
        event.other["spans"],
        json!([{"start_timestamp": 1_767_323_041.5, "timestamp": 1_767_323_045.0}])
    );
}

#[test]
fn a_time_that_cannot_be_right_becomes_that_of_arrival_with_a_note() {
    for (time, note) in [
        ("2025-11-02T03:04:05Z", Some("past_timestamp")),
        ("2025-12-04T03:04:05Z", None),
        ("2026-01-02T03:05:05Z", None),
        ("2026-01-02T03:06:05Z", Some("future_timestamp")),
    ] {
        let event = read(&json!({"timestamp": time}));
        let expected = note.map_or(time.to_owned(), |_| "2026-01-02T03:04:05Z".to_owned());
        assert_eq!(event.timestamp.unwrap().to_string(), expected);
        let kind = event.errors.first().and_then(|error| error.ty.as_deref());
        assert_eq!(kind, note, "{time}");
    }
}

#[test]
fn an_automatic_address_is_the_senders_or_nothing() {
    let body = json!({
        "user": {"id": "42", "ip_address": "{{auto}}"},
        "request": {"env": {"REMOTE_ADDR": "{{auto}}"}},
    });
    let mut record = record(&body);
    let unknown = event(&record, &FrameRules::default());
    assert_eq!(unknown.user.unwrap().ip_address, None);
    assert!(unknown.request.unwrap().env.is_empty());
    record.head.context.client_ip = Some("192.0.2.7".parse().unwrap());
    let known = event(&record, &FrameRules::default());
    assert_eq!(known.user.unwrap().ip_address.as_deref(), Some("192.0.2.7"));
    assert_eq!(known.request.unwrap().env["REMOTE_ADDR"], "192.0.2.7");
    record.body = Bytes::from(json!({"user": {"ip_address": "192.0.2.9"}}).to_string());
    let told = event(&record, &FrameRules::default());
    assert_eq!(told.user.unwrap().ip_address.as_deref(), Some("192.0.2.9"));
    record.body = Bytes::from_static(b"{}");
    let absent = event(&record, &FrameRules::default());
    assert_eq!(
        absent.user.unwrap().ip_address.as_deref(),
        Some("192.0.2.7")
    );
}

#[test]
fn browser_system_and_device_come_from_the_user_agent() {
    let mut record = record(&json!({"platform": "javascript"}));
    record.head.context.user_agent = Some(FIREFOX.to_owned());
    let browser = event(&record, &FrameRules::default());
    assert_eq!(
        context(&browser, "browser"),
        json!({"name": "Firefox", "version": "120.0"})
    );
    assert_eq!(context(&browser, "os"), json!({"name": "Linux"}));
    assert!(!browser.contexts.contains_key("device"));
    record.head.context.user_agent = Some(PHONE.to_owned());
    let phone = event(&record, &FrameRules::default());
    assert_eq!(context(&phone, "os")["name"], "Android");
    assert_eq!(
        context(&phone, "device"),
        json!({"family": "Pixel", "model": "Pixel 8"})
    );
}

#[test]
fn a_servers_own_system_is_not_its_clients() {
    let event = read(&json!({
        "platform": "python",
        "contexts": {"browser": {"name": "Told"}},
        "request": {"headers": [["user-agent", FIREFOX]]},
    }));
    assert_eq!(context(&event, "browser"), json!({"name": "Told"}));
    assert_eq!(context(&event, "client_os"), json!({"name": "Linux"}));
    assert!(!event.contexts.contains_key("os"));
    assert!(matches!(
        event.contexts.get("client_os"),
        Some(Context::Other(_))
    ));
}

#[test]
fn frames_are_marked_by_the_rules_of_the_project() {
    let rules = FrameRules::from_settings(&ProjectSettings {
        in_app_exclude: vec!["shop.generated".to_owned()],
        ..ProjectSettings::default()
    });
    let frames = json!({"frames": [
        {"module": "shop.generated.api", "in_app": true},
        {"module": "shop.cart"},
        {"module": "flask", "in_app": false},
    ]});
    let body = json!({
        "exception": [{"type": "A", "stacktrace": frames}],
        "threads": {"values": [{"stacktrace": frames}]},
        "stacktrace": frames,
    });
    let event = event(&record(&body), &rules);
    let stacks = [
        event.exception[0].stacktrace.as_ref(),
        event.threads[0].stacktrace.as_ref(),
        event.stacktrace.as_ref(),
    ];
    for stack in stacks {
        let marks: Vec<_> = stack.unwrap().frames.iter().map(|f| f.in_app).collect();
        assert_eq!(marks, [Some(false), Some(true), Some(false)]);
    }
}

#[test]
fn what_is_too_long_is_cut_and_what_lost_elements_is_noted() {
    let long = "ä".repeat(9000);
    let frames: Vec<_> = (0..300)
        .map(|n| json!({"function": format!("f{n}")}))
        .collect();
    let event = read(&json!({
        "message": long,
        "release": long,
        "tags": {"k": long, (long.clone()): "v"},
        "breadcrumbs": (0..120).map(|n| json!({"message": n.to_string()})).collect::<Vec<_>>(),
        "exception": [{"type": "A", "value": long, "stacktrace": {"frames": frames}}],
    }));
    let chars = |text: &str| (text.chars().count(), text.ends_with('…'));
    assert_eq!(chars(event.message.as_ref().unwrap().text()), (8192, true));
    assert_eq!(chars(event.release.as_ref().unwrap()), (250, true));
    assert_eq!(chars(&event.tags["k"]), (200, true));
    assert!(event.tags.keys().all(|key| key.chars().count() <= 200));
    assert_eq!(event.breadcrumbs.len(), 100);
    assert_eq!(event.breadcrumbs[0].message.as_deref(), Some("20"));
    let stack = event.exception[0].stacktrace.as_ref().unwrap();
    assert_eq!(stack.frames.len(), 250);
    assert_eq!(stack.frames[125].function.as_deref(), Some("f175"));
    assert_eq!(stack.frames_omitted, Some(json!([125, 175])));
    let notes: Vec<_> = event
        .errors
        .iter()
        .map(|error| error.name.as_deref())
        .collect();
    assert_eq!(notes, [Some("breadcrumbs")]);
}

#[test]
fn a_body_that_cannot_be_read_is_an_event_with_an_error() {
    let mut record = record(&json!({}));
    record.body = Bytes::from_static(b"{\"message\":");
    let event = event(&record, &FrameRules::default());
    assert_eq!(event.errors[0].ty.as_deref(), Some("invalid_json"));
    assert_eq!(event.event_id, Some(record.head.event_id));
    assert_eq!(event.timestamp, Some(RECEIVED.to_timestamp()));
}

#[test]
fn a_field_of_the_wrong_type_stays_as_a_note() {
    let event = read(&json!({"level": 7, "message": "m"}));
    assert_eq!(event.errors[0].name.as_deref(), Some("level"));
    assert_eq!(event.level, Some(Level::Error));
}
