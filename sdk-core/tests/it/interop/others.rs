//! Sessions, check-ins, counts, log lines and measurements.

use std::borrow::Cow;
use std::time::SystemTime;

use sentry_types::protocol::v7::client_report::{Category, Item, Reason};
use sentry_types::protocol::v7::{
    ClientReport, EnvelopeItem, Log, LogLevel, Metric, MetricType, MonitorCheckIn,
    MonitorCheckInStatus, MonitorConfig, MonitorIntervalUnit, MonitorSchedule,
    SessionAggregateItem, SessionAggregates, SessionAttributes, SessionStatus, SessionUpdate, Unit,
    Value,
};
use serde_json::json;

use super::{RELEASE, START, Sample, at, headers, id, items, read};

fn attributes() -> SessionAttributes<'static> {
    SessionAttributes {
        release: RELEASE.into(),
        environment: Some("staging".into()),
        ip_address: None,
        user_agent: None,
    }
}

fn session(sample: &Sample, after: u64, errors: u64) -> SessionUpdate<'static> {
    SessionUpdate {
        session_id: id(sample, "/items/0/payload/sid"),
        distinct_id: Some("42".to_owned()),
        sequence: Some(1),
        timestamp: Some(at(START + after)),
        started: at(START),
        init: false,
        duration: None,
        status: SessionStatus::Ok,
        errors,
        attributes: attributes(),
    }
}

#[test]
fn each_step_of_a_session_is_understood() {
    let (sample, envelope) = read("session-init");
    let init = SessionUpdate {
        init: true,
        sequence: Some(0),
        ..session(sample, 0, 0)
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(init)]);
    assert_eq!(envelope.headers(), &headers());

    let (sample, envelope) = read("session-errored");
    let errored = session(sample, 1_000, 1);
    assert_eq!(items(&envelope), [&EnvelopeItem::from(errored)]);

    let (sample, envelope) = read("session-exited");
    let exited = SessionUpdate {
        sequence: Some(2),
        duration: Some(2.5),
        status: SessionStatus::Exited,
        ..session(sample, 2_500, 1)
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(exited)]);

    let (sample, envelope) = read("session-crashed");
    let crashed = SessionUpdate {
        distinct_id: None,
        status: SessionStatus::Crashed,
        ..session(sample, 0, 1)
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(crashed)]);
}

#[test]
fn counted_sessions_are_understood() {
    let (_, envelope) = read("sessions");
    let minute = |started: SystemTime, user: Option<&str>| SessionAggregateItem {
        started,
        distinct_id: user.map(str::to_owned),
        exited: 0,
        errored: 0,
        abnormal: 0,
        crashed: 0,
    };
    let first = at(1_767_323_040_000);
    let expected = SessionAggregates {
        aggregates: vec![
            SessionAggregateItem {
                exited: 2,
                errored: 1,
                ..minute(first, None)
            },
            SessionAggregateItem {
                crashed: 1,
                ..minute(first, Some("42"))
            },
            SessionAggregateItem {
                abnormal: 1,
                ..minute(at(1_767_323_100_000), Some("42"))
            },
        ],
        attributes: attributes(),
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(expected)]);
}

fn check_in(sample: &Sample, slug: &str, status: MonitorCheckInStatus) -> MonitorCheckIn {
    MonitorCheckIn {
        check_in_id: id(sample, "/items/0/payload/check_in_id"),
        monitor_slug: slug.to_owned(),
        status,
        environment: Some("staging".to_owned()),
        duration: None,
        monitor_config: None,
    }
}

#[test]
fn check_ins_are_understood_with_their_schedules() {
    let (sample, envelope) = read("check-in-started");
    let started = MonitorCheckIn {
        monitor_config: Some(MonitorConfig {
            schedule: MonitorSchedule::from_crontab("5 4 * * *").unwrap(),
            checkin_margin: Some(5),
            max_runtime: Some(30),
            timezone: Some("Europe/Berlin".to_owned()),
            failure_issue_threshold: Some(2),
            recovery_threshold: Some(3),
        }),
        ..check_in(sample, "nightly", MonitorCheckInStatus::InProgress)
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(started)]);

    let (sample, envelope) = read("check-in-done");
    let done = MonitorCheckIn {
        duration: Some(12.5),
        environment: Some("berlin".to_owned()),
        ..check_in(sample, "nightly", MonitorCheckInStatus::Ok)
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(done)]);

    let (sample, envelope) = read("job-started");
    let started = MonitorCheckIn {
        monitor_config: Some(MonitorConfig {
            schedule: MonitorSchedule::Interval {
                value: 10,
                unit: MonitorIntervalUnit::Minute,
            },
            checkin_margin: None,
            max_runtime: None,
            timezone: None,
            failure_issue_threshold: None,
            recovery_threshold: None,
        }),
        ..check_in(
            sample,
            "every-ten-minutes",
            MonitorCheckInStatus::InProgress,
        )
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(started)]);

    let (sample, envelope) = read("job-failed");
    let failed = MonitorCheckIn {
        duration: Some(0.25),
        ..check_in(sample, "every-ten-minutes", MonitorCheckInStatus::Error)
    };
    assert_eq!(items(&envelope), [&EnvelopeItem::from(failed)]);
}

