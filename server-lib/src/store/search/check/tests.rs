use mini_sentry::protocol::Level;

use super::*;
use crate::model::event::EventKind;
use crate::model::ids::{GroupId, IssueId, ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::search::{Known, ParseOptions, Subject, parse};

const BODY: &[u8] = br#"{
    "message": "payment of 5 EUR refused", "platform": "python", "transaction": "/pay",
    "timestamp": 1767323045.678, "start_timestamp": 1767323039.678,
    "measurements": {"duration": {"value": 6000, "unit": "millisecond"}},
    "exception": {"values": [{"type": "PaymentError", "value": "card 4 refused",
        "mechanism": {"type": "generic", "handled": false},
        "stacktrace": {"frames": [
            {"function": "charge", "module": "shop.pay", "filename": "shop/pay.py",
             "abs_path": "/srv/shop/pay.py"}]}}]},
    "user": {"id": "42", "email": "a@example.com", "geo": {"country_code": "DE"}},
    "request": {"url": "https://shop.example/pay", "method": "POST"},
    "sdk": {"name": "sentry.python", "version": "2.1"},
    "contexts": {"os": {"name": "Linux", "version": "6.1"},
        "response": {"status_code": 502},
        "trace": {"trace_id": "4c79f60c11214eb38604f4ae0781bfb2", "span_id": "4c79f60c11214eb3"},
        "flags": {"values": [{"flag": "new-checkout", "result": true}]}}
}"#;

fn holds(text: &str) -> bool {
    let row = EventRow {
        environment: "production".to_owned(),
        release: "shop@1.2.3+5".to_owned(),
        ..row()
    };
    let tags: Tags = [("handled", "no"), ("size", "12"), ("critical", "true")]
        .into_iter()
        .collect();
    let view = EventView {
        row: &row,
        event: &Event::from_json(BODY).unwrap(),
        title: "PaymentError: card 4 refused",
        culprit: "shop.pay in charge",
        tags: &tags,
    };
    let query = parse(text, &ParseOptions::new(Subject::Events, row.timestamp)).unwrap();
    view.holds(&query.resolve(&Known::default()))
}

fn row() -> EventRow {
    EventRow {
        seq: Seq(1),
        project: ProjectId(7),
        event_id: "4c79f60c11214eb38604f4ae0781bfb2".parse().unwrap(),
        group: GroupId(3),
        issue: IssueId(3),
        kind: EventKind::Error,
        timestamp: Millis(1_767_323_045_678),
        received: Millis(1_767_323_045_900),
        level: Level::Error,
        environment: String::new(),
        release: String::new(),
        user: None,
    }
}

#[test]
fn every_sort_of_condition_is_decided_by_the_body() {
    for text in [
        "",
        "payment",
        "\"CARD 4 REFUSED\"",
        "charge pay.py",
        "level:error environment:production",
        "environment:production tags.critical:true error.type:PaymentError",
        "has:measurements.duration measurements.duration:>5000",
        "transaction.duration:[5s TO 7s]",
        "title:\"card 4\" message:payment message:card location:charge",
        "error.value:card error.mechanism:generic error.unhandled:true",
        "stack.function:charge stack.module:shop.* stack.filename:*/pay.py",
        "stack.abs_path:/srv/* !has:stack.package",
        "user.id:42 user:a@example.com !user:b@example.com geo.country_code:DE",
        "http.url:https://shop.example/* http.method:POST http.status_code:>=500",
        "os.name:linux* os.version:>6 sdk.name:sentry.python",
        "trace:4c79f60c11214eb38604f4ae0781bfb2 transaction:/pay platform:python",
        "flags[\"new-checkout\"]:true !has:flags[\"old\"]",
        "release.package:shop release.build:5",
        "size:>10 !size:>12 size:12",
        "timestamp:[now-1h TO now] project:7 issue.id:3 event.type:error",
        "id:4c79f60c11214eb38604f4ae0781bfb2",
        "nonsense OR (level:fatal OR payment)",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn what_differs_does_not_hold() {
    for text in [
        "nonsense",
        "!payment",
        "level:fatal",
        "environment:Production",
        "tags.critical:false",
        "measurements.duration:>6000",
        "has:measurements.lcp",
        "error.handled:true",
        "stack.function:refund",
        "user.id:43",
        "http.status_code:<500",
        "flags[\"new-checkout\"]:false",
        "timestamp:<now-1h",
        "project:8",
        "issue.id:4",
        "payment level:fatal",
    ] {
        assert!(!holds(text), "{text}");
    }
}
