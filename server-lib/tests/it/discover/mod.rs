//! Questions about many events at once, as Grafana and other clients ask them.

mod series;
mod table;

use std::time::Duration;

use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request, send_envelope};

/// Nothing here takes this long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(60);
const EVENTS: &str = "/api/0/organizations/my-organisation/events/";
const STATS: &str = "/api/0/organizations/my-organisation/events-stats/";
const SERIES: &str = "/api/0/organizations/my-organisation/events-timeseries/";

/// A server with seven events of three issues.
async fn filled() -> TestServer {
    let server = TestServer::start().await.unwrap();
    let card = |user: &str, release: &str| {
        json!({
            "level": "error", "environment": "production", "release": release,
            "platform": "python", "transaction": "/pay", "tags": { "tier": "gold" },
            "user": { "id": user, "email": format!("user-{user}@example.com") },
            "exception": { "values": [{ "type": "CardError", "value": "card refused" }] },
        })
    };
    let slow = |user: &str| {
        json!({
            "level": "warning", "environment": "staging", "platform": "python",
            "message": "slower than it should be", "user": { "id": user },
        })
    };
    let odd = json!({ "level": "fatal", "platform": "node", "message": "out of memory today" });
    let events = [
        card("1", "shop@1.0"),
        card("2", "shop@1.0"),
        card("1", "shop@1.1"),
        card("3", "shop@1.1"),
        slow("1"),
        slow("4"),
        odd,
    ];
    for (number, event) in events.into_iter().enumerate() {
        send(&server, number, event).await;
    }
    indexed(&server, 7).await;
    server
}

async fn send(server: &TestServer, number: usize, mut event: Value) {
    event["event_id"] = json!(format!("fc6d8c0c43fc4630ad850ee5{number:08x}"));
    let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n");
    let sent = send_envelope(server, envelope).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
}

async fn indexed(server: &TestServer, last: u64) {
    let state = server.state().unwrap();
    assert!(state.progress.reached(Seq(last), PATIENCE).await);
    assert!(state.feed.reached(Seq(last), PATIENCE).await);
}

fn url(path: &str, query: &[(&str, &str)]) -> String {
    let query: Vec<String> = query
        .iter()
        .map(|(key, value)| {
            let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("{key}={escaped}")
        })
        .collect();
    format!("{path}?{}", query.join("&"))
}

async fn ask(server: &TestServer, path: &str, query: &[(&str, &str)]) -> Value {
    get(server, &url(path, query)).await
}

async fn ask_as(server: &TestServer, token: &str, path: &str, query: &[(&str, &str)]) -> Answer {
    answer(request(server, Method::GET, &url(path, query)).bearer_auth(token)).await
}

fn rows(answer: &Value) -> &Vec<Value> {
    answer["data"].as_array().unwrap()
}

/// Returns the rows by the value of a column.
fn row<'a>(answer: &'a Value, column: &str, value: &Value) -> &'a Value {
    let found = rows(answer).iter().find(|row| row[column] == *value);
    found.unwrap_or_else(|| panic!("no row of {value}: {answer}"))
}

/// Adds up the numbers of a series in the older shape.
fn total(series: &Value) -> f64 {
    let data = series["data"].as_array().unwrap();
    data.iter()
        .map(|pair| {
            assert!(pair[0].is_i64(), "{pair}");
            pair[1][0]["count"].as_f64().unwrap_or(0.0)
        })
        .sum()
}
