//! Removing rows that retention and deletion have hidden, and what has ended of people.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::runner::{JobReport, rest};
use crate::error::Error;
use crate::state::AppState;

/// Rows of one step: few enough that digest hardly notices the wait.
const ROWS: u64 = 500;
/// The rest between two steps, in lengths of the step before: sweeping takes at most a tenth of
/// the writer's time.
const REST_FACTOR: u32 = 9;
/// The shortest rest.
const MIN_REST: Duration = Duration::from_millis(5);
/// The longest rest.
const MAX_REST: Duration = Duration::from_secs(1);

pub(super) async fn run(state: &AppState, stop: &CancellationToken) -> Result<JobReport, Error> {
    // The report counts what retention hid: logins and links that have ended are not part of it.
    state.people.forget_ended(state.clock.now()).await?;
    let mut report = JobReport::default();
    loop {
        let started = Instant::now();
        let rows = state.store.upkeep.sweep(ROWS).await?;
        if rows == 0 {
            return Ok(report);
        }
        report.rows = report.rows.saturating_add(rows);
        let pause = started.elapsed().saturating_mul(REST_FACTOR);
        if !rest(pause.clamp(MIN_REST, MAX_REST), stop).await {
            return Ok(report);
        }
    }
}
