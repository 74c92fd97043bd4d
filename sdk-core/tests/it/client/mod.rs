//! The client as its users meet it: what is captured, what is sent, and what is said about the
//! rest.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

mod breadcrumbs;
mod capture;
mod check_ins;
mod dropping;
mod feedback;
mod hubs;
mod logs;
mod scopes;
mod sessions;
mod stage;
mod trace_headers;
mod traces;
