//! Who had sessions and how long these took, as a row of sums keeps it.

use super::durations::Durations;
use super::numbers;
use crate::model::session::{Hang, SessionState};
use crate::store::index::people::{People, number};

/// The form of the bytes.
const FORM: u8 = 1;
/// Sets of people.
const SETS: usize = 6;

/// Who had sessions, who had trouble, and how long sessions took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// The sets, in the order of [`Set`].
    people: [People; SETS],
    /// Of sessions that ended well.
    durations: Durations,
}

/// A set of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// Everybody who had a session.
    All,
    /// Those who had one with errors, however it ended.
    Troubled,
    /// Those who had one that ended neither well nor by a crash.
    Abnormal,
    /// Those who had one that crashed.
    Crashed,
    /// Those who had one that hung.
    Hung,
    /// Those who had one that hung while they looked at it.
    HungInFront,
}

/// How many different people there are. Somebody who had several sessions is in each sum that one
/// of them belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeopleTotals {
    /// Everybody who had a session.
    pub total: u64,
    /// Those who had no trouble at all.
    pub healthy: u64,
    /// Those who had errors, and neither a crash nor an odd end.
    pub errored: u64,
    /// Those who had a session that ended neither well nor by a crash.
    pub abnormal: u64,
    /// Those who had a crash.
    pub crashed: u64,
    /// Those for whom the program hung.
    pub hung: u64,
    /// Those for whom it hung while they looked at it.
    pub hung_in_front: u64,
    /// Whether the numbers are counts; otherwise they are estimates.
    pub is_exact: bool,
}

impl Detail {
    /// Notes somebody who had a session that stands so.
    pub fn note(&mut self, user: i64, state: SessionState, hang: Option<Hang>) {
        let user = number(user);
        self.set(Set::All).insert(user);
        let set = match state {
            SessionState::Ok | SessionState::Exited => return,
            SessionState::Errored => None,
            SessionState::Abnormal => Some(Set::Abnormal),
            SessionState::Crashed => Some(Set::Crashed),
        };
        self.set(Set::Troubled).insert(user);
        if let Some(set) = set {
            self.set(set).insert(user);
        }
        if let Some(hang) = hang {
            self.set(Set::Hung).insert(user);
            if hang == Hang::InFront {
                self.set(Set::HungInFront).insert(user);
            }
        }
    }

    /// Returns how long sessions took.
    pub fn durations(&mut self) -> &mut Durations {
        &mut self.durations
    }

    /// Adds the people and times of another one.
    pub fn add(&mut self, other: &Self) {
        for (own, other) in self.people.iter_mut().zip(&other.people) {
            own.add(other);
        }
        self.durations.add(&other.durations);
    }

    /// Forgets somebody; true when something was to forget. Where people are only estimated, no one
    /// of them is known, and nothing changes.
    pub fn forget(&mut self, user: i64) -> bool {
        let user = number(user);
        let mut is_changed = false;
        for set in &mut self.people {
            is_changed |= set.remove(user);
        }
        is_changed
    }

    /// Reports whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.iter().all(People::is_empty) && self.durations.is_empty()
    }

    /// Returns about how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let people = self.people.iter().map(People::size);
        people.fold(self.durations.size(), usize::saturating_add)
    }

    /// Returns the sums of people.
    #[must_use]
    pub fn people(&self) -> PeopleTotals {
        let [all, troubled, abnormal, crashed, hung, hung_in_front] = &self.people;
        let mut ended = crashed.clone();
        ended.add(abnormal);
        let total = all.count();
        let in_trouble = troubled.count();
        PeopleTotals {
            total,
            healthy: total.saturating_sub(in_trouble),
            errored: in_trouble.saturating_sub(ended.count()),
            abnormal: abnormal.count(),
            crashed: crashed.count(),
            hung: hung.count(),
            hung_in_front: hung_in_front.count(),
            is_exact: all.is_exact(),
        }
    }

    /// Returns the sums of times.
    #[must_use]
    pub fn duration_totals(&self) -> Option<super::DurationTotals> {
        self.durations.totals()
    }

    /// Returns it as databases keep it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORM];
        for set in &self.people {
            let set = if set.is_empty() {
                Vec::new()
            } else {
                set.to_bytes()
            };
            numbers::write(&mut bytes, set.len() as u64);
            bytes.extend_from_slice(&set);
        }
        if !self.durations.is_empty() {
            self.durations.write(&mut bytes);
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (form, mut bytes) = bytes.split_first()?;
        if *form != FORM {
            return None;
        }
        let mut read = Self::default();
        for set in &mut read.people {
            let length = usize::try_from(numbers::read(&mut bytes)?).ok()?;
            let (of_set, rest) = bytes.split_at_checked(length)?;
            *set = People::from_bytes(of_set);
            bytes = rest;
        }
        if !bytes.is_empty() {
            read.durations = Durations::read(bytes)?;
        }
        Some(read)
    }

    fn set(&mut self, set: Set) -> &mut People {
        let [all, troubled, abnormal, crashed, hung, hung_in_front] = &mut self.people;
        match set {
            Set::All => all,
            Set::Troubled => troubled,
            Set::Abnormal => abnormal,
            Set::Crashed => crashed,
            Set::Hung => hung,
            Set::HungInFront => hung_in_front,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(people: std::ops::Range<i64>, state: SessionState) -> Detail {
        let mut detail = Detail::default();
        people.for_each(|user| detail.note(user, state, None));
        detail
    }

    #[test]
    fn somebody_is_counted_once_and_by_the_worst_that_happened() {
        let mut detail = noted(0..10, SessionState::Exited);
        detail.add(&noted(0..4, SessionState::Errored));
        detail.add(&noted(0..1, SessionState::Crashed));
        detail.note(1, SessionState::Abnormal, Some(Hang::InFront));
        detail.note(2, SessionState::Abnormal, Some(Hang::Behind));
        let people = detail.people();
        assert_eq!((people.total, people.healthy, people.errored), (10, 6, 1));
        assert_eq!((people.abnormal, people.crashed), (2, 1));
        assert_eq!((people.hung, people.hung_in_front), (2, 1));
        assert!(people.is_exact);
    }

    #[test]
    fn it_comes_back_as_it_went_and_nothing_else_is_read() {
        let mut detail = noted(0..3000, SessionState::Exited);
        detail.note(7, SessionState::Crashed, None);
        detail.durations().insert(1234);
        for detail in [
            detail,
            Detail::default(),
            noted(0..3, SessionState::Errored),
        ] {
            assert_eq!(Detail::from_bytes(&detail.to_bytes()), Some(detail));
        }
        for other in [&b""[..], &[2], &[1, 9, 0], &[1, 0, 0, 0, 0, 0, 0, 0x80]] {
            assert_eq!(Detail::from_bytes(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_forgotten_person_is_in_no_sum() {
        let mut detail = noted(0..10, SessionState::Crashed);
        assert!(detail.forget(3));
        assert!(!detail.forget(3));
        assert_eq!((detail.people().total, detail.people().crashed), (9, 9));
        let many = noted(0..1000, SessionState::Exited);
        let mut less = many.clone();
        assert!(!less.forget(3));
        assert_eq!(less, many);
    }
}
