//! Queries in the search language against a real server: sent over HTTP, digested, indexed, found.

use std::collections::BTreeSet;
use std::time::Duration;

use mini_sentry_server::clock::Clock;
use mini_sentry_server::digest::normalize;
use mini_sentry_server::facts::{FactsInput, FrameRules, Scan, derive};
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::model::issue::{IssueChange, StatusChange};
use mini_sentry_server::model::record::Record;
use mini_sentry_server::model::settings::ProjectSettings;
use mini_sentry_server::store::query::{EventQuery, IssueOrder, IssueQuery};
use mini_sentry_server::store::search::{
    EventView, Known, KnownRelease, ParseOptions, Query, Subject, parse,
};
use mini_sentry_server::testkit::TestServer;
use serde_json::{Value, json};

use crate::caller::send_envelope;

/// Nothing here takes this long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server with five events, each in an issue of its own and named by its tag `name`.
async fn filled() -> TestServer {
    let server = TestServer::start().await.unwrap();
    let payment = json!({
        "level": "error", "environment": "production", "release": "shop@1.3.0",
        "tags": { "name": "payment", "feature": "payments", "critical": "true" },
        "user": { "id": "123", "email": "a@example.com" },
        "exception": { "values": [{
            "type": "PaymentError", "value": "card refused",
            "mechanism": { "type": "generic", "handled": false },
            "stacktrace": { "frames": [{
                "function": "charge_card", "module": "shop.pay", "filename": "shop/pay.py",
                "in_app": true,
            }]},
        }]},
    });
    let timeout = json!({
        "level": "error", "environment": "production", "release": "shop@1.2.0",
        "tags": { "name": "timeout", "feature": "search" },
        "message": "timeout while reading the database",
    });
    let database = json!({
        "level": "warning", "environment": "staging", "tags": { "name": "database" },
        "message": "database error: no such table",
        "request": { "url": "https://shop.example/pay?x=1", "method": "POST" },
    });
    let other = json!({
        "level": "info", "tags": { "name": "other", "size": "12" }, "message": "all is well",
        "contexts": { "response": { "status_code": 502 } },
    });
    let slow = json!({
        "level": "debug", "transaction": "/pay", "tags": { "name": "slow" },
        "message": "slower than it should be", "measurements": { "duration": { "value": 6000 } },
        "contexts": { "trace": {
            "trace_id": "4c79f60c11214eb38604f4ae0781bfb2", "span_id": "4c79f60c11214eb3",
        }},
    });
    for event in [&payment, &timeout, &database, &other, &slow] {
        send(&server, event).await;
    }
    let state = server.state().unwrap();
    assert!(state.progress.reached(Seq(5), PATIENCE).await);
    assert!(state.feed.reached(Seq(5), PATIENCE).await);
    server
}

async fn send(server: &TestServer, body: &Value) {
    let body = body.to_string();
    let length = body.len();
    let envelope = format!("{{}}\n{{\"type\":\"event\",\"length\":{length}}}\n{body}\n");
    assert_eq!(send_envelope(server, envelope).await.status, 200);
}

fn query(server: &TestServer, text: &str, subject: Subject) -> (Query, Known) {
    let now = server.clock.now();
    let query = match parse(text, &ParseOptions::new(subject, now)) {
        Ok(query) => query,
        Err(error) => panic!("{text}: {error}"),
    };
    let release = |name: &str, is_latest| KnownRelease {
        name: name.to_owned(),
        is_latest,
        stage: None,
    };
    let project = &server.first.project;
    let known = Known {
        now,
        projects: vec![(project.id, project.slug.clone())],
        releases: vec![release("shop@1.2.0", false), release("shop@1.3.0", true)],
        ..Known::default()
    };
    (query, known)
}

/// Returns the names of the events that a query finds.
async fn events(server: &TestServer, text: &str) -> BTreeSet<String> {
    let (query, known) = query(server, text, Subject::Events);
    let plan = query.for_events(&known);
    let question = EventQuery {
        projects: plan.projects,
        filter: plan.filter,
        times: plan.times,
        after: None,
        limit: 100,
    };
    let state = server.state().unwrap();
    let rows = state.store.index.find(&question).await.unwrap().rows;
    let seqs: Vec<Seq> = rows.iter().map(|row| row.seq).collect();
    let records = state.bodies.read(&seqs).await.unwrap();
    let mut found = BTreeSet::new();
    for (row, record) in rows.iter().zip(records) {
        let record: Record = record.unwrap();
        let rules = FrameRules::from_settings(&ProjectSettings::default());
        let input = FactsInput {
            received: record.head.received,
            drift_ms: record.head.context.drift_ms,
            client_ip: record.head.context.client_ip,
            rules: &rules,
        };
        let facts = derive(&Scan::read(&record.body).unwrap(), &input);
        let event = normalize::event(&record, &rules);
        let view = EventView {
            row,
            event: &event,
            title: &facts.title,
            culprit: &facts.culprit,
            tags: &facts.tags,
        };
        if plan.check.as_ref().is_none_or(|check| view.holds(check)) {
            found.insert(facts.tags.get("name").unwrap().to_owned());
        }
    }
    found
}

