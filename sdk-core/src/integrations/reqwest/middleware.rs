//! All requests of a client.

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use super::exchange::Exchange;

/// Lets the trace go along with all requests of a client, measures them, and leaves breadcrumbs.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TraceMiddleware;

impl TraceMiddleware {
    /// The middleware.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait::async_trait]
impl Middleware for TraceMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let exchange = Exchange::begin(&mut request);
        let result = next.run(request, extensions).await;
        if let Some(exchange) = exchange {
            exchange.end(&result);
        }
        result
    }
}
