//! Release health: sessions of the program, or of its requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::instance::Client;
use crate::client::options::ClientOptions;
use crate::client::random;
use crate::client::scope::Scope;
use crate::protocol::{
    Event, EventId, Level, SessionAggregate, SessionAggregates, SessionAttributes, SessionStatus,
    SessionUpdate, Timestamp,
};

/// What a session is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionMode {
    /// One run of the program.
    #[default]
    Application,
    /// One request; counted by minute, since there are many.
    Request,
}

/// What an event means for the session it happens in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Fine,
    Errored,
    Crashed,
}

impl Outcome {
    pub(crate) fn of_event(event: &Event) -> Self {
        let unhandled = event.exception.iter().any(|exception| {
            exception
                .mechanism
                .as_ref()
                .is_some_and(|mechanism| mechanism.handled == Some(false))
        });
        if unhandled {
            Self::Crashed
        } else if !event.exception.is_empty()
            || event.level.is_some_and(|level| level >= Level::Error)
        {
            Self::Errored
        } else {
            Self::Fine
        }
    }
}

/// A running session, shared by the scopes it covers.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    id: EventId,
    user: Option<String>,
    started: Timestamp,
    status: SessionStatus,
    errors: u64,
    seq: u64,
    mode: SessionMode,
    ended: bool,
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }
}

impl Session {
    /// Starts a session, and says so when it is one of the program.
    pub(crate) fn start(client: &Client, user: Option<&str>) -> Option<Self> {
        let options = client.options();
        if !client.is_enabled() || options.release.is_none() {
            return None;
        }
        let state = State {
            id: random::event_id(),
            user: user.map(str::to_owned),
            started: client.now(),
            status: SessionStatus::Ok,
            errors: 0,
            seq: 0,
            mode: options.session_mode,
            ended: false,
        };
        let session = Self {
            state: Arc::new(Mutex::new(state)),
        };
        session.state().send(client);
        Some(session)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self, outcome: Outcome, client: &Client) {
        if outcome == Outcome::Fine {
            return;
        }
        let mut state = self.state();
        if state.ended {
            return;
        }
        state.errors = state.errors.saturating_add(1);
        let crashed = outcome == Outcome::Crashed && state.status != SessionStatus::Crashed;
        if crashed {
            state.status = SessionStatus::Crashed;
        }
        // Later errors change only the count, which the end of the session tells.
        if state.errors == 1 || crashed {
            state.send(client);
        }
    }

    /// Ends the session; a crash stays a crash.
    pub(crate) fn end(&self, client: &Client, status: SessionStatus) {
        let mut state = self.state();
        if std::mem::replace(&mut state.ended, true) {
            return;
        }
        if state.status == SessionStatus::Ok {
            state.status = status;
        }
        match state.mode {
            SessionMode::Application => state.send(client),
            SessionMode::Request => client.sessions().count(&state),
        }
    }
}

impl State {
    fn send(&mut self, client: &Client) {
        if self.mode == SessionMode::Request {
            return;
        }
        let now = client.now();
        let update = SessionUpdate {
            sid: Some(self.id),
            did: self.user.clone(),
            init: (self.seq == 0).then_some(true),
            seq: Some(self.seq),
            started: Some(self.started),
            timestamp: Some(now),
            duration: self.ended.then(|| now.since(self.started).as_secs_f64()),
            status: Some(self.status.clone()),
            errors: Some(self.errors),
            attrs: Some(attributes(client.options())),
            ..SessionUpdate::default()
        };
        self.seq = self.seq.saturating_add(1);
        client.send_envelope(update);
    }
}

fn attributes(options: &ClientOptions) -> SessionAttributes {
    SessionAttributes {
        release: options.release.as_ref().map(ToString::to_string),
        environment: options.environment.as_ref().map(ToString::to_string),
        ..SessionAttributes::default()
    }
}

/// Tells the session of a scope what happened in it.
pub(crate) fn observe(scope: Option<&Scope>, outcome: Outcome, client: &Client) {
    if let Some(session) = scope.and_then(|scope| scope.session.as_ref()) {
        session.observe(outcome, client);
    }
}

/// Ended sessions of requests, counted by minute and user.
#[derive(Debug, Default)]
pub(crate) struct SessionCounts {
    minutes: Mutex<BTreeMap<(Timestamp, Option<String>), SessionAggregate>>,
}

/// Counters kept at once; beyond them, users are no longer told apart.
const MAX_COUNTERS: usize = 1_000;
const NANOS_PER_MINUTE: i64 = 60_000_000_000;

impl SessionCounts {
    fn count(&self, state: &State) {
        let nanos = state.started.as_nanos();
        let minute =
            Timestamp::from_nanos(nanos.saturating_sub(nanos.rem_euclid(NANOS_PER_MINUTE)));
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let user = state.user.clone().filter(|_| minutes.len() < MAX_COUNTERS);
        let entry = minutes
            .entry((minute, user.clone()))
            .or_insert_with(|| SessionAggregate {
                started: Some(minute),
                did: user,
                ..SessionAggregate::default()
            });
        let counter = match state.status {
            SessionStatus::Crashed => &mut entry.crashed,
            SessionStatus::Abnormal => &mut entry.abnormal,
            _ if state.errors > 0 => &mut entry.errored,
            _ => &mut entry.exited,
        };
        *counter = Some(counter.unwrap_or_default().saturating_add(1));
    }

    /// Takes what was counted, as it is sent.
    pub(crate) fn take(&self, options: &ClientOptions) -> Option<SessionAggregates> {
        let minutes =
            std::mem::take(&mut *self.minutes.lock().unwrap_or_else(PoisonError::into_inner));
        if minutes.is_empty() {
            return None;
        }
        Some(SessionAggregates {
            aggregates: minutes.into_values().collect(),
            attrs: Some(attributes(options)),
            ..SessionAggregates::default()
        })
    }

    #[cfg(feature = "worker")]
    pub(crate) fn is_empty(&self) -> bool {
        self.minutes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }
}
