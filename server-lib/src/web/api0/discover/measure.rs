//! Asks the index for what functions need, part by part.

use std::collections::BTreeMap;

use super::functions::{Function, Numbers};
use super::question::narrowed;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::index::{Measures, Part, PartKey, Split, SplitBy};
use crate::store::query::EventQuery;
use crate::web::error::ApiError;

/// Functions with the places of their columns.
pub(super) type Functions<'a> = [(usize, &'a Function)];
/// A part of the events, and its interval where they are split by time.
pub(super) type PartOf = (Vec<PartKey>, Option<Millis>);

/// What is known of each part.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) parts: BTreeMap<PartOf, Numbers>,
    pub(super) is_incomplete: bool,
}

/// Splits events up and finds out what functions need of each part.
///
/// # Errors
///
/// When the store cannot be read.
pub(super) async fn measure(
    state: &AppState,
    question: &EventQuery,
    by: &[SplitBy],
    step: Option<i64>,
    functions: &Functions<'_>,
) -> Result<Measured, ApiError> {
    let mut measures = Measures::default();
    for (_, function) in functions {
        function.needs(&mut measures);
    }
    let split = Split {
        by: by.to_vec(),
        step,
        measures,
    };
    let mut measured = Measured::default();
    let found = state.store.index.split(question, &split).await?;
    measured.is_incomplete |= found.is_incomplete;
    for part in found.parts {
        let numbers = Numbers {
            events: part.events,
            users: part.users,
            issues: part.issues,
            first: part.first,
            last: part.last,
            own: Vec::new(),
        };
        measured.parts.insert((part.key, part.at), numbers);
    }
    for (nth, function) in functions {
        let (question, more) = match function {
            Function::CountIf(filter) | Function::ShareOf(filter) => {
                (narrowed(question, filter.clone()), None)
            }
            Function::Values(tag) => (question.clone(), Some(SplitBy::Tag(tag.clone()))),
            Function::Projects => (question.clone(), Some(SplitBy::Project)),
            _ => continue,
        };
        let by: Vec<SplitBy> = by.iter().cloned().chain(more.clone()).collect();
        let split = Split {
            by,
            step,
            measures: Measures::default(),
        };
        let found = state.store.index.split(&question, &split).await?;
        measured.is_incomplete |= found.is_incomplete;
        for part in found.parts {
            measured.add(*nth, part, more.is_some());
        }
    }
    Ok(measured)
}

impl Measured {
    /// Adds what one function counted: events of a part, or its parts themselves.
    fn add(&mut self, nth: usize, part: Part, is_of_parts: bool) {
        let mut key = part.key;
        let mut value = part.events;
        if is_of_parts {
            value = match key.pop() {
                Some(PartKey::Tag(None)) | None => 0,
                Some(_) => 1,
            };
        }
        if let Some(numbers) = self.parts.get_mut(&(key, part.at)) {
            match numbers.own.iter_mut().find(|(place, _)| *place == nth) {
                Some((_, sum)) => *sum = sum.saturating_add(value),
                None => numbers.own.push((nth, value)),
            }
        }
    }
}

impl Numbers {
    /// Adds what is known of other events.
    pub(super) fn add(&mut self, other: Self) {
        self.events = self.events.saturating_add(other.events);
        self.users = self.users.saturating_add(other.users);
        self.issues = self.issues.saturating_add(other.issues);
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        for (nth, value) in other.own {
            match self.own.iter_mut().find(|(place, _)| *place == nth) {
                Some((_, sum)) => *sum = sum.saturating_add(value),
                None => self.own.push((nth, value)),
            }
        }
    }
}
