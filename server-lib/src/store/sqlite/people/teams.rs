//! Teams, who is in them, and what they have.

use rusqlite::{Connection, Row, Transaction, params};

use super::super::catalog::taken;
use super::super::connection::damaged;
use super::super::row::{not_found, one, rows};
use crate::error::Error;
use crate::model::ids::{OrganisationId, ProjectId, TeamId, UserId};
use crate::model::people::Team;
use crate::model::time::Millis;
use crate::store::people::{NewTeam, TeamChange};

const TEAM: &str = "SELECT id, organisation, slug, name, created FROM teams";

/// Returns all teams.
pub(super) fn teams(connection: &Connection) -> Result<Vec<Team>, Error> {
    rows(connection, &format!("{TEAM} ORDER BY id"), [], team)
}

/// Returns who is in which team.
pub(super) fn members(connection: &Connection) -> Result<Vec<(TeamId, UserId)>, Error> {
    let select = "SELECT team, user FROM team_members ORDER BY team, user";
    rows(connection, select, [], |row| {
        Ok((TeamId(row.get(0)?), UserId(row.get(1)?)))
    })
}

/// Returns which team has which project.
pub(super) fn projects(connection: &Connection) -> Result<Vec<(TeamId, ProjectId)>, Error> {
    let select = "SELECT team, project FROM team_projects ORDER BY team, project";
    rows(connection, select, [], |row| {
        Ok((TeamId(row.get(0)?), ProjectId(row.get(1)?)))
    })
}

/// Makes a team.
pub(super) fn create(transaction: &Transaction<'_>, new: &NewTeam) -> Result<Team, Error> {
    let owner = "SELECT 1 FROM organisations WHERE id = ?1";
    one(transaction, owner, [new.organisation.0], |_| Ok(()))?
        .ok_or_else(|| not_found("organisation"))?;
    let insert = "INSERT INTO teams (organisation, slug, name, created) VALUES (?1, ?2, ?3, ?4)";
    transaction
        .execute(
            insert,
            params![new.organisation.0, new.slug, new.name, new.at.0],
        )
        .map_err(|error| taken(error, "a team of this slug"))?;
    let id = TeamId::from_i64(transaction.last_insert_rowid());
    find(transaction, id.ok_or_else(|| damaged("team number"))?)
}

/// Changes a team.
pub(super) fn update(
    transaction: &Transaction<'_>,
    id: TeamId,
    change: TeamChange,
) -> Result<Team, Error> {
    let before = find(transaction, id)?;
    let columns = params![
        id.0,
        change.slug.unwrap_or(before.slug),
        change.name.unwrap_or(before.name)
    ];
    transaction
        .execute(
            "UPDATE teams SET slug = ?2, name = ?3 WHERE id = ?1",
            columns,
        )
        .map_err(|error| taken(error, "a team of this slug"))?;
    find(transaction, id)
}

/// Puts a person into a team or takes the person out.
pub(super) fn set_member(
    transaction: &Transaction<'_>,
    id: TeamId,
    user: UserId,
    is_in: bool,
) -> Result<(), Error> {
    let team = find(transaction, id)?;
    let member = "SELECT 1 FROM memberships WHERE organisation = ?1 AND user = ?2";
    one(transaction, member, [team.organisation.0, user.0], |_| {
        Ok(())
    })?
    .ok_or_else(|| not_found("member"))?;
    let change = match is_in {
        true => "INSERT OR IGNORE INTO team_members (team, user) VALUES (?1, ?2)",
        false => "DELETE FROM team_members WHERE team = ?1 AND user = ?2",
    };
    transaction.execute(change, [id.0, user.0])?;
    Ok(())
}

/// Gives a project to a team or takes it away.
pub(super) fn set_project(
    transaction: &Transaction<'_>,
    id: TeamId,
    project: ProjectId,
    is_of: bool,
) -> Result<(), Error> {
    let team = find(transaction, id)?;
    let own = "SELECT 1 FROM projects WHERE organisation = ?1 AND id = ?2";
    one(transaction, own, [team.organisation.0, project.0], |_| {
        Ok(())
    })?
    .ok_or_else(|| not_found("project"))?;
    let change = match is_of {
        true => "INSERT OR IGNORE INTO team_projects (team, project) VALUES (?1, ?2)",
        false => "DELETE FROM team_projects WHERE team = ?1 AND project = ?2",
    };
    transaction.execute(change, [id.0, project.0])?;
    Ok(())
}

fn find(connection: &Connection, id: TeamId) -> Result<Team, Error> {
    one(connection, &format!("{TEAM} WHERE id = ?1"), [id.0], team)?
        .ok_or_else(|| not_found("team"))
}

fn team(row: &Row<'_>) -> Result<Team, Error> {
    Ok(Team {
        id: TeamId(row.get(0)?),
        organisation: OrganisationId(row.get(1)?),
        slug: row.get(2)?,
        name: row.get(3)?,
        created: Millis(row.get(4)?),
    })
}
