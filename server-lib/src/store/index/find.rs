//! Finds events by what the index knows.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::ask::{
    self, Known, MAX_PATTERN_VALUES, MAX_TEXT_GROUPS, Plan, unknown_groups, unknown_values,
};
use super::key::{self, EVENTS, HOURS};
use super::members::groups_with_text;
use super::page::{Entries, read_set};
use super::shelf::{Shelf, Shelved};
use super::tags;
use crate::error::Error;
use crate::model::ids::{GroupId, PartitionId, ProjectId, Seq};
use crate::store::query::{EventHits, EventPredicate, EventQuery};

/// Rows that one call reads at most.
const MAX_ROWS: usize = 5_000;
/// Rows that are read at once.
const CHUNK: usize = 100;

/// Answers a question.
pub(in crate::store) async fn find(
    shelf: &mut impl Shelf,
    query: &EventQuery,
) -> Result<EventHits, Error> {
    let asked = Asked::new(shelf, query).await?;
    let mut hits = EventHits {
        is_incomplete: asked.is_incomplete,
        ..EventHits::default()
    };
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let mut read = 0_usize;
    for span in shelf.spans().await?.iter().rev() {
        if query.after.is_some_and(|after| span.first >= after) {
            continue;
        }
        let mut found = asked.in_span(shelf, span).await?;
        if let Some(after) = query.after {
            let end = u32::try_from(after.0.saturating_sub(span.first.0)).unwrap_or(u32::MAX);
            found.remove_range(end..);
        }
        let mut places = found
            .iter()
            .rev()
            .map(|offset| ask::place(span.first, offset))
            .peekable();
        while let Some(next) = places.peek() {
            let room = limit.saturating_sub(hits.rows.len());
            if room == 0 || read >= MAX_ROWS {
                // What comes next is the one in hand.
                hits.next = Some(next.next());
                return Ok(hits);
            }
            let chunk: Vec<Seq> = places.by_ref().take(room.min(CHUNK)).collect();
            read = read.saturating_add(chunk.len());
            let rows = shelf.rows(span, &chunk).await?;
            let times = query.times.as_ref();
            let is_then = |at: &_| times.is_none_or(|times| times.contains(at));
            hits.rows
                .extend(rows.into_iter().filter(|row| is_then(&row.timestamp)));
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
    pub(super) async fn new(shelf: &mut impl Shelf, query: &EventQuery) -> Result<Self, Error> {
        let projects = shelf.shown(&query.projects).await?;
        let mut known = Known::default();
        let mut is_incomplete = false;
        for predicate in unknown_groups(&query.filter) {
            let mut groups: Vec<GroupId> = Vec::new();
            match predicate {
                EventPredicate::Issue(issues) => {
                    for issue in issues {
                        groups.extend(shelf.groups(*issue).await?);
                    }
                }
                EventPredicate::GroupText(text) => {
                    let found = groups_with_text(shelf, text).await?;
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
                let found = tags::matching(shelf, *project, name, pattern).await?;
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
    pub(super) async fn in_span(
        &self,
        shelf: &mut impl Shelf,
        span: &Shelved,
    ) -> Result<RoaringBitmap, Error> {
        let mut within = None;
        if let Some(asked) = self.plan.hours() {
            let hours = span.hours_within(&asked);
            if hours.is_empty() {
                return Ok(RoaringBitmap::new());
            }
            if hours != span.hours() {
                let mut all = RoaringBitmap::new();
                for set in by_hour(shelf, span.id, *hours.start(), *hours.end())
                    .await?
                    .values()
                {
                    all |= set;
                }
                within = Some(all);
            }
        }
        let needs: Vec<u64> = self.plan.needs().into_iter().collect();
        let sets = shelf.sets(span.id, EVENTS, &needs).await?;
        Ok(self.plan.decide(&sets, within.as_ref()))
    }
}

/// Reads which events happened in each of some hours.
pub(super) async fn by_hour(
    shelf: &mut impl Shelf,
    partition: PartitionId,
    first: i64,
    last: i64,
) -> Result<BTreeMap<i64, RoaringBitmap>, Error> {
    let mut found = BTreeMap::<i64, RoaringBitmap>::new();
    let (from, until) = (key::hour(first), key::hour(last.saturating_add(1)));
    for page in shelf.pages(partition, HOURS, &from, &until).await? {
        let mut entries = Entries::unpack(&page)?;
        while let Some((key, value)) = entries.next()? {
            if let Some(hour) = key::read_hour(key).filter(|hour| (first..=last).contains(hour)) {
                read_set(value, found.entry(hour).or_default())?;
            }
        }
    }
    Ok(found)
}
