//! The tables: DSNs, authentication, rate limits and timestamps.

use mini_sentry::auth::{Auth, AuthError};
use mini_sentry::dsn::Dsn;
use mini_sentry::protocol::Timestamp;
use mini_sentry::ratelimit::{DataCategory, RateLimit, RateLimits};
use serde_json::{Value, json};

use super::{cases, json, text};

/// The time of those answers that do not say when they came.
const SOME_TIME_MS: u64 = 1_700_000_000_000;

/// Fails where a key of the expected object has another value in the one found; those that it
/// leaves out are not checked.
fn assert_has(found: &Value, expected: &Value, inputs: &[&str]) {
    for (key, value) in expected.as_object().unwrap() {
        if !inputs.contains(&key.as_str()) {
            assert_eq!(found.get(key), Some(value), "{key} of {expected}");
        }
    }
}

#[test]
fn every_dsn_has_its_parts_or_its_code() {
    let table = json("dsn.json");
    for case in cases(&table, "ok", 9) {
        let dsn = Dsn::parse(text(case, "dsn").unwrap()).unwrap_or_else(|e| panic!("{case}: {e}"));
        let found = json!({
            "scheme": dsn.scheme().as_str(),
            "public_key": dsn.public_key(),
            "secret": dsn.secret(),
            "host": dsn.host(),
            "port": dsn.port(),
            "path": dsn.path(),
            "project_id": dsn.project_id().to_string(),
            "envelope_url": dsn.envelope_url(),
        });
        assert_has(&found, case, &["name", "dsn"]);
        assert_eq!(Dsn::parse(&dsn.to_string()), Ok(dsn), "{case}");
    }
    for case in cases(&table, "bad", 18) {
        let refused = Dsn::parse(text(case, "dsn").unwrap()).map_err(|error| error.code());
        assert_eq!(refused.err(), text(case, "code"), "{case}");
    }
}

fn authentication(case: &Value) -> Result<Auth, AuthError> {
    let header = text(case, "header").map(Auth::parse_header);
    let query = || text(case, "query").map(Auth::parse_query);
    let authorization = || Auth::parse_authorization(text(case, "authorization")?);
    header
        .or_else(query)
        .or_else(authorization)
        .expect("an input")
}

#[test]
fn every_authentication_has_its_parts_or_its_code() {
    let table = json("auth.json");
    for case in cases(&table, "ok", 11) {
        let auth = authentication(case).unwrap_or_else(|error| panic!("{case}: {error}"));
        let found = json!({
            "key": auth.public_key(),
            "version": auth.version(),
            "client": auth.client(),
            "secret": auth.secret(),
            "timestamp": auth.timestamp(),
        });
        assert_has(&found, case, &["name", "header", "query", "authorization"]);
        assert_eq!(Auth::parse_header(&auth.to_header()), Ok(auth), "{case}");
    }
    for case in cases(&table, "bad", 9) {
        let refused = authentication(case).map_err(|error| error.code());
        assert_eq!(refused.err(), text(case, "code"), "{case}");
    }
}

fn category(name: &str) -> DataCategory {
    DataCategory::from_name(name)
}

/// A limit in the form of the table; categories that we do not know show as one name.
fn limit_form(limit: &RateLimit) -> Value {
    let scope = limit.scope.as_str();
    json!({
        "seconds": limit.retry_after_secs,
        "categories": limit.categories.iter().map(|c| c.as_str()).collect::<Vec<_>>(),
        "scope": (!scope.is_empty()).then_some(scope),
        "reason": limit.reason,
        "namespaces": limit.namespaces,
    })
}

#[test]
fn every_answer_limits_what_its_vector_says() {
    let table = json("ratelimits.json");
    for case in cases(&table, "cases", 17) {
        let header = text(case, "rate_limits");
        let limits = header.map(RateLimit::parse_header).unwrap_or_default();
        let expected = case["limits"].as_array().unwrap();
        assert_eq!(limits.len(), expected.len(), "{case}");
        for (limit, expected) in limits.iter().zip(expected) {
            let mut expected = expected.clone();
            for name in expected["categories"].as_array_mut().unwrap() {
                *name = category(name.as_str().unwrap()).as_str().into();
            }
            assert_has(&limit_form(limit), &expected, &[]);
        }
        let now_ms = text(case, "now").map_or(SOME_TIME_MS, |now| {
            let nanos = Timestamp::parse(now).unwrap().as_nanos();
            u64::try_from(nanos / 1_000_000).unwrap()
        });
        let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
        let mut kept = RateLimits::default();
        kept.update_from_headers(header, text(case, "retry_after"), status, now_ms);
        for (name, seconds) in case["active"].as_object().unwrap() {
            let held = kept.is_limited(category(name), now_ms);
            assert_eq!(
                held.map(|d| d.as_secs()),
                seconds.as_u64(),
                "{name} of {case}"
            );
        }
    }
}

#[test]
fn every_form_of_a_time_is_read_and_written_in_one() {
    let table = json("timestamps.json");
    for case in cases(&table, "ok", 21) {
        let at: Timestamp = serde_json::from_value(case["in"].clone()).unwrap();
        assert_eq!(Some(at.to_string().as_str()), text(case, "out"), "{case}");
        let again: Timestamp = serde_json::from_value(case["out"].clone()).unwrap();
        assert_eq!(again, at, "{case}");
    }
    for case in cases(&table, "bad", 11) {
        let read = serde_json::from_value::<Timestamp>(case.clone());
        assert!(read.is_err(), "{case} was read as {read:?}");
    }
}
