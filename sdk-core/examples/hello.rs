//! A tour of the SDK: one of everything that a program can report.
//!
//! `make run` starts this against a local sink, which prints what arrives. By itself it sends to
//! the DSN in `MINI_SENTRY_DSN` or `SENTRY_DSN`, and nowhere when there is none.

#![expect(clippy::print_stdout, reason = "the example says what it does")]

use std::num::ParseIntError;
use std::time::Duration;

use mini_sentry::protocol::{Breadcrumb, Feedback, MonitorConfig, User};
use mini_sentry::{ClientOptions, Level, logger_info};

fn main() {
    // Sends what still waits when it is dropped, so it lives as long as `main`.
    let guard = mini_sentry::init(
        ClientOptions::new()
            .release(concat!("hello@", env!("CARGO_PKG_VERSION")))
            .environment("demo")
            .attach_stacktrace(true)
            .traces_sample_rate(1.0)
            .auto_session_tracking(true),
    );
    println!("hello: a session begins with `init`");

    describe_the_surroundings();
    report_a_message();
    report_an_error();
    measure_an_import();
    write_a_log_line();
    run_a_scheduled_job();
    panic_in_a_thread();

    let all_left = mini_sentry::flush(Duration::from_secs(5));
    if !guard.is_enabled() {
        println!("hello: no DSN is set, so all of that was left out and nothing was sent");
        println!("hello: set MINI_SENTRY_DSN, or let `make run` start a sink and set it");
    } else if all_left {
        println!("hello: everything has left; the session ends with the guard");
    } else {
        println!("hello: the server does not answer, so some of it still waits");
    }
}

/// What every later event carries, and what came before it.
fn describe_the_surroundings() {
    mini_sentry::configure_scope(|scope| {
        scope.set_tag("region", "eu-1");
        scope.set_user(Some(User {
            id: Some("user-42".into()),
            ..User::default()
        }));
        scope.set_extra("basket", vec!["pear", "plum"]);
        // Everything that leaves is scrubbed: this arrives as `[Filtered]`.
        scope.set_extra("api_key", "0123456789abcdef");
    });
    mini_sentry::add_breadcrumb(Breadcrumb {
        category: Some("basket".into()),
        message: Some("plum added".into()),
        ..Breadcrumb::default()
    });
}

fn report_a_message() {
    println!("hello: a message, with a tag of its own");
    mini_sentry::with_scope(
        |scope| scope.set_tag("step", "opening"),
        || mini_sentry::capture_message("the shop is open", Level::Info),
    );
}

#[derive(Debug, thiserror::Error)]
#[error("price '{text}' cannot be used")]
struct PriceError {
    text: String,
    source: ParseIntError,
}

fn read_price(text: &str) -> Result<u32, PriceError> {
    text.parse().map_err(|source| PriceError {
        text: text.to_owned(),
        source,
    })
}

fn report_an_error() {
    if let Err(error) = read_price("12 pears") {
        println!("hello: an error with its cause and stack");
        let id = mini_sentry::capture_error(&error);
        println!("hello: what a user says about it");
        mini_sentry::capture_feedback(Feedback {
            message: Some("I cannot buy pears".into()),
            associated_event_id: Some(id),
            ..Feedback::default()
        });
    }
}

fn measure_an_import() {
    println!("hello: a transaction with two spans");
    mini_sentry::start_span("task", "import prices", || {
        let rows = mini_sentry::start_span("file.read", "prices.csv", || vec!["3", "5", "8"]);
        mini_sentry::start_span("parse", "3 rows", || {
            rows.iter()
                .filter_map(|row| read_price(row).ok())
                .sum::<u32>()
        })
    });
}

fn write_a_log_line() {
    println!("hello: a log line with attributes");
    logger_info!(order.id = 1047, order.paid = true, "order {} is paid", 1047);
}

fn run_a_scheduled_job() {
    println!("hello: two check-ins of a scheduled job: begun, done");
    mini_sentry::monitor(
        "nightly-clean-up",
        Some(MonitorConfig::crontab("0 3 * * *")),
        || {},
    );
}

#[expect(clippy::panic, reason = "to show what becomes of it")]
fn panic_in_a_thread() {
    println!("hello: a panic in a thread; the session counts as crashed");
    let thread = std::thread::Builder::new().name("checkout".to_owned());
    if let Ok(handle) = thread.spawn(|| panic!("the till is stuck")) {
        // The panic was reported by the SDK and printed by the standard library.
        let _ = handle.join();
    }
}
