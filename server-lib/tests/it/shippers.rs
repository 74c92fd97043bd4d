//! Log shippers: what they write is read back as events.

use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request};

/// Posts a body to a path with the key in the header, as a shipper is set up.
async fn ship(server: &TestServer, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    let auth = format!(
        "Sentry sentry_version=7, sentry_client=shipper/1.0, sentry_key={}",
        server.first.key.public_key
    );
    let request = request(server, Method::POST, path).header("X-Sentry-Auth", auth);
    answer(request.body(body)).await
}

/// Returns all events, oldest first.
async fn events(server: &TestServer) -> Vec<Value> {
    server.digested().await.unwrap();
    let list = get(server, "/api/events/?limit=1000").await;
    let mut ids: Vec<u64> = list["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_u64().unwrap())
        .collect();
    ids.sort_unstable();
    let mut events = Vec::new();
    for id in ids {
        events.push(get(server, &format!("/api/events/{id}/")).await);
    }
    events
}

fn logs(server: &TestServer) -> String {
    format!("/api/{}/logs/", server.first.project.id)
}

#[tokio::test]
async fn a_raw_logstash_event_is_read_at_the_address_of_events() {
    let server = TestServer::start().await.unwrap();
    let sent = ship(
        &server,
        "/api/store/",
        json!({
            "@timestamp": server.state().unwrap().clock.now().to_rfc3339(), "@version": "1",
            "message": "slow query", "level": "WARN", "host": "db-1", "path": "/var/log/db.log",
            "tags": ["redis", "app"],
        })
        .to_string(),
    )
    .await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    let event = &events(&server).await[0];
    assert_eq!(sent.json()["id"], event["event_id"]);
    assert_eq!(event["message"], "slow query");
    assert_eq!(event["level"], "warning");
    assert_eq!(event["server_name"], "db-1");
    assert_eq!(event["tags"]["logstash"], "redis,app");
    assert_eq!(event["extra"]["path"], "/var/log/db.log");
}

#[tokio::test]
async fn an_ordinary_event_at_the_same_address_stays_one() {
    let server = TestServer::start().await.unwrap();
    let event = json!({"message": "m", "level": "fatal", "tags": {"a": "b"}, "platform": "python",
        "time": 1});
    let sent = ship(&server, "/api/store/", event.to_string()).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    let event = &events(&server).await[0];
    assert_eq!(event["platform"], "python");
    assert_eq!(event["tags"]["a"], "b");
}

#[tokio::test]
async fn lines_of_pino_are_events_with_frames() {
    let server = TestServer::start().await.unwrap();
    let now = server.state().unwrap().clock.now().0;
    let info = json!({"level": 30, "time": now, "pid": 1, "hostname": "web-1", "msg": "started"});
    let error = json!({"level": 50, "time": now + 1, "pid": 1, "hostname": "web-1", "msg": "failed",
        "err": {"type": "TypeError", "message": "x is not a function",
            "stack": "TypeError: x is not a function\n    at pay (/app/pay.js:3:9)\n    at run (/app/a.js:1:1)"}});
    let body = format!("{info}\n{error}\n");
    let sent = ship(&server, &logs(&server), body).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    assert_eq!(sent.json(), json!({"accepted": 2, "rejected": 0}));
    let events = events(&server).await;
    let info = events.iter().find(|event| event["message"] == "started");
    assert_eq!(info.unwrap()["level"], "info");
    let error = events.iter().find(|event| event["message"] == "failed");
    let error = error.unwrap();
    assert_eq!(error["level"], "error");
    assert_eq!(error["exception"][0]["type"], "TypeError");
    assert_eq!(error["frames"][1]["function"], "pay");
    assert_eq!(error["frames"][1]["lineno"], 3);
}

#[tokio::test]
async fn an_array_of_fluent_bit_and_vector_is_taken_whole() {
    let server = TestServer::start().await.unwrap();
    let now = server.state().unwrap().clock.now();
    let fluent = json!({"date": now.to_timestamp().as_seconds(), "stream": "stderr",
        "log": "{\"level\":\"fatal\",\"msg\":\"down\"}\n", "kubernetes": {"pod_name": "shop-1"}});
    let vector = json!({"timestamp": now.to_rfc3339(), "message": "line", "host": "web-1",
        "source_type": "file", "file": "/var/log/a.log"});
    let body = json!([fluent, vector]).to_string();
    for path in ["/api/store/".to_owned(), logs(&server)] {
        let sent = ship(&server, &path, body.clone()).await;
        assert_eq!(sent.json(), json!({"accepted": 2, "rejected": 0}), "{path}");
    }
    let events = events(&server).await;
    assert_eq!(events.len(), 4);
    let down = events.iter().find(|event| event["message"] == "down");
    let down = down.unwrap();
    assert_eq!(down["level"], "fatal");
    assert_eq!(down["extra"]["kubernetes"]["pod_name"], "shop-1");
    let line = events.iter().find(|event| event["message"] == "line");
    assert_eq!(line.unwrap()["server_name"], "web-1");
}

#[tokio::test]
async fn a_broken_entry_does_not_cost_its_neighbours_and_is_told() {
    let server = TestServer::start().await.unwrap();
    let body = "{\"msg\":\"a\",\"level\":30}\nnot json\n{\"msg\":\"b\",\"level\":30}\n7\n";
    let sent = ship(&server, &logs(&server), body).await;
    assert_eq!(sent.status, StatusCode::OK);
    assert_eq!(
        sent.json(),
        json!({"accepted": 2, "rejected": 2, "errors": [
            {"index": 1, "reason": "not a JSON object"},
            {"index": 3, "reason": "not a JSON object"},
        ]})
    );
    assert_eq!(events(&server).await.len(), 2);
    let nothing = ship(&server, &logs(&server), "not json").await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    assert_eq!(nothing.json()["rejected"], 1);
}

#[tokio::test]
async fn a_request_has_a_bound_of_entries() {
    let server = TestServer::start().await.unwrap();
    let body = "{\"msg\":\"a\"}\n".repeat(1003);
    let sent = ship(&server, &logs(&server), body).await;
    assert_eq!(sent.json()["accepted"], 1000);
    assert_eq!(sent.json()["rejected"], 3);
    server.digested().await.unwrap();
    assert_eq!(get(&server, "/api/events/?limit=1").await["count"], 1000);
}

#[tokio::test]
async fn a_limit_is_told_when_nothing_gets_through() {
    let server = TestServer::start_with(|config| config.ingest.sentry_events_per_minute = 2);
    let server = server.await.unwrap();
    let body = "{\"msg\":\"a\"}\n".repeat(4);
    let partly = ship(&server, &logs(&server), body.clone()).await;
    assert_eq!(partly.json()["accepted"], 2, "{}", partly.text);
    assert_eq!(partly.json()["rejected"], 2);
    assert!(!partly.header("x-sentry-rate-limits").is_empty());
    let refused = ship(&server, &logs(&server), body).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.header("retry-after").is_empty());
}
