//! One state of all accounts, memberships and teams, indexed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::model::ids::{OrganisationId, ProjectId, TeamId, UserId};
use crate::model::people::{Email, Membership, Role, Team, User};
use crate::store::people::PeopleSnapshot;

/// One state. Never changes; a new state is a new view.
#[derive(Debug, Default)]
pub struct PeopleView {
    version: u64,
    users: HashMap<UserId, Arc<User>>,
    by_email: HashMap<Email, UserId>,
    memberships: Vec<Membership>,
    roles: HashMap<(OrganisationId, UserId), Role>,
    teams: Vec<Team>,
    members: HashSet<(TeamId, UserId)>,
    projects: HashSet<(TeamId, ProjectId)>,
    closed: HashSet<OrganisationId>,
}

impl PeopleView {
    /// Indexes a snapshot.
    #[must_use]
    pub fn new(snapshot: PeopleSnapshot) -> Self {
        let roles = snapshot
            .memberships
            .iter()
            .map(|member| ((member.organisation, member.user), member.role));
        Self {
            version: snapshot.version,
            by_email: snapshot
                .users
                .iter()
                .map(|user| (user.email.clone(), user.id))
                .collect(),
            roles: roles.collect(),
            users: snapshot
                .users
                .into_iter()
                .map(|user| (user.id, Arc::new(user)))
                .collect(),
            memberships: snapshot.memberships,
            teams: snapshot.teams,
            members: snapshot.team_members.into_iter().collect(),
            projects: snapshot.team_projects.into_iter().collect(),
            closed: snapshot.closed.into_iter().collect(),
        }
    }

    /// Returns the version that the view shows.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Finds an account.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&Arc<User>> {
        self.users.get(&id)
    }

    /// Finds an account by its address.
    #[must_use]
    pub fn user_by_email(&self, email: &Email) -> Option<&Arc<User>> {
        self.user(*self.by_email.get(email)?)
    }

    /// Reports whether there are no accounts at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Returns what a person is in an organisation.
    #[must_use]
    pub fn role(&self, organisation: OrganisationId, user: UserId) -> Option<Role> {
        self.roles.get(&(organisation, user)).copied()
    }

    /// Returns the members of an organisation, by number.
    pub fn members(
        &self,
        organisation: OrganisationId,
    ) -> impl Iterator<Item = (&Membership, &Arc<User>)> {
        self.memberships
            .iter()
            .filter(move |member| member.organisation == organisation)
            .filter_map(|member| Some((member, self.users.get(&member.user)?)))
    }

    /// Returns the organisations of a person.
    pub fn organisations_of(&self, user: UserId) -> impl Iterator<Item = OrganisationId> {
        self.memberships
            .iter()
            .filter(move |member| member.user == user)
            .map(|member| member.organisation)
    }

    /// Returns the teams of an organisation, by number.
    pub fn teams(&self, organisation: OrganisationId) -> impl Iterator<Item = &Team> {
        self.teams
            .iter()
            .filter(move |team| team.organisation == organisation)
    }

    /// Finds a team of an organisation by slug or number.
    #[must_use]
    pub fn team(&self, organisation: OrganisationId, name: &str) -> Option<&Team> {
        let id = name.parse().ok().map(TeamId);
        self.teams(organisation)
            .find(|team| team.slug == name || Some(team.id) == id)
    }

    /// Reports whether a person is in a team.
    #[must_use]
    pub fn is_in(&self, team: TeamId, user: UserId) -> bool {
        self.members.contains(&(team, user))
    }

    /// Reports whether a team has a project.
    #[must_use]
    pub fn has_project(&self, team: TeamId, project: ProjectId) -> bool {
        self.projects.contains(&(team, project))
    }

    /// Returns the teams that have a project.
    pub fn teams_of(
        &self,
        organisation: OrganisationId,
        project: ProjectId,
    ) -> impl Iterator<Item = &Team> {
        self.teams(organisation)
            .filter(move |team| self.has_project(team.id, project))
    }

    /// Reports whether members see all projects of the organisation.
    #[must_use]
    pub fn is_open(&self, organisation: OrganisationId) -> bool {
        !self.closed.contains(&organisation)
    }

    /// Returns the projects that a person sees: `None` means all of the organisation.
    #[must_use]
    pub fn visible(
        &self,
        organisation: OrganisationId,
        user: UserId,
        role: Role,
    ) -> Option<HashSet<ProjectId>> {
        if role.sees_everything() || self.is_open(organisation) {
            return None;
        }
        let own: HashSet<TeamId> = self
            .teams(organisation)
            .map(|team| team.id)
            .filter(|team| self.is_in(*team, user))
            .collect();
        let of_own = self.projects.iter().filter(|(team, _)| own.contains(team));
        Some(of_own.map(|(_, project)| *project).collect())
    }
}
