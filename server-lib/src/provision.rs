//! The first start: an empty catalogue gets an organisation, a project and the means to reach it.

use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::model::catalog::{ApiToken, Organisation, Project, ProjectKey};
use crate::model::people::{Email, Role, User};
use crate::model::scope::Scopes;
use crate::model::settings::ProjectSettings;
use crate::model::slug;
use crate::model::time::Millis;
use crate::people::new_link;
use crate::secret::Secret;
use crate::store::people::{NewTeam, NewUser, People};
use crate::store::{Catalog, NewKey, NewProject, NewToken, Store};
use crate::tokens;

/// What the first organisation and project are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provision {
    /// The organisation's name for people.
    pub organisation: String,
    /// The project's name for people.
    pub project: String,
    /// The project's language or system.
    pub platform: Option<String>,
    /// The address of the first person, who owns the organisation.
    pub email: String,
}

impl Default for Provision {
    fn default() -> Self {
        Self {
            organisation: "My organisation".to_owned(),
            project: "My project".to_owned(),
            platform: None,
            email: "owner@localhost".to_owned(),
        }
    }
}

/// What was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Provisioned {
    /// The organisation.
    pub organisation: Organisation,
    /// The project, with its ingest token.
    pub project: Project,
    /// The key of its DSN.
    pub key: ProjectKey,
    /// The token that has every scope, as the catalogue keeps it.
    pub token: ApiToken,
    /// The token's secret. It is nowhere else.
    pub api_token: Secret,
    /// The first person, who has no password yet.
    pub owner: User,
    /// The secret of a link with which that person logs in once. It is nowhere else.
    pub login_link: Secret,
}

/// For how long the first link is good.
const LINK_MS: i64 = Millis::DAY;

/// Makes the first organisation, project, key, token and person; `None` when the catalogue has something
/// already.
///
/// Several processes may try at once. Who makes the first project is the one that provisions; the
/// others return `None`. A start that was broken off before that is taken up again.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] for a name that gives no slug or an address that is none; else when the store fails.
pub async fn provision(
    store: &Store,
    clock: &dyn Clock,
    request: Provision,
) -> Result<Option<Provisioned>, Error> {
    let catalog = &*store.catalog;
    let email = Email::parse(&request.email).ok_or_else(|| {
        let text = format!("{:?} is no address of a person", request.email);
        Error::because(ErrorKind::Invalid, text)
    })?;
    let organisation_slug = slug_of(&request.organisation)?;
    let project_slug = slug_of(&request.project)?;
    let at = clock.now();

    let Some(organisation) = first_organisation(catalog, &organisation_slug, &request, at).await?
    else {
        return Ok(None);
    };
    let project = NewProject {
        organisation: organisation.id,
        slug: project_slug,
        name: request.project,
        platform: request.platform,
        ingest_token: tokens::new_ingest_token()?,
        settings: ProjectSettings::default(),
        at,
    };
    let Some(project) = unless_taken(catalog.create_project(project).await)? else {
        return Ok(None);
    };
    // Someone else may have been faster under another name; the first project counts.
    let first = catalog.snapshot().await?.projects.into_iter().next();
    if first.is_some_and(|first| first.id != project.id) {
        catalog.delete_project(project.id).await?;
        return Ok(None);
    }
    let key = NewKey {
        project: project.id,
        public_key: tokens::new_public_key()?,
        label: "Default".to_owned(),
        rate_limit: None,
        at,
    };
    let key = catalog.create_key(key).await?;
    let api_token = tokens::new_user_token()?;
    let token = NewToken {
        organisation: organisation.id,
        owner: None,
        project: None,
        label: "First start".to_owned(),
        hash: api_token.hash(),
        hint: api_token.hint(),
        scopes: Scopes::all(),
        at,
        expires: None,
    };
    let token = catalog.create_token(token).await?;
    first_team(&*store.people, &organisation, &project).await?;
    let owner = first_owner(&*store.people, &organisation, email, at).await?;
    let login_link = new_link(&*store.people, owner.id, at.plus(LINK_MS)).await?;
    Ok(Some(Provisioned {
        organisation,
        project,
        key,
        token,
        api_token,
        owner,
        login_link,
    }))
}

/// Makes the team that every organisation begins with, since clients make projects in teams.
async fn first_team(
    people: &dyn People,
    organisation: &Organisation,
    project: &Project,
) -> Result<(), Error> {
    let team = NewTeam {
        organisation: organisation.id,
        slug: organisation.slug.clone(),
        name: organisation.name.clone(),
        at: organisation.created,
    };
    // A start that was broken off has made it already.
    unless_taken(people.create_team(team).await)?;
    let teams = people.snapshot().await?.teams;
    let first = teams
        .iter()
        .find(|team| team.organisation == organisation.id);
    match first {
        Some(team) => people.set_project_of_team(team.id, project.id, true).await,
        None => Ok(()),
    }
}

async fn first_owner(
    people: &dyn People,
    organisation: &Organisation,
    email: Email,
    at: Millis,
) -> Result<User, Error> {
    let known = people.snapshot().await?.users;
    let user = match known.into_iter().find(|user| user.email == email) {
        Some(user) => user,
        None => {
            let new = NewUser {
                name: email.to_string(),
                email,
                password: None,
                at,
            };
            people.create_user(new).await?
        }
    };
    let (organisation, role) = (organisation.id, Role::Owner);
    people.set_member(organisation, user.id, role, at).await?;
    Ok(user)
}

/// Returns the organisation to provision: a new one, or the one that a start left without
/// anything in it.
async fn first_organisation(
    catalog: &dyn Catalog,
    slug: &str,
    request: &Provision,
    at: Millis,
) -> Result<Option<Organisation>, Error> {
    let before = catalog.snapshot().await?;
    if before.organisations.is_empty() {
        let name = &request.organisation;
        unless_taken(catalog.create_organisation(slug, name, at).await)?;
    }
    // Of several that were made at the same time under different names, the first counts.
    let now = catalog.snapshot().await?;
    let Some(first) = now.organisations.into_iter().next() else {
        return Ok(None);
    };
    let is_empty = now.projects.is_empty() && catalog.tokens(first.id).await?.is_empty();
    Ok(is_empty.then_some(first))
}

fn slug_of(name: &str) -> Result<String, Error> {
    slug::from_name(name).ok_or_else(|| {
        Error::because(
            ErrorKind::Invalid,
            format!("the name {name:?} has no letter or digit for an address"),
        )
    })
}

fn unless_taken<T>(made: Result<T, Error>) -> Result<Option<T>, Error> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
        Err(error) => Err(error),
    }
}
