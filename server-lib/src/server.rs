//! A server: the parts of one install, opened and put together.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;

use crate::accept::inproc::InProcess;
use crate::builder::ServerBuilder;
use crate::digest::worker::{DigestHandle, Digester, DigesterParts};
use crate::error::Error;
use crate::indexer::{Indexer, IndexerHandle, IndexerParts};
use crate::jobs::{Jobs, JobsHandle};
use crate::model::ids::ProjectId;
use crate::provision::{Provision, Provisioned, provision};
use crate::serve::serve;
use crate::state::AppState;
use crate::web;

/// A server. Several may live in one process, each with its own folder.
///
/// ```no_run
/// use std::time::Duration;
///
/// use axum::Router;
/// use mini_sentry_server::Server;
///
/// # async fn host() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().data_dir("/var/lib/shop/errors").build().await?;
/// let running = server.start()?;
/// let app: Router = Router::new().nest("/errors", server.router());
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
/// axum::serve(listener, app).await?;
/// running.shutdown(Duration::from_secs(10)).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Server {
    state: AppState,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.state.config)
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn new(state: AppState) -> Self {
        Self { state }
    }

    /// Begins to set a server up.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    /// Returns the opened parts.
    #[must_use]
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Returns the HTTP surface, to be nested under any prefix of a host's router.
    pub fn router(&self) -> Router {
        web::routes(self.state.clone())
    }

    /// Makes the first organisation, project, key and token; `None` when there is something
    /// already.
    ///
    /// # Errors
    ///
    /// When the store cannot be written.
    pub async fn provision(&self, request: Provision) -> Result<Option<Provisioned>, Error> {
        let made = provision(&self.state.store, self.state.clock.as_ref(), request).await?;
        self.state.catalog.refresh().await?;
        self.state.people.refresh().await?;
        Ok(made)
    }

    /// Returns a transport for the SDK of this process: envelopes go into the journal without a
    /// network. Called on a tokio runtime, which does the work.
    #[must_use]
    pub fn transport(&self, project: ProjectId) -> InProcess {
        InProcess::new(
            Arc::clone(&self.state.acceptor),
            project,
            tokio::runtime::Handle::current(),
        )
    }

    /// Starts digest, the indexer and the jobs on the current tokio runtime. Without it events are accepted
    /// and stay in the journal.
    ///
    /// # Errors
    ///
    /// When the system has no thread to give.
    pub fn start(&self) -> Result<Handle, Error> {
        let state = &self.state;
        let feed = Arc::clone(&state.feed);
        let digester = Digester::new(DigesterParts {
            journal: Arc::clone(&state.journal),
            store: Arc::clone(&state.store.digests),
            store_keeps_bodies: state.store.bodies.is_some(),
            catalog: Arc::clone(&state.catalog),
            progress: Arc::clone(&state.progress),
            on_stored: Some(Arc::new(move |batch, applied| feed.push(batch, applied))),
            metrics: Arc::clone(&state.metrics),
            clock: Arc::clone(&state.clock),
        });
        let digester = digester.start(tokio::runtime::Handle::current())?;
        let indexer = Indexer::new(IndexerParts {
            index: Arc::clone(&state.store.index),
            bodies: Arc::clone(&state.bodies),
            catalog: Arc::clone(&state.catalog),
            feed: Arc::clone(&state.feed),
        });
        let indexer = indexer.start(tokio::runtime::Handle::current())?;
        let jobs = Jobs::new(state.clone()).start();
        Ok(Handle {
            state: state.clone(),
            digester,
            indexer,
            jobs,
        })
    }

    /// Serves connections until `shutdown` is ready; then requests have `patience` to end.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        patience: Duration,
    ) {
        let http = &self.state.config.http;
        serve(
            listener,
            self.router(),
            http,
            &self.state.metrics,
            shutdown,
            patience,
        )
        .await;
    }
}

/// A started server.
#[derive(Debug)]
#[must_use = "the handle stops the server in good order"]
pub struct Handle {
    state: AppState,
    digester: DigestHandle,
    indexer: IndexerHandle,
    jobs: JobsHandle,
}

impl Handle {
    /// Ends the server in good order: what is accepted is digested, counts are written, the
    /// database is closed. What does not fit into the deadline is taken up at the next start.
    pub async fn shutdown(self, deadline: Duration) {
        self.state.progress.close();
        self.jobs.stop(deadline).await;
        self.state.journal.close();
        if !self.digester.stop(deadline).await {
            tracing::warn!("some records stay in the journal for the next start");
        }
        self.indexer.stop(deadline).await;
        self.state.acceptor.flush_outcomes().await;
        if let Err(error) = self.state.store.upkeep.close().await {
            tracing::warn!(error = %error, "the store was not closed well");
        }
    }
}
