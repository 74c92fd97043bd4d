//! `init` and the end: what is on, what is off, and what the guard does.

use std::sync::Arc;
use std::time::Instant;

use mini_sentry::envelope::Payload;
use mini_sentry::protocol::SessionStatus;
use mini_sentry::test::TestTransport;
use mini_sentry::transport::{Transport, TransportOptions};
use mini_sentry::{
    Breadcrumb, ClientOptions, Hub, Level, add_breadcrumb, capture_message, close, flush,
    is_enabled, set_tag,
};

use super::stage::{DSN, PATIENCE, client, hub, in_own_process, items, messages};

fn kept_by(transport: &TestTransport) -> ClientOptions {
    let transport = transport.clone();
    let factory = move |_: &TransportOptions| Arc::new(transport.clone()) as Arc<dyn Transport>;
    ClientOptions::new()
        .default_integrations(false)
        .transport(factory)
}

/// Threads of this process that are ours.
fn own_threads() -> usize {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return 0;
    };
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("mini-sentry")).count()
}

#[test]
fn after_closing_nothing_is_captured_and_nothing_hangs() {
    let transport = TestTransport::default();
    let client = client(ClientOptions::new(), transport.clone());
    Hub::run(hub(&client), || {
        assert!(!capture_message("before", Level::Info).is_nil());
        assert!(close(PATIENCE));
        assert!(!is_enabled());
        assert!(capture_message("after", Level::Info).is_nil());
        mini_sentry::logger_info!("after");
        mini_sentry::capture_user_report(mini_sentry::protocol::UserReport::default());
        assert!(flush(PATIENCE));
        assert!(close(PATIENCE));
    });
    assert_eq!(messages(&transport.take()), ["before"]);
}

#[test]
fn the_guard_sends_what_waits_and_turns_the_sdk_off() {
    in_own_process(
        "client::ending::the_guard_sends_what_waits_and_turns_the_sdk_off",
        || {
            let transport = TestTransport::default();
            let guard = mini_sentry::init((DSN, kept_by(&transport)));
            assert!(guard.is_enabled() && is_enabled());
            let wanted = usize::from(cfg!(all(target_os = "linux", feature = "worker")));
            let begin = Instant::now();
            // A thread takes its name only when it runs.
            while own_threads() < wanted && begin.elapsed() < PATIENCE {
                std::thread::yield_now();
            }
            assert_eq!(own_threads(), wanted);
            for n in 0..100 {
                capture_message(&n.to_string(), Level::Info);
            }
            drop(guard);
            assert_eq!(transport.take().len(), 100);
            assert!(!is_enabled());
            assert!(capture_message("after", Level::Info).is_nil());
        },
    );
}

#[test]
fn a_dsn_that_cannot_be_read_turns_the_sdk_off_without_a_panic() {
    in_own_process(
        "client::ending::a_dsn_that_cannot_be_read_turns_the_sdk_off_without_a_panic",
        || {
            let transport = TestTransport::default();
            for dsn in [
                "no dsn",
                "http://",
                "http://@localhost/1",
                "ftp://key@localhost/1",
            ] {
                let guard = mini_sentry::init((dsn, kept_by(&transport)));
                assert!(!guard.is_enabled() && !is_enabled(), "{dsn}");
                assert!(capture_message("nobody", Level::Info).is_nil());
            }
            assert!(transport.take().is_empty());
        },
    );
}

#[test]
fn without_a_dsn_nothing_happens_and_no_thread_is_started() {
    in_own_process(
        "client::ending::without_a_dsn_nothing_happens_and_no_thread_is_started",
        || {
            let transport = TestTransport::default();
            assert!(capture_message("before init", Level::Info).is_nil());
            let guard = mini_sentry::init(kept_by(&transport));
            assert!(!guard.is_enabled());
            assert!(capture_message("nobody", Level::Info).is_nil());
            assert!(mini_sentry::capture_error(&std::fmt::Error).is_nil());
            assert_eq!(mini_sentry::last_event_id(), None);
            set_tag("tag", 1);
            add_breadcrumb(Breadcrumb::default());
            mini_sentry::start_session();
            mini_sentry::end_session();
            assert!(mini_sentry::trace_headers().is_empty());
            assert_eq!(mini_sentry::monitor("job", None, || Ok::<_, ()>(1)), Ok(1));
            assert_eq!(mini_sentry::with_scope(|_| {}, || 7), 7);
            assert!(flush(PATIENCE));
            assert_eq!(own_threads(), 0);
            drop(guard);
            assert!(transport.take().is_empty());
        },
    );
}

#[test]
fn a_session_of_the_program_lasts_from_init_to_the_guards_end() {
    in_own_process(
        "client::ending::a_session_of_the_program_lasts_from_init_to_the_guards_end",
        || {
            let transport = TestTransport::default();
            let options = kept_by(&transport)
                .release("shop@1")
                .auto_session_tracking(true);
            let guard = mini_sentry::init((DSN, options));
            std::thread::spawn(|| mini_sentry::capture_error(&std::fmt::Error))
                .join()
                .unwrap();
            drop(guard);
            let sent = transport.take();
            let course: Vec<_> = items(&sent)
                .filter_map(|item| match &item.payload {
                    Payload::Session(update) => Some((update.status.clone()?, update.errors?)),
                    _ => None,
                })
                .collect();
            let wanted = [
                (SessionStatus::Ok, 0),
                (SessionStatus::Ok, 1),
                (SessionStatus::Exited, 1),
            ];
            assert_eq!(course, wanted);
        },
    );
}

#[test]
fn a_second_init_takes_over_from_the_first() {
    in_own_process(
        "client::ending::a_second_init_takes_over_from_the_first",
        || {
            let transports = [TestTransport::default(), TestTransport::default()];
            let first = mini_sentry::init((DSN, kept_by(&transports[0])));
            capture_message("one", Level::Info);
            let second = mini_sentry::init((DSN, kept_by(&transports[1])));
            capture_message("two", Level::Info);
            drop(first);
            assert!(is_enabled());
            capture_message("three", Level::Info);
            std::thread::spawn(|| capture_message("four", Level::Info))
                .join()
                .unwrap();
            drop(second);
            assert_eq!(messages(&transports[0].take()), ["one"]);
            assert_eq!(messages(&transports[1].take()), ["two", "three", "four"]);
        },
    );
}
