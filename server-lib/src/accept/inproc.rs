//! Capture inside the server's own process: envelopes of an SDK go into accept without a network.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mini_sentry::envelope::Envelope;
use mini_sentry::losses::Losses;
use mini_sentry::protocol::{DiscardReason, EventId};
use mini_sentry::transport::{Transport, TransportFactory, TransportOptions};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::{Acceptor, OfferedItem, Refusal, RequestFacts, Sender};
use crate::model::ids::ProjectId;

/// Envelopes that wait; more are dropped and counted.
const MAX_WAITING: usize = 256;

/// Makes transports that end in this server.
#[derive(Clone)]
pub struct InProcess {
    acceptor: Arc<Acceptor>,
    project: ProjectId,
    runtime: Handle,
}

impl InProcess {
    /// Makes transports into a project; the work is done on the runtime.
    #[must_use]
    pub fn new(acceptor: Arc<Acceptor>, project: ProjectId, runtime: Handle) -> Self {
        Self {
            acceptor,
            project,
            runtime,
        }
    }

    /// Makes one transport, which counts what it cannot deliver.
    #[must_use]
    pub fn transport(&self, losses: Arc<Losses>) -> InProcessTransport {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        let pending = Arc::new(Pending::default());
        let worker = Worker {
            acceptor: Arc::clone(&self.acceptor),
            project: self.project,
            losses: Arc::clone(&losses),
            pending: Arc::clone(&pending),
        };
        self.runtime.spawn(worker.run(waiting));
        InProcessTransport {
            queue: Mutex::new(Some(queue)),
            pending,
            losses,
        }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess")
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

impl TransportFactory for InProcess {
    fn create(&self, options: &TransportOptions) -> Arc<dyn Transport> {
        Arc::new(self.transport(Arc::clone(&options.losses)))
    }
}

/// A transport that ends in this process.
pub struct InProcessTransport {
    queue: Mutex<Option<mpsc::Sender<Envelope>>>,
    pending: Arc<Pending>,
    losses: Arc<Losses>,
}

impl fmt::Debug for InProcessTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessTransport").finish_non_exhaustive()
    }
}

impl Transport for InProcessTransport {
    fn send(&self, envelope: Envelope) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        self.pending.add();
        let refused = match &*queue {
            Some(queue) => queue.try_send(envelope).err().map(|error| match error {
                mpsc::error::TrySendError::Full(envelope)
                | mpsc::error::TrySendError::Closed(envelope) => envelope,
            }),
            None => Some(envelope),
        };
        drop(queue);
        if let Some(envelope) = refused {
            self.losses
                .record_envelope(&envelope, DiscardReason::QueueOverflow);
            self.pending.done();
        }
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.pending.wait(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        let is_done = self.pending.wait(timeout);
        // The worker ends when the queue is gone, and counts what is left in it.
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = None;
        is_done
    }
}

/// Takes envelopes from the queue into accept.
struct Worker {
    acceptor: Arc<Acceptor>,
    project: ProjectId,
    losses: Arc<Losses>,
    pending: Arc<Pending>,
}

impl Worker {
    async fn run(self, mut waiting: mpsc::Receiver<Envelope>) {
        while let Some(envelope) = waiting.recv().await {
            // Kept for the count only; it is small, for payloads come as bytes.
            let contents = envelope.clone();
            if let Err(refusal) = self.deliver(envelope).await {
                tracing::debug!(
                    code = refusal.code(),
                    "an envelope of this process is refused"
                );
                let reason = match refusal {
                    Refusal::RateLimited(_) => DiscardReason::RatelimitBackoff,
                    _ => DiscardReason::SendError,
                };
                self.losses.record_envelope(&contents, reason);
            }
            self.pending.done();
        }
    }

    async fn deliver(&self, envelope: Envelope) -> Result<(), Refusal> {
        let sender: Sender = self.acceptor.admit_project(self.project)?;
        let facts = RequestFacts {
            received: self.acceptor.now(),
            sdk: sdk_of(&envelope),
            ..RequestFacts::default()
        };
        let event_id = envelope.event_id().unwrap_or(EventId::nil());
        let mut items = Vec::with_capacity(envelope.items.len());
        for item in envelope.items {
            let mut payload = Vec::new();
            item.payload
                .write_json(&mut payload)
                .map_err(|_| Refusal::Malformed {
                    code: "invalid_json",
                    detail: "an item cannot be written".to_owned(),
                })?;
            items.push(OfferedItem {
                header: item.header,
                payload: payload.into(),
            });
        }
        self.acceptor
            .receive_items(&sender, &facts, event_id, items)
            .await?;
        Ok(())
    }
}

fn sdk_of(envelope: &Envelope) -> Option<String> {
    let sdk = envelope.header.sdk.as_ref()?;
    let version = sdk.version.as_deref().unwrap_or("unknown");
    Some(format!("{}/{version}", sdk.name.as_deref()?))
}

/// How many envelopes are on their way.
#[derive(Debug, Default)]
struct Pending {
    count: Mutex<usize>,
    changed: Condvar,
}

impl Pending {
    fn add(&self) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_add(1);
    }

    fn done(&self) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_sub(1);
        self.changed.notify_all();
    }

    /// Waits until there are none; false when that takes too long.
    fn wait(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        while *count > 0 {
            let left = deadline.and_then(|end| end.checked_duration_since(Instant::now()));
            let Some(left) = left.filter(|left| !left.is_zero()) else {
                return false;
            };
            count = self
                .changed
                .wait_timeout(count, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }
}
