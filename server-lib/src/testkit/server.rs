//! Servers for tests: a real listener, a real store in a temporary folder, a clock that moves on
//! demand.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::error::Error;
use crate::provision::{Provision, Provisioned};
use crate::server::{Handle, Server};
use crate::state::AppState;

/// How long a test server may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that runs with the machine's, plus what the test adds.
#[derive(Debug, Default)]
pub struct MovableClock {
    ahead_ms: AtomicI64,
}

impl MovableClock {
    /// Moves the clock on, or back when negative.
    pub fn advance(&self, millis: i64) {
        self.ahead_ms.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> crate::model::time::Millis {
        SystemClock
            .now()
            .plus(self.ahead_ms.load(Ordering::Relaxed))
    }
}

/// A server that is listening, with its first project.
#[derive(Debug)]
pub struct TestServer {
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// The first project and the means to reach it.
    pub first: Provisioned,
    /// The clock.
    pub clock: Arc<MovableClock>,
    address: SocketAddr,
    config: Config,
    dir: TempDir,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    server: Server,
    handle: Handle,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl TestServer {
    /// Starts a server with default settings on SQLite.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub async fn start() -> Result<Self, Error> {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with other settings.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Result<Self, Error> {
        let dir = TempDir::new()?;
        let mut config = Config::new(dir.path());
        config.retention.interval = Duration::from_millis(200);
        // What a test sent is found by the next question, however slow the machine is.
        config.http.read_patience = PATIENCE;
        change(&mut config);
        let clock = Arc::new(MovableClock::default());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (running, first) = run(&config, &clock, listener).await?;
        let first = first.ok_or_else(|| {
            Error::because(
                crate::error::ErrorKind::Conflict,
                "the store of a test was not empty",
            )
        })?;
        Ok(Self {
            url: format!("http://{address}"),
            first,
            clock,
            address,
            config,
            dir,
            running: Some(running),
        })
    }

    /// Returns the opened parts; `None` between [`stop`](Self::stop) and [`restart`](Self::restart).
    #[must_use]
    pub fn state(&self) -> Option<&AppState> {
        self.running.as_ref().map(|running| running.server.state())
    }

    /// Returns the folder of the data.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the DSN of the first project.
    #[must_use]
    pub fn dsn(&self) -> String {
        format!(
            "http://{}@{}/{}",
            self.first.key.public_key, self.address, self.first.project.id
        )
    }

    /// Returns the first API token, which has every scope.
    #[must_use]
    pub fn token(&self) -> &str {
        self.first.api_token.reveal()
    }

    /// Waits until everything that was accepted so far is digested.
    ///
    /// # Errors
    ///
    /// When that takes too long.
    pub async fn digested(&self) -> Result<(), Error> {
        let Some(state) = self.state() else {
            return Ok(());
        };
        if state.progress.reached(state.journal.tail(), PATIENCE).await {
            return Ok(());
        }
        Err(Error::because(
            crate::error::ErrorKind::Unavailable,
            "digest did not keep up",
        ))
    }

    /// Stops the server in good order.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            // The receiver is gone when serving has ended already.
            let _ = running.stop.send(());
            let _ = running.serving.await;
            running.handle.shutdown(PATIENCE).await;
        }
    }

    /// Stops the server and starts it again on the same address and data.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await?;
        let (running, _) = run(&self.config, &self.clock, listener).await?;
        self.running = Some(running);
        Ok(())
    }
}

async fn run(
    config: &Config,
    clock: &Arc<MovableClock>,
    listener: TcpListener,
) -> Result<(Running, Option<Provisioned>), Error> {
    let server = Server::builder()
        .config(config.clone())
        .clock(Arc::clone(clock) as Arc<dyn Clock>)
        .build()
        .await?;
    let first = server.provision(Provision::default()).await?;
    let handle = server.start()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn({
        let server = server.clone();
        async move {
            let shutdown = async { drop(stopped.await) };
            server.serve(listener, shutdown, PATIENCE).await;
        }
    });
    Ok((
        Running {
            server,
            handle,
            stop,
            serving,
        },
        first,
    ))
}
