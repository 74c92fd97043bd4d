//! Large envelopes: read while they arrive, with memory for a small part of them.

use std::io::Read as _;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use mini_sentry_server::accept::Refusal;
use mini_sentry_server::journal::Journal;
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::model::record::{Record, RecordKind};

use super::door::{Door, ID, Pieces, Stuck, Torn, envelope, gzip, pieces};

const MIB: usize = 1 << 20;

async fn narrow() -> Door {
    Door::open_with(|plan| {
        plan.config.ingest.max_in_flight_bytes = 4 * MIB;
        plan.config.ingest.max_inline_bytes = 256 << 10;
    })
    .await
}

fn blob_of(door: &Door, record: &Record) -> Vec<u8> {
    let blob = record.head.context.blob.as_ref().unwrap();
    let mut bytes = Vec::new();
    door.blobs
        .read(&blob.name)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    assert_eq!(bytes.len() as u64, blob.bytes);
    bytes
}

/// Counts up, so that no two places are alike.
fn filler(len: usize) -> Vec<u8> {
    (0..len as u64 / 8)
        .flat_map(|n| (n * 0x9e37_79b9).to_le_bytes())
        .collect()
}

/// An envelope with a large attachment between an event and a session.
fn large(len: usize) -> (Vec<u8>, Vec<u8>) {
    let attached = filler(len);
    let session = r#"{"sid":"11111111111111111111111111111111","started":1}"#;
    let mut body = format!(
        "{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"large\"}}\n{{\"type\":\"attachment\",\"length\":{len},\"filename\":\"core\"}}\n"
    )
    .into_bytes();
    body.extend_from_slice(&attached);
    body.extend_from_slice(format!("\n{{\"type\":\"session\"}}\n{session}\n").as_bytes());
    (body, attached)
}

#[tokio::test]
async fn an_attachment_larger_than_the_memory_of_the_server_gets_a_file_of_its_own() {
    let door = narrow().await;
    let (body, attached) = large(10 * MIB);
    let packed = [
        (None, Bytes::from(body.clone())),
        (Some("gzip"), gzip(&body)),
    ];
    for (encoding, packed) in packed {
        let mut most = 0;
        let mut rest = packed;
        let gauge = door.metrics.in_flight_bytes.clone();
        let body = Pieces::body(move || {
            most = most.max(gauge.get());
            assert!(most <= 4 * MIB as i64);
            let len = rest.len().min(60_000);
            (len > 0).then(|| rest.split_to(len))
        });
        let receipt = door.send_body(body, encoding).await.unwrap();
        assert_eq!(receipt.event_id.unwrap().to_string(), ID);
    }
    let records = door.records();
    assert_eq!(records.len(), 6);
    for three in records.chunks(3) {
        let kinds: Vec<_> = three.iter().map(|record| record.head.kind).collect();
        assert_eq!(
            kinds,
            [
                RecordKind::Event,
                RecordKind::Session,
                RecordKind::Attachment
            ]
        );
        assert!(three[2].body.is_empty());
        assert_eq!(three[2].head.context.name.as_deref(), Some("core"));
        assert!(blob_of(&door, &three[2]) == attached);
    }
    assert_eq!(door.metrics.in_flight_bytes.get(), 0);
}

#[tokio::test]
async fn an_attachment_just_small_enough_stays_in_the_journal() {
    let door = narrow().await;
    for (len, has_file) in [(256 << 10, false), ((256 << 10) + 8, true)] {
        let (body, attached) = large(len);
        door.send(body).await.unwrap();
        let record = door.records().pop().unwrap();
        assert_eq!(record.head.context.blob.is_some(), has_file);
        if has_file {
            assert!(blob_of(&door, &record) == attached);
        } else {
            assert!(record.body == attached);
        }
    }
}

