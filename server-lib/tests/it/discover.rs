//! Questions about many events at once, as Grafana and other clients ask them.

use std::time::Duration;

use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::model::people::Role;
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request, send_envelope};
use crate::people::{member, project, token};

/// Nothing here takes this long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(60);
const EVENTS: &str = "/api/0/organizations/my-organisation/events/";
const STATS: &str = "/api/0/organizations/my-organisation/events-stats/";
const SERIES: &str = "/api/0/organizations/my-organisation/events-timeseries/";

/// A server with seven events of three issues.
async fn filled() -> TestServer {
    let server = TestServer::start().await.unwrap();
    let card = |user: &str, release: &str| {
        json!({
            "level": "error", "environment": "production", "release": release,
            "platform": "python", "transaction": "/pay", "tags": { "tier": "gold" },
            "user": { "id": user, "email": format!("user-{user}@example.com") },
            "exception": { "values": [{ "type": "CardError", "value": "card refused" }] },
        })
    };
    let slow = |user: &str| {
        json!({
            "level": "warning", "environment": "staging", "platform": "python",
            "message": "slower than it should be", "user": { "id": user },
        })
    };
    let odd = json!({ "level": "fatal", "platform": "node", "message": "out of memory today" });
    let events = [
        card("1", "shop@1.0"),
        card("2", "shop@1.0"),
        card("1", "shop@1.1"),
        card("3", "shop@1.1"),
        slow("1"),
        slow("4"),
        odd,
    ];
    for (number, event) in events.into_iter().enumerate() {
        send(&server, number, event).await;
    }
    indexed(&server, 7).await;
    server
}

async fn send(server: &TestServer, number: usize, mut event: Value) {
    event["event_id"] = json!(format!("fc6d8c0c43fc4630ad850ee5{number:08x}"));
    let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n");
    let sent = send_envelope(server, envelope).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
}

async fn indexed(server: &TestServer, last: u64) {
    let state = server.state().unwrap();
    assert!(state.progress.reached(Seq(last), PATIENCE).await);
    assert!(state.feed.reached(Seq(last), PATIENCE).await);
}

fn url(path: &str, query: &[(&str, &str)]) -> String {
    let query: Vec<String> = query
        .iter()
        .map(|(key, value)| {
            let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("{key}={escaped}")
        })
        .collect();
    format!("{path}?{}", query.join("&"))
}

async fn ask(server: &TestServer, path: &str, query: &[(&str, &str)]) -> Value {
    get(server, &url(path, query)).await
}

async fn ask_as(server: &TestServer, token: &str, path: &str, query: &[(&str, &str)]) -> Answer {
    answer(request(server, Method::GET, &url(path, query)).bearer_auth(token)).await
}

fn rows(answer: &Value) -> &Vec<Value> {
    answer["data"].as_array().unwrap()
}

/// Returns the rows by the value of a column.
fn row<'a>(answer: &'a Value, column: &str, value: &Value) -> &'a Value {
    let found = rows(answer).iter().find(|row| row[column] == *value);
    found.unwrap_or_else(|| panic!("no row of {value}: {answer}"))
}

