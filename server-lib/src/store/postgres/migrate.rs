//! Brings the schema up to date: numbered steps, forward only, one transaction each, one process at
//! a time.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::address::SCHEMA;
use super::pool::{Lease, Pool};
use crate::error::{Error, ErrorKind};
use crate::secret::to_hex;

/// A process that migrates holds this advisory lock of the database.
const LOCK: i64 = 0x6d69_6e69_7365_6e74;
/// Another process may be in the middle of a step.
const PATIENCE: Duration = Duration::from_secs(120);

/// A step.
struct Migration {
    number: i32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "init",
        sql: include_str!("../../../migrations/postgres/0001_init.sql"),
    },
    Migration {
        number: 2,
        name: "blocks",
        sql: include_str!("../../../migrations/postgres/0002_blocks.sql"),
    },
    Migration {
        number: 3,
        name: "environments",
        sql: include_str!("../../../migrations/postgres/0003_environments.sql"),
    },
    Migration {
        number: 4,
        name: "issues",
        sql: include_str!("../../../migrations/postgres/0004_issues.sql"),
    },
    Migration {
        number: 5,
        name: "people",
        sql: include_str!("../../../migrations/postgres/0005_people.sql"),
    },
    Migration {
        number: 6,
        name: "sessions",
        sql: include_str!("../../../migrations/postgres/0006_sessions.sql"),
    },
    Migration {
        number: 7,
        name: "erasure",
        sql: include_str!("../../../migrations/postgres/0007_erasure.sql"),
    },
];

/// Returns the newest schema that this program knows.
pub(super) fn newest() -> i32 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// Brings the schema up to `upto`, at most.
pub(super) async fn migrate(pool: &std::sync::Arc<Pool>, upto: i32) -> Result<(), Error> {
    let mut lease = pool.lend().await?;
    check_encoding(&mut lease).await?;
    lease
        .run("SET lock_timeout = '100s'; SET statement_timeout = '110s'")
        .await?;
    lease
        .run_within(PATIENCE, &format!("SELECT pg_advisory_lock({LOCK})"))
        .await?;
    let result = steps(&mut lease, upto).await;
    // When this fails the connection is gone, and the lock with it.
    let unlocked = lease
        .run(&format!(
            "SELECT pg_advisory_unlock({LOCK}); RESET lock_timeout; RESET statement_timeout"
        ))
        .await;
    result.and(unlocked)
}

async fn check_encoding(lease: &mut Lease) -> Result<(), Error> {
    let row = lease
        .query_one("SELECT current_setting('server_encoding')", &[])
        .await?;
    let encoding: &str = super::row::get(&row, 0)?;
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Error::because(
        ErrorKind::Invalid,
        format!("the database is encoded as {encoding}; create it with ENCODING 'UTF8'"),
    ))
}

async fn steps(lease: &mut Lease, upto: i32) -> Result<(), Error> {
    lease
        .run(&format!(
            "CREATE SCHEMA IF NOT EXISTS {SCHEMA};
             CREATE TABLE IF NOT EXISTS schema_migrations (
                 number   integer PRIMARY KEY,
                 name     text NOT NULL,
                 -- SHA-256 of the step's text, in hexadecimal digits.
                 checksum text NOT NULL,
                 applied  timestamptz NOT NULL DEFAULT now()
             )"
        ))
        .await?;
    let rows = lease
        .query(
            "SELECT number, checksum FROM schema_migrations ORDER BY number",
            &[],
        )
        .await?;
    let mut applied = Vec::new();
    for row in &rows {
        let number: i32 = super::row::get(row, 0)?;
        let checksum: String = super::row::get(row, 1)?;
        applied.push((number, checksum));
    }
    compare(&applied)?;
    for migration in MIGRATIONS {
        let is_applied = applied
            .iter()
            .any(|(number, _)| *number == migration.number);
        if !is_applied && migration.number <= upto {
            apply(lease, migration).await?;
        }
    }
    Ok(())
}

fn compare(applied: &[(i32, String)]) -> Result<(), Error> {
    for (number, checksum) in applied {
        let Some(known) = MIGRATIONS.iter().find(|known| known.number == *number) else {
            return Err(Error::because(
                ErrorKind::TooNew,
                format!(
                    "the database has schema {number}, and this program knows up to {}: \
                     it was written by a newer version",
                    newest()
                ),
            ));
        };
        if *checksum != checksum_of(known) {
            return Err(Error::because(
                ErrorKind::Corrupt,
                format!("schema step {number} of the database is not the one of this program"),
            ));
        }
    }
    Ok(())
}

async fn apply(lease: &mut Lease, migration: &Migration) -> Result<(), Error> {
    lease.begin("BEGIN").await?;
    lease
        .run(migration.sql)
        .await
        .map_err(|error| error_during(migration, error))?;
    lease
        .execute(
            "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
            &[&migration.number, &migration.name, &checksum_of(migration)],
        )
        .await?;
    lease.commit().await
}

fn error_during(migration: &Migration, error: Error) -> Error {
    let step = format!("bring the database to schema {}", migration.number);
    Error::new(error.kind(), error).during(step)
}

fn checksum_of(migration: &Migration) -> String {
    to_hex(&Sha256::digest(migration.sql.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_without_gaps() {
        let numbers: Vec<_> = MIGRATIONS.iter().map(|step| step.number).collect();
        assert_eq!(numbers, (1..=newest()).collect::<Vec<_>>());
        assert!(MIGRATIONS.iter().all(|step| !step.name.is_empty()));
    }

    #[test]
    fn a_newer_schema_and_an_edited_step_are_refused() {
        let first = MIGRATIONS.first().unwrap();
        let kind = |applied: &[(i32, String)]| compare(applied).map_err(|error| error.kind());
        assert_eq!(kind(&[(1, checksum_of(first))]), Ok(()));
        assert_eq!(kind(&[(1, String::new())]), Err(ErrorKind::Corrupt));
        assert_eq!(
            kind(&[(newest() + 1, String::new())]),
            Err(ErrorKind::TooNew)
        );
    }
}
