//! The loop that indexes: a thread of its own, because it waits for the disk.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::feed::{Feed, Look, Order};
use super::gather::Gather;
use crate::catalog::CatalogCache;
use crate::digest::rules::RuleBook;
use crate::error::Error;
use crate::facts::{FactsInput, Scan, derive};
use crate::model::ids::Seq;
use crate::store::{Bodies, Index};

/// What is gathered is written after so long.
const RHYTHM: Duration = Duration::from_secs(2);
/// Or when it is so many events,
const MAX_EVENTS: u64 = 16 * 1024;
/// or takes so much memory.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// For somebody who waits it is written at once when it is so little,
const FEW_EVENTS: u64 = 1024;
/// and so often when it is more.
const SHORT_RHYTHM: Duration = Duration::from_millis(250);
/// Rows that are read from the store at once.
const ROWS: u32 = 256;
/// The longest wait after a failure.
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// The first.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What the indexer works with.
#[derive(Clone)]
pub struct IndexerParts {
    /// Where it writes.
    pub index: Arc<dyn Index>,
    /// Where it reads what it has not got from digest.
    pub bodies: Arc<dyn Bodies>,
    /// The rules of projects.
    pub catalog: Arc<CatalogCache>,
    /// What digest hands on, and who waits.
    pub feed: Arc<Feed>,
}

impl std::fmt::Debug for IndexerParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexerParts").finish_non_exhaustive()
    }
}

/// Indexes what digest stores.
#[derive(Debug)]
pub struct Indexer {
    parts: IndexerParts,
    rules: RuleBook,
    failures: u32,
    merging: Option<JoinHandle<()>>,
}

/// An indexer at work.
#[derive(Debug)]
pub struct IndexerHandle {
    feed: Arc<Feed>,
    ended: Option<oneshot::Receiver<()>>,
}

impl IndexerHandle {
    /// Lets the indexer write what digest has stored, then ends it; after `patience` it ends without.
    /// What it has not written it reads again at the next start.
    pub async fn stop(mut self, patience: Duration) {
        self.feed.order(Order::Drain);
        let Some(mut ended) = self.ended.take() else {
            return;
        };
        if tokio::time::timeout(patience, &mut ended).await.is_err() {
            self.feed.order(Order::Stop);
            let _ = tokio::time::timeout(LAST_PAUSE, ended).await;
        }
    }
}

impl Drop for IndexerHandle {
    fn drop(&mut self) {
        if self.ended.is_some() {
            self.feed.order(Order::Stop);
        }
    }
}

impl Indexer {
    /// Makes an indexer; nothing runs yet.
    #[must_use]
    pub fn new(parts: IndexerParts) -> Self {
        let rules = RuleBook::new(Arc::clone(&parts.catalog));
        Self {
            parts,
            rules,
            failures: 0,
            merging: None,
        }
    }

    /// Runs on a thread of its own until the handle says otherwise. `runtime` is where the store's
    /// futures run; it has to outlive the thread.
    ///
    /// # Errors
    ///
    /// When the system has no thread to give.
    pub fn start(self, runtime: Handle) -> Result<IndexerHandle, Error> {
        let feed = Arc::clone(&self.parts.feed);
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name("index".to_owned())
            .spawn(move || {
                self.run(&runtime);
                let _ = end.send(());
            })
            .map_err(|error| Error::from(error).during("start the index thread"))?;
        Ok(IndexerHandle {
            feed,
            ended: Some(ended),
        })
    }

    fn run(mut self, runtime: &Handle) {
        let mut gather = Gather::new(self.parts.feed.position());
        let mut is_fresh = false;
        loop {
            if !is_fresh {
                match runtime.block_on(self.parts.index.position()) {
                    Ok(position) => {
                        gather.restart(position);
                        self.parts.feed.wrote(position, 0);
                        is_fresh = true;
                    }
                    Err(error) => {
                        if self.fail(&error) == Order::Stop {
                            break;
                        }
                        continue;
                    }
                }
            }
            match self.step(&mut gather, runtime) {
                Ok(true) => self.failures = 0,
                Ok(false) => break,
                Err(error) => {
                    is_fresh = false;
                    if self.fail(&error) == Order::Stop {
                        break;
                    }
                }
            }
        }
        if let Some(merging) = self.merging.take() {
            merging.abort();
            let _ = runtime.block_on(merging);
        }
    }

