//! What is kept of people: accounts, memberships, teams, logins, links to log in, the audit log.

use async_trait::async_trait;

use crate::error::Error;
use crate::model::ids::{AuditId, LoginId, OrganisationId, ProjectId, TeamId, UserId};
use crate::model::people::{AuditEntry, AuditNote, Email, Login, Membership, Role, Team, User};
use crate::model::time::Millis;
use crate::secret::SecretHash;

/// People. Accounts, memberships and teams are few and read whole into memory; logins, links and
/// the audit log are asked for one by one.
#[async_trait]
pub trait People: Send + Sync + 'static {
    /// Returns a number that changes with every change of what `snapshot` shows, also by another
    /// process. Cheap.
    async fn version(&self) -> Result<u64, Error>;

    /// Returns accounts, memberships and teams.
    async fn snapshot(&self) -> Result<PeopleSnapshot, Error>;

    /// Makes an account. [`Conflict`](crate::error::ErrorKind::Conflict) when the address is taken.
    async fn create_user(&self, user: NewUser) -> Result<User, Error>;

    /// Changes an account; fields that are `None` stay. `Conflict` when it would leave an
    /// organisation without an owner who may log in.
    async fn update_user(&self, id: UserId, change: UserChange) -> Result<User, Error>;

    /// Deletes an account with its memberships, tokens and logins. What it did stays in the audit
    /// log. `Conflict` when it is the last owner of an organisation. Its number is never used again.
    async fn delete_user(&self, id: UserId) -> Result<(), Error>;

    /// Returns what is kept of a person's password.
    async fn password(&self, id: UserId) -> Result<Option<PasswordHash>, Error>;

    /// Makes a person a member, or changes what the person is there. `Conflict` when that would
    /// leave the organisation without an owner.
    async fn set_member(
        &self,
        organisation: OrganisationId,
        user: UserId,
        role: Role,
        at: Millis,
    ) -> Result<Membership, Error>;

    /// Ends a membership, with the person's tokens and teams there. `Conflict` for the last owner.
    async fn remove_member(&self, organisation: OrganisationId, user: UserId) -> Result<(), Error>;

    /// Sets whether members see all projects, or those of their teams only.
    async fn set_open(&self, organisation: OrganisationId, open: bool) -> Result<(), Error>;

    /// Makes a team. `Conflict` when the slug is taken in its organisation.
    async fn create_team(&self, team: NewTeam) -> Result<Team, Error>;

    /// Changes a team; fields that are `None` stay.
    async fn update_team(&self, id: TeamId, change: TeamChange) -> Result<Team, Error>;

    /// Deletes a team; its projects stay.
    async fn delete_team(&self, id: TeamId) -> Result<(), Error>;

    /// Puts a person into a team, or takes the person out. Doing it again changes nothing.
    /// `NotFound` when the person is no member of the team's organisation.
    async fn set_in_team(&self, team: TeamId, user: UserId, is_in: bool) -> Result<(), Error>;

    /// Gives a project to a team, or takes it away. Doing it again changes nothing. `NotFound` when
    /// they are not of one organisation.
    async fn set_project_of_team(
        &self,
        team: TeamId,
        project: ProjectId,
        is_of: bool,
    ) -> Result<(), Error>;

    /// Notes a login.
    async fn create_login(&self, login: NewLogin) -> Result<Login, Error>;

    /// Finds a login by the hash of its secret, ended ones included.
    async fn find_login(&self, hash: &SecretHash) -> Result<Option<Login>, Error>;

    /// Returns a person's logins, newest first.
    async fn logins(&self, user: UserId) -> Result<Vec<Login>, Error>;

    /// Notes when a login was last used.
    async fn touch_login(&self, id: LoginId, at: Millis) -> Result<(), Error>;

    /// Ends a login.
    async fn delete_login(&self, id: LoginId) -> Result<(), Error>;

    /// Ends all of a person's logins but one; returns how many.
    async fn delete_logins(&self, user: UserId, but: Option<LoginId>) -> Result<u64, Error>;

    /// Keeps a link with which a person logs in once. Earlier ones of the person end.
    async fn create_link(&self, link: NewLink) -> Result<(), Error>;

    /// Returns whom a link is for, when it has not ended.
    async fn find_link(&self, hash: &SecretHash, now: Millis) -> Result<Option<UserId>, Error>;

    /// Uses a link up: of several who try, one gets the person.
    async fn take_link(&self, hash: &SecretHash, now: Millis) -> Result<Option<UserId>, Error>;

    /// Writes into the audit log.
    async fn note(&self, note: AuditNote) -> Result<(), Error>;

    /// Returns entries of an organisation's audit log, newest first, beginning below `before`.
    async fn audit(
        &self,
        organisation: OrganisationId,
        before: Option<AuditId>,
        limit: u64,
    ) -> Result<Vec<AuditEntry>, Error>;

    /// Forgets logins and links that have ended and what was noted before a moment, and of the audit
    /// log all but the newest entries; returns how many rows.
    async fn forget(&self, ended: EndedPeople) -> Result<u64, Error>;
}

/// Everything that is kept in memory of people, in the order of the numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeopleSnapshot {
    /// The version that it shows.
    pub version: u64,
    /// The accounts.
    pub users: Vec<User>,
    /// Who is what, by organisation and person.
    pub memberships: Vec<Membership>,
    /// The teams.
    pub teams: Vec<Team>,
    /// Who is in which team.
    pub team_members: Vec<(TeamId, UserId)>,
    /// Which team has which project.
    pub team_projects: Vec<(TeamId, ProjectId)>,
    /// The organisations in which members see the projects of their teams only.
    pub closed: Vec<OrganisationId>,
}

/// What is kept of a password: parameters, salt and result, in the form `$argon2id$…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// An account to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUser {
    /// What the person logs in with.
    pub email: Email,
    /// The name for people.
    pub name: String,
    /// Without one the person needs a link.
    pub password: Option<PasswordHash>,
    /// When.
    pub at: Millis,
}

/// What changes in an account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserChange {
    /// A new address.
    pub email: Option<Email>,
    /// A new name.
    pub name: Option<String>,
    /// A new password, or none.
    pub password: Option<Option<PasswordHash>>,
    /// Whether the person may log in.
    pub active: Option<bool>,
}

/// A team to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTeam {
    /// Whose it is.
    pub organisation: OrganisationId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// When.
    pub at: Millis,
}

/// What changes in a team.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TeamChange {
    /// A new name in addresses.
    pub slug: Option<String>,
    /// A new name for people.
    pub name: Option<String>,
}

/// A login to note.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLogin {
    /// Who logged in.
    pub user: UserId,
    /// The hash of the secret that the browser got.
    pub hash: SecretHash,
    /// When.
    pub at: Millis,
    /// When it ends.
    pub expires: Millis,
    /// Where the browser is.
    pub address: String,
    /// What it says of itself.
    pub agent: String,
}

/// A link to keep.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLink {
    /// Whom it is for.
    pub user: UserId,
    /// The hash of its secret.
    pub hash: SecretHash,
    /// When it ends.
    pub expires: Millis,
}

/// What is to be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedPeople {
    /// The time: what has ended by then goes.
    pub now: Millis,
    /// Logins that nobody used since then go.
    pub idle: Millis,
    /// Entries of the audit log from before then go.
    pub noted: Millis,
    /// So many of the newest entries stay at most.
    pub entries: u64,
}
