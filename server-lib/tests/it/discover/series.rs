//! Numbers over time, and numbers of some events.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{SERIES, STATS, ask, ask_as, filled, indexed, rows, send, total};
use crate::caller::get;

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

#[tokio::test]
async fn tags_of_an_issue_are_those_of_an_environment_and_a_period() {
    let server = filled().await;
    let more = json!({
        "level": "error", "environment": "staging", "release": "shop@2.0", "platform": "python",
        "exception": { "values": [{ "type": "CardError", "value": "card refused" }] },
        "timestamp": "2020-01-01T00:00:00Z",
    });
    send(&server, 8, more).await;
    indexed(&server, 8).await;
    let path = "/api/0/issues/1/tags/release/";
    let all = get(&server, path).await;
    assert_eq!(
        (&all["totalValues"], &all["uniqueValues"]),
        (&json!(5), &json!(3))
    );
    for (query, total, values) in [
        (
            [("environment", "production"), ("statsPeriod", "24h")],
            4,
            2,
        ),
        ([("environment", "staging"), ("statsPeriod", "24h")], 1, 1),
        ([("environment", "nowhere"), ("statsPeriod", "24h")], 0, 0),
        ([("start", "2020-01-01"), ("end", "2020-01-02")], 0, 0),
    ] {
        let found = ask(&server, path, &query).await;
        assert_eq!(found["totalValues"], total, "{query:?} {found}");
        assert_eq!(found["topValues"].as_array().unwrap().len(), values);
    }
    let query = [("environment", "staging")];
    let found = ask(&server, "/api/0/issues/1/tags/", &query).await;
    let found = found.as_array().unwrap();
    let release = found.iter().find(|tag| tag["key"] == "release").unwrap();
    assert_eq!(release["totalValues"], 1);
    assert_eq!(release["topValues"][0]["value"], "shop@2.0");
    assert_eq!(release["topValues"][0]["count"], 1);
    assert!(found.iter().all(|tag| tag["key"] != "tier"));
}
