//! What goes wrong between the server and its disk, database or system.

use std::fmt;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// An error of the server's own: what it means to the caller, and what caused it.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    context: Option<String>,
    #[source]
    source: Option<Source>,
}

/// What an error means to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such thing.
    NotFound,
    /// It is there already, or was changed meanwhile.
    Conflict,
    /// A value is not allowed.
    Invalid,
    /// The disk has no room.
    Full,
    /// The database or disk does not answer now; trying again may help.
    Unavailable,
    /// Written by a newer version.
    TooNew,
    /// A file or row is damaged.
    Corrupt,
    /// The build lacks a part.
    NotBuilt,
    /// The server is shutting down.
    Closed,
    /// The operating system refused.
    System,
}

impl ErrorKind {
    /// Returns the stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Full => "full",
            Self::Unavailable => "unavailable",
            Self::TooNew => "too_new",
            Self::Corrupt => "corrupt",
            Self::NotBuilt => "not_built",
            Self::Closed => "closed",
            Self::System => "system",
        }
    }
}

impl Error {
    /// Makes an error from its cause.
    pub fn new(kind: ErrorKind, source: impl Into<Source>) -> Self {
        Self {
            kind,
            context: None,
            source: Some(source.into()),
        }
    }

    /// Makes an error that has no other cause than what `context` says.
    pub fn because(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: Some(context.into()),
            source: None,
        }
    }

    /// Says what was being done, such as `open the database /data/mini-sentry.db`.
    #[must_use]
    pub fn during(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// Returns what the error means to the caller.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.context, &self.source) {
            (Some(context), Some(source)) => write!(f, "{context}: {source}"),
            (Some(context), None) => f.write_str(context),
            (None, Some(source)) => source.fmt(f),
            (None, None) => f.write_str(self.kind.as_str()),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::Full,
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::System,
        };
        Self::new(kind, error)
    }
}
