//! The official SDKs and our own as clients: what they send is read back field by field.
//!
//! `MINI_SENTRY_TEST_PYTHON` names a Python with the packages of `tests/sdks/requirements.txt`, and
//! `tests/sdks/node_modules` holds the Node packages; `make test` installs both.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mini_sentry_server::testkit::TestServer;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::caller::{event, get};

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a program of `tests/sdks` against the server and returns the ids that it prints.
async fn run(server: &TestServer, interpreter: &Path, program: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdks");
    let output = Command::new(interpreter)
        .arg(program)
        .current_dir(folder)
        .env("SENTRY_DSN", server.dsn())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, output)
        .await
        .expect("the program hangs")
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let last = told.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| {
        panic!(
            "{program} said {told} ({error}): {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("MINI_SENTRY_TEST_PYTHON").map(PathBuf::from);
    if python.is_none() {
        skip("MINI_SENTRY_TEST_PYTHON is not set");
    }
    python
}

fn node() -> Option<PathBuf> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdks/node_modules");
    if packages.exists() {
        return Some(PathBuf::from("node"));
    }
    skip("tests/sdks/node_modules is not installed");
    None
}

fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}");
    println!("skipped: {why}");
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn entry<'a>(event: &'a Value, kind: &str) -> &'a Value {
    event["entries"]
        .as_array()
        .and_then(|entries| entries.iter().find(|entry| entry["type"] == kind))
        .map_or_else(|| panic!("no {kind} in {event}"), |entry| &entry["data"])
}

