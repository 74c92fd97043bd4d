//! The golden vectors of events, through the bridge.

use std::fs;
use std::path::Path;

use mini_sentry::bridge::GLOBAL;
use serde_json::{Value, json};

use super::{bridge_with, only_event};

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
        let bridge = bridge_with(json!({"release": "shop@1", "scrub": false}));
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
