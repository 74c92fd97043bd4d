//! What Grafana's data source asks, in Go and with its decoding rules. Its module cannot be had
//! from the public Go proxy, so `tests/clients/grafana` asks the same and decodes the same.

use std::path::PathBuf;

use mini_sentry_server::clock::{Clock as _, SystemClock};
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
    send_sessions(&lab).await;
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
    assert!(passed >= 12, "{told}");
}

/// Sends four sessions of four people: two ended well, one crashed, one had an error.
async fn send_sessions(lab: &Lab) {
    let now = SystemClock.now().to_rfc3339();
    for (number, (status, errors)) in [("exited", 0), ("exited", 0), ("crashed", 1), ("ok", 1)]
        .into_iter()
        .enumerate()
    {
        let session = json!({
            "sid": format!("00000000-0000-0000-0000-00000000000{number}"),
            "did": format!("user-{number}"),
            "init": true,
            "started": now,
            "timestamp": now,
            "status": status,
            "errors": errors,
            "attrs": { "release": "shop@1.2.3", "environment": "production" },
        });
        lab.send(&[("session", session)]).await;
    }
    let sums = format!("{ORG}sessions/?field=sum(session)&statsPeriod=1h&interval=1h");
    lab.wait(&sums, |sums| {
        sums["groups"][0]["totals"]["sum(session)"] == 4
    })
    .await;
}
