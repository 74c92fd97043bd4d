//! Requests that are made of the OpenAPI document by schemathesis: no answer is a 5xx, and each is of
//! a status, a media type and a schema that the document declares.
//!
//! `MINI_SENTRY_TEST_SCHEMATHESIS` names the program; `make test` installs it. The seed is fixed, so
//! a run can be repeated; `MINI_SENTRY_TEST_SEED` is another one and `MINI_SENTRY_TEST_EXAMPLES` the
//! number of requests for each operation, for longer runs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::caller::{answer, get, request, send_envelope};
use crate::people::{member, token};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";
/// Reading comes first and deleting last, so that there is something to read.
const ROUNDS: &[&[&str]] = &[&["GET"], &["POST", "PUT"], &["DELETE"]];
/// No round takes so long unless something hangs.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

const EVENT: &str = "0123456789abcdef0123456789abcdef";

fn program() -> Option<PathBuf> {
    let program = std::env::var_os("MINI_SENTRY_TEST_SCHEMATHESIS").map(PathBuf::from);
    if program.is_none() {
        let why = "MINI_SENTRY_TEST_SCHEMATHESIS is not set";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        println!("skipped: {why}");
    }
    program
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Sends some events, with all that may hang on one, and returns names that requests may use.
async fn fill(server: &TestServer) -> Value {
    for (number, level) in ["error", "warning", "fatal"].iter().enumerate() {
        let event = json!({
            "event_id": format!("{}{number}", EVENT.get(..31).unwrap()),
            "level": level, "release": "shop@1.0", "environment": "production",
            "user": { "id": "42" }, "tags": { "feature": "payments" },
            "exception": [{ "type": format!("E{level}"), "value": "no stock", "stacktrace": {
                "frames": [{ "function": "buy", "filename": "a.py", "lineno": 1, "in_app": true }],
            } }],
        });
        let session = json!({
            "sid": "1b2d5e4a-7c1c-4a3e-9a50-000000000001", "init": true, "status": "ok",
            "started": "2026-01-02T03:04:05Z", "attrs": { "release": "shop@1.0" },
        });
        let envelope = format!(
            "{{}}\n{{\"type\":\"event\"}}\n{event}\n{{\"type\":\"session\"}}\n{session}\n\
             {{\"type\":\"attachment\",\"filename\":\"a.txt\",\"length\":4}}\nfile\n"
        );
        let sent = send_envelope(server, envelope).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    }
    server.digested().await.unwrap();
    let path = "/api/0/issues/1/notes/";
    let say = request(server, Method::POST, path).bearer_auth(server.token());
    let said = answer(say.json(&json!({ "text": "seen again" }))).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    let colleague = member(
        server,
        "colleague",
        mini_sentry_server::model::people::Role::Member,
    );
    let colleague = colleague.await;
    let own = format!("{}0", EVENT.get(..31).unwrap());
    let project = "/api/0/projects/my-organisation/my-project";
    let attachments = get(server, &format!("{project}/events/{own}/attachments/")).await;
    let key = &server.first.key.public_key;
    json!({
        "organisation": ["my-organisation"],
        "project": ["my-project", "1"],
        "name": ["my-project"],
        "slug": ["my-project"],
        "team": ["my-organisation"],
        "member": [colleague.to_string(), "me"],
        "issue": ["1", "2", "MY-PROJECT-3"],
        "group": ["1", "MY-PROJECT-2"],
        "id": ["MY-PROJECT-1", "2"],
        "event": ["latest", own],
        "event_id": [own],
        "attachment": [attachments[0]["id"]],
        "version": ["shop@1.0"],
        "note": [said.json()["id"]],
        "key": ["level", key],
        "token": [server.first.project.ingest_token],
        "query": ["is:unresolved level:error", "tags.feature:payments stock", "level:"],
        "q": ["level:error env:production stock", "timestamp:[now-1h TO now]"],
        "field": ["sum(quantity)", "sum(session)"],
        "groupBy": ["outcome", "project", "release"],
        "statsPeriod": ["24h", "90d"],
        "range": ["24h"],
        "interval": ["1h", "1d"],
        "start": ["2026-01-01"],
        "end": ["2030-01-01"],
        "from": ["2026-01-01"],
        "to": ["2030-01-01"],
        "sort": ["freq", "date", "inbox", "trends", "-count"],
        "cursor": ["0:0:0", "0:1:0"],
        "limit": ["1", "100"],
        "per_page": ["1", "100"],
        "environment": ["production"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_a_generated_request_is_one_that_the_document_declares() {
    let Some(program) = program() else { return };
    // A machine that is slow is no server error.
    let server = TestServer::start_with(|config| config.http.request_timeout = PATIENCE).await;
    let server = server.unwrap();
    let names = fill(&server).await;
    let owner = token(&server, Some(server.first.owner.id), None).await;
    let key = format!(
        "X-Sentry-Auth: Sentry sentry_version=7, sentry_key={}",
        server.first.key.public_key
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract");
    let reports = tempfile::tempdir().unwrap();
    for methods in ROUNDS {
        let mut command = Command::new(&program);
        command
            .arg("run")
            .arg(format!("{}/docs/openapi.json", server.url))
            .args(["--header", &format!("Authorization: Bearer {owner}")])
            .args(["--header", &key])
            .args(["--checks", CHECKS])
            .args(["--phases", "examples,coverage,fuzzing"])
            .args(["--seed", &setting("MINI_SENTRY_TEST_SEED", "1")])
            .args(["--max-examples", &setting("MINI_SENTRY_TEST_EXAMPLES", "2")])
            .args(["--generation-database", "none", "--no-shrink"])
            .args(["--suppress-health-check", "all", "--warnings", "off"])
            .args([
                "--workers",
                "1",
                "--continue-on-failure",
                "--request-timeout",
                "60",
            ]);
        for method in *methods {
            command.args(["--include-method", method]);
        }
        let output = command
            // It may write there; its answers are in the output.
            .current_dir(reports.path())
            .env("PYTHONPATH", &folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .env("MINI_SENTRY_NAMES", names.to_string())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PATIENCE, output)
            .await
            .expect("the program hangs")
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{methods:?}: {told}\n{errors}");
        // A run that finds nothing to ask would succeed too.
        let tested = told
            .lines()
            .find_map(|line| line.trim().strip_prefix("Tested: "));
        let tested: usize = tested.unwrap().trim().parse().unwrap();
        assert!(tested >= 20, "{methods:?}: {told}");
    }
}
