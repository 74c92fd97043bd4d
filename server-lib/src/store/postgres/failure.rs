//! From PostgreSQL's errors to ours. Their details may quote values, so only the message is kept.

use std::error::Error as _;

use tokio_postgres::error::SqlState;

use crate::error::{Error, ErrorKind};

/// Turns an error of the driver into ours.
pub(super) fn failed(error: &tokio_postgres::Error) -> Error {
    if let Some(db) = error.as_db_error() {
        let kind = kind_of(db.code());
        let code = db.code().code();
        return Error::because(kind, format!("database error {code}: {}", db.message()));
    }
    let kind = if error.is_closed() || has_io_cause(error) {
        ErrorKind::Unavailable
    } else {
        kind_without_code(&error.to_string())
    };
    let text = match error.source() {
        Some(source) => format!("database: {error}: {source}"),
        None => format!("database: {error}"),
    };
    Error::because(kind, text)
}

/// Makes the error for a row that cannot be read.
pub(super) fn corrupt(what: &str) -> Error {
    Error::because(
        ErrorKind::Corrupt,
        format!("a row in the database has no readable {what}"),
    )
}

fn has_io_cause(error: &tokio_postgres::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<std::io::Error>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

fn kind_without_code(text: &str) -> ErrorKind {
    if text.contains("invalid con") || text.contains("authentication") {
        ErrorKind::Invalid
    } else if text.contains("timeout") || text.contains("TLS") || text.contains("connecting") {
        ErrorKind::Unavailable
    } else {
        ErrorKind::System
    }
}

fn kind_of(code: &SqlState) -> ErrorKind {
    let text = code.code();
    match text {
        // Limits of rows and indexes, and texts that the encoding does not have.
        "54000" | "22021" | "22P05" => ErrorKind::Invalid,
        "23505" => ErrorKind::Conflict,
        // What is referred to is gone, or never was: a row, a table.
        "23503" | "42P01" => ErrorKind::NotFound,
        "53100" => ErrorKind::Full,
        // Cancelled or given up: deadlock, serialization, timeouts of statement, lock and idling.
        "40001" | "40P01" | "57014" | "55P03" | "25P03" => ErrorKind::Unavailable,
        // Started as a replica, or made read-only.
        "25006" => ErrorKind::Unavailable,
        "XX001" | "XX002" => ErrorKind::Corrupt,
        // No such database, no such user, no permission.
        "3D000" | "28000" | "28P01" | "42501" => ErrorKind::Invalid,
        _ if text.starts_with("08") || text.starts_with("53") || text.starts_with("57") => {
            ErrorKind::Unavailable
        }
        _ => ErrorKind::System,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_by_itself_is_unavailable_and_a_full_disk_is_full() {
        let kind = |code: &str| kind_of(&SqlState::from_code(code));
        for code in ["57P01", "57P03", "08006", "53300", "40P01", "57014"] {
            assert_eq!(kind(code), ErrorKind::Unavailable, "{code}");
        }
        assert_eq!(kind("53100"), ErrorKind::Full);
        assert_eq!(kind("23505"), ErrorKind::Conflict);
        assert_eq!(kind("42601"), ErrorKind::System);
    }
}
