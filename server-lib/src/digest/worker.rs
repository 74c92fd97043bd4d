//! The loop that digests: a thread of its own, because it waits for the disk.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::batch;
use super::progress::{Digested, Progress};
use super::rules::RuleBook;
use crate::catalog::CatalogCache;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::journal::{Delivery, Journal};
use crate::metrics::Metrics;
use crate::model::ids::{ProjectId, Seq};
use crate::store::{Applied, Batch, Digests};

/// Records of one transaction at most.
const MAX_BATCH: usize = 1024;
/// How long one look into an empty journal waits; a stop is noticed at least so often.
const PATIENCE: Duration = Duration::from_millis(200);
/// Batches of at least so many records follow each other at once.
const ENOUGH: u64 = 512;
/// Smaller batches begin so long after each other, unless somebody waits: what a transaction costs
/// is shared by more records then. The first record after a quiet time never waits.
const RHYTHM: Duration = Duration::from_millis(50);
/// How long the first failure waits before it is tried again; each further one twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest wait between two tries.
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// Who hears of every batch that is in the store, on digest's thread: quickly, and without waiting.
pub type OnStored = Arc<dyn Fn(Arc<Batch>, Arc<Applied>) + Send + Sync>;

/// What digest works with.
#[derive(Clone)]
pub struct DigesterParts {
    /// Where records come from.
    pub journal: Arc<dyn Journal>,
    /// Where they go.
    pub store: Arc<dyn Digests>,
    /// Whether the store is the bodies' home, so that it gets the journal's blocks too.
    pub store_keeps_bodies: bool,
    /// The rules of projects.
    pub catalog: Arc<CatalogCache>,
    /// Who waits for records to become visible.
    pub progress: Arc<Progress>,
    /// Who hears of what is stored.
    pub on_stored: Option<OnStored>,
    /// Counts and times.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for DigesterParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DigesterParts")
            .field("store_keeps_bodies", &self.store_keeps_bodies)
            .finish_non_exhaustive()
    }
}

/// Digests one journal into one store.
#[derive(Debug)]
pub struct Digester {
    parts: DigesterParts,
    rules: RuleBook,
    /// How many records the next batch may have; 1 while looking for one that the store refuses.
    max: usize,
    failures: u32,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Run,
    Drain,
    Stop,
}

/// An order that a waiting thread hears at once.
#[derive(Debug, Default)]
struct Orders {
    order: Mutex<Order>,
    changed: Condvar,
}

impl Orders {
    fn get(&self) -> Order {
        *self.lock()
    }

    fn set(&self, order: Order) {
        *self.lock() = order;
        self.changed.notify_all();
    }

    /// Waits for so long, or until the order is to stop.
    fn wait(&self, pause: Duration) {
        let goes_on = |order: &mut Order| *order != Order::Stop;
        // What the wait returns does not matter: the loop asks again.
        drop(self.changed.wait_timeout_while(self.lock(), pause, goes_on));
    }

    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A digester at work.
#[derive(Debug)]
pub struct DigestHandle {
    orders: Arc<Orders>,
    ended: Option<oneshot::Receiver<()>>,
}

impl DigestHandle {
    /// Lets the digester finish what is in the journal, then ends it; after `patience` it ends
    /// behind the batch that it has in hand. Returns whether it has finished. What it has not
    /// digested waits in the journal for the next start.
    pub async fn stop(mut self, patience: Duration) -> bool {
        self.orders.set(Order::Drain);
        let Some(mut ended) = self.ended.take() else {
            return true;
        };
        if tokio::time::timeout(patience, &mut ended).await.is_ok() {
            return true;
        }
        self.orders.set(Order::Stop);
        let _ = tokio::time::timeout(LAST_PAUSE, ended).await;
        false
    }
}

impl Drop for DigestHandle {
    fn drop(&mut self) {
        if self.ended.is_some() {
            self.orders.set(Order::Stop);
        }
    }
}

impl Digester {
    /// Makes a digester; nothing runs yet.
    #[must_use]
    pub fn new(parts: DigesterParts) -> Self {
        let rules = RuleBook::new(Arc::clone(&parts.catalog));
        Self {
            parts,
            rules,
            max: MAX_BATCH,
            failures: 0,
        }
    }

    /// Runs on a thread of its own until the handle says otherwise. `runtime` is where the store's
    /// futures run; it has to outlive the thread.
    ///
    /// # Errors
    ///
    /// When the system has no thread to give.
    pub fn start(self, runtime: Handle) -> Result<DigestHandle, Error> {
        let orders = Arc::new(Orders::default());
        let (end, ended) = oneshot::channel();
        let heard = Arc::clone(&orders);
        thread::Builder::new()
            .name("digest".to_owned())
            .spawn(move || {
                self.run(&runtime, &heard);
                let _ = end.send(());
            })
            .map_err(|error| Error::from(error).during("start the digest thread"))?;
        Ok(DigestHandle {
            orders,
            ended: Some(ended),
        })
    }

    fn run(mut self, runtime: &Handle, orders: &Orders) {
        let Some(mut position) = self.store_position(runtime, orders) else {
            return;
        };
        self.parts.progress.advance(position, Vec::new());
        loop {
            let is_drained = position >= self.parts.journal.tail();
            match orders.get() {
                Order::Stop => return,
                Order::Drain if is_drained => return,
                Order::Run | Order::Drain => {}
            }
            let began = Instant::now();
            match self.step(position, runtime) {
                Ok(reached) => {
                    let is_small = reached.0.saturating_sub(position.0) < ENOUGH;
                    if is_small && reached > position && orders.get() == Order::Run {
                        self.parts
                            .progress
                            .gather(RHYTHM.saturating_sub(began.elapsed()));
                    }
                    position = reached;
                    self.failures = 0;
                }
                Err(error) => {
                    self.fail(&error, orders);
                    // It may have been done for all that: only the store knows.
                    let Some(known) = self.store_position(runtime, orders) else {
                        return;
                    };
                    if known > position {
                        self.tell_of(position, known);
                        position = known;
                        self.parts.journal.commit(position);
                        self.parts.progress.advance(position, Vec::new());
                    }
                }
            }
        }
    }

