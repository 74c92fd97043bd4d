//! Futures with a hub: it is the current one while they run and while they are dropped.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::exchange::Exchange;
use crate::client::Hub;

pin_project! {
    /// The future of a call with a hub of its own. Made by [`NewHub`](super::NewHub).
    #[must_use = "futures do nothing unless they are awaited"]
    #[derive(Debug)]
    pub struct HubFuture<F> {
        hub: Option<Arc<Hub>>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for HubFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            within(this.hub.as_ref(), || this.future.set(None));
        }
    }
}

impl<F> HubFuture<F> {
    pub(super) const fn new(hub: Option<Arc<Hub>>, future: F) -> Self {
        Self {
            hub,
            future: Some(future),
        }
    }
}

impl<F: Future> Future for HubFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // The future is there until it is dropped.
        match this.future.as_pin_mut() {
            Some(future) => within(this.hub.as_ref(), || future.poll(context)),
            None => Poll::Pending,
        }
    }
}

pin_project! {
    /// The future of an HTTP request. Made by [`Http`](super::Http).
    #[must_use = "futures do nothing unless they are awaited"]
    #[derive(Debug)]
    pub struct HttpFuture<F> {
        hub: Option<Arc<Hub>>,
        exchange: Option<Exchange>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for HttpFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            within(this.hub.as_ref(), || {
                this.future.set(None);
                if let Some(exchange) = this.exchange.take() {
                    exchange.abandon();
                }
            });
        }
    }
}

impl<F> HttpFuture<F> {
    pub(super) const fn new(hub: Option<Arc<Hub>>, exchange: Option<Exchange>, future: F) -> Self {
        Self {
            hub,
            exchange,
            future: Some(future),
        }
    }
}

impl<F, B, E> Future for HttpFuture<F>
where
    F: Future<Output = Result<http::Response<B>, E>>,
    E: Display + Debug + 'static,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else {
            return Poll::Pending;
        };
        within(this.hub.as_ref(), || {
            let polled = future.poll(context);
            if let Poll::Ready(output) = &polled
                && let Some(exchange) = this.exchange.take()
            {
                match output {
                    Ok(response) => exchange.answer(response.status()),
                    Err(error) => exchange.fail(error),
                }
            }
            polled
        })
    }
}

fn within<R>(hub: Option<&Arc<Hub>>, run: impl FnOnce() -> R) -> R {
    match hub {
        Some(hub) => Hub::run(Arc::clone(hub), run),
        None => run(),
    }
}

/// The error in a box, where that is what a service fails with.
pub(super) fn boxed(error: &dyn std::any::Any) -> Option<&(dyn Error + 'static)> {
    let sendable = error.downcast_ref::<Box<dyn Error + Send + Sync>>();
    let sendable = sendable.map(|error| -> &(dyn Error + 'static) { &**error });
    sendable.or_else(|| error.downcast_ref::<Box<dyn Error>>().map(|error| &**error))
}
