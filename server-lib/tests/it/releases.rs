//! Releases and sessions of Sentry's interface, as its command-line tool and dashboards ask for them.

use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request};

async fn send(server: &TestServer, method: Method, path: &str, body: Value) -> Answer {
    let request = request(server, method, path).bearer_auth(server.token());
    answer(request.json(&body)).await
}

fn organisation(server: &TestServer) -> String {
    format!("/api/0/organizations/{}", server.first.organisation.slug)
}

#[tokio::test]
async fn a_release_is_made_finalized_given_commits_and_deployed() {
    let server = TestServer::start().await.unwrap();
    let all = format!("{}/releases/", organisation(&server));
    let wanted = json!({ "version": "shop@1.0", "projects": ["my-project"] });
    let made = send(&server, Method::POST, &all, wanted.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.json()["dateReleased"], Value::Null);
    assert_eq!(made.json()["projects"][0]["slug"], "my-project");
    let again = send(&server, Method::POST, &all, wanted).await;
    assert_eq!(again.status, StatusCode::ALREADY_REPORTED);

    let one = format!("{all}shop@1.0/");
    let change = json!({
        "dateReleased": "2026-01-02T03:04:05Z",
        "commits": [{ "id": "c2", "message": "two" }, { "id": "c1", "message": "one" }],
    });
    let changed = send(&server, Method::PUT, &one, change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let shown = get(&server, &one).await;
    assert_eq!(shown["dateReleased"], "2026-01-02T03:04:05.000Z");
    assert_eq!(shown["versionInfo"]["description"], "1.0");
    // Strict clients want the text and the date of the commit too.
    assert_eq!(shown["shortVersion"], "shop@1.0");
    assert_eq!(shown["lastCommit"]["id"], "c2");
    assert_eq!(shown["lastCommit"]["message"], "two");
    assert_eq!(shown["lastCommit"]["dateCreated"], shown["dateCreated"]);
    assert_eq!(shown["lastCommit"]["repository"], Value::Null);
    let repositories = format!("{}/repos/", organisation(&server));
    assert_eq!(get(&server, &repositories).await, json!([]));
    assert_eq!(shown["commitCount"], 2);
    let commits = get(&server, &format!("{one}commits/")).await;
    assert_eq!(commits[1]["message"], "one");

    let deploys = format!("{one}deploys/");
    let told = json!({ "environment": "production", "name": "first" });
    let deployed = send(&server, Method::POST, &deploys, told).await;
    assert_eq!(deployed.status, StatusCode::CREATED, "{}", deployed.text);
    assert_eq!(get(&server, &deploys).await, json!([deployed.json()]));
    assert_eq!(get(&server, &one).await["lastDeploy"], deployed.json());

    let listed = get(&server, &format!("{all}?query=SHOP")).await;
    assert_eq!(listed[0]["version"], "shop@1.0");
    let later = json!({ "version": "shop@1.1", "projects": [server.first.project.id] });
    assert_eq!(
        send(&server, Method::POST, &all, later).await.status,
        StatusCode::CREATED
    );
    let before = get(&server, &format!("{all}shop@1.1/previous-with-commits/")).await;
    assert_eq!(before["version"], "shop@1.0");
    assert_eq!(
        get(&server, &format!("{one}previous-with-commits/")).await,
        json!({})
    );
    let gone = send(
        &server,
        Method::DELETE,
        &format!("{all}shop@1.1/"),
        json!({}),
    )
    .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&server, &all).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_release_is_changed_below_its_project_too_and_an_unknown_one_is_not_there() {
    let server = TestServer::start().await.unwrap();
    let slug = &server.first.organisation.slug;
    let all = format!("/api/0/projects/{slug}/my-project/releases/");
    let made = send(&server, Method::POST, &all, json!({ "version": "2.0" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let archived = json!({ "status": "archived" });
    let changed = send(&server, Method::PUT, &format!("{all}2.0/"), archived).await;
    assert_eq!(changed.json()["status"], "archived");
    assert_eq!(get(&server, &format!("{all}?status=open")).await, json!([]));
    let missing = format!("{all}3.0/");
    let missing = send(
        &server,
        Method::PUT,
        &missing,
        json!({ "url": "https://x.example" }),
    )
    .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    for wanted in [
        json!({ "version": "a/b" }),
        json!({ "version": "1", "status": "odd" }),
    ] {
        let refused = send(&server, Method::POST, &all, wanted.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wanted}");
    }
    let foreign = "/api/0/organizations/other/releases/";
    let foreign = send(&server, Method::GET, foreign, json!({})).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sessions_are_added_up_by_how_they_ended() {
    let server = TestServer::start().await.unwrap();
    let token = &server.first.project.ingest_token;
    let path = format!("/api/sessions/ingest/token/{token}/");
    for (number, status) in ["exited", "crashed"].iter().enumerate() {
        let session = json!({
            "session_id": format!("s{number}"), "status": status, "release": "1.0",
            "environment": "production", "user": "user-42",
        });
        let sent = answer(request(&server, Method::POST, &path).json(&session)).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    }
    server.digested().await.unwrap();
    let query = "field=sum(session)&field=crash_free_rate(session)&groupBy=release&statsPeriod=2h";
    let sums = get(
        &server,
        &format!("{}/sessions/?{query}", organisation(&server)),
    )
    .await;
    assert_eq!(sums["groups"][0]["by"], json!({ "release": "1.0" }));
    let totals = json!({ "sum(session)": 2, "crash_free_rate(session)": 0.5 });
    assert_eq!(sums["groups"][0]["totals"], totals);
    assert_eq!(sums["intervals"].as_array().unwrap().len(), 3);
}
