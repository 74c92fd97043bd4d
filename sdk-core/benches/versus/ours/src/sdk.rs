//! The calls in which the two crates differ, for Mini Sentry.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use mini_sentry::{Breadcrumb, ClientGuard, ClientOptions, Level};

pub fn start(dsn: &str, attach_stacktrace: bool) -> ClientGuard {
    mini_sentry::init(
        ClientOptions::new()
            .dsn(dsn)
            .attach_stacktrace(attach_stacktrace),
    )
}

pub fn flush(guard: &ClientGuard) -> Result<(), Box<dyn Error>> {
    let flushed = guard.client().flush(Some(Duration::from_secs(60)));
    flushed.then_some(()).ok_or_else(|| "not flushed".into())
}

pub fn capture_error(error: &(impl Error + 'static)) {
    mini_sentry::capture_error(error);
}

pub fn capture_message(text: &str) {
    mini_sentry::capture_message(text, Level::Info);
}

pub fn add_breadcrumb(category: &'static str, message: impl Into<Cow<'static, str>>) {
    mini_sentry::add_breadcrumb(Breadcrumb {
        category: Some(category.into()),
        message: Some(message.into()),
        ..Breadcrumb::default()
    });
}

pub fn clear_breadcrumbs() {
    mini_sentry::configure_scope(|scope| scope.clear_breadcrumbs());
}
