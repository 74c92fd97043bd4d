//! Errors of `anyhow`.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::process::Command;

use anyhow::Context as _;
use mini_sentry::protocol::Event;
use mini_sentry::test::with_captured_events;
use mini_sentry::{Level, capture_anyhow};

/// Set only in the child of a test.
const CHILD: &str = "MINI_SENTRY_TEST_ANYHOW_CHILD";

#[inline(never)]
fn fails() -> anyhow::Result<i32> {
    let number = "x".parse::<i32>();
    number.context("the number of articles cannot be read")
}

fn captured() -> Event {
    let mut events = with_captured_events(|| {
        let id = capture_anyhow(&fails().unwrap_err());
        assert!(!id.is_nil());
    });
    assert_eq!(events.len(), 1);
    events.remove(0)
}

#[test]
fn the_causes_are_exceptions_and_the_outermost_comes_last() {
    let event = captured();
    let values: Vec<_> = event
        .exception
        .iter()
        .map(|it| it.value.as_deref().unwrap())
        .collect();
    assert_eq!(
        values,
        [
            "invalid digit found in string",
            "the number of articles cannot be read"
        ]
    );
    assert_eq!(event.exception[0].ty.as_deref(), Some("ParseIntError"));
    assert_eq!(event.level, Some(Level::Error));
}

#[test]
fn the_stack_is_that_of_the_place_where_the_error_was_made() {
    if std::env::var_os(CHILD).is_some() {
        let event = captured();
        let stack = event.exception.last().unwrap().stacktrace.as_ref().unwrap();
        let last = stack.frames.last().unwrap();
        let names: Vec<_> = stack
            .frames
            .iter()
            .map(|it| it.function.as_deref())
            .collect();
        assert!(
            last.function.as_deref().unwrap().ends_with("anyhow::fails"),
            "{names:?}"
        );
        assert_eq!(last.in_app, Some(true));
        assert!(last.lineno.is_some());
        assert!(
            last.filename
                .as_deref()
                .unwrap()
                .ends_with("tests/it/integrations/anyhow.rs")
        );
        return;
    }
    let name = "integrations::anyhow::the_stack_is_that_of_the_place_where_the_error_was_made";
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(CHILD, "1")
        .env("RUST_LIB_BACKTRACE", "1")
        .status();
    assert!(status.unwrap().success());
}
