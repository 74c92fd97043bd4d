//! Who is let in, how it is told otherwise, and what every answer carries.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mini_sentry_server::metrics::Looked;
use mini_sentry_server::testkit::TestServer;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{events, keyed, keyed_with, only_event, path};
use crate::caller::{Answer, answer, request};

const EVENT: &str = r#"{"message":"m"}"#;

/// Every path of ingest, for the first project.
fn paths(server: &TestServer) -> Vec<String> {
    let mut paths: Vec<String> = [
        "envelope",
        "store",
        "logs",
        "security",
        "csp-report",
        "nel",
        "minidump",
        "events/9ec79c33ec9942ab8353589fcb2e04dc/attachments",
        "cron/nightly",
        "integration/otlp/v1/traces",
        "integration/otlp/v1/logs",
        "otlp/v1/traces",
    ]
    .iter()
    .map(|rest| path(server, rest))
    .collect();
    paths.push("/api/store".to_owned());
    paths
}

#[tokio::test]
async fn a_key_opens_the_door_wherever_it_stands() {
    let server = TestServer::start().await.unwrap();
    let key = &server.first.key.public_key;
    let pairs = format!("sentry_version=7,sentry_key={key} , sentry_client=demo/1.0");
    let basic = STANDARD.encode(format!("{key}:"));
    let headers = [
        ("x-sentry-auth", format!("Sentry {pairs}")),
        ("x-sentry-auth", format!("sentry {pairs}")),
        ("authorization", format!("Sentry {pairs}")),
        ("authorization", pairs.clone()),
        ("authorization", format!("Basic {basic}")),
    ];
    for store in [path(&server, "store/"), "/api/store/".to_owned()] {
        for (name, value) in &headers {
            let request = request(&server, Method::POST, &store).header(*name, value);
            let sent = answer(request.body(EVENT)).await;
            assert_eq!(
                sent.status,
                StatusCode::OK,
                "{store} {value}: {}",
                sent.text
            );
            assert_eq!(sent.json()["id"].as_str().unwrap().len(), 32);
        }
        let query = format!("{store}?sentry_version=7&sentry_key={key}&sentry_client=demo%2F1.0");
        let sent = answer(request(&server, Method::POST, &query).body(EVENT)).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    }
    assert_eq!(events(&server).await.len(), 12);
}

#[tokio::test]
async fn a_refusal_says_why_and_a_page_may_read_it() {
    let server = TestServer::start().await.unwrap();
    let key = &server.first.key.public_key;
    let own = path(&server, "store/");
    let unknown = "f".repeat(32);
    for (path, auth, status, code) in [
        (own.clone(), String::new(), 401, "missing_key"),
        (
            own.clone(),
            format!("sentry_key={unknown}"),
            403,
            "unknown_key",
        ),
        (
            "/api/99/store/".to_owned(),
            format!("sentry_key={key}"),
            403,
            "wrong_project",
        ),
        (
            own.clone(),
            format!("sentry_key={key}, sentry_version=8"),
            400,
            "malformed_auth",
        ),
        (own.clone(), "nonsense".to_owned(), 400, "malformed_auth"),
        (
            format!("{own}?sentry_key={unknown}"),
            format!("sentry_key={key}"),
            401,
            "keys_disagree",
        ),
    ] {
        let mut request = request(&server, Method::POST, &path)
            .header("Origin", "https://shop.example.com")
            .body(EVENT);
        if !auth.is_empty() {
            request = request.header("X-Sentry-Auth", format!("Sentry {auth}"));
        }
        let refused = answer(request).await;
        assert_eq!(refused.status.as_u16(), status, "{code}: {}", refused.text);
        assert_eq!(refused.json()["code"], code);
        assert_eq!(refused.json()["detail"], refused.header("x-sentry-error"));
        assert_open(&refused);
    }
}

