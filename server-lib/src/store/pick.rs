//! Picks issues by conditions: some are looked up as sets of issues, the rest is decided by each
//! issue's row.

use roaring::RoaringBitmap;

use super::query::{Expr, IssueCursor, IssueOrder, IssuePredicate, IssueQuery, TextPattern};
use crate::model::ids::IssueId;
use crate::model::issue::{Issue, IssueStatus};

/// Issues that one call looks at closely.
pub(super) const MAX_ROWS: usize = 4_000;
/// Issues that one call passes over by their numbers alone.
pub(super) const MAX_PASSED: usize = 50_000;
/// Candidates up to so many are fetched and sorted; more are walked over in their order.
pub(super) const MAX_SORTED: u64 = 300;

/// A condition that is looked up or decided.
#[derive(Clone, Debug, PartialEq)]
enum Leaf<'a> {
    /// By the row.
    Row(&'a IssuePredicate),
    /// By the set of this number.
    Set(usize),
}

/// A question whose sets are to be looked up.
#[derive(Debug)]
pub(super) struct Picker<'a> {
    filter: Expr<Leaf<'a>>,
    lookups: Vec<&'a IssuePredicate>,
}

impl<'a> Picker<'a> {
    /// Takes a question apart.
    pub(super) fn new(query: &'a IssueQuery) -> Self {
        let mut lookups = Vec::new();
        let filter = translate(&query.filter, &mut lookups);
        Self { filter, lookups }
    }

    /// Returns the conditions of which the backend looks the issues up, in order.
    pub(super) fn lookups(&self) -> &[&'a IssuePredicate] {
        &self.lookups
    }

    /// Returns the issues that the looked up conditions leave; `None` when they leave all.
    pub(super) fn candidates(&self, sets: &[RoaringBitmap]) -> Option<RoaringBitmap> {
        let mut left: Option<RoaringBitmap> = None;
        for part in self.filter.required() {
            let (set, is_negated) = match part {
                Expr::Is(Leaf::Set(place)) => (sets.get(*place), false),
                Expr::Not(inner) => match inner.as_ref() {
                    Expr::Is(Leaf::Set(place)) => (sets.get(*place), true),
                    _ => continue,
                },
                _ => continue,
            };
            let Some(set) = set else { continue };
            left = match (left, is_negated) {
                (Some(left), false) => Some(left & set),
                (Some(left), true) => Some(left - set),
                (None, false) => Some(set.clone()),
                (None, true) => None,
            };
        }
        left
    }

    /// Returns the statuses that are asked for.
    pub(super) fn statuses(&self) -> Vec<IssueStatus> {
        let mut left = IssueStatus::ALL.to_vec();
        for part in self.filter.required() {
            let mut wanted = Vec::new();
            if collect_statuses(part, &mut wanted) {
                left.retain(|status| wanted.contains(status));
            }
        }
        left
    }

    /// Reports whether an issue is meant.
    pub(super) fn picks(&self, issue: &Issue, sets: &[RoaringBitmap]) -> bool {
        let id = u32::try_from(issue.id.0).unwrap_or(u32::MAX);
        self.filter.holds(&mut |leaf| match leaf {
            Leaf::Set(place) => sets.get(*place).is_some_and(|set| set.contains(id)),
            Leaf::Row(predicate) => holds(predicate, issue),
        })
    }
}

/// Returns what an issue is ordered by.
pub(super) fn value(order: IssueOrder, issue: &Issue) -> i64 {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    match order {
        IssueOrder::LastSeen => issue.last_seen.0,
        IssueOrder::FirstSeen => issue.first_seen.0,
        IssueOrder::Events => count(issue.events),
        IssueOrder::Users => count(issue.affected.users),
        IssueOrder::Priority => priority_value(i64::from(issue.priority.code()), issue.last_seen.0),
    }
}

/// Bits of the time below a priority.
const TIME_BITS: u32 = 48;

/// Puts priority and time into one number.
pub(super) fn priority_value(priority: i64, last_seen: i64) -> i64 {
    let time = last_seen.clamp(0, (1 << TIME_BITS) - 1);
    priority.checked_shl(TIME_BITS).unwrap_or(0) | time
}

