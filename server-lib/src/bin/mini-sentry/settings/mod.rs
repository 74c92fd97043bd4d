//! Settings of the program: flags over environment over a file over defaults.
//!
//! All of it is a pure function of the three sources; reading them is `main`'s.

mod file;
mod keys;
mod nearest;
mod resolve;
mod value;

#[cfg(test)]
mod tests;

use std::time::Duration;

use mini_sentry_server::config::Config;

pub(crate) use file::FileText;
pub(crate) use nearest::nearest;
pub(crate) use resolve::{Flag, Resolved, Wanted, resolve, wanted_file};
pub(crate) use value::duration as parse_duration;

const DEFAULT_DATA: &str = "data";

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// The address to listen on.
    pub(crate) listen: String,
    /// How long a stop may take.
    pub(crate) shutdown_timeout: Duration,
    /// How log lines look.
    pub(crate) log_format: LogFormat,
    /// Which log lines are written.
    pub(crate) log_filter: String,
    /// The server's own.
    pub(crate) config: Config,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            shutdown_timeout: Duration::from_secs(10),
            log_format: LogFormat::Text,
            log_filter: "info".to_owned(),
            config: Config::new(DEFAULT_DATA),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is neither text nor json")),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|_| format!("{text:?} is not a level such as info"))
}
