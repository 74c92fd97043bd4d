//! The queue, and the one named thread behind it.
//!
//! Captures push drafts, bounded in bytes, and go on. The thread makes envelopes of them and
//! hands these to the transport. In the child of a fork the thread does not exist, so the first
//! push there makes a new queue, thread and transport; what the parent had queued stays its own.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::callback::guarded;
use crate::client::draft::Draft;
use crate::client::fork;
use crate::client::pipeline::logs::LogBatch;
use crate::client::pipeline::{Job, category};
use crate::client::prepare::Prepare;
use crate::envelope::{Envelope, Item};
use crate::protocol::DiscardReason;
use crate::ratelimit::DataCategory;
use crate::transport::{Transport, TransportFactory};

/// How often counts of losses and sessions are sent, when nothing else is.
const REPORT_DELAY: Duration = Duration::from_secs(30);

/// How long the worker naps before it sleeps until it is woken.
const NAPS: [Duration; 5] = [
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(4),
    Duration::from_millis(8),
    Duration::from_millis(16),
];

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// True on the SDK's own thread: what happens there is not captured.
pub(crate) fn is_sdk_thread() -> bool {
    IS_WORKER.try_with(Cell::get).unwrap_or(false)
}

/// The way from capture to transport.
pub(crate) struct Pipeline {
    prepare: Arc<Prepare>,
    factory: Arc<dyn TransportFactory>,
    first: Generation,
}

/// What belongs to one process; the child of a fork adds its own behind its parent's. A chain
/// and no lock, because a lock may be held by a thread that the child does not have.
struct Generation {
    shared: Arc<Shared>,
    next: OnceLock<Box<Self>>,
}

/// What the capturing threads and the worker share, in one process generation.
struct Shared {
    generation: u64,
    queue: Mutex<Queue>,
    changed: Condvar,
    transport: Arc<dyn Transport>,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<(Job, usize)>,
    bytes: usize,
    worker_waits: bool,
}

impl Pipeline {
    pub(crate) fn new(prepare: Prepare, factory: &Arc<dyn TransportFactory>) -> Self {
        let prepare = Arc::new(prepare);
        let first = Generation::start(&prepare, &**factory);
        Self {
            prepare,
            factory: Arc::clone(factory),
            first,
        }
    }

    fn shared(&self) -> &Shared {
        let now = fork::generation();
        let mut generation = &self.first;
        while generation.shared.generation != now {
            let start = || {
                // What the parent counted, the parent reports.
                drop(self.prepare.losses.take(self.prepare.now()));
                drop(self.prepare.sessions.take(&self.prepare.options));
                Box::new(Generation::start(&self.prepare, &*self.factory))
            };
            generation = generation.next.get_or_init(start);
        }
        &generation.shared
    }

    pub(crate) fn push(&self, job: Job) {
        self.shared().push(job, &self.prepare);
    }

    /// Makes the envelope at once and puts it where it survives the process, if there is such a
    /// place; else queues it.
    pub(crate) fn push_fatal(&self, draft: Draft) {
        let shared = self.shared();
        let category = category(&draft);
        let keep = || {
            IS_WORKER.with(|flag| flag.set(true));
            let envelope = self.prepare.envelope(draft)?;
            Some(if shared.transport.keep(&envelope) {
                Job::Poll
            } else {
                Job::Envelope(Box::new(envelope))
            })
        };
        // A panic inside a panic hook ends the process, and callbacks of the host may panic. On
        // a thread of their own they harm nobody.
        let kept = thread::scope(|threads| {
            let builder = thread::Builder::new().name("mini-sentry-fatal".to_owned());
            builder.spawn_scoped(threads, keep).ok()?.join().ok()
        });
        match kept {
            Some(Some(job)) => shared.push(job, &self.prepare),
            Some(None) => {}
            None => self
                .prepare
                .losses
                .record(category, DiscardReason::InternalSdkError, 1),
        }
    }

    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.shared().ask(timeout, &self.prepare, Job::Flush)
    }

    pub(crate) fn shutdown(&self, timeout: Duration) -> bool {
        let shared = self.shared();
        let done = shared.ask(timeout, &self.prepare, Job::Shutdown);
        shared.stopped.store(true, Ordering::Relaxed);
        shared.changed.notify_all();
        done
    }
}

