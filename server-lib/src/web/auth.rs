//! Who asks: bearer tokens, and what they open. Keys of DSNs and ingest tokens open nothing here.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};

use super::error::ApiError;
use crate::catalog::CatalogView;
use crate::model::catalog::{ApiToken, Organisation, Project};
use crate::model::ids::ProjectId;
use crate::model::scope::Scope;
use crate::secret::Secret;
use crate::state::AppState;
use crate::tokens::{self, TokenForm};

/// A caller with a valid token, and the catalogue as it was when the request came.
#[derive(Clone, Debug)]
pub struct Authorized {
    token: Arc<ApiToken>,
    form: TokenForm,
    organisation: Organisation,
    view: Arc<CatalogView>,
}

impl Authorized {
    /// Judges the text of a token.
    ///
    /// # Errors
    ///
    /// 401 when it is no valid token.
    pub async fn from_text(state: &AppState, text: &str) -> Result<Self, ApiError> {
        let form = tokens::form(text).ok_or_else(ApiError::unauthorized)?;
        let hash = Secret::new(text).hash();
        let token = state
            .catalog
            .token(&hash, state.clock.now())
            .await?
            .ok_or_else(ApiError::unauthorized)?;
        let view = state.catalog.view();
        let organisation = view
            .organisations()
            .iter()
            .find(|organisation| organisation.id == token.organisation)
            .cloned()
            .ok_or_else(ApiError::unauthorized)?;
        Ok(Self {
            token,
            form,
            organisation,
            view,
        })
    }

    /// Returns the token.
    #[must_use]
    pub fn token(&self) -> &ApiToken {
        &self.token
    }

    /// Returns the form of the token.
    #[must_use]
    pub fn form(&self) -> TokenForm {
        self.form
    }

    /// Returns the catalogue.
    #[must_use]
    pub fn view(&self) -> &CatalogView {
        &self.view
    }

    /// Insists on one of the scopes.
    ///
    /// # Errors
    ///
    /// 403 when the token has none of them.
    pub fn require(&self, scopes: &[Scope]) -> Result<(), ApiError> {
        if scopes.iter().any(|scope| self.token.scopes.has(*scope)) {
            return Ok(());
        }
        Err(ApiError::forbidden())
    }

    /// Returns the organisation that the token opens.
    #[must_use]
    pub fn own_organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// Finds an organisation by slug or number.
    ///
    /// # Errors
    ///
    /// 404 for all but the token's own, so that a token does not tell which others there are.
    pub fn organisation(&self, name: &str) -> Result<&Organisation, ApiError> {
        let organisation = &self.organisation;
        let is_number = name.parse() == Ok(organisation.id);
        if organisation.slug == name || is_number {
            return Ok(organisation);
        }
        Err(ApiError::not_found())
    }

    /// Finds a project of an organisation by slug or number.
    ///
    /// # Errors
    ///
    /// 404 when the token does not open it.
    pub fn project(&self, organisation: &str, name: &str) -> Result<&Arc<Project>, ApiError> {
        let organisation = self.organisation(organisation)?;
        self.view
            .project_named(organisation.id, name)
            .ok_or_else(ApiError::not_found)
    }

    /// Finds a project by slug or number.
    ///
    /// # Errors
    ///
    /// 404 when the token does not open it.
    pub fn project_by_name(&self, name: &str) -> Result<&Arc<Project>, ApiError> {
        self.view
            .project_named(self.organisation.id, name)
            .ok_or_else(ApiError::not_found)
    }

    /// Finds a project by number.
    #[must_use]
    pub fn project_by_id(&self, id: ProjectId) -> Option<&Arc<Project>> {
        self.view
            .project(id)
            .filter(|project| project.organisation == self.organisation.id)
    }

    /// Returns the projects that the token opens.
    pub fn projects(&self) -> impl Iterator<Item = &Arc<Project>> {
        let organisation = self.organisation.id;
        self.view
            .projects()
            .iter()
            .filter(move |project| project.organisation == organisation)
    }
}

impl FromRequestParts<AppState> for Authorized {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = bearer(&parts.headers).ok_or_else(missing)?;
        Self::from_text(state, text).await
    }
}

/// Returns the token of the `Authorization` header.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, text) = value.trim().split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| text.trim())
        .filter(|text| !text.is_empty())
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

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_bearer_header_names_a_token() {
        let read = |value: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(read("bearer  abc ").as_deref(), Some("abc"));
        for other in [
            "",
            "abc",
            "Bearer",
            "Bearer ",
            "Basic abc",
            "Sentry sentry_key=abc",
            "Token abc",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
