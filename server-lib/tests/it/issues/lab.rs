//! A server with some issues, on whichever store.

use std::time::Duration;

use mini_sentry_server::testkit::TestServer;
use mini_sentry_server::testkit::postgres::Server;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, request, send_envelope};

pub(crate) const ORG: &str = "/api/0/organizations/my-organisation/";
pub(crate) const PROJECT: &str = "/api/0/projects/my-organisation/my-project/";

/// How long the index may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, and what keeps its database running.
pub(crate) struct Lab {
    pub(crate) server: TestServer,
    _database: Option<Server>,
}

impl Lab {
    /// Starts a server on SQLite.
    pub(crate) async fn sqlite() -> Self {
        Self {
            server: TestServer::start().await.unwrap(),
            _database: None,
        }
    }

    /// Starts a server on PostgreSQL; `None` where there is none. In CI that is a failure.
    pub(crate) async fn postgres() -> Option<Self> {
        let given = std::env::var("MINI_SENTRY_TEST_POSTGRES").ok();
        let Some(database) = Server::shared(given).unwrap() else {
            assert!(std::env::var_os("CI").is_none(), "CI must have PostgreSQL");
            return None;
        };
        let uri = database.database().await.unwrap();
        let server = TestServer::start_with(|config| config.store = uri).await;
        Some(Self {
            server: server.unwrap(),
            _database: Some(database),
        })
    }

    /// Calls a path with the first token and a JSON body.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = request(&self.server, method, path).bearer_auth(self.server.token());
        answer(request.json(&body)).await
    }

    /// Gets a path; the answer must be 200.
    pub(crate) async fn get(&self, path: &str) -> Value {
        crate::caller::get(&self.server, path).await
    }

    /// Gets a list and returns one field of each row.
    pub(crate) async fn column(&self, path: &str, field: &str) -> Vec<String> {
        let rows = self.get(path).await;
        let rows = rows.as_array().unwrap_or_else(|| panic!("{path}: no list"));
        let text = |row: &Value| row[field].as_str().unwrap_or_default().to_owned();
        rows.iter().map(text).collect()
    }

    /// Puts a body; the answer must be 200.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Value {
        let changed = self.call(Method::PUT, path, body).await;
        assert_eq!(changed.status, StatusCode::OK, "{path}: {}", changed.text);
        changed.json()
    }

    /// Sends an event of this number and waits until it is digested and indexed.
    pub(crate) async fn send(&self, number: u32, mut event: Value) {
        event["event_id"] = json!(id(number));
        let body = event.to_string();
        let length = body.len();
        let envelope = format!("{{}}\n{{\"type\":\"event\",\"length\":{length}}}\n{body}\n");
        let sent = send_envelope(&self.server, envelope).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
        self.server.digested().await.unwrap();
        let feed = &self.server.state().unwrap().feed;
        assert!(feed.settle(PATIENCE).await, "the index did not keep up");
    }

    /// Returns the number of the one issue whose title is so.
    pub(crate) async fn issue(&self, title: &str) -> String {
        let path = format!("{ORG}issues/?query=");
        let rows = self.get(&path).await;
        let rows = rows.as_array().unwrap();
        let mut found = rows.iter().filter(|row| row["title"] == title);
        let row = found
            .next()
            .unwrap_or_else(|| panic!("no issue {title}: {rows:?}"));
        assert!(found.next().is_none(), "two issues {title}");
        row["id"].as_str().unwrap().to_owned()
    }
}

/// An id whose last digits are the number.
pub(crate) fn id(number: u32) -> String {
    format!("fc6d8c0c43fc4630ad850ee5{number:08x}")
}

/// An exception of a type and text, raised in a function of that type's own.
pub(crate) fn exception(kind: &str, value: &str) -> Value {
    let function = format!("raise_{}", kind.to_lowercase());
    json!({
        "platform": "python",
        "exception": { "values": [{ "type": kind, "value": value,
            "mechanism": { "type": "generic", "handled": false },
            "stacktrace": { "frames": [
                { "function": function, "filename": "app.py", "module": "app", "lineno": 3,
                  "in_app": true },
            ] } }] },
    })
}

/// Runs a test on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident)+) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&super::Lab::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                if let Some(lab) = super::Lab::postgres().await {
                    super::$name(&lab).await;
                }
            })+
        }
    };
}
pub(crate) use on_both;
