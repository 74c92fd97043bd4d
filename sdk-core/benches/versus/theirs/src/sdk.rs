//! The calls in which the two crates differ, for the `sentry` crate.

use std::error::Error;
use std::time::Duration;

use sentry::{Breadcrumb, ClientInitGuard, ClientOptions, Level};

pub fn start(dsn: &str, attach_stacktrace: bool) -> ClientInitGuard {
    sentry::init(
        ClientOptions::new()
            .dsn(dsn)
            .attach_stacktrace(attach_stacktrace),
    )
}

pub fn flush(guard: &ClientInitGuard) -> Result<(), Box<dyn Error>> {
    let flushed = guard.flush(Some(Duration::from_secs(60)));
    flushed.then_some(()).ok_or_else(|| "not flushed".into())
}

pub fn capture_error(error: &(impl Error + ?Sized)) {
    sentry::capture_error(error);
}

pub fn capture_message(text: &str) {
    sentry::capture_message(text, Level::Info);
}

pub fn add_breadcrumb(category: &'static str, message: impl Into<String>) {
    sentry::add_breadcrumb(Breadcrumb {
        category: Some(category.into()),
        message: Some(message.into()),
        ..Breadcrumb::default()
    });
}

pub fn clear_breadcrumbs() {
    sentry::configure_scope(|scope| scope.clear_breadcrumbs());
}
