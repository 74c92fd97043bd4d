//! A logger for the `log` crate, in front of another one: records become breadcrumbs, events and
//! log lines, and go on to where they went before.
//!
//! ```
//! use mini_sentry::integrations::log::{EventFilter, Logger};
//!
//! let _guard = mini_sentry::init("");
//! // In a program this is `env_logger` or the like.
//! # struct Destination;
//! # impl log::Log for Destination {
//! #     fn enabled(&self, _: &log::Metadata<'_>) -> bool { true }
//! #     fn log(&self, _: &log::Record<'_>) {}
//! #     fn flush(&self) {}
//! # }
//! let logger = Logger::with_dest(Destination).filter(|metadata| match metadata.level() {
//!     log::Level::Error => EventFilter::Event,
//!     _ => EventFilter::Breadcrumb,
//! });
//! log::set_boxed_logger(Box::new(logger)).unwrap();
//! log::set_max_level(log::LevelFilter::Info);
//!
//! log::error!(queue = "mails"; "mail was not sent");
//! ```
//!
//! Unless [`filter`](Logger::filter) says otherwise, errors become events, warnings and infos
//! breadcrumbs of the events that follow, and the rest nothing. Of the key-values of a record,
//! those that begin with `tags.` become tags of an event, and the others go into the context
//! `Rust Log Fields`.
//!
//! Programs that use `tracing` want [its layer](super::tracing) instead, not both.

mod logger;
mod values;

pub use super::filter::EventFilter;
pub use logger::{Logger, default_filter};
