//! Layers for `tower` services, and so for axum, hyper and tonic servers.
//!
//! [`HttpLayer`] gives every request a hub of its own, so that tags, users and breadcrumbs of one
//! request stay out of the others; says on events which request was served; goes on with the
//! trace that its headers name; measures it as a transaction, where traces are on; captures
//! answers of 500 and above and errors of the service; and counts it as a session, where
//! `session_mode` says so.
//!
//! ```
//! use mini_sentry::integrations::tower::HttpLayer;
//! use mini_sentry::{ClientOptions, SessionMode};
//!
//! let _guard = mini_sentry::init(
//!     ClientOptions::new()
//!         .release("shop@1.2.3")
//!         .traces_sample_rate(0.1)
//!         .auto_session_tracking(true)
//!         .session_mode(SessionMode::Request),
//! );
//! let app: axum::Router = axum::Router::new()
//!     .route("/articles/{id}", axum::routing::get(|| async { "tea" }))
//!     .layer(HttpLayer::new());
//! # let _ = app;
//! ```
//!
//! A request is named after its method and its route: with the feature `axum`, `GET
//! /articles/{id}`. Without it, and where no route is known, its path has to do; or
//! [`HttpLayer::name_by`] tells the name.
//!
//! What tells who a user is, such as addresses, cookies and credentials, is left out unless
//! `send_default_pii` is on. Bodies are never read.
//!
//! An answer of 500 and above is not reported again when the request has captured an event
//! already, as a panic or the handler itself does.
//!
//! Services that do not speak HTTP want [`NewHubLayer`], which only gives each call its hub.

mod exchange;
mod future;
mod http_layer;
mod hub_layer;
mod request;
#[cfg(feature = "axum")]
#[path = "route_axum.rs"]
mod route;
#[cfg(not(feature = "axum"))]
#[path = "route_unknown.rs"]
mod route;

pub use future::{HttpFuture, HubFuture};
pub use http_layer::{Http, HttpLayer};
pub use hub_layer::{NewHub, NewHubLayer};
pub use request::RequestHead;
