//! Who asks, and what they may do. The one place that decides.
//!
//! A request names its sender by a bearer token, by the cookie of a login, or in a way that the
//! program around the server understands. [`Access`] makes of it a principal, an organisation, the
//! scopes, and the projects that are visible. Handlers find projects through it only: what is not
//! visible is not found. Keys of DSNs and ingest tokens open nothing here.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use http::StatusCode;
use http::request::Parts;

use super::cookie;
use super::error::ApiError;
use super::ingest::address;
use crate::catalog::CatalogView;
use crate::model::catalog::{ApiToken, Organisation, Project};
use crate::model::ids::ProjectId;
use crate::model::people::{AuditActor, AuditNote, Login, Role, User};
use crate::model::scope::{Scope, Scopes};
use crate::people::PeopleView;
use crate::secret::Secret;
use crate::state::AppState;
use crate::tokens::{self, TokenForm};

mod credential;
mod principal;

use credential::Credential;
pub use credential::bearer;
pub use principal::{By, Principal};
use principal::{principal, reach};

/// A sender with valid credentials, and what there is for them.
#[derive(Clone, Debug)]
pub struct Access {
    credential: Credential,
    principal: Principal,
    scopes: Scopes,
    /// `None` means all of the organisation.
    visible: Option<HashSet<ProjectId>>,
    organisation: Organisation,
    view: Arc<CatalogView>,
    people: Arc<PeopleView>,
    from: Option<IpAddr>,
}

impl Access {
    /// Judges the text of a token.
    ///
    /// # Errors
    ///
    /// 401 when it is no valid token.
    pub async fn from_text(state: &AppState, text: &str) -> Result<Self, ApiError> {
        let credential = Credential::Token(Secret::new(text));
        Self::resolve(state, credential, None, None).await
    }

    /// Judges the secret of a login, where the request was judged already.
    pub(super) async fn of_login(state: &AppState, secret: Secret) -> Result<Self, ApiError> {
        Self::resolve(state, Credential::Login(secret), None, None).await
    }

    /// Judges a request that may name nobody.
    ///
    /// # Errors
    ///
    /// 401 when what it names is not valid, 403 for a change that may come from another website.
    pub async fn of(state: &AppState, parts: &mut Parts) -> Result<Option<Self>, ApiError> {
        let Some(credential) = Credential::of(state, parts).await? else {
            return Ok(None);
        };
        credential.guard(parts, state)?;
        let named = named_organisation(parts, state).await;
        let from = address::of(parts, &state.config.http);
        let access = Self::resolve(state, credential, named.as_deref(), from).await?;
        Ok(Some(access))
    }

    /// Judges the same credentials again, some time later.
    ///
    /// # Errors
    ///
    /// 401 when they have ended.
    pub async fn renew(&self, state: &AppState) -> Result<Self, ApiError> {
        let credential = self.credential.clone();
        let organisation = self.organisation.slug.as_str();
        Self::resolve(state, credential, Some(organisation), self.from).await
    }

