//! Sessions, by the vectors that all languages of the project share.

use std::path::Path;

use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::DataCategory;
use mini_sentry_server::journal::Journal;
use mini_sentry_server::model::outcome::Outcome;
use mini_sentry_server::model::record::RecordKind;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::query::OutcomeFilter;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::lab::{Index, digest, journal, now, record};

fn cases() -> Vec<Value> {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-core/testdata/sessions.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(core).unwrap()).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() > 10);
    cases.clone()
}

async fn digested(index: &Index, bodies: Vec<(RecordKind, String)>) {
    let dir = TempDir::new().unwrap();
    let journal = journal(dir.path());
    let records = bodies
        .iter()
        .map(|(kind, body)| record(index.project, *kind, body))
        .collect();
    journal.append(records).await.unwrap();
    digest(&journal, index).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_add_up_as_the_shared_vectors_say() {
    for case in cases() {
        let index = Index::open().await;
        let attributes = json!({"release": "shop@1", "environment": "production"});
        let started = now().to_rfc3339();
        let mut bodies = Vec::new();
        for update in case["updates"].as_array().into_iter().flatten() {
            let mut update = update.clone();
            update["attrs"] = attributes.clone();
            update["started"] = json!(started);
            bodies.push((RecordKind::Session, update.to_string()));
        }
        if let Some(aggregates) = case["aggregates"].as_array() {
            let mut aggregates = aggregates.clone();
            for aggregate in &mut aggregates {
                aggregate["started"] = json!(started);
            }
            let body = json!({"aggregates": aggregates, "attrs": attributes});
            bodies.push((RecordKind::Sessions, body.to_string()));
        }
        digested(&index, bodies).await;
        let stats = &index.store.stats;
        let times = Millis(0)..=now();
        let totals = stats.session_totals(index.project, times).await.unwrap();
        let counted = json!({
            "total": totals.total,
            "healthy": totals.total
                .saturating_sub(totals.errored + totals.abnormal + totals.crashed),
            "errored": totals.errored,
            "abnormal": totals.abnormal,
            "crashed": totals.crashed,
        });
        assert_eq!(counted, case["counts"], "{}", case["name"]);
        for (sid, status) in case["statuses"].as_object().into_iter().flatten() {
            let sid: EventId = sid.parse().unwrap();
            let state = stats.session(index.project, *sid.as_bytes()).await.unwrap();
            let expected = match status.as_str().unwrap() {
                "unhandled" => "errored",
                other => other,
            };
            assert_eq!(state.unwrap().as_str(), expected, "{}", case["name"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_cannot_be_counted_are_outcomes() {
    let index = Index::open().await;
    let session = |change: Value| {
        let mut body = json!({
            "sid": "00000000-0000-4000-8000-000000000001",
            "init": true, "status": "ok",
            "started": now().to_rfc3339(),
            "attrs": {"release": "shop@1"},
        });
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        (RecordKind::Session, body.to_string())
    };
    let days_ago = |days: i64| now().plus(-days * Millis::DAY).to_rfc3339();
    let many: Vec<_> = (0..103)
        .map(|_| json!({"started": now().to_rfc3339(), "exited": 1}))
        .collect();
    let aggregates = json!({"aggregates": many, "attrs": {"release": "shop@1"}});
    digested(
        &index,
        vec![
            session(json!({"started": days_ago(6)})),
            session(json!({"started": now().plus(2 * Millis::MINUTE).to_rfc3339()})),
            session(json!({"attrs": {}})),
            session(json!({"sid": null})),
            session(json!({"sid": "of its own", "started": days_ago(4)})),
            (RecordKind::Session, "no json".to_owned()),
            (RecordKind::Sessions, aggregates.to_string()),
        ],
    )
    .await;
    let filter = OutcomeFilter {
        projects: vec![index.project],
        times: Millis(0)..=now(),
        interval_minutes: 60 * 24 * 365,
    };
    let rows = index.store.stats.outcomes(&filter).await.unwrap();
    let mut rows: Vec<_> = rows
        .iter()
        .map(|row| {
            assert_eq!(row.category, DataCategory::Session);
            (row.outcome, row.reason.as_str(), row.quantity)
        })
        .collect();
    rows.sort_unstable();
    assert_eq!(
        rows,
        [
            (Outcome::Accepted, "", 101),
            (Outcome::Invalid, "in_the_future", 1),
            (Outcome::Invalid, "invalid_json", 1),
            (Outcome::Invalid, "missing_release", 1),
            (Outcome::Invalid, "missing_session_id", 1),
            (Outcome::Invalid, "too_many_sessions", 3),
            (Outcome::Invalid, "too_old", 1),
        ]
    );
}
