//! Another way of grouping, tried on what there is and then adopted.

use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, event, request, send_envelope};

const TRY: &str = "/api/projects/my-project/grouping/try/";
const PROJECT: &str = "/api/0/projects/my-organisation/my-project/";

fn id(number: u32) -> String {
    format!("5b6d8c0c43fc4630ad850ee5{number:08x}")
}

async fn send(server: &TestServer, number: u32, message: &str) -> String {
    let event = json!({ "event_id": id(number), "message": message, "tags": { "shop": "eu" } });
    let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n");
    let sent = send_envelope(server, envelope).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    server.digested().await.unwrap();
    let shown = self::event(server, &id(number)).await;
    shown["groupID"].as_str().unwrap().to_owned()
}

async fn call(server: &TestServer, method: Method, path: &str, body: Value) -> Answer {
    let call = request(server, method, path).bearer_auth(server.token());
    answer(call.json(&body)).await
}

async fn attempt(server: &TestServer, body: Value) -> Value {
    let told = call(server, Method::POST, TRY, body).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    told.json()
}

#[tokio::test]
async fn a_way_is_tried_on_the_latest_events_and_changes_nothing() {
    let server = TestServer::start().await.unwrap();
    let empty = send(&server, 1, "cart is empty").await;
    let gone = send(&server, 2, "cart is gone").await;
    let full = send(&server, 3, "disk 1 is full").await;
    assert_eq!(send(&server, 4, "disk 2 is full").await, full);

    let same = attempt(&server, json!({})).await;
    assert_eq!((&same["split"], &same["merged"]), (&json!(0), &json!(0)));
    assert_eq!(
        (&same["events"], &same["groups_now"]),
        (&json!(4), &json!(3))
    );

    let rules = "message:cart* -> cart\nmessage:disk* -> disk, {{ message }}";
    let other = attempt(&server, json!({ "fingerprint_rules": rules })).await;
    assert_eq!((&other["split"], &other["merged"]), (&json!(1), &json!(1)));
    assert_eq!(other["groups_then"], 3);
    assert_eq!(other["splits"][0]["parts"], 2);
    assert_eq!(other["splits"][0]["group"]["id"].to_string(), full);
    assert_eq!(other["splits"][0]["group"]["short_id"], "MY-PROJECT-3");
    let mut merged: Vec<_> = other["merges"][0]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["id"].to_string())
        .collect();
    merged.sort_unstable();
    assert_eq!(merged, [empty.clone(), gone]);

    // The sample is of the latest.
    let latest = json!({ "fingerprint_rules": rules, "events": 2 });
    let latest = attempt(&server, latest).await;
    assert_eq!(
        (&latest["events"], &latest["events_stored"]),
        (&json!(2), &json!(4))
    );
    assert_eq!(
        (&latest["split"], &latest["merged"]),
        (&json!(1), &json!(0))
    );

    let settings = call(&server, Method::GET, PROJECT, json!({})).await.json();
    assert_eq!(settings["fingerprintingRules"], "");
    assert_eq!(send(&server, 5, "cart is empty").await, empty);
}

#[tokio::test]
async fn a_way_that_cannot_be_read_is_refused_with_its_place() {
    let server = TestServer::start().await.unwrap();
    for (body, code) in [
        (
            json!({ "fingerprint_rules": "message -> a" }),
            "invalid_rule",
        ),
        (json!({ "stack_rules": "function:a +ap" }), "invalid_rule"),
        (json!({ "version": "v0" }), "invalid_body"),
        (json!({ "events": -1 }), "invalid_body"),
    ] {
        let refused = call(&server, Method::POST, TRY, body.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(refused.json()["code"], code, "{body}");
    }
    let missing = "/api/projects/other/grouping/try/";
    let missing = call(&server, Method::POST, missing, json!({})).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn issues_live_on_when_a_way_is_adopted_and_new_ones_are_made_by_it() {
    let server = TestServer::start().await.unwrap();
    let empty = send(&server, 1, "cart is empty").await;
    let full = send(&server, 2, "disk is full").await;
    let rules = "message:cart* -> cart, {{ tags.shop }}\nmessage:disk* -> disk";
    let adopt = json!({ "fingerprintingRules": rules });
    let adopted = call(&server, Method::PUT, PROJECT, adopt).await;
    assert_eq!(adopted.status, StatusCode::OK, "{}", adopted.text);
    let previous = &adopted.json()["settings"]["grouping"]["previous"];
    assert_eq!(previous["fingerprint_rules"], "");
    assert!(previous["until"].is_number(), "{previous}");

    // The new key of an event joins the issue that its old key has.
    assert_eq!(send(&server, 3, "cart is empty").await, empty);
    assert_eq!(send(&server, 4, "disk is full").await, full);
    // From then on the new key is the issue's.
    assert_eq!(send(&server, 5, "cart has 3 wheels").await, empty);
    assert_eq!(send(&server, 6, "disk smells").await, full);
    let other = send(&server, 7, "all else").await;
    assert!(other != empty && other != full);
    let hashes = format!("/api/0/issues/{empty}/hashes/");
    let hashes = call(&server, Method::GET, &hashes, json!({})).await.json();
    assert_eq!(
        hashes.as_array().unwrap().len(),
        2,
        "the old and the new: {hashes}"
    );

    // The time of transition ends, or is ended.
    let end = json!({ "settings": { "grouping": { "previous": null } } });
    let ended = call(&server, Method::PUT, PROJECT, end).await;
    assert_eq!(
        ended.json()["settings"]["grouping"]["previous"],
        Value::Null
    );
    assert_eq!(send(&server, 8, "cart is empty").await, empty);
    let back = json!({ "fingerprintingRules": "" });
    call(&server, Method::PUT, PROJECT, back).await;
    // The old key still leads to its issue.
    assert_eq!(send(&server, 9, "cart is empty").await, empty);
}