fn tag<'a>(event: &'a Value, key: &str) -> &'a str {
    event["tags"]
        .as_array()
        .and_then(|tags| tags.iter().find(|tag| tag["key"] == key))
        .and_then(|tag| tag["value"].as_str())
        .unwrap_or_else(|| panic!("no tag {key} in {}", event["tags"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_sends_one_of_everything_and_it_is_read_back() {
    let Some(python) = python() else { return };
    let server = TestServer::start().await.unwrap();
    let ids = run(&server, &python, "plain.py").await;
    server.digested().await.unwrap();

    let failed = event(&server, text(&ids, "exception")).await;
    assert_eq!(failed["platform"], "python");
    assert_eq!(failed["type"], "error");
    assert_eq!(failed["title"], "ValueError: no ratio for order 4711");
    assert_eq!(failed["release"]["version"], "shop@1.2.3");
    assert_eq!(tag(&failed, "environment"), "staging");
    assert_eq!(tag(&failed, "shard"), "eu-3");
    assert_eq!(tag(&failed, "server_name"), "web-7");
    assert_eq!(tag(&failed, "level"), "error");
    assert_eq!(failed["user"]["id"], "42");
    assert_eq!(failed["user"]["email"], "a@example.com");
    assert_eq!(failed["contexts"]["order"]["number"], 4711);
    assert_eq!(failed["contexts"]["runtime"]["name"], "CPython");
    assert_eq!(failed["context"]["attempt"], 3);
    assert!(text(&failed["sdk"], "name").starts_with("sentry.python"));
    let values = entry(&failed, "exception")["values"].as_array().unwrap();
    assert_eq!(values.len(), 2);
    assert_eq!(
        (text(&values[0], "type"), text(&values[1], "type")),
        ("ZeroDivisionError", "ValueError")
    );
    let frame = values[0]["stacktrace"]["frames"]
        .as_array()
        .unwrap()
        .last()
        .unwrap();
    assert_eq!(text(frame, "function"), "divide");
    assert_eq!(frame["inApp"], true);
    assert_eq!(frame["vars"]["divisor"], "0");
    assert_eq!(frame["vars"]["password"], "[Filtered]");
    let line = frame["lineNo"].as_u64().unwrap();
    let context = frame["context"].as_array().unwrap();
    assert!(context.contains(&json!([
        line,
        "    return dividend / divisor + len(password) * 0"
    ])));
    let crumbs = entry(&failed, "breadcrumbs")["values"].as_array().unwrap();
    assert!(
        crumbs
            .iter()
            .any(|crumb| crumb["message"] == "opened the cart")
    );
    assert!(crumbs.iter().any(|crumb| crumb["data"]["rows"] == 1));

    let message = event(&server, text(&ids, "message")).await;
    assert_eq!(message["type"], "default");
    assert_eq!(tag(&message, "level"), "warning");
    assert_eq!(
        entry(&message, "message")["formatted"],
        "stock of article 12 is low"
    );
    let (organisation, project) = (&server.first.organisation.slug, &server.first.project.slug);
    let id = text(&ids, "message");
    let attachments = get(
        &server,
        &format!("/api/0/projects/{organisation}/{project}/events/{id}/attachments/"),
    )
    .await;
    assert_eq!(attachments[0]["name"], "shop.log");
    assert_eq!(attachments[0]["size"], 18);

    let one = event(&server, text(&ids, "fingerprint")).await;
    let other = event(&server, text(&ids, "same_fingerprint")).await;
    assert_eq!(one["groupID"], other["groupID"]);
    assert_ne!(one["groupID"], message["groupID"]);

    let sums = get(
        &server,
        &format!(
            "/api/0/organizations/{organisation}/stats_v2/?field=sum(quantity)&groupBy=category&groupBy=outcome&statsPeriod=1h&interval=1h"
        ),
    )
    .await;
    let accepted = |category: &str| {
        sums["groups"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|group| {
                group["by"]["category"] == category && group["by"]["outcome"] == "accepted"
            })
            .map(|group| group["totals"]["sum(quantity)"].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(accepted("error"), 4);
    assert_eq!(accepted("transaction"), 1);
    assert_eq!(accepted("monitor"), 1);
    assert_eq!(accepted("log_item"), 1);
    assert!(accepted("attachment") >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporter_of_opentelemetry_sends_as_it_does_by_default() {
    let Some(python) = python() else { return };
    let server = TestServer::start().await.unwrap();
    let told = run(&server, &python, "otlp.py").await;
    server.digested().await.unwrap();

    let list = get(&server, "/api/events/").await;
    let rows = list["results"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "of the span and of the log record: {rows:?}");
    for row in rows {
        let failed = event(&server, text(row, "event_id")).await;
        assert_eq!(failed["title"], "KeyError: 'user-42'");
        assert_eq!(failed["contexts"]["trace"]["trace_id"], told["trace_id"]);
        assert_eq!(failed["release"]["version"], "1.2.3");
        assert_eq!(tag(&failed, "environment"), "staging");
        let values = entry(&failed, "exception")["values"].as_array().unwrap();
        let frames = values[0]["stacktrace"]["frames"].as_array().unwrap();
        assert_eq!(text(frames.last().unwrap(), "function"), "total");
    }
    let organisation = &server.first.organisation.slug;
    let sums = get(
        &server,
        &format!(
            "/api/0/organizations/{organisation}/stats_v2/?field=sum(quantity)&groupBy=category&groupBy=outcome&statsPeriod=1h&interval=1h"
        ),
    )
    .await;
    let groups = sums["groups"].as_array().unwrap();
    let accepted = |category: &str| {
        let group = groups
            .iter()
            .find(|group| group["by"]["category"] == category);
        group.unwrap()["totals"]["sum(quantity)"].clone()
    };
    assert_eq!(
        (accepted("span"), accepted("log_item")),
        (json!(1), json!(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_flask_route_is_reported_with_its_request_and_without_its_secrets() {
    let Some(python) = python() else { return };
    let server = TestServer::start().await.unwrap();
    let ids = run(&server, &python, "flask_app.py").await;
    server.digested().await.unwrap();

    let failed = event(&server, text(&ids, "exception")).await;
    assert_eq!(failed["title"], "KeyError: 17");
    assert_eq!(tag(&failed, "transaction"), "order");
    let request = entry(&failed, "request");
    assert_eq!(request["method"], "POST");
    assert!(text(request, "url").ends_with("/orders/17"));
    assert_eq!(request["query"], json!([["coupon", "WINTER"]]));
    assert_eq!(request["data"]["quantity"], 3);
    assert!(
        !failed.to_string().contains("4111111111111111"),
        "a card number was stored"
    );
    assert!(
        !failed.to_string().contains("s3cret-value"),
        "a credential was stored"
    );
    let headers = request["headers"].as_array().unwrap();
    assert!(
        headers.contains(&json!(["X-Request-Id", "abc"])),
        "{headers:?}"
    );
    let mechanism = &entry(&failed, "exception")["values"][0]["mechanism"];
    assert_eq!(
        (&mechanism["type"], &mechanism["handled"]),
        (&json!("flask"), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_express_route_is_reported_with_its_cause() {
    let Some(node) = node() else { return };
    let server = TestServer::start().await.unwrap();
    let ids = run(&server, &node, "express.mjs").await;
    server.digested().await.unwrap();

    let failed = event(&server, text(&ids, "exception")).await;
    assert_eq!(failed["platform"], "node");
    assert_eq!(failed["title"], "TypeError: no order 17");
    assert_eq!(failed["release"]["version"], "shop@1.2.3");
    assert_eq!(tag(&failed, "shard"), "eu-3");
    assert_eq!(failed["user"]["username"], "user-42");
    assert_eq!(failed["contexts"]["runtime"]["name"], "node");
    let values = entry(&failed, "exception")["values"].as_array().unwrap();
    assert_eq!(values.len(), 2);
    assert_eq!(values[0]["value"], "the shelf is empty");
    assert_eq!(values[1]["value"], "no order 17");
    let frames = values[1]["stacktrace"]["frames"].as_array().unwrap();
    let last = frames.last().unwrap();
    assert!(text(last, "filename").ends_with("express.mjs"), "{last}");
    assert!(last["lineNo"].as_u64().unwrap() > 1);
    let request = entry(&failed, "request");
    assert_eq!(request["method"], "GET");
    assert!(text(request, "url").contains("/orders/17"));

    let message = event(&server, text(&ids, "message")).await;
    assert_eq!(message["title"], "stock is low");
    assert_eq!(tag(&message, "level"), "warning");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_rust_sdk_reports_an_error_with_its_source() {
    let server = TestServer::start().await.unwrap();
    let dsn = server.dsn();
    let id = tokio::task::spawn_blocking(move || {
        let _guard = sentry::init((
            dsn,
            sentry::ClientOptions::new()
                .release("shop@1.2.3")
                .environment("staging"),
        ));
        sentry::configure_scope(|scope| scope.set_tag("shard", "eu-3"));
        let error = "seven".parse::<u8>().unwrap_err();
        let id = sentry::capture_error(&error);
        sentry::Hub::current()
            .client()
            .unwrap()
            .flush(Some(PATIENCE));
        id
    })
    .await
    .unwrap();
    server.digested().await.unwrap();

    let failed = event(&server, &id.to_string()).await;
    assert_eq!(failed["platform"], "native");
    assert_eq!(
        failed["title"],
        "ParseIntError: invalid digit found in string"
    );
    assert_eq!(failed["release"]["version"], "shop@1.2.3");
    assert_eq!(tag(&failed, "environment"), "staging");
    assert_eq!(tag(&failed, "shard"), "eu-3");
    assert_eq!(failed["sdk"]["name"], "sentry.rust");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_rust_sdk_reports_over_http() {
    let server = TestServer::start().await.unwrap();
    let dsn = server.dsn();
    let id = tokio::task::spawn_blocking(move || {
        let options = mini_sentry::ClientOptions::new()
            .release("shop@1.2.3")
            .environment("staging");
        let guard = mini_sentry::init((dsn.as_str(), options));
        mini_sentry::configure_scope(|scope| scope.set_tag("shard", "eu-3"));
        mini_sentry::add_breadcrumb(mini_sentry::protocol::Breadcrumb {
            message: Some("opened the cart".into()),
            ..Default::default()
        });
        let error = "seven".parse::<u8>().unwrap_err();
        let id = mini_sentry::capture_error(&error);
        assert!(mini_sentry::flush(PATIENCE));
        drop(guard);
        id
    })
    .await
    .unwrap();
    server.digested().await.unwrap();

    let failed = event(&server, &id.to_string()).await;
    assert_eq!(
        failed["title"],
        "ParseIntError: invalid digit found in string"
    );
    assert_eq!(failed["release"]["version"], "shop@1.2.3");
    assert_eq!(tag(&failed, "environment"), "staging");
    assert_eq!(tag(&failed, "shard"), "eu-3");
    let crumbs = entry(&failed, "breadcrumbs")["values"].as_array().unwrap();
    assert_eq!(crumbs[0]["message"], "opened the cart");
}
