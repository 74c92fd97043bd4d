//! What a change of grouping would do, tried on events without storing anything.

use std::collections::{BTreeMap, BTreeSet};

use super::GroupKey;
use super::grouper::Grouper;
use super::subject::Subject;

/// Pairs of keys that are kept: enough for any project that people look at, and a few megabytes.
const MAX_PAIRS: usize = 100_000;
/// Issues that are named of those that would split or merge.
const MAX_EXAMPLES: usize = 20;

/// Tries a change on one event after another.
#[derive(Clone, Debug)]
pub struct Trial<'g> {
    old: &'g Grouper,
    new: &'g Grouper,
    events: u64,
    left_out: u64,
    by_old: BTreeMap<GroupKey, BTreeSet<GroupKey>>,
    by_new: BTreeMap<GroupKey, BTreeSet<GroupKey>>,
    pairs: usize,
}

/// What a change would do to the issues of the events that it was tried on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// Events that were looked at.
    pub events: u64,
    /// Events that were not, because there were too many issues.
    pub left_out: u64,
    /// Issues as they are.
    pub old_issues: usize,
    /// Issues as they would be.
    pub new_issues: usize,
    /// Issues whose events would be in several.
    pub split: usize,
    /// Issues that would have events of several.
    pub merged: usize,
    /// Keys of some issues that would split, with the number of parts.
    pub split_examples: Vec<(GroupKey, usize)>,
    /// New keys of some issues that would be made of several, with the old keys.
    pub merged_examples: Vec<(GroupKey, Vec<GroupKey>)>,
}

impl<'g> Trial<'g> {
    /// Begins to try `new` in the place of `old`.
    #[must_use]
    pub fn new(old: &'g Grouper, new: &'g Grouper) -> Self {
        Self {
            old,
            new,
            events: 0,
            left_out: 0,
            by_old: BTreeMap::new(),
            by_new: BTreeMap::new(),
            pairs: 0,
        }
    }

    /// Groups an event in both ways.
    pub fn add(&mut self, subject: &Subject<'_>) {
        let old = self.old.group(subject).key;
        let new = self.new.group(subject).key;
        let is_known = self.by_old.get(&old).is_some_and(|set| set.contains(&new));
        if !is_known {
            if self.pairs >= MAX_PAIRS {
                self.left_out = self.left_out.saturating_add(1);
                return;
            }
            self.pairs = self.pairs.saturating_add(1);
            self.by_old.entry(old).or_default().insert(new);
            self.by_new.entry(new).or_default().insert(old);
        }
        self.events = self.events.saturating_add(1);
    }

    /// Tells what it came to.
    #[must_use]
    pub fn finish(&self) -> Comparison {
        let split = self.by_old.iter().filter(|(_, new)| new.len() > 1);
        let merged = self.by_new.iter().filter(|(_, old)| old.len() > 1);
        Comparison {
            events: self.events,
            left_out: self.left_out,
            old_issues: self.by_old.len(),
            new_issues: self.by_new.len(),
            split: split.clone().count(),
            merged: merged.clone().count(),
            split_examples: split
                .take(MAX_EXAMPLES)
                .map(|(old, new)| (*old, new.len()))
                .collect(),
            merged_examples: merged
                .take(MAX_EXAMPLES)
                .map(|(new, old)| (*new, old.iter().copied().take(MAX_EXAMPLES).collect()))
                .collect(),
        }
    }
}

/// Tries `new` in the place of `old` on events.
///
/// ```
/// use mini_sentry::grouping::{FingerprintRules, Grouper, Subject, compare};
/// use mini_sentry::protocol::{Event, Level};
/// let events: Vec<_> = ["cart is empty", "cart is gone", "disk is full"]
///     .map(|text| Event::from_message(text, Level::Error))
///     .into();
/// let rules = FingerprintRules::parse("message:cart* -> cart").unwrap();
/// let (old, new) = (Grouper::default(), Grouper::default().fingerprint_rules(rules));
/// let found = compare(&old, &new, events.iter().map(Subject::of_event));
/// assert_eq!((found.old_issues, found.new_issues), (3, 2));
/// assert_eq!((found.split, found.merged), (0, 1));
/// ```
#[must_use]
pub fn compare<'a>(
    old: &Grouper,
    new: &Grouper,
    events: impl IntoIterator<Item = Subject<'a>>,
) -> Comparison {
    let mut trial = Trial::new(old, new);
    for subject in events {
        trial.add(&subject);
    }
    trial.finish()
}
