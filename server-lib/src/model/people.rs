//! People: accounts, what they are in an organisation, teams, logins, and what they did.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{AuditId, LoginId, OrganisationId, ProjectId, TeamId, TokenId, UserId};
use super::scope::{Scope, Scopes};
use super::time::Millis;

/// The longest address of a person.
const MAX_EMAIL: usize = 254;

/// What somebody is in an organisation, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Works on issues.
    Member,
    /// Manages projects, teams and members.
    Admin,
    /// May do everything; every organisation has at least one.
    Owner,
}

impl Role {
    /// All roles, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Member, Self::Admin, Self::Owner];

    /// Returns the name in the interfaces.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Finds a role by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Returns the number in the database.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Viewer => 0,
            Self::Member => 1,
            Self::Admin => 2,
            Self::Owner => 3,
        }
    }

    /// Finds a role by its number in the database.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// Returns all that the role may do.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        const VIEWER: &[Scope] = &[
            Scope::OrgRead,
            Scope::ProjectRead,
            Scope::TeamRead,
            Scope::MemberRead,
            Scope::EventRead,
            Scope::AlertsRead,
        ];
        const MEMBER: &[Scope] = &[
            Scope::ProjectReleases,
            Scope::EventWrite,
            Scope::AlertsWrite,
        ];
        let all = Scope::ALL.iter().copied();
        match self {
            Self::Viewer => VIEWER.iter().copied().collect(),
            Self::Member => VIEWER.iter().chain(MEMBER).copied().collect(),
            Self::Admin => all.filter(|scope| *scope != Scope::OrgAdmin).collect(),
            Self::Owner => all.collect(),
        }
    }

    /// Reports whether the role sees the projects of all teams.
    #[must_use]
    pub fn sees_everything(self) -> bool {
        self >= Self::Admin
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The address that names a person, without its letters' case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Reads an address: something before and after one `@`, without blanks. Whether mail arrives
    /// there is not asked.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
        let is_address = !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && text.len() <= MAX_EMAIL
            && text.chars().all(is_plain);
        is_address.then(|| Self(text.to_lowercase()))
    }

    /// Takes an address as the database kept it.
    pub(crate) fn kept(text: String) -> Self {
        Self(text)
    }

    /// Returns the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person with an account. The password is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// What the person logs in with.
    pub email: Email,
    /// The name for people.
    pub name: String,
    /// Whether the person may log in; tokens of one who may not are asleep too.
    pub active: bool,
    /// Whether there is a password.
    pub has_password: bool,
    /// When it was made.
    pub created: Millis,
}

/// What a person is in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Membership {
    /// The organisation.
    pub organisation: OrganisationId,
    /// The person.
    pub user: UserId,
    /// What the person may do there.
    pub role: Role,
    /// Since when.
    pub created: Millis,
}

/// People who share projects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Team {
    /// Its number.
    pub id: TeamId,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// Its name in addresses, unique in its organisation.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// When it was made.
    pub created: Millis,
}

/// A browser in which somebody has logged in. The secret is with the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Login {
    /// Its number.
    pub id: LoginId,
    /// Who logged in.
    pub user: UserId,
    /// When.
    pub created: Millis,
    /// When it was last used, to the minute.
    pub seen: Millis,
    /// When it ends, however much it is used.
    pub expires: Millis,
    /// Where the browser was when it logged in.
    pub address: String,
    /// What the browser said of itself.
    pub agent: String,
}

/// Who did something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditActor {
    /// The person.
    pub user: Option<UserId>,
    /// The token that was used, the person's or the organisation's.
    pub token: Option<TokenId>,
    /// What they were called then.
    pub label: String,
}

/// What happened, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditNote {
    /// Where.
    pub organisation: OrganisationId,
    /// When.
    pub at: Millis,
    /// Who.
    pub actor: AuditActor,
    /// What, such as `project.create`.
    pub action: String,
    /// On what, such as `project 3 my-shop`.
    pub target: String,
    /// The project that it is about.
    pub project: Option<ProjectId>,
    /// From where; empty when it was not over a network.
    pub address: String,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its number.
    pub id: AuditId,
    /// What happened.
    #[serde(flatten)]
    pub note: AuditNote,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greater_role_may_all_that_a_lesser_one_may() {
        for pair in Role::ALL.windows(2) {
            let [lesser, greater] = pair else { continue };
            assert!(lesser < greater);
            let (lesser, greater) = (lesser.scopes(), greater.scopes());
            assert!(lesser.iter().all(|scope| greater.has(scope)));
            assert!(!greater.iter().all(|scope| lesser.has(scope)));
        }
    }

    #[test]
    fn a_role_is_found_by_name_and_number() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.as_str()), Some(role));
            assert_eq!(Role::from_code(role.code()), Some(role));
        }
        assert_eq!(Role::from_name("manager"), None);
        assert_eq!(Role::from_code(4), None);
    }

    #[test]
    fn an_address_is_compared_without_case() {
        assert_eq!(
            Email::parse(" A@Example.com "),
            Email::parse("a@example.com")
        );
        for text in ["", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\nc"] {
            assert_eq!(Email::parse(text), None, "{text:?}");
        }
        assert_eq!(Email::parse(&format!("{}@b", "a".repeat(300))), None);
    }
}
