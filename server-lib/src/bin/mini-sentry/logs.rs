//! Log lines on stderr.

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::settings::{LogFormat, Settings};

/// Starts logging for the life of the process.
pub(crate) fn start(settings: &Settings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.log_filter)
        .map_err(|error| Failure::usage(format!("log.filter: {error}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let started = match settings.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::other(format!("start logging: {error}")))
}
