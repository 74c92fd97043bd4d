//! Teams, who is in them, and what they have.

use tokio_postgres::Row;

use super::super::catalog::taken;
use super::super::pool::Lease;
use super::super::row::{get, int, number, text};
use super::{missing, next};
use crate::error::Error;
use crate::model::ids::{OrganisationId, ProjectId, TeamId, UserId};
use crate::model::people::Team;
use crate::model::time::Millis;
use crate::store::people::{NewTeam, TeamChange};

const TEAMS: &str = "SELECT id, organisation, slug, name, created FROM teams ORDER BY id";
const TEAM: &str = "SELECT id, organisation, slug, name, created FROM teams WHERE id = $1";
const MEMBERS: &str = "SELECT team, person FROM team_members ORDER BY team, person";
const PROJECTS: &str = "SELECT team, project FROM team_projects ORDER BY team, project";

/// Returns all teams.
pub(super) async fn teams(lease: &mut Lease) -> Result<Vec<Team>, Error> {
    lease.query(TEAMS, &[]).await?.iter().map(team).collect()
}

/// Returns who is in which team.
pub(super) async fn members(lease: &mut Lease) -> Result<Vec<(TeamId, UserId)>, Error> {
    let rows = lease.query(MEMBERS, &[]).await?;
    rows.iter()
        .map(|row| Ok((TeamId(number(row, 0)?), UserId(number(row, 1)?))))
        .collect()
}

/// Returns which team has which project.
pub(super) async fn projects(lease: &mut Lease) -> Result<Vec<(TeamId, ProjectId)>, Error> {
    let rows = lease.query(PROJECTS, &[]).await?;
    rows.iter()
        .map(|row| Ok((TeamId(number(row, 0)?), ProjectId(number(row, 1)?))))
        .collect()
}

/// Makes a team.
pub(super) async fn create(lease: &mut Lease, new: &NewTeam) -> Result<Team, Error> {
    let id = next(lease, "team").await?;
    lease
        .execute(
            "INSERT INTO teams (id, organisation, slug, name, created) \
             VALUES ($1, $2, $3, $4, $5)",
            &[
                &id,
                &int(new.organisation.0),
                &text(&new.slug),
                &text(&new.name),
                &new.at.0,
            ],
        )
        .await
        .map_err(|error| taken(error, "a team of this slug"))?;
    team(&lease.query_one(TEAM, &[&id]).await?)
}

/// Changes a team.
pub(super) async fn update(
    lease: &mut Lease,
    id: TeamId,
    change: TeamChange,
) -> Result<Team, Error> {
    let before = find(lease, id).await?;
    let slug = change.slug.unwrap_or(before.slug);
    let name = change.name.unwrap_or(before.name);
    lease
        .execute(
            "UPDATE teams SET slug = $2, name = $3 WHERE id = $1",
            &[&int(id.0), &text(&slug), &text(&name)],
        )
        .await
        .map_err(|error| taken(error, "a team of this slug"))?;
    find(lease, id).await
}

/// Puts a person into a team or takes the person out.
pub(super) async fn set_member(
    lease: &mut Lease,
    id: TeamId,
    user: UserId,
    is_in: bool,
) -> Result<(), Error> {
    let team = find(lease, id).await?;
    let member = "SELECT 1 FROM memberships WHERE organisation = $1 AND person = $2";
    let asked = [int(team.organisation.0), int(user.0)];
    let found = lease.query_opt(member, &[&asked[0], &asked[1]]).await?;
    found.ok_or_else(|| missing("member"))?;
    let change = match is_in {
        true => "INSERT INTO team_members (team, person) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        false => "DELETE FROM team_members WHERE team = $1 AND person = $2",
    };
    lease.execute(change, &[&int(id.0), &int(user.0)]).await?;
    Ok(())
}

/// Gives a project to a team or takes it away.
pub(super) async fn set_project(
    lease: &mut Lease,
    id: TeamId,
    project: ProjectId,
    is_of: bool,
) -> Result<(), Error> {
    let team = find(lease, id).await?;
    let own = "SELECT 1 FROM projects WHERE organisation = $1 AND id = $2";
    let asked = [int(team.organisation.0), int(project.0)];
    let found = lease.query_opt(own, &[&asked[0], &asked[1]]).await?;
    found.ok_or_else(|| missing("project"))?;
    let change = match is_of {
        true => "INSERT INTO team_projects (team, project) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        false => "DELETE FROM team_projects WHERE team = $1 AND project = $2",
    };
    lease
        .execute(change, &[&int(id.0), &int(project.0)])
        .await?;
    Ok(())
}

async fn find(lease: &mut Lease, id: TeamId) -> Result<Team, Error> {
    let row = lease.query_opt(TEAM, &[&int(id.0)]).await?;
    team(&row.ok_or_else(|| missing("team"))?)
}

fn team(row: &Row) -> Result<Team, Error> {
    Ok(Team {
        id: TeamId(number(row, 0)?),
        organisation: OrganisationId(number(row, 1)?),
        slug: get(row, 2)?,
        name: get(row, 3)?,
        created: Millis(get(row, 4)?),
    })
}
