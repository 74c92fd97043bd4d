//! Envelopes: who may send them, and which of their items are kept.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::DataCategory;
use mini_sentry_server::accept::{Claim, Refusal};
use mini_sentry_server::journal::Journal;
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::model::outcome::Outcome;
use mini_sentry_server::model::record::RecordKind;
use mini_sentry_server::store::NewKey;

use super::door::{Door, ID, KEY, deflate, envelope, gzip, pieces};

fn id() -> EventId {
    ID.parse().unwrap()
}

/// An event of the usual kind, large enough to be worth packing.
fn event() -> String {
    let filler = "x".repeat(2000);
    format!(
        r#"{{"event_id":"{ID}","message":"it broke","level":"error","extra":{{"filler":"{filler}"}}}}"#
    )
}

#[tokio::test]
async fn the_same_event_arrives_in_every_content_encoding() {
    let door = Door::open().await;
    let plain = envelope("{}", &[("event", &event())]);
    let packed = [
        (None, plain.clone()),
        (Some("identity"), plain.clone()),
        (Some("gzip"), gzip(&plain)),
        (Some("x-gzip"), gzip(&plain)),
        (Some("deflate"), deflate(&plain)),
        (
            Some("zstd"),
            zstd::bulk::compress(&plain, 1).unwrap().into(),
        ),
    ];
    for (encoding, packed) in &packed {
        let whole = door.send_body(Body::from(packed.clone()), *encoding).await;
        assert_eq!(whole.unwrap().event_id, Some(id()), "{encoding:?}");
        let parts = packed.chunks(100).map(Bytes::copy_from_slice).collect();
        let parts = door.send_body(pieces(parts), *encoding).await;
        assert_eq!(parts.unwrap().event_id, Some(id()), "{encoding:?}");
    }
    let records = door.records();
    assert_eq!(records.len(), packed.len() * 2);
    assert!(
        records
            .iter()
            .all(|record| record.body == event().as_bytes())
    );
    let refused = door.send_body(Body::from(plain), Some("rot13")).await;
    assert_eq!(refused.unwrap_err().code(), "unknown_encoding");
}

