//! A layer for `tracing`: its events become breadcrumbs, events and log lines, its spans become
//! transactions and spans.
//!
//! ```
//! use tracing_subscriber::prelude::*;
//!
//! let _guard = mini_sentry::init("");
//! let subscriber = tracing_subscriber::registry()
//!     .with(mini_sentry::integrations::tracing::layer());
//! # let _set = tracing::subscriber::set_default(subscriber);
//! // In a program: `subscriber.init()`.
//!
//! tracing::info!(user.plan = "free", "cart opened");           // a breadcrumb
//! tracing::error!(tags.queue = "mails", "mail was not sent");  // an event
//! ```
//!
//! # Events
//!
//! Unless [`event_filter`](SentryLayer::event_filter) says otherwise, `error!` becomes an event,
//! `warn!` and `info!` a breadcrumb of the events that follow, and the rest nothing. Ask for
//! structured log lines with [`EventFilter::Log`].
//!
//! Of an event's fields, `message` is its message, errors given as `error = &error as &dyn Error`
//! become its exceptions with their causes, fields that begin with `tags.` become tags, and the
//! others go into the context `Rust Tracing Fields`.
//!
//! # Spans
//!
//! With `traces_sample_rate` or `traces_sampler` set, spans of the levels info and above become
//! spans of the one they are in, or begin a transaction; [`span_filter`](SentryLayer::span_filter)
//! says otherwise. These fields mean something:
//!
//! - `sentry.name`: the name, instead of the span's own;
//! - `sentry.op`: the kind of work, such as `http.server` or `db.query`;
//! - `sentry.trace`: a `sentry-trace` header, whose trace goes on.
//!
//! While a span is entered, what is captured belongs to it.

mod fields;
mod layer;
mod spans;

pub use super::filter::EventFilter;
pub use layer::{SentryLayer, default_event_filter, default_span_filter, layer};