#[test]
fn counts_of_what_was_dropped_are_understood() {
    let (_, envelope) = read("client-report");
    let expected = ClientReport::new([
        Item::new(Category::Error, Reason::BeforeSend, 2),
        Item::new(Category::Error, Reason::EventProcessor, 1),
        Item::new(Category::Transaction, Reason::SampleRate, 1),
        Item::new(Category::Span, Reason::SampleRate, 2),
        Item::new(Category::LogItem, Reason::BeforeSend, 1),
    ]);
    // A report of theirs can only be made now, so its time has to be set through JSON.
    let mut expected = serde_json::to_value(&expected).unwrap();
    expected["timestamp"] = json!(1_767_323_045.25);
    let expected: ClientReport = serde_json::from_value(expected).unwrap();
    assert_eq!(items(&envelope), [&EnvelopeItem::from(expected)]);
}

#[test]
fn log_lines_are_understood_with_attributes_of_every_type() {
    let (sample, envelope) = read("logs");
    let line = |level: LogLevel, number: u8, body: &str, more: &[(&str, Value)]| {
        let about_program = [
            ("sentry.release", json!(RELEASE)),
            ("sentry.environment", json!("staging")),
            ("sentry.sdk.name", json!("mini-sentry.rust")),
            ("sentry.sdk.version", json!(env!("CARGO_PKG_VERSION"))),
            ("server.address", json!("host-1")),
        ];
        let attributes = about_program.iter().chain(more);
        Log {
            level,
            body: body.to_owned(),
            trace_id: Some(id(sample, "/items/0/payload/items/0/trace_id")),
            timestamp: at(START),
            severity_number: Some(number.try_into().unwrap()),
            attributes: attributes
                .map(|(key, value)| ((*key).to_owned(), value.clone().into()))
                .collect(),
        }
    };
    let user = [
        ("user.id", json!("42")),
        ("user.email", json!("a@example.com")),
        ("user.name", json!("user-42")),
    ];
    let facts = [
        ("db.host", json!("db-1")),
        ("rows", json!(3)),
        ("below", json!(-4)),
        ("most", json!(i64::MAX)),
        ("beyond", json!("18446744073709551615")),
        ("share", json!(0.5)),
        ("dry", json!(true)),
    ];
    let expected = vec![
        line(LogLevel::Trace, 1, "very fine", &[]),
        line(LogLevel::Debug, 5, "fine", &[]),
        line(LogLevel::Info, 9, "read 3 rows ☂", &facts),
        line(LogLevel::Warn, 13, "slow", &user),
        line(LogLevel::Error, 17, "lost", &user),
        line(LogLevel::Fatal, 21, "over\nand out", &user),
    ];
    assert_eq!(items(&envelope), [&EnvelopeItem::from(expected)]);
}

#[test]
fn measurements_are_understood() {
    let (_, envelope) = read("metrics");
    let metric = |ty: MetricType, name: &'static str, value: f64| Metric {
        r#type: ty,
        name: name.into(),
        value,
        timestamp: at(START),
        trace_id: "0af7651916cd43dd8448eb211c80319c".parse().unwrap(),
        span_id: None,
        unit: None,
        attributes: Default::default(),
    };
    let expected = vec![
        metric(MetricType::Counter, "orders", 1.0),
        metric(MetricType::Gauge, "queue.length", -2.5),
        Metric {
            span_id: "b7ad6b7169203331".parse().ok(),
            unit: Some(Unit::Millisecond),
            attributes: [(Cow::Borrowed("shop"), "s-1".into())].into(),
            ..metric(MetricType::Distribution, "order.time", 12.25)
        },
    ];
    assert_eq!(items(&envelope), [&EnvelopeItem::from(expected)]);
}
