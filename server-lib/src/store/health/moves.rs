//! How an update changes a session, and with it the sums: each session is counted once, in the
//! minute when it began, and moved between states by updates.

use std::collections::BTreeMap;

use super::detail::Detail;
use crate::error::Error;
use crate::model::session::{Hang, SessionChange, SessionState, SessionTally};
use crate::model::time::Millis;

/// A session as its row has it; `P` says where it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known<P> {
    /// Where it is counted.
    pub place: P,
    /// The state that it told.
    pub told: SessionState,
    /// The number of that update.
    pub sequence: u64,
    /// The errors until then.
    pub errors: u64,
    /// Whether its beginning was told.
    pub begun: bool,
    /// A hash of who it was.
    pub user: Option<i64>,
    /// How long it took, when it told.
    pub duration_ms: Option<u64>,
    /// When it was last heard of.
    pub received: Millis,
}

impl<P> Known<P> {
    /// Returns as what it counts.
    #[must_use]
    pub fn shown(&self) -> SessionState {
        shown(self.told, self.errors)
    }

    /// Returns its length if it counts: that of a session which ended well.
    fn full_length(&self) -> Option<u64> {
        self.duration_ms
            .filter(|_| self.told == SessionState::Exited)
    }
}

/// Returns as what a session counts that told a state.
#[must_use]
pub fn shown(told: SessionState, errors: u64) -> SessionState {
    match told {
        SessionState::Ok | SessionState::Exited if errors > 0 => SessionState::Errored,
        told => told,
    }
}

/// What changes in the sums of a place; negative counts leave it.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// Sessions.
    pub total: i64,
    /// Those that had errors and survived.
    pub errored: i64,
    /// Those that ended neither well nor by a crash.
    pub abnormal: i64,
    /// Those that crashed.
    pub crashed: i64,
    /// Who had sessions that stand so.
    people: Vec<(i64, SessionState, Option<Hang>)>,
    /// Times to note.
    longer: Vec<u64>,
    /// Times to take back.
    shorter: Vec<u64>,
}

impl Moved {
    fn count(&mut self, state: SessionState, count: i64) {
        let sum = match state {
            SessionState::Errored => &mut self.errored,
            SessionState::Abnormal => &mut self.abnormal,
            SessionState::Crashed => &mut self.crashed,
            SessionState::Ok | SessionState::Exited => return,
        };
        *sum = sum.saturating_add(count);
    }

    fn begin(&mut self) {
        self.total = self.total.saturating_add(1);
    }

    /// Adds sessions that an SDK has added up.
    pub fn tally(&mut self, tally: &SessionTally) {
        for (state, count) in [
            (SessionState::Exited, tally.exited),
            (SessionState::Errored, tally.errored),
            (SessionState::Abnormal, tally.abnormal),
            (SessionState::Crashed, tally.crashed),
        ] {
            let counted = i64::try_from(count).unwrap_or(i64::MAX);
            self.total = self.total.saturating_add(counted);
            self.count(state, counted);
            if let Some(user) = tally.user.filter(|_| count > 0) {
                self.people.push((user, state, None));
            }
        }
    }

    /// Takes a session out of the sums. Its person is in no set by name of the session, and stays.
    pub fn erase<P>(&mut self, known: &Known<P>) {
        self.count(known.shown(), -1);
        self.total = self.total.saturating_sub(i64::from(known.begun));
        self.shorter.extend(known.full_length());
    }

    /// Adds what changes otherwise.
    pub fn add(&mut self, other: Self) {
        for (sum, more) in [
            (&mut self.total, other.total),
            (&mut self.errored, other.errored),
            (&mut self.abnormal, other.abnormal),
            (&mut self.crashed, other.crashed),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.people.extend(other.people);
        self.longer.extend(other.longer);
        self.shorter.extend(other.shorter);
    }

    /// Reports whether it changes people or times, besides counts.
    #[must_use]
    pub fn has_detail(&self) -> bool {
        !(self.people.is_empty() && self.longer.is_empty() && self.shorter.is_empty())
    }

    /// Changes people and times.
    pub fn apply(&self, detail: &mut Detail) {
        for (user, state, hang) in &self.people {
            detail.note(*user, *state, *hang);
        }
        for ms in &self.longer {
            detail.durations().insert(*ms);
        }
        for ms in &self.shorter {
            detail.durations().remove(*ms);
        }
    }
}

/// Takes an update: notes what moves, and returns how the session stands when that is different.
/// An update that is not after the last one, or that follows an end, changes nothing but that the
/// session has begun, where it tells that.
///
/// # Errors
///
/// What `place` says, which is asked where a new session is counted.
pub fn turn<P: Clone + Ord>(
    known: Option<&Known<P>>,
    change: &SessionChange,
    place: impl FnOnce() -> Result<P, Error>,
    moved: &mut BTreeMap<P, Moved>,
) -> Result<Option<Known<P>>, Error> {
    let was_begun = known.is_some_and(|known| known.begun);
    let begins = change.begins && !was_begun;
    // An errored session had an error, whatever the count says.
    let least = u64::from(change.state == SessionState::Errored);
    let mut errors = change.errors.max(least);
    let place = match known {
        Some(known) if known.told.is_final() || change.sequence <= known.sequence => {
            if !begins {
                return Ok(None);
            }
            moved.entry(known.place.clone()).or_default().begin();
            return Ok(Some(Known {
                begun: true,
                ..known.clone()
            }));
        }
        Some(known) => {
            errors = errors.max(known.errors);
            let left = moved.entry(known.place.clone()).or_default();
            left.count(known.shown(), -1);
            known.place.clone()
        }
        None => place()?,
    };
    let now = Known {
        place: place.clone(),
        told: change.state,
        sequence: change.sequence,
        errors,
        begun: was_begun || begins,
        // What an update leaves out is as it was.
        user: change.user.or(known.and_then(|known| known.user)),
        duration_ms: change
            .duration_ms
            .or(known.and_then(|known| known.duration_ms)),
        received: change.received,
    };
    let entered = moved.entry(place).or_default();
    entered.count(now.shown(), 1);
    if begins {
        entered.begin();
    }
    if let Some(user) = now.user {
        entered.people.push((user, now.shown(), change.hang));
    }
    entered.longer.extend(now.full_length());
    Ok(Some(now))
}
