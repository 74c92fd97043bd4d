//! How a command fails: one sentence for people, a name for programs, an exit code for shells.

use std::fmt;

use mini_sentry_server::error::{Error, ErrorKind};
use serde_json::json;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: &'static str,
    exit: u8,
    detail: String,
}

impl Failure {
    /// The system refused, or a check found something.
    pub(crate) fn other(detail: impl Into<String>) -> Self {
        Self::new("failed", 1, detail)
    }

    /// A flag or setting is wrong.
    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        Self::new("usage", 2, detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new("not_found", 3, detail)
    }

    /// It is there already.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new("conflict", 4, detail)
    }

    /// Something does not answer now, or is taken or full; trying again may help.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new("unavailable", 5, detail)
    }

    /// Returns the exit code.
    pub(crate) fn exit(&self) -> u8 {
        self.exit
    }

    /// Returns the failure as an object.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!({"error": {"code": self.code, "detail": self.detail}})
    }

    fn new(code: &'static str, exit: u8, detail: impl Into<String>) -> Self {
        Self {
            code,
            exit,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::Invalid => 2,
            ErrorKind::NotFound => 3,
            ErrorKind::Conflict => 4,
            ErrorKind::Full | ErrorKind::Unavailable => 5,
            _ => 1,
        };
        Self::new(error.kind().as_str(), exit, error.to_string())
    }
}

/// Says what was being done when the system refused.
pub(crate) trait During<T> {
    /// Turns the error into a failure that names what was being done.
    fn during(self, what: impl fmt::Display) -> Result<T, Failure>;
}

impl<T> During<T> for std::io::Result<T> {
    fn during(self, what: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Error::from(error).during(what.to_string()).into())
    }
}
