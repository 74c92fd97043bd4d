//! A hub, a transaction and a session for each HTTP request.

use std::fmt::{self, Debug, Display};
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::exchange::Exchange;
use super::future::HttpFuture;
use super::request::RequestHead;
use crate::client::Hub;

/// Tells something of a request.
type Tell<T> = Arc<dyn Fn(&RequestHead<'_>) -> Option<T> + Send + Sync>;

/// How requests are treated.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) name: Option<Tell<String>>,
    pub(super) remote: Option<Tell<IpAddr>>,
    pub(super) capture_server_errors: bool,
    pub(super) capture_service_errors: bool,
}

impl Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("capture_server_errors", &self.capture_server_errors)
            .field("capture_service_errors", &self.capture_service_errors)
            .finish_non_exhaustive()
    }
}

/// Reports what happens in the requests of an HTTP service. See the [module](super) for what.
///
/// ```
/// use mini_sentry::integrations::tower::HttpLayer;
/// let layer = HttpLayer::new()
///     .name_by(|head| Some(format!("{} /files", head.method)))
///     .capture_server_errors(false);
/// # let _ = layer;
/// ```
#[derive(Clone, Debug)]
pub struct HttpLayer {
    config: Config,
}

impl HttpLayer {
    /// The layer with its defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            config: Config {
                name: None,
                remote: None,
                capture_server_errors: true,
                capture_service_errors: true,
            },
        }
    }

    /// Names requests; what it leaves open is named by route or path.
    #[must_use]
    pub fn name_by(
        mut self,
        name: impl Fn(&RequestHead<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.config.name = Some(Arc::new(name));
        self
    }

    /// Tells who calls. It is asked only when `send_default_pii` is on.
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use axum::extract::ConnectInfo;
    /// use mini_sentry::integrations::tower::HttpLayer;
    /// let layer = HttpLayer::new().remote_by(|head| {
    ///     let caller = head.extensions.get::<ConnectInfo<SocketAddr>>()?;
    ///     Some(caller.0.ip())
    /// });
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn remote_by(
        mut self,
        remote: impl Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.config.remote = Some(Arc::new(remote));
        self
    }

    /// Says whether answers of 500 and above are captured; they are unless told otherwise.
    #[must_use]
    pub const fn capture_server_errors(mut self, capture: bool) -> Self {
        self.config.capture_server_errors = capture;
        self
    }

    /// Says whether errors of the service are captured; they are unless told otherwise.
    #[must_use]
    pub const fn capture_service_errors(mut self, capture: bool) -> Self {
        self.config.capture_service_errors = capture;
        self
    }
}

impl Default for HttpLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for HttpLayer {
    type Service = Http<S>;

    fn layer(&self, inner: S) -> Http<S> {
        Http {
            inner,
            config: Arc::new(self.config.clone()),
        }
    }
}

/// A service whose requests are reported. Made by [`HttpLayer`].
#[derive(Clone, Debug)]
pub struct Http<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S, B, R> Service<http::Request<B>> for Http<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Error: Display + Debug + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = HttpFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let begun = Hub::with_active(|current| {
            let hub = Arc::new(Hub::new_from_top(current));
            let exchange = Exchange::begin(&hub, &RequestHead::of(&request), &self.config)?;
            Some((hub, exchange))
        });
        let Some((hub, exchange)) = begun else {
            return HttpFuture::new(None, None, self.inner.call(request));
        };
        let future = Hub::run(Arc::clone(&hub), || self.inner.call(request));
        HttpFuture::new(Some(hub), Some(exchange), future)
    }
}
