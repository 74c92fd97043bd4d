//! What the audit log is told of issues, comments, releases and deployments.

use mini_sentry_server::model::people::Role;
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request, send_envelope};
use crate::people::{member, token};

const ORG: &str = "/api/0/organizations/my-organisation/";

/// Sends events of so many issues and returns the issues' numbers.
async fn issues(server: &TestServer, count: usize) -> Vec<String> {
    const NAMES: &[&str] = &["apple", "pear", "plum", "cherry"];
    for name in NAMES.iter().cycle().take(count) {
        let event = json!({ "message": format!("no {name} left"), "release": "1.0" });
        let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n");
        assert_eq!(send_envelope(server, envelope).await.status, StatusCode::OK);
        server.digested().await.unwrap();
    }
    let rows = get(server, &format!("{ORG}issues/?query=")).await;
    let mut ids: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids.len(), count);
    ids
}

async fn call(server: &TestServer, token: &str, method: Method, path: &str, body: Value) -> Answer {
    let asked = request(server, method, path).bearer_auth(token);
    let told = answer(asked.json(&body)).await;
    assert!(
        told.status.is_success(),
        "{path}: {} {}",
        told.status,
        told.text
    );
    told
}

/// Returns what was done to what, oldest first.
async fn log(server: &TestServer) -> Vec<(String, String)> {
    let log = get(server, &format!("{ORG}audit-logs/")).await;
    let rows = log["rows"].as_array().unwrap();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    rows.iter()
        .rev()
        .map(|row| (text(row, "event"), text(row, "note")))
        .collect()
}

#[tokio::test]
async fn changes_of_issues_are_noted_with_who_made_them() {
    let server = TestServer::start().await.unwrap();
    let ids = issues(&server, 4).await;
    let admin = member(&server, "admin", Role::Admin).await;
    let token = token(&server, Some(admin), None).await;
    let before = log(&server).await.len();
    let one = |id: &str| format!("{ORG}issues/{id}/");

    let resolve = json!({ "status": "resolved", "priority": "high", "assignedTo": "me" });
    call(&server, &token, Method::PUT, &one(&ids[0]), resolve).await;
    // What everybody has for themselves is nobody's business.
    let marks = json!({ "hasSeen": true, "isBookmarked": true });
    call(&server, &token, Method::PUT, &one(&ids[0]), marks).await;
    let many = format!("{ORG}issues/?id={}", ids[..3].join("&id="));
    call(
        &server,
        &token,
        Method::PUT,
        &many,
        json!({ "status": "ignored" }),
    )
    .await;
    let group = format!("/api/groups/{}/unresolve/", ids[1]);
    call(&server, &token, Method::POST, &group, json!({})).await;
    let said = json!({ "text": "a secret" });
    let notes = format!("{}notes/", one(&ids[0]));
    let note = call(&server, &token, Method::POST, &notes, said.clone())
        .await
        .json();
    let note = note["id"].as_str().unwrap();
    call(
        &server,
        &token,
        Method::PUT,
        &format!("{notes}{note}/"),
        said.clone(),
    )
    .await;
    call(
        &server,
        &token,
        Method::DELETE,
        &format!("{notes}{note}/"),
        json!({}),
    )
    .await;
    let comments = format!("/api/groups/{}/comments/", ids[1]);
    call(&server, &token, Method::POST, &comments, said).await;
    let two = format!("{ORG}issues/?id={}&id={}", ids[0], ids[1]);
    let merged = call(&server, &token, Method::PUT, &two, json!({ "merge": 1 }))
        .await
        .json();
    let parent = merged["merge"]["parent"].as_str().unwrap().to_owned();
    let hashes = format!("{}hashes/", one(&parent));
    let groups = get(&server, &hashes).await;
    let hash = groups[0]["id"].as_str().unwrap();
    let unmerge = format!("{hashes}?id={hash}");
    call(&server, &token, Method::DELETE, &unmerge, json!({})).await;
    let discard = json!({ "discard": true });
    call(&server, &token, Method::PUT, &one(&ids[2]), discard).await;
    call(&server, &token, Method::DELETE, &one(&ids[3]), json!({})).await;
    let rest = format!("{ORG}issues/?query=");
    call(&server, &token, Method::DELETE, &rest, json!({})).await;

    let log = get(&server, &format!("{ORG}audit-logs/")).await;
    for row in log["rows"].as_array().unwrap().iter().rev().skip(before) {
        assert_eq!(row["actor"]["email"], "admin@example.com", "{row}");
        assert_eq!(row["targetProject"], "1", "{row}");
        assert_eq!(row["ipAddress"], "127.0.0.1");
        assert!(!row.to_string().contains("secret"), "{row}");
    }
    let noted = self::log(&server).await.split_off(before);
    let noted: Vec<_> = noted
        .iter()
        .map(|(event, note)| (&**event, &**note))
        .collect();
    let expected = [
        (
            "issue.edit",
            format!("MY-PROJECT-1: resolved, assigned to user:{admin}, priority high"),
        ),
        (
            "issue.edit",
            "MY-PROJECT-1, MY-PROJECT-2, MY-PROJECT-3: ignored".into(),
        ),
        ("issue.edit", "MY-PROJECT-2: unresolved".into()),
        ("comment.create", format!("MY-PROJECT-1: comment {note}")),
        ("comment.edit", format!("MY-PROJECT-1: comment {note}")),
        ("comment.remove", format!("MY-PROJECT-1: comment {note}")),
    ];
    for (found, expected) in noted.iter().zip(&expected) {
        assert_eq!((found.0, found.1), (expected.0, expected.1.as_str()));
    }
    let rest: Vec<_> = noted
        .iter()
        .skip(expected.len())
        .map(|(event, _)| *event)
        .collect();
    assert_eq!(
        rest,
        [
            "comment.create",
            "issue.merge",
            "issue.unmerge",
            "issue.discard",
            "issue.remove",
            "issue.remove",
        ]
    );
}

#[tokio::test]
async fn releases_and_deployments_are_noted() {
    let server = TestServer::start().await.unwrap();
    let token = server.token().to_owned();
    let before = log(&server).await.len();
    let releases = format!("{ORG}releases/");
    let new = json!({ "version": "shop@2.0", "projects": ["my-project"] });
    call(&server, &token, Method::POST, &releases, new.clone()).await;
    call(&server, &token, Method::POST, &releases, new).await;
    let one = format!("{releases}shop@2.0/");
    call(&server, &token, Method::PUT, &one, json!({ "ref": "main" })).await;
    let deploys = format!("{one}deploys/");
    let live = json!({ "environment": "live" });
    call(&server, &token, Method::POST, &deploys, live).await;
    let own = json!({ "project": "my-project", "version": "shop@3.0" });
    call(&server, &token, Method::POST, "/api/releases/", own).await;
    let own = json!({ "project": "my-project", "release": "shop@3.0", "environment": "live" });
    call(&server, &token, Method::POST, "/api/deployments/", own).await;
    call(&server, &token, Method::DELETE, &one, json!({})).await;
    let noted = log(&server).await.split_off(before);
    let noted: Vec<_> = noted
        .iter()
        .map(|(event, note)| (&**event, &**note))
        .collect();
    assert_eq!(
        noted,
        [
            ("release.create", "shop@2.0"),
            ("release.edit", "shop@2.0"),
            ("release.edit", "shop@2.0"),
            ("deploy.create", "shop@2.0 to live"),
            ("release.create", "shop@3.0"),
            ("deploy.create", "shop@3.0 to live"),
            ("release.remove", "shop@2.0"),
        ]
    );
}
