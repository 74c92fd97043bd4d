//! What the HTTP surface and the jobs stand on: the opened parts of one server.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::accept::Acceptor;
use crate::blob::Blobs;
use crate::catalog::CatalogCache;
use crate::clock::Clock;
use crate::config::Config;
use crate::digest::progress::Progress;
use crate::indexer::Feed;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::people::Accounts;
use crate::store::{Bodies, Store};

/// The opened parts of one server, shared: every request gets a clone, which is one count.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The opened parts of one server.
#[derive(Clone)]
pub struct Parts {
    /// The settings.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The catalogue, index, issues and counts.
    pub store: Store,
    /// The home of bodies.
    pub bodies: Arc<dyn Bodies>,
    /// The catalogue in memory.
    pub catalog: Arc<CatalogCache>,
    /// Who there is, and who is logged in.
    pub people: Arc<Accounts>,
    /// What judges and takes what is sent.
    pub acceptor: Arc<Acceptor>,
    /// Bodies in files of their own.
    pub blobs: Arc<Blobs>,
    /// The durable queue.
    pub journal: Arc<dyn Journal>,
    /// How far digest is.
    pub progress: Arc<Progress>,
    /// How far the search index is.
    pub feed: Arc<Feed>,
    /// Counts and times.
    pub metrics: Arc<Metrics>,
}

impl AppState {
    /// Shares the parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
