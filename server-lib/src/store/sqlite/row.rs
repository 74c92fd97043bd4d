//! Between columns and values.

use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use crate::error::{Error, ErrorKind};
use crate::model::event::Level;

/// Levels by their number in the database.
const LEVELS: [Level; 5] = [
    Level::Debug,
    Level::Info,
    Level::Warning,
    Level::Error,
    Level::Fatal,
];

/// Returns the number of a level.
pub(super) fn level_code(level: Level) -> i64 {
    match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warning => 2,
        Level::Error => 3,
        Level::Fatal => 4,
    }
}

/// Returns the level of a number.
pub(super) fn level(code: i64) -> Option<Level> {
    LEVELS.get(usize::try_from(code).ok()?).copied()
}

/// Returns a count as databases keep it.
pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns a count as it was kept; a negative one is 0.
pub(super) fn counted(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Reads all rows that a query returns.
pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// Reads the row that a query returns, if any.
pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_row(params, |row| Ok(read(row))).optional()?;
    found.transpose()
}

/// Returns the error for something that is not there.
pub(super) fn not_found(what: &str) -> Error {
    Error::because(ErrorKind::NotFound, format!("there is no such {what}"))
}
