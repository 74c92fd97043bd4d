//! Numbers for texts that repeat in many rows: environments, releases, reasons.

use rusqlite::{Connection, Transaction};

use super::connection::damaged;
use super::generations::Generations;
use super::row::one;
use crate::error::Error;

/// The number of a text, which is 0 when it is empty.
pub(super) type NameId = i64;

/// Numbers that were looked up lately.
#[derive(Default)]
pub(super) struct Names(Generations<Box<str>, NameId, 2048>);

impl Names {
    /// Returns the number of a text, and gives it one if it has none.
    pub(super) fn intern(
        &mut self,
        transaction: &Transaction<'_>,
        text: &str,
    ) -> Result<NameId, Error> {
        if text.is_empty() {
            return Ok(0);
        }
        if let Some(id) = self.0.get(text) {
            return Ok(id);
        }
        let id = match find(transaction, text)? {
            Some(id) => id,
            None => transaction
                .prepare_cached("INSERT INTO names (text) VALUES (?1)")?
                .insert([text])?,
        };
        self.0.insert(text.into(), id);
        Ok(id)
    }
}

/// Returns the number of a text, if it has one.
pub(super) fn find(connection: &Connection, text: &str) -> Result<Option<NameId>, Error> {
    if text.is_empty() {
        return Ok(Some(0));
    }
    let select = "SELECT id FROM names WHERE text = ?1";
    one(connection, select, [text], |row| Ok(row.get(0)?))
}

/// Returns the text of a number.
pub(super) fn text(connection: &Connection, id: NameId) -> Result<String, Error> {
    if id == 0 {
        return Ok(String::new());
    }
    let select = "SELECT text FROM names WHERE id = ?1";
    one(connection, select, [id], |row| Ok(row.get(0)?))?.ok_or_else(|| damaged("name"))
}
