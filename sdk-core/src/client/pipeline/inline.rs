//! Without threads: envelopes are made and handed over where they are captured.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::client::callback::guarded;
use crate::client::draft::Draft;
use crate::client::pipeline::{Job, category};
use crate::client::prepare::Prepare;
use crate::envelope::Envelope;
use crate::protocol::{DiscardReason, Items, Log};
use crate::transport::{Transport, TransportFactory};

/// Log lines that wait for company.
const MAX_LINES: usize = 100;

thread_local! {
    static IS_WORKING: Cell<bool> = const { Cell::new(false) };
}

/// True while the SDK does on this thread what a thread of its own would do elsewhere.
pub(crate) fn is_sdk_thread() -> bool {
    IS_WORKING.try_with(Cell::get).unwrap_or(false)
}

/// Does the SDK's own work; a panic in it is `None`.
fn work<R>(f: impl FnOnce() -> R) -> Option<R> {
    let before = IS_WORKING.try_with(|mark| mark.replace(true));
    let result = guarded(f);
    let _ = IS_WORKING.try_with(|mark| mark.set(before.unwrap_or(false)));
    result
}

/// The way from capture to transport.
pub(crate) struct Pipeline {
    prepare: Prepare,
    transport: Arc<dyn Transport>,
    logs: Mutex<Vec<Log>>,
}

impl Pipeline {
    pub(crate) fn new(prepare: Prepare, factory: &Arc<dyn TransportFactory>) -> Self {
        let transport = factory.create(&prepare.transport_options());
        Self {
            prepare,
            transport,
            logs: Mutex::default(),
        }
    }

    pub(crate) fn push(&self, job: Job) {
        match job {
            Job::Draft(draft) => {
                let category = category(&draft);
                match work(|| self.prepare.envelope(draft)) {
                    Some(Some(envelope)) => self.send(envelope),
                    Some(None) => {}
                    None => {
                        self.prepare
                            .losses
                            .record(category, DiscardReason::InternalSdkError, 1)
                    }
                }
            }
            Job::Envelope(envelope) => self.send(self.prepare.seal(*envelope)),
            Job::Log(log) => {
                let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
                logs.push(*log);
                let full = logs.len() >= MAX_LINES;
                drop(logs);
                if full {
                    self.send_logs();
                }
            }
        }
    }

    pub(crate) fn push_fatal(&self, draft: Draft) {
        self.push(Job::Draft(draft));
    }

    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.send_logs();
        if let Some(sessions) = self.prepare.sessions.take(&self.prepare.options) {
            self.send(self.prepare.seal(Envelope::from(sessions)));
        }
        if let Some(report) = self.prepare.losses.take(self.prepare.now()) {
            self.hand_over(self.prepare.seal(Envelope::from(report)));
        }
        work(|| self.transport.flush(timeout)).unwrap_or(false)
    }

    pub(crate) fn shutdown(&self, timeout: Duration) -> bool {
        self.flush(timeout);
        work(|| self.transport.shutdown(timeout)).unwrap_or(false)
    }

    fn send(&self, mut envelope: Envelope) {
        if let Some(report) = self.prepare.losses.take(self.prepare.now()) {
            envelope.add(report);
        }
        self.hand_over(envelope);
    }

    fn hand_over(&self, envelope: Envelope) {
        work(|| self.prepare.hand_over(envelope, &*self.transport));
    }

    fn send_logs(&self) {
        let lines = std::mem::take(&mut *self.logs.lock().unwrap_or_else(PoisonError::into_inner));
        if !lines.is_empty() {
            self.send(self.prepare.seal(Envelope::from(Items::from(lines))));
        }
    }
}
