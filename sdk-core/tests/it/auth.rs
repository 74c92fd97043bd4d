//! Authentication pairs: what clients of all ages send, and every refusal.

use proptest::prelude::*;

use mini_sentry::auth::{Auth, AuthError};

const KEY: &str = "a94ae32be2584e0bbd7a4cbb95971fee";

fn header_code(text: &str) -> &'static str {
    Auth::parse_header(text).map_or_else(|error| error.code(), |_| "ok")
}

fn query_code(text: &str) -> &'static str {
    Auth::parse_query(text).map_or_else(|error| error.code(), |_| "ok")
}

#[test]
fn a_header_is_read_whatever_its_spaces_order_and_scheme() {
    for text in [
        format!("Sentry sentry_key={KEY}, sentry_version=7, sentry_client=demo/1.0"),
        format!("sentry sentry_version=7,sentry_client=demo/1.0,sentry_key={KEY}"),
        format!("SENTRY   sentry_client = demo/1.0 ,  sentry_key = {KEY},"),
        format!("sentry_key={KEY},sentry_client=demo/1.0"),
    ] {
        let auth = Auth::parse_header(&text).unwrap();
        assert_eq!((auth.public_key(), auth.version()), (KEY, 7), "{text}");
        assert_eq!(auth.client(), Some("demo/1.0"), "{text}");
    }
}

#[test]
fn the_pairs_of_old_clients_are_kept() {
    let text = "Sentry sentry_timestamp=1700000000.5, sentry_key=k, sentry_secret=s, \
                sentry_version=5, sentry_future=x=y";
    let auth: Auth = text.parse().unwrap();
    assert_eq!(auth.version(), 5);
    assert_eq!(
        (auth.secret(), auth.timestamp()),
        (Some("s"), Some("1700000000.5"))
    );
}

#[test]
fn empty_values_count_as_absent() {
    let auth = Auth::parse_header("sentry_key=k, sentry_client=, sentry_version=").unwrap();
    assert_eq!((auth.client(), auth.version()), (None, 7));
}

#[test]
fn every_refusal_of_a_header_has_its_code() {
    let long_key = "k".repeat(65);
    for (text, expected) in [
        ("", "missing_key"),
        ("Sentry", "missing_key"),
        ("Sentry sentry_version=7", "missing_key"),
        ("Sentry sentry_key=, sentry_version=7", "missing_key"),
        ("Sentry sentry_key", "malformed_pair"),
        ("Bearer abc", "malformed_pair"),
        ("sentry_key=a b", "malformed_pair"),
        ("sentry_key=a/b", "malformed_pair"),
        ("sentry_key=k\u{e4}", "malformed_pair"),
        ("sentry_key=a, sentry_key=b", "malformed_pair"),
        ("sentry_key=a, sentry_key=a", "ok"),
        ("sentry_key=a, sentry_version=seven", "malformed_pair"),
        ("sentry_key=a, sentry_version=-7", "malformed_pair"),
        ("sentry_key=a, sentry_version=8", "unsupported_version"),
        (
            "sentry_key=a, sentry_version=99999999999",
            "unsupported_version",
        ),
        (&format!("sentry_key={long_key}"), "too_long"),
        (
            &format!("sentry_key=a, sentry_client={}", "c".repeat(257)),
            "too_long",
        ),
        (&format!("sentry_key=a,{}", " ".repeat(4096)), "too_long"),
    ] {
        assert_eq!(header_code(text), expected, "{text:?}");
    }
}

#[test]
fn an_authorization_of_another_scheme_is_not_ours() {
    assert_eq!(Auth::parse_authorization("Bearer sentry_key=k"), None);
    assert_eq!(Auth::parse_authorization("Basically a2V5Og=="), None);
    assert_eq!(Auth::parse_authorization("sentry_key=k"), None);
    let auth = Auth::parse_authorization("Sentry sentry_key=k")
        .unwrap()
        .unwrap();
    assert_eq!(auth.public_key(), "k");
}

