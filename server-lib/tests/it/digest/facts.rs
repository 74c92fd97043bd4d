//! Facts of events that official SDKs sent.

use std::net::IpAddr;

use mini_sentry::protocol::{EventId, Level};
use mini_sentry_server::facts::user::Identity;
use mini_sentry_server::facts::{FactsInput, FrameRules, Scan, derive};
use mini_sentry_server::journal::Journal;
use mini_sentry_server::model::event::{EventFacts, EventKind, GroupingKey, Headline};
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::model::tag::Tags;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::query::{EventFilter, Page};
use tempfile::TempDir;

use super::lab::{Index, digest, event, journal, real_events};

/// 2026-11-20T14:00:00Z, a while after the events were captured.
const RECEIVED: Millis = Millis(1_795_183_200_000);

fn facts_of(name: &str, drift_ms: i64) -> EventFacts {
    let (_, body) = real_events()
        .into_iter()
        .find(|(found, _)| found == name)
        .unwrap();
    let rules = FrameRules::default();
    let input = FactsInput {
        received: RECEIVED,
        drift_ms,
        client_ip: Some(IpAddr::from([192, 0, 2, 7])),
        rules: &rules,
    };
    derive(&Scan::read(body.as_bytes()).unwrap(), &input)
}

fn known(facts: &EventFacts) -> EventFacts {
    EventFacts {
        grouping: GroupingKey([0; 16]),
        headline: Headline::default(),
        handled: None,
        tags: Tags::default(),
        text: String::new(),
        ..facts.clone()
    }
}

fn python(title: &str, culprit: &str, timestamp: i64) -> EventFacts {
    EventFacts {
        kind: EventKind::Error,
        timestamp: Millis(timestamp),
        level: Level::Error,
        platform: "python".to_owned(),
        environment: "production".to_owned(),
        release: "shop@1.4.2".to_owned(),
        dist: String::new(),
        title: title.to_owned(),
        culprit: culprit.to_owned(),
        grouping: GroupingKey([0; 16]),
        headline: Headline::default(),
        handled: None,
        former_grouping: None,
        tags: Tags::default(),
        text: String::new(),
        user: Some(Identity::Id("42").hash()),
    }
}

#[test]
fn events_of_the_python_sdk_are_understood() {
    assert_eq!(
        known(&facts_of("python-chained", 0)),
        python(
            "PaymentDeclined: no price for 'plum' in eu-west",
            "__main__ in charge",
            1_795_177_864_603,
        )
    );
    assert_eq!(
        known(&facts_of("python-log", 0)),
        EventFacts {
            kind: EventKind::Default,
            ..python(
                "order o-1001 took 1234 ms",
                "__main__ in <module>",
                1_795_177_864_609
            )
        }
    );
    assert_eq!(
        known(&facts_of("python-message", 500)),
        EventFacts {
            kind: EventKind::Default,
            level: Level::Warning,
            ..python(
                "disk almost full",
                "__main__ in <module>",
                1_795_177_865_114
            )
        }
    );
    assert_eq!(
        known(&facts_of("flask-request", 0)),
        EventFacts {
            user: Some(Identity::Address(IpAddr::from([127, 0, 0, 1])).hash()),
            ..python(
                "Missing: no price for 'plum'",
                "__main__ in checkout",
                1_795_177_907_349,
            )
        }
    );
}

#[test]
fn events_of_the_node_sdk_are_understood() {
    let node = |title: &str, culprit: &str, timestamp| EventFacts {
        platform: "node".to_owned(),
        environment: "staging".to_owned(),
        ..python(title, culprit, timestamp)
    };
    assert_eq!(
        known(&facts_of("node-chained", 0)),
        node(
            "PriceMissing: order o-1001 has no total",
            "app in checkout",
            1_795_179_763_215,
        )
    );
    assert_eq!(
        known(&facts_of("node-message", 0)),
        EventFacts {
            kind: EventKind::Default,
            level: Level::Warning,
            ..node("disk almost full", "", 1_795_179_763_226)
        }
    );
}

#[test]
fn each_of_them_is_a_group_of_its_own() {
    let mut keys: Vec<_> = real_events()
        .iter()
        .map(|(name, _)| facts_of(name, 0).grouping)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    // The message of both SDKs is the same.
    assert_eq!(keys.len(), real_events().len() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_same_is_digested_from_the_bodies() {
    let (fresh, again) = (Index::open().await, Index::open().await);
    assert_eq!(fresh.project, again.project);
    let dir = TempDir::new().unwrap();
    let first = journal(dir.path());
    let mut records = Vec::new();
    for (id, (_, body)) in (1..).zip(real_events()) {
        let mut record = event(fresh.project, id, &body);
        record.head.context.drift_ms = i64::from(id) * 1000;
        record.head.context.client_ip = Some(IpAddr::from([192, 0, 2, id]));
        let rules = FrameRules::default();
        let scan = Scan::read(body.as_bytes()).unwrap();
        let facts = derive(&scan, &FactsInput::of_head(&record.head, &rules));
        record.facts = Some(Box::new(facts));
        records.push(record);
    }
    first.append(records).await.unwrap();
    digest(&first, &fresh).await;
    first.close();
    drop(first);

    let second = journal(dir.path());
    let deliveries = second
        .read_after(Seq(0), 10, std::time::Duration::ZERO)
        .unwrap();
    assert!(deliveries.iter().all(|delivery| delivery.facts.is_none()));
    digest(&second, &again).await;

    let filter = EventFilter {
        projects: vec![fresh.project],
        ..EventFilter::default()
    };
    let (mut rows, mut issues) = (Vec::new(), Vec::new());
    for index in [&fresh, &again] {
        let store = &index.store;
        rows.push(store.events.list(&filter, Page::first(100)).await.unwrap());
        let found = store.issues.list(&[index.project], Page::first(100)).await;
        issues.push(found.unwrap());
    }
    assert_eq!(rows[0].len(), real_events().len());
    assert_eq!(rows[0], rows[1]);
    assert_eq!(issues[0], issues[1]);
    let known = EventId::from_bytes([1; 16]);
    assert!(rows[0].iter().any(|row| row.event_id == known));
}
