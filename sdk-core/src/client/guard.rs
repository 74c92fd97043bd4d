//! What `init` returns.

use std::sync::Arc;

use crate::client::hub::Hub;
use crate::client::instance::Client;
use crate::client::session::SessionMode;
use crate::protocol::SessionStatus;

/// Sends what waits when it is dropped, for at most the `shutdown_timeout` of the options.
///
/// ```
/// let _guard = mini_sentry::init("");
/// // the program
/// ```
#[must_use = "when the guard is dropped, the SDK is closed; bind it to a variable in main"]
#[derive(Debug)]
pub struct ClientGuard {
    client: Arc<Client>,
}

impl ClientGuard {
    pub(crate) fn new(client: Arc<Client>) -> Self {
        Self { client }
    }

    /// True when events are sent.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.client.is_enabled()
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }
}

impl Drop for ClientGuard {
    fn drop(&mut self) {
        let options = self.client.options();
        if options.auto_session_tracking && options.session_mode == SessionMode::Application {
            Hub::with(|hub| hub.end_session(SessionStatus::Exited));
        }
        Hub::forget_default_client(&self.client);
        self.client.close(None);
    }
}