/// Takes priority and time apart.
pub(super) fn split_priority(value: i64) -> (i64, i64) {
    (value >> TIME_BITS, value & ((1 << TIME_BITS) - 1))
}

/// Reports whether a place in the order lies behind the cursor.
pub(super) fn is_behind(cursor: Option<IssueCursor>, value: i64, id: IssueId) -> bool {
    cursor.is_none_or(|cursor| (value, id) < (cursor.value, cursor.id))
}

fn translate<'a>(
    filter: &'a Expr<IssuePredicate>,
    lookups: &mut Vec<&'a IssuePredicate>,
) -> Expr<Leaf<'a>> {
    let mut parts = |parts: &'a [Expr<IssuePredicate>]| {
        let parts = parts.iter().map(|part| translate(part, lookups));
        parts.collect()
    };
    match filter {
        Expr::All(all) => Expr::All(parts(all)),
        Expr::Any(any) => Expr::Any(parts(any)),
        Expr::Not(part) => Expr::Not(Box::new(translate(part, lookups))),
        Expr::Is(predicate) if is_looked_up(predicate) => {
            lookups.push(predicate);
            Expr::Is(Leaf::Set(lookups.len().saturating_sub(1)))
        }
        Expr::Is(predicate) => Expr::Is(Leaf::Row(predicate)),
    }
}

fn is_looked_up(predicate: &IssuePredicate) -> bool {
    use IssuePredicate as Is;
    matches!(
        predicate,
        Is::Id(_)
            | Is::Number(_)
            | Is::IsAssigned
            | Is::AssignedTo(_)
            | Is::BookmarkedBy(_)
            | Is::SubscribedBy(_)
            | Is::FirstRelease(TextPattern::Equals(_))
            | Is::LastRelease(TextPattern::Equals(_))
            | Is::Tag(..)
            | Is::Text(_)
    )
}

fn holds(predicate: &IssuePredicate, issue: &Issue) -> bool {
    use IssuePredicate as Is;
    match predicate {
        Is::Status(status) => issue.state.status == *status,
        Is::Substatus(substatus) => issue.state.substatus == *substatus,
        Is::Level(level) => issue.level == *level,
        Is::Kind(kind) => issue.kind == *kind,
        Is::Priority(priority) => issue.priority == *priority,
        Is::IsUnhandled => issue.is_unhandled,
        Is::FirstSeen(times) => times.holds(&issue.first_seen),
        Is::LastSeen(times) => times.holds(&issue.last_seen),
        Is::Events(counts) => counts.holds(&issue.events),
        Is::Users(counts) => counts.holds(&issue.affected.users),
        Is::Title(pattern) => pattern.matches(&issue.title),
        Is::Culprit(pattern) => pattern.matches(&issue.culprit),
        Is::ErrorType(pattern) => pattern.matches(&issue.headline.error_type),
        Is::ErrorValue(pattern) => pattern.matches(&issue.headline.value),
        Is::Platform(pattern) => pattern.matches(&issue.platform),
        Is::FirstRelease(pattern) => pattern.matches(&issue.first_release),
        Is::LastRelease(pattern) => pattern.matches(&issue.last_release),
        Is::Id(_)
        | Is::Number(_)
        | Is::IsAssigned
        | Is::AssignedTo(_)
        | Is::BookmarkedBy(_)
        | Is::SubscribedBy(_)
        | Is::Tag(..)
        | Is::Text(_) => false,
    }
}

/// Collects the statuses of a condition that speaks of nothing else.
fn collect_statuses(part: &Expr<Leaf<'_>>, into: &mut Vec<IssueStatus>) -> bool {
    match part {
        Expr::Is(Leaf::Row(IssuePredicate::Status(status))) => {
            into.push(*status);
            true
        }
        Expr::Any(parts) if !parts.is_empty() => {
            parts.iter().all(|part| collect_statuses(part, into))
        }
        Expr::Not(part) => {
            let mut unwanted = Vec::new();
            let is_single = matches!(part.as_ref(), Expr::Is(_));
            if !is_single || !collect_statuses(part, &mut unwanted) {
                return false;
            }
            let all = IssueStatus::ALL.iter().copied();
            into.extend(all.filter(|status| !unwanted.contains(status)));
            true
        }
        _ => false,
    }
}
