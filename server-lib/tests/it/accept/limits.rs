//! Quotas, filters and other reasons to turn something away, each with a near miss.

use axum::body::Body;
use bytes::Bytes;
use mini_sentry::ratelimit::{DataCategory, RateLimit};
use mini_sentry_server::accept::{Claim, Refusal};
use mini_sentry_server::journal::Journal;
use mini_sentry_server::model::catalog::KeyLimit;
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::model::outcome::Outcome;
use mini_sentry_server::model::record::RecordKind;

use super::door::{Door, KEY, envelope, gzip};

const SESSION: &str =
    r#"{"sid":"11111111111111111111111111111111","started":"2026-01-02T03:04:05Z","status":"ok"}"#;

#[tokio::test]
async fn a_limit_on_errors_lets_the_rest_of_the_envelope_through() {
    let door = Door::open_with(|plan| {
        plan.key_limit = Some(KeyLimit {
            window: 3600,
            count: 2,
        });
    })
    .await;
    let both = envelope(
        "{}",
        &[
            ("event", "{}"),
            ("session", SESSION),
            ("attachment", "1234"),
        ],
    );
    for _ in 0..2 {
        assert!(door.send(both.clone()).await.unwrap().limits.is_empty());
    }
    let receipt = door.send(both).await.unwrap();
    assert_eq!(
        RateLimit::to_header(&receipt.limits),
        "3600:default;error;security:key:key_quota"
    );
    let records = door.records();
    let last = records.last().unwrap();
    assert_eq!((last.seq, last.head.kind), (Seq(7), RecordKind::Session));
    // Transactions have a count of their own.
    door.send(envelope("{}", &[("transaction", "{}")]))
        .await
        .unwrap();
    let refusal = door
        .send(envelope("{}", &[("event", "{}")]))
        .await
        .unwrap_err();
    assert_eq!(refusal.status(), 429);
    assert_eq!(refusal.retry_after().unwrap().as_secs(), 3600);
    assert_eq!(
        door.outcomes().await,
        [
            "attachment rate_limited key_quota 4",
            "attachment_item rate_limited key_quota 1",
            "error rate_limited key_quota 2"
        ]
    );
    assert_eq!(door.metric(DataCategory::Error, Outcome::Accepted, ""), 2);
    assert_eq!(
        door.metric(DataCategory::Error, Outcome::RateLimited, "key_quota"),
        2
    );

    door.clock.advance(3_600_000);
    assert!(door.send(envelope("{}", &[("event", "{}")])).await.is_ok());
}

