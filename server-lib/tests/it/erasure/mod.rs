//! What is erased is gone: from all answers, from every table, and from every byte of every file.

mod traces;

use std::time::{Duration, Instant};

use mini_sentry_server::jobs::{JobKind, Jobs};
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::testkit::TestServer;
use mini_sentry_server::testkit::postgres::Server;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request};

const ORG: &str = "/api/0/organizations/my-organisation/";
const PROJECT: &str = "/api/0/projects/my-organisation/my-project/";
/// Long enough that the server's own jobs stay out of the way.
const NEVER: Duration = Duration::from_secs(24 * 3600);
const PATIENCE: Duration = Duration::from_secs(120);
/// Stands in everything that only the erased had.
const MARK: &str = "zq7kxw93vjhp";

/// A server, and where its database is when that is none of its files.
struct Lab {
    server: TestServer,
    uri: Option<String>,
    _database: Option<Server>,
}

impl Lab {
    async fn sqlite() -> Self {
        let server = TestServer::start_with(|config| config.retention.interval = NEVER).await;
        Self {
            server: server.unwrap(),
            uri: None,
            _database: None,
        }
    }

    /// Starts a server on PostgreSQL; `None` where there is none. In CI that is a failure.
    async fn postgres() -> Option<Self> {
        let given = std::env::var("MINI_SENTRY_TEST_POSTGRES").ok();
        let Some(database) = Server::shared(given).unwrap() else {
            assert!(std::env::var_os("CI").is_none(), "CI must have PostgreSQL");
            return None;
        };
        let uri = database.database().await.unwrap();
        let server = TestServer::start_with(|config| {
            config.store.clone_from(&uri);
            config.retention.interval = NEVER;
        });
        Some(Self {
            server: server.await.unwrap(),
            uri: Some(uri),
            _database: Some(database),
        })
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = request(&self.server, method, path).bearer_auth(self.server.token());
        answer(request.json(&body)).await
    }

    /// Sends an event to a project by its ingest token and waits until it is found by everything.
    async fn send(&self, project: &str, key: &str, number: u32, mut event: Value) {
        event["event_id"] = json!(id(number));
        let event = event.to_string();
        let attachment = format!("log of {MARK}, or of nobody");
        let attachment = match event.contains(MARK) {
            true => attachment.as_str(),
            false => "log of nobody",
        };
        let envelope = format!(
            "{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n\
             {{\"type\":\"attachment\",\"length\":{},\"filename\":\"a.log\"}}\n{attachment}\n",
            event.len(),
            attachment.len(),
        );
        let path = format!("/api/{project}/envelope/");
        let auth = format!("Sentry sentry_version=7, sentry_key={key}");
        let sent = request(&self.server, Method::POST, &path).header("X-Sentry-Auth", auth);
        let sent = answer(sent.body(envelope)).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
        self.server.digested().await.unwrap();
        let state = self.server.state().unwrap();
        assert!(
            state
                .feed
                .reached(state.progress.position(), PATIENCE)
                .await
        );
    }

    /// Sends an event to the first project.
    async fn send_first(&self, number: u32, event: Value) {
        let first = &self.server.first;
        let project = first.project.id.to_string();
        self.send(&project, &first.key.public_key, number, event)
            .await;
    }

    async fn traces(&self) -> Vec<String> {
        let mut found = traces::in_files(self.server.data_dir(), MARK);
        match &self.uri {
            Some(uri) => found.extend(traces::in_postgres(uri, MARK).await),
            None => found.extend(traces::in_sqlite(self.server.data_dir(), MARK)),
        }
        found
    }

    /// Runs what the server does by itself every minute, until no trace is left.
    async fn clean(&self) {
        let deadline = Instant::now() + PATIENCE;
        let jobs = Jobs::new(self.server.state().unwrap().clone());
        // Nothing is written to the last segment any more.
        self.server.clock.advance(20 * Millis::MINUTE);
        loop {
            for kind in [JobKind::Sweep, JobKind::Erasure, JobKind::Compaction] {
                jobs.run_once(kind).await.unwrap();
            }
            let mut left = self.traces().await;
            if left.is_empty() && self.uri.is_none() {
                left.extend(traces::in_free_pages(self.server.data_dir()));
            }
            if left.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "left: {left:#?}");
        }
        let checked = self.server.state().unwrap().store.upkeep.check().await;
        assert_eq!(checked.unwrap(), [""; 0]);
    }

    /// Returns the titles of the issues that a question finds.
    async fn titles(&self, query: &str) -> Vec<String> {
        let query = query.replace(' ', "%20");
        let rows = get(&self.server, &format!("{ORG}issues/?query={query}")).await;
        let title = |row: &Value| row["title"].as_str().unwrap().to_owned();
        rows.as_array().unwrap().iter().map(title).collect()
    }

    /// Checks that others' events and what is known of their issue are whole.
    async fn others_are_whole(&self) {
        let shared = ["CardError: card declined"];
        for query in ["plan:gold", "declined", "user.id:user-1", "CardError"] {
            assert_eq!(self.titles(query).await, shared, "{query}");
        }
        for query in [format!("plan:{MARK}-plan"), MARK.to_owned()] {
            assert_eq!(self.titles(&query).await, [""; 0], "{query}");
        }
        let rows = get(&self.server, &format!("{ORG}issues/?query=plan:gold")).await;
        assert_eq!(rows[0]["userCount"], 1);
        let issue = rows[0]["id"].as_str().unwrap();
        let tags = get(&self.server, &format!("{ORG}issues/{issue}/tags/plan/")).await;
        let values = tags["topValues"].as_array().unwrap();
        assert_eq!(values.len(), 1, "{tags}");
        assert_eq!(
            (&values[0]["value"], &values[0]["count"]),
            (&json!("gold"), &json!(2))
        );
        let events = get(&self.server, &format!("{ORG}issues/{issue}/events/")).await;
        assert_eq!(events.as_array().unwrap().len(), 2);
        for number in [1, 3] {
            let event = get(&self.server, &format!("{PROJECT}events/{}/", id(number))).await;
            assert_eq!(event["user"]["id"], "user-1");
        }
    }
}

