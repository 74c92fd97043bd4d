//! Logins of browsers, and links to log in with.

use tokio_postgres::Row;

use super::super::catalog::taken;
use super::super::pool::Lease;
use super::super::row::{get, int, number, text};
use super::next;
use crate::error::Error;
use crate::model::ids::{LoginId, UserId};
use crate::model::people::Login;
use crate::model::time::Millis;
use crate::secret::SecretHash;
use crate::store::people::{EndedPeople, NewLink, NewLogin};

const LOGIN: &str = "SELECT id, person, created, seen, expires, address, agent FROM logins \
                     WHERE hash = $1";
const LOGINS: &str = "SELECT id, person, created, seen, expires, address, agent FROM logins \
                      WHERE person = $1 ORDER BY id DESC";

/// Notes a login.
pub(super) async fn create(lease: &mut Lease, new: &NewLogin) -> Result<Login, Error> {
    let id = next(lease, "login").await?;
    lease
        .execute(
            "INSERT INTO logins (id, person, hash, created, seen, expires, address, agent) \
             VALUES ($1, $2, $3, $4, $4, $5, $6, $7)",
            &[
                &id,
                &int(new.user.0),
                &new.hash.0.as_slice(),
                &new.at.0,
                &new.expires.0,
                &text(&new.address),
                &text(&new.agent),
            ],
        )
        .await
        .map_err(|error| taken(error, "this login"))?;
    let row = lease.query_one(LOGIN, &[&new.hash.0.as_slice()]).await?;
    login(&row)
}

/// Finds a login.
pub(super) async fn find(lease: &mut Lease, hash: &SecretHash) -> Result<Option<Login>, Error> {
    let row = lease.query_opt(LOGIN, &[&hash.0.as_slice()]).await?;
    row.as_ref().map(login).transpose()
}

/// Returns a person's logins, newest first.
pub(super) async fn list(lease: &mut Lease, user: UserId) -> Result<Vec<Login>, Error> {
    let rows = lease.query(LOGINS, &[&int(user.0)]).await?;
    rows.iter().map(login).collect()
}

/// Keeps a link in place of the person's earlier one.
pub(super) async fn create_link(lease: &mut Lease, new: &NewLink) -> Result<(), Error> {
    lease
        .execute(
            "INSERT INTO login_links (person, hash, expires) VALUES ($1, $2, $3) \
             ON CONFLICT (person) DO UPDATE SET hash = EXCLUDED.hash, expires = EXCLUDED.expires",
            &[&int(new.user.0), &new.hash.0.as_slice(), &new.expires.0],
        )
        .await
        .map_err(|error| taken(error, "this link"))?;
    Ok(())
}

/// Returns whom a link is for.
pub(super) async fn find_link(
    lease: &mut Lease,
    hash: &SecretHash,
    now: Millis,
) -> Result<Option<UserId>, Error> {
    let select = "SELECT person FROM login_links WHERE hash = $1 AND expires > $2";
    person(
        lease
            .query_opt(select, &[&hash.0.as_slice(), &now.0])
            .await?
            .as_ref(),
    )
}

/// Uses a link up.
pub(super) async fn take_link(
    lease: &mut Lease,
    hash: &SecretHash,
    now: Millis,
) -> Result<Option<UserId>, Error> {
    let delete = "DELETE FROM login_links WHERE hash = $1 AND expires > $2 RETURNING person";
    person(
        lease
            .query_opt(delete, &[&hash.0.as_slice(), &now.0])
            .await?
            .as_ref(),
    )
}

/// Forgets what has ended.
pub(super) async fn forget(lease: &mut Lease, ended: EndedPeople) -> Result<u64, Error> {
    let logins = lease
        .execute(
            "DELETE FROM logins WHERE expires <= $1 OR seen < $2",
            &[&ended.now.0, &ended.idle.0],
        )
        .await?;
    let links = lease
        .execute(
            "DELETE FROM login_links WHERE expires <= $1",
            &[&ended.now.0],
        )
        .await?;
    Ok(logins.saturating_add(links))
}

fn person(row: Option<&Row>) -> Result<Option<UserId>, Error> {
    row.map(|row| Ok(UserId(number(row, 0)?))).transpose()
}

fn login(row: &Row) -> Result<Login, Error> {
    Ok(Login {
        id: LoginId(number(row, 0)?),
        user: UserId(number(row, 1)?),
        created: Millis(get(row, 2)?),
        seen: Millis(get(row, 3)?),
        expires: Millis(get(row, 4)?),
        address: get(row, 5)?,
        agent: get(row, 6)?,
    })
}
