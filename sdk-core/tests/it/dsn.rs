//! DSN reading and writing: the forms that SDKs are given, and every refusal.

use proptest::prelude::*;

use mini_sentry::dsn::{Dsn, ParseDsnError, Scheme};

fn parse(text: &str) -> Dsn {
    Dsn::parse(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

fn code(text: &str) -> &'static str {
    Dsn::parse(text).map_or_else(|error| error.code(), |_| "ok")
}

#[test]
fn a_dsn_of_an_official_server_is_read() {
    let dsn = parse("https://key@o1.ingest.example.com/42");
    assert_eq!(dsn.scheme(), Scheme::Https);
    assert_eq!((dsn.public_key(), dsn.secret()), ("key", None));
    assert_eq!(
        (dsn.host(), dsn.port(), dsn.path()),
        ("o1.ingest.example.com", 443, "")
    );
    assert_eq!(dsn.project_id(), 42);
    assert_eq!(dsn.origin(), "https://o1.ingest.example.com");
    assert_eq!(
        dsn.envelope_url(),
        "https://o1.ingest.example.com/api/42/envelope/"
    );
    assert_eq!(
        dsn.store_url(),
        "https://o1.ingest.example.com/api/42/store/"
    );
}

#[test]
fn secret_port_and_path_are_read() {
    let dsn = parse("http://key:hush@localhost:9000/errors/eu/7");
    assert_eq!(dsn.secret(), Some("hush"));
    assert_eq!((dsn.port(), dsn.path()), (9000, "/errors/eu"));
    assert_eq!(
        dsn.envelope_url(),
        "http://localhost:9000/errors/eu/api/7/envelope/"
    );
    assert_eq!(
        dsn.to_string(),
        "http://key:hush@localhost:9000/errors/eu/7"
    );
}

#[test]
fn an_empty_secret_counts_as_none() {
    let dsn = parse("https://key:@example.com/42");
    assert_eq!(dsn.secret(), None);
    assert_eq!(dsn.to_string(), "https://key@example.com/42");
}

#[test]
fn writing_gives_one_form() {
    for (text, written) in [
        (
            "  https://key@example.com/42\n",
            "https://key@example.com/42",
        ),
        (
            "HTTPS://Key@EXAMPLE.com:443/042",
            "https://Key@example.com/42",
        ),
        ("http://key@example.com:80/0/", "http://key@example.com/0"),
        (
            "http://key@example.com:443//a//1",
            "http://key@example.com:443/a/1",
        ),
    ] {
        assert_eq!(parse(text).to_string(), written);
    }
}

#[test]
fn an_ipv6_host_keeps_its_brackets() {
    let dsn = parse("http://key@[2001:DB8::1]:8000/1");
    assert_eq!((dsn.host(), dsn.port()), ("[2001:db8::1]", 8000));
    assert_eq!(parse("http://key@[::1]/1").origin(), "http://[::1]");
    assert_eq!(parse("http://key@[::ffff:127.0.0.1]/1").port(), 80);
}

#[test]
fn every_refusal_has_its_code() {
    for (text, expected) in [
        ("", "invalid_url"),
        ("key@example.com/42", "invalid_url"),
        ("https://key@exa mple.com/42", "invalid_url"),
        ("https://key@ex\u{e4}mple.com/42", "invalid_url"),
        ("https://key@example.com/42?x=1", "invalid_url"),
        ("https://key@example.com/42#x", "invalid_url"),
        ("https://key@example.com\\@other.example/42", "invalid_url"),
        ("https://k%65y@example.com/42", "invalid_url"),
        ("https://key:a:b@example.com/42", "invalid_url"),
        ("https://a@b@example.com/42", "invalid_url"),
        ("https://key@example.com/../42", "invalid_url"),
        ("https://key@example.com/a\"b/42", "invalid_url"),
        ("https://key@[::1/42", "invalid_url"),
        ("https://key@[::1]x/42", "invalid_url"),
        ("https://key@[example.com]/42", "invalid_url"),
        ("ftp://key@example.com/42", "invalid_scheme"),
        ("://key@example.com/42", "invalid_scheme"),
        ("https://example.com/42", "missing_public_key"),
        ("https://@example.com/42", "missing_public_key"),
        ("https://:secret@example.com/42", "missing_public_key"),
        ("https://key@/42", "missing_host"),
        ("https://key@:80/42", "missing_host"),
        ("https://key@[]/42", "missing_host"),
        ("https://key@example.com:/42", "invalid_port"),
        ("https://key@example.com:0/42", "invalid_port"),
        ("https://key@example.com:65536/42", "invalid_port"),
        ("https://key@example.com:+80/42", "invalid_port"),
        ("https://key@example.com:8o/42", "invalid_port"),
        ("https://key@example.com", "missing_project_id"),
        ("https://key@example.com/", "missing_project_id"),
        ("https://key@example.com/shop", "invalid_project_id"),
        ("https://key@example.com/4x", "invalid_project_id"),
        ("https://key@example.com/-1", "invalid_project_id"),
        (
            "https://key@example.com/18446744073709551616",
            "invalid_project_id",
        ),
    ] {
        assert_eq!(code(text), expected, "{text:?}");
    }
}

#[test]
fn length_limits_hold_at_their_edge() {
    let key = |len: usize| format!("https://{}@example.com/1", "k".repeat(len));
    assert_eq!(code(&key(64)), "ok");
    assert_eq!(code(&key(65)), "invalid_url");
    let base = "https://key@example.com/1".len();
    let padded = |len: usize| format!("https://key@example.com/{}/1", "a".repeat(len - base - 1));
    assert_eq!(code(&padded(2048)), "ok");
    assert_eq!(code(&padded(2049)), "invalid_url");
}

#[test]
fn debug_text_hides_the_secret_and_display_keeps_it() {
    let dsn = parse("https://key:hush@example.com/42");
    assert_eq!(format!("{dsn:?}"), "Dsn(https://key:***@example.com/42)");
    assert_eq!(dsn.to_string().parse(), Ok(dsn));
}

#[test]
fn error_texts_hold_nothing_of_the_dsn() {
    let error = Dsn::parse("https://key:hush@example.com/shop").unwrap_err();
    assert_eq!(error, ParseDsnError::InvalidProjectId);
    assert_eq!(
        error.to_string(),
        "dsn has a project id that is not a number"
    );
}

#[test]
fn json_holds_a_dsn_as_text() {
    let dsn: Dsn = serde_json::from_str("\"https://key@example.com/42\"").unwrap();
    assert_eq!(
        serde_json::to_string(&dsn).unwrap(),
        "\"https://key@example.com/42\""
    );
    assert!(serde_json::from_str::<Dsn>("\"nonsense\"").is_err());
    assert!(serde_json::from_str::<Dsn>("7").is_err());
}

#[test]
fn authentication_takes_key_and_secret_from_the_dsn() {
    let auth = parse("https://key:hush@example.com/42").to_auth("demo/1.0");
    assert_eq!(
        auth.to_header(),
        "Sentry sentry_key=key, sentry_version=7, sentry_client=demo/1.0, sentry_secret=hush"
    );
}

proptest! {
    #[test]
    fn a_dsn_reads_back_as_it_was_written(
        scheme in "https?",
        key in "[A-Za-z0-9_-]{1,64}",
        secret in "(:[A-Za-z0-9_-]{1,64})?",
        host in "[a-z0-9][a-z0-9.-]{0,20}|\\[[0-9a-f]{1,4}::[0-9a-f]{1,4}\\]",
        port in "(:[1-9][0-9]{0,3})?",
        path in "(/[A-Za-z0-9_~-]{1,6}){0,3}",
        project in any::<u64>(),
    ) {
        let write = |port: &str| format!("{scheme}://{key}{secret}@{host}{port}{path}/{project}");
        let dsn = Dsn::parse(&write(&port)).unwrap();
        let is_default = port == format!(":{}", dsn.scheme().default_port());
        prop_assert_eq!(dsn.to_string(), write(if is_default { "" } else { &port }));
        prop_assert_eq!(dsn.path(), path);
        prop_assert_eq!(dsn.project_id(), project);
        prop_assert_eq!(Dsn::parse(&dsn.to_string()), Ok(dsn));
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,80}") {
        let _ = Dsn::parse(&text);
    }

    #[test]
    fn what_is_accepted_reads_back_equal(
        text in "(https?|ftp|)(://|:)[k:@%]{0,4}@?[h.:\\[\\]0-9]{0,8}[/.0-9a]{0,8}",
    ) {
        if let Ok(dsn) = Dsn::parse(&text) {
            prop_assert_eq!(Dsn::parse(&dsn.to_string()), Ok(dsn));
        }
    }
}