    /// Digests one batch; returns how far digest is then.
    fn step(&mut self, position: Seq, runtime: &Handle) -> Result<Seq, Error> {
        let journal = Arc::clone(&self.parts.journal);
        let deliveries = journal.read_after(position, self.max, PATIENCE)?;
        let (Some(first), Some(last)) = (deliveries.first(), deliveries.last()) else {
            self.parts.metrics.digest_lag_seconds.set(0.0);
            return Ok(position);
        };
        self.show_lag(first);
        let last = last.seq;
        let started = Instant::now();
        let count = deliveries.len();
        let lone = match deliveries.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        let batch = batch::build(position, deliveries, &mut self.rules);
        let owners: Vec<_> = batch.events.iter().map(|e| (e.seq, e.project)).collect();
        let applied = match self.apply(batch, runtime) {
            Err(error) if error.kind() == ErrorKind::Invalid => {
                self.refused(position, lone, error, runtime)?
            }
            other => other?,
        };
        self.max = self.max.saturating_mul(2).min(MAX_BATCH);
        journal.commit(last);
        let metrics = &self.parts.metrics;
        metrics.digested.inc_by(count as u64);
        metrics
            .digest_seconds
            .observe(started.elapsed().as_secs_f64());
        if last >= journal.tail() {
            metrics.digest_lag_seconds.set(0.0);
        }
        self.parts
            .progress
            .advance(last, digested(&applied, &owners));
        Ok(last)
    }

    fn apply(&self, mut batch: Batch, runtime: &Handle) -> Result<Arc<Applied>, Error> {
        if self.parts.store_keeps_bodies {
            batch.blocks = self.parts.journal.blocks(batch.first, batch.last)?;
        }
        let batch = Arc::new(batch);
        let applied = runtime.block_on(self.parts.store.apply(Arc::clone(&batch)))?;
        let applied = Arc::new(applied);
        if let Some(on_stored) = &self.parts.on_stored {
            on_stored(batch, Arc::clone(&applied));
        }
        Ok(applied)
    }

    /// Tells that records are in the store, of which the answer was lost.
    fn tell_of(&self, before: Seq, last: Seq) {
        if let Some(on_stored) = &self.parts.on_stored {
            let batch = Batch {
                first: before.next(),
                last,
                ..Batch::default()
            };
            on_stored(Arc::new(batch), Arc::default());
        }
    }

    /// The store will never take this batch. Halves it until the record that is to blame is alone,
    /// and passes over that one, so that the rest does not wait for ever.
    fn refused(
        &mut self,
        position: Seq,
        lone: Option<Delivery>,
        error: Error,
        runtime: &Handle,
    ) -> Result<Arc<Applied>, Error> {
        let Some(lone) = lone else {
            self.max = (self.max / 2).max(1);
            return Err(error);
        };
        tracing::error!(
            record.seq = lone.seq.0,
            project.id = lone.head.project.0,
            error = %error,
            "the store refuses a record; it is counted as invalid"
        );
        self.apply(batch::pass_over(position, &lone), runtime)
    }

    /// Asks the store how far it is, until it answers; `None` when a stop comes first.
    fn store_position(&mut self, runtime: &Handle, orders: &Orders) -> Option<Seq> {
        loop {
            match runtime.block_on(self.parts.store.position()) {
                Ok(position) => return Some(position),
                Err(_) if orders.get() == Order::Stop => return None,
                Err(error) => self.fail(&error, orders),
            }
        }
    }

    /// Counts a failure and waits before the next try.
    fn fail(&mut self, error: &Error, orders: &Orders) {
        self.parts.metrics.digest_failures.inc();
        // One line when trouble begins, then one for each longest wait.
        let pause = FIRST_PAUSE
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(LAST_PAUSE);
        if self.failures == 0 || pause == LAST_PAUSE {
            tracing::warn!(
                error = %error,
                error.kind = error.kind().as_str(),
                "digest has to wait; records stay in the journal"
            );
        }
        // What the store refuses is being narrowed down, and longer waits do not help there.
        if error.kind() == ErrorKind::Invalid {
            orders.wait(FIRST_PAUSE);
        } else {
            self.failures = self.failures.saturating_add(1);
            orders.wait(pause);
        }
    }

    fn show_lag(&self, first: &Delivery) {
        let waited_ms = self.parts.clock.now().since(first.head.received).max(0);
        let waited = Duration::from_millis(waited_ms.unsigned_abs());
        let metrics = &self.parts.metrics;
        metrics.digest_lag_seconds.set(waited.as_secs_f64());
    }
}

/// Tells what became visible; both lists are in the order of arrival.
fn digested(applied: &Applied, owners: &[(Seq, ProjectId)]) -> Vec<Digested> {
    let mut owners = owners.iter();
    applied
        .stored
        .iter()
        .filter_map(|stored| {
            let (_, project) = owners.find(|(owner, _)| *owner == stored.seq)?;
            Some(Digested {
                project: *project,
                seq: stored.seq,
                issue: stored.issue,
                is_new_issue: stored.is_new,
            })
        })
        .collect()
}
