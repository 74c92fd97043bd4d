//! Accounts and memberships.

use tokio_postgres::Row;

use super::super::catalog::taken;
use super::super::failure::corrupt;
use super::super::pool::Lease;
use super::super::row::{get, int, number, text};
use super::{last_owner, missing, next};
use crate::error::Error;
use crate::model::ids::{OrganisationId, UserId};
use crate::model::people::{Email, Membership, Role, User};
use crate::model::time::Millis;
use crate::store::people::{NewUser, PasswordHash, UserChange};

const USERS: &str = "SELECT id, email, name, active, password IS NOT NULL, created FROM users \
                     ORDER BY id";
const USER: &str = "SELECT id, email, name, active, password IS NOT NULL, created FROM users \
                    WHERE id = $1";
const MEMBERSHIPS: &str = "SELECT organisation, person, role, created FROM memberships \
                           ORDER BY organisation, person";
const CLOSED: &str = "SELECT id FROM organisations WHERE NOT open_membership ORDER BY id";
const OWNED: &str = "SELECT organisation FROM memberships WHERE person = $1 AND role = $2";
const OWNER: &str = "SELECT 1 FROM memberships AS m JOIN users AS u ON u.id = m.person \
                     WHERE m.organisation = $1 AND m.role = $2 AND u.active LIMIT 1";

/// Returns all accounts.
pub(super) async fn users(lease: &mut Lease) -> Result<Vec<User>, Error> {
    lease.query(USERS, &[]).await?.iter().map(user).collect()
}

/// Returns all memberships.
pub(super) async fn memberships(lease: &mut Lease) -> Result<Vec<Membership>, Error> {
    let rows = lease.query(MEMBERSHIPS, &[]).await?;
    rows.iter().map(membership).collect()
}

/// Returns the organisations in which teams decide what is seen.
pub(super) async fn closed(lease: &mut Lease) -> Result<Vec<OrganisationId>, Error> {
    let rows = lease.query(CLOSED, &[]).await?;
    rows.iter()
        .map(|row| Ok(OrganisationId(number(row, 0)?)))
        .collect()
}

/// Makes an account.
pub(super) async fn create(lease: &mut Lease, new: &NewUser) -> Result<User, Error> {
    let id = next(lease, "user").await?;
    let (email, name) = (text(new.email.as_str()), text(&new.name));
    let password = new.password.as_ref().map(|hash| hash.0.as_str());
    lease
        .execute(
            "INSERT INTO users (id, email, name, password, active, created) \
             VALUES ($1, $2, $3, $4, true, $5)",
            &[&id, &email, &name, &password, &new.at.0],
        )
        .await
        .map_err(|error| taken(error, "an account of this address"))?;
    user(&lease.query_one(USER, &[&id]).await?)
}

/// Changes an account.
pub(super) async fn update(
    lease: &mut Lease,
    id: UserId,
    change: UserChange,
) -> Result<User, Error> {
    let before = find(lease, id).await?;
    let kept = password(lease, id).await?;
    let password = change.password.unwrap_or(kept).map(|hash| hash.0);
    let email = change.email.unwrap_or(before.email);
    let name = change.name.unwrap_or(before.name);
    let active = change.active.unwrap_or(before.active);
    lease
        .execute(
            "UPDATE users SET email = $2, name = $3, password = $4, active = $5 WHERE id = $1",
            &[
                &int(id.0),
                &text(email.as_str()),
                &text(&name),
                &password,
                &active,
            ],
        )
        .await
        .map_err(|error| taken(error, "an account of this address"))?;
    if before.active && !active {
        for organisation in owned_by(lease, id).await? {
            keep_owner(lease, organisation).await?;
        }
        lease
            .execute("DELETE FROM logins WHERE person = $1", &[&int(id.0)])
            .await?;
    }
    find(lease, id).await
}

/// Deletes an account and what hangs on it.
pub(super) async fn delete(lease: &mut Lease, id: UserId) -> Result<(), Error> {
    find(lease, id).await?;
    let owned = owned_by(lease, id).await?;
    lease
        .execute("DELETE FROM users WHERE id = $1", &[&int(id.0)])
        .await?;
    for organisation in owned {
        keep_owner(lease, organisation).await?;
    }
    Ok(())
}

