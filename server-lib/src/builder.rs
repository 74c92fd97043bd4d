//! Setting a server up.

use std::path::PathBuf;
use std::sync::Arc;

use crate::accept::{AcceptParts, Acceptor};
use crate::blob::Blobs;
use crate::catalog::CatalogCache;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::digest::progress::Progress;
use crate::error::Error;
use crate::indexer::Feed;
use crate::journal::Journal;
use crate::journal::disk::DiskJournal;
use crate::metrics::Metrics;
use crate::people::{Accounts, Authenticator};
use crate::server::Server;
use crate::state::{AppState, Parts};
use crate::store::open::{StoreOptions, open};
use crate::store::{Bodies, Store};

/// Sets a server up; made by [`Server::builder`].
#[must_use]
pub struct ServerBuilder {
    config: Config,
    clock: Arc<dyn Clock>,
    authenticator: Option<Arc<dyn Authenticator>>,
}

impl std::fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("config", &self.config)
            .field("has_authenticator", &self.authenticator.is_some())
            .finish_non_exhaustive()
    }
}

impl ServerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            config: Config::new("data"),
            clock: Arc::new(SystemClock),
            authenticator: None,
        }
    }

    /// Takes all settings at once.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the folder of everything that is kept; `data` without it.
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.config.data_dir = dir.into();
        self
    }

    /// Sets the store, such as `postgres://user@host/database`; SQLite in the folder without it.
    pub fn store(mut self, uri: impl Into<String>) -> Self {
        self.config.store = uri.into();
        self
    }

    /// Sets the address that clients use, for DSNs and links.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.config.http.public_url = Some(url.into());
        self
    }

    /// Sets the clock; tests move it.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Has the program around the server say who asks, in place of logins; see [`Authenticator`].
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = Some(authenticator);
        self
    }

    /// Opens the folder and the store and brings them up to date.
    ///
    /// # Errors
    ///
    /// When another process has the folder, or the store is newer, damaged or out of reach.
    pub async fn build(self) -> Result<Server, Error> {
        let config = Arc::new(self.config);
        let metrics = Arc::new(Metrics::new());
        std::fs::create_dir_all(&config.data_dir).map_err(|error| {
            Error::from(error).during(format!("make the folder {}", config.data_dir.display()))
        })?;
        let store = open_store(&config, &self.clock).await?;
        let position = store.digests.position().await?;
        let indexed = store.index.position().await?;
        let blobs =
            Blobs::open(config.data_dir.join("blobs"))?.leaving_free(config.journal.min_free_bytes);
        let blobs = Arc::new(blobs);
        let journal = Arc::new(DiskJournal::open(
            &config.data_dir,
            &config.journal,
            Arc::clone(&metrics),
            Arc::clone(&self.clock),
            position,
            Arc::clone(&blobs),
            store.bodies.is_none(),
        )?);
        let bodies: Arc<dyn Bodies> = match &store.bodies {
            Some(bodies) => Arc::clone(bodies),
            None => Arc::clone(&journal) as Arc<dyn Bodies>,
        };
        let journal = journal as Arc<dyn Journal>;
        let catalog = Arc::new(CatalogCache::open(Arc::clone(&store.catalog)).await?);
        let people = Accounts::open(
            Arc::clone(&store.people),
            config.people.clone(),
            self.authenticator,
        );
        let people = Arc::new(people.await?);
        let acceptor = Arc::new(Acceptor::new(AcceptParts {
            config: Arc::clone(&config),
            clock: Arc::clone(&self.clock),
            catalog: Arc::clone(&catalog),
            journal: Arc::clone(&journal),
            metrics: Arc::clone(&metrics),
            stats: Arc::clone(&store.stats),
            blobs: Arc::clone(&blobs),
        }));
        Ok(Server::new(AppState::new(Parts {
            config,
            clock: self.clock,
            store,
            bodies,
            catalog,
            people,
            acceptor,
            blobs,
            journal,
            progress: Arc::new(Progress::new(position)),
            feed: Arc::new(Feed::new(position, indexed)),
            metrics,
        })))
    }
}

/// Opens the store alone, for commands beside a running server.
///
/// # Errors
///
/// As [`ServerBuilder::build`], without the folder's lock.
pub async fn open_store(config: &Config, clock: &Arc<dyn Clock>) -> Result<Store, Error> {
    let options = StoreOptions {
        partition_events: config.retention.partition_events,
        partition_age: config.retention.partition_age,
        clock: Arc::clone(clock),
    };
    open(&config.store, &config.data_dir, options).await
}
