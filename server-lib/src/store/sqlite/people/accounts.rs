//! Accounts and memberships.

use rusqlite::{Connection, Row, Transaction, params};

use super::super::catalog::taken;
use super::super::connection::damaged;
use super::super::row::{not_found, one, rows};
use super::last_owner;
use crate::error::Error;
use crate::model::ids::{OrganisationId, UserId};
use crate::model::people::{Email, Membership, Role, User};
use crate::model::time::Millis;
use crate::store::people::{NewUser, PasswordHash, UserChange};

const USER: &str = "SELECT id, email, name, active, password IS NOT NULL, created FROM users";

const MEMBERSHIP: &str = "SELECT organisation, user, role, created FROM memberships";

/// Returns all accounts.
pub(super) fn users(connection: &Connection) -> Result<Vec<User>, Error> {
    rows(connection, &format!("{USER} ORDER BY id"), [], user)
}

/// Returns all memberships.
pub(super) fn memberships(connection: &Connection) -> Result<Vec<Membership>, Error> {
    let select = format!("{MEMBERSHIP} ORDER BY organisation, user");
    rows(connection, &select, [], membership)
}

/// Returns the organisations in which teams decide what is seen.
pub(super) fn closed(connection: &Connection) -> Result<Vec<OrganisationId>, Error> {
    let select = "SELECT id FROM organisations WHERE open_membership = 0 ORDER BY id";
    rows(connection, select, [], |row| {
        Ok(OrganisationId(row.get(0)?))
    })
}

/// Makes an account.
pub(super) fn create(transaction: &Transaction<'_>, new: &NewUser) -> Result<User, Error> {
    let insert = "INSERT INTO users (email, name, password, active, created)
        VALUES (?1, ?2, ?3, 1, ?4)";
    let password = new.password.as_ref().map(|hash| hash.0.as_str());
    transaction
        .execute(
            insert,
            params![new.email.as_str(), new.name, password, new.at.0],
        )
        .map_err(|error| taken(error, "an account of this address"))?;
    let id = UserId::from_i64(transaction.last_insert_rowid());
    find(transaction, id.ok_or_else(|| damaged("account number"))?)
}

/// Changes an account.
pub(super) fn update(
    transaction: &Transaction<'_>,
    id: UserId,
    change: UserChange,
) -> Result<User, Error> {
    let before = find(transaction, id)?;
    let kept = password(transaction, id)?;
    let password = change.password.unwrap_or(kept).map(|hash| hash.0);
    let update = "UPDATE users SET email = ?2, name = ?3, password = ?4, active = ?5
        WHERE id = ?1";
    let email = change.email.unwrap_or(before.email);
    let columns = params![
        id.0,
        email.as_str(),
        change.name.unwrap_or(before.name),
        password,
        change.active.unwrap_or(before.active)
    ];
    transaction
        .execute(update, columns)
        .map_err(|error| taken(error, "an account of this address"))?;
    let after = find(transaction, id)?;
    if before.active && !after.active {
        keep_owners(transaction, id)?;
        transaction.execute("DELETE FROM logins WHERE user = ?1", [id.0])?;
    }
    Ok(after)
}

/// Deletes an account and what hangs on it.
pub(super) fn delete(transaction: &Transaction<'_>, id: UserId) -> Result<(), Error> {
    find(transaction, id)?;
    let demote = "UPDATE memberships SET role = 0 WHERE user = ?1";
    let owned = owned_by(transaction, id)?;
    transaction.execute(demote, [id.0])?;
    for organisation in owned {
        keep_owner(transaction, organisation)?;
    }
    transaction.execute("DELETE FROM users WHERE id = ?1", [id.0])?;
    Ok(())
}

/// Returns what is kept of a password.
pub(super) fn password(connection: &Connection, id: UserId) -> Result<Option<PasswordHash>, Error> {
    let select = "SELECT password FROM users WHERE id = ?1";
    let found = one(connection, select, [id.0], |row| {
        Ok(row.get::<_, Option<String>>(0)?)
    })?;
    found
        .map(|password| password.map(PasswordHash))
        .ok_or_else(|| not_found("account"))
}

