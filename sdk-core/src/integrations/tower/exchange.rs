//! One request and its answer.

use std::fmt::{Debug, Display};
use std::sync::Arc;

use http::StatusCode;

use super::future::boxed;
use super::http_layer::Config;
use super::request::RequestHead;
use super::route::route;
use crate::client::{
    Client, Hub, Rate, SessionMode, TraceHeaders, Transaction, TransactionContext, event_from_error,
};
use crate::protocol::{
    Event, Exception, Level, Mechanism, ResponseContext, SessionStatus, SpanStatus, User,
};

/// How the events of this layer came to be reported.
const MECHANISM: &str = "tower";

/// A request that is being served, with its hub as the current one.
#[derive(Debug)]
pub(super) struct Exchange {
    hub: Arc<Hub>,
    name: String,
    transaction: Option<Transaction>,
    has_session: bool,
    config: Arc<Config>,
}

impl Exchange {
    /// Says in the scope of a hub what is being served.
    pub(super) fn begin(
        hub: &Arc<Hub>,
        head: &RequestHead<'_>,
        config: &Arc<Config>,
    ) -> Option<Self> {
        let client = hub.client().filter(|client| client.is_enabled())?;
        let options = client.options();
        let (name, source) = name(head, config);
        let trace = TraceHeaders::from_headers(head.texts());
        let request = head.describe(options);
        let remote = config.remote.as_ref().filter(|_| options.send_default_pii);
        let remote = remote.and_then(|remote| remote(head));
        hub.configure_scope(|scope| {
            scope.continue_trace(&trace);
            scope.set_transaction(Some(&name));
            scope.set_request(Some(request));
            if let Some(remote) = remote
                && scope.user().is_none()
            {
                scope.set_user(Some(User {
                    ip_address: Some(remote.to_string()),
                    ..User::default()
                }));
            }
        });
        let transaction = is_traced(&client).then(|| {
            let mut context = TransactionContext::continue_from(&name, "http.server", &trace);
            context.set_source(source);
            let transaction = Transaction::start(Some(Arc::clone(&client)), context);
            transaction.set_data("http.request.method", head.method.as_str());
            transaction.set_data("url.path", head.uri.path());
            let span = transaction.clone().into();
            hub.configure_scope(|scope| scope.set_span(Some(span)));
            transaction
        });
        let has_session =
            options.auto_session_tracking && options.session_mode == SessionMode::Request;
        if has_session {
            hub.start_session();
        }
        Some(Self {
            hub: Arc::clone(hub),
            name,
            transaction,
            has_session,
            config: Arc::clone(config),
        })
    }

    /// The service answered.
    pub(super) fn answer(self, status: StatusCode) {
        if status.is_server_error()
            && self.config.capture_server_errors
            && self.hub.last_event_id().is_none()
        {
            let text = format!("{} was answered with {status}", self.name);
            let mut event = failure("ServerError", &text);
            let response = ResponseContext {
                status_code: Some(status.as_u16().into()),
                ..ResponseContext::default()
            };
            event
                .contexts
                .insert("response".to_owned(), response.into());
            self.hub.capture_event(event);
        }
        if let Some(transaction) = &self.transaction {
            transaction.set_data("http.response.status_code", status.as_u16());
        }
        self.end(SpanStatus::from_http(status.as_u16()));
    }

    /// The service failed.
    pub(super) fn fail<E: Display + Debug + 'static>(self, error: &E) {
        if self.config.capture_service_errors {
            let event = match boxed(error) {
                Some(error) => with_mechanism(event_from_error(error)),
                None => failure(type_name::<E>(), &error.to_string()),
            };
            self.hub.capture_event(event);
        }
        self.end(SpanStatus::InternalError);
    }

    /// Nobody waits for the answer any more, or the service panicked.
    pub(super) fn abandon(self) {
        self.end(if std::thread::panicking() {
            SpanStatus::InternalError
        } else {
            SpanStatus::Cancelled
        });
    }

    fn end(self, status: SpanStatus) {
        if let Some(transaction) = self.transaction {
            if transaction.status().is_none() {
                transaction.set_status(status);
            }
            transaction.finish();
        }
        if self.has_session {
            self.hub.end_session(SessionStatus::Exited);
        }
    }
}

/// True where transactions may be kept.
fn is_traced(client: &Client) -> bool {
    let options = client.options();
    options.traces_sampler.is_some() || options.traces_sample_rate != Rate::NONE
}

/// The request's name, and where it comes from.
fn name(head: &RequestHead<'_>, config: &Config) -> (String, &'static str) {
    if let Some(name) = config.name.as_ref().and_then(|name| name(head)) {
        return (name, "custom");
    }
    match route(head.extensions) {
        Some(route) => (format!("{} {route}", head.method), "route"),
        None => (format!("{} {}", head.method, head.uri.path()), "url"),
    }
}

/// A type's name without its path and parameters.
fn type_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}

fn failure(ty: &str, text: &str) -> Event {
    let exception = Exception {
        ty: Some(ty.to_owned()),
        value: Some(text.to_owned()),
        mechanism: Some(Mechanism {
            handled: Some(true),
            ..Mechanism::default()
        }),
        ..Exception::default()
    };
    with_mechanism(Event {
        exception: vec![exception].into(),
        level: Some(Level::Error),
        ..Event::default()
    })
}

fn with_mechanism(mut event: Event) -> Event {
    for exception in &mut event.exception.values {
        if let Some(mechanism) = &mut exception.mechanism {
            mechanism.ty = Some(MECHANISM.to_owned());
        }
    }
    event
}
