//! The scrubber on JSON of any shape.

use std::borrow::Cow;

use mini_sentry::scrub::{Pattern, ScrubReport, Scrubber};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Names of every style under which a secret may stand.
const DENIED_NAMES: &[&str] = &[
    "password",
    "userPassword",
    "DB_PASSWD",
    "client-secret",
    "x-auth-token",
    "Authorization",
    "API Key",
    "apikey",
    "aws.access_key",
    "privateKey",
    "Set-Cookie",
    "sessionId",
    "csrftoken",
    "creditCard",
    "auth",
    "user.credentials",
];

/// Texts of which the part in the middle is secret.
const PLANTS: &[(&str, &str, &str)] = &[
    ("", "4111 1111 1111 1111", ""),
    ("card ", "5555555555554444", ", thanks"),
    ("", "AKIAIOSFODNN7EXAMPLE", ""),
    ("use ", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "!"),
    ("", "sntryu_0123456789abcdef0123456789abcdef", ""),
    ("Bearer ", "abcDEF123", ""),
    ("with Basic ", "dXNlcjpwYXNz", " sent"),
    ("postgres://app:", "s3cr3t!", "@db.example.com/shop"),
    ("https://example.com/?a=1&token=", "k4f", "&b=2"),
    ("{\"password\": \"", "hunter2 and more", "\"}"),
    (
        "key:\n",
        "-----BEGIN PRIVATE KEY-----\nMIIEabc\n-----END PRIVATE KEY-----",
        "\n",
    ),
    (
        "jwt ",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyLTQyIn0.c2ln",
        "",
    ),
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z_]{1,12}",
        1 => any::<String>(),
        1 => prop::sample::select(DENIED_NAMES).prop_map(str::to_owned),
        1 => prop::sample::select(&["name", "key", "value", "type", "unit", "cookies",
            "modules", "fingerprint", "timestamp", "tokens"][..]).prop_map(str::to_owned),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let plant = prop::sample::select(PLANTS).prop_map(|(a, b, c)| format!("{a}{b}{c}"));
    let piece = prop_oneof![
        3 => "[ -~]{0,12}",
        1 => any::<String>(),
        1 => plant,
        1 => name(),
        2 => "[-=:@'\" \\\\/.0-9a]{1,6}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The value inside of so many objects and lists.
fn buried(value: Value, path: &[(bool, String)]) -> Value {
    path.iter().fold(value, |inner, (in_list, name)| {
        if *in_list {
            json!([1, "x", inner, null])
        } else {
            Value::Object(Map::from_iter([(name.clone(), inner)]))
        }
    })
}

fn path() -> impl Strategy<Value = Vec<(bool, String)>> {
    prop::collection::vec((any::<bool>(), "[a-c]{1,8}"), 0..40)
}

/// The same JSON with white space, and with escapes where none are needed.
fn rewritten(json: &str, spaced: bool, escaped: bool) -> String {
    let mut out = String::new();
    let (mut in_string, mut after_slash) = (false, false);
    for character in json.chars() {
        if character == '"' && !after_slash {
            in_string = !in_string;
        }
        if in_string && escaped && !after_slash && matches!(character, 'a'..='z' | '=' | '@') {
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
        after_slash = in_string && character == '\\' && !after_slash;
        if spaced && !in_string && matches!(character, '{' | '[' | ':' | ',' | '"' | '}' | ']') {
            out.push_str(" \n");
        }
    }
    out
}

fn scrub(json: &[u8]) -> (Vec<u8>, ScrubReport) {
    let mut report = ScrubReport::default();
    let clean = Scrubber::new().scrub(json, &mut report).into_owned();
    (clean, report)
}

/// Asserts that the second value is the first one but for texts and values that were replaced.
fn assert_same_shape(before: &Value, after: &Value) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            assert!(before.keys().eq(after.keys()));
            for (name, value) in before {
                assert_same_shape(value, &after[name]);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            for (before, after) in before.iter().zip(after) {
                assert_same_shape(before, after);
            }
        }
        (before, Value::String(after)) if after.contains("[Filtered]") => {
            assert_ne!(before, &Value::Null);
        }
        (Value::String(_), Value::String(ty)) if ty == "string" => {}
        (before, after) => assert_eq!(before, after),
    }
}