#[tokio::test]
async fn browsers_may_ask_before_they_send_to_any_path() {
    let server = TestServer::start().await.unwrap();
    for path in paths(&server) {
        for path in [format!("{path}/"), path] {
            let asked = request(&server, Method::OPTIONS, &path)
                .header("Origin", "https://shop.example.com")
                .header("Access-Control-Request-Method", "POST");
            let asked = answer(asked).await;
            assert_eq!(asked.status, StatusCode::NO_CONTENT, "{path}");
            assert_open(&asked);
            let headers = asked.header("access-control-allow-headers").to_lowercase();
            for name in ["x-sentry-auth", "content-type", "baggage", "sentry-trace"] {
                assert!(headers.contains(name), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn every_path_is_found_with_and_without_the_slash() {
    let server = TestServer::start().await.unwrap();
    for path in paths(&server) {
        for path in [format!("{path}/"), path] {
            let sent = answer(request(&server, Method::POST, &path)).await;
            // An envelope may name its key itself, so that it is read first.
            let code = sent.json()["code"].as_str().unwrap().to_owned();
            let expected = ["missing_key", "missing_header"];
            assert!(expected.contains(&code.as_str()), "{path}: {}", sent.text);
        }
    }
    for unknown in [path(&server, "nothing/"), "/api/x1/store/".to_owned()] {
        let sent =
            request(&server, Method::POST, &unknown).header("Origin", "https://shop.example.com");
        let sent = answer(sent).await;
        assert_eq!(sent.status, StatusCode::NOT_FOUND, "{unknown}");
        assert_eq!(
            sent.json()["detail"],
            "The requested resource does not exist"
        );
        assert_open(&sent);
    }
    let wrong = answer(request(&server, Method::DELETE, &path(&server, "store/"))).await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong.json()["code"], "method_not_allowed");
}

#[tokio::test]
async fn old_clients_may_pack_without_saying_so() {
    let server = TestServer::start().await.unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(br#"{"message":"packed"}"#).unwrap();
    let zlib = zlib.finish().unwrap();
    let text = STANDARD.encode(&zlib);
    for body in [zlib, text.clone().into_bytes()] {
        let sent = answer(keyed(&server, Method::POST, "store/").body(body)).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    }
    for data in [text.as_str(), r#"{"message":"packed"}"#] {
        let pixel = keyed_with(&server, Method::GET, "store/", &[("sentry_data", data)]);
        let pixel = answer(pixel).await;
        assert_eq!(pixel.status, StatusCode::OK, "{}", pixel.text);
        assert_eq!(pixel.header("content-type"), "image/gif");
        assert!(pixel.text.starts_with("GIF89a"));
    }
    let events = events(&server).await;
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event["message"] == "packed"));
}

#[tokio::test]
async fn the_media_type_of_an_envelope_does_not_matter() {
    let server = TestServer::start().await.unwrap();
    for (number, kind) in [
        "application/x-sentry-envelope",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ]
    .iter()
    .enumerate()
    {
        let id = format!("{number:032x}").replace('0', "a");
        let body = format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{EVENT}\n");
        let mut request = keyed(&server, Method::POST, "envelope/").body(body);
        if !kind.is_empty() {
            request = request.header("Content-Type", *kind);
        }
        let sent = answer(request).await;
        assert_eq!(sent.status, StatusCode::OK, "{kind}: {}", sent.text);
        assert_eq!(sent.json(), json!({ "id": id }));
    }
    let sent = answer(keyed(&server, Method::POST, "envelope/").body("{}\n")).await;
    assert_eq!((sent.status, sent.json()), (StatusCode::OK, json!({})));
}

#[tokio::test]
async fn a_tunnel_takes_envelopes_for_its_own_projects_only() {
    let server = TestServer::start().await.unwrap();
    let send = |dsn: String| {
        let header = json!({ "dsn": dsn });
        let body = format!("{header}\n{{\"type\":\"event\"}}\n{EVENT}\n");
        answer(request(&server, Method::POST, "/tunnel").body(body))
    };
    let sent = send(server.dsn()).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    let foreign = send("https://abc@errors.example.com/1".to_owned()).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let nobody = answer(request(&server, Method::POST, "/tunnel/").body("{}\n")).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert_eq!(only_event(&server).await["message"], "m");
}

#[tokio::test]
async fn only_a_trusted_proxy_tells_the_address_of_the_sender() {
    let event = r#"{"message":"m","user":{"id":"1","ip_address":"{{auto}}"}}"#;
    for (trusted, expected) in [(None, "127.0.0.1"), (Some("127.0.0.0/8"), "198.51.100.7")] {
        let server = TestServer::start_with(|config| {
            let networks = trusted.into_iter().map(|network| network.parse().unwrap());
            config.http.trusted_proxies = networks.collect();
        });
        let server = server.await.unwrap();
        let request = keyed(&server, Method::POST, "store/")
            .header("X-Forwarded-For", "203.0.113.9, 198.51.100.7");
        assert_eq!(answer(request.body(event)).await.status, StatusCode::OK);
        let shown = only_event(&server).await;
        assert_eq!(shown["user"]["ip_address"], expected);
    }
}

#[tokio::test]
async fn a_limit_tells_what_to_hold_back_and_for_how_long() {
    let server = TestServer::start_with(|config| config.ingest.sentry_events_per_minute = 2);
    let server = server.await.unwrap();
    let mut limited = None;
    for _ in 0..4 {
        let sent = keyed(&server, Method::POST, "store/")
            .header("Origin", "https://shop.example.com")
            .body(EVENT);
        let sent = answer(sent).await;
        if sent.status == StatusCode::TOO_MANY_REQUESTS {
            limited = Some(sent);
        }
    }
    let limited = limited.expect("four events in a minute are above two");
    let seconds: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds));
    let limits = limited.header("x-sentry-rate-limits");
    assert!(limits.starts_with(&format!("{seconds}:")) && limits.contains(":project"));
    assert_open(&limited);
    let session = json!({"sid": "9ec79c33ec9942ab8353589fcb2e04dc", "started": 1, "status": "ok",
        "attrs": {"release": "1"}});
    let body = format!("{{}}\n{{\"type\":\"session\"}}\n{session}\n");
    let sent = answer(keyed(&server, Method::POST, "envelope/").body(body)).await;
    assert_eq!(sent.status, StatusCode::OK, "sessions are not limited");
}

#[tokio::test]
async fn requests_are_named_and_counted() {
    let server = TestServer::start().await.unwrap();
    let name = HeaderName::from_static("x-request-id");
    let request = keyed(&server, Method::POST, "store/")
        .header(&name, HeaderValue::from_static("job-7"))
        .body(EVENT);
    assert_eq!(answer(request).await.header("x-request-id"), "job-7");
    let unnamed = answer(keyed(&server, Method::POST, "store/").body(EVENT)).await;
    assert!(!unnamed.header("x-request-id").is_empty());
    let text = server.state().unwrap().metrics.to_text(Looked::default());
    let line = r#"mini_sentry_requests_total{group="ingest",status="200"} 2"#;
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn the_time_to_answer_is_measured_as_a_histogram() {
    let server = TestServer::start().await.unwrap();
    for _ in 0..3 {
        answer(keyed(&server, Method::POST, "store/").body(EVENT)).await;
    }
    let refused = answer(keyed(&server, Method::POST, "store/").body("no event")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    // Reading the metrics is no ingest.
    answer(request(&server, Method::GET, "/metrics")).await;
    let shown = answer(request(&server, Method::GET, "/metrics")).await.text;
    let value = |name: &str| -> f64 {
        let line = shown.lines().find_map(|line| line.strip_prefix(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {shown}"));
        line.trim().parse().unwrap()
    };
    assert!(shown.contains("# TYPE mini_sentry_accept_seconds histogram"));
    assert_eq!(value("mini_sentry_accept_seconds_count "), 4.0);
    let sum = value("mini_sentry_accept_seconds_sum ");
    assert!(sum > 0.0, "{sum}");
    let buckets: Vec<f64> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("mini_sentry_accept_seconds_bucket{"))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert!(buckets.len() > 10 && buckets.is_sorted());
    assert_eq!(buckets.last(), Some(&4.0), "the last bucket has all");
    let p95 = value("sentry_performance_p95 ");
    assert!(p95 > 0.0 && p95 < 60.0, "{p95}");
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_not_answered() {
    let server = TestServer::start_with(|config| {
        config.http.allowed_hosts = vec!["errors.example.com".to_owned()];
    });
    let server = server.await.unwrap();
    let foreign = answer(keyed(&server, Method::POST, "store/").body(EVENT)).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    let own = keyed(&server, Method::POST, "store/")
        .header("Host", "errors.example.com")
        .body(EVENT);
    assert_eq!(answer(own).await.status, StatusCode::OK);
}

/// Asserts that a page of another website may read the answer.
fn assert_open(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let exposed = answer
        .header("access-control-expose-headers")
        .to_lowercase();
    assert!(exposed.contains("x-sentry-rate-limits") && exposed.contains("retry-after"));
}
