//! What is not kept for ever: whole partitions by age and by the size of the install, and events
//! of single projects by their own settings.

use std::collections::HashMap;
use std::sync::PoisonError;

use tokio_util::sync::CancellationToken;

use super::runner::{JobReport, Jobs};
use crate::error::{Error, ErrorKind};
use crate::model::catalog::Project;
use crate::model::ids::{ProjectId, Seq};
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::Partition;

const HOUR: i64 = 60 * Millis::MINUTE;
/// A mark is moved when it would move at least so far: each move is a write.
const MARK_STEP_MS: i64 = HOUR;
/// Requests that began before others were appended later carry an earlier time than these.
const OUT_OF_ORDER_MS: i64 = HOUR;

/// What a run needs to know of the runs before.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Up to when each project's events are hidden.
    hidden: HashMap<ProjectId, Millis>,
    /// Up to where bodies are dropped.
    dropped: Seq,
    /// Whether it was said that only the last partition is left, and that it is too large.
    is_too_large: bool,
}

pub(super) async fn run(jobs: &Jobs, stop: &CancellationToken) -> Result<JobReport, Error> {
    let mut report = JobReport::default();
    let state = &jobs.state;
    let view = state.catalog.view();
    let now = state.clock.now();
    let cutoff =
        days_kept(state.config.retention.days, view.projects()).map(|days| days_before(now, days));
    let quiet_cutoff = match cutoff {
        Some(cutoff) => drop_older(jobs, cutoff, stop, &mut report).await?,
        None => None,
    };
    drop_larger(jobs, stop, &mut report).await?;
    for project in view.projects() {
        if stop.is_cancelled() {
            break;
        }
        hide(jobs, project, (now, cutoff, quiet_cutoff), &mut report).await?;
    }
    drop_bodies(jobs, &mut report).await?;
    Ok(report)
}

/// Returns the days after which nobody wants anything; `None` when somebody wants all.
fn days_kept(install: u32, projects: &[std::sync::Arc<Project>]) -> Option<i64> {
    let install = (install > 0).then_some(i64::from(install));
    let longest = projects
        .iter()
        .map(|project| project.settings.retention_days.map(i64::from))
        .reduce(|a, b| Some(a?.max(b?)))
        .flatten();
    match (install, longest) {
        (Some(install), Some(longest)) => Some(install.min(longest)),
        (install, longest) => install.or(longest),
    }
}

fn days_before(now: Millis, days: i64) -> Millis {
    now.plus(days.saturating_neg().saturating_mul(Millis::DAY))
}

/// Drops the partitions that have nothing younger than the cutoff. One with both waits until all
/// of it is older: removing single rows would cost more than they take. The last one cannot be
/// dropped; where nothing has arrived since the cutoff, it is returned to hide what is in it.
async fn drop_older(
    jobs: &Jobs,
    cutoff: Millis,
    stop: &CancellationToken,
    report: &mut JobReport,
) -> Result<Option<Millis>, Error> {
    let partitions = jobs.state.store.upkeep.partitions().await?;
    let Some((last, closed)) = partitions.split_last() else {
        return Ok(None);
    };
    for partition in closed.iter().take_while(|p| p.newest < cutoff) {
        if stop.is_cancelled() {
            break;
        }
        drop_partition(jobs, partition, report).await?;
    }
    Ok((last.newest < cutoff).then_some(cutoff))
}

/// Drops the oldest partitions until the install is within its bound.
async fn drop_larger(
    jobs: &Jobs,
    stop: &CancellationToken,
    report: &mut JobReport,
) -> Result<(), Error> {
    let max_bytes = jobs.state.config.retention.max_bytes;
    if max_bytes == 0 {
        return Ok(());
    }
    let mut bytes = total_bytes(&jobs.state).await?;
    while bytes > max_bytes && !stop.is_cancelled() {
        let partitions = jobs.state.store.upkeep.partitions().await?;
        let [oldest, _, ..] = partitions.as_slice() else {
            say_too_large(jobs, bytes, max_bytes);
            return Ok(());
        };
        drop_partition(jobs, oldest, report).await?;
        drop_bodies(jobs, report).await?;
        let left = total_bytes(&jobs.state).await?;
        if left >= bytes {
            // The system has not given the space back yet: better one partition too many than all.
            return Ok(());
        }
        bytes = left;
    }
    Ok(())
}

