//! People: accounts, memberships, teams, logins, links, the audit log.

use std::sync::Arc;

use async_trait::async_trait;

use super::catalog::{missing, next};
use super::pool::{Lease, Pool};
use super::row::{count, int};
use crate::error::{Error, ErrorKind};
use crate::model::ids::{AuditId, LoginId, OrganisationId, ProjectId, TeamId, UserId};
use crate::model::people::{AuditEntry, AuditNote, Login, Membership, Role, Team, User};
use crate::model::time::Millis;
use crate::secret::SecretHash;
use crate::store::people::{
    EndedPeople, NewLink, NewLogin, NewTeam, NewUser, PasswordHash, People, PeopleSnapshot,
    TeamChange, UserChange,
};

mod accounts;
mod audit;
mod logins;
mod teams;

const VERSION: &str = "SELECT value FROM counters WHERE name = 'people_version'";
const NEW_VERSION: &str = "UPDATE counters SET value = value + 1 WHERE name = 'people_version'";

/// People in PostgreSQL.
#[derive(Debug)]
pub(super) struct PostgresPeople {
    pool: Arc<Pool>,
}

impl PostgresPeople {
    /// Makes the part.
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }

    /// Begins a change. The row of the version is locked first, so changes follow one another, and
    /// none of two can take away the other's last owner.
    async fn change(&self) -> Result<Lease, Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin("BEGIN").await?;
        lease.execute(NEW_VERSION, &[]).await?;
        Ok(lease)
    }
}

#[async_trait]
impl People for PostgresPeople {
    async fn version(&self) -> Result<u64, Error> {
        let mut lease = self.pool.lend().await?;
        count(&lease.query_one(VERSION, &[]).await?, 0)
    }

    async fn snapshot(&self) -> Result<PeopleSnapshot, Error> {
        let mut lease = self.pool.lend().await?;
        lease
            .begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let snapshot = PeopleSnapshot {
            version: count(&lease.query_one(VERSION, &[]).await?, 0)?,
            users: accounts::users(&mut lease).await?,
            memberships: accounts::memberships(&mut lease).await?,
            teams: teams::teams(&mut lease).await?,
            team_members: teams::members(&mut lease).await?,
            team_projects: teams::projects(&mut lease).await?,
            closed: accounts::closed(&mut lease).await?,
        };
        lease.commit().await?;
        Ok(snapshot)
    }

    async fn create_user(&self, user: NewUser) -> Result<User, Error> {
        let mut lease = self.change().await?;
        let made = accounts::create(&mut lease, &user).await?;
        lease.commit().await?;
        Ok(made)
    }

    async fn update_user(&self, id: UserId, change: UserChange) -> Result<User, Error> {
        let mut lease = self.change().await?;
        let changed = accounts::update(&mut lease, id, change).await?;
        lease.commit().await?;
        Ok(changed)
    }

    async fn delete_user(&self, id: UserId) -> Result<(), Error> {
        let mut lease = self.change().await?;
        accounts::delete(&mut lease, id).await?;
        lease.commit().await
    }

    async fn password(&self, id: UserId) -> Result<Option<PasswordHash>, Error> {
        let mut lease = self.pool.lend().await?;
        accounts::password(&mut lease, id).await
    }

    async fn set_member(
        &self,
        organisation: OrganisationId,
        user: UserId,
        role: Role,
        at: Millis,
    ) -> Result<Membership, Error> {
        let mut lease = self.change().await?;
        let new = Membership {
            organisation,
            user,
            role,
            created: at,
        };
        let made = accounts::set_member(&mut lease, &new).await?;
        lease.commit().await?;
        Ok(made)
    }

    async fn remove_member(&self, organisation: OrganisationId, user: UserId) -> Result<(), Error> {
        let mut lease = self.change().await?;
        accounts::remove_member(&mut lease, organisation, user).await?;
        lease.commit().await
    }

    async fn set_open(&self, organisation: OrganisationId, open: bool) -> Result<(), Error> {
        let mut lease = self.change().await?;
        let update = "UPDATE organisations SET open_membership = $2 WHERE id = $1";
        let changed = lease
            .execute(update, &[&int(organisation.0), &open])
            .await?;
        if changed == 0 {
            return Err(missing("organisation"));
        }
        lease.commit().await
    }

