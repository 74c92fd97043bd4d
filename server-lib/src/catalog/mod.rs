//! The catalogue in memory: what every request asks, answered without the database.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::model::catalog::{ApiToken, Organisation, Project, ProjectKey};
use crate::model::ids::{OrganisationId, ProjectId};
use crate::model::time::Millis;
use crate::secret::SecretHash;
use crate::store::{Catalog, CatalogSnapshot};

pub mod tokens;

use tokens::TokenCache;

/// The store is asked for what is missing at most this often, whatever strangers ask for.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// One state of the catalogue, indexed. Never changes; a new state is a new view.
#[derive(Debug, Default)]
pub struct CatalogView {
    version: u64,
    organisations: Vec<Organisation>,
    projects: Vec<Arc<Project>>,
    keys: Vec<Arc<ProjectKey>>,
    project_by_id: HashMap<ProjectId, usize>,
    project_by_token: HashMap<String, usize>,
    key_by_text: HashMap<String, usize>,
}

impl CatalogView {
    /// Indexes a snapshot.
    #[must_use]
    pub fn new(snapshot: CatalogSnapshot) -> Self {
        let projects: Vec<_> = snapshot.projects.into_iter().map(Arc::new).collect();
        let keys: Vec<_> = snapshot.keys.into_iter().map(Arc::new).collect();
        let each = |(index, project): (usize, &Arc<Project>)| (project.id, index);
        Self {
            version: snapshot.version,
            organisations: snapshot.organisations,
            project_by_id: projects.iter().enumerate().map(each).collect(),
            project_by_token: projects
                .iter()
                .enumerate()
                .map(|(index, project)| (project.ingest_token.clone(), index))
                .collect(),
            key_by_text: keys
                .iter()
                .enumerate()
                .map(|(index, key)| (key.public_key.clone(), index))
                .collect(),
            projects,
            keys,
        }
    }

    /// Returns the version of the catalogue that the view shows.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the organisations.
    #[must_use]
    pub fn organisations(&self) -> &[Organisation] {
        &self.organisations
    }

    /// Finds an organisation by slug or number.
    #[must_use]
    pub fn organisation(&self, name: &str) -> Option<&Organisation> {
        let id = name.parse().ok().map(OrganisationId);
        self.organisations
            .iter()
            .find(|organisation| organisation.slug == name || Some(organisation.id) == id)
    }

    /// Returns the projects.
    #[must_use]
    pub fn projects(&self) -> &[Arc<Project>] {
        &self.projects
    }

    /// Finds a project by number.
    #[must_use]
    pub fn project(&self, id: ProjectId) -> Option<&Arc<Project>> {
        self.projects.get(*self.project_by_id.get(&id)?)
    }

    /// Finds a project of an organisation by slug or number.
    #[must_use]
    pub fn project_named(&self, organisation: OrganisationId, name: &str) -> Option<&Arc<Project>> {
        let id = name.parse().ok().map(ProjectId);
        self.projects
            .iter()
            .filter(|project| project.organisation == organisation)
            .find(|project| project.slug == name || Some(project.id) == id)
    }

    /// Finds a project by slug or number in all organisations; none when several have the slug.
    #[must_use]
    pub fn only_project_named(&self, name: &str) -> Option<&Arc<Project>> {
        let mut named = self.projects.iter().filter(|project| project.slug == name);
        match (named.next(), named.next()) {
            (Some(project), None) => Some(project),
            (Some(_), Some(_)) => None,
            (None, _) => self.project(name.parse().ok()?),
        }
    }

    /// Finds a project by its ingest token.
    #[must_use]
    pub fn project_of_token(&self, token: &str) -> Option<&Arc<Project>> {
        self.projects.get(*self.project_by_token.get(token)?)
    }

    /// Finds a key by its text.
    #[must_use]
    pub fn key(&self, public_key: &str) -> Option<&Arc<ProjectKey>> {
        self.keys.get(*self.key_by_text.get(public_key)?)
    }

    /// Returns the keys of a project.
    pub fn keys_of(&self, project: ProjectId) -> impl Iterator<Item = &Arc<ProjectKey>> {
        self.keys.iter().filter(move |key| key.project == project)
    }
}

/// The current view, and the way to a newer one.
pub struct CatalogCache {
    store: Arc<dyn Catalog>,
    view: RwLock<Arc<CatalogView>>,
    asked: tokio::sync::Mutex<Option<Instant>>,
    tokens: TokenCache,
}

impl std::fmt::Debug for CatalogCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CatalogCache")
            .field("version", &self.view().version)
            .finish_non_exhaustive()
    }
}

impl CatalogCache {
    /// Reads the catalogue.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn open(store: Arc<dyn Catalog>) -> Result<Self, Error> {
        let view = Arc::new(CatalogView::new(store.snapshot().await?));
        Ok(Self {
            store,
            view: RwLock::new(view),
            asked: tokio::sync::Mutex::default(),
            tokens: TokenCache::default(),
        })
    }

    /// Returns the current view.
    #[must_use]
    pub fn view(&self) -> Arc<CatalogView> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks whether the catalogue has changed, by this process or another, and reads it again if
    /// so. Called after every change, and once a second.
    ///
    /// # Errors
    ///
    /// When the store cannot be read; the old view stays.
    pub async fn refresh(&self) -> Result<(), Error> {
        if self.store.version().await? == self.view().version {
            return Ok(());
        }
        let view = Arc::new(CatalogView::new(self.store.snapshot().await?));
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        Ok(())
    }

    /// Looks for a newer state because something was not found; true when there is one. Asks the
    /// store now and then only, so that wrong keys cost nothing.
    pub async fn refresh_missed(&self) -> bool {
        let seen = self.view().version;
        let mut asked = self.asked.lock().await;
        if asked.is_none_or(|at| at.elapsed() >= ASK_EVERY) {
            // An error leaves the old view, in which the thing is missing.
            let _ = self.refresh().await;
            *asked = Some(Instant::now());
        }
        drop(asked);
        self.view().version != seen
    }

    /// Finds the token of a secret; `None` when there is none or it has ended.
    ///
    /// # Errors
    ///
    /// When the store cannot be read or written.
    pub async fn token(
        &self,
        hash: &SecretHash,
        now: Millis,
    ) -> Result<Option<Arc<ApiToken>>, Error> {
        let token = self.tokens.find(&*self.store, hash, now).await?;
        if let Err(error) = self.tokens.write_uses(&*self.store, now).await {
            tracing::warn!(%error, "the last use of tokens is not written");
        }
        Ok(token)
    }

    /// Forgets tokens in memory, after this process has made or deleted one.
    pub fn forget_tokens(&self) {
        self.tokens.forget();
    }
}