#[tokio::test]
async fn a_receipt_means_that_the_record_is_on_disk_with_all_that_belongs_to_it() {
    let door = Door::open().await;
    let header = format!(r#"{{"event_id":"{ID}","sdk":{{"name":"sdk.x","version":"2"}}}}"#);
    let receipt = door
        .send(envelope(
            &header,
            &[("attachment", "log lines"), ("event", r#"{"message":"a"}"#)],
        ))
        .await
        .unwrap();
    assert_eq!((receipt.event_id, receipt.last), (Some(id()), Some(Seq(2))));
    assert!(receipt.limits.is_empty());
    assert_eq!(door.journal.tail(), Seq(2));
    let records = door.records();
    let kinds: Vec<_> = records.iter().map(|record| record.head.kind).collect();
    assert_eq!(kinds, [RecordKind::Event, RecordKind::Attachment]);
    for record in &records {
        assert_eq!(record.head.event_id, id());
        assert_eq!(record.head.project, door.project.id);
        assert_eq!(record.head.context.key, Some(door.key.id));
        assert_eq!(record.head.context.sdk.as_deref(), Some("sdk.x/2"));
    }
    // What digest needs comes with the delivery, so that it need not open the body.
    let after = door.journal.read_after(Seq(0), 10, Duration::ZERO).unwrap();
    let facts = after[0].facts.as_ref().unwrap();
    assert_eq!(facts.title, "a");
    assert!(after[1].facts.is_none());
}

#[tokio::test]
async fn the_header_s_id_wins_and_a_missing_one_is_made() {
    let door = Door::open().await;
    let other = "11111111111111111111111111111111";
    let header = format!(r#"{{"event_id":"{ID}"}}"#);
    let json = format!(r#"{{"event_id":"{other}"}}"#);
    let receipt = door
        .send(envelope(&header, &[("event", &json)]))
        .await
        .unwrap();
    assert_eq!(receipt.event_id, Some(id()));
    let receipt = door
        .send(envelope("{}", &[("event", &json)]))
        .await
        .unwrap();
    assert_eq!(receipt.event_id.unwrap().to_string(), other);
    let nil = r#"{"event_id":"00000000000000000000000000000000"}"#;
    let made = door.send_event(nil).await.unwrap().event_id.unwrap();
    assert!(!made.is_nil());
    assert_eq!(door.records()[2].head.event_id, made);
    let empty = door.send("{}").await.unwrap();
    assert_eq!((empty.event_id, empty.last), (None, None));
}

#[tokio::test]
async fn a_duplicate_is_handed_through_for_digest_to_judge() {
    let door = Door::open().await;
    for _ in 0..2 {
        let receipt = door
            .send(envelope("{}", &[("event", &event())]))
            .await
            .unwrap();
        assert_eq!(receipt.event_id, Some(id()));
    }
    assert_eq!(door.records().len(), 2);
    assert!(door.outcomes().await.is_empty());
}

#[tokio::test]
async fn broken_items_cost_their_neighbours_nothing() {
    let door = Door::open().await;
    let good = r#"{"sid":"11111111111111111111111111111111","started":"2026-01-02T03:04:05Z"}"#;
    let body = envelope(
        "{}",
        &[
            ("event", r#"{"message":"cut"#),
            ("session", good),
            ("check_in", "nonsense"),
            ("log", r#"{"items":[{"body":"a"},{"body":"b"}]}"#),
            ("statsd", "a:1|c"),
            ("from_the_future", "{}"),
        ],
    );
    let mut body = body.to_vec();
    body.extend_from_slice(b"{\"length\":1}\nx\n{\"type\":\"event\",\"length\":99}\n{}\n");
    let receipt = door.send(body).await.unwrap();
    assert_eq!(receipt.last, Some(Seq(3)));
    let kinds: Vec<_> = door
        .records()
        .iter()
        .map(|record| record.head.kind)
        .collect();
    assert_eq!(
        kinds,
        [RecordKind::Session, RecordKind::Log, RecordKind::Unknown]
    );
    assert_eq!(door.records()[1].head.context.quantity, Some(2));
    assert_eq!(
        door.records()[2].head.context.name.as_deref(),
        Some("from_the_future")
    );
    assert_eq!(
        door.outcomes().await,
        [
            "default invalid missing_item_type 1",
            "default invalid truncated_payload 1",
            "error invalid invalid_json 1",
            "metric_bucket invalid unsupported_item 1",
            "monitor invalid invalid_json 1",
        ]
    );
}

#[tokio::test]
async fn a_request_without_any_good_item_is_refused_by_its_first_fault() {
    let door = Door::open().await;
    let deep = format!("{{\"extra\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let large = format!("{{\"message\":\"{}\"}}", "x".repeat(1 << 20));
    for (body, code) in [
        (Bytes::new(), "missing_header"),
        (Bytes::from("[]"), "invalid_header"),
        (envelope("{}", &[("event", &deep)]), "too_deep"),
        (envelope("{}", &[("event", "[]")]), "not_an_object"),
        (
            Bytes::from("{}\n{\"type\":\"event\",\"length\":3}\n{}"),
            "truncated_payload",
        ),
        (
            Bytes::from("{}\n{\"type\":\"event\",\"length\":1}\n{}"),
            "missing_newline",
        ),
        (envelope("{}", &[("event", &large)]), "too_large"),
    ] {
        let refusal = door.send(body).await.unwrap_err();
        assert_eq!(refusal.code(), code);
        assert!(refusal.status().is_client_error());
    }
    assert!(door.send_event(r#"{"message":"#).await.is_err());
    assert_eq!(door.journal.tail(), Seq(0));
    door.send(envelope("{}", &[("event", &event())]))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_other_languages_write_into_json_is_kept() {
    let door = Door::open().await;
    door.send_event(r#"{"message":"odd","extra":{"a":NaN,"b":-Infinity}}"#)
        .await
        .unwrap();
    let mut broken = b"{\"message\":\"odd ".to_vec();
    broken.extend_from_slice(b"\xff\xfe\"}");
    let sender = door.sender();
    door.acceptor
        .receive_event(&sender, &door.facts(), broken.into())
        .await
        .unwrap();
    for record in door.records() {
        let event = mini_sentry::Event::from_json(&record.body).unwrap();
        assert!(format!("{:?}", event.message).contains("odd"));
    }
}

#[tokio::test]
async fn only_one_event_of_a_request_is_kept() {
    let door = Door::open().await;
    let items = [
        ("event", r#"{"message":"a"}"#),
        ("transaction", "{}"),
        ("event", "{}"),
    ];
    let receipt = door.send(envelope("{}", &items)).await.unwrap();
    assert_eq!(receipt.last, Some(Seq(1)));
    assert_eq!(
        door.outcomes().await,
        [
            "error invalid multiple_events 1",
            "transaction invalid multiple_events 1"
        ]
    );
}

#[tokio::test]
async fn a_browser_s_report_becomes_an_event_of_its_own_category() {
    let door = Door::open().await;
    let report = r#"{"csp-report":{"document-uri":"https://example.com/","blocked-uri":"https://evil.test/x.js","effective-directive":"script-src"}}"#;
    let body = format!(
        "{{}}\n{{\"type\":\"raw_security\",\"length\":{},\"sentry_release\":\"shop@1\"}}\n{report}\n",
        report.len()
    );
    door.send(body).await.unwrap();
    let record = door.records().pop().unwrap();
    assert_eq!(record.head.kind, RecordKind::Event);
    let event = mini_sentry::Event::from_json(&record.body).unwrap();
    assert_eq!(event.ty.as_deref(), Some("csp"));
    assert_eq!(event.release.as_deref(), Some("shop@1"));
    assert_eq!(
        door.metric(DataCategory::Security, Outcome::Accepted, ""),
        1
    );
    let refused = door.send(envelope("{}", &[("raw_security", "{}")])).await;
    assert_eq!(refused.unwrap_err().code(), "unknown_report");
}

#[tokio::test]
async fn a_crash_dump_that_comes_alone_gets_an_event() {
    let door = Door::open().await;
    let body = "{}\n{\"type\":\"attachment\",\"length\":4,\"filename\":\"a.dmp\",\"attachment_type\":\"event.minidump\"}\nMDMP\n";
    let receipt = door.send(body).await.unwrap();
    let records = door.records();
    assert_eq!(records[0].head.kind, RecordKind::Event);
    assert_eq!(records[1].head.context.name.as_deref(), Some("a.dmp"));
    assert_eq!(Some(records[1].head.event_id), receipt.event_id);
    let plain = "{}\n{\"type\":\"attachment\",\"length\":4,\"filename\":\"a.txt\"}\ntext\n";
    door.send(plain).await.unwrap();
    assert_eq!(door.records().len(), 3);
}

#[tokio::test]
async fn the_key_must_be_known_and_its_places_must_agree() {
    let door = Door::open().await;
    let body = envelope("{}", &[("event", "{}")]);
    let send = |claim: Claim, body: Bytes| {
        let facts = door.facts();
        let door = &door;
        async move {
            let body = Body::from(body);
            door.acceptor
                .receive_envelope(claim, &facts, body, None, None)
                .await
        }
    };
    let refused = send(Claim::default(), body.clone()).await.unwrap_err();
    assert_eq!(refused, Refusal::MissingKey);
    let of = |key: &str, project| Claim {
        public_key: Some(key.to_owned()),
        project: Some(project),
        origin: None,
    };
    let unknown = of("ffffffffffffffffffffffffffffffff", door.project.id);
    assert_eq!(
        send(unknown, body.clone()).await.unwrap_err(),
        Refusal::UnknownKey
    );
    let elsewhere = of(KEY, ProjectId(door.project.id.0 + 1));
    assert_eq!(
        send(elsewhere, body.clone()).await.unwrap_err(),
        Refusal::WrongProject
    );

    let dsn = |key: &str| {
        format!(
            r#"{{"dsn":"https://{key}@errors.example.com/{}"}}"#,
            door.project.id
        )
    };
    let tunnelled = envelope(&dsn(KEY), &[("event", "{}")]);
    assert!(send(Claim::default(), tunnelled.clone()).await.is_ok());
    assert!(send(door.claim(), tunnelled).await.is_ok());
    let other = envelope(&dsn("ffffffffffffffffffffffffffffffff"), &[("event", "{}")]);
    assert_eq!(
        send(door.claim(), other.clone()).await.unwrap_err(),
        Refusal::KeysDisagree
    );
    assert_eq!(
        send(Claim::default(), other).await.unwrap_err(),
        Refusal::UnknownKey
    );
    assert_eq!(door.records().len(), 2);
}

#[tokio::test]
async fn a_key_younger_than_the_catalogue_in_memory_is_found() {
    let door = Door::open().await;
    let young = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let claim = Claim {
        public_key: Some(young.to_owned()),
        ..Claim::default()
    };
    let key = NewKey {
        project: door.project.id,
        public_key: young.to_owned(),
        label: "young".to_owned(),
        rate_limit: None,
        at: door.facts().received,
    };
    door.store.catalog.create_key(key).await.unwrap();
    assert_eq!(
        door.acceptor.admit(&claim).unwrap_err(),
        Refusal::UnknownKey
    );
    assert!(door.acceptor.admit_fresh(&claim).await.is_ok());
    assert!(door.acceptor.admit(&claim).is_ok());
}

#[tokio::test]
async fn tokens_and_slugs_name_projects_too() {
    let door = Door::open().await;
    for sender in [
        door.acceptor.admit_token("ingest-token"),
        door.acceptor.admit_slug("shop"),
        door.acceptor.admit_slug(&door.project.id.to_string()),
        door.acceptor.admit_project(door.project.id),
    ] {
        assert_eq!(sender.unwrap().project.id, door.project.id);
    }
    assert!(door.acceptor.admit_token("other").is_err());
    assert!(door.acceptor.admit_slug("other").is_err());
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_noted_with_every_item() {
    let door = Door::open().await;
    let hour_ago = door.facts().received.plus(-3_600_000).to_rfc3339();
    let header = format!(r#"{{"sent_at":"{hour_ago}"}}"#);
    door.send(envelope(&header, &[("event", "{}")]))
        .await
        .unwrap();
    let drift = door.records()[0].head.context.drift_ms;
    assert_eq!(drift, 3_600_000);
}

#[tokio::test]
async fn a_closed_journal_is_a_503_and_nothing_is_counted() {
    let door = Door::open().await;
    door.journal.close();
    let refusal = door
        .send(envelope("{}", &[("event", "{}")]))
        .await
        .unwrap_err();
    assert_eq!(refusal.status(), 503);
    assert!(refusal.retry_after().is_some());
    assert!(door.outcomes().await.is_empty());
}
