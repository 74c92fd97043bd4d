//! Mini Sentry's own ingest API.

use mini_sentry_server::config::Config;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::only_event;
use crate::caller::{answer, get, request};

fn by_token(server: &TestServer) -> RequestBuilder {
    let token = &server.first.project.ingest_token;
    request(
        server,
        Method::POST,
        &format!("/api/events/ingest/token/{token}/"),
    )
}

fn by_slug(server: &TestServer) -> RequestBuilder {
    let slug = &server.first.project.slug;
    request(server, Method::POST, &format!("/api/events/ingest/{slug}/"))
}

#[tokio::test]
async fn an_event_is_answered_as_the_lists_show_it() {
    let server = TestServer::start().await.unwrap();
    let sent = by_token(&server).json(&json!({
        "message": "Example error", "level": "warn", "extra": {"foo": "bar"},
        "release": "1.0.0", "environment": "production", "tags": {"color": "red"},
        "stack": "Error: Example error\n    at f (http://x.example/a.js:1:2)",
    }));
    let sent = answer(sent).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    let made = sent.json();
    assert_eq!(made["message"], "Example error");
    assert_eq!(made["level"], "warning");
    assert_eq!(made["release"], "1.0.0");
    assert_eq!(made["environment"], "production");
    assert_eq!(made["extra"], json!({"foo": "bar"}));
    assert_eq!(made["tags"]["color"], "red");
    assert_eq!(made["frames"][0]["function"], "f");
    assert!(made["group"].is_u64(), "it belongs to a group at once");
    assert_eq!(only_event(&server).await, made);
    let listed = get(&server, "/api/events/").await;
    assert_eq!(listed["results"][0]["id"], made["id"]);
}

#[tokio::test]
async fn the_address_with_a_slug_wants_a_proof() {
    let server = TestServer::start().await.unwrap();
    let event = json!({"message": "m"});
    let nobody = answer(by_slug(&server).json(&event)).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let stranger = answer(by_slug(&server).bearer_auth("sntryu_0").json(&event)).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let key = format!("Sentry sentry_key={}", server.first.key.public_key);
    for proven in [
        by_slug(&server).bearer_auth(server.token()),
        by_slug(&server).bearer_auth(&server.first.project.ingest_token),
        by_slug(&server).header("X-Sentry-Auth", key),
    ] {
        let sent = answer(proven.json(&event)).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    }
    let elsewhere = request(&server, Method::POST, "/api/events/ingest/other/")
        .bearer_auth(server.token())
        .json(&event);
    assert_eq!(answer(elsewhere).await.status, StatusCode::NOT_FOUND);
    let wrong = request(&server, Method::POST, "/api/events/ingest/token/0/").json(&event);
    assert_eq!(answer(wrong).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_project_has_its_share_of_each_minute() {
    assert_eq!(Config::new("").ingest.events_per_minute, 120);
    let server = TestServer::start_with(|config| config.ingest.events_per_minute = 5);
    let server = server.await.unwrap();
    let event = json!({"message": "m"});
    for number in 0..5 {
        let sent = answer(by_token(&server).json(&event)).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{number}: {}", sent.text);
    }
    let limited = answer(by_token(&server).json(&event)).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limited.json()["detail"], "Rate limit exceeded");
    let seconds: i64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds));
    server.clock.advance(Millis::MINUTE);
    let later = answer(by_token(&server).json(&event)).await;
    assert_eq!(later.status, StatusCode::CREATED, "{}", later.text);
}

#[tokio::test]
async fn an_event_that_is_none_is_refused() {
    let server = TestServer::start().await.unwrap();
    for body in ["", "[]", "{}", "{\"message\":"] {
        let sent = answer(by_token(&server).body(body)).await;
        assert_eq!(sent.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(sent.json()["code"], "invalid_event");
    }
}

#[tokio::test]
async fn a_session_is_new_once_and_updated_afterwards() {
    let server = TestServer::start().await.unwrap();
    let token = &server.first.project.ingest_token;
    let path = format!("/api/sessions/ingest/token/{token}/");
    let send = |status: &str| {
        let update: Value = json!({"session_id": "abc123", "status": status, "release": "1.0",
            "environment": "prod", "user": "user-42", "duration_ms": 1200});
        answer(request(&server, Method::POST, &path).json(&update))
    };
    let first = send("init").await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert_eq!(first.json()["session_id"], "abc123");
    assert_eq!(send("ok").await.status, StatusCode::OK);
    assert_eq!(send("crashed").await.status, StatusCode::OK);
    assert_eq!(send("great").await.status, StatusCode::BAD_REQUEST);
    server.digested().await.unwrap();
    let state = server.state().unwrap();
    let all = Millis(0)..=Millis(i64::MAX);
    let totals = state
        .store
        .stats
        .session_totals(server.first.project.id, all);
    let totals = totals.await.unwrap();
    assert_eq!((totals.total, totals.crashed), (1, 1));
}
