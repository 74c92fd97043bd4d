//! Items beside events: rows, names, and what is counted.

use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::DataCategory;
use mini_sentry_server::journal::Journal;
use mini_sentry_server::model::ids::KeyId;
use mini_sentry_server::model::outcome::Outcome;
use mini_sentry_server::model::record::{Blob, NewRecord, RecordKind};
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::query::{ItemFilter, OutcomeFilter, Page};
use tempfile::TempDir;

use super::lab::{Index, digest, event, journal, record};

async fn digested(index: &Index, records: Vec<NewRecord>) {
    let dir = TempDir::new().unwrap();
    let journal = journal(dir.path());
    journal.append(records).await.unwrap();
    digest(&journal, index).await;
}

async fn outcomes(index: &Index) -> Vec<(DataCategory, Outcome, String, u64)> {
    let filter = OutcomeFilter {
        projects: vec![index.project],
        times: Millis(0)..=Millis(i64::MAX / 2),
        interval_minutes: 60 * 24 * 365,
    };
    let rows = index.store.stats.outcomes(&filter).await.unwrap();
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|row| (row.category, row.outcome, row.reason, row.quantity))
        .collect();
    rows.sort();
    rows
}

fn accepted(category: DataCategory, quantity: u64) -> (DataCategory, Outcome, String, u64) {
    (category, Outcome::Accepted, String::new(), quantity)
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_stored_with_their_names_and_counted_in_their_categories() {
    let index = Index::open().await;
    let project = index.project;
    let mut attachment = record(project, RecordKind::Attachment, "0123456789");
    attachment.head.context.name = Some("log.txt".to_owned());
    attachment.head.context.key = Some(KeyId(1));
    let mut large = record(project, RecordKind::Attachment, "");
    large.head.context.blob = Some(Blob {
        name: "00".to_owned(),
        bytes: 5_000_000,
    });
    let mut logs = record(project, RecordKind::Log, r#"{"items":[{},{},{}]}"#);
    logs.head.context.quantity = Some(3);
    let check_in = r#"{"check_in_id":"00000000000000000000000000000000",
        "monitor_slug":" nightly ","status":"ok"}"#;
    let report = r#"{"event_id":"fc6d8c0c43fc4630ad850ee518f1b9d0","comments":"it broke"}"#;
    let records = vec![
        attachment,
        large,
        logs,
        record(project, RecordKind::CheckIn, check_in),
        record(project, RecordKind::CheckIn, "no json"),
        record(project, RecordKind::UserReport, report),
        record(project, RecordKind::ReplayEvent, "{}"),
        record(project, RecordKind::ReplayRecording, "{}"),
        record(project, RecordKind::Unknown, "?"),
    ];
    digested(&index, records).await;

    let filter = ItemFilter {
        projects: vec![project],
        ..ItemFilter::default()
    };
    let mut rows = index
        .store
        .events
        .items(&filter, Page::first(100))
        .await
        .unwrap();
    rows.reverse();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.name.as_str(), row.bytes))
        .collect();
    assert_eq!(
        shown[..5],
        [
            ("log.txt", 10),
            ("", 5_000_000),
            ("", 20),
            ("nightly", check_in.len() as u64),
            ("", 7)
        ]
    );
    let told: EventId = "fc6d8c0c43fc4630ad850ee518f1b9d0".parse().unwrap();
    assert_eq!(rows[5].event_id, told);
    assert_eq!(rows.len(), 9);
    let mut expected = vec![
        accepted(DataCategory::Default, 1),
        accepted(DataCategory::Attachment, 5_000_010),
        accepted(DataCategory::AttachmentItem, 2),
        accepted(DataCategory::Replay, 1),
        accepted(DataCategory::Monitor, 2),
        accepted(DataCategory::LogItem, 3),
        accepted(DataCategory::LogByte, 20),
    ];
    expected.sort();
    assert_eq!(outcomes(&index).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_sdk_says_that_it_dropped_is_counted_beside_our_own_outcomes() {
    let index = Index::open().await;
    let report = r#"{"timestamp":"2020-01-01T00:00:00Z","discarded_events":[
        {"reason":"queue_overflow","category":"error","quantity":3},
        {"reason":"queue_overflow","category":"error","quantity":4},
        {"reason":"My Reason;","category":"brand_new","quantity":1},
        {"reason":"sample_rate","category":"transaction"},
        7]}"#;
    let records = vec![
        record(index.project, RecordKind::ClientReport, report),
        record(index.project, RecordKind::ClientReport, "[]"),
        event(index.project, 1, r#"{"message":"a"}"#),
    ];
    digested(&index, records).await;
    let discarded = |category, reason: &str, quantity| {
        (
            category,
            Outcome::ClientDiscard,
            reason.to_owned(),
            quantity,
        )
    };
    let mut expected = vec![
        accepted(DataCategory::Error, 1),
        discarded(DataCategory::Error, "queue_overflow", 7),
        discarded(DataCategory::Unknown, "my_reason_", 1),
        (
            DataCategory::Internal,
            Outcome::Invalid,
            "invalid_json".to_owned(),
            1,
        ),
    ];
    expected.sort();
    assert_eq!(outcomes(&index).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_is_counted_and_the_rest_goes_on() {
    let index = Index::open().await;
    let mut broken = record(index.project, RecordKind::Event, r#"{"message":"#);
    broken.head.event_id = EventId::from_bytes([9; 16]);
    let records = vec![
        event(index.project, 1, r#"{"message":"a"}"#),
        broken,
        event(index.project, 2, r#"{"message":"b"}"#),
    ];
    digested(&index, records).await;
    let count = |id: u8| {
        let store = &index.store;
        let project = index.project;
        async move {
            let id = EventId::from_bytes([id; 16]);
            store.events.find(id, &[project]).await.unwrap().len()
        }
    };
    assert_eq!([count(1).await, count(9).await, count(2).await], [1, 0, 1]);
    let invalid = (
        DataCategory::Error,
        Outcome::Invalid,
        "invalid_json".to_owned(),
        1,
    );
    assert_eq!(
        outcomes(&index).await,
        [accepted(DataCategory::Error, 2), invalid]
    );
}
