//! What Grafana's data source asks, in Go and with its decoding rules. Its module cannot be had
//! from the public Go proxy, so `tests/clients/grafana` asks the same and decodes the same.

use std::path::PathBuf;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::lab::{IN_PROJECT, Lab, ORG, skip};

/// Returns the built test; `None` where there is none.
fn program() -> Option<PathBuf> {
    let program = std::env::var_os("MINI_SENTRY_TEST_GRAFANA").map(PathBuf::from);
    if program.is_none() {
        skip("MINI_SENTRY_TEST_GRAFANA is not set");
    }
    program
}

async fn change(lab: &Lab, method: Method, path: &str, body: Value) {
    let answer = lab.call(method, path, Some(body)).await;
    let is_good = [StatusCode::OK, StatusCode::CREATED].contains(&answer.status);
    assert!(is_good, "{path}: {} {}", answer.status, answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_source_of_grafana_reads_what_there_is() {
    let Some(program) = program() else { return };
    let lab = Lab::filled().await;
    let team = json!({ "name": "Payments", "slug": "payments" });
    change(&lab, Method::POST, &format!("{ORG}teams/"), team).await;
    let other = json!({ "name": "Other" });
    change(&lab, Method::POST, &format!("{ORG}projects/"), other).await;
    let path = format!("{IN_PROJECT}teams/payments/");
    change(&lab, Method::POST, &path, json!({})).await;
    let issue = lab.issue("PaymentError: card was declined").await;
    let path = format!("{ORG}issues/{}/", issue["id"].as_str().unwrap());
    let given = json!({ "assignedTo": "#payments" });
    change(&lab, Method::PUT, &path, given).await;
    let note = json!({ "text": "the bank is told" });
    change(&lab, Method::POST, &format!("{path}notes/"), note).await;

    let url = lab.url();
    let settings = [
        ("SENTRY_URL", url.as_str()),
        ("SENTRY_AUTH_TOKEN", lab.program.token.as_str()),
    ];
    let output = lab
        .run(
            &program,
            lab.home(),
            &["-test.v", "-test.timeout=150s"],
            &settings,
        )
        .await;
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{errors}");
    // A build without its tests would pass too.
    let passed = told.matches("--- PASS: Test").count();
    assert!(passed >= 7, "{told}");
}
