//! Finds events by what the index knows.

use roaring::RoaringBitmap;
use rusqlite::Connection;

use super::members::{groups_of, groups_with_text};
use super::read::{Runs, hours_within};
use super::tags;
use crate::error::Error;
use crate::model::ids::{GroupId, ProjectId};
use crate::store::index::ask::{
    self, Known, MAX_PATTERN_VALUES, MAX_TEXT_GROUPS, Plan, unknown_groups, unknown_values,
};
use crate::store::query::{EventHits, EventPredicate, EventQuery};
use crate::store::sqlite::events::EventReader;
use crate::store::sqlite::floors::{self, DELETED};
use crate::store::sqlite::partition::{self, Span};

/// Rows that one call reads at most.
const MAX_ROWS: usize = 5_000;

/// Answers a question.
pub(super) fn find(connection: &Connection, query: &EventQuery) -> Result<EventHits, Error> {
    let asked = Asked::new(connection, query)?;
    let mut hits = EventHits {
        is_incomplete: asked.is_incomplete,
        ..EventHits::default()
    };
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let mut reader = EventReader::default();
    let mut read = 0_usize;
    for span in partition::all(connection)?.iter().rev() {
        if query.after.is_some_and(|after| span.first >= after) {
            continue;
        }
        let mut found = asked.in_span(connection, span)?;
        if let Some(after) = query.after {
            let end = u32::try_from(after.0.saturating_sub(span.first.0)).unwrap_or(u32::MAX);
            found.remove_range(end..);
        }
        for offset in found.iter().rev() {
            let seq = ask::place(span.first, offset);
            if hits.rows.len() >= limit || read >= MAX_ROWS {
                // What comes next is the one in hand.
                hits.next = Some(seq.next());
                return Ok(hits);
            }
            read = read.saturating_add(1);
            let is_then = |at: &_| query.times.as_ref().is_none_or(|times| times.contains(at));
            let row = reader.read(connection, span, seq)?;
            hits.rows.extend(row.filter(|row| is_then(&row.timestamp)));
        }
    }
    Ok(hits)
}

/// A question in the terms of the index.
pub(super) struct Asked {
    /// Whose events.
    pub(super) projects: Vec<ProjectId>,
    /// What is asked.
    pub(super) plan: Plan,
    /// Whether something is left out.
    pub(super) is_incomplete: bool,
}

impl Asked {
    /// Finds out what the question means.
    pub(super) fn new(connection: &Connection, query: &EventQuery) -> Result<Self, Error> {
        let mut projects = Vec::new();
        for project in &query.projects {
            if floors::of(connection, *project)?.received != DELETED {
                projects.push(*project);
            }
        }
        let mut known = Known::default();
        let mut is_incomplete = false;
        for predicate in unknown_groups(&query.filter) {
            let mut groups: Vec<GroupId> = Vec::new();
            match predicate {
                EventPredicate::Issue(issues) => {
                    for issue in issues {
                        groups.extend(groups_of(connection, issue.to_i64())?);
                    }
                }
                EventPredicate::GroupText(text) => {
                    let found = groups_with_text(connection, text)?;
                    is_incomplete |= found.len() > MAX_TEXT_GROUPS as u64;
                    groups.extend(found.iter().rev().take(MAX_TEXT_GROUPS).map(GroupId));
                }
                EventPredicate::Tag(..) => {}
            }
            known.groups.push(groups);
        }
        for (name, pattern) in unknown_values(&query.filter) {
            let mut values = Vec::new();
            for project in &projects {
                let found = tags::matching(connection, *project, name, pattern)?;
                is_incomplete |= found.is_incomplete || found.values.len() > MAX_PATTERN_VALUES;
                let found = found.values.into_iter().take(MAX_PATTERN_VALUES);
                values.extend(found.map(|value| (*project, value)));
            }
            known.values.push(values);
        }
        let plan = Plan::new(&projects, &query.filter, query.times.as_ref(), known);
        Ok(Self {
            projects,
            plan,
            is_incomplete,
        })
    }

    /// Returns the events of a partition that are meant, of those that happened in the hours asked
    /// for.
    pub(super) fn in_span(
        &self,
        connection: &Connection,
        span: &Span,
    ) -> Result<RoaringBitmap, Error> {
        let runs = Runs::of(connection, span.id)?;
        let mut within = None;
        if let Some(asked) = self.plan.hours() {
            let hours = hours_within(span, &asked);
            if hours.is_empty() {
                return Ok(RoaringBitmap::new());
            }
            let has_others = span.min_happened.minute().div_euclid(60) < *asked.start()
                || span.max_happened.minute().div_euclid(60) > *asked.end();
            if has_others {
                let sets = runs.hours(connection, &hours)?;
                let mut all = RoaringBitmap::new();
                sets.values().for_each(|set| all |= set);
                within = Some(all);
            }
        }
        let sets = runs.sets(connection, self.plan.needs())?;
        Ok(self.plan.decide(&sets, within.as_ref()))
    }
}
