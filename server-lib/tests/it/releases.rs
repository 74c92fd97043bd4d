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

/// Sends sessions: state, release, user, and how long they took.
async fn sessions(server: &TestServer, told: &[(&str, &str, &str, u64)]) {
    let token = &server.first.project.ingest_token;
    let path = format!("/api/sessions/ingest/token/{token}/");
    for (number, (status, release, user, duration)) in told.iter().enumerate() {
        let session = json!({
            "session_id": format!("s{number}"), "status": status, "release": release,
            "environment": "production", "user": user, "duration_ms": duration,
        });
        let sent = answer(request(server, Method::POST, &path).json(&session)).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    }
    server.digested().await.unwrap();
}

#[tokio::test]
async fn sessions_are_added_up_by_how_they_ended() {
    let server = TestServer::start().await.unwrap();
    let told = [
        ("exited", "1.0", "user-42", 40),
        ("exited", "1.0", "user-43", 20),
        ("crashed", "1.0", "user-42", 5),
        ("exited", "1.0", "user-42", 60),
    ];
    sessions(&server, &told).await;
    let query = "field=sum(session)&field=crash_free_rate(session)&field=count_unique(user)\
                 &field=crash_free_rate(user)&field=p50(session.duration)&groupBy=release\
                 &statsPeriod=2h";
    let sums = get(
        &server,
        &format!("{}/sessions/?{query}", organisation(&server)),
    )
    .await;
    assert_eq!(sums["groups"][0]["by"], json!({ "release": "1.0" }));
    let totals = json!({
        "sum(session)": 4, "crash_free_rate(session)": 0.75, "count_unique(user)": 2,
        "crash_free_rate(user)": 0.5, "p50(session.duration)": 40.0,
    });
    assert_eq!(sums["groups"][0]["totals"], totals);
    assert_eq!(sums["intervals"].as_array().unwrap().len(), 3);
    assert_eq!(sums["query"], "");
}

#[tokio::test]
async fn a_dashboard_reads_sessions_as_metrics() {
    let server = TestServer::start().await.unwrap();
    let told = [
        ("exited", "1.0", "user-42", 40),
        ("crashed", "1.0", "user-43", 20),
        ("exited", "2.0", "user-42", 5),
    ];
    sessions(&server, &told).await;
    let metrics = |query: &str| format!("{}/metrics/data/?{query}", organisation(&server));
    let by_release = "includeSeries=1&interval=30s&statsPeriod=10m&groupBy=release\
                      &orderBy=-session.crash_free_user_rate&per_page=5\
                      &field=session.crash_free_user_rate&project=1&query=release:[1.0,2.0,3.0]";
    let answer = get(&server, &metrics(by_release)).await;
    let mut names: Vec<_> = answer.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["end", "groups", "intervals", "start"]);
    let groups = answer["groups"].as_array().unwrap();
    let told: Vec<_> = groups
        .iter()
        .map(|group| {
            (
                &group["by"]["release"],
                &group["totals"]["session.crash_free_user_rate"],
            )
        })
        .collect();
    assert_eq!(
        told,
        [(&json!("2.0"), &json!(1.0)), (&json!("1.0"), &json!(0.5))]
    );
    let series = &groups[0]["series"]["session.crash_free_user_rate"];
    let intervals = answer["intervals"].as_array().unwrap();
    assert_eq!(series.as_array().unwrap().len(), intervals.len());

    let whole = "field=session.all&field=session.healthy_user&field=session.crashed\
                 &field=count_unique(sentry.sessions.user)&field=session.anr_rate&per_page=1";
    let answer = get(&server, &metrics(whole)).await;
    let totals = json!({
        "session.all": 3, "session.healthy_user": 1, "session.crashed": 1,
        "count_unique(sentry.sessions.user)": 2, "session.anr_rate": 0.0,
    });
    assert_eq!(answer["groups"][0]["by"], json!({}));
    assert_eq!(answer["groups"][0]["totals"], totals);

    let by_status = "field=session.all&groupBy=session.status&groupBy=project&includeSeries=0";
    let answer = get(&server, &metrics(by_status)).await;
    let crashed = &answer["groups"][1];
    let by = json!({ "project": server.first.project.id, "session.status": "crashed" });
    assert_eq!(
        (&crashed["by"], &crashed["totals"]["session.all"]),
        (&by, &json!(1))
    );
    for query in [
        "field=session.weather",
        "query=level:error",
        "groupBy=weather",
    ] {
        let refused = send(&server, Method::GET, &metrics(query), json!({})).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(refused.json()["detail"].is_string(), "{query}");
    }
}

#[tokio::test]
async fn a_release_shows_its_health_when_asked() {
    let server = TestServer::start().await.unwrap();
    let told = [
        ("exited", "1.0", "user-42", 40),
        ("crashed", "1.0", "user-43", 20),
        ("exited", "2.0", "user-42", 5000),
        ("exited", "2.0", "user-44", 5000),
    ];
    sessions(&server, &told).await;
    let all = format!("{}/releases/", organisation(&server));
    let plain = get(&server, &format!("{all}1.0/")).await;
    assert_eq!(plain["projects"][0].get("healthData"), None);
    let shown = get(&server, &format!("{all}1.0/?health=1")).await;
    let health = &shown["projects"][0]["healthData"];
    assert_eq!(shown["projects"][0]["hasHealthData"], true);
    for (name, expected) in [
        ("crashFreeUsers", json!(50.0)),
        ("crashFreeSessions", json!(50.0)),
        ("totalUsers", json!(2)),
        ("totalProjectUsers24h", json!(3)),
        ("sessionsAdoption", json!(50.0)),
        ("sessionsCrashed", json!(1)),
    ] {
        assert_eq!(health[name], expected, "{name}");
    }
    let adoption = health["adoption"].as_f64().unwrap();
    assert!((adoption - 200.0 / 3.0).abs() < 1e-9, "{adoption}");
    let query = "?health=1&healthStat=users&healthStatsPeriod=14d";
    let listed = get(&server, &format!("{all}{query}")).await;
    let health = &listed[0]["projects"][0]["healthData"];
    let stats = health["stats"]["14d"].as_array().unwrap();
    assert_eq!(stats.last().unwrap()[1], 2);
    assert!(health["durationP50"].as_f64().is_some());
    let odd = format!("{all}?health=1&healthStatsPeriod=soon");
    let refused = send(&server, Method::GET, &odd, json!({})).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let made = json!({ "version": "3.0", "projects": ["my-project"] });
    send(&server, Method::POST, &all, made).await;
    let none = get(&server, &format!("{all}3.0/?health=1")).await;
    assert_eq!(none["projects"][0]["hasHealthData"], false);
    assert_eq!(
        none["projects"][0]["healthData"]["crashFreeUsers"],
        Value::Null
    );
}
