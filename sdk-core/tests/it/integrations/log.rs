//! Records of the `log` crate.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::sync::{Arc, Mutex};

use log::{Level, Log, Metadata, Record};
use mini_sentry::envelope::Payload;
use mini_sentry::integrations::log::{EventFilter, Logger};
use mini_sentry::protocol::{Context, Event};
use mini_sentry::test::{with_captured_envelopes, with_captured_events};

/// Keeps the texts that it is given.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<String>>>);

impl Log for Memory {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

fn write(logger: &dyn Log, level: Level, text: &str) {
    logger.log(
        &Record::builder()
            .level(level)
            .target("app::mail")
            .module_path(Some("app::mail"))
            .file(Some("src/mail.rs"))
            .line(Some(7))
            .key_values(&[("to", "user-42"), ("tags.queue", "mails")])
            .args(format_args!("{text}"))
            .build(),
    );
}

fn object<'a>(event: &'a Event, name: &str) -> &'a mini_sentry::protocol::Object {
    let Some(Context::Other(object)) = event.contexts.get(name) else {
        unreachable!("no {name} in {:?}", event.contexts)
    };
    object
}

#[test]
fn errors_are_events_and_what_came_before_are_breadcrumbs() {
    let logger = Logger::new();
    let events = with_captured_events(|| {
        write(&logger, Level::Debug, "connected");
        write(&logger, Level::Info, "started");
        write(&logger, Level::Warn, "slow");
        write(&logger, Level::Error, "not sent");
    });
    let [event] = events.as_slice() else {
        unreachable!("one event: {events:?}")
    };
    assert_eq!(event.message.as_ref().unwrap().text(), "not sent");
    assert_eq!(event.level, Some(mini_sentry::Level::Error));
    assert_eq!(event.logger.as_deref(), Some("app::mail"));
    assert_eq!(event.tags.get("queue").map(String::as_str), Some("mails"));
    assert_eq!(
        object(event, "Rust Log Fields").get("to").unwrap(),
        "user-42"
    );
    assert!(!object(event, "Rust Log Fields").contains_key("tags.queue"));
    assert_eq!(object(event, "Rust Log Location").get("line").unwrap(), 7);
    let breadcrumbs: Vec<_> = event
        .breadcrumbs
        .iter()
        .map(|it| {
            (
                it.message.as_deref().unwrap(),
                it.category.as_deref().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        breadcrumbs,
        [("started", "app::mail"), ("slow", "app::mail")]
    );
}

#[test]
fn the_logger_behind_gets_what_it_wants_whatever_the_filter_says() {
    let memory = Memory::default();
    let logger = Logger::with_dest(memory.clone()).filter(|_| EventFilter::Ignore);
    let events = with_captured_events(|| {
        write(&logger, Level::Error, "one");
        write(&logger, Level::Info, "two");
        write(&logger, Level::Warn, "three");
    });
    assert!(events.is_empty());
    assert_eq!(*memory.0.lock().unwrap(), ["one", "three"]);
    let info = Metadata::builder().level(Level::Info).build();
    assert!(!logger.enabled(&info));
    assert!(Logger::new().enabled(&info));
}

#[test]
fn a_filter_may_ask_for_all_three() {
    let all = EventFilter::Event | EventFilter::Breadcrumb | EventFilter::Log;
    let logger = Logger::new().filter(move |_| all);
    let envelopes = with_captured_envelopes(|| {
        write(&logger, Level::Info, "first");
        write(&logger, Level::Info, "second");
    });
    let events: Vec<_> = envelopes.iter().filter_map(|it| it.event()).collect();
    assert_eq!(events.len(), 2);
    assert!(events[0].breadcrumbs.is_empty());
    assert_eq!(events[1].breadcrumbs.len(), 1);
    let logs: Vec<_> = envelopes
        .iter()
        .flat_map(|envelope| &envelope.items)
        .filter_map(|item| match &item.payload {
            Payload::Logs(logs) => Some(&logs.items),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(logs.len(), 2);
    assert_eq!(logs[0].body.as_deref(), Some("first"));
    let text = |key: &str| logs[0].attributes.get(key).unwrap().value.clone().unwrap();
    assert_eq!(text("to"), "user-42");
    assert_eq!(text("code.line.number"), 7);
    assert_eq!(text("sentry.origin"), "auto.log.log");
}

#[test]
fn a_record_written_while_one_is_reported_is_left_alone() {
    struct Noisy(Arc<Logger>);
    impl std::fmt::Display for Noisy {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write(&*self.0, Level::Error, "inner");
            f.write_str("outer")
        }
    }
    let logger = Arc::new(Logger::new());
    let noisy = Noisy(Arc::clone(&logger));
    let events = with_captured_events(|| {
        let arguments = format_args!("{noisy}").to_string();
        assert_eq!(arguments, "outer");
        logger.log(
            &Record::builder()
                .level(Level::Error)
                .args(format_args!("{noisy}"))
                .build(),
        );
    });
    let texts: Vec<_> = events
        .iter()
        .map(|it| it.message.as_ref().unwrap().text())
        .collect();
    assert_eq!(texts, ["inner", "outer"]);
}