impl Generation {
    fn start(prepare: &Arc<Prepare>, factory: &dyn TransportFactory) -> Self {
        let shared = Arc::new(Shared {
            generation: fork::generation(),
            queue: Mutex::default(),
            changed: Condvar::new(),
            transport: factory.create(&prepare.transport_options()),
            stopped: AtomicBool::new(false),
        });
        let worker = Worker {
            shared: Arc::clone(&shared),
            prepare: Arc::clone(prepare),
            logs: LogBatch::default(),
            naps: 0,
        };
        let spawned = thread::Builder::new()
            .name("mini-sentry".to_owned())
            .spawn(|| worker.run());
        // Without a thread nothing can be sent; what is captured is counted and dropped.
        shared.stopped.store(spawned.is_err(), Ordering::Relaxed);
        Self {
            shared,
            next: OnceLock::new(),
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job, prepare: &Prepare) {
        let weight = job.weight();
        let is_urgent = matches!(job, Job::Poll | Job::Flush(..) | Job::Shutdown(..));
        let mut dropped = Vec::new();
        let mut queue = self.queue();
        if self.stopped.load(Ordering::Relaxed) {
            drop(queue);
            lose(&job, prepare);
            return;
        }
        queue.bytes = queue.bytes.saturating_add(weight);
        queue.jobs.push_back((job, weight));
        while queue.bytes > prepare.options.max_queue_bytes {
            // Somebody waits for the jobs without a weight.
            let oldest = queue.jobs.iter().position(|(_, weight)| *weight > 0);
            let Some((oldest, weight)) = oldest.and_then(|at| queue.jobs.remove(at)) else {
                break;
            };
            queue.bytes = queue.bytes.saturating_sub(weight);
            dropped.push(oldest);
        }
        let wake = is_urgent || std::mem::take(&mut queue.worker_waits);
        drop(queue);
        if wake {
            self.changed.notify_one();
        }
        for job in &dropped {
            lose(job, prepare);
        }
    }

    fn ask(
        &self,
        timeout: Duration,
        prepare: &Prepare,
        job: impl FnOnce(Instant, SyncSender<bool>) -> Job,
    ) -> bool {
        if is_sdk_thread() || self.stopped.load(Ordering::Relaxed) {
            return false;
        }
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now);
        let (done, answer) = sync_channel(1);
        self.push(job(deadline, done), prepare);
        answer.recv_timeout(timeout).unwrap_or(false)
    }
}

fn lose(job: &Job, prepare: &Prepare) {
    match job {
        Job::Draft(draft) => {
            let (losses, reason) = (&prepare.losses, DiscardReason::QueueOverflow);
            losses.record(category(draft), reason, 1);
            losses.record(DataCategory::Span, reason, draft.span_count());
        }
        Job::Log(_) => {
            prepare
                .losses
                .record(DataCategory::LogItem, DiscardReason::QueueOverflow, 1)
        }
        Job::Envelope(envelope) => prepare
            .losses
            .record_envelope(envelope, DiscardReason::QueueOverflow),
        Job::Poll | Job::Flush(..) | Job::Shutdown(..) => {}
    }
}

/// The thread.
struct Worker {
    shared: Arc<Shared>,
    prepare: Arc<Prepare>,
    logs: LogBatch,
    /// Naps taken since the last job.
    naps: usize,
}

impl Worker {
    fn run(mut self) {
        IS_WORKER.with(|flag| flag.set(true));
        let mut next_poll = self.poll();
        let mut last_report = Instant::now();
        loop {
            let wait = self.next_wait(next_poll, last_report);
            match self.next_job(wait) {
                Some(Job::Shutdown(deadline, done)) => {
                    self.send_rest();
                    let left = deadline.saturating_duration_since(Instant::now());
                    let sent = guarded(|| self.shared.transport.shutdown(left)).unwrap_or(false);
                    let _ = done.send(sent);
                    return;
                }
                Some(job) => self.work_guarded(job),
                None if self.shared.stopped.load(Ordering::Relaxed) => {
                    guarded(|| self.shared.transport.shutdown(Duration::ZERO));
                    return;
                }
                None => {}
            }
            if self.logs.is_due(Instant::now()) {
                self.send_logs();
            }
            if last_report.elapsed() >= REPORT_DELAY {
                last_report = Instant::now();
                self.send_sessions();
                self.send_report();
            }
            if next_poll.is_some_and(|at| at <= Instant::now()) || self.is_idle() {
                next_poll = self.poll();
            }
        }
    }