    async fn create_team(&self, team: NewTeam) -> Result<Team, Error> {
        let mut lease = self.change().await?;
        let made = teams::create(&mut lease, &team).await?;
        lease.commit().await?;
        Ok(made)
    }

    async fn update_team(&self, id: TeamId, change: TeamChange) -> Result<Team, Error> {
        let mut lease = self.change().await?;
        let changed = teams::update(&mut lease, id, change).await?;
        lease.commit().await?;
        Ok(changed)
    }

    async fn delete_team(&self, id: TeamId) -> Result<(), Error> {
        let mut lease = self.change().await?;
        let delete = "DELETE FROM teams WHERE id = $1";
        if lease.execute(delete, &[&int(id.0)]).await? == 0 {
            return Err(missing("team"));
        }
        lease.commit().await
    }

    async fn set_in_team(&self, team: TeamId, user: UserId, is_in: bool) -> Result<(), Error> {
        let mut lease = self.change().await?;
        teams::set_member(&mut lease, team, user, is_in).await?;
        lease.commit().await
    }

    async fn set_project_of_team(
        &self,
        team: TeamId,
        project: ProjectId,
        is_of: bool,
    ) -> Result<(), Error> {
        let mut lease = self.change().await?;
        teams::set_project(&mut lease, team, project, is_of).await?;
        lease.commit().await
    }

    async fn create_login(&self, login: NewLogin) -> Result<Login, Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin("BEGIN").await?;
        let made = logins::create(&mut lease, &login).await?;
        lease.commit().await?;
        Ok(made)
    }

    async fn find_login(&self, hash: &SecretHash) -> Result<Option<Login>, Error> {
        let mut lease = self.pool.lend().await?;
        logins::find(&mut lease, hash).await
    }

    async fn logins(&self, user: UserId) -> Result<Vec<Login>, Error> {
        let mut lease = self.pool.lend().await?;
        logins::list(&mut lease, user).await
    }

    async fn touch_login(&self, id: LoginId, at: Millis) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        let update = "UPDATE logins SET seen = GREATEST(seen, $2) WHERE id = $1";
        lease.execute(update, &[&int(id.0), &at.0]).await?;
        Ok(())
    }

    async fn delete_login(&self, id: LoginId) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        let delete = "DELETE FROM logins WHERE id = $1";
        match lease.execute(delete, &[&int(id.0)]).await? {
            0 => Err(missing("login")),
            _ => Ok(()),
        }
    }

    async fn delete_logins(&self, user: UserId, but: Option<LoginId>) -> Result<u64, Error> {
        let mut lease = self.pool.lend().await?;
        let delete = "DELETE FROM logins WHERE person = $1 AND id IS DISTINCT FROM $2";
        let but = but.map(|id| int(id.0));
        lease.execute(delete, &[&int(user.0), &but]).await
    }

    async fn create_link(&self, link: NewLink) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        logins::create_link(&mut lease, &link).await
    }

    async fn find_link(&self, hash: &SecretHash, now: Millis) -> Result<Option<UserId>, Error> {
        let mut lease = self.pool.lend().await?;
        logins::find_link(&mut lease, hash, now).await
    }

    async fn take_link(&self, hash: &SecretHash, now: Millis) -> Result<Option<UserId>, Error> {
        let mut lease = self.pool.lend().await?;
        logins::take_link(&mut lease, hash, now).await
    }

    async fn note(&self, note: AuditNote) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin("BEGIN").await?;
        audit::note(&mut lease, &note).await?;
        lease.commit().await
    }

    async fn audit(
        &self,
        organisation: OrganisationId,
        before: Option<AuditId>,
        limit: u64,
    ) -> Result<Vec<AuditEntry>, Error> {
        let mut lease = self.pool.lend().await?;
        audit::list(&mut lease, organisation, before, limit).await
    }

    async fn forget(&self, ended: EndedPeople) -> Result<u64, Error> {
        let mut lease = self.pool.lend().await?;
        let logins = logins::forget(&mut lease, ended).await?;
        let entries = audit::forget(&mut lease, ended).await?;
        Ok(logins.saturating_add(entries))
    }
}

/// The change would leave an organisation to nobody.
fn last_owner() -> Error {
    Error::because(ErrorKind::Conflict, "an organisation keeps one owner")
}
