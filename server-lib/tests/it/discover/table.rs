//! Events as rows, one by one and put together.

use mini_sentry_server::model::people::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{EVENTS, SERIES, STATS, ask, ask_as, filled, row, rows, total, url};
use crate::caller::{answer, request};
use crate::people::{member, project, token};

#[tokio::test]
async fn single_events_have_the_types_that_strict_clients_decode() {
    let server = filled().await;
    let fields = [
        "id",
        "title",
        "message",
        "issue",
        "issue.id",
        "project",
        "project.id",
        "timestamp",
        "level",
        "event.type",
        "platform",
        "release",
        "user.email",
        "user",
        "tags[tier]",
        "tier",
        "error.type",
        "error.handled",
        "transaction",
    ];
    let mut query: Vec<_> = fields.iter().map(|field| ("field", *field)).collect();
    query.extend([("dataset", "errors"), ("statsPeriod", "1h")]);
    let found = ask(&server, EVENTS, &query).await;
    assert_eq!(rows(&found).len(), 7);
    let meta = &found["meta"]["fields"];
    for (field, kind) in [
        ("id", "string"),
        ("issue.id", "integer"),
        ("project.id", "integer"),
        ("timestamp", "date"),
        ("error.type", "array"),
        ("error.handled", "boolean"),
        ("project.name", "string"),
    ] {
        assert_eq!(meta[field], kind, "{field}");
    }
    assert_eq!(found["meta"]["dataScanned"], "full");
    // The last event comes first.
    let odd = &rows(&found)[0];
    assert_eq!(odd["title"], "out of memory today");
    assert_eq!(odd["release"], Value::Null);
    assert_eq!(odd["user"], Value::Null);
    let card = &rows(&found)[3];
    assert_eq!(card["id"], "fc6d8c0c43fc4630ad850ee500000003");
    assert_eq!(card["title"], "CardError: card refused");
    assert_eq!(card["issue"], "MY-PROJECT-1");
    assert!(card["issue.id"].is_u64() && card["project.id"].is_u64());
    assert_eq!(card["project"], "my-project");
    assert!(card["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(card["user"], "id:3");
    assert_eq!(card["user.email"], "user-3@example.com");
    assert_eq!(
        (&card["tier"], &card["tags[tier]"]),
        (&json!("gold"), &json!("gold"))
    );
    assert_eq!(card["error.type"], json!(["CardError"]));
    assert_eq!(card["error.handled"], Value::Null);
    assert_eq!(card["transaction"], "/pay");
}

#[tokio::test]
async fn grafanas_default_question_has_a_row_for_each_event() {
    let server = filled().await;
    let mut query: Vec<_> = [
        "id",
        "title",
        "project",
        "project.id",
        "release",
        "count()",
        "epm()",
        "last_seen()",
        "level",
        "event.type",
        "platform",
    ]
    .map(|field| ("field", field))
    .to_vec();
    query.extend([
        ("sort", "-last_seen()"),
        ("per_page", "3"),
        ("statsPeriod", "1h"),
    ]);
    let path = url(EVENTS, &query);
    let found = answer(request(&server, Method::GET, &path).bearer_auth(server.token())).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    let link = found.header("link").to_owned();
    assert!(link.contains("rel=\"next\"; results=\"true\""), "{link}");
    let found = found.json();
    assert_eq!(rows(&found).len(), 3);
    for row in rows(&found) {
        assert_eq!(row["count()"], 1);
        assert!(row["epm()"].is_f64());
        assert!(row["last_seen()"].as_str().unwrap().ends_with('Z'));
    }
    let meta = &found["meta"]["fields"];
    assert_eq!(
        (&meta["count()"], &meta["last_seen()"]),
        (&json!("integer"), &json!("date"))
    );
    // The next page goes on where this one ended.
    let cursor = link
        .rsplit("cursor=\"")
        .next()
        .unwrap()
        .trim_end_matches('"');
    query.push(("cursor", cursor));
    let next = ask(&server, EVENTS, &query).await;
    assert_eq!(rows(&next).len(), 3);
    assert!(rows(&next).iter().all(|row| !rows(&found).contains(row)));
}

#[tokio::test]
async fn issues_are_put_together_as_the_mcp_server_asks() {
    let server = filled().await;
    let query = [
        ("dataset", "errors"),
        ("field", "issue"),
        ("field", "issue.id"),
        ("field", "project"),
        ("field", "title"),
        ("field", "count()"),
        ("field", "count_unique(user)"),
        ("field", "last_seen()"),
        ("field", "min(timestamp)"),
        ("sort", "-count()"),
        ("statsPeriod", "24h"),
    ];
    let found = ask(&server, EVENTS, &query).await;
    assert_eq!(rows(&found).len(), 3, "{found}");
    let first = &rows(&found)[0];
    assert_eq!(first["issue"], "MY-PROJECT-1");
    assert!(first["issue.id"].is_u64());
    assert_eq!(first["project"], "my-project");
    assert_eq!(first["title"], "CardError: card refused");
    assert_eq!(
        (&first["count()"], &first["count_unique(user)"]),
        (&json!(4), &json!(3))
    );
    for column in ["last_seen()", "min(timestamp)"] {
        assert!(first[column].as_str().unwrap().ends_with('Z'), "{first}");
    }
    assert!(first["min(timestamp)"].as_str() <= first["last_seen()"].as_str());
    assert_eq!(rows(&found)[1]["count()"], 2);
    assert_eq!(found["meta"]["dataScanned"], "full");
    // A condition leaves the other issues out, and counts only what meets it.
    let mut narrow = query.to_vec();
    narrow.extend([("query", "release:shop@1.1"), ("environment", "production")]);
    let found = ask(&server, EVENTS, &narrow).await;
    assert_eq!(rows(&found).len(), 1);
    assert_eq!(rows(&found)[0]["count()"], 2);
    assert_eq!(rows(&found)[0]["count_unique(user)"], 2);
}

#[tokio::test]
async fn events_are_put_together_by_tags_and_without_any() {
    let server = filled().await;
    let query = [
        ("field", "environment"),
        ("field", "release"),
        ("field", "count()"),
        ("field", "count_unique(issue)"),
        ("field", "failure_rate()"),
        ("field", "count_if(level,equals,fatal)"),
        ("sort", "environment"),
    ];
    let found = ask(&server, EVENTS, &query).await;
    assert_eq!(rows(&found).len(), 4, "{found}");
    assert_eq!(rows(&found)[0]["environment"], "production");
    let none = row(&found, "environment", &Value::Null);
    assert_eq!(none["count_if(level,equals,fatal)"], 1);
    assert_eq!(none["failure_rate()"], 1.0);
    let staging = row(&found, "environment", &json!("staging"));
    assert_eq!(
        (&staging["count()"], &staging["failure_rate()"]),
        (&json!(2), &json!(0.0))
    );
    let newer = row(&found, "release", &json!("shop@1.1"));
    assert_eq!(
        (&newer["count()"], &newer["count_unique(issue)"]),
        (&json!(2), &json!(1))
    );

    let all = [
        ("field", "count()"),
        ("field", "count_unique(user)"),
        ("field", "count_unique(issue)"),
        ("field", "count_unique(release)"),
        ("field", "epm()"),
        ("field", "eps()"),
        ("field", "p95(transaction.duration)"),
        ("statsPeriod", "24h"),
    ];
    let found = ask(&server, EVENTS, &all).await;
    let whole = &rows(&found)[0];
    assert_eq!(rows(&found).len(), 1);
    assert_eq!(whole["count()"], 7);
    assert_eq!(whole["count_unique(user)"], 4);
    assert_eq!(whole["count_unique(issue)"], 3);
    assert_eq!(whole["count_unique(release)"], 2);
    assert_eq!(whole["p95(transaction.duration)"], Value::Null);
    assert_eq!(
        found["meta"]["fields"]["p95(transaction.duration)"],
        "duration"
    );
    let per_minute = whole["epm()"].as_f64().unwrap();
    assert!((per_minute - 7.0 / (24.0 * 60.0)).abs() < 1e-9);
}

#[tokio::test]
async fn what_only_events_know_is_put_together_from_them() {
    let server = filled().await;
    let query = [
        ("field", "message"),
        ("field", "count()"),
        ("field", "count_unique(user)"),
        ("sort", "-count()"),
    ];
    let found = ask(&server, EVENTS, &query).await;
    assert_eq!(rows(&found).len(), 3, "{found}");
    assert_eq!(rows(&found)[0]["count()"], 4);
    assert_eq!(rows(&found)[1]["message"], "slower than it should be");
    assert_eq!(rows(&found)[1]["count_unique(user)"], 2);
    // Words are decided by the events too.
    let words = [
        ("field", "title"),
        ("field", "count()"),
        ("query", "memory"),
    ];
    let found = ask(&server, EVENTS, &words).await;
    assert_eq!(rows(&found).len(), 1, "{found}");
    assert_eq!(rows(&found)[0]["count()"], 1);
    let id = "fc6d8c0c43fc4630ad850ee500000004";
    let query = format!("id:{id}");
    let one = [
        ("field", "id"),
        ("field", "title"),
        ("query", query.as_str()),
    ];
    let found = ask(&server, EVENTS, &one).await;
    assert_eq!(rows(&found).len(), 1);
    assert_eq!(rows(&found)[0]["id"], id);
}

#[tokio::test]
async fn unknown_names_are_refused_and_other_data_are_empty() {
    let server = filled().await;
    for query in [
        vec![("field", "colour")],
        vec![("field", "nonsense()")],
        vec![("field", "a b")],
        vec![("field", "count_unique(id)")],
        vec![("field", "id"), ("sort", "-nonsense(")],
        vec![("field", "id"), ("dataset", "weather")],
        vec![("field", "id"), ("query", "level:loud")],
        vec![("field", "id"), ("statsPeriod", "soon")],
        vec![("query", "level:error")],
    ] {
        let found = ask_as(&server, server.token(), EVENTS, &query).await;
        assert_eq!(
            found.status,
            StatusCode::BAD_REQUEST,
            "{query:?} {}",
            found.text
        );
        assert_eq!(found.header("content-type"), "application/json");
        assert!(found.json()["detail"].is_string());
    }
    for (path, query) in [
        (STATS, [("yAxis", "colour"), ("interval", "1h")]),
        (STATS, [("yAxis", "count()"), ("interval", "soon")]),
        (SERIES, [("yAxis", "nonsense()"), ("interval", "1h")]),
    ] {
        let found = ask_as(&server, server.token(), path, &query).await;
        assert_eq!(found.status, StatusCode::BAD_REQUEST, "{query:?}");
    }
    let spans = [
        ("dataset", "spans"),
        ("field", "span.op"),
        ("field", "p95(span.duration)"),
        ("sort", "-p95(span.duration)"),
    ];
    let found = ask(&server, EVENTS, &spans).await;
    assert_eq!(found["data"], json!([]));
    let fields = &found["meta"]["fields"];
    assert_eq!(
        fields,
        &json!({ "span.op": "string", "p95(span.duration)": "duration" })
    );
    let stats = ask(
        &server,
        STATS,
        &[("dataset", "spans"), ("yAxis", "count()")],
    )
    .await;
    assert_eq!(stats["data"], json!([]));
    let attributes = "/api/0/organizations/my-organisation/trace-items/attributes/";
    let none = ask(
        &server,
        attributes,
        &[("itemType", "spans"), ("attributeType", "number")],
    );
    assert_eq!(none.await, json!([]));
}

#[tokio::test]
async fn a_member_of_one_project_sees_nothing_of_another() {
    let server = filled().await;
    let hidden = project(&server, "hidden").await;
    let stranger = member(&server, "stranger", Role::Member).await;
    let stranger = token(&server, Some(stranger), None).await;
    let other = token(&server, None, Some(hidden)).await;
    let state = server.state().unwrap();
    let organisation = server.first.organisation.id;
    state
        .store
        .people
        .set_open(organisation, false)
        .await
        .unwrap();
    state.people.refresh().await.unwrap();
    for token in [&stranger, &other] {
        let list = [("field", "id"), ("field", "title")];
        let found = ask_as(&server, token, EVENTS, &list).await;
        assert_eq!(found.json()["data"], json!([]), "{}", found.text);
        let sum = [("field", "count()"), ("field", "count_unique(user)")];
        let found = ask_as(&server, token, EVENTS, &sum).await.json();
        assert_eq!(found["data"][0]["count()"], 0, "{found}");
        assert_eq!(found["data"][0]["count_unique(user)"], 0);
        let tags = [("field", "environment"), ("field", "count()")];
        let found = ask_as(&server, token, EVENTS, &tags).await;
        assert_eq!(found.json()["data"], json!([]));
        // Not even that there is such a tag.
        let tier = [("field", "tier"), ("field", "count()")];
        let found = ask_as(&server, token, EVENTS, &tier).await;
        assert_eq!(found.status, StatusCode::BAD_REQUEST);
        let series = [
            ("yAxis", "count()"),
            ("statsPeriod", "24h"),
            ("interval", "1h"),
        ];
        let found = ask_as(&server, token, STATS, &series).await;
        assert!(total(&found.json()).abs() < 1e-9, "{}", found.text);
        for path in [EVENTS, STATS, SERIES] {
            let named = [
                ("field", "title"),
                ("yAxis", "count()"),
                ("project", "my-project"),
            ];
            let found = ask_as(&server, token, path, &named).await;
            assert_eq!(found.status, StatusCode::NOT_FOUND, "{path}");
        }
        let summary = "/api/0/organizations/my-organisation/stats-summary/";
        let found = ask_as(&server, token, summary, &[]).await.json();
        let slugs = found["projects"].as_array().unwrap();
        assert!(slugs.iter().all(|it| it["slug"] != "my-project"), "{found}");
    }
}