/// Adds up the numbers of a series in the older shape.
fn total(series: &Value) -> f64 {
    let data = series["data"].as_array().unwrap();
    data.iter()
        .map(|pair| {
            assert!(pair[0].is_i64(), "{pair}");
            pair[1][0]["count"].as_f64().unwrap_or(0.0)
        })
        .sum()
}

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
async fn a_series_of_one_axis_is_pairs_of_seconds_and_numbers() {
    let server = filled().await;
    for (period, interval, step, count) in [
        ("24h", "1h", 3600, 24..=25),
        ("30d", "1d", 86_400, 30..=31),
        ("1h", "5m", 300, 12..=13),
        ("1h", "30s", 60, 60..=61),
    ] {
        let query = [
            ("yAxis", "count()"),
            ("statsPeriod", period),
            ("interval", interval),
            ("partial", "1"),
        ];
        let found = ask(&server, STATS, &query).await;
        let data = rows(&found);
        assert!(count.contains(&data.len()), "{period} {}", data.len());
        let seconds = |nth: usize| data[nth][0].as_i64().unwrap();
        assert_eq!(seconds(1) - seconds(0), step, "{interval}");
        assert_eq!(seconds(0) % step, 0);
        assert!((total(&found) - 7.0).abs() < 1e-9, "{period} {found}");
        assert_eq!(found["meta"]["fields"]["count()"], "integer");
    }
    let narrow = [
        ("yAxis", "count_unique(user)"),
        ("query", "tier:gold"),
        ("statsPeriod", "24h"),
        ("interval", "1d"),
    ];
    let found = ask(&server, STATS, &narrow).await;
    assert!(total(&found) >= 3.0, "{found}");
    // Environments are added up by the minute, tags are not.
    for query in ["environment:production", "tier:gold", "card"] {
        let short = [
            ("yAxis", "count()"),
            ("query", query),
            ("statsPeriod", "1h"),
            ("interval", "1m"),
        ];
        let found = ask(&server, STATS, &short).await;
        assert!((total(&found) - 4.0).abs() < 1e-9, "{query} {found}");
    }
}

#[tokio::test]
async fn several_axes_and_several_rows_are_nested() {
    let server = filled().await;
    let axes = [
        ("yAxis", "count()"),
        ("yAxis", "epm()"),
        ("statsPeriod", "24h"),
        ("interval", "1h"),
    ];
    let found = ask(&server, STATS, &axes).await;
    assert!((total(&found["count()"]) - 7.0).abs() < 1e-9, "{found}");
    assert_eq!(found["count()"]["order"], 0);
    assert_eq!(found["epm()"]["order"], 1);
    assert!((total(&found["epm()"]) - 7.0 / 60.0).abs() < 1e-9);

    let mut rows = vec![
        ("yAxis", "count()"),
        ("field", "environment"),
        ("field", "level"),
        ("topEvents", "2"),
        ("statsPeriod", "24h"),
        ("interval", "1h"),
    ];
    let found = ask(&server, STATS, &rows).await;
    assert_eq!(found["production,error"]["order"], 0, "{found}");
    assert!((total(&found["production,error"]) - 4.0).abs() < 1e-9);
    assert!((total(&found["staging,warning"]) - 2.0).abs() < 1e-9);
    assert!((total(&found["Other"]) - 1.0).abs() < 1e-9);
    rows.push(("excludeOther", "1"));
    assert_eq!(ask(&server, STATS, &rows).await["Other"], Value::Null);
    rows.push(("yAxis", "count_unique(user)"));
    let found = ask(&server, STATS, &rows).await;
    let production = &found["production,error"];
    assert_eq!(production["order"], 0);
    assert!(
        (total(&production["count()"]) - 4.0).abs() < 1e-9,
        "{found}"
    );
    assert!(total(&production["count_unique(user)"]) >= 3.0);

    let by_issue = [
        ("yAxis", "count()"),
        ("field", "issue"),
        ("topEvents", "5"),
        ("statsPeriod", "1h"),
        ("interval", "5m"),
    ];
    let found = ask(&server, STATS, &by_issue).await;
    assert!(
        (total(&found["MY-PROJECT-1"]) - 4.0).abs() < 1e-9,
        "{found}"
    );
}

