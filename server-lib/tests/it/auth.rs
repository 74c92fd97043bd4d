//! Who may read and manage: tokens, their scopes, their end. Keys that may send open nothing.

use std::time::Duration;

use mini_sentry_server::model::time::Millis;
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request};

/// One path of each part that needs a token.
const GUARDED: &[&str] = &[
    "/api/0/",
    "/docs/",
    "/docs/openapi.json/",
    "/docs/openapi.yaml/",
    "/api/0/organizations/my-organisation/issues/",
    "/api/groups/",
    "/api/releases/",
    "/api/0/auth/",
    "/api/0/organizations/",
    "/api/0/projects/",
    "/api/0/projects/my-organisation/my-project/",
    "/api/0/projects/my-organisation/my-project/keys/",
    "/api/0/projects/my-organisation/my-project/events/",
    "/api/0/organizations/my-organisation/stats_v2/",
    "/api/0/api-tokens/",
    "/api/projects/",
    "/api/events/",
    "/ws/events/my-project/",
];

async fn get_with(server: &TestServer, path: &str, token: &str) -> Answer {
    answer(request(server, Method::GET, path).bearer_auth(token)).await
}

/// Makes a token with these scopes.
async fn token_with(server: &TestServer, scopes: &[&str]) -> Value {
    let body = json!({ "name": "narrow", "scopes": scopes });
    let request = request(server, Method::POST, "/api/0/api-tokens/");
    let made = answer(request.bearer_auth(server.token()).json(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json()
}

#[tokio::test]
async fn without_a_token_every_read_is_refused_with_a_sentence() {
    let server = TestServer::start().await.unwrap();
    for path in GUARDED {
        let refused = answer(request(&server, Method::GET, path)).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(refused.header("content-type"), "application/json", "{path}");
        assert_eq!(
            refused.json()["detail"],
            "Authentication credentials were not provided.",
            "{path}"
        );
    }
}

#[tokio::test]
async fn keys_ingest_tokens_and_wrong_tokens_open_nothing() {
    let server = TestServer::start().await.unwrap();
    let wrong = format!("sntryu_{}", "0".repeat(64));
    let first = &server.first;
    for text in [&first.key.public_key, &first.project.ingest_token, &wrong] {
        for path in GUARDED.iter().chain(&["/metrics"]) {
            let refused = get_with(&server, path, text).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(refused.json()["detail"], "Invalid token", "{path}");
        }
    }
}

#[tokio::test]
async fn the_root_tells_what_a_token_may_do() {
    let server = TestServer::start().await.unwrap();
    let known = get(&server, "/api/0/").await;
    let scopes = known["auth"]["scopes"].as_array().unwrap();
    assert!(scopes.contains(&json!("org:read")) && scopes.contains(&json!("event:admin")));
    assert!(known["user"]["id"].is_string() && known["user"]["email"].is_string());
    assert_eq!(
        get(&server, "/api/0/auth/").await["id"],
        known["user"]["id"]
    );
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_no_more() {
    let server = TestServer::start().await.unwrap();
    let made = token_with(&server, &["project:read"]).await;
    let token = made["token"].as_str().unwrap();
    let project = "/api/0/projects/my-organisation/my-project/";
    assert_eq!(get_with(&server, project, token).await.status, 200);

    for path in [
        "/api/0/projects/my-organisation/my-project/events/",
        "/api/events/",
        "/api/0/api-tokens/",
        "/ws/events/my-project/",
        "/metrics",
    ] {
        let refused = get_with(&server, path, token).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(
            refused.json()["detail"],
            "You do not have permission to perform this action."
        );
    }
    let named = json!({ "name": "x" });
    for (method, path, body) in [
        (Method::DELETE, project.to_owned(), json!(null)),
        (Method::PUT, project.to_owned(), named.clone()),
        (Method::POST, format!("{project}keys/"), named.clone()),
        (
            Method::POST,
            format!("{project}erase-user/"),
            json!({ "id": "1" }),
        ),
        (Method::POST, "/api/projects/".to_owned(), named),
    ] {
        let request = request(&server, method.clone(), &path).bearer_auth(token);
        let refused = answer(request.json(&body)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn a_token_opens_its_organisation_only() {
    let server = TestServer::start().await.unwrap();
    let state = server.state().unwrap();
    let other = state
        .store
        .catalog
        .create_organisation("other", "Other", Millis(0))
        .await
        .unwrap();
    state.catalog.refresh().await.unwrap();
    for name in ["other".to_owned(), other.id.to_string()] {
        for path in [
            format!("/api/0/organizations/{name}/"),
            format!("/api/0/organizations/{name}/projects/"),
            format!("/api/0/projects/{name}/my-project/"),
            format!("/api/0/organizations/{name}/stats_v2/"),
        ] {
            let refused = get_with(&server, &path, server.token()).await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    let listed = get(&server, "/api/0/organizations/").await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_token_ends_at_once_here_and_within_seconds_elsewhere() {
    let server = TestServer::start().await.unwrap();
    let made = token_with(&server, &["org:read"]).await;
    let (id, token) = (
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap(),
    );
    let path = "/api/0/organizations/";
    assert_eq!(get_with(&server, path, token).await.status, 200);
    let delete = format!("/api/0/api-tokens/{id}/");
    let request = request(&server, Method::DELETE, &delete).bearer_auth(server.token());
    assert_eq!(answer(request).await.status, StatusCode::NO_CONTENT);
    assert_eq!(get_with(&server, path, token).await.status, 401);

    let made = token_with(&server, &["org:read"]).await;
    let (id, token) = (
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap(),
    );
    assert_eq!(get_with(&server, path, token).await.status, 200);
    // As the command line beside the server does it.
    let catalog = &server.state().unwrap().store.catalog;
    catalog.delete_token(id.parse().unwrap()).await.unwrap();
    server.clock.advance(2000);
    assert_eq!(get_with(&server, path, token).await.status, 401);
}

#[tokio::test]
async fn a_token_ends_when_it_says_so() {
    let server = TestServer::start().await.unwrap();
    let body = json!({ "name": "short", "scopes": ["org:read"], "expiresIn": "1h" });
    let request = request(&server, Method::POST, "/api/0/api-tokens/");
    let made = answer(request.bearer_auth(server.token()).json(&body)).await;
    let made = made.json();
    let token = made["token"].as_str().unwrap();
    assert!(made["expiresAt"].as_str().unwrap().ends_with('Z'));
    let path = "/api/0/organizations/";
    assert_eq!(get_with(&server, path, token).await.status, 200);
    server
        .clock
        .advance(Duration::from_secs(3601).as_millis() as i64);
    assert_eq!(get_with(&server, path, token).await.status, 401);
    assert_eq!(get_with(&server, path, server.token()).await.status, 200);
}

#[tokio::test]
async fn a_token_cannot_give_more_than_it_has() {
    let server = TestServer::start().await.unwrap();
    let made = token_with(&server, &["org:admin", "project:write"]).await;
    let token = made["token"].as_str().unwrap();
    for (scopes, status) in [
        (vec!["project:read", "org:read"], StatusCode::CREATED),
        (vec!["project:admin"], StatusCode::FORBIDDEN),
        (vec!["event:read"], StatusCode::FORBIDDEN),
        (vec!["nonsense"], StatusCode::BAD_REQUEST),
        (vec![], StatusCode::BAD_REQUEST),
    ] {
        let body = json!({ "name": "child", "scopes": scopes });
        let request = request(&server, Method::POST, "/api/0/api-tokens/").bearer_auth(token);
        assert_eq!(
            answer(request.json(&body)).await.status,
            status,
            "{scopes:?}"
        );
    }
}

#[tokio::test]
async fn the_secret_is_shown_once_and_its_use_is_noted() {
    let server = TestServer::start().await.unwrap();
    let path = "/api/0/organizations/my-organisation/org-auth-tokens/";
    let create = request(&server, Method::POST, path).bearer_auth(server.token());
    let made = answer(create.json(&json!({ "name": "build" }))).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("sntrys_"));
    assert_eq!(made["scopes"], json!(["org:ci"]));

    let listed = answer(request(&server, Method::GET, path).bearer_auth(server.token())).await;
    assert!(!listed.text.contains(token));
    let listed = listed.json();
    let find = |list: &Value| {
        let list = list.as_array().unwrap();
        let found = list.iter().find(|row| row["id"] == made["id"]).unwrap();
        found.clone()
    };
    assert_eq!(find(&listed)["dateLastUsed"], Value::Null);
    assert_eq!(
        find(&listed)["tokenLastCharacters"],
        token.get(token.len() - 4..).unwrap()
    );

    // Uses are written once a minute.
    server.clock.advance(61_000);
    let used = get_with(&server, "/api/0/organizations/", token).await;
    assert_eq!(used.status, StatusCode::OK);
    server.clock.advance(61_000);
    get(&server, "/api/0/").await;
    let listed = get(&server, path).await;
    assert!(find(&listed)["dateLastUsed"].is_string());
}