#[tokio::test]
async fn a_project_s_limit_holds_for_all_its_keys_and_not_for_its_own_process() {
    let door = Door::open_with(|plan| plan.settings.events_per_minute = 1).await;
    door.send_event("{}").await.unwrap();
    let Refusal::RateLimited(limits) = door.send_event("{}").await.unwrap_err() else {
        panic!("the second event of the minute is above the limit");
    };
    assert!(limits[0].to_string().ends_with(":project:project_quota"));
    let inside = door.acceptor.admit_project(door.project.id).unwrap();
    let json = Bytes::from_static(b"{}");
    door.acceptor
        .receive_event(&inside, &door.facts(), json)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_own_api_has_a_limit_of_its_own() {
    let door = Door::open_with(|plan| plan.config.ingest.events_per_minute = 3).await;
    for _ in 0..3 {
        door.acceptor.own_api_limit(door.project.id).unwrap();
    }
    let refusal = door.acceptor.own_api_limit(door.project.id).unwrap_err();
    assert_eq!(refusal.status(), 429);
    assert!((1..=60).contains(&refusal.retry_after().unwrap().as_secs()));
    let open = Door::open_with(|plan| plan.config.ingest.events_per_minute = 0).await;
    for _ in 0..500 {
        open.acceptor.own_api_limit(open.project.id).unwrap();
    }
}

#[tokio::test]
async fn a_filtered_event_takes_its_attachments_along_and_is_answered_as_accepted() {
    let door = Door::open_with(|plan| {
        let filters = &mut plan.settings.filters;
        filters.browser_extensions = true;
        filters.localhost = true;
        filters.web_crawlers = true;
        filters.ip_addresses = vec!["198.51.100.0/24".to_owned()];
        filters.releases = vec!["shop@1.*".to_owned()];
        filters.messages = vec!["ConnectionError: *".to_owned()];
    })
    .await;
    let exception = |kind: &str, path: &str| {
        format!(
            r#"{{"exception":{{"values":[{{"type":"{kind}","value":"x","stacktrace":{{"frames":[{{"abs_path":"{path}"}}]}}}}]}}}}"#
        )
    };
    let cases = [
        (
            exception("Error", "chrome-extension://a/b.js"),
            "browser-extensions",
        ),
        (
            r#"{"request":{"url":"http://localhost:3000/"}}"#.to_owned(),
            "localhost",
        ),
        (
            r#"{"request":{"headers":{"User-Agent":"Googlebot/2.1"}}}"#.to_owned(),
            "web-crawlers",
        ),
        (
            r#"{"user":{"ip_address":"198.51.100.9"}}"#.to_owned(),
            "ip-address",
        ),
        (r#"{"release":"shop@1.4"}"#.to_owned(), "release-version"),
        (exception("ConnectionError", "a.py"), "error-message"),
    ];
    for (json, _) in &cases {
        let body = envelope("{}", &[("attachment", "12345"), ("event", json)]);
        assert!(door.send(body).await.unwrap().last.is_none(), "{json}");
    }
    let mut expected: Vec<String> = cases
        .iter()
        .flat_map(|(_, reason)| {
            [
                format!("attachment filtered {reason} 5"),
                format!("attachment_item filtered {reason} 1"),
                format!("error filtered {reason} 1"),
            ]
        })
        .collect();
    expected.sort();
    assert_eq!(door.outcomes().await, expected);

    let near = [
        exception("Error", "https://example.com/chrome-extension.js"),
        r#"{"request":{"url":"http://localhost.example.com/"}}"#.to_owned(),
        r#"{"request":{"headers":{"User-Agent":"Mozilla/5.0 Firefox/121.0"}}}"#.to_owned(),
        r#"{"user":{"ip_address":"198.51.101.9"}}"#.to_owned(),
        r#"{"release":"shop@2.1.4"}"#.to_owned(),
        exception("ReconnectionError", "a.py"),
    ];
    for json in &near {
        assert!(
            door.send_event(json).await.unwrap().last.is_some(),
            "{json}"
        );
    }
}

#[tokio::test]
async fn an_entry_that_is_too_large_does_not_take_its_container_along() {
    let door = Door::open().await;
    let metric = |name: &str| format!(r#"{{"name":"{name}","type":"counter","value":1}}"#);
    let large = metric(&"x".repeat(3000));
    let container = format!(r#"{{"items":[{},{large}]}}"#, metric("jobs"));
    let receipt = door.send(envelope("{}", &[("trace_metric", &container)]));
    assert!(receipt.await.unwrap().last.is_some());
    assert_eq!(door.outcomes().await, ["trace_metric invalid too_large 1"]);

    let container = format!(r#"{{"items":[{large}]}}"#);
    let refusal = door.send(envelope("{}", &[("trace_metric", &container)]));
    assert_eq!(refusal.await.unwrap_err().code(), "too_large");
}

#[tokio::test]
async fn filtered_events_do_not_use_up_a_quota() {
    let door = Door::open_with(|plan| {
        plan.settings.events_per_minute = 1;
        plan.settings.filters.releases = vec!["bad".to_owned()];
    })
    .await;
    for _ in 0..5 {
        door.send_event(r#"{"release":"bad"}"#).await.unwrap();
    }
    assert!(
        door.send_event(r#"{"release":"good"}"#)
            .await
            .unwrap()
            .last
            .is_some()
    );
}

#[tokio::test]
async fn websites_that_are_not_the_project_s_are_refused_and_counted() {
    let door = Door::open_with(|plan| {
        plan.settings.allowed_domains = vec!["*.example.com".to_owned()];
    })
    .await;
    let from = |origin: Option<&str>| Claim {
        origin: origin.map(str::to_owned),
        ..door.claim()
    };
    assert!(door.acceptor.admit(&from(None)).is_ok());
    assert!(
        door.acceptor
            .admit(&from(Some("https://shop.example.com")))
            .is_ok()
    );
    let evil = door
        .acceptor
        .admit(&from(Some("https://example.com.evil.test")));
    assert_eq!(evil.unwrap_err(), Refusal::OriginNotAllowed);
    assert_eq!(door.outcomes().await, ["error filtered cors 1"]);
}

#[tokio::test]
async fn a_bomb_is_refused_at_the_limit_and_leaves_no_memory_behind() {
    let door = Door::open_with(|plan| {
        plan.config.ingest.max_body_bytes = 4 << 20;
        plan.config.ingest.max_compressed_bytes = 64 << 10;
        plan.config.ingest.max_in_flight_bytes = 8 << 20;
    })
    .await;
    let mut plain = b"{}\n{\"type\":\"attachment\"}\n".to_vec();
    plain.resize(16 << 20, b' ');
    let bomb = gzip(&plain);
    let refusal = door
        .send_body(Body::from(bomb.clone()), Some("gzip"))
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code(), refusal.status().as_u16()),
        ("too_large", 413)
    );
    let body = door
        .acceptor
        .read_body(Body::from(bomb), Some("gzip"), None)
        .await;
    assert_eq!(body.unwrap_err().status(), 413);
    let announced = door
        .acceptor
        .read_body(Body::empty(), None, Some(1 << 40))
        .await;
    assert_eq!(announced.unwrap_err().status(), 413);
    let unannounced = Body::from(vec![b' '; 65 << 10]);
    let unannounced = door.acceptor.read_body(unannounced, None, None).await;
    assert_eq!(unannounced.unwrap_err().status(), 413);
    assert_eq!(door.metrics.in_flight_bytes.get(), 0);
    assert_eq!(door.journal.tail(), Seq(0));
    assert_eq!(
        std::fs::read_dir(door.dir.path().join("blobs"))
            .unwrap()
            .count(),
        0
    );
    door.send(envelope("{}", &[("event", "{}")])).await.unwrap();
}

#[tokio::test]
async fn a_body_is_held_until_it_is_dropped() {
    let door = Door::open_with(|plan| plan.config.ingest.max_in_flight_bytes = 64 << 10).await;
    let read = || async {
        let body = Body::from(vec![b'x'; 40 << 10]);
        door.acceptor.read_body(body, None, None).await
    };
    let held = read().await.unwrap();
    assert_eq!(held.len(), 40 << 10);
    assert_eq!(door.metrics.in_flight_bytes.get(), 40 << 10);
    assert_eq!(read().await.unwrap_err(), Refusal::Busy);
    drop(held);
    assert!(read().await.is_ok());
    assert_eq!(door.metrics.in_flight_bytes.get(), 0);
}

#[tokio::test]
async fn bodies_of_the_oldest_clients_are_unpacked_on_request() {
    use base64::Engine as _;
    let door = Door::open().await;
    let packed = super::door::deflate(br#"{"message":"old"}"#);
    let text = base64::engine::general_purpose::STANDARD.encode(packed);
    let body = door
        .acceptor
        .read_body(Body::from(text), None, None)
        .await
        .unwrap();
    let json = door.acceptor.unpack_store(body).unwrap();
    assert_eq!(&json[..], br#"{"message":"old"}"#);
    assert!(
        door.acceptor
            .admit(&door.claim())
            .unwrap()
            .key
            .unwrap()
            .public_key
            == KEY
    );
}
