//! Organisations, projects, keys and tokens.

use serde::{Deserialize, Serialize};

use super::ids::{KeyId, OrganisationId, ProjectId, TokenId, UserId};
use super::scope::Scopes;
use super::settings::ProjectSettings;
use super::time::Millis;

/// Who owns projects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Organisation {
    /// Its number.
    pub id: OrganisationId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// When it was made.
    pub created: Millis,
}

/// Where events go.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Project {
    /// Its number, the end of its DSNs.
    pub id: ProjectId,
    /// Who owns it.
    pub organisation: OrganisationId,
    /// Its name in addresses, unique in its organisation.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The language or system, when told.
    pub platform: Option<String>,
    /// When it was made.
    pub created: Millis,
    /// A random number that stands for the project in addresses of Mini Sentry's own ingest API.
    /// It can only write, as the public key of a DSN.
    pub ingest_token: String,
    /// How its events are treated.
    pub settings: ProjectSettings,
}

/// The key of a DSN. It can only write, and is public.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectKey {
    /// Its number.
    pub id: KeyId,
    /// Where its events go.
    pub project: ProjectId,
    /// 32 lower-case hexadecimal digits.
    pub public_key: String,
    /// Its name for people.
    pub label: String,
    /// Whether it accepts.
    pub active: bool,
    /// At most so many events in the window.
    pub rate_limit: Option<KeyLimit>,
    /// When it was made.
    pub created: Millis,
}

/// A limit of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLimit {
    /// Seconds.
    pub window: u32,
    /// Events within them.
    pub count: u32,
}

/// A token for the management API. The secret itself is shown once and not kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApiToken {
    /// Its number.
    pub id: TokenId,
    /// Which organisation it opens.
    pub organisation: OrganisationId,
    /// Whose it is; `None` for a token of the organisation itself. What its owner may not do, it
    /// may not do either.
    pub owner: Option<UserId>,
    /// The one project that it opens; `None` for all that its owner sees.
    pub project: Option<ProjectId>,
    /// Its name for people.
    pub label: String,
    /// The last four characters of the secret, to tell tokens apart.
    pub hint: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created: Millis,
    /// When it was last used, to the minute.
    pub last_used: Option<Millis>,
    /// When it ends.
    pub expires: Option<Millis>,
}