#[tokio::test]
async fn a_time_series_has_lines_with_values() {
    let server = filled().await;
    let query = [
        ("dataset", "discover"),
        ("yAxis", "count()"),
        ("yAxis", "count_unique(user)"),
        ("groupBy", "release"),
        ("topEvents", "5"),
        ("excludeOther", "1"),
        ("statsPeriod", "24h"),
        ("interval", "3600"),
    ];
    let found = ask(&server, SERIES, &query).await;
    assert_eq!(found["meta"]["dataset"], "discover");
    assert!(found["meta"]["start"].is_i64() && found["meta"]["end"].is_i64());
    let lines = found["timeSeries"].as_array().unwrap();
    assert_eq!(lines.len(), 6, "{found}");
    let is_newer = |line: &&Value| {
        line["groupBy"] == json!([{ "key": "release", "value": "shop@1.1" }])
            && line["yAxis"] == "count()"
    };
    let newer = lines.iter().find(is_newer).unwrap();
    let values = newer["values"].as_array().unwrap();
    assert!((24..=25).contains(&values.len()));
    let sum: f64 = values.iter().filter_map(|it| it["value"].as_f64()).sum();
    assert!((sum - 2.0).abs() < 1e-9);
    let last = values.last().unwrap();
    assert!(last["timestamp"].is_i64());
    assert_eq!(last["incomplete"], true);
    assert_eq!(values[0]["incomplete"], false);
    assert_eq!(newer["meta"]["interval"], 3_600_000);
    assert_eq!(newer["meta"]["valueType"], "integer");
    assert_eq!(newer["meta"]["isOther"], false);

    let one = [
        ("yAxis", "count()"),
        ("statsPeriod", "24h"),
        ("interval", "3600"),
    ];
    let found = ask(&server, SERIES, &one).await;
    let lines = found["timeSeries"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["groupBy"]), (1, &Value::Null));
}

#[tokio::test]
async fn a_member_of_one_project_sees_nothing_of_another() {
    let server = filled().await;
    project(&server, "hidden").await;
    let stranger = member(&server, "stranger", Role::Member).await;
    let stranger = token(&server, Some(stranger), None).await;
    let hidden = server.state().unwrap().catalog.view();
    let hidden = hidden.projects().iter().find(|it| it.slug == "hidden");
    let other = token(&server, None, hidden.map(|project| project.id)).await;
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

#[tokio::test]
async fn received_errors_are_summed_up_and_told_over_time() {
    let server = filled().await;
    let summary = "/api/0/organizations/my-organisation/stats-summary/";
    let found = ask(
        &server,
        summary,
        &[("field", "sum(quantity)"), ("statsPeriod", "1d")],
    )
    .await;
    let shown = &found["projects"][0];
    assert!(shown["id"].is_string());
    let stats = shown["stats"].as_array().unwrap();
    let errors = stats.iter().find(|it| it["category"] == "error").unwrap();
    assert_eq!(errors["outcomes"]["accepted"], 7);
    assert_eq!(
        errors["totals"],
        json!({ "dropped": 0, "sum(quantity)": 7 })
    );
    let path = "/api/0/projects/my-organisation/my-project/stats/";
    for (stat, expected) in [
        ("received", 7),
        ("generated", 7),
        ("rejected", 0),
        ("blacklisted", 0),
    ] {
        let query = [("stat", stat), ("resolution", "1h")];
        let pairs = ask(&server, path, &query).await;
        let sum: i64 = pairs
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it[1].as_i64().unwrap())
            .sum();
        assert_eq!(sum, expected, "{stat}");
    }
    let wrong = ask_as(&server, server.token(), path, &[("stat", "weather")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_question_is_judged_without_being_answered() {
    let server = filled().await;
    let path = "/api/0/organizations/my-organisation/events/validate/";
    let query = [
        ("dataset", "errors"),
        ("field", "count()"),
        ("field", "nonsense()"),
        ("query", "level:error"),
        ("sort", "-count()"),
        ("project", "my-project"),
    ];
    let found = ask(&server, path, &query).await;
    assert_eq!(found["valid"], false);
    assert_eq!(found["field"][0]["valid"], true);
    assert_eq!(found["field"][0]["attrType"], "number");
    assert_eq!(found["field"][1]["valid"], false);
    assert!(found["field"][1]["error"].is_string());
    assert_eq!(
        found["query"],
        json!({ "valid": true, "error": null, "fields": [] })
    );
    assert_eq!(found["orderby"][0]["valid"], true);
    assert_eq!(found["projects"][0]["valid"], true);
    let wrong = ask(&server, path, &[("query", "level:loud")]).await;
    assert_eq!(
        (&wrong["valid"], &wrong["query"]["valid"]),
        (&json!(false), &json!(false))
    );
}
