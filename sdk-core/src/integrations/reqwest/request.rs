//! Single requests.

use std::future::Future;

use reqwest::{RequestBuilder, Response, Result};

use super::exchange::{Exchange, trace_headers};

/// Lets the trace go along with single requests.
pub trait RequestBuilderExt: Sized {
    /// Sends the request with the trace, measures it, and leaves a breadcrumb.
    fn send_traced(self) -> impl Future<Output = Result<Response>> + Send;

    /// Only adds the headers that carry the trace, for requests that are sent otherwise.
    ///
    /// ```no_run
    /// use mini_sentry::integrations::reqwest::RequestBuilderExt as _;
    /// let request = reqwest::Client::new().get("https://shop.example.com/").with_trace();
    /// # drop(request);
    /// ```
    #[must_use]
    fn with_trace(self) -> Self;
}

impl RequestBuilderExt for RequestBuilder {
    async fn send_traced(self) -> Result<Response> {
        let (client, request) = self.build_split();
        let mut request = request?;
        let exchange = Exchange::begin(&mut request);
        let result = client.execute(request).await;
        if let Some(exchange) = exchange {
            exchange.end(&result);
        }
        result
    }

    fn with_trace(self) -> Self {
        // Address and headers can only be read off a built request; one with a streaming body has no copy.
        let copy = self.try_clone().and_then(|copy| copy.build().ok());
        let headers = trace_headers(copy.as_ref());
        headers
            .into_iter()
            .fold(self, |builder, (name, value)| builder.header(name, value))
    }
}
