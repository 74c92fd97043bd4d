//! People: accounts, memberships, teams, logins, links, the audit log.

use async_trait::async_trait;
use rusqlite::{Connection, Transaction};

use super::Sqlite;
use super::connection::damaged;
use super::row::not_found;
use super::writer::{Durability, add_to_counter, counter};
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

#[async_trait]
impl People for Sqlite {
    async fn version(&self) -> Result<u64, Error> {
        self.read(version).await
    }

    async fn snapshot(&self) -> Result<PeopleSnapshot, Error> {
        self.read(|connection| {
            Ok(PeopleSnapshot {
                version: version(connection)?,
                users: accounts::users(connection)?,
                memberships: accounts::memberships(connection)?,
                teams: teams::teams(connection)?,
                team_members: teams::members(connection)?,
                team_projects: teams::projects(connection)?,
                closed: accounts::closed(connection)?,
            })
        })
        .await
    }

    async fn create_user(&self, user: NewUser) -> Result<User, Error> {
        self.change_people(move |transaction| accounts::create(transaction, &user))
            .await
    }

    async fn update_user(&self, id: UserId, change: UserChange) -> Result<User, Error> {
        self.change_people(move |transaction| accounts::update(transaction, id, change))
            .await
    }

    async fn delete_user(&self, id: UserId) -> Result<(), Error> {
        self.change_people(move |transaction| accounts::delete(transaction, id))
            .await
    }

    async fn password(&self, id: UserId) -> Result<Option<PasswordHash>, Error> {
        self.read(move |connection| accounts::password(connection, id))
            .await
    }

    async fn set_member(
        &self,
        organisation: OrganisationId,
        user: UserId,
        role: Role,
        at: Millis,
    ) -> Result<Membership, Error> {
        let member = Membership {
            organisation,
            user,
            role,
            created: at,
        };
        self.change_people(move |transaction| accounts::set_member(transaction, &member))
            .await
    }

    async fn remove_member(&self, organisation: OrganisationId, user: UserId) -> Result<(), Error> {
        self.change_people(move |transaction| {
            accounts::remove_member(transaction, organisation, user)
        })
        .await
    }

    async fn set_open(&self, organisation: OrganisationId, open: bool) -> Result<(), Error> {
        self.change_people(move |transaction| {
            let update = "UPDATE organisations SET open_membership = ?2 WHERE id = ?1";
            match transaction.execute(update, (organisation.0, open))? {
                0 => Err(not_found("organisation")),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn create_team(&self, team: NewTeam) -> Result<Team, Error> {
        self.change_people(move |transaction| teams::create(transaction, &team))
            .await
    }

    async fn update_team(&self, id: TeamId, change: TeamChange) -> Result<Team, Error> {
        self.change_people(move |transaction| teams::update(transaction, id, change))
            .await
    }

    async fn delete_team(&self, id: TeamId) -> Result<(), Error> {
        self.change_people(move |transaction| {
            match transaction.execute("DELETE FROM teams WHERE id = ?1", [id.0])? {
                0 => Err(not_found("team")),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn set_in_team(&self, team: TeamId, user: UserId, is_in: bool) -> Result<(), Error> {
        self.change_people(move |transaction| teams::set_member(transaction, team, user, is_in))
            .await
    }

    async fn set_project_of_team(
        &self,
        team: TeamId,
        project: ProjectId,
        is_of: bool,
    ) -> Result<(), Error> {
        self.change_people(move |transaction| teams::set_project(transaction, team, project, is_of))
            .await
    }

    async fn create_login(&self, login: NewLogin) -> Result<Login, Error> {
        self.write_people(Durability::Power, move |transaction| {
            logins::create(transaction, &login)
        })
        .await
    }

    async fn find_login(&self, hash: &SecretHash) -> Result<Option<Login>, Error> {
        let hash = *hash;
        self.read(move |connection| logins::find(connection, &hash))
            .await
    }

    async fn logins(&self, user: UserId) -> Result<Vec<Login>, Error> {
        self.read(move |connection| logins::list(connection, user))
            .await
    }

    async fn touch_login(&self, id: LoginId, at: Millis) -> Result<(), Error> {
        self.write_people(Durability::Process, move |transaction| {
            logins::touch(transaction, id, at)
        })
        .await
    }

    async fn delete_login(&self, id: LoginId) -> Result<(), Error> {
        self.write_people(Durability::Power, move |transaction| {
            match transaction.execute("DELETE FROM logins WHERE id = ?1", [id.0])? {
                0 => Err(not_found("login")),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn delete_logins(&self, user: UserId, but: Option<LoginId>) -> Result<u64, Error> {
        self.write_people(Durability::Power, move |transaction| {
            logins::delete_all(transaction, user, but)
        })
        .await
    }

    async fn create_link(&self, link: NewLink) -> Result<(), Error> {
        self.write_people(Durability::Power, move |transaction| {
            logins::create_link(transaction, &link)
        })
        .await
    }

    async fn find_link(&self, hash: &SecretHash, now: Millis) -> Result<Option<UserId>, Error> {
        let hash = *hash;
        self.read(move |connection| logins::find_link(connection, &hash, now))
            .await
    }

    async fn take_link(&self, hash: &SecretHash, now: Millis) -> Result<Option<UserId>, Error> {
        let hash = *hash;
        self.write_people(Durability::Power, move |transaction| {
            let found = logins::find_link(transaction, &hash, now)?;
            transaction.execute("DELETE FROM login_links WHERE hash = ?1", [hash.0])?;
            Ok(found)
        })
        .await
    }

    async fn note(&self, note: AuditNote) -> Result<(), Error> {
        self.write_people(Durability::Power, move |transaction| {
            audit::note(transaction, &note)
        })
        .await
    }

    async fn audit(
        &self,
        organisation: OrganisationId,
        before: Option<AuditId>,
        limit: u64,
    ) -> Result<Vec<AuditEntry>, Error> {
        self.read(move |connection| audit::list(connection, organisation, before, limit))
            .await
    }

    async fn forget(&self, ended: EndedPeople) -> Result<u64, Error> {
        self.write_people(Durability::Process, move |transaction| {
            let logins = logins::forget(transaction, ended)?;
            let entries = audit::forget(transaction, ended)?;
            Ok(logins.saturating_add(entries))
        })
        .await
    }
}

impl Sqlite {
    /// Changes what is in memory of people and moves its version.
    async fn change_people<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        self.write_people(Durability::Power, move |transaction| {
            let answer = work(transaction)?;
            add_to_counter(transaction, "people_version", 1)?;
            Ok(answer)
        })
        .await
    }

    async fn write_people<R: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        self.writer
            .run(move |writer| writer.write(durability, |transaction, _| work(transaction)))
            .await
    }
}

fn version(connection: &Connection) -> Result<u64, Error> {
    let version = counter(connection, "people_version")?;
    u64::try_from(version).map_err(|_| damaged("version of people"))
}

/// The change would leave an organisation to nobody.
fn last_owner() -> Error {
    Error::because(ErrorKind::Conflict, "an organisation keeps one owner")
}
