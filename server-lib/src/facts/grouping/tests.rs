use super::*;
use crate::model::settings::ProjectSettings;

fn key_of(json: &str) -> GroupingKey {
    key(
        &Scan::read(json.as_bytes()).unwrap(),
        &FrameRules::default(),
    )
}

fn template(text: &str) -> String {
    let mut out = String::new();
    append_template(text, &mut out);
    out
}

#[test]
fn what_varies_in_a_message_is_put_aside() {
    for (text, expected) in [
        ("user 42 is gone", "user <n> is gone"),
        ("took 1.25s, 3 retries", "took <n>s, <n> retries"),
        ("no route to 192.0.2.7:8080.", "no route to <n>:<n>."),
        (
            "job 6f9619ff-8b86-d011-b42d-00c04fc964ff failed",
            "job <id> failed",
        ),
        ("object at 0x7f3a", "object at <id>"),
        ("commit deadbeef01", "commit <id>"),
        ("decade facade", "decade facade"),
        ("mail to a@example.com.", "mail to <id>."),
        ("no file 'a b.txt'", "no file <s>"),
        (r#"key "x" of "y" is bad"#, "key <s> of <s> is bad"),
        ("can't read user's file", "can't read user's file"),
        ("first line\nsecond 42", "first line"),
        ("at 2026-11-20 10:20", "at <n> <n>:<n>"),
        ("naïve 'ä' ß7", "naïve <s> ß<n>"),
        ("", ""),
        ("'", "'"),
    ] {
        assert_eq!(template(text), expected, "{text}");
    }
}

#[test]
fn equal_stacks_are_one_group_whatever_line_value_and_recursion_say() {
    let event = |value: &str, line: u32, own: &str| {
        format!(
            r#"{{"exception":{{"values":[{{"type":"KeyError","value":"{value}","stacktrace":{{"frames":[
            {{"module":"lib","function":"run","in_app":false,"lineno":{line}}},
            {own}{{"module":"shop","function":"buy","in_app":true,"lineno":{line}}}]}}}}]}}}}"#
        )
    };
    let recursion = r#"{"module":"shop","function":"buy","in_app":true,"lineno":3},"#;
    let other = r#"{"module":"shop","function":"sell","in_app":true},"#;
    assert_eq!(key_of(&event("a", 1, "")), key_of(&event("b", 2, "")));
    assert_eq!(
        key_of(&event("a", 1, "")),
        key_of(&event("a", 1, recursion))
    );
    assert_ne!(key_of(&event("a", 1, "")), key_of(&event("a", 1, other)));
}

#[test]
fn another_type_is_another_group_and_so_is_another_cause() {
    let event = |types: &[&str]| {
        let values: Vec<_> = types
            .iter()
            .map(|kind| format!(r#"{{"type":"{kind}","value":"x"}}"#))
            .collect();
        format!(r#"{{"exception":[{}]}}"#, values.join(","))
    };
    assert_ne!(key_of(&event(&["A"])), key_of(&event(&["B"])));
    assert_ne!(key_of(&event(&["A", "B"])), key_of(&event(&["B"])));
    assert_ne!(key_of(&event(&["A", "B"])), key_of(&event(&["B", "A"])));
}

#[test]
fn messages_group_by_their_template_or_by_what_stays_of_them() {
    let entry = r#"{"logentry":{"message":"user %s is gone","formatted":"user ann is gone"}}"#;
    let same = r#"{"logentry":{"message":"user %s is gone","formatted":"user ben is gone"}}"#;
    assert_eq!(key_of(entry), key_of(same));
    assert_eq!(
        key_of(r#"{"message":"took 5 s"}"#),
        key_of(r#"{"message":"took 17 s"}"#)
    );
    assert_ne!(
        key_of(r#"{"message":"took 5 s"}"#),
        key_of(r#"{"message":"took 5 h"}"#)
    );
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
fn pages_of_one_script_are_one_group_whatever_host_query_and_build_say() {
    let event = |file: &str| {
        format!(
            r#"{{"exception":[{{"type":"Error","value":"x","stacktrace":{{"frames":[
            {{"filename":"{file}","function":"a","in_app":true}}]}}}}]}}"#
        )
    };
    assert_eq!(
        key_of(&event("https://a.example/app.3f2a1b9c.js?v=1")),
        key_of(&event("https://b.example/app.99aa00bb.js"))
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
    let rules = FrameRules::from_settings(&ProjectSettings {
        in_app_exclude: vec!["shop.generated".to_owned()],
        ..ProjectSettings::default()
    });
    let (a, b) = (event("a1"), event("b1"));
    let with_rules = |json: &str| key(&Scan::read(json.as_bytes()).unwrap(), &rules);
    assert_eq!(with_rules(&a), with_rules(&b));
    assert_ne!(key_of(&a), key_of(&b));
}

#[test]
fn keys_are_kept_in_databases_and_never_change() {
    let key = key_of(r#"{"message":"user 42 is gone"}"#);
    // As the reference implementation of XXH3 hashes "v0␟message␟user <n> is gone".
    assert_eq!(
        key.0,
        0x8ec1_471a_4142_f222_2baf_433e_c758_7bcf_u128.to_be_bytes()
    );
}
