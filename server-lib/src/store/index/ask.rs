//! Decides which events a question means, partition by partition, from sets that a backend reads.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use roaring::RoaringBitmap;

use super::key;
use crate::model::ids::{GroupId, ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::query::{EventPredicate, Expr, TagTest, TextPattern};

/// Values of one tag that a pattern may mean.
pub const MAX_PATTERN_VALUES: usize = 2_000;
/// Groups that full text may mean in a question for events.
pub const MAX_TEXT_GROUPS: usize = 500;

/// A question for events in the terms of the index.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Whose events.
    projects: Vec<u64>,
    /// Which of them, by the numbers of things of which they need any.
    filter: Expr<Vec<u64>>,
    /// The hours in which they may have happened.
    hours: Option<RangeInclusive<i64>>,
}

/// What a backend finds out before a question can be put in the terms of the index.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The groups of issues that the question names, and of texts, in the order of the conditions.
    pub groups: Vec<Vec<GroupId>>,
    /// The values that fit patterns, in the order of the conditions, by project.
    pub values: Vec<Vec<(ProjectId, String)>>,
}

/// Returns the sets of events that were read, by the numbers of things.
pub type Sets = HashMap<u64, RoaringBitmap>;

/// Returns the conditions of which the groups have to be known.
pub fn unknown_groups(filter: &Expr<EventPredicate>) -> Vec<&EventPredicate> {
    let mut found = Vec::new();
    filter.each(&mut |predicate| {
        if matches!(
            predicate,
            EventPredicate::Issue(_) | EventPredicate::GroupText(_)
        ) {
            found.push(predicate);
        }
    });
    found
}

/// Returns the patterns of which the values have to be known.
pub fn unknown_values(filter: &Expr<EventPredicate>) -> Vec<(&str, &TextPattern)> {
    let mut found = Vec::new();
    filter.each(&mut |predicate| {
        if let EventPredicate::Tag(name, TagTest::Value(pattern @ TextPattern::Like(_))) = predicate
        {
            found.push((name.as_str(), pattern));
        }
    });
    found
}

impl Plan {
    /// Puts a question in the terms of the index.
    #[must_use]
    pub fn new(
        projects: &[ProjectId],
        filter: &Expr<EventPredicate>,
        times: Option<&RangeInclusive<Millis>>,
        known: Known,
    ) -> Self {
        let mut groups = known.groups.into_iter();
        let mut values = known.values.into_iter();
        let hour = |at: &Millis| at.minute().div_euclid(60);
        Self {
            projects: projects.iter().copied().map(key::project).collect(),
            filter: translate(filter, &mut |predicate| match predicate {
                EventPredicate::Tag(name, TagTest::Present) => projects
                    .iter()
                    .map(|project| key::present(*project, name))
                    .collect(),
                EventPredicate::Tag(name, TagTest::Value(TextPattern::Equals(value))) => projects
                    .iter()
                    .map(|project| key::tag_of(*project, name, value))
                    .collect(),
                EventPredicate::Tag(name, TagTest::Value(TextPattern::Like(_))) => {
                    let values = values.next().unwrap_or_default().into_iter();
                    values
                        .map(|(project, value)| key::tag_of(project, name, &value))
                        .collect()
                }
                EventPredicate::Issue(_) | EventPredicate::GroupText(_) => {
                    let groups = groups.next().unwrap_or_default().into_iter();
                    groups.map(key::group).collect()
                }
            }),
            hours: times.map(|times| hour(times.start())..=hour(times.end())),
        }
    }

    /// Returns the numbers of all things of which the sets are needed.
    #[must_use]
    pub fn needs(&self) -> BTreeSet<u64> {
        let mut needs: BTreeSet<u64> = self.projects.iter().copied().collect();
        self.filter.each(&mut |numbers| needs.extend(numbers));
        needs
    }

    /// Returns the hours of which the sets are needed.
    #[must_use]
    pub fn hours(&self) -> Option<RangeInclusive<i64>> {
        self.hours.clone()
    }

    /// Returns the events of a partition that are meant, of those that happened in the hours asked
    /// for: `within`, where times were asked for.
    #[must_use]
    pub fn decide(&self, sets: &Sets, within: Option<&RoaringBitmap>) -> RoaringBitmap {
        let mut all = union(&self.projects, sets);
        if let Some(within) = within {
            all &= within;
        }
        evaluate(&self.filter, sets, &all)
    }
}

/// Returns the place of an event from its offset in a partition.
#[must_use]
pub fn place(base: Seq, offset: u32) -> Seq {
    base.plus(u64::from(offset))
}

fn translate<P>(filter: &Expr<P>, number: &mut impl FnMut(&P) -> Vec<u64>) -> Expr<Vec<u64>> {
    match filter {
        Expr::All(parts) => Expr::All(parts.iter().map(|part| translate(part, number)).collect()),
        Expr::Any(parts) => Expr::Any(parts.iter().map(|part| translate(part, number)).collect()),
        Expr::Not(part) => Expr::Not(Box::new(translate(part, number))),
        Expr::Is(predicate) => Expr::Is(number(predicate)),
    }
}

/// Returns those of `among` that the filter means.
fn evaluate(filter: &Expr<Vec<u64>>, sets: &Sets, among: &RoaringBitmap) -> RoaringBitmap {
    match filter {
        Expr::All(parts) => {
            let mut left = among.clone();
            for part in parts {
                if left.is_empty() {
                    break;
                }
                left = evaluate(part, sets, &left);
            }
            left
        }
        Expr::Any(parts) => {
            let mut found = RoaringBitmap::new();
            for part in parts {
                found |= evaluate(part, sets, among);
            }
            found
        }
        Expr::Not(part) => among - evaluate(part, sets, among),
        Expr::Is(numbers) => match numbers.as_slice() {
            [one] => sets.get(one).map(|set| set & among).unwrap_or_default(),
            many => union(many, sets) & among,
        },
    }
}

fn union(numbers: &[u64], sets: &Sets) -> RoaringBitmap {
    let mut all = RoaringBitmap::new();
    for set in numbers.iter().filter_map(|number| sets.get(number)) {
        all |= set;
    }
    all
}
