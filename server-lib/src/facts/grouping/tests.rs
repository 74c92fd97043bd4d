use std::fs;
use std::path::Path;

use mini_sentry::protocol::Event;
use mini_sentry::protocol::read::from_json;
use serde_json::Value;

use super::*;
use crate::model::settings::ProjectSettings;

fn rules(change: impl FnOnce(&mut ProjectSettings)) -> FrameRules {
    let mut settings = ProjectSettings::default();
    change(&mut settings);
    FrameRules::from_settings(&settings)
}

fn grouped(json: &str, rules: &FrameRules) -> Grouped {
    rules
        .grouping
        .group(&Scan::read(json.as_bytes()).unwrap(), rules)
}

fn key_of(json: &str) -> GroupingKey {
    grouped(json, &FrameRules::default()).key
}

#[test]
fn a_scan_has_the_key_that_the_sdk_would_tell_for_the_event() {
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-core/testdata/grouping");
    let mut count = 0;
    for file in fs::read_dir(set).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let set: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for sample in set["events"].as_array().unwrap() {
            let json = sample["event"].to_string();
            let (event, _) = from_json::<Event>(json.as_bytes()).unwrap();
            let told = Grouper::default().group(&Subject::of_event(&event)).key;
            assert_eq!(key_of(&json), GroupingKey(told.0), "{}", sample["name"]);
            count += 1;
        }
    }
    assert!(count >= 268, "only {count} events");
}

#[test]
fn a_fingerprint_decides_alone_unless_it_names_the_default() {
    let event = |fingerprint: &str, message: &str| {
        format!(r#"{{"message":"{message}","fingerprint":{fingerprint}}}"#)
    };
    assert_eq!(
        key_of(&event(r#"["db"]"#, "a")),
        key_of(&event(r#"["db"]"#, "b"))
    );
    assert_ne!(
        key_of(&event(r#"["{{ default }}","db"]"#, "a")),
        key_of(&event(r#"["{{ default }}","db"]"#, "b"))
    );
    assert_eq!(
        key_of(&event(r#"["{{default}}"]"#, "a")),
        key_of(r#"{"message":"a"}"#)
    );
    assert_ne!(
        key_of(&event(r#"["a","b"]"#, "m")),
        key_of(&event(r#"["ab"]"#, "m"))
    );
    assert_eq!(
        key_of(&event("[1, true]", "m")),
        key_of(&event(r#"["1","true"]"#, "m"))
    );
}

#[test]
fn rules_of_the_project_decide_which_frames_count() {
    let event = |function: &str| {
        format!(
            r#"{{"exception":[{{"type":"E","stacktrace":{{"frames":[
            {{"module":"shop","function":"buy"}},
            {{"module":"shop.generated","function":"{function}"}}]}}}}]}}"#
        )
    };
    let without = rules(|settings| settings.in_app_exclude = vec!["shop.generated".to_owned()]);
    let (a, b) = (event("a1"), event("b1"));
    assert_eq!(grouped(&a, &without), grouped(&b, &without));
    assert_ne!(key_of(&a), key_of(&b));
    let stack_rule = rules(|settings| {
        settings.grouping.now.stack_rules = "stack.module:shop.generated -group".to_owned();
    });
    assert_eq!(grouped(&a, &stack_rule), grouped(&b, &stack_rule));
}

#[test]
fn a_fingerprint_rule_gives_the_key_and_the_title() {
    let rules = rules(|settings| {
        settings.grouping.now.fingerprint_rules =
            "tags.kind:pay* -> pay, {{ level }} title=\"Payments: {{ tags.kind }}\"\nno rule"
                .to_owned();
    });
    let a = grouped(
        r#"{"message":"a","level":"error","tags":{"kind":"pay1"}}"#,
        &rules,
    );
    let b = grouped(
        r#"{"message":"b","level":"error","tags":[["kind","pay2"]]}"#,
        &rules,
    );
    assert_eq!(a.key, b.key);
    assert_eq!(a.title.as_deref(), Some("Payments: pay1"));
    assert_eq!(grouped(r#"{"message":"a"}"#, &rules).title, None);
}

#[test]
fn an_event_has_its_old_key_until_the_window_closes() {
    let rules = rules(|settings| {
        let new = GroupingRules {
            fingerprint_rules: "message:a* -> a".to_owned(),
            ..GroupingRules::default()
        };
        settings.grouping.adopt(new, Millis(1000));
    });
    let old = |json: &str, at| {
        let scan = Scan::read(json.as_bytes()).unwrap();
        rules.grouping.previous_key(&scan, &rules, Millis(at))
    };
    let event = r#"{"message":"a disk is full"}"#;
    assert_eq!(old(event, 999), Some(key_of(event)));
    assert_eq!(old(event, 1000), None);
    assert_ne!(grouped(event, &rules).key, key_of(event));
    // Of an event that the new rules leave where it was, there is nothing to look up.
    assert_eq!(old(r#"{"message":"b"}"#, 0), None);
}

#[test]
fn keys_are_kept_in_databases_and_never_change() {
    let key = key_of(r#"{"message":"user 42 is gone"}"#);
    // As the reference implementation of XXH3 hashes "v1␟message␟user <n> is gone".
    assert_eq!(
        key.0,
        0x26ec_eef0_bfd0_eb46_5eef_2c01_dc5f_122b_u128.to_be_bytes()
    );
}
