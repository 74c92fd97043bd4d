//! The walk of an MCP server for installations of one's own: it leaves the organisation out of the
//! path of an issue, and speaks of comments.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::lab::{Lab, ORG, PROJECT, exception, id, on_both};
use crate::caller::{answer, request};

on_both! {
    an_issue_is_worked_on_without_naming_its_organisation
    an_issue_without_its_organisation_is_for_those_who_may_see_it
}

async fn an_issue_is_worked_on_without_naming_its_organisation(lab: &Lab) {
    for number in [1, 2] {
        lab.send(number, exception("AError", "a")).await;
    }
    lab.send(3, exception("BError", "b")).await;

    let projects = lab.column(&format!("{ORG}projects/"), "slug").await;
    assert_eq!(projects, ["my-project"]);
    let open = format!("{PROJECT}issues/?query=is:unresolved&limit=1");
    let first = lab.call(Method::GET, &open, Value::Null).await;
    assert_eq!(first.json()[0]["title"], "BError: b");
    let next = first.header("link").split(',').next_back().unwrap();
    assert!(next.contains("results=\"true\""), "{next}");
    let (_, cursor) = next.split_once("cursor=\"").unwrap();
    let cursor = cursor.trim_end_matches('"');
    let second = lab.get(&format!("{open}&cursor={cursor}")).await;
    assert_eq!(second[0]["title"], "AError: a");
    assert_eq!(second.as_array().unwrap().len(), 1);

    let number = second[0]["id"].as_str().unwrap();
    let path = format!("/api/0/issues/{number}/");
    let shown = lab.get(&path).await;
    assert_eq!(
        (&shown["shortId"], &shown["count"], &shown["status"]),
        (&json!("MY-PROJECT-1"), &json!("2"), &json!("unresolved"))
    );
    let latest = lab
        .get(&format!("{ORG}issues/{number}/events/latest/"))
        .await;
    assert_eq!(latest["eventID"], id(2));
    assert_eq!(latest["entries"][0]["data"]["values"][0]["type"], "AError");
    let events = lab.column(&format!("{path}events/"), "eventID").await;
    assert_eq!(events, [id(2), id(1)]);
    let hashes = lab.get(&format!("{path}hashes/")).await;
    assert_eq!(hashes.as_array().unwrap().len(), 1);
    let event = lab.get(&format!("{PROJECT}events/{}/", id(1))).await;
    assert_eq!(event["groupID"], number);

    for status in ["resolved", "ignored", "unresolved", "resolved"] {
        let changed = lab.put(&path, json!({ "status": status })).await;
        assert_eq!(changed["status"], status);
        assert_eq!(lab.get(&path).await["status"], status);
    }
    let open = format!("{PROJECT}issues/?query=is:unresolved");
    assert_eq!(lab.column(&open, "title").await, ["BError: b"]);

    for (place, text) in [
        ("comments", "seen in staging"),
        ("notes", "and in production"),
    ] {
        let said = lab
            .call(
                Method::POST,
                &format!("{path}{place}/"),
                json!({ "text": text }),
            )
            .await;
        assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
        assert_eq!(said.json()["data"]["text"], text);
    }
    let texts = |notes: &Value| {
        let notes = notes.as_array().unwrap().iter();
        let mut texts: Vec<_> = notes
            .map(|note| note["data"]["text"].as_str().unwrap().to_owned())
            .collect();
        texts.sort();
        texts
    };
    for place in ["comments", "notes"] {
        let notes = lab.get(&format!("{path}{place}/")).await;
        assert_eq!(texts(&notes), ["and in production", "seen in staging"]);
    }
    assert_eq!(lab.get(&path).await["numComments"], 2);
}

async fn an_issue_without_its_organisation_is_for_those_who_may_see_it(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let number = lab.issue("AError: a").await;
    for rest in [
        "",
        "events/",
        "events/latest/",
        "hashes/",
        "comments/",
        "notes/",
    ] {
        let path = format!("/api/0/issues/{number}/{rest}");
        let unknown = request(&lab.server, Method::GET, &path);
        assert_eq!(
            answer(unknown).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
        let other = format!("/api/0/issues/999999/{rest}");
        let missing = lab.call(Method::GET, &other, Value::Null).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{other}");
        assert!(missing.json()["detail"].is_string(), "{other}");
    }
}
