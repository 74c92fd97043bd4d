//! The ingest endpoints, over HTTP.

mod crashes;
mod door;
mod otlp;
mod own;
mod people;
mod reports;

use mini_sentry_server::model::item::ItemRow;
use mini_sentry_server::model::record::RecordKind;
use mini_sentry_server::store::query::{ItemFilter, Page};
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::caller::{get, request};

/// Returns a path below `/api/` of the first project.
fn path(server: &TestServer, rest: &str) -> String {
    format!("/api/{}/{rest}", server.first.project.id)
}

/// Begins a request to the first project with its key in the query.
fn keyed(server: &TestServer, method: Method, rest: &str) -> RequestBuilder {
    keyed_with(server, method, rest, &[])
}

/// Does the same with more in the query.
fn keyed_with(
    server: &TestServer,
    method: Method,
    rest: &str,
    more: &[(&str, &str)],
) -> RequestBuilder {
    let mut pairs = vec![("sentry_key", server.first.key.public_key.as_str())];
    pairs.extend(more);
    let path = path(server, rest);
    request(server, method, &format!("{path}?{}", pairs_text(&pairs)))
}

/// Writes pairs as a query or form has them.
fn pairs_text(pairs: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        let bytes = text.bytes().map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        });
        bytes.collect()
    };
    let pairs = pairs.iter();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect();
    pairs.join("&")
}

/// Returns the events of the first project as Mini Sentry's API shows them, newest first, whole.
async fn events(server: &TestServer) -> Vec<Value> {
    server.digested().await.unwrap();
    let list = get(server, "/api/events/?limit=1000").await;
    let mut events = Vec::new();
    for row in list["results"].as_array().unwrap() {
        events.push(get(server, &format!("/api/events/{}/", row["id"])).await);
    }
    events
}

/// Returns the only event.
async fn only_event(server: &TestServer) -> Value {
    let events = events(server).await;
    assert_eq!(events.len(), 1, "{events:?}");
    events.into_iter().next().unwrap()
}

/// Returns the items of a kind with their bodies.
async fn items(server: &TestServer, kind: RecordKind) -> Vec<(ItemRow, Vec<u8>)> {
    server.digested().await.unwrap();
    let state = server.state().unwrap();
    let filter = ItemFilter {
        projects: vec![server.first.project.id],
        kinds: vec![kind],
        ..ItemFilter::default()
    };
    let rows = state.store.events.items(&filter, Page::first(100)).await;
    let rows = rows.unwrap();
    let seqs: Vec<_> = rows.iter().map(|row| row.seq).collect();
    let records = state.bodies.read(&seqs).await.unwrap();
    rows.into_iter()
        .zip(records)
        .map(|(row, record)| (row, record.unwrap().body.to_vec()))
        .collect()
}

/// Returns the JSON of the only item of a kind.
async fn only_item(server: &TestServer, kind: RecordKind) -> (ItemRow, Value) {
    let items = items(server, kind).await;
    assert_eq!(items.len(), 1, "{kind:?}");
    let (row, body) = items.into_iter().next().unwrap();
    (row, serde_json::from_slice(&body).unwrap())
}