#[tokio::test]
async fn an_item_over_its_limit_is_skipped_while_it_arrives() {
    let door = narrow().await;
    let event = format!("{{\"message\":\"{}\"}}", "x".repeat(3 * MIB));
    let check_in = "y".repeat(200 << 10);
    let good = r#"{"sid":"11111111111111111111111111111111","started":1}"#;
    let mut body = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n").into_bytes();
    body.extend_from_slice(&envelope("", &[("check_in", &check_in), ("session", good)])[1..]);
    let parts = body.chunks(10_000).map(Bytes::copy_from_slice).collect();
    let receipt = door.send_body(pieces(parts), None).await.unwrap();
    assert_eq!(receipt.last, Some(Seq(1)));
    assert_eq!(door.records()[0].head.kind, RecordKind::Session);
    let outcomes = door.outcomes().await;
    assert_eq!(outcomes[1], "error invalid too_large 1");
    assert_eq!(outcomes.len(), 2);
}

#[tokio::test]
async fn a_filtered_event_leaves_no_file_behind() {
    let door = Door::open_with(|plan| {
        plan.settings.filters.messages = vec!["large".to_owned()];
        plan.config.ingest.max_inline_bytes = 1024;
    })
    .await;
    let (body, _) = large(2 * MIB);
    let receipt = door.send(body).await.unwrap();
    assert_eq!(receipt.last, Some(Seq(1)));
    assert!(door.blobs.names().unwrap().is_empty());
    assert_eq!(
        door.outcomes().await,
        [
            "attachment filtered error-message 2097152",
            "attachment_item filtered error-message 1",
            "error filtered error-message 1"
        ]
    );
}

#[tokio::test]
async fn a_request_that_ends_early_or_stands_still_stores_nothing() {
    let door = Door::open_with(|plan| {
        plan.config.http.body_timeout = Duration::from_millis(50);
        plan.config.ingest.max_inline_bytes = 1024;
    })
    .await;
    let (body, _) = large(2 * MIB);
    let half = Bytes::from(body).slice(..MIB + 70_000);
    for start in [half.clone(), half.slice(..100)] {
        let torn = door
            .send_body(Body::new(Torn(Some(start.clone()))), None)
            .await;
        assert_eq!(torn.unwrap_err(), Refusal::Incomplete);
        let stuck = door.send_body(Body::new(Stuck(Some(start))), None).await;
        assert_eq!(stuck.unwrap_err(), Refusal::Incomplete);
    }
    assert_eq!(door.journal.tail(), Seq(0));
    assert!(door.blobs.names().unwrap().is_empty());
    assert_eq!(
        std::fs::read_dir(door.dir.path().join("blobs"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(door.metrics.in_flight_bytes.get(), 0);
}

#[tokio::test]
async fn files_go_when_the_journal_does_not_take_their_records() {
    let door = narrow().await;
    door.journal.close();
    let (body, _) = large(2 * MIB);
    assert_eq!(door.send(body).await.unwrap_err().status(), 503);
    assert!(door.blobs.names().unwrap().is_empty());
}

#[tokio::test]
async fn a_large_envelope_is_admitted_by_its_own_dsn_as_a_small_one_is() {
    let door = narrow().await;
    let (body, _) = large(2 * MIB);
    let text = format!(
        "{{\"dsn\":\"https://{}@errors.example.com/{}\"}}",
        super::door::KEY,
        door.project.id
    );
    let start = body.iter().position(|byte| *byte == b'\n').unwrap();
    let mut tunnelled = text.into_bytes();
    tunnelled.extend_from_slice(&body[start..]);
    let facts = door.facts();
    let send = |claim, body: Vec<u8>| {
        let (acceptor, facts) = (&door.acceptor, &facts);
        async move {
            acceptor
                .receive_envelope(claim, facts, Body::from(body), None, None)
                .await
        }
    };
    let receipt = send(Default::default(), tunnelled.clone()).await.unwrap();
    assert_eq!(receipt.last, Some(Seq(3)));
    let other = mini_sentry_server::accept::Claim {
        public_key: Some("ffffffffffffffffffffffffffffffff".to_owned()),
        ..Default::default()
    };
    assert!(send(other, tunnelled).await.is_err());
    assert_eq!(
        send(Default::default(), body).await.unwrap_err(),
        Refusal::MissingKey
    );
}