    fn work_guarded(&mut self, job: Job) {
        let category = match &job {
            Job::Draft(draft) => Some(category(draft)),
            Job::Log(_) => Some(DataCategory::LogItem),
            Job::Envelope(envelope) => envelope.items.first().and_then(Item::category),
            Job::Poll | Job::Flush(..) | Job::Shutdown(..) => None,
        };
        if guarded(|| self.work(job)).is_none()
            && let Some(category) = category
        {
            self.prepare
                .losses
                .record(category, DiscardReason::InternalSdkError, 1);
        }
    }

    fn is_idle(&self) -> bool {
        self.shared.queue().jobs.is_empty()
    }

    fn poll(&self) -> Option<Instant> {
        let wait = guarded(|| self.shared.transport.poll()).flatten()?;
        Instant::now().checked_add(wait)
    }

    fn next_wait(&self, next_poll: Option<Instant>, last_report: Instant) -> Option<Duration> {
        let waits = self.prepare.losses.pending() > 0 || !self.prepare.sessions.is_empty();
        let report = waits
            .then(|| last_report.checked_add(REPORT_DELAY))
            .flatten();
        let next = [next_poll, self.logs.due(), report]
            .into_iter()
            .flatten()
            .min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// The next job, or `None` when the time is up or the pipeline was stopped.
    fn next_job(&mut self, wait: Option<Duration>) -> Option<Job> {
        let mut queue = self.shared.queue();
        if queue.jobs.is_empty() && !self.shared.stopped.load(Ordering::Relaxed) {
            // Waking a thread costs the one that captures more than the capture. So where there
            // was work a moment ago, the worker looks again by itself before it sleeps.
            let nap = NAPS.get(self.naps).copied();
            self.naps = self.naps.saturating_add(1);
            queue.worker_waits = nap.is_none();
            let wait = [nap, wait].into_iter().flatten().min();
            let changed = &self.shared.changed;
            queue = match wait {
                Some(wait) => {
                    changed
                        .wait_timeout(queue, wait)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
            queue.worker_waits = false;
        }
        let (job, weight) = queue.jobs.pop_front()?;
        queue.bytes = queue.bytes.saturating_sub(weight);
        drop(queue);
        self.naps = 0;
        Some(job)
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Draft(draft) => {
                if let Some(envelope) = self.prepare.envelope(draft) {
                    self.send(envelope);
                }
            }
            Job::Envelope(envelope) => self.send(self.prepare.seal(*envelope)),
            Job::Log(log) => {
                self.logs.push(*log, Instant::now());
                if self.logs.is_full() {
                    self.send_logs();
                }
            }
            Job::Poll => {
                self.shared.transport.poll();
            }
            Job::Flush(deadline, done) => {
                self.send_rest();
                let left = deadline.saturating_duration_since(Instant::now());
                let _ = done.send(self.shared.transport.flush(left));
            }
            Job::Shutdown(..) => {}
        }
    }

    /// Sends an envelope, and what was lost with it.
    fn send(&self, mut envelope: Envelope) {
        if let Some(report) = self.prepare.losses.take(self.prepare.now()) {
            envelope.add(report);
        }
        self.prepare.hand_over(envelope, &*self.shared.transport);
    }

    fn send_logs(&mut self) {
        if let Some(logs) = self.logs.take() {
            self.send(self.prepare.seal(Envelope::from(logs)));
        }
    }

    fn send_sessions(&self) {
        if let Some(sessions) = self.prepare.sessions.take(&self.prepare.options) {
            self.send(self.prepare.seal(Envelope::from(sessions)));
        }
    }

    fn send_report(&self) {
        if let Some(report) = self.prepare.losses.take(self.prepare.now()) {
            let envelope = self.prepare.seal(Envelope::from(report));
            self.prepare.hand_over(envelope, &*self.shared.transport);
        }
    }

    fn send_rest(&mut self) {
        self.send_logs();
        self.send_sessions();
        self.send_report();
    }
}
