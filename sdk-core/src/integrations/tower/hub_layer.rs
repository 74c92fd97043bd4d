//! A hub for each call.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::future::HubFuture;
use crate::client::Hub;

/// Gives each call of a service a hub of its own, which starts with what the current one knows.
///
/// ```
/// use mini_sentry::integrations::tower::NewHubLayer;
/// let service = tower::ServiceBuilder::new()
///     .layer(NewHubLayer::new())
///     .service_fn(async |name: String| {
///         mini_sentry::set_tag("name", &name);
///         Ok::<_, std::convert::Infallible>(name.len())
///     });
/// # let _ = service;
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NewHubLayer;

impl NewHubLayer {
    /// The layer.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for NewHubLayer {
    type Service = NewHub<S>;

    fn layer(&self, inner: S) -> NewHub<S> {
        NewHub { inner }
    }
}

/// A service whose calls have hubs of their own. Made by [`NewHubLayer`].
#[derive(Clone, Debug)]
pub struct NewHub<S> {
    inner: S,
}

impl<S: Service<R>, R> Service<R> for NewHub<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = HubFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let hub = Hub::with_active(|hub| Some(Arc::new(Hub::new_from_top(hub))));
        let future = match &hub {
            Some(hub) => Hub::run(Arc::clone(hub), || self.inner.call(request)),
            None => self.inner.call(request),
        };
        HubFuture::new(hub, future)
    }
}