proptest! {
    #[test]
    fn valid_json_stays_valid_and_keeps_its_shape(
        value in value(), spaced in any::<bool>(), escaped in any::<bool>(),
    ) {
        let json = rewritten(&value.to_string(), spaced, escaped);
        prop_assert_eq!(&serde_json::from_str::<Value>(&json).expect("same JSON"), &value);
        let (clean, _) = scrub(json.as_bytes());
        let after = serde_json::from_slice::<Value>(&clean);
        prop_assert!(after.is_ok(), "{}", String::from_utf8_lossy(&clean));
        assert_same_shape(&value, &after.expect("just looked"));
    }

    #[test]
    fn scrubbing_again_changes_nothing(
        value in value(), spaced in any::<bool>(), escaped in any::<bool>(),
    ) {
        let json = rewritten(&value.to_string(), spaced, escaped);
        let (once, _) = scrub(json.as_bytes());
        let (twice, report) = scrub(&once);
        prop_assert_eq!(String::from_utf8_lossy(&once), String::from_utf8_lossy(&twice));
        prop_assert!(report.is_empty());
    }

    #[test]
    fn texts_may_be_scrubbed_again(text in text()) {
        let scrubber = Scrubber::new();
        let once = scrubber.scrub_text(&text, &mut ScrubReport::default()).into_owned();
        let twice = scrubber.scrub_text(&once, &mut ScrubReport::default());
        prop_assert_eq!(&twice, &once);
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (once, _) = scrub(&bytes);
        scrub(&once);
    }

    #[test]
    fn bytes_that_look_like_json_are_taken(
        text in r#"([\[\]{}:,"\\ ]|"password"|"cookies"|"value"|"name"|"type"|"a"|\\u00|12|null|x){0,60}"#,
    ) {
        let (once, _) = scrub(text.as_bytes());
        scrub(&once);
    }

    #[test]
    fn cut_events_are_taken(value in value(), part in 0.0..1.0) {
        let json = value.to_string();
        let cut = (json.len() as f64 * part) as usize;
        scrub(&json.as_bytes()[..cut]);
    }

    #[test]
    fn a_denied_name_hides_its_value_wherever_it_is(
        name in prop::sample::select(DENIED_NAMES),
        path in path(),
        form in 0..6,
        spaced in any::<bool>(),
        escaped in any::<bool>(),
    ) {
        let secret = "hunter2";
        let planted = match form {
            0 => Value::Object(Map::from_iter([(name.to_owned(), json!(secret))])),
            1 => Value::Object(Map::from_iter([(name.to_owned(), json!({"a": [secret]}))])),
            2 => json!([[name.replace(' ', "-"), secret]]),
            3 => json!({"key": name.replace(' ', "-"), "value": secret}),
            4 => json!({"value": secret, "zname": 1, "name": name.replace(' ', "-")}),
            _ => Value::Object(Map::from_iter([
                (name.to_owned(), json!({"value": secret, "type": "string"})),
            ])),
        };
        let json = rewritten(&buried(planted, &path).to_string(), spaced, escaped);
        let (clean, report) = scrub(json.as_bytes());
        let clean = serde_json::from_slice::<Value>(&clean).expect("JSON").to_string();
        prop_assert!(!clean.contains(secret), "{clean}");
        prop_assert_eq!(report.total(), 1);
    }

    #[test]
    fn a_secret_with_a_form_is_found_wherever_it_is(
        plant in prop::sample::select(PLANTS),
        around in ("[ä.,() ]{0,40}", "[ä.,() ]{0,40}"),
        name in "[a-cx-z]{1,20}",
        path in path(),
        spaced in any::<bool>(),
        escaped in any::<bool>(),
    ) {
        let (before, secret, after) = plant;
        let text = format!("{} {before}{secret}{after} {}", around.0, around.1);
        let expected = format!("{} {before}[Filtered]{after} {}", around.0, around.1);
        let planted = |text| buried(Value::Object(Map::from_iter([(name.clone(), json!([text]))])), &path);
        let json = rewritten(&planted(text).to_string(), spaced, escaped);
        let (clean, _) = scrub(json.as_bytes());
        prop_assert_eq!(serde_json::from_slice::<Value>(&clean).expect("JSON"), planted(expected));
    }

    #[test]
    fn what_matches_nothing_is_not_copied(words in prop::collection::vec("[a-z]{1,5}", 1..40)) {
        let json = json!({"message": words.join(" "), "extra": words}).to_string();
        let scrubber = Scrubber::empty().deny_key("password").pattern(Pattern::payment_card());
        let clean = scrubber.scrub(json.as_bytes(), &mut ScrubReport::default());
        prop_assert!(matches!(clean, Cow::Borrowed(_)));
    }
}

#[test]
fn very_deep_json_is_scrubbed() {
    let depth = 10_000;
    let open = r#"{"a":[{"value":"#.repeat(depth);
    let close = r#","name":"x"}]}"#.repeat(depth);
    let json = format!(r#"{open}{{"password":"hunter2"}}{close}"#);
    let (clean, report) = scrub(json.as_bytes());
    let expected = json.replace("hunter2", "[Filtered]");
    assert!(clean == expected.as_bytes());
    assert_eq!(report.count("password"), 1);
}

#[test]
fn a_very_deep_value_is_removed() {
    let json = format!(
        r#"{{"password":{}{},"a":1}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert_eq!(
        scrub(json.as_bytes()).0,
        br#"{"password":"[Filtered]","a":1}"#
    );
}

#[test]
fn hostile_repetitions_are_read_in_one_pass() {
    for part in [
        r#"{"value":"#,
        r#"{"name":"password","#,
        r#"["password",["#,
        r#"{"password":{"value":"#,
        r#""value":"a","name":"password","#,
        r#""a=a='a=\"a="#,
        "\"a:\\\"a:'",
        "eyJ-",
        "://a:",
        "Bearer ",
        "-----BEGIN PRIVATE KEY",
        "sk-",
        "4111-",
        "\\u0070",
        "{\"cookies\":[",
        "{\"cookies\":{\"a\":",
    ] {
        for start in ["", "{\"a\":\"", "[\""] {
            let text = format!("{start}{}", part.repeat(50_000));
            scrub(text.as_bytes());
        }
    }
}
