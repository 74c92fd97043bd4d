//! Tokens for the management API.

use rusqlite::{Connection, Row, Transaction, params};

use super::catalog::taken;
use super::row::{not_found, one, rows};
use crate::error::Error;
use crate::model::catalog::ApiToken;
use crate::model::ids::{OrganisationId, ProjectId, TokenId, UserId};
use crate::model::scope::Scopes;
use crate::model::time::Millis;
use crate::secret::SecretHash;
use crate::store::NewToken;

const TOKEN: &str =
    "SELECT id, organisation, label, hint, scopes, created, last_used, expires, owner,
    project FROM api_tokens";

/// Makes a token.
pub(super) fn create(transaction: &Transaction<'_>, new: &NewToken) -> Result<ApiToken, Error> {
    let owner = "SELECT 1 FROM organisations WHERE id = ?1";
    one(transaction, owner, [new.organisation.0], |_| Ok(()))?
        .ok_or_else(|| not_found("organisation"))?;
    check_belongings(transaction, new)?;
    let insert = "INSERT INTO api_tokens
        (organisation, label, hash, hint, scopes, created, expires, owner, project)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let columns = params![
        new.organisation.0,
        new.label,
        new.hash.0,
        new.hint,
        new.scopes.to_bits(),
        new.at.0,
        new.expires.map(|expires| expires.0),
        new.owner.map(|owner| owner.0),
        new.project.map(|project| project.0)
    ];
    transaction
        .execute(insert, columns)
        .map_err(|error| taken(error, "a token of this secret"))?;
    find(transaction, &new.hash)?.ok_or_else(|| not_found("token"))
}

/// Insists that owner and project are of the token's organisation.
fn check_belongings(connection: &Connection, new: &NewToken) -> Result<(), Error> {
    let organisation = new.organisation.0;
    if let Some(owner) = new.owner {
        let member = "SELECT 1 FROM memberships WHERE organisation = ?1 AND user = ?2";
        one(connection, member, [organisation, owner.0], |_| Ok(()))?
            .ok_or_else(|| not_found("member"))?;
    }
    if let Some(project) = new.project {
        let own = "SELECT 1 FROM projects WHERE organisation = ?1 AND id = ?2";
        one(connection, own, [organisation, project.0], |_| Ok(()))?
            .ok_or_else(|| not_found("project"))?;
    }
    Ok(())
}

/// Returns an organisation's tokens, newest first.
pub(super) fn list(
    connection: &Connection,
    organisation: OrganisationId,
) -> Result<Vec<ApiToken>, Error> {
    let select = format!("{TOKEN} WHERE organisation = ?1 ORDER BY id DESC");
    rows(connection, &select, [organisation.0], token)
}

/// Finds a token by the hash of its secret.
pub(super) fn find(connection: &Connection, hash: &SecretHash) -> Result<Option<ApiToken>, Error> {
    one(
        connection,
        &format!("{TOKEN} WHERE hash = ?1"),
        [hash.0],
        token,
    )
}

/// Notes when tokens were last used.
pub(super) fn touch(
    transaction: &Transaction<'_>,
    used: &[(TokenId, Millis)],
) -> Result<(), Error> {
    let mut update = transaction.prepare_cached(
        "UPDATE api_tokens SET last_used = max(coalesce(last_used, ?2), ?2) WHERE id = ?1",
    )?;
    for (id, at) in used {
        update.execute(params![id.0, at.0])?;
    }
    Ok(())
}

/// Deletes a token.
pub(super) fn delete(transaction: &Transaction<'_>, id: TokenId) -> Result<(), Error> {
    match transaction.execute("DELETE FROM api_tokens WHERE id = ?1", [id.0])? {
        0 => Err(not_found("token")),
        _ => Ok(()),
    }
}

fn token(row: &Row<'_>) -> Result<ApiToken, Error> {
    let last_used: Option<i64> = row.get(6)?;
    let expires: Option<i64> = row.get(7)?;
    let owner: Option<u32> = row.get(8)?;
    let project: Option<u32> = row.get(9)?;
    Ok(ApiToken {
        id: TokenId(row.get(0)?),
        organisation: OrganisationId(row.get(1)?),
        owner: owner.map(UserId),
        project: project.map(ProjectId),
        label: row.get(2)?,
        hint: row.get(3)?,
        scopes: Scopes::from_bits(row.get(4)?),
        created: Millis(row.get(5)?),
        last_used: last_used.map(Millis),
        expires: expires.map(Millis),
    })
}
