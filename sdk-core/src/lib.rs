//! The event, session and envelope model that server and SDKs share.

pub mod auth;
pub mod dsn;
pub mod envelope;
pub mod limits;
pub mod ratelimit;
