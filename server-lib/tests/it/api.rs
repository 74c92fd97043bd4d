//! Mini Sentry's own API, the document that describes the surface, probes and metrics.

use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{answer, get, request, send_envelope};

fn id(number: u32) -> String {
    format!("ab6d8c0c43fc4630ad850ee5{number:08x}")
}

async fn send(server: &TestServer, number: u32, mut event: Value) {
    event["event_id"] = json!(id(number));
    let body = event.to_string();
    let envelope = format!(
        "{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{body}\n",
        body.len()
    );
    let sent = send_envelope(server, envelope).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
}

fn ids(list: &Value) -> Vec<&str> {
    let results = list["results"].as_array().unwrap();
    let ids = results.iter().map(|row| row["event_id"].as_str().unwrap());
    ids.collect()
}

#[tokio::test]
async fn projects_are_listed_and_made_with_what_it_takes_to_send() {
    let server = TestServer::start().await.unwrap();
    let listed = get(&server, "/api/projects/").await;
    assert_eq!(listed[0]["slug"], "my-project");
    assert_eq!(listed[0]["dsn"], server.dsn());
    assert_eq!(listed[0]["ingest_token"], server.first.project.ingest_token);

    let create = request(&server, Method::POST, "/api/projects/").bearer_auth(server.token());
    let made = answer(create.json(&json!({ "name": "Shop", "slug": "shop-eu" }))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    assert_eq!(made["slug"], "shop-eu");
    assert_eq!(made["ingest_token"].as_str().unwrap().len(), 32);
    assert_eq!(get(&server, "/api/projects/").await[1], made);
}

#[tokio::test]
async fn events_are_filtered_counted_and_paged() {
    let server = TestServer::start().await.unwrap();
    for number in 0..6 {
        let event = json!({
            "message": format!("message {number}"),
            "level": if number % 2 == 0 { "error" } else { "info" },
            "environment": if number < 3 { "production" } else { "staging" },
            "release": format!("1.{}", number % 3),
        });
        send(&server, number, event).await;
    }
    server.digested().await.unwrap();
    for (query, count) in [
        ("", 6),
        ("project=my-project", 6),
        ("level=error", 3),
        ("level=error&level=info", 6),
        ("environment=production", 3),
        ("level=error&environment=production", 2),
        ("release=1.0", 2),
        ("q=level:error%20env:staging", 1),
        ("from=2020-01-01", 6),
        ("to=2020-01-01", 0),
    ] {
        let list = get(&server, &format!("/api/events/?{query}")).await;
        assert_eq!(list["count"], count, "{query}");
        assert_eq!(ids(&list).len() as u64, count, "{query}");
    }
    let all = get(&server, "/api/events/?project=my-project&limit=4").await;
    let of_any_store = "/api/events/clickhouse/?project=my-project&limit=4";
    assert_eq!(get(&server, of_any_store).await["results"], all["results"]);
    for query in ["q=level:", "level=loud", "from=soon", "limit=x"] {
        let path = format!("/api/events/?{query}");
        let refused =
            answer(request(&server, Method::GET, &path).bearer_auth(server.token())).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }

    let first = get(&server, "/api/events/?limit=4").await;
    assert_eq!(first["previous"], Value::Null);
    let next = first["next"].as_str().unwrap();
    let second = get(&server, next.strip_prefix(&server.url).unwrap()).await;
    assert_eq!(second["next"], Value::Null);
    let mut all = [ids(&first), ids(&second)].concat();
    all.sort_unstable();
    assert_eq!(all, (0..6).map(id).collect::<Vec<_>>());
    let previous = second["previous"].as_str().unwrap();
    let again = get(&server, previous.strip_prefix(&server.url).unwrap()).await;
    assert_eq!(ids(&again), ids(&first));
}

#[tokio::test]
async fn an_event_is_found_by_its_id_in_both_forms_and_by_its_number() {
    let server = TestServer::start().await.unwrap();
    let event = json!({
        "level": "fatal",
        "extra": { "a": 1 },
        "tags": { "b": "c" },
        "exception": [{ "type": "E", "value": "v", "stacktrace": { "frames": [
            { "function": "outer", "filename": "a.py", "lineno": 1 },
            { "function": "inner", "filename": "b.py", "lineno": 2 } ] } }],
    });
    send(&server, 1, event).await;
    let shown = get(&server, &format!("/api/events/{}/", id(1))).await;
    assert_eq!(shown["message"], "E: v");
    assert_eq!(shown["level"], "fatal");
    assert_eq!(shown["project"], "my-project");
    assert_eq!(shown["extra"]["a"], 1);
    assert_eq!(shown["tags"]["b"], "c");
    assert_eq!(shown["frames"][1]["function"], "inner");
    assert_eq!(shown["stack"], "at inner (b.py:2)\nat outer (a.py:1)");
    let number = shown["id"].as_u64().unwrap();
    assert_eq!(get(&server, &format!("/api/events/{number}/")).await, shown);
    let hyphens = uuid(&id(1));
    assert_eq!(
        get(&server, &format!("/api/events/{hyphens}/")).await,
        shown
    );
    for missing in ["999999", "0", "nonsense", &id(2)] {
        let path = format!("/api/events/{missing}/");
        let answer = answer(request(&server, Method::GET, &path).bearer_auth(server.token())).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

/// Writes an id with hyphens.
fn uuid(id: &str) -> String {
    let mut text = id.to_owned();
    for place in [20, 16, 12, 8] {
        text.insert(place, '-');
    }
    text
}

#[tokio::test]
async fn probes_are_open_and_the_document_is_served() {
    let server = TestServer::start().await.unwrap();
    for path in [
        "/api/health/",
        "/api/health",
        "/_health/",
        "/api/relay/healthcheck/live/",
        "/api/relay/healthcheck/ready/",
    ] {
        let healthy = answer(request(&server, Method::GET, path)).await;
        assert_eq!(healthy.status, StatusCode::OK, "{path}");
        assert_eq!(healthy.json()["ok"], true, "{path}");
    }
    let document = get(&server, "/docs/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], server.url);
    assert!(document["paths"]["/api/{project}/envelope/"]["post"].is_object());
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_for_tokens() {
    let server = TestServer::start().await.unwrap();
    send(&server, 1, json!({ "message": "m" })).await;
    server.digested().await.unwrap();
    let local = answer(request(&server, Method::GET, "/metrics")).await;
    assert_eq!(local.status, StatusCode::OK);
    for name in [
        "mini_sentry_requests_total{group=\"ingest\",status=\"200\"} 1",
        "mini_sentry_digested_total 1",
        "sentry_events_processed_total 1",
        "sentry_error_rate",
        "sentry_performance_p95",
    ] {
        assert!(local.text.contains(name), "{name} in {}", local.text);
    }
    #[cfg(target_os = "linux")]
    assert!(local.text.contains("process_resident_memory_bytes"));

    // Behind a proxy everybody comes from this machine.
    let proxied =
        || request(&server, Method::GET, "/metrics").header("X-Forwarded-For", "192.0.2.1");
    assert_eq!(answer(proxied()).await.status, StatusCode::UNAUTHORIZED);
    let known = proxied().bearer_auth(server.token());
    assert_eq!(answer(known).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_refused() {
    let server = TestServer::start_with(|config| {
        config.http.allowed_hosts = vec!["errors.example.com".to_owned()];
    });
    let server = server.await.unwrap();
    let ask = |host: &'static str| {
        let request = request(&server, Method::GET, "/api/health/").header("Host", host);
        answer(request)
    };
    assert_eq!(ask("errors.example.com:8000").await.status, StatusCode::OK);
    assert_eq!(
        ask("evil.example.com").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn issues_are_counted_by_project_and_level_for_prometheus() {
    let server = TestServer::start().await.unwrap();
    for (number, level) in [(1, "error"), (2, "error"), (3, "info")] {
        let event = json!({ "message": format!("{level} {}", "x".repeat(number)), "level": level });
        send(&server, u32::try_from(number).unwrap(), event).await;
    }
    server.digested().await.unwrap();
    let text = answer(request(&server, Method::GET, "/metrics")).await.text;
    for line in [
        r#"mini_sentry_issues{project="my-project",level="error",status="unresolved"} 2"#,
        r#"mini_sentry_issues{project="my-project",level="info",status="unresolved"} 1"#,
        "sentry_events_processed_total 3",
        "sentry_error_rate ",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[tokio::test]
async fn the_document_is_a_page_that_may_load_nothing_and_yaml() {
    let server = TestServer::start().await.unwrap();
    let page = answer(request(&server, Method::GET, "/docs/").bearer_auth(server.token())).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(page.text.contains("/api/groups/"));
    let yaml = request(&server, Method::GET, "/docs/openapi.yaml");
    let yaml = answer(yaml.bearer_auth(server.token())).await;
    assert_eq!(yaml.header("content-type"), "application/yaml");
    assert!(yaml.text.contains("\"openapi\": \"3.1.0\""));
    assert!(yaml.text.contains(&server.url));
    let collection = get(&server, "/docs/postman.json").await;
    let base = json!({ "key": "baseUrl", "value": server.url, "type": "string" });
    assert!(collection["variable"].as_array().unwrap().contains(&base));
}