/// Returns what is kept of a password.
pub(super) async fn password(lease: &mut Lease, id: UserId) -> Result<Option<PasswordHash>, Error> {
    let select = "SELECT password FROM users WHERE id = $1";
    let row = lease.query_opt(select, &[&int(id.0)]).await?;
    let row = row.ok_or_else(|| missing("account"))?;
    Ok(get::<Option<String>>(&row, 0)?.map(PasswordHash))
}

/// Makes a member, or changes what the member is.
pub(super) async fn set_member(lease: &mut Lease, new: &Membership) -> Result<Membership, Error> {
    let had_owner = has_owner(lease, new.organisation).await?;
    let row = lease
        .query_one(
            "INSERT INTO memberships (organisation, person, role, created) \
             VALUES ($1, $2, $3, $4) \
             ON CONFLICT (organisation, person) DO UPDATE SET role = EXCLUDED.role \
             RETURNING organisation, person, role, created",
            &[
                &int(new.organisation.0),
                &int(new.user.0),
                &i16::from(new.role.code()),
                &new.created.0,
            ],
        )
        .await
        .map_err(|error| taken(error, "the member"))?;
    if had_owner {
        keep_owner(lease, new.organisation).await?;
    }
    membership(&row)
}

/// Ends a membership.
pub(super) async fn remove_member(
    lease: &mut Lease,
    organisation: OrganisationId,
    user: UserId,
) -> Result<(), Error> {
    let (organisation_number, person) = (int(organisation.0), int(user.0));
    let had_owner = has_owner(lease, organisation).await?;
    let gone = lease
        .execute(
            "DELETE FROM memberships WHERE organisation = $1 AND person = $2",
            &[&organisation_number, &person],
        )
        .await?;
    if gone == 0 {
        return Err(missing("member"));
    }
    if had_owner {
        keep_owner(lease, organisation).await?;
    }
    lease
        .execute(
            "DELETE FROM team_members WHERE person = $2 \
             AND team IN (SELECT id FROM teams WHERE organisation = $1)",
            &[&organisation_number, &person],
        )
        .await?;
    lease
        .execute(
            "DELETE FROM api_tokens WHERE organisation = $1 AND owner = $2",
            &[&organisation_number, &person],
        )
        .await?;
    Ok(())
}

async fn find(lease: &mut Lease, id: UserId) -> Result<User, Error> {
    let row = lease.query_opt(USER, &[&int(id.0)]).await?;
    user(&row.ok_or_else(|| missing("account"))?)
}

async fn owned_by(lease: &mut Lease, id: UserId) -> Result<Vec<OrganisationId>, Error> {
    let owner = i16::from(Role::Owner.code());
    let rows = lease.query(OWNED, &[&int(id.0), &owner]).await?;
    rows.iter()
        .map(|row| Ok(OrganisationId(number(row, 0)?)))
        .collect()
}

async fn keep_owner(lease: &mut Lease, organisation: OrganisationId) -> Result<(), Error> {
    match has_owner(lease, organisation).await? {
        true => Ok(()),
        false => Err(last_owner()),
    }
}

/// Reports whether somebody who may log in owns the organisation.
async fn has_owner(lease: &mut Lease, organisation: OrganisationId) -> Result<bool, Error> {
    let owner = i16::from(Role::Owner.code());
    let asked = int(organisation.0);
    Ok(lease.query_opt(OWNER, &[&asked, &owner]).await?.is_some())
}

fn user(row: &Row) -> Result<User, Error> {
    Ok(User {
        id: UserId(number(row, 0)?),
        email: Email::kept(get(row, 1)?),
        name: get(row, 2)?,
        active: get(row, 3)?,
        has_password: get(row, 4)?,
        created: Millis(get(row, 5)?),
    })
}

fn membership(row: &Row) -> Result<Membership, Error> {
    let role = u8::try_from(get::<i16>(row, 2)?).ok();
    Ok(Membership {
        organisation: OrganisationId(number(row, 0)?),
        user: UserId(number(row, 1)?),
        role: role
            .and_then(Role::from_code)
            .ok_or_else(|| corrupt("role"))?,
        created: Millis(get(row, 3)?),
    })
}