    async fn resolve(
        state: &AppState,
        credential: Credential,
        named: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<Self, ApiError> {
        let (principal, id) = principal(state, &credential, named).await?;
        let view = state.catalog.view();
        let people = state.people.view();
        let organisation = view.organisations().iter().find(|each| each.id == id);
        let organisation = organisation.cloned().ok_or_else(ApiError::unauthorized)?;
        let (scopes, visible) = reach(&principal, &people, id);
        Ok(Self {
            credential,
            principal,
            scopes,
            visible,
            organisation,
            view,
            people,
            from,
        })
    }

    /// Returns who sends.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns the person, whose token it may be.
    #[must_use]
    pub fn user(&self) -> Option<&Arc<User>> {
        match &self.principal {
            Principal::Person { user, .. } => Some(user),
            Principal::Organisation(_) => None,
        }
    }

    /// Returns the token, where the sender has one.
    #[must_use]
    pub fn token(&self) -> Option<&ApiToken> {
        match &self.principal {
            Principal::Organisation(token)
            | Principal::Person {
                by: By::Token(token),
                ..
            } => Some(token),
            Principal::Person { .. } => None,
        }
    }

    /// Returns the form of the token, where the sender has one.
    #[must_use]
    pub fn form(&self) -> Option<TokenForm> {
        match &self.credential {
            Credential::Token(secret) => tokens::form(secret.reveal()),
            Credential::Login(_) | Credential::Host(_) => None,
        }
    }

    /// Returns the login, where the sender has logged in.
    #[must_use]
    pub fn login(&self) -> Option<&Login> {
        match &self.principal {
            Principal::Person {
                by: By::Login(login),
                ..
            } => Some(login),
            _ => None,
        }
    }

    /// Returns what the page of a login has to send along with changes.
    #[must_use]
    pub fn csrf_token(&self) -> Option<String> {
        match &self.credential {
            Credential::Login(secret) => Some(cookie::csrf_token(secret)),
            Credential::Token(_) | Credential::Host(_) => None,
        }
    }

    /// Returns where the request came from.
    #[must_use]
    pub fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// Returns all that the sender may do.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// Returns the role that counts where members are managed: that of the person, or for a token
    /// of the organisation the one that its scopes come to.
    #[must_use]
    pub fn rank(&self) -> Role {
        match &self.principal {
            Principal::Person { role, .. } => *role,
            Principal::Organisation(_) if self.scopes.has(Scope::OrgAdmin) => Role::Owner,
            Principal::Organisation(_) if self.scopes.has(Scope::MemberWrite) => Role::Admin,
            Principal::Organisation(_) => Role::Viewer,
        }
    }

    /// Reports whether all projects of the organisation are visible.
    #[must_use]
    pub fn sees_everything(&self) -> bool {
        self.visible.is_none()
    }

    /// Returns the catalogue.
    #[must_use]
    pub fn view(&self) -> &CatalogView {
        &self.view
    }

    /// Returns who there is.
    #[must_use]
    pub fn people(&self) -> &PeopleView {
        &self.people
    }

    /// Insists on one of the scopes.
    ///
    /// # Errors
    ///
    /// 403 when the sender has none of them.
    pub fn require(&self, scopes: &[Scope]) -> Result<(), ApiError> {
        if scopes.iter().any(|scope| self.scopes.has(*scope)) {
            return Ok(());
        }
        Err(ApiError::forbidden())
    }

    /// Insists on a person who is there, and not on a token of theirs: for what is about the account
    /// itself.
    ///
    /// # Errors
    ///
    /// 403 for tokens.
    pub fn require_person(&self) -> Result<&Arc<User>, ApiError> {
        match &self.principal {
            Principal::Person {
                user,
                by: By::Login(_) | By::Host,
                ..
            } => Ok(user),
            _ => Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "login_needed",
                "This needs a login; a token is not enough.",
            )),
        }
    }

    /// Insists that all projects of the organisation are visible: for what concerns them all.
    ///
    /// # Errors
    ///
    /// 403 for tokens of one project and members who see some.
    pub fn require_everything(&self) -> Result<(), ApiError> {
        match self.sees_everything() {
            true => Ok(()),
            false => Err(ApiError::forbidden()),
        }
    }

    /// Returns the organisation that the sender is in.
    #[must_use]
    pub fn own_organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// Finds an organisation by slug or number.
    ///
    /// # Errors
    ///
    /// 404 for all but the sender's own, so that nobody learns which others there are.
    pub fn organisation(&self, name: &str) -> Result<&Organisation, ApiError> {
        match is_named(&self.organisation, name) {
            true => Ok(&self.organisation),
            false => Err(ApiError::not_found()),
        }
    }

    /// Finds a project of an organisation by slug or number.
    ///
    /// # Errors
    ///
    /// 404 when the sender does not see it.
    pub fn project(&self, organisation: &str, name: &str) -> Result<&Arc<Project>, ApiError> {
        self.organisation(organisation)?;
        self.project_by_name(name)
    }

    /// Finds a project by slug or number.
    ///
    /// # Errors
    ///
    /// 404 when the sender does not see it.
    pub fn project_by_name(&self, name: &str) -> Result<&Arc<Project>, ApiError> {
        self.view
            .project_named(self.organisation.id, name)
            .filter(|project| self.sees(project))
            .ok_or_else(ApiError::not_found)
    }

    /// Finds a project by number, when the sender sees it.
    #[must_use]
    pub fn project_by_id(&self, id: ProjectId) -> Option<&Arc<Project>> {
        self.view.project(id).filter(|project| self.sees(project))
    }

    /// Returns the projects that the sender sees.
    pub fn projects(&self) -> impl Iterator<Item = &Arc<Project>> {
        self.view
            .projects()
            .iter()
            .filter(|project| self.sees(project))
    }

    fn sees(&self, project: &Project) -> bool {
        project.organisation == self.organisation.id
            && self
                .visible
                .as_ref()
                .is_none_or(|visible| visible.contains(&project.id))
    }

    /// Returns the sender as issues and their activity name one: `user:1` or `token:2`.
    #[must_use]
    pub fn actor(&self) -> String {
        match &self.principal {
            Principal::Person { user, .. } => format!("user:{}", user.id),
            Principal::Organisation(token) => format!("token:{}", token.id),
        }
    }

    /// Writes into the audit log what the sender has done, to what. The change is made already, so
    /// trouble with the log is told to those who run the server and not to the sender.
    pub async fn note(
        &self,
        state: &AppState,
        action: &str,
        target: impl Into<String>,
        project: Option<ProjectId>,
    ) {
        let note = AuditNote {
            organisation: self.organisation.id,
            at: state.clock.now(),
            actor: AuditActor {
                user: self.user().map(|user| user.id),
                token: self.token().map(|token| token.id),
                label: match &self.principal {
                    Principal::Person { user, .. } => user.email.to_string(),
                    Principal::Organisation(token) => token.label.clone(),
                },
            },
            action: action.to_owned(),
            target: target.into(),
            project,
            address: self.from.map_or_else(String::new, |from| from.to_string()),
        };
        if let Err(error) = state.people.store().note(note).await {
            tracing::error!(%error, action, "the audit log misses an entry");
        }
    }
}

impl FromRequestParts<AppState> for Access {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Self::of(state, parts).await?.ok_or_else(missing)
    }
}

/// Returns the organisation that the address names.
async fn named_organisation(parts: &mut Parts, state: &AppState) -> Option<String> {
    let path = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let named = path.iter().find(|(name, _)| *name == "organisation");
    named.map(|(_, value)| value.to_owned())
}

fn is_named(organisation: &Organisation, name: &str) -> bool {
    organisation.slug == name || name.parse() == Ok(organisation.id)
}

/// The request names nobody.
#[must_use]
pub fn missing() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "missing_token",
        "Authentication credentials were not provided.",
    )
}
