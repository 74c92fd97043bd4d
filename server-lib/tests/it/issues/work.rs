//! What people do with issues: resolve, ignore, give, merge, delete; one and many.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::lab::{Lab, ORG, PROJECT, exception, on_both};
use crate::caller::{answer, request};

on_both! {
    an_issue_is_resolved_and_comes_back_with_the_reason
    an_issue_is_ignored_until_something_happens
    an_issue_is_given_bookmarked_seen_and_made_urgent
    many_issues_are_changed_by_number_and_by_search
    issues_are_merged_and_taken_apart
    issues_are_deleted_and_discarded
    a_change_that_cannot_be_changes_nothing
    a_token_does_what_its_scopes_say
}

async fn an_issue_is_resolved_and_comes_back_with_the_reason(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let path = format!("{ORG}issues/{}/", lab.issue("AError: a").await);
    let resolved = lab.put(&path, json!({ "status": "resolved" })).await;
    assert_eq!(resolved["status"], "resolved");
    assert_eq!(resolved["statusDetails"], json!({}));
    assert_eq!(resolved["activity"][0]["type"], "set_resolved");
    assert!(resolved["activity"][0]["user"]["name"].is_string());
    assert_eq!(lab.column(&format!("{ORG}issues/"), "id").await.len(), 0);
    lab.send(2, exception("AError", "a")).await;
    let back = lab.get(&path).await;
    assert_eq!(back["status"], "unresolved");
    assert_eq!(back["substatus"], "regressed");
    assert_eq!(back["activity"][0]["type"], "set_regression");

    let in_release = json!({ "status": "resolved", "statusDetails": { "inRelease": "a@2.0" } });
    let resolved = lab.put(&path, in_release).await;
    assert_eq!(resolved["statusDetails"], json!({ "inRelease": "a@2.0" }));
    assert_eq!(resolved["activity"][0]["type"], "set_resolved_in_release");
    assert_eq!(resolved["activity"][0]["data"]["version"], "a@2.0");
    let mut event = exception("AError", "a");
    event["release"] = json!("a@1.9");
    lab.send(3, event.clone()).await;
    assert_eq!(lab.get(&path).await["status"], "resolved");
    let next = json!({ "status": "resolved", "statusDetails": { "inNextRelease": true } });
    let resolved = lab.put(&path, next).await;
    assert_eq!(resolved["statusDetails"], json!({ "inNextRelease": true }));
    let commit = json!({ "commit": "cafe", "repository": "shop" });
    let in_commit = json!({ "status": "resolved", "statusDetails": { "inCommit": commit } });
    let resolved = lab.put(&path, in_commit).await;
    assert_eq!(resolved["statusDetails"]["inCommit"]["commit"], "cafe");
    let latest = json!({ "status": "resolved", "statusDetails": { "inRelease": "latest" } });
    let resolved = lab.put(&path, latest).await;
    assert_eq!(resolved["statusDetails"], json!({ "inRelease": "a@1.9" }));
    event["release"] = json!("a@1.10");
    lab.send(4, event).await;
    assert_eq!(lab.get(&path).await["substatus"], "regressed");
}

