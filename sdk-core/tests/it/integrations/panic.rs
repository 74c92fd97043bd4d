//! Panics become events. The hook belongs to the whole process, so each case runs in its own.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "panics are what is tested"
)]

use std::io::Write as _;
use std::panic;
use std::process::{Command, Output};
use std::sync::Arc;

use mini_sentry::integrations::backtrace::BacktraceIntegration;
use mini_sentry::integrations::panic::{PanicIntegration, event_from_panic};
use mini_sentry::protocol::{Event, SessionStatus};
use mini_sentry::test::with_captured_envelopes_options;
use mini_sentry::{ClientOptions, Hub, Level};

/// Which case a child runs; set only in children.
const CASE: &str = "MINI_SENTRY_TEST_PANIC_CASE";
/// Stands before each event that a child prints.
const MARK: &str = "event: ";

/// Runs a case in a child, and returns what it printed.
fn child(case: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "integrations::panic::a_case_for_a_child",
            "--nocapture",
        ])
        .env(CASE, case)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap()
}

fn events(output: &Output) -> Vec<Event> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .filter_map(|line| line.split_once(MARK))
        .map(|(_, json)| serde_json::from_str(json).unwrap())
        .collect()
}

#[test]
fn a_case_for_a_child() {
    let Ok(case) = std::env::var(CASE) else {
        return;
    };
    let panics = PanicIntegration::new().add_extractor(|info| {
        let number = info.payload().downcast_ref::<u32>()?;
        Some(event_from_panic(info, &format!("number {number}")))
    });
    let options = ClientOptions::new()
        .release("app@1.0.0")
        .auto_session_tracking(true)
        .add_integration(BacktraceIntegration::new())
        .add_integration(panics)
        .before_send(|event| {
            assert!(event.logger.as_deref() != Some("panics in the callback"));
            Some(event)
        });
    let envelopes = with_captured_envelopes_options(options, || run(&case));
    let mut out = std::io::stdout().lock();
    for envelope in &envelopes {
        if let Some(event) = envelope.event() {
            let json = serde_json::to_string(event).unwrap();
            writeln!(out, "\n{MARK}{json}").unwrap();
        }
        for item in &envelope.items {
            if let mini_sentry::envelope::Payload::Session(session) = &item.payload {
                writeln!(out, "\nsession: {}", session.status.as_ref().unwrap()).unwrap();
            }
        }
    }
}

fn run(case: &str) {
    match case {
        "message" => in_thread(panics_with_a_message),
        "unwrap" => in_thread(|| {
            let nothing: Option<u8> = std::hint::black_box(None);
            nothing.unwrap();
        }),
        "index" => in_thread(|| {
            let index = std::hint::black_box(7);
            let _ = [1, 2, 3].as_slice()[index];
        }),
        "value" => in_thread(|| panic::panic_any(7_u32)),
        "unknown value" => in_thread(|| panic::panic_any('x')),
        "session" => {
            mini_sentry::start_session();
            let hub = Hub::current();
            let caught = panic::catch_unwind(move || Hub::run(hub, panics_with_a_message));
            assert!(caught.is_err());
            mini_sentry::end_session_with_status(SessionStatus::Exited);
        }
        "again" => {
            for _ in 0..3 {
                assert!(panic::catch_unwind(panics_with_a_message).is_err());
            }
        }
        "setup again" => {
            PanicIntegration::new_hook_again();
            in_thread(panics_with_a_message);
        }
        "callback" => {
            mini_sentry::capture_event(Event {
                logger: Some("panics in the callback".to_owned()),
                ..Event::default()
            });
        }
        other => panic!("no case {other}"),
    }
}

/// Installs integrations a second time, as a second client does.
trait Again {
    fn new_hook_again();
}

impl Again for PanicIntegration {
    fn new_hook_again() {
        let options = ClientOptions::new().add_integration(Self::new());
        let _ = with_captured_envelopes_options(options, || {});
    }
}

fn in_thread(run: impl FnOnce() + Send + 'static) {
    let hub = Arc::new(Hub::new_from_top(Hub::current()));
    let thread = std::thread::Builder::new().name("cook".to_owned());
    let thread = thread.spawn(|| Hub::run(hub, run)).unwrap();
    assert!(thread.join().is_err());
}

#[inline(never)]
fn panics_with_a_message() {
    let article = std::hint::black_box("tea");
    panic!("no {article} left");
}

fn only_event(case: &str) -> (Event, Output) {
    let output = child(case);
    let mut events = events(&output);
    assert_eq!(events.len(), 1, "{case} {output:?}");
    (events.remove(0), output)
}

#[test]
fn a_panic_is_a_fatal_event_that_nobody_handled() {
    let (event, output) = only_event("message");
    assert_eq!(event.level, Some(Level::Fatal));
    let exception = event.exception.last().unwrap();
    assert_eq!(exception.ty.as_deref(), Some("panic"));
    assert_eq!(exception.value.as_deref(), Some("no tea left"));
    let mechanism = exception.mechanism.as_ref().unwrap();
    assert_eq!(mechanism.ty.as_deref(), Some("panic"));
    assert_eq!(mechanism.handled, Some(false));
    let place = mechanism
        .data
        .get("location")
        .and_then(|it| it.as_str())
        .unwrap();
    assert!(place.contains("integrations/panic.rs:"), "{place}");
    let thread = event.threads.last().unwrap();
    assert_eq!(thread.name.as_deref(), Some("cook"));
    assert_eq!(thread.crashed, Some(true));
    // The hook that was there before still prints.
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains("no tea left"), "{printed}");
}

#[test]
fn the_last_frame_is_the_one_that_panicked() {
    for (case, function) in [
        ("message", "panics_with_a_message"),
        ("unwrap", "closure"),
        ("index", "closure"),
    ] {
        let (event, _) = only_event(case);
        let stack = event.exception.last().unwrap().stacktrace.clone().unwrap();
        let last = stack.frames.last().unwrap();
        let names: Vec<_> = stack
            .frames
            .iter()
            .map(|it| it.function.as_deref())
            .collect();
        assert!(
            last.function.as_deref().unwrap().contains(function),
            "{case} {names:?}"
        );
        assert_eq!(last.in_app, Some(true), "{case}");
        assert_eq!(
            last.filename.as_deref(),
            Some("sdk-core/tests/it/integrations/panic.rs")
        );
    }
}

#[test]
fn values_that_are_no_text_are_read_by_extractors() {
    let (event, _) = only_event("value");
    assert_eq!(
        event.exception.last().unwrap().value.as_deref(),
        Some("number 7")
    );
    let (event, _) = only_event("unknown value");
    let value = event.exception.last().unwrap().value.clone().unwrap();
    assert_eq!(value, "a value that is no text");
}

#[test]
fn a_panic_makes_the_session_a_crashed_one() {
    let (_, output) = only_event("session");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let sessions: Vec<_> = text
        .lines()
        .filter_map(|it| it.strip_prefix("session: "))
        .collect();
    assert_eq!(sessions, ["ok", "crashed", "crashed"], "{text}");
}

#[test]
fn panics_that_are_caught_are_captured_each() {
    assert_eq!(events(&child("again")).len(), 3);
}

#[test]
fn two_clients_share_one_hook() {
    only_event("setup again");
}

#[test]
fn a_panic_on_the_sdks_own_thread_is_not_captured() {
    let output = child("callback");
    assert!(events(&output).is_empty(), "{output:?}");
    assert!(output.status.success(), "{output:?}");
}