#[test]
fn the_user_of_http_basic_is_the_key() {
    for (text, expected) in [
        ("Basic a2V5Og==", "key"),
        ("basic  a2V5OnB3", "key"),
        ("Basic a2V5Og", "key"),
        ("Basic", "malformed_pair"),
        ("Basic a2V5", "malformed_pair"),
        ("Basic /////w==", "malformed_pair"),
        ("Basic a2V5Og== x", "malformed_pair"),
        ("Basic Og==", "missing_key"),
        ("Basic YSBiOg==", "malformed_pair"),
    ] {
        let auth = Auth::parse_authorization(text).unwrap();
        let found = match &auth {
            Ok(auth) => auth.public_key(),
            Err(error) => error.code(),
        };
        assert_eq!(found, expected, "{text}");
    }
    let long = format!("Basic {}", "a".repeat(4097));
    assert_eq!(
        Auth::parse_authorization(&long),
        Some(Err(AuthError::TooLong))
    );
}

#[test]
fn a_query_is_decoded_and_foreign_pairs_are_passed_over() {
    let query = "?a=%zz&b&sentry_key=k%31&sentry_version=7&sentry_client=demo%2F1.0+beta";
    let auth = Auth::parse_query(query).unwrap();
    assert_eq!(auth.public_key(), "k1");
    assert_eq!(auth.client(), Some("demo/1.0 beta"));
}

#[test]
fn every_refusal_of_a_query_has_its_code() {
    for (query, expected) in [
        ("", "missing_key"),
        ("?x=1", "missing_key"),
        ("sentry_key", "missing_key"),
        ("sentry_key=%", "malformed_pair"),
        ("sentry_key=k&sentry_client=%f", "malformed_pair"),
        ("sentry_key=k&sentry_client=%ff", "malformed_pair"),
        ("sentry_key=k%0d%0a", "malformed_pair"),
        ("sentry_key=k&sentry_version=8", "unsupported_version"),
    ] {
        assert_eq!(query_code(query), expected, "{query:?}");
    }
}

#[test]
fn a_clients_odd_name_is_cleaned_and_costs_no_request() {
    let auth = Auth::parse_query("sentry_key=k&sentry_client=a%2C%0D%0Ab%C3%A4").unwrap();
    assert_eq!(auth.client(), Some("ab"));
    assert_eq!(
        auth.to_header(),
        "Sentry sentry_key=k, sentry_version=7, sentry_client=ab"
    );
}

#[test]
fn a_key_alone_makes_an_authentication() {
    let auth = Auth::from_public_key("k").unwrap();
    assert_eq!(auth.to_header(), "Sentry sentry_key=k, sentry_version=7");
    assert_eq!(Auth::from_public_key(""), Err(AuthError::MissingKey));
    assert_eq!(Auth::from_public_key("a,b"), Err(AuthError::MalformedPair));
}

proptest! {
    #[test]
    fn both_forms_read_back_what_was_written(
        key in "[A-Za-z0-9_-]{1,64}",
        client in ".{0,300}",
        secret in "[A-Za-z0-9_-]{0,64}",
    ) {
        let auth = Auth::from_public_key(&key).unwrap().with_client(&client).with_secret(&secret);
        prop_assert_eq!(Auth::parse_header(&auth.to_header()), Ok(auth.clone()));
        prop_assert_eq!(Auth::parse_query(&auth.to_query()), Ok(auth));
    }

    #[test]
    fn what_is_accepted_can_be_written_and_read_again(
        text in "(Sentry |)(sentry_(key|version|client|secret|timestamp)=[0-7a%+ =\\PC]{0,6}[,&]? ?){0,6}",
    ) {
        for auth in [Auth::parse_header(&text), Auth::parse_query(&text)].into_iter().flatten() {
            prop_assert_eq!(Auth::parse_header(&auth.to_header()), Ok(auth.clone()));
            prop_assert_eq!(Auth::parse_query(&auth.to_query()), Ok(auth));
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,100}") {
        let _ = Auth::parse_header(&text);
        let _ = Auth::parse_authorization(&text);
        let _ = Auth::parse_query(&text);
    }
}
