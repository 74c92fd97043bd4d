//! `init`.

use std::sync::Arc;

use crate::client::{Client, ClientGuard, ClientOptions, Hub, SessionMode};
use crate::clock::SystemClock;
use crate::init::{defaults, environment};

/// Switches the SDK on for the whole program. Keep the guard until the end of `main`.
///
/// Takes a DSN, options, or both. What the options leave open comes from the environment
/// (`MINI_SENTRY_DSN`, then `SENTRY_DSN`, and so on); without any DSN the SDK is off, and
/// everything else costs next to nothing.
///
/// ```
/// use mini_sentry::ClientOptions;
/// let _guard = mini_sentry::init((
///     "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1",
///     ClientOptions::new().release("my-app@1.0.0").traces_sample_rate(0.2),
/// ));
/// ```
pub fn init(options: impl Into<ClientOptions>) -> ClientGuard {
    let mut options: ClientOptions = options.into();
    environment::complete(&mut options, &|name| std::env::var(name).ok());
    defaults::complete(&mut options);
    if let Some(error) = options.dsn_error {
        say(&format!(
            "the DSN cannot be used, so nothing is sent: {error}"
        ));
    }
    let debug = options.debug;
    let clock = options
        .clock
        .clone()
        .unwrap_or_else(|| Arc::new(SystemClock));
    let client = Arc::new(Client::new(options, clock));
    if debug {
        let state = if client.is_enabled() { "on" } else { "off" };
        say(&format!("the SDK is {state}: {:?}", client.options()));
    }
    let options = client.options();
    Hub::with(|hub| {
        hub.bind_default_client(&client);
        if options.auto_session_tracking && options.session_mode == SessionMode::Application {
            hub.start_session();
        }
    });
    ClientGuard::new(client)
}

#[expect(
    clippy::print_stderr,
    reason = "a wrong set-up must be seen, and there is no other place yet"
)]
fn say(text: &str) {
    eprintln!("mini-sentry: {text}");
}
