//! Connections: how they are opened and what their errors mean.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::index;
use crate::error::{Error, ErrorKind};

/// How long a statement waits for another process's transaction.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Pages that the log may hold before a commit writes them back. Hot pages are written once for
/// many commits; much more only makes the pause longer.
const CHECKPOINT_PAGES: u32 = 4000;

/// The log is cut back to this after it had to grow.
const LOG_BYTES: i64 = 32 * 1024 * 1024;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The one that writes.
    Writer,
    /// One that reads.
    Reader,
}

/// Makes the file if there is none, readable by its owner only. SQLite gives the files beside it
/// the same mode.
pub(super) fn create(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|error| Error::from(error).during(format!("open {}", path.display())))
}

/// Opens a connection to a file that is there.
pub(super) fn open(path: &Path, role: Role) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags)
        .and_then(|connection| prepare(&connection, role).map(|()| connection));
    opened.map_err(|error| Error::from(error).during(format!("open {}", path.display())))
}

fn prepare(connection: &Connection, role: Role) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // The journal is what makes ingest durable. What must be durable by itself says so.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    match role {
        Role::Writer => {
            connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
            connection.pragma_update(None, "cache_size", -2048)?;
            // Pages that are rearranged keep no copies of rows.
            connection.pragma_update(None, "secure_delete", "FAST")?;
            connection.set_prepared_statement_cache_capacity(48);
        }
        Role::Reader => {
            connection.pragma_update(None, "query_only", true)?;
            connection.pragma_update(None, "cache_size", -512)?;
            connection.set_prepared_statement_cache_capacity(40);
            index::register(connection)?;
        }
    }
    Ok(())
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => ErrorKind::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorKind::Unavailable,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Corrupt,
            Some(ErrorCode::ConstraintViolation) => ErrorKind::Conflict,
            _ => ErrorKind::System,
        };
        Self::new(kind, error)
    }
}

/// Returns the error for a row whose content cannot be.
pub(super) fn damaged(what: &str) -> Error {
    Error::because(
        ErrorKind::Corrupt,
        format!("the database has an impossible {what}"),
    )
}