fn id(number: u32) -> String {
    format!("fc6d8c0c43fc4630ad850ee5{number:08x}")
}

/// An event of an issue that several people have.
fn shared(user: &str, plan: &str, value: &str) -> Value {
    json!({
        "fingerprint": ["card"], "user": { "id": user }, "tags": { "plan": plan },
        "exception": { "values": [{ "type": "CardError", "value": value }] },
    })
}

/// Two events of user-1 and one of another, the latest of the issue.
async fn send_shared(lab: &Lab) {
    lab.send_first(1, shared("user-1", "gold", "card declined"))
        .await;
    lab.send_first(3, shared("user-1", "gold", "card declined"))
        .await;
    let marked = [
        format!("{MARK}-user"),
        format!("{MARK}-plan"),
        format!("{MARK} told"),
    ];
    let [user, plan, value] = &marked;
    lab.send_first(4, shared(user, plan, value)).await;
    let title = format!("CardError: {value}");
    assert_eq!(lab.titles("CardError").await, [title.as_str()]);
    assert_eq!(lab.titles(MARK).await, [title.as_str()]);
}

/// An event of an issue that nobody else has.
fn own() -> Value {
    json!({
        "user": { "id": format!("{MARK}-user") },
        "message": format!("{MARK} cannot log in"),
        "tags": { "plan": format!("{MARK}-plan"), format!("{MARK}-name"): "x" },
        "extra": { "note": format!("note of {MARK}") },
    })
}

/// Checks that the traces are looked for where they are.
async fn is_everywhere(lab: &Lab) {
    let found = lab.traces().await;
    let is_found = |place: &str| found.iter().any(|found| found.contains(place));
    let mut places = vec!["issues", "texts", "pages_1"];
    match lab.uri {
        Some(_) => places.push("blocks_1"),
        None => places.extend(["text_words_data", "segments", "mini-sentry.db"]),
    }
    if lab.uri.is_none() {
        places.retain(|place| *place != "texts");
    }
    for place in places {
        assert!(is_found(place), "{place}: {found:#?}");
    }
}

async fn a_person_is_erased_without_a_trace(lab: &Lab) {
    send_shared(lab).await;
    lab.send_first(5, own()).await;
    is_everywhere(lab).await;
    let person = json!({ "id": format!("{MARK}-user") });
    let erased = lab
        .call(Method::POST, &format!("{PROJECT}erase-user/"), person)
        .await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text);
    assert_eq!(erased.json()["complete"], true);
    lab.clean().await;
    lab.others_are_whole().await;
}

async fn single_events_are_erased_without_a_trace(lab: &Lab) {
    send_shared(lab).await;
    lab.send_first(5, own()).await;
    is_everywhere(lab).await;
    for number in [4, 5] {
        let path = format!("{PROJECT}events/{}/", id(number));
        let erased = lab.call(Method::DELETE, &path, json!({})).await;
        assert_eq!(erased.status, StatusCode::NO_CONTENT, "{}", erased.text);
    }
    lab.clean().await;
    lab.others_are_whole().await;
}

async fn a_project_is_deleted_without_a_trace(lab: &Lab) {
    lab.send_first(1, shared("user-1", "gold", "card declined"))
        .await;
    lab.send_first(3, shared("user-1", "gold", "card declined"))
        .await;
    let body = json!({ "name": "Shop", "slug": "shop" });
    let made = lab.call(Method::POST, "/api/projects/", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let dsn = made.json()["dsn"].as_str().unwrap().to_owned();
    let (key, rest) = dsn.split_once("//").unwrap().1.split_once('@').unwrap();
    let project = rest.rsplit_once('/').unwrap().1;
    lab.send(project, key, 6, own()).await;
    lab.send(project, key, 7, shared(MARK, MARK, MARK)).await;
    is_everywhere(lab).await;
    let path = "/api/0/projects/my-organisation/shop/";
    let deleted = lab.call(Method::DELETE, path, json!({})).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text);
    lab.clean().await;
    lab.others_are_whole().await;
}

async fn an_issue_is_deleted_without_a_trace(lab: &Lab) {
    send_shared(lab).await;
    lab.send_first(5, own()).await;
    lab.send_first(8, shared("user-1", "gold", "card declined"))
        .await;
    let rows = get(&lab.server, &format!("{ORG}issues/?query=plan:gold")).await;
    let issue = rows[0]["id"].as_str().unwrap().to_owned();
    let rows = get(&lab.server, &format!("{ORG}issues/?query={MARK}-name:x")).await;
    let other = rows[0]["id"].as_str().unwrap().to_owned();
    for id in [issue, other] {
        let path = format!("{ORG}issues/{id}/");
        let deleted = lab.call(Method::DELETE, &path, json!({})).await;
        assert_eq!(deleted.status, StatusCode::ACCEPTED, "{}", deleted.text);
    }
    lab.clean().await;
    assert_eq!(lab.titles("").await, [""; 0]);
}

macro_rules! on_both {
    ($($name:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&super::Lab::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(lab) = super::Lab::postgres().await {
                    super::$name(&lab).await;
                }
            })+
        }
    };
}

on_both! {
    a_person_is_erased_without_a_trace
    single_events_are_erased_without_a_trace
    a_project_is_deleted_without_a_trace
    an_issue_is_deleted_without_a_trace
}
