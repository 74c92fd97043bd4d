//! Sentry's API of issues, on every store.

mod lab;
mod parts;
mod people;
mod selfhosted;
mod work;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use lab::{Lab, ORG, PROJECT, exception, id, on_both};

on_both! {
    an_issue_has_the_types_that_strict_clients_decode
    a_list_is_searched_sorted_and_walked_to_its_end
    a_wrong_search_is_told_its_place
    ids_that_are_searched_for_lead_to_their_issue
    what_is_not_wanted_is_left_out
}

async fn an_issue_has_the_types_that_strict_clients_decode(lab: &Lab) {
    let mut event = exception("ValueError", "no stock");
    event["user"] = json!({ "id": "42" });
    event["release"] = json!("shop@1.0");
    lab.send(1, event.clone()).await;
    lab.send(2, event).await;
    let listed = lab.get(&format!("{ORG}issues/")).await;
    let row = &listed[0];
    assert_eq!(row["title"], "ValueError: no stock");
    assert_eq!(row["shortId"], "MY-PROJECT-1");
    assert_eq!(row["count"], "2");
    assert_eq!(row["userCount"], 1);
    assert_eq!(row["numComments"], 0);
    for text in [
        "id",
        "culprit",
        "level",
        "type",
        "platform",
        "status",
        "substatus",
    ] {
        assert!(row[text].is_string(), "{text}: {row}");
    }
    for flag in [
        "hasSeen",
        "isUnhandled",
        "isPublic",
        "isBookmarked",
        "isSubscribed",
    ] {
        assert!(row[flag].is_boolean(), "{flag}");
    }
    assert_eq!(row["isUnhandled"], true);
    assert_eq!(row["metadata"]["type"], "ValueError");
    assert_eq!(row["metadata"]["function"], "raise_valueerror");
    assert_eq!(row["project"]["slug"], "my-project");
    assert!(row["project"]["id"].is_string() && row["project"]["platform"].is_string());
    assert_eq!(row["assignedTo"], Value::Null);
    for time in ["firstSeen", "lastSeen"] {
        assert!(row[time].as_str().unwrap().ends_with('Z'), "{time}");
    }
    let number = row["id"].as_str().unwrap();
    let link = format!(
        "{}/organizations/my-organisation/issues/{number}/",
        lab.server.url
    );
    assert_eq!(row["permalink"], link);
    let day = row["stats"]["24h"].as_array().unwrap();
    assert_eq!(day.len(), 24);
    assert_eq!(
        day[23][1].as_u64().unwrap() + day[22][1].as_u64().unwrap(),
        2
    );

    for path in [
        format!("{ORG}issues/{number}/"),
        format!("{ORG}issues/MY-PROJECT-1/"),
        format!("{ORG}issues/my-project-1/"),
        format!("/api/0/issues/{number}/"),
    ] {
        let shown = lab.get(&path).await;
        assert_eq!(shown["id"], row["id"], "{path}");
        assert_eq!(shown["stats"]["30d"].as_array().unwrap().len(), 30);
        assert_eq!(shown["firstRelease"]["version"], "shop@1.0");
        assert_eq!(shown["lastRelease"]["versionInfo"]["description"], "1.0");
        let history = shown["activity"].as_array().unwrap();
        assert_eq!(history.last().unwrap()["type"], "first_seen");
        let tags = shown["tags"].as_array().unwrap();
        assert!(
            tags.iter()
                .any(|tag| tag["key"] == "release" && tag["totalValues"] == 2)
        );
    }
    let short = lab.get(&format!("{ORG}shortids/MY-PROJECT-1/")).await;
    assert_eq!(short["groupId"], row["id"]);
    assert_eq!(short["projectSlug"], "my-project");
    assert_eq!(short["group"]["shortId"], "MY-PROJECT-1");
    for missing in [
        "issues/99999/",
        "issues/MY-PROJECT-9/",
        "issues/x/",
        "shortids/MY-PROJECT-9/",
    ] {
        let answer = lab
            .call(Method::GET, &format!("{ORG}{missing}"), Value::Null)
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{missing}");
        assert!(answer.json()["detail"].is_string());
    }
}

