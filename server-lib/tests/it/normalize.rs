//! Events that official SDKs sent, as people see them: nothing is lost, and little is added.

use std::path::Path;

use bytes::Bytes;
use mini_sentry::protocol::{Event, EventId};
use mini_sentry_server::digest::normalize;
use mini_sentry_server::facts::FrameRules;
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::model::record::{Record, RecordContext, RecordHead, RecordKind};
use mini_sentry_server::model::time::Millis;
use serde_json::{Value, json};

/// 2026-11-20T14:00:00Z, a while after the events were captured.
const RECEIVED: Millis = Millis(1_795_183_200_000);

fn record(name: &str, context: RecordContext) -> Record {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/facts");
    let body = std::fs::read(folder.join(name).with_extension("json")).unwrap();
    let id = Event::from_json(&body).unwrap().event_id.unwrap();
    Record {
        seq: Seq(1),
        head: RecordHead {
            project: ProjectId(1),
            kind: RecordKind::Event,
            event_id: id,
            received: RECEIVED,
            context,
        },
        body: Bytes::from(body),
    }
}

/// Returns the JSON of the event as it came and as it is shown, and the paths that differ.
fn compare(record: &Record) -> (Value, Vec<String>) {
    let came = serde_json::to_value(Event::from_json(&record.body).unwrap()).unwrap();
    let event = normalize::event(record, &FrameRules::default());
    let shown = serde_json::to_value(event).unwrap();
    let mut paths = Vec::new();
    collect_differences(&came, &shown, "", &mut paths);
    paths.sort();
    (shown, paths)
}

fn collect_differences(came: &Value, shown: &Value, path: &str, out: &mut Vec<String>) {
    match (came, shown) {
        (Value::Object(came), Value::Object(shown)) => {
            for key in came
                .keys()
                .chain(shown.keys().filter(|key| !came.contains_key(*key)))
            {
                let [came, shown] = [came, shown].map(|object| object.get(key));
                let path = format!("{path}.{key}");
                let null = Value::Null;
                let [came, shown] = [came, shown].map(|value| value.unwrap_or(&null));
                collect_differences(came, shown, &path, out);
            }
        }
        (Value::Array(came), Value::Array(shown)) if came.len() == shown.len() => {
            for (came, shown) in came.iter().zip(shown) {
                collect_differences(came, shown, &format!("{path}[]"), out);
            }
        }
        _ if came == shown => {}
        _ => out.push(path.to_owned()),
    }
}

#[test]
fn an_event_of_the_python_sdk_keeps_all_that_it_had() {
    let context = RecordContext {
        client_ip: Some([192, 0, 2, 7].into()),
        ..RecordContext::default()
    };
    let (shown, paths) = compare(&record("python-chained", context));
    assert_eq!(paths, [".type", ".user.ip_address"]);
    assert_eq!(shown["type"], "error");
    assert_eq!(shown["user"]["ip_address"], "192.0.2.7");
}

#[test]
fn a_request_tells_browser_and_system_of_its_client() {
    let (shown, paths) = compare(&record("flask-request", RecordContext::default()));
    assert_eq!(paths, [".contexts.browser", ".contexts.client_os", ".type"]);
    assert_eq!(
        shown["contexts"]["browser"],
        json!({"name": "Chrome", "version": "120.0.0.0"})
    );
    assert_eq!(shown["contexts"]["client_os"], json!({"name": "Linux"}));
}

#[test]
fn frames_of_which_the_sdk_says_nothing_are_judged_by_their_path() {
    let (shown, paths) = compare(&record("python-log", RecordContext::default()));
    assert_eq!(
        paths,
        [
            ".threads.values[].stacktrace.frames[].in_app",
            ".type",
            ".user.ip_address"
        ]
        .map(str::to_owned)
        .into_iter()
        .flat_map(|path| {
            let times = if path.ends_with("in_app") {
                paths.len() - 2
            } else {
                1
            };
            vec![path; times]
        })
        .collect::<Vec<_>>()
    );
    let frames = shown["threads"]["values"][0]["stacktrace"]["frames"]
        .as_array()
        .unwrap();
    let marks: Vec<_> = frames
        .iter()
        .map(|frame| {
            (
                frame["module"].as_str().unwrap(),
                frame["in_app"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(marks[0], ("__main__", true));
    assert!(marks[1..].iter().all(|mark| *mark == ("logging", false)));
}

#[test]
fn an_event_of_the_node_sdk_moves_with_the_clock() {
    let context = RecordContext {
        drift_ms: 2_000,
        ..RecordContext::default()
    };
    let mut record = record("node-chained", context);
    let (shown, mut paths) = compare(&record);
    let moved = [
        ".breadcrumbs.values[].timestamp",
        ".contexts.app.app_start_time",
        ".contexts.device.boot_time",
        ".timestamp",
        ".type",
    ];
    paths.dedup();
    assert_eq!(paths, moved);
    assert_eq!(shown["timestamp"], "2026-11-20T13:02:45.215Z");
    record.head.event_id = EventId::from_bytes([3; 16]);
    let other = normalize::event(&record, &FrameRules::default());
    assert_eq!(other.event_id, Some(EventId::from_bytes([3; 16])));
}
