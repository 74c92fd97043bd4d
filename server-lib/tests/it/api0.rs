//! Sentry's management API as its clients call it.

use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request, send_envelope};

const PROJECT: &str = "/api/0/projects/my-organisation/my-project/";

async fn call(server: &TestServer, method: Method, path: &str, body: Value) -> Answer {
    let request = request(server, method, path).bearer_auth(server.token());
    answer(request.json(&body)).await
}

/// An id whose last digits are the number.
fn id(number: u32) -> String {
    format!("fc6d8c0c43fc4630ad850ee5{number:08x}")
}

/// Sends an event of this id and returns when it is accepted.
async fn send(server: &TestServer, number: u32, mut event: Value) {
    event["event_id"] = json!(id(number));
    let body = event.to_string();
    let envelope = format!(
        "{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{body}\n",
        body.len()
    );
    let sent = send_envelope(server, envelope).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
}

#[tokio::test]
async fn an_organisation_has_what_strict_clients_decode() {
    let server = TestServer::start().await.unwrap();
    let listed = get(&server, "/api/0/organizations/").await;
    let found = &listed[0];
    assert_eq!(found["slug"], "my-organisation");
    assert!(found["id"].is_string() && found["features"].is_array());
    for flag in ["isEarlyAdopter", "require2FA", "requireEmailVerification"] {
        assert!(found[flag].is_boolean(), "{flag}");
    }
    assert_eq!(found["status"]["id"], "active");
    assert_eq!(found["avatar"]["avatarType"], "letter_avatar");
    assert!(found["dateCreated"].as_str().unwrap().ends_with('Z'));
    let link = found["links"]["organizationUrl"].as_str().unwrap();
    assert!(link.starts_with(&server.url), "{link}");

    let number = found["id"].as_str().unwrap();
    for name in ["my-organisation", number] {
        let path = format!("/api/0/organizations/{name}/");
        assert_eq!(get(&server, &path).await, *found);
        // Without the slash at the end too.
        assert_eq!(get(&server, path.trim_end_matches('/')).await, *found);
    }
    let teams = get(&server, "/api/0/organizations/my-organisation/teams/").await;
    assert!(teams[0]["slug"].is_string());
}

#[tokio::test]
async fn a_path_or_method_that_is_not_there_is_answered_in_json() {
    let server = TestServer::start().await.unwrap();
    for path in [
        "/api/0/nonsense/",
        "/api/nonsense/",
        "/api/0/organizations/x/y/z/",
    ] {
        let missing = call(&server, Method::GET, path, Value::Null).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(missing.header("content-type"), "application/json");
        assert_eq!(
            missing.json()["detail"],
            "The requested resource does not exist"
        );
    }
    let wrong = call(&server, Method::PATCH, PROJECT, Value::Null).await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(wrong.json()["detail"].is_string());
    let broken = request(&server, Method::PUT, PROJECT).bearer_auth(server.token());
    let broken = answer(broken.body("{\"name\": secret")).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert!(!broken.text.contains("secret"));
}

