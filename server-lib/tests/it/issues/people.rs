//! Issues and the people around them: who has one, and whose a comment is.

use mini_sentry_server::model::people::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::lab::{Lab, ORG, exception, on_both};
use crate::caller::{Answer, answer, request};
use crate::people::{member, token};

on_both! {
    an_issue_is_given_to_a_member_and_to_a_team
    a_comment_is_changed_by_who_wrote_it_and_by_administrators
}

async fn call(lab: &Lab, token: &str, method: Method, path: &str, body: Value) -> Answer {
    let call = request(&lab.server, method, path).bearer_auth(token);
    answer(call.json(&body)).await
}

async fn an_issue_is_given_to_a_member_and_to_a_team(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let path = format!("{ORG}issues/{}/", lab.issue("AError: a").await);
    let number = member(&lab.server, "colleague", Role::Member).await;
    let team = lab
        .call(
            Method::POST,
            &format!("{ORG}teams/"),
            json!({ "name": "Backend" }),
        )
        .await;
    assert_eq!(team.status, StatusCode::CREATED, "{}", team.text);
    let team = team.json()["id"].as_str().unwrap().to_owned();

    let number = number.to_string();
    for name in ["colleague@example.com", &number, &format!("user:{number}")] {
        lab.put(&path, json!({ "assignedTo": "" })).await;
        let given = lab.put(&path, json!({ "assignedTo": name })).await;
        let assignee = &given["assignedTo"];
        assert_eq!(assignee["type"], "user", "{name}: {assignee}");
        assert_eq!(assignee["id"], number.as_str());
        assert_eq!(assignee["email"], "colleague@example.com");
        assert_eq!(given["activity"][0]["type"], "assigned");
    }
    let found = async |query: &str| {
        let path = format!("{ORG}issues/?query={query}");
        lab.column(&path, "title").await
    };
    assert_eq!(found("assigned:colleague@example.com").await, ["AError: a"]);
    assert!(found("is:unassigned").await.is_empty());
    for name in ["#backend", &format!("team:{team}")] {
        lab.put(&path, json!({ "assignedTo": "" })).await;
        let given = lab.put(&path, json!({ "assignedTo": name })).await;
        let assignee = &given["assignedTo"];
        assert_eq!(assignee["type"], "team", "{name}: {assignee}");
        assert_eq!(assignee["id"], team.as_str());
    }
    assert_eq!(found("assigned:%23backend").await, ["AError: a"]);
    assert!(found("assigned:colleague@example.com").await.is_empty());
    let own = format!("/api/groups/{}/assign/", lab.issue("AError: a").await);
    let given = lab
        .call(
            Method::POST,
            &own,
            json!({ "assignee": "colleague@example.com" }),
        )
        .await;
    assert_eq!(given.json()["assignee"], "colleague", "{}", given.text);

    for name in ["user:999", "#nobodies", "team:999"] {
        let refused = lab
            .call(Method::PUT, &path, json!({ "assignedTo": name }))
            .await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{name}");
    }
    let nobody = lab.put(&path, json!({ "assignedTo": "" })).await;
    assert_eq!(nobody["assignedTo"], Value::Null);
}

async fn a_comment_is_changed_by_who_wrote_it_and_by_administrators(lab: &Lab) {
    lab.send(1, exception("AError", "a")).await;
    let notes = format!("{ORG}issues/{}/notes/", lab.issue("AError: a").await);
    let mut tokens = Vec::new();
    for (name, role) in [
        ("author", Role::Member),
        ("other", Role::Member),
        ("admin", Role::Admin),
    ] {
        let user = member(&lab.server, name, role).await;
        tokens.push(token(&lab.server, Some(user), None).await);
    }
    let [author, other, admin] = tokens.as_slice() else {
        panic!("three people have tokens");
    };
    let said = call(lab, author, Method::POST, &notes, json!({ "text": "mine" })).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    let one = format!("{notes}{}/", said.json()["id"].as_str().unwrap());

    for method in [Method::PUT, Method::DELETE] {
        let refused = call(
            lab,
            other,
            method.clone(),
            &one,
            json!({ "text": "theirs" }),
        )
        .await;
        assert_eq!(
            refused.status,
            StatusCode::FORBIDDEN,
            "{method}: {}",
            refused.text
        );
        assert_eq!(refused.json()["code"], "not_yours");
    }
    assert_eq!(lab.get(&notes).await[0]["data"]["text"], "mine");
    let changed = call(lab, author, Method::PUT, &one, json!({ "text": "better" })).await;
    assert_eq!(changed.json()["data"]["text"], "better", "{}", changed.text);
    let changed = call(lab, admin, Method::PUT, &one, json!({ "text": "best" })).await;
    assert_eq!(changed.json()["data"]["text"], "best", "{}", changed.text);
    // It is still the author's.
    let gone = call(lab, author, Method::DELETE, &one, json!({})).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    for token in [author, admin] {
        let missing = call(lab, token, Method::DELETE, &one, json!({})).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
    }
    // Only comments are: the rest of the history is nobody's to change.
    let issue = format!("{ORG}issues/{}/", lab.issue("AError: a").await);
    let resolved = lab.put(&issue, json!({ "status": "resolved" })).await;
    let entry = resolved["activity"][0]["id"].as_str().unwrap();
    let entry = format!("{notes}{entry}/");
    let missing = call(lab, admin, Method::PUT, &entry, json!({ "text": "never" })).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
