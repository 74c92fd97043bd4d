use mini_sentry::protocol::Event;
use proptest::prelude::*;

use super::*;

fn scan(json: &str) -> Scan<'_> {
    Scan::read(json.as_bytes()).unwrap()
}

#[test]
fn every_shape_of_an_exception_reads_the_same() {
    let one = r#"{"type":"A","value":"b","stacktrace":{"frames":[{"function":"f"}]}}"#;
    for json in [
        format!(r#"{{"exception":{one}}}"#),
        format!(r#"{{"exception":[{one}]}}"#),
        format!(r#"{{"exception":[null,{one},7]}}"#),
        format!(r#"{{"exception":{{"values":[{one}]}}}}"#),
        format!(r#"{{"sentry.interfaces.Exception":{{"values":[{one}],"more":1}}}}"#),
    ] {
        let scan = scan(&json);
        assert_eq!(scan.exceptions.len(), 1, "{json}");
        assert_eq!(scan.exceptions[0].kind.as_deref(), Some("A"));
        assert_eq!(scan.exceptions[0].value.as_deref(), Some("b"));
        assert_eq!(scan.exceptions[0].frames.len(), 1);
    }
    for json in [r#"{"exception":{}}"#, r#"{"exception":"x"}"#] {
        assert!(scan(json).exceptions.is_empty(), "{json}");
    }
}

#[test]
fn every_shape_of_a_message_reads() {
    for (json, message, template) in [
        (r#"{"message":"a"}"#, Some("a"), None),
        (r#"{"message":7}"#, Some("7"), None),
        (
            r#"{"message":{"message":"a %s"}}"#,
            Some("a %s"),
            Some("a %s"),
        ),
        (
            r#"{"message":"x","logentry":{"message":"a %s","formatted":"a b"}}"#,
            Some("a b"),
            Some("a %s"),
        ),
        (
            r#"{"message":"x","sentry.interfaces.Message":{"params":[1]}}"#,
            Some("x"),
            None,
        ),
        (r#"{"message":["a"]}"#, None, None),
    ] {
        let scan = scan(json);
        assert_eq!(scan.message.as_deref(), message, "{json}");
        assert_eq!(scan.message_template.as_deref(), template, "{json}");
    }
}

#[test]
fn the_user_agent_is_found_in_every_shape_of_headers() {
    for headers in [
        r#"{"Accept":"*/*","user-AGENT":"x/1"}"#,
        r#"{"User-Agent":["x/1","y"]}"#,
        r#"[["Accept","*/*"],["User-Agent","x/1"]]"#,
        r#"[{"key":"User-Agent","value":"x/1"}]"#,
    ] {
        let json = format!(r#"{{"request":{{"url":"u","headers":{headers}}}}}"#);
        let scan = scan(&json);
        assert_eq!(scan.user_agent.as_deref(), Some("x/1"), "{headers}");
        assert_eq!(scan.url.as_deref(), Some("u"));
    }
}

#[test]
fn fields_of_the_wrong_type_count_as_absent_or_as_the_text_that_the_core_makes() {
    let json = r#"{"level":7,"release":1.5,"dist":true,"environment":3,"user":{"id":42,"email":1},
        "fingerprint":"x","event_id":"no","timestamp":1700000000.5,"platform":null,"sdk":[]}"#;
    let scan = scan(json);
    let event = Event::from_json(json.as_bytes()).unwrap();
    assert_eq!(scan.level, None);
    assert_eq!(scan.release.as_deref(), event.release.as_deref());
    assert_eq!(scan.dist.as_deref(), event.dist.as_deref());
    assert_eq!(scan.environment, None);
    assert_eq!(scan.user.id.as_deref(), Some("42"));
    assert_eq!(scan.user.email, None);
    assert_eq!(scan.timestamp.as_deref(), Some("1700000000.5"));
    assert!(scan.fingerprint.is_empty() && scan.event_id.is_none());
}

#[test]
fn long_lists_keep_their_innermost_end() {
    let frames: Vec<_> = (0..300)
        .map(|n| format!(r#"{{"function":"f{n}"}}"#))
        .collect();
    let exceptions: Vec<_> = (0..170).map(|n| format!(r#"{{"type":"E{n}"}}"#)).collect();
    let json = format!(
        r#"{{"stacktrace":{{"frames":[{}]}},"exception":[{}],"fingerprint":[{}]}}"#,
        frames.join(","),
        exceptions.join(","),
        vec!["\"x\""; 50].join(","),
    );
    let scan = scan(&json);
    assert_eq!(scan.frames.len(), MAX_FRAMES);
    assert_eq!(
        scan.frames[MAX_FRAMES - 1].function.as_deref(),
        Some("f299")
    );
    assert_eq!(scan.exceptions.len(), MAX_EXCEPTIONS);
    assert_eq!(scan.exceptions[0].kind.as_deref(), Some("E120"));
    assert_eq!(scan.fingerprint.len(), MAX_FINGERPRINT);
}

#[test]
fn the_stack_of_the_crashed_thread_stands_for_an_event_without_exception() {
    let thread = |mark: &str, function: &str| {
        format!(r#"{{{mark}"stacktrace":{{"frames":[{{"function":"{function}"}}]}}}}"#)
    };
    let (idle, current, crashed) = (
        thread("", "a"),
        thread(r#""current":true,"#, "b"),
        thread(r#""crashed":true,"#, "c"),
    );
    for (threads, function) in [
        (format!("[{idle}]"), Some("a")),
        (format!(r#"{{"values":[{idle},{idle}]}}"#), None),
        (format!("[{idle},{current}]"), Some("b")),
        (format!("[{crashed},{current},{idle}]"), Some("c")),
    ] {
        let json = format!(r#"{{"threads":{threads}}}"#);
        let scan = scan(&json);
        let found = scan.frames.first().and_then(|f| f.function.as_deref());
        assert_eq!(found, function, "{threads}");
    }
}

#[test]
fn escapes_become_what_serde_json_makes_of_them() {
    let json =
        r#"{"message":"\"\\\/\b\f\n\r\t\u00e4\u20AC\ud83d\ude00 \uFFFF end","\u0072elease":"1"}"#;
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let scan = scan(json);
    assert_eq!(scan.message.as_deref(), value["message"].as_str());
    assert_eq!(scan.release.as_deref(), Some("1"));
}

#[test]
fn what_the_core_mends_is_taken_and_what_it_refuses_is_not() {
    for json in [
        r#"{"a":NaN,"b":[-Infinity,Infinity,1e999,-inf,--NaN]}"#.as_bytes(),
        r#"{"message":"\ud83d x \ude00 \ud83d\ud83d\ude00"}"#.as_bytes(),
        b"\xef\xbb\xbf{\"message\":\"a\xff\"}",
        b" {\"a\" : [ ] ,\t\"b\":{ }\r\n} ",
        b"{}",
    ] {
        let event = Event::from_json(json).unwrap();
        let scan = Scan::read(json).unwrap();
        let message = event.message.as_ref().map(|message| message.text());
        assert_eq!(scan.message.as_deref(), message);
    }
    for json in [
        "",
        "{",
        "}",
        "[]",
        "7",
        "null",
        "\"x\"",
        "{}}",
        "{},",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":[1,]}",
        "{\"a\":[1 2]}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":+1}",
        "{\"a\":tru}",
        "{\"a\":nul}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u+123\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"a\":1}x",
        "{\"a\":[}]",
        "{\"a\":inf}",
        "{\"a\":nullNaN}",
        "{\"a\":1NaN}",
        "{\"a\":\u{fffd}}",
    ] {
        assert!(Event::from_json(json.as_bytes()).is_err(), "{json}");
        assert!(Scan::read(json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn nesting_is_bounded_as_in_the_core() {
    for key in ["x", "exception", "user"] {
        for (open, close) in [("[", "]"), (r#"{"k":"#, "}")] {
            let nested = |levels: usize| {
                format!(
                    r#"{{"{key}":{}1{}}}"#,
                    open.repeat(levels),
                    close.repeat(levels)
                )
            };
            assert!(Scan::read(nested(126).as_bytes()).is_ok());
            assert_eq!(
                Scan::read(nested(127).as_bytes()).unwrap_err(),
                ScanError::TooDeep
            );
        }
    }
    let deep = "[".repeat(1_000_000);
    assert!(Scan::read(deep.as_bytes()).is_err());
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,24}".prop_map(Into::into),
        "[a-c\\\\\"\u{1f600}\n]{0,40}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(key(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "message",
            "formatted",
            "exception",
            "values",
            "type",
            "value",
            "stacktrace",
            "frames",
            "function",
            "in_app",
            "user",
            "id",
            "request",
            "headers",
            "fingerprint",
            "threads",
            "release",
            "timestamp",
            "logentry",
            "sdk",
            "name",
            "level",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ]
}

proptest! {
    #[test]
    fn any_object_is_taken_and_its_fields_are_those_that_the_core_reads(
        fields in prop::collection::hash_map(key(), json_value(), 0..8),
        pretty in any::<bool>(),
    ) {
        let value = serde_json::Value::Object(fields.into_iter().collect());
        let json = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        let scan = Scan::read(json.as_bytes()).unwrap();
        let event = Event::from_json(json.as_bytes()).unwrap();
        let types: Vec<_> = scan.exceptions.iter().map(|e| e.kind.as_deref()).collect();
        let expected: Vec<_> = event.exception.iter().map(|e| e.ty.as_deref()).collect();
        prop_assert_eq!(types, expected);
        prop_assert_eq!(scan.transaction.as_deref(), event.transaction.as_deref());
        if value["release"].is_string() {
            prop_assert_eq!(scan.release.as_deref(), value["release"].as_str());
        }
        if value["message"].is_string() && !value["logentry"].is_object() {
            prop_assert_eq!(scan.message.as_deref(), value["message"].as_str());
        }
    }

    #[test]
    fn damaged_text_is_taken_exactly_where_the_core_takes_it(
        fields in prop::collection::hash_map(key(), json_value(), 0..5),
        at in any::<prop::sample::Index>(),
        replacement in prop::sample::select(
            &b"\"\\{}[]:,0-.eN\x00\x1f\x80\xff u1t"[..]
        ),
        cut in any::<bool>(),
    ) {
        let value = serde_json::Value::Object(fields.into_iter().collect());
        let mut json = value.to_string().into_bytes();
        let at = at.index(json.len());
        if cut {
            json.truncate(at);
        } else {
            json[at] = replacement;
        }
        prop_assert_eq!(
            Scan::read(&json).is_ok(),
            Event::from_json(&json).is_ok(),
            "{}", String::from_utf8_lossy(&json)
        );
    }
}

#[test]
fn tags_are_read_as_a_map_or_as_pairs_and_a_mechanism_with_its_numbers() {
    let json = r#"{"tags":{"a":"1","b":2,"c":null},"request":{"method":"POST"},
        "exception":[{"type":"A","mechanism":{"type":"chained","synthetic":true,
            "is_exception_group":true,"exception_id":3,"parent_id":"x"}}]}"#;
    let scan = Scan::read(json.as_bytes()).unwrap().into_owned();
    let tags: Vec<_> = scan
        .tags
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    assert_eq!(tags, [("a", "1"), ("b", "2")]);
    assert_eq!(scan.method.as_deref(), Some("POST"));
    let exception = &scan.exceptions[0];
    assert_eq!(exception.mechanism.as_deref(), Some("chained"));
    assert!(exception.is_synthetic && exception.is_group);
    assert_eq!((exception.id, exception.parent), (Some(3), None));
    let pairs = Scan::read(br#"{"tags":[["a","1"],["b"],3,["c",true]]}"#).unwrap();
    let tags: Vec<_> = pairs
        .tags
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    assert_eq!(tags, [("a", "1"), ("c", "true")]);
}
