//! Requests that a program makes with `reqwest`: the trace goes along, and they are measured.
//!
//! With the feature `reqwest-client`, single requests can be sent so:
//!
//! ```no_run
//! use mini_sentry::integrations::reqwest::RequestBuilderExt as _;
//!
//! # async fn ask() -> Result<(), reqwest::Error> {
//! let articles = reqwest::Client::new()
//!     .get("https://shop.example.com/articles")
//!     .send_traced()
//!     .await?;
//! # drop(articles);
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `reqwest-middleware`, all requests of a client of that crate are:
//!
//! ```no_run
//! # #[cfg(feature = "reqwest-middleware")] {
//! use mini_sentry::integrations::reqwest::TraceMiddleware;
//! let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
//!     .with(TraceMiddleware::new())
//!     .build();
//! # drop(client);
//! # }
//! ```
//!
//! Each request gets the headers `sentry-trace`, `traceparent` and `baggage`, when
//! `trace_propagation_targets` is empty or names a part of its address; a span `http.client`,
//! when one is active that it can be part of; and a breadcrumb, which names the address without
//! query, user and password.
//!
//! None of this makes the SDK itself send with `reqwest`; that is the feature `reqwest`.

mod exchange;
#[cfg(feature = "reqwest-middleware")]
mod middleware;
mod request;

#[cfg(feature = "reqwest-middleware")]
pub use middleware::TraceMiddleware;
pub use request::RequestBuilderExt;
