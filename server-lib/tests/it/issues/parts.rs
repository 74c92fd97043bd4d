//! What belongs to an issue: events, tags, comments, history, counts; and why it is one.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::lab::{Lab, ORG, PROJECT, exception, id, on_both};

on_both! {
    the_events_of_an_issue_are_listed_and_searched
    an_event_of_an_issue_is_found_by_its_place
    tags_of_an_issue_and_of_projects_have_their_counts
    people_comment_change_and_withdraw_what_they_said
    counts_over_time_are_pairs_of_seconds_and_number
    grouping_is_explained
}

/// Sends events of one issue, a minute apart, the last of which happens now.
async fn some_events(lab: &Lab, count: u32) -> String {
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    for number in 0..count {
        let mut event = exception("AError", "a");
        event["timestamp"] = json!(now - u64::from(count - 1 - number) * 60);
        event["environment"] = json!(if number % 2 == 0 {
            "production"
        } else {
            "staging"
        });
        event["tags"] = json!({ "feature": format!("f{}", number % 3) });
        event["user"] = json!({ "id": format!("u{number}") });
        lab.send(number, event).await;
    }
    lab.send(1000, exception("BError", "b")).await;
    lab.issue("AError: a").await
}

async fn the_events_of_an_issue_are_listed_and_searched(lab: &Lab) {
    let issue = some_events(lab, 6).await;
    for path in [
        format!("{ORG}issues/{issue}/events/"),
        format!("/api/0/issues/{issue}/events/"),
    ] {
        let newest_first: Vec<_> = (0..6).rev().map(id).collect();
        assert_eq!(lab.column(&path, "eventID").await, newest_first);
    }
    let ids = |query: &'static str| {
        let path = format!("{ORG}issues/{issue}/events/?{query}");
        async move { lab.column(&path, "id").await }
    };
    assert_eq!(ids("environment=staging").await, [id(5), id(3), id(1)]);
    assert_eq!(ids("query=feature:f1").await, [id(4), id(1)]);
    assert_eq!(
        ids("query=!feature:f1%20environment:production").await,
        [id(2), id(0)]
    );
    assert_eq!(ids("query=user.id:u3").await, [id(3)]);
    assert_eq!(
        ids("query=stack.function:raise_*&per_page=2").await,
        [id(5), id(4)]
    );
    assert_eq!(ids("query=raise_berror").await, [""; 0]);
    let one = format!("{ORG}issues/{issue}/events/?query=id:{}", id(2));
    assert_eq!(lab.column(&one, "id").await, [id(2)]);
    let path = format!("{ORG}issues/{issue}/events/?full=1&per_page=1");
    assert!(lab.get(&path).await[0]["entries"].is_array());
    for query in ["query=nonsense:[", "sort=colour", "query=is:"] {
        let path = format!("{ORG}issues/{issue}/events/?{query}");
        let refused = lab.call(Method::GET, &path, Value::Null).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let path = format!("{PROJECT}events/?query=error.type:BError");
    assert_eq!(lab.column(&path, "eventID").await, [id(1000)]);
    let mut walked = Vec::new();
    let mut next = format!("{ORG}issues/{issue}/events/?query=has:feature&per_page=4");
    while !next.is_empty() {
        let page = lab.call(Method::GET, &next, Value::Null).await;
        let rows = page.json();
        walked.extend(rows.as_array().unwrap().iter().map(|row| row["id"].clone()));
        let link = page.header("link").to_owned();
        let (_, following) = link.split_once(", <").unwrap();
        let url = following.split('>').next().unwrap();
        let has_more = following.contains("results=\"true\"");
        let path = url.strip_prefix(&lab.server.url).unwrap();
        next = if has_more {
            path.to_owned()
        } else {
            String::new()
        };
    }
    assert_eq!(
        walked,
        (0..6).rev().map(id).map(Value::from).collect::<Vec<_>>()
    );
}

async fn an_event_of_an_issue_is_found_by_its_place(lab: &Lab) {
    let issue = some_events(lab, 5).await;
    let event = |name: String| {
        let path = format!("{ORG}issues/{issue}/events/{name}/");
        async move { lab.get(&path).await }
    };
    let latest = event("latest".to_owned()).await;
    assert_eq!(latest["id"], id(4));
    assert_eq!(latest["groupID"], issue);
    assert_eq!(latest["previousEventID"], id(3));
    assert_eq!(latest["nextEventID"], Value::Null);
    assert!(latest["entries"].is_array() && latest["contexts"].is_object());
    let oldest = event("oldest".to_owned()).await;
    assert_eq!(oldest["id"], id(0));
    assert_eq!(oldest["previousEventID"], Value::Null);
    assert_eq!(oldest["nextEventID"], id(1));
    assert_eq!(event("recommended".to_owned()).await["id"], id(4));
    let middle = event(id(2)).await;
    assert_eq!(
        (&middle["previousEventID"], &middle["nextEventID"]),
        (&json!(id(1)), &json!(id(3)))
    );
    let path = format!("/api/0/issues/{issue}/events/oldest/?environment=staging");
    assert_eq!(lab.get(&path).await["id"], id(1));
    for other in [id(1000), id(77), "nonsense".to_owned()] {
        let path = format!("{ORG}issues/{issue}/events/{other}/");
        let missing = lab.call(Method::GET, &path, Value::Null).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{other}");
    }
}