/// Returns the titles of the issues that a query finds.
async fn issues(server: &TestServer, text: &str) -> BTreeSet<String> {
    let (query, known) = query(server, text, Subject::Issues);
    let plan = query.for_issues(&known).unwrap();
    let question = IssueQuery {
        projects: plan.projects,
        filter: plan.filter,
        order: IssueOrder::LastSeen,
        after: None,
        limit: 100,
    };
    let store = &server.state().unwrap().store;
    let page = store.issues.search(&question).await.unwrap();
    page.issues.into_iter().map(|issue| issue.title).collect()
}

fn set(names: &str) -> BTreeSet<String> {
    names
        .split(", ")
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_of_query_finds_its_events() {
    let server = filled().await;
    for (text, names) in [
        ("", "payment, timeout, database, other, slow"),
        ("level:error env:production timeout", "timeout"),
        ("user.id:123", "payment"),
        ("tags.feature:payments", "payment"),
        (
            "timestamp:[now-1h TO now+1h] level:info !has:measurements.duration",
            "other",
        ),
        (
            "environment:production tags.critical:true error.type:PaymentError",
            "payment",
        ),
        (
            "has:measurements.duration measurements.duration:>5000",
            "slow",
        ),
        ("measurements.duration:>7000", ""),
        ("!level:error event.type:default", "database, other, slow"),
        ("feature:[payments,search] !critical:true", "timeout"),
        ("feature:pay*", "payment"),
        ("!has:environment event.type:default", "other, slow"),
        ("\"no such table\" OR charge_card", "database, payment"),
        (
            "stack.function:charge_card stack.filename:*/pay.py",
            "payment",
        ),
        ("error.unhandled:true", "payment"),
        ("message:reading level:>=warning", "timeout"),
        ("http.url:https://shop.example/pay?x=1", "database"),
        ("http.url:https://shop.example/pay?x=2", ""),
        ("http.method:POST !timeout", "database"),
        ("http.status_code:>=500", "other"),
        ("size:>10", "other"),
        ("trace:4c79f60c11214eb38604f4ae0781bfb2", "slow"),
        ("release:latest", "payment"),
        ("release.version:<1.3", "timeout"),
        ("release.package:shop !user:a@example.com", "timeout"),
        ("project:nobodys", ""),
    ] {
        assert_eq!(events(&server, text).await, set(names), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_of_query_finds_its_issues() {
    let server = filled().await;
    let payment = "PaymentError: card refused";
    let timeout = "timeout while reading the database";
    let database = "database error: no such table";
    let other = "all is well";
    let slow = "slower than it should be";
    for (text, titles) in [
        ("status:open title:\"database error\"", vec![database]),
        (
            "is:unresolved",
            vec![payment, timeout, database, other, slow],
        ),
        ("is:resolved", vec![]),
        ("database", vec![timeout, database]),
        ("\"database error\"", vec![database]),
        ("charge_card", vec![payment]),
        ("user.id:123", vec![payment]),
        ("tags.feature:payments", vec![payment]),
        (
            "environment:production !error.type:PaymentError",
            vec![timeout],
        ),
        (
            "(level:warning OR level:info) age:-1h",
            vec![database, other],
        ),
        ("age:+1h", vec![]),
        (
            "timesSeen:>=1 timesSeen:<2 error.unhandled:true",
            vec![payment],
        ),
        ("is:new is:unassigned is:for_review level:info", vec![other]),
        ("firstRelease:latest", vec![payment]),
        ("release.version:1.2.*", vec![timeout]),
        ("issue.category:error release:shop*", vec![payment, timeout]),
    ] {
        let titles = titles.into_iter().map(str::to_owned).collect();
        assert_eq!(issues(&server, text).await, titles, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolved_issue_is_found_by_its_new_state() {
    let server = filled().await;
    let (query, known) = query(&server, "error.type:PaymentError", Subject::Issues);
    let plan = query.for_issues(&known).unwrap();
    let question = IssueQuery {
        projects: plan.projects,
        filter: plan.filter,
        order: IssueOrder::LastSeen,
        after: None,
        limit: 1,
    };
    let store = &server.state().unwrap().store;
    let found = store.issues.search(&question).await.unwrap().issues;
    let change = IssueChange {
        status: Some(StatusChange::Resolve(
            mini_sentry_server::model::issue::Resolution::Now,
        )),
        ..IssueChange::default()
    };
    let ids = [found[0].id];
    store
        .issues
        .change(&ids, change, None, known.now)
        .await
        .unwrap();
    let title = set("PaymentError: card refused");
    assert_eq!(issues(&server, "is:resolved").await, title);
    assert_eq!(
        issues(&server, "status:resolved critical:true").await,
        title
    );
    assert_eq!(
        issues(&server, "is:unresolved critical:true").await,
        set("")
    );
}
