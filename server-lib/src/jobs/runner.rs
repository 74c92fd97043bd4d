//! When jobs run.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{compaction, erasure, orphans, retention, sweep};
use crate::error::{Error, ErrorKind};
use crate::state::AppState;

/// How often the catalogue is looked at and counts are written.
const SECOND: Duration = Duration::from_secs(1);

/// The shortest time between two looks for work.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

/// A job that works through what there is and then ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobKind {
    /// Drops what is older, more, or larger than the settings allow.
    Retention,
    /// Removes rows that nobody sees any more.
    Sweep,
    /// Takes what was erased out of the search index and what else may hold copies of it.
    Erasure,
    /// Removes files of bodies that belong to no record.
    Orphans,
    /// Packs bodies tighter and removes the dead ones.
    Compaction,
}

impl JobKind {
    /// All of them, in the order in which they run: each makes work for the next.
    pub const ALL: &[Self] = &[
        Self::Retention,
        Self::Sweep,
        Self::Erasure,
        Self::Orphans,
        Self::Compaction,
    ];

    /// Returns the stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Sweep => "sweep",
            Self::Erasure => "erasure",
            Self::Orphans => "orphans",
            Self::Compaction => "compaction",
        }
    }
}

/// What a job did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobReport {
    /// Partitions that were dropped whole.
    pub partitions: u64,
    /// Projects of which older events were hidden.
    pub projects: u64,
    /// Rows that were removed.
    pub rows: u64,
    /// Groups that lost events and were read again.
    pub groups: u64,
    /// Files with a body of their own that were removed.
    pub blobs: u64,
    /// Units of bodies that were packed, and steps in which erased data was taken out.
    pub units: u64,
}

/// The jobs of one server.
pub struct Jobs {
    pub(super) state: AppState,
    pub(super) memory: Mutex<retention::Memory>,
    pub(super) orphans: Mutex<orphans::Memory>,
    trouble: Mutex<HashMap<&'static str, ErrorKind>>,
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs")
            .field("retention", &self.state.config.retention)
            .finish_non_exhaustive()
    }
}

/// Started jobs.
#[derive(Debug)]
pub struct JobsHandle {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl JobsHandle {
    /// Ends the jobs; a step at work has `patience` to end.
    pub async fn stop(mut self, patience: Duration) {
        self.stop.cancel();
        let deadline = tokio::time::Instant::now() + patience;
        for task in &mut self.tasks {
            if tokio::time::timeout_at(deadline, &mut *task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for JobsHandle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Jobs {
    /// Makes the jobs of a server; nothing runs yet.
    #[must_use]
    pub fn new(state: AppState) -> Self {
        Self {
            state,
            memory: Mutex::default(),
            orphans: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// Runs one job until it finds no more work.
    ///
    /// # Errors
    ///
    /// When the store or the bodies' home fails; what was done stays done.
    pub async fn run_once(&self, kind: JobKind) -> Result<JobReport, Error> {
        self.run(kind, &CancellationToken::new()).await
    }

    /// Runs everything in the background, on the current tokio runtime.
    #[must_use]
    pub fn start(self) -> JobsHandle {
        let jobs = Arc::new(self);
        let stop = CancellationToken::new();
        let seconds = {
            let (jobs, stop) = (Arc::clone(&jobs), stop.clone());
            tokio::spawn(async move {
                while rest(SECOND, &stop).await {
                    jobs.each_second().await;
                }
            })
        };
        let upkeep = {
            let stop = stop.clone();
            let interval = jobs.state.config.retention.interval.max(MIN_INTERVAL);
            tokio::spawn(async move {
                while rest(interval, &stop).await {
                    jobs.each_interval(&stop).await;
                }
            })
        };
        JobsHandle {
            stop,
            tasks: vec![seconds, upkeep],
        }
    }

    async fn run(&self, kind: JobKind, stop: &CancellationToken) -> Result<JobReport, Error> {
        match kind {
            JobKind::Retention => retention::run(self, stop).await,
            JobKind::Sweep => sweep::run(&self.state, stop).await,
            JobKind::Erasure => erasure::run(&self.state, stop).await,
            JobKind::Orphans => orphans::run(self, stop).await,
            JobKind::Compaction => compaction::run(&self.state, stop).await,
        }
    }

    async fn each_second(&self) {
        let refreshed = self.state.catalog.refresh().await;
        self.judge("catalog", refreshed.map(|()| None));
        let refreshed = self.state.people.refresh().await;
        self.judge("people", refreshed.map(|()| None));
        self.state.acceptor.flush_outcomes().await;
    }

    async fn each_interval(&self, stop: &CancellationToken) {
        let woken = self.state.store.issues.wake(self.state.clock.now()).await;
        self.judge("wake", woken.map(|_| None));
        for &kind in JobKind::ALL {
            let started = Instant::now();
            let report = self.run(kind, stop).await;
            let report = report.map(|report| Some((report, started.elapsed())));
            self.judge(kind.as_str(), report);
        }
    }

    /// Logs what changed anything, and trouble once when it begins and once when it is over.
    fn judge(&self, job: &'static str, result: Result<Option<(JobReport, Duration)>, Error>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(report) => {
                if trouble.remove(job).is_some() {
                    tracing::info!(job, "a job works again");
                }
                if let Some((report, elapsed)) = report
                    && report != JobReport::default()
                {
                    tracing::info!(
                        job,
                        partitions = report.partitions,
                        projects = report.projects,
                        rows = report.rows,
                        groups = report.groups,
                        blobs = report.blobs,
                        units = report.units,
                        elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
                        "a job has done its work"
                    );
                }
            }
            Err(error) => {
                let before = trouble.insert(job, error.kind());
                if before != Some(error.kind()) {
                    tracing::warn!(
                        job,
                        error = %error,
                        error.kind = error.kind().as_str(),
                        "a job failed and will be tried again"
                    );
                }
            }
        }
    }
}

/// Rests; false when a stop came first.
pub(super) async fn rest(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(pause) => true,
    }
}