async fn a_list_is_searched_sorted_and_walked_to_its_end(lab: &Lab) {
    for number in 0..7 {
        let mut event = exception(&format!("Error{}", char::from(b'A' + number)), "failed");
        event["level"] = json!(if number % 2 == 0 { "error" } else { "warning" });
        event["environment"] = json!(if number < 3 { "production" } else { "staging" });
        event["tags"] = json!({ "feature": format!("f{number}") });
        for again in 0..=number {
            lab.send(u32::from(number) * 100 + u32::from(again), event.clone())
                .await;
        }
    }
    let path = format!("{ORG}issues/");
    let titles = |query: &'static str| {
        let path = format!("{path}?{query}");
        async move { lab.column(&path, "title").await }
    };
    let by_count = titles("sort=freq").await;
    assert_eq!(by_count.len(), 7);
    assert_eq!(by_count.first().unwrap(), "ErrorG: failed");
    assert_eq!(titles("sort=trends").await, by_count);
    assert_eq!(titles("sort=inbox").await, titles("sort=date").await);
    assert_eq!(titles("sort=new&limit=1").await, ["ErrorG: failed"]);
    assert_eq!(titles("query=level:warning").await.len(), 3);
    assert_eq!(
        titles("query=environment:production%20level:error")
            .await
            .len(),
        2
    );
    assert_eq!(titles("environment=production").await.len(), 3);
    assert_eq!(titles("query=tags.feature:f4").await, ["ErrorE: failed"]);
    assert_eq!(titles("query=error.type:[ErrorA,ErrorB]").await.len(), 2);
    assert_eq!(titles("query=timesSeen:>5").await.len(), 2);
    assert_eq!(titles("query=is:resolved").await.len(), 0);
    assert_eq!(titles("query=raise_errorc").await, ["ErrorC: failed"]);
    assert_eq!(
        titles("query=!level:warning%20has:environment").await.len(),
        4
    );
    assert_eq!(titles("statsPeriod=24h&query=").await.len(), 7);
    assert_eq!(
        titles("start=2020-01-01T00:00:00&end=2020-02-01T00:00:00")
            .await
            .len(),
        0
    );
    let of_project = lab
        .column(&format!("{PROJECT}issues/?query="), "title")
        .await;
    assert_eq!(of_project.len(), 7);

    let mut walked = Vec::new();
    let mut next = format!("{path}?sort=freq&limit=3");
    let mut pages = 0;
    loop {
        let page = lab.call(Method::GET, &next, Value::Null).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        pages += 1;
        let rows = page.json();
        walked.extend(
            rows.as_array()
                .unwrap()
                .iter()
                .map(|row| row["title"].clone()),
        );
        let link = page.header("link").to_owned();
        let (previous, following) = link.split_once(", <").unwrap();
        assert!(
            previous.contains(&format!("results=\"{}\"", pages > 1)),
            "{link}"
        );
        if pages == 2 {
            let url = previous.trim_start_matches('<').split('>').next().unwrap();
            let back = url.strip_prefix(&lab.server.url).unwrap();
            assert_eq!(lab.column(back, "title").await, by_count[..3]);
        }
        if following.contains("results=\"false\"") {
            break;
        }
        let url = following.split('>').next().unwrap();
        next = url.strip_prefix(&lab.server.url).unwrap().to_owned();
    }
    assert_eq!(pages, 3);
    assert_eq!(
        walked,
        by_count.into_iter().map(Value::from).collect::<Vec<_>>()
    );
}

async fn a_wrong_search_is_told_its_place(lab: &Lab) {
    let path = format!("{ORG}issues/?query=level:error%20is:resolvd");
    let refused = lab.call(Method::GET, &path, Value::Null).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let body = refused.json();
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.contains("character 16") && detail.contains("resolved"),
        "{detail}"
    );
    assert_eq!(body["search"]["start"], 15);
    assert_eq!(body["search"]["suggestion"], "resolved");
    assert!(body["search"]["expected"].is_string());
    for query in [
        "sort=colour",
        "statsPeriod=soon",
        "cursor=x",
        "groupStatsPeriod=1y",
        "query=(",
        "project=nonsense",
        "cursor=0:99999999:0",
    ] {
        let path = format!("{ORG}issues/?{query}");
        let refused = lab.call(Method::GET, &path, Value::Null).await;
        assert!(
            refused.status.is_client_error(),
            "{query}: {}",
            refused.status
        );
        assert!(refused.json()["detail"].is_string());
    }
}

async fn ids_that_are_searched_for_lead_to_their_issue(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    lab.send(2, exception("BError", "b")).await;
    let path = format!("{ORG}issues/?query=MY-PROJECT-2&shortIdLookup=1");
    let hit = lab.call(Method::GET, &path, Value::Null).await;
    assert_eq!(hit.header("x-sentry-direct-hit"), "1");
    assert_eq!(hit.json()[0]["title"], "BError: b");
    let path = format!("{ORG}issues/?query={}", id(1));
    let hit = lab.call(Method::GET, &path, Value::Null).await;
    assert_eq!(hit.header("x-sentry-direct-hit"), "1");
    assert_eq!(hit.json()[0]["title"], "AError: a");
    assert_eq!(hit.json()[0]["matchingEventId"], id(1));
    let found = lab.get(&format!("{ORG}eventids/{}/", id(2))).await;
    assert_eq!(found["groupId"], lab.issue("BError: b").await);
    let path = format!("{ORG}issues/?query=issue:MY-PROJECT-1");
    assert_eq!(lab.column(&path, "title").await, ["AError: a"]);
}

async fn what_is_not_wanted_is_left_out(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let path = format!("{ORG}issues/?collapse=stats&collapse=unhandled&expand=inbox&expand=owners");
    let row = &lab.get(&path).await[0];
    assert!(row.get("stats").is_none() && row.get("isUnhandled").is_none());
    assert_eq!(row["inbox"]["reason"], 0);
    assert_eq!(row["owners"], Value::Null);
    let path = format!("{ORG}issues/?groupStatsPeriod=14d&expand=latestEventHasAttachments");
    let row = &lab.get(&path).await[0];
    assert_eq!(row["stats"]["14d"].as_array().unwrap().len(), 14);
    assert_eq!(row["latestEventHasAttachments"], false);
}
