//! The bridge with a thread of ours, the system's clock and the compiled-in transport.

use std::sync::Arc;

use crate::client::Client;
use crate::client::bridge::{Bridge, BridgeError, read_options};
use crate::clock::SystemClock;
use crate::init::{defaults, environment};

impl Bridge {
    /// A bridge that sends by itself, with the transport that is compiled in; without one it is
    /// off. What the options leave open comes from the environment, as with `init`.
    ///
    /// # Errors
    /// When the options, or those of the environment, cannot be read.
    pub fn with_worker(options_json: &str) -> Result<Self, BridgeError> {
        let (mut options, unknown_options) = read_options(options_json)?;
        environment::complete(&mut options, &|name| std::env::var(name).ok());
        if let Some(error) = options.dsn_error {
            return Err(error.into());
        }
        defaults::complete(&mut options);
        let client = Client::new(options, Arc::new(SystemClock));
        Ok(Self::over(Arc::new(client), unknown_options))
    }
}
