//! What tests of servers stand on: servers with a real listener, a real store in a temporary
//! folder, and a clock that moves on demand.

#[cfg(feature = "postgres")]
pub mod postgres;
pub mod server;

pub use server::{MovableClock, TestServer};
