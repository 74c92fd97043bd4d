//! What the server keeps in order by itself or on request: environments, sessions, a person's data,
//! files of large bodies.

use mini_sentry_server::jobs::orphans::orphans;
use mini_sentry_server::jobs::{JobKind, Jobs};
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::model::record::RecordKind;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::SessionTotals;
use mini_sentry_server::store::query::{ItemFilter, Page};
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request, send_envelope};

const PROJECT: &str = "/api/0/projects/my-organisation/my-project/";
/// Long enough that the server's own jobs stay out of the way.
const NEVER: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// Sends items in one envelope.
async fn send(server: &TestServer, items: &[(Value, Vec<u8>)]) -> Answer {
    let mut envelope = b"{}\n".to_vec();
    for (header, body) in items {
        let mut header = header.clone();
        header["length"] = json!(body.len());
        envelope.extend_from_slice(header.to_string().as_bytes());
        envelope.push(b'\n');
        envelope.extend_from_slice(body);
        envelope.push(b'\n');
    }
    send_envelope(server, envelope).await
}

/// Sends items of JSON and waits until they are digested.
async fn sent(server: &TestServer, items: &[(&str, Value)]) {
    let items: Vec<_> = items
        .iter()
        .map(|(kind, body)| {
            let mut header = json!({ "type": kind });
            if let Some(entries) = body["items"].as_array() {
                header["item_count"] = json!(entries.len());
                header["content_type"] = json!(format!("application/vnd.sentry.items.{kind}+json"));
            }
            (header, body.to_string().into_bytes())
        })
        .collect();
    let answer = send(server, &items).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    server.digested().await.unwrap();
}

async fn totals(server: &TestServer) -> SessionTotals {
    let state = server.state().unwrap();
    let all = Millis(0)..=Millis(i64::MAX);
    let totals = state
        .store
        .stats
        .session_totals(server.first.project.id, all);
    totals.await.unwrap()
}

/// Returns how many items of the kinds the index shows.
async fn count_items(server: &TestServer, kinds: &[RecordKind]) -> usize {
    let filter = ItemFilter {
        projects: vec![server.first.project.id],
        kinds: kinds.to_vec(),
        event_id: None,
    };
    let items = &server.state().unwrap().store.events;
    items.items(&filter, Page::first(100)).await.unwrap().len()
}

#[tokio::test]
async fn a_project_names_the_environments_of_its_events() {
    let server = TestServer::start().await.unwrap();
    assert_eq!(get(&server, PROJECT).await["environments"], json!([]));
    for environment in ["staging", "production", "staging", ""] {
        let event = json!({ "message": "m", "environment": environment });
        sent(&server, &[("event", event)]).await;
    }
    let expected = json!(["production", "staging"]);
    assert_eq!(get(&server, PROJECT).await["environments"], expected);
    for list in [
        "/api/0/projects/",
        "/api/0/organizations/my-organisation/projects/",
    ] {
        assert_eq!(get(&server, list).await[0]["environments"], expected);
    }
}

#[tokio::test]
async fn a_session_is_in_the_total_by_its_init_and_in_its_state_by_any_update() {
    let server = TestServer::start().await.unwrap();
    let now = server.state().unwrap().clock.now().to_rfc3339();
    let update = |init: bool, seq: u64, status: &str| {
        let session = json!({
            "sid": "9ec79c33-ec99-42ab-8353-589fcb2e04dc", "init": init, "seq": seq,
            "status": status, "started": now, "attrs": { "release": "shop@1" },
        });
        ("session", session)
    };
    sent(&server, &[update(false, 3, "crashed")]).await;
    let mut expected = SessionTotals {
        crashed: 1,
        ..SessionTotals::default()
    };
    assert_eq!(totals(&server).await, expected);
    // What was sent before arrives after.
    sent(&server, &[update(false, 2, "ok"), update(true, 0, "ok")]).await;
    expected.total = 1;
    assert_eq!(totals(&server).await, expected);
    sent(
        &server,
        &[update(true, 0, "ok"), update(false, 4, "exited")],
    )
    .await;
    assert_eq!(totals(&server).await, expected);
}

#[tokio::test]
async fn the_first_word_of_a_session_begins_it_where_no_init_is_asked_for() {
    let server = TestServer::start().await.unwrap();
    let token = &server.first.project.ingest_token;
    let path = format!("/api/sessions/ingest/token/{token}/");
    let update = async |session: &str, status: &str| {
        let update = json!({ "session_id": session, "status": status, "release": "1.0" });
        let request = request(&server, Method::POST, &path).json(&update);
        answer(request).await.status
    };
    assert_eq!(update("one", "crashed").await, StatusCode::CREATED);
    assert_eq!(update("two", "ok").await, StatusCode::CREATED);
    assert_eq!(update("one", "init").await, StatusCode::OK);
    assert_eq!(update("two", "errored").await, StatusCode::OK);
    server.digested().await.unwrap();
    let expected = SessionTotals {
        total: 2,
        errored: 1,
        abnormal: 0,
        crashed: 1,
    };
    assert_eq!(totals(&server).await, expected);
}

