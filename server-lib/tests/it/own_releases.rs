//! Releases, deployments and health of Mini Sentry's own interface.

use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request};

async fn post(server: &TestServer, path: &str, body: Value) -> Answer {
    let request = request(server, Method::POST, path).bearer_auth(server.token());
    answer(request.json(&body)).await
}

#[tokio::test]
async fn releases_are_made_once_and_deployed_by_name_or_number() {
    let server = TestServer::start().await.unwrap();
    let wanted = json!({ "project": "my-project", "version": "shop@1.0", "ref": "main" });
    let made = post(&server, "/api/releases/", wanted.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(
        post(&server, "/api/releases/", wanted).await.status,
        StatusCode::OK
    );
    let listed = get(&server, "/api/releases/?project=my-project").await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed[0]["version"], &listed[0]["ref"]),
        (&json!("shop@1.0"), &json!("main"))
    );

    for release in [listed[0]["id"].clone(), json!("shop@1.0")] {
        let deployment = json!({
            "project": server.first.project.id, "release": release,
            "environment": "production", "name": "Deploy #1",
        });
        let made = post(&server, "/api/deployments/", deployment).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        assert_eq!(made.json()["release"], "shop@1.0");
    }
    let deployments = get(&server, "/api/deployments/?release=shop@1.0").await;
    assert_eq!(deployments.as_array().unwrap().len(), 2);
    for (path, body) in [
        (
            "/api/releases/",
            json!({ "project": "my-project", "version": "a/b" }),
        ),
        (
            "/api/releases/",
            json!({ "project": "none", "version": "1" }),
        ),
        (
            "/api/deployments/",
            json!({ "project": "my-project", "release": 99, "environment": "p" }),
        ),
        (
            "/api/deployments/",
            json!({ "project": "my-project", "release": "1", "environment": "" }),
        ),
    ] {
        let refused = post(&server, path, body.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn health_is_the_part_of_sessions_that_did_not_crash() {
    let server = TestServer::start().await.unwrap();
    let token = &server.first.project.ingest_token;
    let path = format!("/api/sessions/ingest/token/{token}/");
    for (number, status) in ["exited", "exited", "exited", "crashed"].iter().enumerate() {
        let session = json!({
            "session_id": format!("s{number}"), "status": status, "release": "1.0",
            "environment": "production", "user": "user-42",
        });
        let sent = answer(request(&server, Method::POST, &path).json(&session)).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    }
    server.digested().await.unwrap();
    let health = get(&server, "/api/releases/health/?project=my-project").await;
    assert_eq!(
        health,
        json!([{
            "project": "my-project", "version": "1.0", "environment": "production",
            "total_sessions": 4, "crashed_sessions": 1, "errored_sessions": 0,
            "abnormal_sessions": 0, "crash_free_rate": 75.0,
            "total_users": 1, "crashed_users": 1, "errored_users": 0, "abnormal_users": 0,
            "crash_free_users_rate": 0.0, "users_are_exact": true,
            "duration_p50_ms": null, "duration_p95_ms": null,
        }])
    );
    let none = get(&server, "/api/releases/health/?environment=staging").await;
    assert_eq!(none, json!([]));
    let series = "/api/releases/health/series/?range=1h&interval=5m&version=1.0";
    let series = get(&server, series).await;
    let series = series.as_array().unwrap();
    assert_eq!(series.len(), 13);
    let total: u64 = series
        .iter()
        .map(|row| row["total_sessions"].as_u64().unwrap())
        .sum();
    assert_eq!(total, 4);
    assert_eq!(series[0]["crash_free_rate"], Value::Null);
}
