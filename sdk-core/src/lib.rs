//! The event, session and envelope model that server and SDKs share.

pub mod auth;
pub mod clock;
pub mod dsn;
pub mod envelope;
pub mod limits;
pub mod losses;
pub mod protocol;
pub mod ratelimit;
pub mod scrub;
pub mod transport;
