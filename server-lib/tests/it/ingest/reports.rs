//! What browsers and machines report without an SDK: policies, check-ins.

use mini_sentry_server::model::record::RecordKind;
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{events, keyed, keyed_with, only_event, only_item, path};
use crate::caller::{answer, request};

#[tokio::test]
async fn a_violated_policy_is_an_event() {
    let server = TestServer::start().await.unwrap();
    let report = json!({"csp-report": {
        "document-uri": "https://shop.example.com/cart", "blocked-uri": "https://evil.example/x.js",
        "effective-directive": "script-src", "violated-directive": "script-src 'self'",
    }});
    let sent = keyed_with(
        &server,
        Method::POST,
        "security/",
        &[("sentry_release", "1.0"), ("sentry_environment", "prod")],
    )
    .header("Content-Type", "application/csp-report")
    .body(report.to_string());
    let sent = answer(sent).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    let event = only_event(&server).await;
    assert_eq!(event["message"], "Blocked 'script' from 'evil.example'");
    assert_eq!(event["culprit"], "script-src 'self'");
    assert_eq!(event["logger"], "csp");
    assert_eq!(event["release"], "1.0");
    assert_eq!(event["environment"], "prod");
    assert_eq!(event["request"]["url"], "https://shop.example.com/cart");
    assert_eq!(event["tags"]["effective-directive"], "script-src");
}

#[tokio::test]
async fn each_report_of_the_newer_api_is_an_event() {
    let server = TestServer::start().await.unwrap();
    let violation = |host: &str| {
        json!({"type": "csp-violation", "age": 1, "url": "https://example.com/", "body": {
            "effectiveDirective": "img-src", "blockedURL": format!("https://{host}/a.png")}})
    };
    let reports = json!([violation("a.example"), violation("b.example")]);
    let sent = keyed(&server, Method::POST, "csp-report/").body(reports.to_string());
    assert_eq!(answer(sent).await.status, StatusCode::CREATED);
    assert_eq!(events(&server).await.len(), 2);
    let broken = answer(keyed(&server, Method::POST, "security/").body("[]")).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert_eq!(broken.json()["code"], "unknown_report");
}

#[tokio::test]
async fn reports_of_failed_requests_are_taken_and_not_shown() {
    let server = TestServer::start().await.unwrap();
    let report = json!([{"type": "network-error", "body": {"phase": "dns"}}]);
    let sent = answer(keyed(&server, Method::POST, "nel/").body(report.to_string())).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    assert!(events(&server).await.is_empty());
}

#[tokio::test]
async fn a_line_of_curl_is_a_check_in() {
    let server = TestServer::start().await.unwrap();
    let key = &server.first.key.public_key;
    let address = path(&server, &format!("cron/nightly-backup/{key}/"));
    let begin = format!("{address}?status=in_progress&environment=prod");
    let begun = answer(request(&server, Method::GET, &begin)).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    let (row, check_in) = only_item(&server, RecordKind::CheckIn).await;
    assert_eq!(check_in["monitor_slug"], "nightly-backup");
    assert_eq!(check_in["status"], "in_progress");
    assert_eq!(check_in["check_in_id"], id);
    assert_eq!(row.project, server.first.project.id);
}

#[tokio::test]
async fn a_check_in_may_bring_its_schedule_and_is_told_what_is_wrong() {
    let server = TestServer::start().await.unwrap();
    let config = json!({"monitor_config": {"schedule": {"type": "crontab", "value": "0 4 * * *"}}});
    let sent = keyed(&server, Method::POST, "cron/nightly/").json(&config);
    assert_eq!(answer(sent).await.status, StatusCode::ACCEPTED);
    let (_, check_in) = only_item(&server, RecordKind::CheckIn).await;
    assert_eq!(check_in["status"], "ok");
    assert_eq!(check_in["monitor_config"]["schedule"]["value"], "0 4 * * *");
    let wrong = keyed_with(
        &server,
        Method::GET,
        "cron/nightly/",
        &[("status", "great")],
    );
    let wrong = answer(wrong).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.json()["code"], "invalid_check_in");
    let nobody = answer(request(
        &server,
        Method::GET,
        &path(&server, "cron/nightly/"),
    ))
    .await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}
