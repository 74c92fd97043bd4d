//! Switching the SDK on: options completed from the environment, the compiled-in integrations and
//! transport put in, and the client bound to the current hub.

#[cfg(all(feature = "bridge", feature = "worker"))]
mod bridge;
mod defaults;
mod environment;
mod start;

pub use start::init;
