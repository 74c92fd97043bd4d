//! Structured logs: what a line carries, and how lines travel.

use std::time::Duration;

use mini_sentry::envelope::{Envelope, Payload};
use mini_sentry::protocol::{Log, LogLevel, User, Value};
use mini_sentry::test::with_captured_envelopes_options;
use mini_sentry::{
    ClientOptions, TransactionContext, configure_scope, logger_debug, logger_error, logger_fatal,
    logger_info, logger_trace, logger_warn, set_user, start_transaction,
};

use super::stage::{Losses, items, losses, lost};

fn batches(sent: &[Envelope]) -> Vec<&[Log]> {
    let payloads = items(sent).map(|item| &item.payload);
    payloads
        .filter_map(|payload| match payload {
            Payload::Logs(logs) => Some(&*logs.items),
            _ => None,
        })
        .collect()
}

fn lines(sent: &[Envelope]) -> Vec<&Log> {
    batches(sent).into_iter().flatten().collect()
}

fn bodies(sent: &[Envelope]) -> Vec<&str> {
    lines(sent)
        .iter()
        .map(|line| line.body.as_deref().unwrap())
        .collect()
}

#[test]
fn a_line_carries_its_level_its_text_and_typed_attributes() {
    let options = ClientOptions::new()
        .release("shop@1")
        .environment("staging");
    let sent = with_captured_envelopes_options(options, || {
        set_user(Some(User {
            id: Some("user-42".to_owned()),
            ..User::default()
        }));
        logger_info!(
            db.host = "db-1",
            rows = 3,
            share = 0.5,
            cached = true,
            "read {} rows",
            3
        );
    });
    let line = lines(&sent)[0];
    assert_eq!(line.body.as_deref(), Some("read 3 rows"));
    assert_eq!(line.level, Some(LogLevel::Info));
    assert_eq!(line.severity_number, Some(9));
    assert!(line.timestamp.is_some());
    for (key, value, ty) in [
        ("db.host", Value::from("db-1"), "string"),
        ("rows", 3.into(), "integer"),
        ("share", 0.5.into(), "double"),
        ("cached", true.into(), "boolean"),
        ("sentry.release", "shop@1".into(), "string"),
        ("sentry.environment", "staging".into(), "string"),
        ("sentry.sdk.name", "mini-sentry.rust".into(), "string"),
        ("user.id", "user-42".into(), "string"),
    ] {
        let attribute = &line.attributes[key];
        assert_eq!(attribute.value, Some(value), "{key}");
        assert_eq!(attribute.ty.as_deref(), Some(ty), "{key}");
    }
}

#[test]
fn each_level_has_its_macro() {
    let sent = with_captured_envelopes_options(ClientOptions::new(), || {
        logger_trace!("t");
        logger_debug!("d");
        logger_info!("i");
        logger_warn!("w");
        logger_error!("e");
        logger_fatal!("f");
    });
    let levels: Vec<_> = lines(&sent)
        .iter()
        .map(|line| line.level.unwrap().as_str())
        .collect();
    assert_eq!(levels, ["trace", "debug", "info", "warn", "error", "fatal"]);
}

#[test]
fn lines_belong_to_the_trace_and_the_span_that_is_active() {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let mut span_id = None;
    let sent = with_captured_envelopes_options(options, || {
        logger_info!("outside");
        let transaction = start_transaction(TransactionContext::new("import", "task"));
        span_id = transaction.trace_context().span_id;
        configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        logger_info!("inside");
        transaction.finish();
    });
    let lines = lines(&sent);
    assert!(lines[0].trace_id.is_some());
    assert_eq!(lines[0].span_id, None);
    assert_eq!(lines[1].span_id, span_id);
    assert_ne!(lines[0].trace_id, lines[1].trace_id);
}

#[test]
fn lines_travel_a_hundred_at_a_time_and_the_rest_with_a_flush() {
    let sent = with_captured_envelopes_options(ClientOptions::new(), || {
        for n in 0..250 {
            logger_info!("{n}");
        }
        assert!(mini_sentry::flush(Duration::from_secs(30)));
        logger_info!("last");
    });
    let sizes: Vec<_> = batches(&sent).iter().map(|batch| batch.len()).collect();
    assert_eq!(sizes, [100, 100, 50, 1]);
    let wanted: Vec<_> = (0..250)
        .map(|n| n.to_string())
        .chain(["last".to_owned()])
        .collect();
    assert_eq!(bodies(&sent), wanted);
    let counts: Vec<_> = items(&sent).map(|item| item.header.item_count).collect();
    assert_eq!(counts, [Some(100), Some(100), Some(50), Some(1)]);
}

#[test]
fn the_callback_may_change_and_drop_lines_and_drops_are_counted() {
    let options = ClientOptions::new().before_send_log(|mut line| match line.body.as_deref() {
        Some("secret") => None,
        Some("bad") => panic!("expected"),
        _ => {
            line.attributes.insert("seen".to_owned(), true.into());
            Some(line)
        }
    });
    let sent = with_captured_envelopes_options(options, || {
        logger_info!("plain");
        logger_info!("secret");
        logger_info!("bad");
        logger_info!("secret");
    });
    assert_eq!(bodies(&sent), ["plain"]);
    assert_eq!(lines(&sent)[0].attributes["seen"].value, Some(true.into()));
    let wanted = lost([
        ("log_item/before_send", 2),
        ("log_item/internal_sdk_error", 1),
    ]);
    assert_eq!(losses(&sent), wanted);
}

#[test]
fn a_callback_that_logs_does_not_go_round_for_ever() {
    let options = ClientOptions::new().before_send_log(|line| {
        logger_info!("from the callback");
        Some(line)
    });
    let sent = with_captured_envelopes_options(options, || logger_info!("plain"));
    assert_eq!(bodies(&sent), ["from the callback", "plain"]);
}

#[test]
fn with_logs_off_nothing_is_sent_and_nothing_counts_as_lost() {
    let options = ClientOptions::new().enable_logs(false);
    let sent = with_captured_envelopes_options(options, || {
        logger_info!("nobody reads this");
        mini_sentry::capture_message("an event", mini_sentry::Level::Info);
    });
    assert!(lines(&sent).is_empty());
    assert_eq!(losses(&sent), Losses::new());
}