fn say_too_large(jobs: &Jobs, bytes: u64, max_bytes: u64) {
    let mut memory = jobs.memory.lock().unwrap_or_else(PoisonError::into_inner);
    if !std::mem::replace(&mut memory.is_too_large, true) {
        tracing::warn!(
            size_bytes = bytes,
            limit_bytes = max_bytes,
            "what is being written now is larger than the install may be"
        );
    }
}

async fn drop_partition(
    jobs: &Jobs,
    partition: &Partition,
    report: &mut JobReport,
) -> Result<(), Error> {
    match jobs.state.store.upkeep.drop_partition(partition.id).await {
        Ok(()) => {
            report.partitions = report.partitions.saturating_add(1);
            Ok(())
        }
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Drops the bodies of partitions that are gone. Always looks at what is left and not at what was
/// just dropped, so that a crash between the two leaves nothing behind.
async fn drop_bodies(jobs: &Jobs, report: &mut JobReport) -> Result<(), Error> {
    let state = &jobs.state;
    let partitions = state.store.upkeep.partitions().await?;
    let Some(oldest) = partitions.first() else {
        return Ok(());
    };
    let through = Seq(oldest.first.0.saturating_sub(1));
    let dropped = jobs
        .memory
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .dropped;
    if through <= dropped {
        return Ok(());
    }
    state.bodies.drop_through(through).await?;
    let blobs = drop_blobs(state, oldest.opened.plus(-OUT_OF_ORDER_MS)).await?;
    report.blobs = report.blobs.saturating_add(blobs);
    jobs.memory
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .dropped = through;
    Ok(())
}

/// Removes files whose records are gone, by the time in their names.
async fn drop_blobs(state: &AppState, before: Millis) -> Result<u64, Error> {
    let blobs = std::sync::Arc::clone(&state.blobs);
    let removed = tokio::task::spawn_blocking(move || {
        let mut removed = 0_u64;
        for file in blobs.received_in(Millis(i64::MIN)..before)? {
            blobs.remove(&file.name)?;
            removed = removed.saturating_add(1);
        }
        Ok::<_, Error>(removed)
    });
    removed
        .await
        .map_err(|error| Error::new(ErrorKind::System, error))?
}

/// Hides what a project does not want, and what is too old in a partition that cannot be dropped.
async fn hide(
    jobs: &Jobs,
    project: &Project,
    (now, cutoff, quiet_cutoff): (Millis, Option<Millis>, Option<Millis>),
    report: &mut JobReport,
) -> Result<(), Error> {
    let upkeep = &jobs.state.store.upkeep;
    let settings = &project.settings;
    let own_cutoff = settings
        .retention_days
        .map(|days| days_before(now, i64::from(days)))
        // What all want goes with the partitions.
        .filter(|own| cutoff.is_none_or(|cutoff| *own > cutoff));
    let by_age = own_cutoff.max(quiet_cutoff);
    let by_count = match settings.max_events {
        0 => None,
        most => upkeep.received_of_nth(project.id, most).await?,
    };
    let Some(until) = by_age.max(by_count) else {
        return Ok(());
    };
    let hidden = {
        let memory = jobs.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.hidden.get(&project.id).copied()
    };
    let step = if by_count == Some(until) {
        1
    } else {
        MARK_STEP_MS
    };
    if hidden.is_some_and(|hidden| until.since(hidden) < step) {
        return Ok(());
    }
    upkeep.hide_before(project.id, until).await?;
    report.projects = report.projects.saturating_add(1);
    let mut memory = jobs.memory.lock().unwrap_or_else(PoisonError::into_inner);
    memory.hidden.insert(project.id, until);
    Ok(())
}

/// Returns what the install takes on disk.
async fn total_bytes(state: &AppState) -> Result<u64, Error> {
    let space = state.store.upkeep.space().await?;
    let in_store = space
        .iter()
        .fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
    let beside = if state.store.bodies.is_some() {
        state.journal.state().bytes
    } else {
        state.bodies.bytes().await?
    };
    Ok(in_store.saturating_add(beside))
}