async fn tags_of_an_issue_and_of_projects_have_their_counts(lab: &Lab) {
    let issue = some_events(lab, 7).await;
    let tags = lab.get(&format!("{ORG}issues/{issue}/tags/")).await;
    let tags = tags.as_array().unwrap();
    let of = |key: &str| tags.iter().find(|tag| tag["key"] == key).unwrap();
    assert_eq!(of("feature")["totalValues"], 7);
    assert_eq!(of("feature")["uniqueValues"], 3);
    assert_eq!(of("environment")["topValues"][0]["value"], "production");
    assert_eq!(of("environment")["topValues"][0]["count"], 4);
    let one = lab
        .get(&format!("/api/0/issues/{issue}/tags/feature/"))
        .await;
    assert_eq!(one["topValues"][0]["value"], "f0");
    assert!(
        one["topValues"][0]["lastSeen"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    let only = lab
        .get(&format!("{ORG}issues/{issue}/tags/?key=feature&limit=1"))
        .await;
    assert_eq!(only.as_array().unwrap().len(), 1);
    assert_eq!(only[0]["topValues"].as_array().unwrap().len(), 1);
    let path = format!("{ORG}issues/{issue}/tags/feature/values/");
    assert_eq!(lab.column(&path, "value").await[0], "f0");
    let by_date = lab
        .column(&format!("{path}?sort=-date&per_page=1"), "value")
        .await;
    assert_eq!(by_date, ["f0"]);
    assert_eq!(
        lab.column(&format!("{path}?query=2"), "value").await,
        ["f2"]
    );
    let users = lab
        .get(&format!("{ORG}issues/{issue}/tags/user/values/"))
        .await;
    assert_eq!(users.as_array().unwrap().len(), 7);
    assert!(users[0]["id"].as_str().unwrap().starts_with('u'));
    let missing = format!("{ORG}issues/{issue}/tags/nonsense/");
    let missing = lab.call(Method::GET, &missing, Value::Null).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);

    for path in [
        format!("{ORG}tags/"),
        format!("{PROJECT}tags/"),
        format!("{ORG}tags/?project=-1"),
    ] {
        let tags = lab.get(&path).await;
        let level = tags
            .as_array()
            .unwrap()
            .iter()
            .find(|tag| tag["key"] == "level");
        assert_eq!(level.unwrap()["totalValues"], 8, "{path}");
        assert_eq!(level.unwrap()["name"], "Level");
    }
    for path in [
        format!("{ORG}tags/environment/values/"),
        format!("{PROJECT}tags/environment/values/"),
    ] {
        assert_eq!(lab.column(&path, "value").await, ["production", "staging"]);
    }
}

async fn people_comment_change_and_withdraw_what_they_said(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let issue = lab.issue("AError: a").await;
    let comments = format!("/api/0/issues/{issue}/comments/");
    let notes = format!("{ORG}issues/{issue}/notes/");
    let said = lab
        .call(Method::POST, &comments, json!({ "text": "looks bad" }))
        .await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    let said = said.json();
    assert_eq!(said["type"], "note");
    assert_eq!(said["data"]["text"], "looks bad");
    assert!(said["user"]["name"].is_string());
    assert_eq!(lab.get(&notes).await, json!([said]));
    assert_eq!(
        lab.get(&format!("{ORG}issues/{issue}/")).await["numComments"],
        1
    );
    let one = format!("{notes}{}/", said["id"].as_str().unwrap());
    let changed = lab.put(&one, json!({ "text": "is fine" })).await;
    assert_eq!(changed["data"]["text"], "is fine");
    let history = lab.get(&format!("{ORG}issues/{issue}/activities/")).await;
    let kinds: Vec<_> = history["activity"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["type"])
        .collect();
    assert_eq!(kinds, ["note", "first_seen"]);
    for body in [
        json!({ "text": " " }),
        json!({ "text": "x".repeat(20_001) }),
        json!({}),
    ] {
        let refused = lab.call(Method::POST, &comments, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    let gone = lab.call(Method::DELETE, &one, Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let again = lab.call(Method::DELETE, &one, Value::Null).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert_eq!(lab.get(&comments).await, json!([]));
}

async fn counts_over_time_are_pairs_of_seconds_and_number(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    lab.send(2, exception("AError", "a")).await;
    let issue = lab.issue("AError: a").await;
    let path = format!("/api/0/issues/{issue}/stats/");
    let sum = |series: &Value| -> u64 {
        series
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| pair[1].as_u64().unwrap())
            .sum()
    };
    let hours = lab.get(&path).await;
    assert_eq!((hours.as_array().unwrap().len(), sum(&hours)), (24, 2));
    assert_eq!(hours[0][0].as_i64().unwrap() % 3600, 0);
    let days = lab
        .get(&format!("{path}?resolution=1d&statsPeriod=30d"))
        .await;
    assert_eq!((days.as_array().unwrap().len(), sum(&days)), (31, 2));
    let refused = lab
        .call(Method::GET, &format!("{path}?resolution=5s"), Value::Null)
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

async fn grouping_is_explained(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let issue = lab.issue("AError: a").await;
    let info = lab
        .get(&format!("{PROJECT}events/{}/grouping-info/", id(1)))
        .await;
    let explained = &info["explanation"];
    assert_eq!(explained["variant"], "exception-stack");
    let parts = explained["parts"].as_array().unwrap();
    assert!(
        parts.iter().any(|part| part["counts"] == true
            && part["value"].as_str().unwrap().contains("raise_aerror"))
    );
    let hashes = lab.get(&format!("{ORG}issues/{issue}/hashes/")).await;
    let variant = &info["variants"]["exception-stack"];
    assert_eq!(variant["hash"], hashes[0]["id"]);
    assert_eq!(variant["contributes"], true);
    let missing = format!("{PROJECT}events/{}/grouping-info/", id(9));
    let missing = lab.call(Method::GET, &missing, Value::Null).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
