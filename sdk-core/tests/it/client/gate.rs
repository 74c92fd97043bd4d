//! A transport that holds every envelope until its gate is opened.

use std::sync::{Arc, Condvar, Mutex};

use mini_sentry::envelope::Envelope;
use mini_sentry::test::TestTransport;
use mini_sentry::transport::Transport;

use super::stage::PATIENCE;

#[derive(Default)]
struct State {
    is_open: bool,
    arrived: usize,
}

#[derive(Clone, Default)]
pub(super) struct Gate {
    state: Arc<(Mutex<State>, Condvar)>,
    kept: TestTransport,
}

impl Gate {
    pub(super) fn open(&self) {
        self.state.0.lock().unwrap().is_open = true;
        self.state.1.notify_all();
    }

    /// Waits until so many envelopes have come to the gate.
    pub(super) fn wait_for_arrivals(&self, count: usize) {
        let state = self.state.0.lock().unwrap();
        let waited = self
            .state
            .1
            .wait_timeout_while(state, PATIENCE, |s| s.arrived < count);
        assert!(
            !waited.unwrap().1.timed_out(),
            "fewer than {count} envelopes came"
        );
    }

    /// What went through.
    pub(super) fn take(&self) -> Vec<Envelope> {
        self.kept.take()
    }
}

impl Transport for Gate {
    fn send(&self, envelope: Envelope) {
        let mut state = self.state.0.lock().unwrap();
        state.arrived += 1;
        self.state.1.notify_all();
        drop(
            self.state
                .1
                .wait_while(state, |state| !state.is_open)
                .unwrap(),
        );
        self.kept.send(envelope);
    }
}