/// Makes a member, or changes what the member is.
pub(super) fn set_member(
    transaction: &Transaction<'_>,
    new: &Membership,
) -> Result<Membership, Error> {
    find(transaction, new.user)?;
    let owner = "SELECT 1 FROM organisations WHERE id = ?1";
    one(transaction, owner, [new.organisation.0], |_| Ok(()))?
        .ok_or_else(|| not_found("organisation"))?;
    let had_owner = has_owner(transaction, new.organisation)?;
    let upsert = "INSERT INTO memberships (organisation, user, role, created)
        VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (organisation, user) DO UPDATE SET role = excluded.role";
    let columns = params![
        new.organisation.0,
        new.user.0,
        new.role.code(),
        new.created.0
    ];
    transaction.execute(upsert, columns)?;
    if had_owner {
        keep_owner(transaction, new.organisation)?;
    }
    let select = format!("{MEMBERSHIP} WHERE organisation = ?1 AND user = ?2");
    one(
        transaction,
        &select,
        [new.organisation.0, new.user.0],
        membership,
    )?
    .ok_or_else(|| not_found("member"))
}

/// Ends a membership.
pub(super) fn remove_member(
    transaction: &Transaction<'_>,
    organisation: OrganisationId,
    user: UserId,
) -> Result<(), Error> {
    let both = [organisation.0, user.0];
    let had_owner = has_owner(transaction, organisation)?;
    let delete = "DELETE FROM memberships WHERE organisation = ?1 AND user = ?2";
    if transaction.execute(delete, both)? == 0 {
        return Err(not_found("member"));
    }
    if had_owner {
        keep_owner(transaction, organisation)?;
    }
    transaction.execute(
        "DELETE FROM team_members WHERE user = ?2
            AND team IN (SELECT id FROM teams WHERE organisation = ?1)",
        both,
    )?;
    transaction.execute(
        "DELETE FROM api_tokens WHERE organisation = ?1 AND owner = ?2",
        both,
    )?;
    Ok(())
}

fn find(connection: &Connection, id: UserId) -> Result<User, Error> {
    one(connection, &format!("{USER} WHERE id = ?1"), [id.0], user)?
        .ok_or_else(|| not_found("account"))
}

fn owned_by(connection: &Connection, user: UserId) -> Result<Vec<OrganisationId>, Error> {
    let select = "SELECT organisation FROM memberships WHERE user = ?1 AND role = ?2";
    rows(connection, select, (user.0, Role::Owner.code()), |row| {
        Ok(OrganisationId(row.get(0)?))
    })
}

/// Refuses a change after which an organisation of the person has no owner.
fn keep_owners(connection: &Connection, user: UserId) -> Result<(), Error> {
    for organisation in owned_by(connection, user)? {
        keep_owner(connection, organisation)?;
    }
    Ok(())
}

fn keep_owner(connection: &Connection, organisation: OrganisationId) -> Result<(), Error> {
    match has_owner(connection, organisation)? {
        true => Ok(()),
        false => Err(last_owner()),
    }
}

/// Reports whether somebody who may log in owns the organisation.
fn has_owner(connection: &Connection, organisation: OrganisationId) -> Result<bool, Error> {
    let select = "SELECT 1 FROM memberships AS m JOIN users AS u ON u.id = m.user
        WHERE m.organisation = ?1 AND m.role = ?2 AND u.active = 1 LIMIT 1";
    let found = one(
        connection,
        select,
        (organisation.0, Role::Owner.code()),
        |_| Ok(()),
    );
    Ok(found?.is_some())
}

fn user(row: &Row<'_>) -> Result<User, Error> {
    Ok(User {
        id: UserId(row.get(0)?),
        email: Email::kept(row.get(1)?),
        name: row.get(2)?,
        active: row.get(3)?,
        has_password: row.get(4)?,
        created: Millis(row.get(5)?),
    })
}

fn membership(row: &Row<'_>) -> Result<Membership, Error> {
    Ok(Membership {
        organisation: OrganisationId(row.get(0)?),
        user: UserId(row.get(1)?),
        role: Role::from_code(row.get(2)?).ok_or_else(|| damaged("role"))?,
        created: Millis(row.get(3)?),
    })
}
