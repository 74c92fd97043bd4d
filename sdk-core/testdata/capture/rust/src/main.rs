//! Makes the `sentry` crate send one case: `capture-rust CASE`, with the DSN in `SENTRY_DSN`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use sentry::protocol::{
    Attachment, Context, EnvelopeItem, Event, Map, MonitorCheckIn, MonitorCheckInStatus,
    MonitorConfig, MonitorIntervalUnit, MonitorSchedule, Request, SessionStatus, SpanStatus, Unit,
    User, Value,
};
use sentry::{Breadcrumb, ClientInitGuard, ClientOptions, Level, SessionMode, metrics};

#[derive(Debug)]
struct PaymentError {
    source: std::num::ParseIntError,
}

impl fmt::Display for PaymentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("payment of order 4711 failed")
    }
}

impl Error for PaymentError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

fn options() -> ClientOptions {
    ClientOptions::new()
        .release("shop@1.2.3+45")
        .environment("staging")
        .server_name("host-1")
}

fn init(options: ClientOptions) -> ClientInitGuard {
    sentry::init(options)
}

fn payment() -> Result<i32, PaymentError> {
    "twelve".parse().map_err(|source| PaymentError { source })
}

fn message() {
    let _guard = init(options());
    sentry::configure_scope(|scope| {
        scope.set_tag("shop.region", "eu");
        scope.set_tag("attempt", 3);
        scope.set_user(Some(User {
            id: Some("user-42".into()),
            email: Some("a@example.com".into()),
            username: Some("user-42".into()),
            ip_address: Some("192.0.2.7".parse().expect("an address")),
            other: Map::new(),
        }));
        let order = BTreeMap::from([
            ("id".to_owned(), Value::from(4711)),
            ("items".to_owned(), Value::from(vec!["book", "pen"])),
        ]);
        scope.set_context("order", Context::Other(order));
        scope.set_extra("note", Value::from("naïve ☂ 🚀"));
    });
    sentry::add_breadcrumb(Breadcrumb {
        category: Some("ui".into()),
        message: Some("opened the cart".into()),
        data: Map::from([("n".to_owned(), Value::from(1))]),
        ..Breadcrumb::default()
    });
    sentry::add_breadcrumb(Breadcrumb {
        ty: "navigation".into(),
        level: Level::Warning,
        ..Breadcrumb::default()
    });
    sentry::with_scope(
        |scope| {
            scope.set_fingerprint(Some(["checkout", "{{ default }}"].as_ref()));
            scope.set_transaction(Some("checkout"));
        },
        || sentry::capture_message("the cart could not be saved", Level::Warning),
    );
}

fn stack() {
    let _guard = init(options().attach_stacktrace(true));
    sentry::capture_message("with a stack", Level::Info);
}

fn error() {
    let _guard = init(options());
    if let Err(error) = payment() {
        sentry::capture_error(&error);
    }
}

fn panic() {
    let _guard = init(options().auto_session_tracking(true));
    let orders: Vec<i32> = Vec::new();
    let number = orders[std::hint::black_box(7)];
    println!("{number}");
}

fn request() {
    let _guard = init(options());
    sentry::capture_event(Event {
        request: Some(Request {
            url: Some("http://shop.example.com/fail?page=2".parse().expect("a URL")),
            method: Some("POST".into()),
            data: Some("{\"item\": \"pen\"}".into()),
            query_string: Some("page=2".into()),
            cookies: Some("theme=dark".into()),
            headers: Map::from([("User-Agent".into(), "browser/1.0".into())]),
            env: Map::from([("SERVER_PORT".into(), "80".into())]),
        }),
        message: Some("no money".into()),
        level: Level::Error,
        ..Event::default()
    });
}

fn attachment() {
    let _guard = init(options());
    sentry::with_scope(
        |scope| {
            scope.add_attachment(Attachment {
                buffer: b"line one\nline two\r\n".to_vec(),
                filename: "log.txt".into(),
                content_type: Some("text/plain".into()),
                ty: None,
            });
            scope.add_attachment(Attachment {
                buffer: (0..=255).collect(),
                filename: "raw.bin".into(),
                ..Attachment::default()
            });
        },
        || sentry::capture_message("with attachments", Level::Info),
    );
}

