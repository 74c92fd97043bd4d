//! Logins of browsers, and links to log in with.

use rusqlite::{Connection, Row, Transaction, params};

use super::super::connection::damaged;
use super::super::row::{not_found, one, rows};
use crate::error::Error;
use crate::model::ids::{LoginId, UserId};
use crate::model::people::Login;
use crate::model::time::Millis;
use crate::secret::SecretHash;
use crate::store::people::{EndedPeople, NewLink, NewLogin};

const LOGIN: &str = "SELECT id, user, created, seen, expires, address, agent FROM logins";

/// Notes a login.
pub(super) fn create(transaction: &Transaction<'_>, new: &NewLogin) -> Result<Login, Error> {
    account(transaction, new.user)?;
    let insert = "INSERT INTO logins (user, hash, created, seen, expires, address, agent)
        VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)";
    let columns = params![
        new.user.0,
        new.hash.0,
        new.at.0,
        new.expires.0,
        new.address,
        new.agent
    ];
    transaction.execute(insert, columns)?;
    find(transaction, &new.hash)?.ok_or_else(|| damaged("login"))
}

/// Finds a login.
pub(super) fn find(connection: &Connection, hash: &SecretHash) -> Result<Option<Login>, Error> {
    let select = format!("{LOGIN} WHERE hash = ?1");
    one(connection, &select, [hash.0], login)
}

/// Returns a person's logins, newest first.
pub(super) fn list(connection: &Connection, user: UserId) -> Result<Vec<Login>, Error> {
    let select = format!("{LOGIN} WHERE user = ?1 ORDER BY id DESC");
    rows(connection, &select, [user.0], login)
}

/// Notes that a login is used.
pub(super) fn touch(transaction: &Transaction<'_>, id: LoginId, at: Millis) -> Result<(), Error> {
    let update = "UPDATE logins SET seen = max(seen, ?2) WHERE id = ?1";
    transaction.execute(update, params![id.0, at.0])?;
    Ok(())
}

/// Ends a person's logins but one.
pub(super) fn delete_all(
    transaction: &Transaction<'_>,
    user: UserId,
    but: Option<LoginId>,
) -> Result<u64, Error> {
    let delete = "DELETE FROM logins WHERE user = ?1 AND id IS NOT ?2";
    let gone = transaction.execute(delete, params![user.0, but.map(|id| id.0)])?;
    Ok(gone as u64)
}

/// Keeps a link in place of the person's earlier one.
pub(super) fn create_link(transaction: &Transaction<'_>, new: &NewLink) -> Result<(), Error> {
    account(transaction, new.user)?;
    let insert = "INSERT OR REPLACE INTO login_links (user, hash, expires) VALUES (?1, ?2, ?3)";
    transaction.execute(insert, params![new.user.0, new.hash.0, new.expires.0])?;
    Ok(())
}

/// Returns whom a link is for.
pub(super) fn find_link(
    connection: &Connection,
    hash: &SecretHash,
    now: Millis,
) -> Result<Option<UserId>, Error> {
    let select = "SELECT user FROM login_links WHERE hash = ?1 AND expires > ?2";
    one(connection, select, params![hash.0, now.0], |row| {
        Ok(UserId(row.get(0)?))
    })
}

/// Forgets what has ended.
pub(super) fn forget(transaction: &Transaction<'_>, ended: EndedPeople) -> Result<u64, Error> {
    let logins = "DELETE FROM logins WHERE expires <= ?1 OR seen < ?2";
    let logins = transaction.execute(logins, [ended.now.0, ended.idle.0])?;
    let links = "DELETE FROM login_links WHERE expires <= ?1";
    let links = transaction.execute(links, [ended.now.0])?;
    Ok((logins as u64).saturating_add(links as u64))
}

fn account(connection: &Connection, user: UserId) -> Result<(), Error> {
    let select = "SELECT 1 FROM users WHERE id = ?1";
    one(connection, select, [user.0], |_| Ok(()))?.ok_or_else(|| not_found("account"))
}

fn login(row: &Row<'_>) -> Result<Login, Error> {
    Ok(Login {
        id: LoginId(row.get(0)?),
        user: UserId(row.get(1)?),
        created: Millis(row.get(2)?),
        seen: Millis(row.get(3)?),
        expires: Millis(row.get(4)?),
        address: row.get(5)?,
        agent: row.get(6)?,
    })
}
