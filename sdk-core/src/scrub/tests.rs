use std::borrow::Cow;

use super::{Charset, Pattern, ScrubReport, Scrubber};

fn scrubbed(json: &str) -> String {
    let clean = Scrubber::new().scrub(json.as_bytes(), &mut ScrubReport::default());
    String::from_utf8(clean.into_owned()).expect("scrubbed text is text")
}

fn text(text: &str) -> String {
    Scrubber::new()
        .scrub_text(text, &mut ScrubReport::default())
        .into_owned()
}

#[track_caller]
fn assert_kept(json: &str) {
    let mut report = ScrubReport::default();
    let clean = Scrubber::new().scrub(json.as_bytes(), &mut report);
    assert!(
        matches!(clean, Cow::Borrowed(_)),
        "{}",
        String::from_utf8_lossy(&clean)
    );
    assert!(report.is_empty());
}

#[test]
fn names_are_denied_in_every_style() {
    for name in [
        "password",
        "PASSWORD",
        "user_password",
        "userPassword2",
        "pass-word",
        "\\u0070assword",
        "x-auth-token",
        "csrftoken",
        "Set-Cookie",
        "AWS_SECRET_ACCESS_KEY",
        "apiKey",
        "api key",
        "Proxy-Authorization",
        "http.request.header.authorization",
        "user.credentials",
        "userAuth",
        "ssn",
        "PHPSESSID",
        "a_name_that_is_longer_than_what_is_remembered_password",
    ] {
        assert_eq!(
            scrubbed(&format!(r#"{{"{name}":"hunter2","b":1}}"#)),
            format!(r#"{{"{name}":"[Filtered]","b":1}}"#)
        );
    }
}

#[test]
fn a_denied_word_behind_much_else_is_still_seen() {
    for filler in [100, 126, 127, 128, 129, 190, 5_000] {
        let name = format!("type{}password", "_".repeat(filler));
        assert_eq!(
            scrubbed(&format!(r#"{{"{name}":"x"}}"#)),
            format!(r#"{{"{name}":"[Filtered]"}}"#)
        );
    }
}

#[test]
fn harmless_names_are_kept() {
    for name in [
        "author",
        "authenticated",
        "authority",
        "className",
        "public_key",
        "tokenizer",
        "token_count",
        "tokenCount",
        "event_id",
        "session",
        "secondary",
        "compass",
        "passed",
        "key",
        "type",
    ] {
        assert_kept(&format!(r#"{{"{name}":"abc"}}"#));
    }
    assert_kept(r#"{"gen_ai.usage.input_tokens":{"value":120,"type":"integer"}}"#);
    assert_kept(r#"{"measurements":{"auth.time":{"value":12.5,"unit":"millisecond"}}}"#);
}

#[test]
fn a_denied_value_goes_as_a_whole() {
    assert_eq!(
        scrubbed(r#"{"secret": {"a":[1,{"b":"}"}]} ,"c":[{"password":[1,2]}],"pwd" : -1.5e3}"#),
        r#"{"secret": "[Filtered]" ,"c":[{"password":"[Filtered]"}],"pwd" : "[Filtered]"}"#
    );
}

#[test]
fn values_that_tell_nothing_stay() {
    assert_kept(
        r#"{"password":null,"has_password":true,"token":"","secret":{},"auth":[ ],"otp":NaN}"#,
    );
}

#[test]
fn typed_attributes_keep_their_shape() {
    assert_eq!(
        scrubbed(r#"{"password":{"value":"x","type":"string"},"a":{"value":"x","type":"string"}}"#),
        r#"{"password":{"value":"[Filtered]","type":"string"},"a":{"value":"x","type":"string"}}"#
    );
    assert_eq!(
        scrubbed(r#"{"pin.token":{"type":"integer","value":1234}}"#),
        r#"{"pin.token":{"type":"string","value":"[Filtered]"}}"#
    );
    assert_eq!(
        scrubbed(r#"{"token":{"value":[1,2],"type":"array"}}"#),
        r#"{"token":{"value":"[Filtered]","type":"string"}}"#
    );
}

#[test]
fn cookies_keep_their_names() {
    assert_eq!(
        scrubbed(r#"{"cookies":{"theme":"dark","n":[1],"e":null,"x":{"y":1}},"a":"b"}"#),
        r#"{"cookies":{"theme":"[Filtered]","n":"[Filtered]","e":null,"x":"[Filtered]"},"a":"b"}"#
    );
    assert_eq!(
        scrubbed(r#"{"cookies":[["theme","dark"],{"name":"lang","value":"de"},"a=b"]}"#),
        r#"{"cookies":[["theme","[Filtered]"],{"name":"lang","value":"[Filtered]"},"[Filtered]"]}"#
    );
    assert_eq!(
        scrubbed(r#"{"headers":{"Cookie":"a=b; c=d"}}"#),
        r#"{"headers":{"Cookie":"[Filtered]"}}"#
    );
}

#[test]
fn pairs_are_read_by_their_first_element() {
    assert_eq!(
        scrubbed(r#"{"headers":[["accept","*/*"],["Authorization","x"],["token",{"a":1}]]}"#),
        r#"{"headers":[["accept","*/*"],["Authorization","[Filtered]"],["token","[Filtered]"]]}"#
    );
    assert_kept(r#"{"fingerprint":["password","{{ default }}"],"a":["token","b","c"]}"#);
}

#[test]
fn a_text_that_became_shorter_is_no_name_now() {
    let once = scrubbed(&format!(
        r#"[["AKIAIOSFODNN7EXAMPLE-{}-token","x"]]"#,
        "a".repeat(40)
    ));
    assert!(
        once.starts_with(r#"[["[Filtered]-a"#) && once.ends_with(r#"","x"]]"#),
        "{once}"
    );
    assert_eq!(scrubbed(&once), once);
}

#[test]
fn named_siblings_are_found_in_any_order() {
    for (json, clean) in [
        (
            r#"[{"key":"password","value":"x"}]"#,
            r#"[{"key":"password","value":"[Filtered]"}]"#,
        ),
        (
            r#"{"name":"X-Token","a":[{"name":"b","value":"c"}],"value":{"d":1}}"#,
            r#"{"name":"X-Token","a":[{"name":"b","value":"c"}],"value":"[Filtered]"}"#,
        ),
        (
            r#"{"value":"Bearer abc123","a":"Bearer abc123","name":"password"}"#,
            r#"{"value":"[Filtered]","a":"Bearer [Filtered]","name":"password"}"#,
        ),
    ] {
        assert_eq!(scrubbed(json), clean);
    }
    assert_kept(r#"{"name":"auth.time","type":"distribution","value":12}"#);
    assert_kept(r#"[{"name":"password"},{"value":"x"}]"#);
    assert_kept(r#"{"type":"AuthError","value":"no such user"}"#);
}

#[test]
fn packages_are_no_secrets() {
    assert_kept(r#"{"modules":{"cookie":"0.18.1","http-auth":"0.1","password-hash":"0.5"}}"#);
    assert_eq!(
        scrubbed(r#"{"modules":{"cookie":"1"},"extra":{"modules":{"password":"x"}},"token":"y"}"#),
        r#"{"modules":{"cookie":"1"},"extra":{"modules":{"password":"[Filtered]"}},"token":"[Filtered]"}"#
    );
}

#[test]
fn card_numbers_are_found_in_texts_only() {
    for card in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
        "3782 822463 10005",
        "5555555555554444",
        "2223003122003222",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "6205500000000000004",
    ] {
        assert_eq!(
            scrubbed(&format!(r#"{{"a":"paid with {card}.","b":"{card}"}}"#)),
            r#"{"a":"paid with [Filtered].","b":"[Filtered]"}"#,
            "{card}"
        );
    }
    assert_kept(r#"{"a":4111111111111111,"span_id":"4111111111111111"}"#);
    for other in [
        "4111111111111112",
        "41111111111111111",
        "x4111111111111111",
        "0.4111111111111111",
        "0x4111111111111111",
        "9ec79c33-4111111111111111-1",
        "41111111-1111-1111-1111-111111111111",
        "4111 1111-1111 1111",
        "2025-02-03T10:11:12.123456Z",
        "1738577471123456789",
    ] {
        assert_kept(&format!(r#"{{"a":"{other}"}}"#));
    }
}

#[test]
fn tokens_are_found_by_their_beginning() {
    let rest = "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2";
    for token in [
        "AKIAIOSFODNN7EXAMPLE".to_owned(),
        format!("ghp_{rest}"),
        format!("github_pat_{rest}"),
        format!("glpat-{rest}"),
        "xoxb-123456789012-abcdefABCDEF".to_owned(),
        format!("sk_live_{rest}"),
        format!("sk-proj-{rest}"),
        format!("AIza{rest}"),
        format!("sntrys_{rest}+/=_{rest}"),
        format!("sntryu_{rest}"),
        format!("SG.{rest}.{rest}"),
        format!("eyJ{rest}.eyJ{rest}.{rest}"),
        format!("eyJ{rest}.eyJ{rest}."),
    ] {
        for (before, after) in [
            ("", ""),
            ("key (", ")"),
            ("k=", "&b=1"),
            ("\\n", "\\n"),
            ("ä", "ö"),
        ] {
            assert_eq!(
                scrubbed(&format!(r#"{{"a":["{before}{token}{after}"]}}"#)),
                format!(r#"{{"a":["{before}[Filtered]{after}"]}}"#)
            );
        }
    }
    assert_kept(r#"{"a":"AKIAIOSFODNN7EXAMPLES","b":"task-force-of-the-fifth-element"}"#);
}

#[test]
fn private_keys_are_found_with_their_lines() {
    assert_eq!(
        scrubbed(
            r#"{"a":"k: -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n."}"#
        ),
        r#"{"a":"k: [Filtered]\n."}"#
    );
    assert_eq!(text("-----BEGIN PRIVATE KEY-----\nMIIE"), "[Filtered]");
    assert_kept(r#"{"a":"-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"}"#);
}

#[test]
fn authorization_schemes_are_told_from_prose() {
    assert_eq!(text("sent Bearer abc123, ok"), "sent Bearer [Filtered], ok");
    assert_eq!(text("Bearer abc"), "Bearer [Filtered]");
    assert_eq!(
        text("authorization: bearer abc"),
        "authorization: bearer [Filtered]"
    );
    assert_eq!(text("got Basic dXNlcjpwYXNz."), "got Basic [Filtered].");
    for prose in [
        "the bearer of news",
        "Basic authentication failed",
        "missing Bearer token",
        "Bearer realm=\"api\"",
    ] {
        assert_eq!(text(prose), prose);
    }
}

#[test]
fn urls_lose_the_password_only() {
    assert_eq!(
        text("redis://user:pa:ss@db.example.com:6379/0"),
        "redis://user:[Filtered]@db.example.com:6379/0"
    );
    assert_eq!(text("amqp://:pw@h"), "amqp://:[Filtered]@h");
    for harmless in [
        "https://public@example.com/1",
        "http://example.com:80/a@b",
        "mail a:b@example.com",
    ] {
        assert_eq!(text(harmless), harmless);
    }
    assert_eq!(
        scrubbed(r#"{"a":"https:\/\/user:pass@host\/"}"#),
        r#"{"a":"https:\/\/user:[Filtered]@host\/"}"#
    );
}

#[test]
fn assignments_inside_of_texts_are_found() {
    for (before, after) in [
        ("/a?b=1&password=x&c=2", "/a?b=1&password=[Filtered]&c=2"),
        ("token=abc", "token=[Filtered]"),
        ("user%5Bpassword%5D=x", "user%5Bpassword%5D=[Filtered]"),
        (
            "Server=db;Password=a#b,c;",
            "Server=db;Password=[Filtered];",
        ),
        ("let password = \"a b\";", "let password = \"[Filtered]\";"),
        ("password = read()", "password = read()"),
        ("if token==other", "if token==other"),
        ("author=me&token=", "author=me&token="),
        (
            "{'password': 'x', 'a': 1}",
            "{'password': '[Filtered]', 'a': 1}",
        ),
        (
            "{\"pwd\": 1234, \"b\": 2}",
            "{\"pwd\": [Filtered], \"b\": 2}",
        ),
        ("{\"token\":null}", "{\"token\":null}"),
        (
            "invalid token: unexpected end",
            "invalid token: unexpected end",
        ),
    ] {
        assert_eq!(text(before), after);
        assert_eq!(text(after), after);
    }
    assert_eq!(
        scrubbed(r#"{"data":"{\"password\":\"a\\\"b\",\"c\":1}","q":"password\u003dx\u0026a=b"}"#),
        r#"{"data":"{\"password\":\"[Filtered]\",\"c\":1}","q":"password\u003d[Filtered]\u0026a=b"}"#
    );
}

#[test]
fn escapes_outside_of_a_find_stay_as_they_were() {
    assert_eq!(
        scrubbed(r#"{"a":"\ud800 \u00e4 \/ token\u003d\ud83d\ude00x \n\u0041"}"#),
        r#"{"a":"\ud800 \u00e4 \/ token\u003d[Filtered] \n\u0041"}"#
    );
}

#[test]
fn own_rules_add_to_the_default_ones() {
    let scrubber = Scrubber::new()
        .deny_key("E-Mail")
        .deny_word("pin")
        .allow_key("public_token")
        .pattern(
            Pattern::new("pad", "P!")
                .charset(Charset::DIGITS)
                .at_least(2)
                .at_most(3),
        );
    let mut report = ScrubReport::default();
    let json =
        br#"{"userEmail":"a@example.com","pin":1,"spin":2,"publicToken":"x","m":"P!12 P!1234"}"#;
    assert_eq!(
        String::from_utf8_lossy(&scrubber.scrub(json, &mut report)),
        r#"{"userEmail":"[Filtered]","pin":"[Filtered]","spin":2,"publicToken":"x","m":"[Filtered] P!1234"}"#
    );
    assert_eq!(
        report.iter().collect::<Vec<_>>(),
        [("E-Mail", 1), ("pad", 1), ("pin", 1)]
    );
}

#[test]
fn identifiers_are_kept_whatever_is_denied() {
    let json = br#"{"event_id":"9ec7","trace":{"public_key":"ab","trace_id":"cd"},"id":"x"}"#;
    let scrubber = Scrubber::empty().deny_key("id").deny_key("key");
    assert_eq!(
        String::from_utf8_lossy(&scrubber.scrub(json, &mut ScrubReport::default())),
        r#"{"event_id":"9ec7","trace":{"public_key":"ab","trace_id":"cd"},"id":"[Filtered]"}"#
    );
}

#[test]
fn without_rules_everything_is_kept() {
    let json = br#"{"password":"x","a":"4111111111111111"}"#;
    let clean = Scrubber::empty().scrub(json, &mut ScrubReport::default());
    assert!(matches!(clean, Cow::Borrowed(_)));
}

#[test]
fn broken_json_is_scrubbed_as_far_as_it_can_be_read() {
    for (before, after) in [
        (r#"{"password":"abc"#, r#"{"password":"[Filtered]"#),
        (r#"{"password":{"a":1"#, r#"{"password":"[Filtered]""#),
        (r#"{"password":"#, r#"{"password":"#),
        (r#"{"password""#, r#"{"password""#),
        (r#"}}]"password":"a""#, r#"}}]"password":"[Filtered]""#),
        (
            r#"{"cookies":{"a" 1},"token":"x"}"#,
            r#"{"cookies":{"a" 1},"token":"[Filtered]"}"#,
        ),
        (r#"{"cookies":[["a","#, r#"{"cookies":[["a","#),
        (r#"{"a\"#, r#"{"a\"#),
    ] {
        assert_eq!(scrubbed(before), after);
    }
}

#[test]
fn a_report_is_bounded() {
    let mut scrubber = Scrubber::empty();
    let mut json = String::from("{");
    for number in 0..200 {
        scrubber = scrubber.deny_word(&format!("n{number}n"));
        json.push_str(&format!(r#""n{number}n":"x","#));
    }
    let mut report = ScrubReport::default();
    scrubber.scrub(json.as_bytes(), &mut report);
    assert_eq!(report.total(), 200);
    assert_eq!(report.iter().count(), 65);
    assert_eq!(report.count("others"), 136);
}