fn transaction() {
    let _guard = init(options().traces_sample_rate(1.0));
    let context = sentry::TransactionContext::new("import orders", "task");
    let root = sentry::start_transaction(context);
    root.set_tag("batch", 7);
    root.set_data("rows", Value::from(3));
    let span = root.start_child("db", "SELECT * FROM orders");
    let inner = span.start_child("cache.get", "order:4711");
    inner.set_status(SpanStatus::NotFound);
    inner.finish();
    span.set_data("db.system", Value::from("sqlite"));
    span.finish();
    root.set_status(SpanStatus::Ok);
    root.finish();
}

fn session() {
    let _guard = init(options());
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User {
            id: Some("user-42".into()),
            ..User::default()
        }));
    });
    sentry::start_session();
    if let Err(error) = payment() {
        sentry::capture_error(&error);
    }
    sentry::end_session();
    sentry::start_session();
    sentry::end_session_with_status(SessionStatus::Abnormal);
}

fn sessions() {
    let _guard = init(options().session_mode(SessionMode::Request));
    for number in 0..3 {
        sentry::start_session();
        if number == 1 {
            if let Err(error) = payment() {
                sentry::capture_error(&error);
            }
        }
        sentry::end_session();
    }
}

fn checkin() {
    let _guard = init(options());
    let first = MonitorCheckIn {
        check_in_id: "c0ffee00c0ffee00c0ffee00c0ffee00".parse().expect("an id"),
        monitor_slug: "nightly".into(),
        status: MonitorCheckInStatus::InProgress,
        environment: Some("staging".into()),
        duration: None,
        monitor_config: Some(MonitorConfig {
            schedule: MonitorSchedule::Interval {
                value: 10,
                unit: MonitorIntervalUnit::Minute,
            },
            checkin_margin: Some(5),
            max_runtime: Some(30),
            timezone: Some("Europe/Berlin".into()),
            failure_issue_threshold: Some(2),
            recovery_threshold: Some(3),
        }),
    };
    let second = MonitorCheckIn {
        status: MonitorCheckInStatus::Ok,
        duration: Some(12.25),
        ..first.clone()
    };
    let client = sentry::Hub::current().client().expect("a client");
    client.send_envelope(EnvelopeItem::from(first).into());
    client.send_envelope(EnvelopeItem::from(second).into());
}

fn logs() {
    let _guard = init(options());
    sentry::logger_trace!("very fine");
    sentry::logger_debug!("fine");
    sentry::logger_info!("order {} saved in {} ms", 4711, 2.5);
    sentry::logger_warn!(item = "pen", left = 2, urgent = true, "stock is low");
    sentry::logger_error!("order lost");
    sentry::logger_fatal!("no disk left ☂");
}

fn metric() {
    let _guard = init(options());
    metrics::counter("orders", 2)
        .attribute("region", "eu")
        .attribute("retry", false)
        .capture();
    metrics::gauge("queue.depth", 17).capture();
    metrics::distribution("order.time", 12.5)
        .unit(Unit::Millisecond)
        .attribute("n", 3)
        .capture();
}

fn client_report() {
    let guard = init(
        options()
            .traces_sample_rate(0.0)
            .before_send(|event: Event<'static>| {
                let wanted = event.message.as_deref() == Some("sent");
                wanted.then_some(event)
            }),
    );
    for _ in 0..2 {
        sentry::capture_message("never sent", Level::Info);
    }
    let context = sentry::TransactionContext::new("not sampled", "task");
    sentry::start_transaction(context).finish();
    sentry::capture_message("sent", Level::Info);
    guard.flush(Some(Duration::from_secs(5)));
}

/// Prints the trace headers that outgoing requests would carry.
fn headers() {
    let _guard = init(options().traces_sample_rate(1.0));
    let context = sentry::TransactionContext::new("import orders, all", "task");
    let root = sentry::start_transaction(context);
    for (name, text) in root.iter_headers() {
        println!("{name}: {text}");
    }
    sentry::configure_scope(|scope| {
        for (name, text) in scope.iter_trace_propagation_headers() {
            println!("{name}: {text}");
        }
    });
}

const CASES: &[(&str, fn())] = &[
    ("message", message),
    ("stack", stack),
    ("error", error),
    ("panic", panic),
    ("request", request),
    ("attachment", attachment),
    ("transaction", transaction),
    ("session", session),
    ("sessions", sessions),
    ("checkin", checkin),
    ("logs", logs),
    ("metrics", metric),
    ("client-report", client_report),
    ("headers", headers),
];

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for (name, run) in CASES {
        if wanted == "--list" {
            println!("{name}");
        } else if wanted == *name {
            run();
        }
    }
}
