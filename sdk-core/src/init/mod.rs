//! Switching the SDK on: options completed from the environment, the compiled-in integrations and
//! transport put in, and the client bound to the current hub.

mod coarse_time;
mod defaults;
mod environment;
mod start;
mod system_clock;

pub use start::init;
pub use system_clock::SystemClock;
