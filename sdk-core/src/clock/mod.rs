//! What time it is, as whoever runs the SDK says.

#[cfg(feature = "client")]
mod coarse;
#[cfg(feature = "client")]
mod system;
mod told;

#[cfg(feature = "client")]
pub use system::SystemClock;
pub use told::Clock;
