//! What tests of servers stand on: servers with a real listener, a real store in a temporary
//! folder, and a clock that moves on demand.

pub mod server;

pub use server::{MovableClock, TestServer};