#[tokio::test]
async fn a_project_is_made_changed_and_deleted() {
    let server = TestServer::start().await.unwrap();
    let path = "/api/0/organizations/my-organisation/projects/";
    let body = json!({ "name": "Second One", "platform": "rust" });
    let made = call(&server, Method::POST, path, body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.json()["slug"], "second-one");
    let twice = call(&server, Method::POST, path, body).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert_eq!(
        twice.json()["detail"],
        "A project with this slug already exists."
    );
    let team = "/api/0/teams/my-organisation/my-organisation/projects/";
    let third = call(&server, Method::POST, team, json!({ "name": "Third" })).await;
    assert_eq!(third.status, StatusCode::CREATED);

    let second = "/api/0/projects/my-organisation/second-one/";
    let change = json!({
        "name": "Renamed",
        "platform": null,
        "sensitiveFields": ["iban"],
        "options": { "filters:releases": "1.*" },
        "settings": { "filters": { "localhost": true } },
    });
    let changed = call(&server, Method::PUT, second, change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let shown = get(&server, second).await;
    assert_eq!(shown, changed.json());
    assert_eq!(shown["name"], "Renamed");
    assert_eq!(shown["platform"], Value::Null);
    assert_eq!(shown["sensitiveFields"], json!(["iban"]));
    assert_eq!(shown["settings"]["filters"]["releases"], json!(["1.*"]));
    assert_eq!(shown["settings"]["filters"]["localhost"], true);
    assert_eq!(shown["settings"]["scrubbing"]["defaults"], true);

    let listed = get(&server, path).await;
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert!(listed[0]["team"]["slug"].is_string() && listed[0]["teams"].is_array());
    let keys = get(&server, &format!("{second}keys/")).await;
    assert_eq!(keys.as_array().unwrap().len(), 1);

    let deleted = call(&server, Method::DELETE, second, Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(
        call(&server, Method::GET, second, Value::Null).await.status,
        404
    );
}

#[tokio::test]
async fn names_that_cannot_be_are_refused() {
    let server = TestServer::start().await.unwrap();
    let path = "/api/0/organizations/my-organisation/projects/";
    for body in [
        json!({ "name": "" }),
        json!({ "name": "日本" }),
        json!({ "name": "x", "slug": "Not A Slug" }),
        json!({ "name": "x", "slug": "123" }),
        json!({ "name": "x".repeat(201) }),
        json!({ "name": "x", "platform": "p".repeat(65) }),
        json!({ "slug": "x" }),
        json!([]),
    ] {
        let refused = call(&server, Method::POST, path, body.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn a_list_is_walked_by_its_links_without_losing_or_repeating_a_row() {
    let server = TestServer::start().await.unwrap();
    let path = "/api/0/organizations/my-organisation/projects/";
    for number in 0..6 {
        let body = json!({ "name": format!("Project {number}") });
        call(&server, Method::POST, path, body).await;
    }
    let slugs = walk(&server, &format!("{path}?per_page=3"), "slug").await;
    assert_eq!(slugs.len(), 7);

    let found = get(&server, &format!("{path}?query=project%205")).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    let refused = call(
        &server,
        Method::GET,
        "/api/0/projects/?cursor=x",
        Value::Null,
    )
    .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

/// Follows `rel="next"` while it has results; returns a field of all rows, which must differ.
async fn walk(server: &TestServer, path: &str, field: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut path = path.to_owned();
    for _ in 0..50 {
        let part = call(server, Method::GET, &path, Value::Null).await;
        assert_eq!(part.status, StatusCode::OK, "{}", part.text);
        for row in part.json().as_array().unwrap() {
            all.push(row[field].as_str().unwrap().to_owned());
        }
        let links: Vec<_> = part.header("link").split(", <").collect();
        let [previous, next] = links.as_slice() else {
            panic!("not two links: {}", part.header("link"));
        };
        assert!(previous.contains(r#"rel="previous""#), "{previous}");
        assert!(next.contains(r#"rel="next""#) && next.contains("cursor=\""));
        if next.contains(r#"results="false""#) {
            let mut different = all.clone();
            different.sort();
            different.dedup();
            assert_eq!(different.len(), all.len());
            return all;
        }
        let url = next.split('>').next().unwrap();
        path = url.strip_prefix(&server.url).unwrap().to_owned();
    }
    panic!("the list does not end");
}

#[tokio::test]
async fn a_key_is_made_limited_switched_off_and_deleted() {
    let server = TestServer::start().await.unwrap();
    let keys = format!("{PROJECT}keys/");
    let made = call(&server, Method::POST, &keys, json!({ "name": "App" })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    let public = made["public"].as_str().unwrap();
    let project = server.first.project.id;
    let host = server.url.strip_prefix("http://").unwrap();
    assert_eq!(
        made["dsn"]["public"],
        format!("http://{public}@{host}/{project}")
    );
    assert_eq!(made["isActive"], true);
    assert_eq!(made["rateLimit"], Value::Null);

    let path = format!("{keys}{public}/");
    let change = json!({ "isActive": false, "rateLimit": { "window": 60, "count": 9 } });
    let changed = call(&server, Method::PUT, &path, change).await.json();
    assert_eq!(changed["isActive"], false);
    assert_eq!(changed["rateLimit"], json!({ "window": 60, "count": 9 }));
    assert_eq!(changed["name"], "App");
    assert_eq!(get(&server, &path).await, changed);
    let active = get(&server, &format!("{keys}?status=active")).await;
    assert_eq!(active.as_array().unwrap().len(), 1);

    let deleted = call(&server, Method::DELETE, &path, Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(
        call(&server, Method::GET, &path, Value::Null).await.status,
        404
    );
}

#[tokio::test]
async fn an_event_is_read_back_as_soon_as_it_is_accepted() {
    let server = TestServer::start().await.unwrap();
    let event = json!({
        "platform": "python",
        "level": "warning",
        "release": "shop@1.2.3",
        "environment": "staging",
        "server_name": "web-1",
        "tags": { "plan": "gold" },
        "extra": { "cart": [1, 2] },
        "user": { "id": "42", "email": "user-42@example.com" },
        "request": { "url": "https://shop.example.com/pay", "method": "POST",
            "query_string": "a=1", "headers": { "Accept": "*/*" } },
        "breadcrumbs": [{ "message": "clicked", "category": "ui", "timestamp": 1_700_000_000 }],
        "contexts": { "trace": { "trace_id": id(7), "span_id": "00f067aa0ba902b7" } },
        "exception": { "values": [{ "type": "ValueError", "value": "no stock",
            "mechanism": { "type": "flask", "handled": false },
            "stacktrace": { "frames": [
                { "function": "main", "filename": "app.py", "lineno": 3, "in_app": false },
                { "function": "pay", "filename": "pay.py", "lineno": 12, "in_app": true,
                  "context_line": "raise", "pre_context": ["def pay():"] },
            ] } }] },
    });
    send(&server, 1, event).await;
    let path = format!("{PROJECT}events/{}/", id(1));
    let shown = get(&server, &path).await;
    assert_eq!(shown["id"], id(1));
    assert_eq!(shown["eventID"], id(1));
    assert!(shown["groupID"].is_string());
    assert_eq!(shown["title"], "ValueError: no stock");
    assert_eq!(shown["type"], "error");
    assert_eq!(shown["platform"], "python");
    assert_eq!(shown["metadata"]["function"], "pay");
    assert_eq!(shown["release"]["version"], "shop@1.2.3");
    assert_eq!(shown["context"]["cart"], json!([1, 2]));
    assert_eq!(shown["user"]["email"], "user-42@example.com");
    assert!(shown["dateCreated"].as_str().unwrap().ends_with('Z'));
    let tag = |key: &str| {
        let tags = shown["tags"].as_array().unwrap();
        let found = tags.iter().find(|tag| tag["key"] == key);
        found.map_or(Value::Null, |tag| tag["value"].clone())
    };
    assert_eq!(tag("plan"), "gold");
    assert_eq!(tag("level"), "warning");
    assert_eq!(tag("environment"), "staging");
    assert_eq!(tag("release"), "shop@1.2.3");
    assert_eq!(tag("server_name"), "web-1");
    let entries = shown["entries"].as_array().unwrap();
    let entry = |kind: &str| {
        let found = entries.iter().find(|entry| entry["type"] == kind);
        &found.unwrap_or_else(|| panic!("no entry {kind}"))["data"]
    };
    let frames = &entry("exception")["values"][0]["stacktrace"]["frames"];
    assert_eq!(frames[1]["lineNo"], 12);
    assert_eq!(frames[1]["inApp"], true);
    assert_eq!(
        frames[1]["context"],
        json!([[11, "def pay():"], [12, "raise"]])
    );
    assert_eq!(entry("request")["query"], json!([["a", "1"]]));
    assert_eq!(entry("breadcrumbs")["values"][0]["message"], "clicked");
    assert_eq!(shown["contexts"]["trace"]["span_id"], "00f067aa0ba902b7");

    let hyphens = format!(
        "{PROJECT}events/{}-{}-{}-{}-{}/",
        &id(1)[..8],
        &id(1)[8..12],
        &id(1)[12..16],
        &id(1)[16..20],
        &id(1)[20..]
    );
    assert_eq!(get(&server, &hyphens).await, shown);
    let raw = get(&server, &format!("{path}json/")).await;
    assert_eq!(raw["event_id"], id(1));
    assert_eq!(raw["exception"]["values"][0]["type"], "ValueError");
    let found = format!("/api/0/organizations/my-organisation/eventids/{}/", id(1));
    assert_eq!(get(&server, &found).await["projectSlug"], "my-project");

    for missing in [id(2), "nonsense".to_owned()] {
        let path = format!("{PROJECT}events/{missing}/");
        let answer = call(&server, Method::GET, &path, Value::Null).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn events_are_listed_newest_first_and_walked_to_their_end() {
    let server = TestServer::start().await.unwrap();
    let now = mini_sentry_server::model::time::Millis(
        i64::try_from(
            std::time::SystemTime::UNIX_EPOCH
                .elapsed()
                .unwrap()
                .as_millis(),
        )
        .unwrap(),
    );
    for number in 0..11 {
        // Several of the same millisecond, so that a page ends among them.
        let at = now.plus(-1000 * i64::from(number / 4)).to_rfc3339();
        send(&server, number, json!({ "message": "m", "timestamp": at })).await;
    }
    server.digested().await.unwrap();
    let ids = walk(&server, &format!("{PROJECT}events/?per_page=3"), "eventID").await;
    assert_eq!(ids.len(), 11);
    let listed = get(&server, &format!("{PROJECT}events/")).await;
    let times: Vec<_> = listed.as_array().unwrap().iter().collect();
    assert!(times.is_sorted_by_key(|row| std::cmp::Reverse(row["dateCreated"].as_str().unwrap())));
    let row = &listed[0];
    assert_eq!(row["title"], "m");
    assert_eq!(row["event.type"], "default");
    assert!(row["tags"].is_array());
}

#[tokio::test]
async fn attachments_are_listed_with_their_hash_and_downloaded() {
    let server = TestServer::start().await.unwrap();
    let event = json!({ "message": "with a file" }).to_string();
    let large = "x".repeat(2 * 1024 * 1024);
    let envelope = format!(
        "{{\"event_id\":\"{}\"}}\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n\
         {{\"type\":\"attachment\",\"length\":5,\"filename\":\"a \\\"b.txt\",\
         \"content_type\":\"text/plain\"}}\nhello\n\
         {{\"type\":\"attachment\",\"length\":{},\"filename\":\"large.bin\"}}\n{large}\n",
        id(1),
        event.len(),
        large.len(),
    );
    assert_eq!(send_envelope(&server, envelope).await.status, 200);
    server.digested().await.unwrap();
    let path = format!("{PROJECT}events/{}/attachments/", id(1));
    let listed = get(&server, &path).await;
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 2);
    let named = |name: &str| listed.iter().find(|row| row["name"] == name).unwrap();
    let small = named("a \"b.txt");
    assert_eq!(small["size"], 5);
    assert_eq!(small["mimetype"], "text/plain");
    assert_eq!(small["type"], "event.attachment");
    assert_eq!(small["sha1"], "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");

    let one = format!("{path}{}/", small["id"].as_str().unwrap());
    assert_eq!(get(&server, &one).await, *small);
    let download = call(
        &server,
        Method::GET,
        &format!("{one}?download=1"),
        Value::Null,
    )
    .await;
    assert_eq!(download.text, "hello");
    assert_eq!(download.header("content-type"), "text/plain");
    assert!(
        download
            .header("content-disposition")
            .starts_with("attachment;")
    );
    assert_eq!(download.header("x-content-type-options"), "nosniff");

    let other = named("large.bin")["id"].as_str().unwrap();
    let download = format!("{path}{other}/?download");
    let download = call(&server, Method::GET, &download, Value::Null).await;
    assert_eq!(download.text.len(), large.len());
    assert_eq!(download.header("content-length"), large.len().to_string());

    let deleted = call(&server, Method::DELETE, &one, Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&server, &path).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn outcomes_add_up_to_what_was_sent() {
    let server = TestServer::start().await.unwrap();
    for number in 0..3 {
        send(&server, number, json!({ "message": "m" })).await;
    }
    // The second of an id is counted apart.
    send(&server, 0, json!({ "message": "m" })).await;
    server.digested().await.unwrap();
    let path = "/api/0/organizations/my-organisation/stats_v2/\
        ?field=sum(quantity)&groupBy=outcome&groupBy=category&statsPeriod=1h&interval=1m";
    let sums = get(&server, path).await;
    let intervals = sums["intervals"].as_array().unwrap().len();
    let accepted = sums["groups"].as_array().unwrap().iter();
    let accepted: Vec<_> = accepted
        .filter(|group| group["by"] == json!({ "outcome": "accepted", "category": "error" }))
        .collect();
    assert_eq!(accepted.len(), 1, "{sums}");
    assert_eq!(accepted[0]["totals"]["sum(quantity)"], 3);
    let series = accepted[0]["series"]["sum(quantity)"].as_array().unwrap();
    assert_eq!(series.len(), intervals);
    let sum: u64 = series.iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(sum, 3);
    let other = "/api/0/organizations/my-organisation/stats_v2/?project=nonsense";
    assert_eq!(
        call(&server, Method::GET, other, Value::Null).await.status,
        404
    );
}

#[tokio::test]
async fn an_erased_event_is_gone_with_its_attachments() {
    let server = TestServer::start().await.unwrap();
    let event = "{\"message\":\"m\"}";
    let envelope = format!(
        "{{\"event_id\":\"{}\"}}\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n\
         {{\"type\":\"attachment\",\"length\":5,\"filename\":\"f\"}}\nhello\n",
        id(1),
        event.len(),
    );
    assert_eq!(send_envelope(&server, envelope).await.status, 200);
    send(&server, 2, json!({ "message": "stays" })).await;
    let path = format!("{PROJECT}events/{}/", id(1));
    let erased = call(&server, Method::DELETE, &path, Value::Null).await;
    assert_eq!(erased.status, StatusCode::NO_CONTENT, "{}", erased.text);
    assert_eq!(
        call(&server, Method::GET, &path, Value::Null).await.status,
        404
    );
    let attachments = get(&server, &format!("{path}attachments/")).await;
    assert_eq!(attachments, json!([]));
    let listed = get(&server, &format!("{PROJECT}events/")).await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(
        call(&server, Method::DELETE, &path, Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn all_events_of_a_person_are_erased_and_no_others() {
    let server = TestServer::start().await.unwrap();
    send(
        &server,
        1,
        json!({ "user": { "id": "42", "email": "a@example.com" } }),
    )
    .await;
    send(&server, 2, json!({ "user": { "email": "A@Example.com" } })).await;
    send(&server, 3, json!({ "user": { "id": "43" } })).await;
    for (event, email) in [(3, "a@example.com"), (4, "b@example.com")] {
        let report = json!({ "event_id": id(event), "name": "x", "email": email, "comments": "c" });
        let report = report.to_string();
        let header = json!({ "type": "user_report", "length": report.len() });
        let sent = send_envelope(&server, format!("{{}}\n{header}\n{report}\n")).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    }
    let path = format!("{PROJECT}erase-user/");
    let body = json!({ "id": "42", "email": "a@example.com" });
    let erased = call(&server, Method::POST, &path, body).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text);
    assert_eq!(erased.json()["erased"], 3, "two events and a report");
    let listed = get(&server, &format!("{PROJECT}events/")).await;
    assert_eq!(listed[0]["eventID"], id(3));
    assert_eq!(listed.as_array().unwrap().len(), 1);
    for body in [json!({}), json!({ "id": " " }), json!({ "name": "x" })] {
        let refused = call(&server, Method::POST, &path, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
}
