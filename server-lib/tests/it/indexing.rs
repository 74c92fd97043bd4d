//! The search index beside a running server: complete at once when little happens, and after a
//! crash as if there had been none.

use std::time::Duration;

use mini_sentry_server::Server;
use mini_sentry_server::model::ids::ProjectId;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::state::AppState;
use mini_sentry_server::store::index::{CountBy, TagScope};
use mini_sentry_server::store::query::{
    EventFilter, EventPredicate, EventQuery, Expr, IssuePredicate, IssueQuery, Page, TagTest,
    TextPattern,
};
use mini_sentry_server::testkit::server::TestServer;
use serde_json::json;

use crate::caller::client;
use crate::program::Program;

const PATIENCE: Duration = Duration::from_secs(30);

fn tagged(name: &str, value: &str) -> EventPredicate {
    let test = TagTest::Value(TextPattern::Equals(value.to_owned()));
    EventPredicate::Tag(name.to_owned(), test)
}

fn with(project: ProjectId, filter: Expr<EventPredicate>) -> EventQuery {
    EventQuery {
        projects: vec![project],
        filter,
        times: None,
        after: None,
        limit: 100,
    }
}

async fn post(server: &TestServer, body: &serde_json::Value) {
    let url = format!("{}/api/{}/store/", server.url, server.first.project.id);
    let key = &server.first.key.public_key;
    let answer = client()
        .post(url)
        .header(
            "X-Sentry-Auth",
            format!("Sentry sentry_key={key}, sentry_version=7"),
        )
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
}

#[tokio::test]
async fn what_was_just_accepted_is_found_by_its_tags_and_words() {
    let mut server = TestServer::start().await.unwrap();
    let project = server.first.project.id;
    for number in 0..5 {
        let event = json!({
            "tags": { "feature": "payments", "half": (number % 2).to_string() },
            "user": { "id": number.to_string(), "email": "a@example.com" },
            "request": { "url": "https://example.com/cart?step=1" },
            "contexts": { "os": { "name": "Linux", "version": "6.1" } },
            "exception": [{ "type": "PaymentError", "value": "gateway timeout" }],
        });
        post(&server, &event).await;
    }
    server.digested().await.unwrap();
    let state = server.state().unwrap();
    assert!(state.feed.settle(PATIENCE).await);
    let index = &state.store.index;
    for (name, value, count) in [
        ("feature", "payments", 5),
        ("half", "1", 2),
        ("user.id", "3", 1),
        ("user.email", "a@example.com", 5),
        ("url", "https://example.com/cart", 5),
        ("os.name", "Linux", 5),
        ("os", "Linux 6.1", 5),
        ("error.type", "PaymentError", 5),
        ("level", "error", 5),
        ("feature", "search", 0),
    ] {
        let query = with(project, Expr::Is(tagged(name, value)));
        let hits = index.find(&query).await.unwrap();
        assert_eq!(hits.rows.len(), count, "{name}: {value}");
    }
    let query = IssueQuery {
        projects: vec![project],
        filter: Expr::Is(IssuePredicate::Text("timeout".to_owned())),
        order: Default::default(),
        after: None,
        limit: 10,
    };
    let page = state.store.issues.search(&query).await.unwrap();
    let issue = page.issues.first().unwrap();
    assert_eq!((issue.events, issue.affected.users), (5, 5));
    assert_eq!(issue.headline.error_type, "PaymentError");
    let scope = TagScope::Issue(issue.id);
    let halves = index.tags(&scope, Some("half"), 10).await.unwrap();
    let top: Vec<_> = (halves.first().unwrap().top.iter())
        .map(|top| (top.value.as_str(), top.seen.count))
        .collect();
    assert_eq!(top, [("0", 3), ("1", 2)]);
    server.stop().await;
}

/// Compares the index with the rows.
async fn agrees(state: &AppState, project: ProjectId) -> u64 {
    let filter = EventFilter {
        projects: vec![project],
        ..EventFilter::default()
    };
    let rows = state.store.events.count(&filter).await.unwrap();
    let index = &state.store.index;
    let present = EventPredicate::Tag("level".to_owned(), TagTest::Present);
    for (filter, by) in [
        (Expr::everything(), CountBy::Nothing),
        (Expr::everything(), CountBy::Issue),
        (Expr::Is(present.clone()), CountBy::Hour),
        (Expr::Is(present), CountBy::Tag("level".to_owned())),
    ] {
        let counts = index
            .count(&with(project, filter), by.clone())
            .await
            .unwrap();
        let sum: u64 = counts.counts.iter().map(|(_, count)| count).sum();
        assert_eq!(sum, rows, "{by:?}");
    }
    let issues = state
        .store
        .issues
        .list(&[project], Page::first(1_000))
        .await
        .unwrap();
    assert_eq!(issues.iter().map(|issue| issue.events).sum::<u64>(), rows);
    let ids: Vec<_> = issues.iter().map(|issue| issue.id).collect();
    let hours = index
        .hours(&ids, Millis(0)..=Millis(i64::MAX / 2))
        .await
        .unwrap();
    assert_eq!(hours.iter().map(|hour| hour.events).sum::<u64>(), rows);
    let scope = TagScope::Projects(vec![project]);
    let levels = index.tags(&scope, Some("level"), 10).await.unwrap();
    assert_eq!(levels.iter().map(|level| level.total).sum::<u64>(), rows);
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_nothing_is_indexed_twice_and_nothing_is_missing() {
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::init(data.path(), &[]);
    let mut number = 0_u128;
    for round in 1..=4 {
        program.start().await;
        let mut stream = None;
        for _ in 0..round * 60 {
            number += 1;
            let id = number.wrapping_mul(0xda94_2042_e4dd_58b5_9e37_79b9_7f4a_7c15);
            let message = format!("order {} is lost", number % 7);
            assert_eq!(program.send(&mut stream, id, &message).await, Some(200));
        }
        program.kill_by_signal();
        program.kill();
        // What was in memory is read again; then it is in the index, and a further start finds it so.
        for _ in 0..2 {
            let server = Server::builder()
                .data_dir(data.path())
                .build()
                .await
                .unwrap();
            let running = server.start().unwrap();
            let state = server.state();
            let tail = state.journal.tail();
            assert!(state.progress.reached(tail, PATIENCE).await);
            assert!(state.feed.reached(tail, PATIENCE).await);
            assert_eq!(u128::from(agrees(state, ProjectId(1)).await), number);
            running.shutdown(PATIENCE).await;
        }
    }
}
