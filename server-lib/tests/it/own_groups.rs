//! Groups, searches and dashboards of Mini Sentry's own interface.

use std::time::Duration;

use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request, send_envelope};

/// Nothing here takes this long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server with four events in three groups.
async fn filled() -> TestServer {
    let server = TestServer::start().await.unwrap();
    for (level, environment, message) in [
        ("error", "production", "database error: no such table"),
        ("error", "production", "timeout of the upstream"),
        ("error", "staging", "timeout of the upstream"),
        ("info", "production", "all is well"),
    ] {
        let body = json!({
            "level": level, "environment": environment, "message": message, "release": "1.0",
        });
        let body = body.to_string();
        let length = body.len();
        let envelope = format!("{{}}\n{{\"type\":\"event\",\"length\":{length}}}\n{body}\n");
        assert_eq!(
            send_envelope(&server, envelope).await.status,
            StatusCode::OK
        );
    }
    let state = server.state().unwrap();
    assert!(state.progress.reached(Seq(4), PATIENCE).await);
    assert!(state.feed.reached(Seq(4), PATIENCE).await);
    server
}

async fn post(server: &TestServer, path: &str, body: Value) -> Answer {
    let request = request(server, Method::POST, path).bearer_auth(server.token());
    answer(request.json(&body)).await
}

fn titles(list: &Value) -> Vec<&str> {
    let rows = list.as_array().unwrap().iter();
    let mut titles: Vec<_> = rows.map(|row| row["title"].as_str().unwrap()).collect();
    titles.sort_unstable();
    titles
}

#[tokio::test]
async fn groups_are_listed_searched_and_paged() {
    let server = filled().await;
    let all = get(&server, "/api/groups/?project=my-project").await;
    assert_eq!(all.as_array().unwrap().len(), 3, "{all}");
    for (query, found) in [
        ("status=open", 3),
        ("status=resolved", 0),
        ("q=title:%22database%20error%22", 1),
        ("q=status:open%20level:error", 2),
        ("q=timeout", 1),
        ("from=2020-01-01&to=2020-01-02", 0),
    ] {
        let list = get(&server, &format!("/api/groups/?{query}")).await;
        assert_eq!(list.as_array().unwrap().len(), found, "{query}: {list}");
    }
    let path = "/api/groups/?limit=2";
    let first = answer(request(&server, Method::GET, path).bearer_auth(server.token())).await;
    let link = first.header("link").to_owned();
    let next = link.rsplit('<').next().unwrap().split('>').next().unwrap();
    let second = get(&server, next.strip_prefix(&server.url).unwrap()).await;
    let first = first.json();
    let mut both = [titles(&first), titles(&second)].concat();
    both.sort_unstable();
    assert_eq!(both, titles(&all));
    for query in ["status=odd", "q=level:", "project=none"] {
        let path = format!("/api/groups/?{query}");
        let refused = answer(request(&server, Method::GET, &path).bearer_auth(server.token()));
        assert!(refused.await.status.is_client_error(), "{query}");
    }
}

#[tokio::test]
async fn a_group_is_resolved_ignored_assigned_bookmarked_and_commented() {
    let server = filled().await;
    let list = get(&server, "/api/groups/?q=timeout").await;
    let group = format!("/api/groups/{}", list[0]["id"]);
    assert_eq!(list[0]["count"], 2);
    for (action, status) in [
        ("resolve", "resolved"),
        ("unresolve", "unresolved"),
        ("ignore", "ignored"),
    ] {
        let done = post(&server, &format!("{group}/{action}/"), json!({})).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        assert_eq!(done.json()["status"], status);
        let shown = get(&server, &format!("{group}/")).await;
        assert_eq!(shown["status"], status);
    }
    for (action, is_bookmarked) in [("bookmark", true), ("unbookmark", false)] {
        let done = post(&server, &format!("{group}/{action}/"), json!({})).await;
        assert_eq!(done.json()["is_bookmarked"], is_bookmarked);
    }
    let to = json!({ "assignee": "a@example.com" });
    let given = post(&server, &format!("{group}/assign/"), to).await;
    assert_eq!(given.json()["assignee"], "a@example.com");
    let taken = post(
        &server,
        &format!("{group}/assign/"),
        json!({ "assignee": null }),
    )
    .await;
    assert_eq!(taken.json()["assignee"], Value::Null);

    let comments = format!("{group}/comments/");
    let said = post(&server, &comments, json!({ "text": "looking at it" })).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    assert_eq!(get(&server, &comments).await, json!([said.json()]));
    assert_eq!(said.json()["text"], "looking at it");
    let empty = post(&server, &comments, json!({ "text": " " })).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    let missing = post(&server, "/api/groups/999/resolve/", json!({})).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn events_are_searched_in_the_search_language() {
    let server = filled().await;
    for (query, found) in [
        ("q=timeout", 2),
        ("q=timeout%20database", 3),
        ("q=level:error%20env:production%20timeout", 1),
        ("q=timeout&environment=staging", 1),
        ("q=timeout&level=info", 0),
        ("q=level:error&offset=2", 1),
        ("q=level:error&offset=9", 0),
    ] {
        let list = get(&server, &format!("/api/events/?{query}")).await;
        let results = list["results"].as_array().unwrap();
        assert_eq!(results.len(), found, "{query}: {list}");
    }
    let first = get(&server, "/api/events/?q=level:error&limit=2").await;
    assert_eq!(
        (&first["count"], &first["count_is_exact"]),
        (&json!(3), &json!(true))
    );
    let next = first["next"].as_str().unwrap();
    let second = get(&server, next.strip_prefix(&server.url).unwrap()).await;
    assert_eq!(second["results"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], Value::Null);
}

#[tokio::test]
async fn dashboards_count_by_level_and_name_the_groups_with_the_most_events() {
    let server = filled().await;
    for query in [
        "range=1h&interval=5m",
        "range=24h&interval=1h",
        "range=2d&interval=1d",
    ] {
        let series = get(&server, &format!("/api/dashboard/series/?{query}")).await;
        let sum = |name: &str| -> u64 {
            let rows = series.as_array().unwrap().iter();
            rows.map(|row| row[name].as_u64().unwrap()).sum()
        };
        assert_eq!(
            (sum("total"), sum("error"), sum("info")),
            (4, 3, 1),
            "{query}"
        );
    }
    let top = get(
        &server,
        "/api/dashboard/top-groups/?project=my-project&range=24h&limit=1",
    );
    let top = top.await;
    assert_eq!(top.as_array().unwrap().len(), 1);
    assert_eq!(top[0]["events_in_range"], 2);
    let path = "/api/dashboard/series/?range=24h&interval=1m";
    let refused = answer(request(&server, Method::GET, path).bearer_auth(server.token())).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}
