//! Brings the schema up to date: numbered steps, each once, none ever changed.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, ErrorKind};
use crate::model::time::Millis;

/// A step of the schema.
struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// All steps; the first has number 1.
const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "init",
        sql: include_str!("../../../migrations/sqlite/0001_init.sql"),
    },
    Migration {
        name: "environments",
        sql: include_str!("../../../migrations/sqlite/0002_environments.sql"),
    },
    Migration {
        name: "issues",
        sql: include_str!("../../../migrations/sqlite/0003_issues.sql"),
    },
    Migration {
        name: "people",
        sql: include_str!("../../../migrations/sqlite/0004_people.sql"),
    },
    Migration {
        name: "sessions",
        sql: include_str!("../../../migrations/sqlite/0005_sessions.sql"),
    },
    Migration {
        name: "erasure",
        sql: include_str!("../../../migrations/sqlite/0006_erasure.sql"),
    },
];

const NOTES: &str = "CREATE TABLE IF NOT EXISTS migrations (
    version  INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    -- SHA-256 of the step.
    checksum BLOB NOT NULL,
    applied  INTEGER NOT NULL
) STRICT";

/// Takes all steps that the database has not taken.
///
/// # Errors
///
/// [`ErrorKind::TooNew`] when it has taken steps that this version does not know,
/// [`ErrorKind::Corrupt`] when a step it has taken was another one.
pub(super) fn migrate(connection: &mut Connection, now: Millis) -> Result<(), Error> {
    let current = taken(connection)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    for (version, migration) in (1..).zip(MIGRATIONS) {
        if version > current {
            take(connection, version, migration, now)?;
        }
        verify(connection, version, migration)?;
    }
    if current > known {
        return Err(Error::because(
            ErrorKind::TooNew,
            format!(
                "the database has schema version {current}, and this program knows up to {known}; \
                 run the newer program, or restore a backup from before its first start"
            ),
        ));
    }
    Ok(())
}

/// Returns the last step that was taken; 0 for an empty database.
fn taken(connection: &Connection) -> Result<i64, Error> {
    let exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'";
    let exists = connection.query_row(exists, [], |_| Ok(())).optional()?;
    if exists.is_none() {
        return Ok(0);
    }
    let last = "SELECT coalesce(max(version), 0) FROM migrations";
    Ok(connection.query_row(last, [], |row| row.get(0))?)
}

fn take(
    connection: &mut Connection,
    version: i64,
    migration: &Migration,
    now: Millis,
) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    if taken(&transaction)? < version {
        transaction.execute(NOTES, [])?;
        transaction
            .execute_batch(migration.sql)
            .map_err(|error| Error::from(error).during(format!("take schema step {version}")))?;
        transaction.execute(
            "INSERT INTO migrations (version, name, checksum, applied) VALUES (?1, ?2, ?3, ?4)",
            params![version, migration.name, checksum(migration), now.0],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

fn verify(connection: &Connection, version: i64, migration: &Migration) -> Result<(), Error> {
    let noted = "SELECT checksum FROM migrations WHERE version = ?1";
    let noted: Option<Vec<u8>> = connection
        .query_row(noted, [version], |row| row.get(0))
        .optional()?;
    if noted.as_deref() == Some(checksum(migration).as_slice()) {
        return Ok(());
    }
    Err(Error::because(
        ErrorKind::Corrupt,
        format!("schema step {version} of the database is not the one this program knows"),
    ))
}

fn checksum(migration: &Migration) -> [u8; 32] {
    Sha256::digest(migration.sql.as_bytes()).into()
}
