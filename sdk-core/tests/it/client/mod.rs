//! The client as its users meet it: what is captured, what is sent, and what is said about the
//! rest.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

mod breadcrumbs;
mod capture;
mod check_ins;
mod dropping;
mod ending;
mod feedback;
#[cfg(all(unix, feature = "worker"))]
mod fork;
#[cfg(feature = "worker")]
mod gate;
mod hubs;
mod logs;
#[cfg(all(feature = "worker", feature = "panic"))]
mod panics;
#[cfg(feature = "worker")]
mod queue;
mod reports;
mod scopes;
mod sessions;
#[cfg(feature = "backtrace")]
mod stacks;
mod stage;
mod trace_headers;
mod traces;
