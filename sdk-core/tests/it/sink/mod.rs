//! A server that takes envelopes: real sockets, answers by script, everything recorded.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what fails here fails the test"
)]

mod answer;
mod request;
mod server;

pub(crate) use self::answer::Answer;
pub(crate) use self::request::Request;
pub(crate) use self::server::{PATIENCE, Sink, dsn_at};