    /// Gathers one batch, and writes when it is time. False when it has to end.
    fn step(&mut self, gather: &mut Gather, runtime: &Handle) -> Result<bool, Error> {
        let now = Instant::now();
        let since = gather.since().unwrap_or(now);
        let soon = match gather.events() <= FEW_EVENTS {
            true => now,
            false => since + SHORT_RHYTHM,
        };
        let look = self.parts.feed.look(since + RHYTHM, soon);
        if look.order == Order::Stop {
            return Ok(false);
        }
        if look.is_changed {
            gather.forget();
        }
        match &look.batch {
            Some(stored) if stored.batch.first <= gather.reached().next() => {
                if gather.holds_other(stored.partition.0) {
                    self.write(gather, runtime)?;
                }
                gather.take(stored);
            }
            // Something is missing before it: all of it is read from the store.
            Some(stored) => self.read_through(gather, stored.batch.last, runtime)?,
            None if look.stored > gather.reached() => {
                self.read_through(gather, look.stored, runtime)?;
            }
            None if look.order == Order::Drain => {
                self.write(gather, runtime)?;
                return Ok(false);
            }
            None => {}
        }
        if Self::is_due(gather, &look) {
            self.write(gather, runtime)?;
        }
        Ok(true)
    }

    fn is_due(gather: &Gather, look: &Look) -> bool {
        let waited = gather.since().map(|since| since.elapsed());
        if look.is_awaited && look.stored <= gather.reached() {
            return gather.events() <= FEW_EVENTS
                || waited.is_none_or(|waited| waited >= SHORT_RHYTHM);
        }
        gather.events() >= MAX_EVENTS
            || gather.bytes() >= MAX_BYTES
            || waited.is_some_and(|waited| waited >= RHYTHM)
    }

    /// Gathers from the store what digest did not hand on.
    fn read_through(
        &mut self,
        gather: &mut Gather,
        through: Seq,
        runtime: &Handle,
    ) -> Result<(), Error> {
        while gather.reached() < through {
            let after = gather.reached();
            let found = runtime.block_on(self.parts.index.rows_after(after, ROWS))?;
            let Some(partition) = found.partition else {
                gather.pass(found.through.max(through));
                break;
            };
            if gather.holds_other(partition.0) {
                self.write(gather, runtime)?;
            }
            let seqs: Vec<Seq> = found.rows.iter().map(|row| row.seq).collect();
            let records = runtime.block_on(self.parts.bodies.read(&seqs))?;
            for (row, record) in found.rows.iter().zip(records) {
                // A body that is gone is of an event that is being removed.
                let Some(record) = record else { continue };
                let Ok(scan) = Scan::read(&record.body) else {
                    continue;
                };
                let input = FactsInput::of_head(&record.head, self.rules.of(row.project));
                let mut facts = derive(&scan, &input);
                // As it was stored, whatever the rules are now.
                (facts.timestamp, facts.user) = (row.timestamp, row.user);
                gather.add(partition, row.seq, row.project, row.group, &facts);
            }
            if found.through <= after {
                gather.pass(through);
                break;
            }
            gather.pass(found.through);
            if gather.events() >= MAX_EVENTS || gather.bytes() >= MAX_BYTES {
                self.write(gather, runtime)?;
            }
            if self.parts.feed.rest(Duration::ZERO) == Order::Stop {
                break;
            }
        }
        Ok(())
    }

    fn write(&mut self, gather: &mut Gather, runtime: &Handle) -> Result<(), Error> {
        if let Some(batch) = gather.batch()? {
            runtime.block_on(self.parts.index.add(batch))?;
            gather.wrote();
        }
        self.parts.feed.wrote(gather.written(), gather.events());
        if self.merging.as_ref().is_none_or(JoinHandle::is_finished) {
            let index = Arc::clone(&self.parts.index);
            self.merging = Some(runtime.spawn(async move {
                loop {
                    match index.merge().await {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(error) => {
                            tracing::warn!(error = %error, "the index was not merged");
                            break;
                        }
                    }
                }
            }));
        }
        Ok(())
    }

    /// Waits before the next try; returns whether to go on.
    fn fail(&mut self, error: &Error) -> Order {
        let pause = FIRST_PAUSE
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(LAST_PAUSE);
        if self.failures == 0 || pause == LAST_PAUSE {
            tracing::warn!(
                error = %error,
                error.kind = error.kind().as_str(),
                "the index has to wait; it is made up for later"
            );
        }
        self.failures = self.failures.saturating_add(1);
        self.parts.feed.rest(pause)
    }
}
