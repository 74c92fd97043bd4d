//! From a query to what the store can be asked: projects, conditions on the index, and what is left
//! to be checked on bodies.

use std::ops::RangeInclusive;

use mini_sentry::protocol::EventId;

use super::ast::{Condition, Expr, ProjectRef, Query};
use super::resolve::Known;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;
use crate::store::query::{EventPredicate, Expr as Filter, IssuePredicate};

mod event;
mod indexed;
mod issue;
mod words;

pub(super) use indexed::tag_of;

/// A condition that issues cannot be searched by, because the index does not have it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("search: issues cannot be found by `{key}`, only events can")]
pub struct NotSearchable {
    key: String,
}

impl NotSearchable {
    /// Returns the stable name of the mistake.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "not_searchable"
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// What to ask the store to find issues.
#[derive(Clone, Debug, PartialEq)]
pub struct IssuePlan {
    /// Of these projects.
    pub projects: Vec<ProjectId>,
    /// That meet the condition.
    pub filter: Filter<IssuePredicate>,
}

/// What to ask the store to find events, and what to check then.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPlan {
    /// Of these projects.
    pub projects: Vec<ProjectId>,
    /// That meet the condition. It lets through at least what is meant, as far as the full text
    /// goes: that finds beginnings of words, in frames of the project's own code.
    pub filter: Filter<EventPredicate>,
    /// That happened then.
    pub times: Option<RangeInclusive<Millis>>,
    /// What [`EventView`](super::EventView) must find in the body; `None` when the filter is enough.
    pub check: Option<Expr>,
    /// The only events that can be meant, where the query names them: quicker than the filter.
    pub ids: Option<Vec<EventId>>,
}

impl Query {
    /// Returns what to ask the store for issues.
    ///
    /// # Errors
    ///
    /// When the query asks for what the index does not have.
    pub fn for_issues(&self, known: &Known) -> Result<IssuePlan, NotSearchable> {
        let resolved = self.resolve(known);
        let (projects, rest) = split_projects(resolved, known);
        let filter = issue::filter(&rest, known)?;
        Ok(IssuePlan { projects, filter })
    }

    /// Returns what to ask the store for events.
    #[must_use]
    pub fn for_events(&self, known: &Known) -> EventPlan {
        let resolved = self.resolve(known);
        let (projects, rest) = split_projects(resolved, known);
        let (times, rest) = split_times(rest);
        let ids = required(&rest).find_map(|part| match part {
            Expr::One(Condition::Event(ids)) => Some(ids.as_slice().to_vec()),
            _ => None,
        });
        let (filter, is_exact) = event::filter(&rest, known);
        EventPlan {
            projects,
            filter,
            times,
            check: (!is_exact).then_some(rest),
            ids,
        }
    }
}

/// Returns the parts that must hold in any case.
fn required(expr: &Expr) -> impl Iterator<Item = &Expr> {
    match expr {
        Expr::All(parts) => parts.iter(),
        other => std::slice::from_ref(other).iter(),
    }
}

fn into_parts(expr: Expr) -> Vec<Expr> {
    match expr {
        Expr::All(parts) => parts,
        other => vec![other],
    }
}

/// Takes out what names projects beside all else.
fn split_projects(expr: Expr, known: &Known) -> (Vec<ProjectId>, Expr) {
    let mut projects: Vec<ProjectId> = known.projects.iter().map(|(id, _)| *id).collect();
    let names = |condition: &Condition, id: ProjectId| match condition {
        Condition::Project(all) => Some(all.iter().any(|one| *one == ProjectRef::Id(id))),
        _ => None,
    };
    let mut rest = into_parts(expr);
    rest.retain(|part| match part {
        Expr::One(condition @ Condition::Project(_)) => {
            projects.retain(|id| names(condition, *id) == Some(true));
            false
        }
        Expr::Not(inner) => match inner.as_ref() {
            Expr::One(condition @ Condition::Project(_)) => {
                projects.retain(|id| names(condition, *id) == Some(false));
                false
            }
            _ => true,
        },
        _ => true,
    });
    (projects, Expr::All(rest))
}

/// Takes out the times that hold beside all else.
fn split_times(expr: Expr) -> (Option<RangeInclusive<Millis>>, Expr) {
    let mut rest = into_parts(expr);
    let (mut from, mut to) = (None, None);
    rest.retain(|part| {
        let Expr::One(Condition::Happened(times)) = part else {
            return true;
        };
        from = from.max(times.from());
        to = [to, times.to()].into_iter().flatten().min();
        false
    });
    let times = (from.is_some() || to.is_some())
        .then(|| from.unwrap_or(Millis(i64::MIN))..=to.unwrap_or(Millis(i64::MAX)));
    (times, Expr::All(rest))
}

#[cfg(test)]
mod tests;