async fn an_issue_is_ignored_until_something_happens(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let path = format!("{ORG}issues/{}/", lab.issue("AError: a").await);
    let ignored = lab
        .put(&path, json!({ "status": "ignored", "ignoreCount": 2 }))
        .await;
    assert_eq!(ignored["status"], "ignored");
    assert_eq!(ignored["substatus"], "archived_until_condition_met");
    assert_eq!(ignored["statusDetails"]["ignoreCount"], 2);
    assert_eq!(ignored["activity"][0]["data"]["ignoreCount"], 2);
    lab.send(2, exception("AError", "a")).await;
    assert_eq!(lab.get(&path).await["status"], "ignored");
    lab.send(3, exception("AError", "a")).await;
    let back = lab.get(&path).await;
    assert_eq!(
        (&back["status"], &back["substatus"]),
        (&json!("unresolved"), &json!("escalating"))
    );

    let archived = json!({ "status": "ignored", "substatus": "archived_until_escalating" });
    let ignored = lab.put(&path, archived).await;
    assert_eq!(ignored["substatus"], "archived_until_escalating");
    let ignored = lab.put(&path, json!({ "status": "ignored" })).await;
    assert_eq!(ignored["substatus"], "archived_forever");
    assert_eq!(ignored["statusDetails"], json!({}));
    let ignored = lab
        .put(&path, json!({ "status": "ignored", "snoozeDuration": 60 }))
        .await;
    assert!(
        ignored["statusDetails"]["ignoreUntil"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    let opened = lab.put(&path, json!({ "status": "unresolved" })).await;
    assert_eq!(opened["substatus"], "ongoing");
}

async fn an_issue_is_given_bookmarked_seen_and_made_urgent(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let path = format!("{ORG}issues/{}/", lab.issue("AError: a").await);
    for (to, kind) in [
        ("a@example.com", "user"),
        ("#my-organisation", "team"),
        ("me", "user"),
    ] {
        let given = lab.put(&path, json!({ "assignedTo": to })).await;
        assert_eq!(given["assignedTo"]["type"], kind, "{to}");
        assert!(given["assignedTo"]["id"].is_string() && given["assignedTo"]["name"].is_string());
    }
    let found = |query: &'static str| async move {
        lab.column(&format!("{ORG}issues/?query={query}"), "id")
            .await
            .len()
    };
    assert_eq!(found("assigned:me").await, 1);
    assert_eq!(found("is:assigned").await, 1);
    assert_eq!(found("assigned:none").await, 0);
    for nobody in [json!(""), Value::Null] {
        let taken = lab.put(&path, json!({ "assignedTo": nobody })).await;
        assert_eq!(taken["assignedTo"], Value::Null);
    }
    assert_eq!(found("is:unassigned").await, 1);

    let marks = json!({ "isBookmarked": true, "isSubscribed": true, "hasSeen": true });
    let marked = lab.put(&path, marks).await;
    for flag in ["isBookmarked", "isSubscribed", "hasSeen"] {
        assert_eq!(marked[flag], true, "{flag}");
    }
    assert_eq!(marked["seenBy"].as_array().unwrap().len(), 1);
    assert_eq!(found("bookmarks:me").await, 1);
    let unmarked = lab
        .put(&path, json!({ "isBookmarked": false, "hasSeen": false }))
        .await;
    assert_eq!(
        (&unmarked["isBookmarked"], &unmarked["hasSeen"]),
        (&json!(false), &json!(false))
    );
    let urgent = lab.put(&path, json!({ "priority": "low" })).await;
    assert_eq!(urgent["priority"], "low");
    assert_eq!(found("issue.priority:low").await, 1);
}

async fn many_issues_are_changed_by_number_and_by_search(lab: &Lab) {
    for (number, kind) in ["AError", "BError", "CError", "DError"]
        .into_iter()
        .enumerate()
    {
        let mut event = exception(kind, "x");
        event["level"] = json!(if number < 3 { "error" } else { "warning" });
        lab.send(u32::try_from(number).unwrap(), event).await;
    }
    let (a, b) = (lab.issue("AError: x").await, lab.issue("BError: x").await);
    let count = |query: &'static str| async move {
        lab.column(&format!("{ORG}issues/?query={query}"), "id")
            .await
            .len()
    };
    // As sentry-cli writes it.
    let path = format!("{PROJECT}issues/?id={a}&id={b}");
    let done = lab.put(&path, json!({ "status": "resolved" })).await;
    assert_eq!(done["status"], "resolved");
    assert_eq!(count("is:resolved").await, 2);
    let path = format!("{PROJECT}issues/?status=resolved");
    lab.put(&path, json!({ "status": "unresolved" })).await;
    assert_eq!(count("is:unresolved").await, 4);
    let path = format!("{PROJECT}issues/?id={a}");
    lab.put(&path, json!({ "status": "muted" })).await;
    assert_eq!(count("is:ignored").await, 1);
    let path = format!("{PROJECT}issues/?status=muted");
    lab.put(&path, json!({ "status": "unresolved" })).await;
    assert_eq!(count("is:unresolved").await, 4);
    let path = format!("{ORG}issues/?query=level:error");
    let done = lab
        .put(
            &path,
            json!({ "status": "ignored", "assignedTo": "a@example.com" }),
        )
        .await;
    assert_eq!(done["assignedTo"]["email"], "a@example.com");
    assert_eq!(count("is:ignored").await, 3);
    assert_eq!(count("assigned:a@example.com").await, 3);
    let path = format!("{ORG}issues/?query=level:fatal");
    let nothing = lab
        .call(Method::PUT, &path, json!({ "status": "resolved" }))
        .await;
    assert_eq!(nothing.status, StatusCode::NO_CONTENT);
    let path = format!("{ORG}issues/?query=level:fatal%20is:");
    let refused = lab
        .call(Method::PUT, &path, json!({ "status": "resolved" }))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(count("is:unresolved").await, 1);

    // Issues of another project are not touched, even when they are named.
    let projects = format!("{ORG}projects/");
    let made = lab
        .call(Method::POST, &projects, json!({ "name": "Other" }))
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let path = format!("/api/0/projects/my-organisation/other/issues/?id={a}");
    let nothing = lab
        .call(Method::PUT, &path, json!({ "status": "resolved" }))
        .await;
    assert_eq!(nothing.status, StatusCode::NO_CONTENT);
    let nothing = lab.call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(nothing.status, StatusCode::NO_CONTENT);
    assert_eq!(
        lab.get(&format!("{ORG}issues/{a}/")).await["status"],
        "ignored"
    );
}

