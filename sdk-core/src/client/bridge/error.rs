//! What a binding can get wrong, and what can go wrong here.

use crate::dsn::ParseDsnError;
use crate::protocol::ReadError;

/// Why a call of the bridge did nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// The options are not a JSON object.
    #[error("options are no JSON object (line {line}, column {column})")]
    InvalidOptions {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// An option has a value of another kind.
    #[error("option {name} must be {expected}")]
    InvalidOption {
        /// The option.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The DSN cannot be read.
    #[error(transparent)]
    InvalidDsn(#[from] ParseDsnError),
    /// A payload cannot be read.
    #[error(transparent)]
    InvalidJson(#[from] ReadError),
    /// A name that is none of those that there are.
    #[error("unknown {what}")]
    UnknownName {
        /// What the name should have been.
        what: &'static str,
    },
    /// No scope has that number.
    #[error("no scope has the number {id}")]
    UnknownScope {
        /// The number.
        id: u64,
    },
    /// No running span has that number.
    #[error("no running span has the number {id}")]
    UnknownSpan {
        /// The number.
        id: u64,
    },
    /// More than may be kept at once.
    #[error("more than {limit} {what} at once")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many may be.
        limit: usize,
    },
    /// A fault of the SDK itself; it is counted as a loss.
    #[error("the SDK failed")]
    Internal,
}

impl BridgeError {
    /// Stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidOptions { .. } => "invalid_options",
            Self::InvalidOption { .. } => "invalid_option",
            Self::InvalidDsn(_) => "invalid_dsn",
            Self::InvalidJson(error) => error.code(),
            Self::UnknownName { .. } => "unknown_name",
            Self::UnknownScope { .. } => "unknown_scope",
            Self::UnknownSpan { .. } => "unknown_span",
            Self::TooMany { .. } => "too_many",
            Self::Internal => "internal",
        }
    }
}
