//! Packing bodies tighter while there is nothing better to do. The bodies' home decides what is
//! worth it; this decides when digest needs the machine for itself.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::runner::{JobReport, rest};
use crate::error::Error;
use crate::state::AppState;

/// With more records waiting for digest than these, compaction waits.
const MAX_BACKLOG: u64 = 10_000;
/// The longest rest between two units.
const MAX_REST: Duration = Duration::from_secs(2);

/// Reports whether digest needs the machine for itself.
pub(super) fn is_behind(state: &AppState) -> bool {
    let digested = state.progress.position().0;
    state.journal.tail().0.saturating_sub(digested) > MAX_BACKLOG
}

pub(super) async fn run(state: &AppState, stop: &CancellationToken) -> Result<JobReport, Error> {
    let mut report = JobReport::default();
    loop {
        if is_behind(state) {
            return Ok(report);
        }
        let started = Instant::now();
        if !state.bodies.compact(state.store.upkeep.as_ref()).await? {
            if report.units > 0 {
                state.journal.drop_copies().await?;
            }
            return Ok(report);
        }
        report.units = report.units.saturating_add(1);
        if !rest(started.elapsed().min(MAX_REST), stop).await {
            return Ok(report);
        }
    }
}
