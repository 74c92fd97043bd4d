//! When a stack is taken, and when not.

use mini_sentry::integrations::backtrace::BacktraceIntegration;
use mini_sentry::protocol::{Event, Exception, Stacktrace};
use mini_sentry::test::with_captured_envelopes_options;
use mini_sentry::{ClientOptions, Level, capture_event, capture_message};

use super::stage::{events, only_event};

#[test]
fn a_stack_is_taken_only_when_it_is_asked_for() {
    let capture = |options: ClientOptions| {
        with_captured_envelopes_options(options, || {
            capture_message("here", Level::Info);
        })
    };
    let without = capture(ClientOptions::new());
    assert!(only_event(&without).threads.is_empty());
    let with = capture(
        ClientOptions::new()
            .attach_stacktrace(true)
            .add_integration(BacktraceIntegration::new()),
    );
    let thread = &only_event(&with).threads[0];
    assert_eq!(thread.current, Some(true));
    assert!(!thread.stacktrace.as_ref().unwrap().frames.is_empty());
}

#[test]
fn a_stack_that_the_event_brings_is_left_alone() {
    let exception = Exception {
        ty: Some("Error".to_owned()),
        stacktrace: Some(Stacktrace::default()),
        ..Exception::default()
    };
    let options = ClientOptions::new()
        .attach_stacktrace(true)
        .add_integration(BacktraceIntegration::new());
    let sent = with_captured_envelopes_options(options, || {
        capture_event(Event {
            exception: vec![exception].into(),
            ..Event::default()
        });
    });
    let events = events(&sent);
    assert!(events[0].threads.is_empty());
}