#[tokio::test]
async fn a_persons_sessions_and_items_are_erased_and_no_others() {
    let server = TestServer::start().await.unwrap();
    let now = server.state().unwrap().clock.now().to_rfc3339();
    let session = |number: u32, did: &str| {
        let session = json!({
            "sid": format!("9ec79c33ec9942ab8353589f{number:08x}"), "did": did, "init": true,
            "status": "crashed", "started": now, "attrs": { "release": "shop@1" },
        });
        ("session", session)
    };
    let log = |id: &str| {
        let entry = json!({
            "timestamp": 1, "level": "info", "body": "paid", "trace_id": "0".repeat(32),
            "attributes": { "user.id": { "value": id, "type": "string" } },
        });
        ("log", json!({ "items": [entry] }))
    };
    sent(&server, &[session(1, "user-42"), session(2, "user-43")]).await;
    sent(&server, &[session(3, "A@example.com")]).await;
    sent(&server, &[log("user-42"), log("user-43")]).await;
    let span = json!({ "span_id": "a".repeat(16), "sentry_tags": { "user": "id:user-42" } });
    sent(&server, &[("span", span)]).await;
    assert_eq!(totals(&server).await.total, 3);
    let kinds = [RecordKind::Log, RecordKind::Span];
    assert_eq!(count_items(&server, &kinds).await, 3);

    let person = json!({ "id": "user-42", "email": "A@example.com" });
    let path = format!("{PROJECT}erase-user/");
    let erase = request(&server, Method::POST, &path).bearer_auth(server.token());
    let erased = answer(erase.json(&person)).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text);
    let told = erased.json();
    assert_eq!(told["erased"], 4, "two sessions, a log entry, a span");
    assert_eq!(told["complete"], true);
    let left = totals(&server).await;
    assert_eq!((left.total, left.crashed), (1, 1));
    assert_eq!(count_items(&server, &kinds).await, 1);
    let dead = server.state().unwrap().store.upkeep.dead(Seq(0)..=Seq(99));
    assert_eq!(dead.await.unwrap().seqs.len(), 2);
}

async fn with_files() -> TestServer {
    let server = TestServer::start_with(|config| {
        config.retention.interval = NEVER;
        config.ingest.max_inline_bytes = 1024;
    });
    server.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_belong_to_no_record_are_removed() {
    let server = with_files().await;
    let state = server.state().unwrap().clone();
    let event = json!({ "type": "event" });
    let attachment = json!({ "type": "attachment", "filename": "dump" });
    let items = [
        (event.clone(), b"{\"message\":\"m\"}".to_vec()),
        (attachment, vec![7; 100_000]),
    ];
    assert_eq!(send(&server, &items).await.status, StatusCode::OK);
    let kept = state.blobs.names().unwrap();
    assert_eq!(kept.len(), 1);
    // As a crash between the file and its record leaves it.
    let mut writer = state.blobs.create(state.clock.now()).unwrap();
    writer.write(&[7; 100_001]).unwrap();
    let orphan = writer.finish().unwrap();

    let jobs = Jobs::new(state.clone());
    let removed = async || {
        server.digested().await.unwrap();
        jobs.run_once(JobKind::Orphans).await.unwrap().blobs
    };
    assert_eq!(removed().await, 0, "its record may be on its way");
    server.clock.advance(2 * 60 * Millis::MINUTE);
    let found = orphans(&state.blobs, &state.store, state.clock.now());
    assert_eq!(found.await.unwrap(), [], "digest may not have reached it");
    sent(&server, &[("event", json!({ "message": "later" }))]).await;
    let found = orphans(&state.blobs, &state.store, state.clock.now());
    let found = found.await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, orphan.name);
    assert_eq!(removed().await, 1);
    assert_eq!(state.blobs.names().unwrap(), kept);

    // A file whose record is erased is one too, as long as compaction has not come by.
    let erased = state.store.upkeep.erase(&[Seq(1), Seq(2)]).await.unwrap();
    assert_eq!(erased, 2);
    server.clock.advance(60 * Millis::MINUTE);
    assert_eq!(removed().await, 0, "only what is new is looked at");
    server.clock.advance(Millis::DAY);
    assert_eq!(removed().await, 1);
    assert_eq!(state.blobs.names().unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_item_is_refused_before_the_disk_is_full() {
    let server = TestServer::start_with(|config| {
        config.ingest.max_inline_bytes = 1024;
        config.journal.min_free_bytes = u64::MAX;
    });
    let server = server.await.unwrap();
    let attachment = (json!({ "type": "attachment" }), vec![7; 2 << 20]);
    let refused = send(&server, &[attachment]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(refused.json()["code"], "disk_full");
    let folder = server.data_dir().join("blobs");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}
