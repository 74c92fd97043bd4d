//! A hub for a future, whichever thread polls it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::client::hub::{Hub, SwitchGuard};

/// Gives futures a hub of their own.
///
/// ```
/// use mini_sentry::{FutureExt as _, Hub};
/// # async fn work() {}
/// # fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
/// let hub = Hub::new_from_top(Hub::current());
/// spawn(work().bind_hub(hub));
/// ```
pub trait FutureExt: Future + Sized {
    /// Makes the hub the current one whenever the future runs.
    fn bind_hub(self, hub: impl Into<Arc<Hub>>) -> WithHub<Self> {
        WithHub {
            hub: hub.into(),
            future: Some(Box::pin(self)),
        }
    }
}

impl<F: Future> FutureExt for F {}

/// A future with a hub of its own. Made by [`FutureExt::bind_hub`].
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct WithHub<F> {
    hub: Arc<Hub>,
    /// Taken out when it is dropped, under its own hub.
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for WithHub<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _guard = SwitchGuard::new(Arc::clone(&self.hub));
        match &mut self.future {
            Some(future) => future.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for WithHub<F> {
    fn drop(&mut self) {
        let _guard = SwitchGuard::new(Arc::clone(&self.hub));
        self.future = None;
    }
}
