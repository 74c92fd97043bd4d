//! Log lines travel together: a hundred at a time, or after a few seconds.

use std::time::{Duration, Instant};

use crate::protocol::{Items, Log};

const MAX_LINES: usize = 100;
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Lines that wait for company.
#[derive(Debug, Default)]
pub(super) struct LogBatch {
    lines: Vec<Log>,
    since: Option<Instant>,
}

impl LogBatch {
    pub(super) fn push(&mut self, log: Log, now: Instant) {
        self.since.get_or_insert(now);
        self.lines.push(log);
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= MAX_LINES
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.since?.checked_add(MAX_WAIT)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    pub(super) fn take(&mut self) -> Option<Items<Log>> {
        self.since = None;
        let lines = std::mem::take(&mut self.lines);
        (!lines.is_empty()).then(|| Items::from(lines))
    }
}