async fn issues_are_merged_and_taken_apart(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    lab.send(2, exception("AError", "a")).await;
    lab.send(3, exception("BError", "b")).await;
    let (a, b) = (lab.issue("AError: a").await, lab.issue("BError: b").await);
    let path = format!("{ORG}issues/?id={a}&id={b}");
    let merged = lab.put(&path, json!({ "merge": 1 })).await;
    assert_eq!(merged["merge"], json!({ "parent": a, "children": [b] }));
    assert_eq!(
        lab.column(&format!("{ORG}issues/"), "id").await,
        std::slice::from_ref(&a)
    );
    // The child's number leads to its parent.
    let path = format!("{ORG}issues/{b}/");
    assert_eq!(lab.get(&path).await["id"], a);
    let shown = lab.get(&format!("{ORG}issues/{a}/")).await;
    assert_eq!(shown["count"], "3");
    assert_eq!(shown["activity"][0]["type"], "merge");
    let events = lab.column(&format!("{ORG}issues/{a}/events/"), "id").await;
    assert_eq!(events.len(), 3);

    let path = format!("/api/0/issues/{a}/hashes/");
    let hashes = lab.get(&path).await;
    assert_eq!(hashes.as_array().unwrap().len(), 2);
    let of_b = hashes.as_array().unwrap().iter();
    let of_b = of_b
        .clone()
        .find(|hash| hash["latestEvent"]["title"] == "BError: b");
    let hash = of_b.unwrap()["id"].as_str().unwrap().to_owned();
    let split = lab
        .call(Method::DELETE, &format!("{path}?id={hash}"), Value::Null)
        .await;
    assert_eq!(split.status, StatusCode::ACCEPTED, "{}", split.text);
    assert_eq!(lab.get(&path).await.as_array().unwrap().len(), 1);
    assert_eq!(lab.get(&format!("{ORG}issues/{a}/")).await["count"], "2");
    assert_eq!(lab.column(&format!("{ORG}issues/"), "id").await.len(), 2);
    let missing = lab
        .call(Method::DELETE, &format!("{path}?id=abc"), Value::Null)
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

async fn issues_are_deleted_and_discarded(lab: &Lab) {
    for (number, kind) in ["AError", "BError", "CError", "DError"]
        .into_iter()
        .enumerate()
    {
        lab.send(u32::try_from(number).unwrap(), exception(kind, "x"))
            .await;
    }
    let one = lab.issue("AError: x").await;
    let path = format!("{ORG}issues/{one}/");
    let gone = lab.call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(gone.status, StatusCode::ACCEPTED);
    let missing = lab.call(Method::GET, &path, Value::Null).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    lab.send(10, exception("AError", "x")).await;
    assert_ne!(lab.issue("AError: x").await, one);

    let path = format!("{ORG}issues/?id={}", lab.issue("BError: x").await);
    let gone = lab.call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let path = format!("{PROJECT}issues/?query=error.type:CError");
    let gone = lab.call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let path = format!("{ORG}issues/?id={}", lab.issue("DError: x").await);
    let gone = lab
        .call(Method::PUT, &path, json!({ "discard": true }))
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    lab.send(11, exception("DError", "x")).await;
    let left = lab.column(&format!("{ORG}issues/?query="), "title").await;
    assert_eq!(left, ["AError: x"]);
}

async fn a_change_that_cannot_be_changes_nothing(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let path = format!("{ORG}issues/{}/", lab.issue("AError: a").await);
    let before = lab.get(&path).await;
    for body in [
        json!({ "status": "gone" }),
        json!({ "status": "resolved", "priority": "huge" }),
        json!({ "status": "resolved", "assignedTo": "#nobody" }),
        json!({ "status": "resolved", "assignedTo": "user:42" }),
        json!({ "status": "resolved", "merge": 1 }),
        json!({ "status": "resolved", "isPublic": true }),
        json!({ "status": "resolved", "statusDetails": { "inRelease": "latest" } }),
        json!({ "status": 7 }),
        json!([]),
    ] {
        let refused = lab.call(Method::PUT, &path, body.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(refused.json()["detail"].is_string());
    }
    assert_eq!(lab.get(&path).await, before);
}

async fn a_token_does_what_its_scopes_say(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let path = format!("{ORG}issues/{}/", lab.issue("AError: a").await);
    let tokens = format!("{ORG}org-auth-tokens/");
    let body = json!({ "name": "reader", "scopes": ["event:read"] });
    let made = lab.call(Method::POST, &tokens, body).await.json();
    let reader = made["token"].as_str().unwrap();
    let ask = |method: Method, path: String| {
        let request = request(&lab.server, method, &path).bearer_auth(reader);
        answer(request.json(&json!({ "status": "resolved", "text": "x" })))
    };
    assert_eq!(ask(Method::GET, path.clone()).await.status, StatusCode::OK);
    let all = format!("{ORG}issues/");
    for (method, path) in [
        (Method::PUT, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::PUT, all.clone()),
        (Method::DELETE, all.clone()),
        (Method::POST, format!("{path}notes/")),
        (Method::DELETE, format!("{path}hashes/?id=1")),
    ] {
        let refused = ask(method.clone(), path.clone()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    let stranger = answer(request(&lab.server, Method::GET, &all)).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    assert_eq!(lab.get(&path).await["status"], "unresolved");
}
