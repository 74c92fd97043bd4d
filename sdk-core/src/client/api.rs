//! The functions that most programs need; each works on the current hub.

use std::time::Duration;

use crate::client::check_in;
use crate::client::hub::Hub;
use crate::client::scope::Scope;
use crate::client::session::Session;
use crate::client::trace::{Transaction, TransactionContext, TransactionOrSpan};
use crate::protocol::{
    Breadcrumb, CheckIn, Event, EventId, Feedback, Level, SessionStatus, UserReport,
};

pub use check_in::{JobResult, monitor, monitor_async};

/// Captures an event, and returns its id.
///
/// ```
/// use mini_sentry::protocol::{Event, Level};
/// mini_sentry::capture_event(Event::from_message("hello", Level::Info));
/// ```
pub fn capture_event(event: Event) -> EventId {
    Hub::with_active(|hub| hub.capture_event(event))
}

/// Captures a message, and returns its id.
///
/// ```
/// mini_sentry::capture_message("the cache is cold", mini_sentry::Level::Warning);
/// ```
pub fn capture_message(message: &str, level: Level) -> EventId {
    Hub::with_active(|hub| hub.capture_message(message, level))
}

/// Captures an error with its causes, and returns the event's id.
///
/// ```
/// if let Err(error) = "no number".parse::<i32>() {
///     mini_sentry::capture_error(&error);
/// }
/// ```
pub fn capture_error<E: std::error::Error + ?Sized>(error: &E) -> EventId {
    Hub::with_active(|hub| hub.capture_error(error))
}

/// Captures what a user said, and returns its id.
///
/// ```
/// use mini_sentry::protocol::Feedback;
/// mini_sentry::capture_feedback(Feedback {
///     message: Some("the button does nothing".into()),
///     associated_event_id: mini_sentry::last_event_id(),
///     ..Feedback::default()
/// });
/// ```
pub fn capture_feedback(feedback: Feedback) -> EventId {
    capture_event(feedback.into_event())
}

/// Sends what a user said about an event, in the form that older servers know.
pub fn capture_user_report(report: UserReport) {
    Hub::with_active(|hub| {
        if let Some(client) = hub.client() {
            client.send_envelope(report);
        }
    });
}

/// Sends a word from a scheduled job. See [`monitor`] for the usual way.
pub fn capture_check_in(check_in: CheckIn) -> EventId {
    Hub::with_active(|hub| {
        hub.client()
            .map(|client| check_in::send(&client, check_in))
            .unwrap_or_default()
    })
}

/// Adds a breadcrumb to the current scope.
///
/// ```
/// use mini_sentry::protocol::Breadcrumb;
/// mini_sentry::add_breadcrumb(Breadcrumb {
///     category: Some("cart".into()),
///     message: Some("item added".into()),
///     ..Breadcrumb::default()
/// });
/// ```
pub fn add_breadcrumb(breadcrumb: Breadcrumb) {
    Hub::add_breadcrumb_here(breadcrumb);
}

/// Changes the current scope. Does nothing while the SDK is off.
pub fn configure_scope(f: impl FnOnce(&mut Scope)) {
    Hub::with_active(|hub| hub.configure_scope(f));
}

/// Runs a function within a scope of its own.
///
/// ```
/// use mini_sentry::Level;
/// mini_sentry::with_scope(
///     |scope| scope.set_tag("step", "import"),
///     || mini_sentry::capture_message("row skipped", Level::Info),
/// );
/// ```
pub fn with_scope<R>(configure: impl FnOnce(&mut Scope), run: impl FnOnce() -> R) -> R {
    Hub::with(|hub| hub.with_scope(configure, run))
}

/// Sets a tag in the current scope.
pub fn set_tag(key: &str, value: impl std::fmt::Display) {
    Hub::with_active(|hub| {
        let value = value.to_string();
        hub.change_scope(|scope| scope.set_tag(key, value));
    });
}

/// Sets the user in the current scope.
pub fn set_user(user: Option<crate::protocol::User>) {
    Hub::with_active(|hub| hub.change_scope(|scope| scope.set_user(user)));
}

/// The id of the event that was captured last here.
#[must_use]
pub fn last_event_id() -> Option<EventId> {
    Hub::with(|hub| hub.last_event_id())
}

/// True while events are sent.
#[must_use]
pub fn is_enabled() -> bool {
    Hub::with_active(|hub| hub.client().is_some_and(|client| client.is_enabled()))
}

/// Waits until everything captured so far has left; false when the time ran out.
pub fn flush(timeout: Duration) -> bool {
    Hub::with(|hub| hub.client()).is_none_or(|client| client.flush(Some(timeout)))
}

/// Sends what waits, as far as the time allows, and turns the SDK off.
pub fn close(timeout: Duration) -> bool {
    Hub::with(|hub| hub.client()).is_none_or(|client| {
        Hub::forget_default_client(&client);
        client.close(Some(timeout))
    })
}

/// Starts a transaction. It is sent when it is finished.
///
/// ```
/// use mini_sentry::TransactionContext;
/// let transaction = mini_sentry::start_transaction(TransactionContext::new("import", "task"));
/// let span = transaction.start_child("db.query", "SELECT 1");
/// span.finish();
/// transaction.finish();
/// ```
#[must_use = "a transaction that is dropped is forgotten"]
pub fn start_transaction(context: TransactionContext) -> Transaction {
    Transaction::start(Hub::with_active(|hub| hub.client()), context)
}

/// Runs a function inside a span of the active one; without an active one it begins a transaction.
///
/// ```
/// let sum = mini_sentry::start_span("math", "add", || 1 + 2);
/// assert_eq!(sum, 3);
/// ```
pub fn start_span<R>(op: &str, name: &str, run: impl FnOnce() -> R) -> R {
    Hub::with(|hub| {
        let parent = hub.scope().span();
        let span: TransactionOrSpan = match &parent {
            Some(parent) => parent.start_child(op, name).into(),
            None => start_transaction(TransactionContext::new(name, op)).into(),
        };
        let active = span.clone();
        let result = hub.with_scope(|scope| scope.set_span(Some(active)), run);
        span.finish();
        result
    })
}

/// The headers that carry the current trace to another program.
#[must_use]
pub fn trace_headers() -> Vec<(&'static str, String)> {
    Hub::with_active(|hub| hub.scope().trace_headers())
}

/// Starts a session in the current scope; one that runs there ends first.
pub fn start_session() {
    Hub::with_active(|hub| hub.start_session());
}

/// Ends the session of the current scope.
pub fn end_session() {
    end_session_with_status(SessionStatus::Exited);
}

/// Ends the session of the current scope with a status.
pub fn end_session_with_status(status: SessionStatus) {
    Hub::with_active(|hub| hub.end_session(status));
}

impl Hub {
    /// Starts a session in the innermost scope; one that runs there ends first.
    pub fn start_session(&self) {
        self.end_session(SessionStatus::Exited);
        let (client, scope) = self.snapshot();
        let session = client.and_then(|client| Session::start(&client, scope.session_user()));
        self.configure_scope(|scope| scope.session = session);
    }

    /// Ends the session of the innermost scope.
    pub fn end_session(&self, status: SessionStatus) {
        let Some(client) = self.client() else { return };
        let session = self.configure_scope(|scope| scope.session.take());
        if let Some(session) = session {
            session.end(&client, status);
        }
    }
}
