//! One request that the program makes, and its answer.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Request, Response, Url};

use crate::client::{ClientOptions, Hub, Span};
use crate::protocol::{Breadcrumb, Level, Object, SpanStatus};

/// A request that is on its way.
#[derive(Debug)]
pub(super) struct Exchange {
    hub: Arc<Hub>,
    method: String,
    address: String,
    span: Option<Span>,
}

impl Exchange {
    /// Begins to measure a request, and adds the trace to it. `None` while the SDK is off.
    pub(super) fn begin(request: &mut Request) -> Option<Self> {
        Hub::with_active(|hub| {
            let client = hub.client().filter(|client| client.is_enabled())?;
            let method = request.method().to_string();
            let address = address(request.url());
            let scope = hub.scope();
            let span = scope.span().map(|parent| {
                let span = parent.start_child("http.client", &format!("{method} {address}"));
                span.set_data("http.request.method", method.as_str());
                span.set_data("url", address.as_str());
                span.set_data(
                    "server.address",
                    request.url().host_str().unwrap_or_default(),
                );
                span
            });
            if is_target(&address, client.options()) && !has_trace(request) {
                let headers = span
                    .as_ref()
                    .map_or_else(|| scope.trace_headers(), Span::headers);
                add(request.headers_mut(), headers);
            }
            Some(Self {
                hub: Arc::clone(hub),
                method,
                address,
                span,
            })
        })
    }

    /// The answer came, or it will not.
    pub(super) fn end<E>(mut self, result: &Result<Response, E>) {
        let status = result
            .as_ref()
            .ok()
            .map(|response| response.status().as_u16());
        if let Some(span) = self.span.take() {
            match status {
                Some(status) => {
                    span.set_data("http.response.status_code", status);
                    span.set_status(SpanStatus::from_http(status));
                }
                None => span.set_status(SpanStatus::InternalError),
            }
            span.finish();
        }
        let mut data = Object::new();
        data.insert("method".to_owned(), std::mem::take(&mut self.method).into());
        data.insert("url".to_owned(), std::mem::take(&mut self.address).into());
        if let Some(status) = status {
            data.insert("status_code".to_owned(), status.into());
        }
        self.hub.add_breadcrumb(Breadcrumb {
            ty: Some("http".into()),
            category: Some("http".into()),
            level: Some(match status {
                Some(400..=499) => Level::Warning,
                Some(500..) | None => Level::Error,
                Some(_) => Level::Info,
            }),
            data,
            ..Breadcrumb::default()
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // Still here when nobody waits for the answer any more.
        if let Some(span) = self.span.take() {
            span.set_status(SpanStatus::Cancelled);
            span.finish();
        }
    }
}

/// The trace for a request, where it is one that gets it. `None` stands for a request that cannot
/// be looked at beforehand.
pub(super) fn trace_headers(request: Option<&Request>) -> Vec<(&'static str, String)> {
    Hub::with_active(|hub| {
        let Some(client) = hub.client().filter(|client| client.is_enabled()) else {
            return Vec::new();
        };
        let address = request.map(|request| address(request.url()));
        let is_target = is_target(&address.unwrap_or_default(), client.options());
        if is_target && !request.is_some_and(has_trace) {
            hub.scope().trace_headers()
        } else {
            Vec::new()
        }
    })
}

/// True for addresses that may get the trace.
fn is_target(address: &str, options: &ClientOptions) -> bool {
    let targets = &options.trace_propagation_targets;
    targets.is_empty()
        || targets
            .iter()
            .any(|target| address.contains(target.as_str()))
}

/// An address without query, user and password.
fn address(url: &Url) -> String {
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!(
        "{}://{}{port}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )
}

/// True where the program added a trace itself.
fn has_trace(request: &Request) -> bool {
    request.headers().contains_key("sentry-trace")
}

/// Adds headers; baggage of others goes along.
fn add(headers: &mut HeaderMap, trace: Vec<(&'static str, String)>) {
    for (name, value) in trace {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
}
