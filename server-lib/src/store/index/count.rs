//! Counts events by what the index knows.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use roaring::RoaringBitmap;

use super::ask::place;
use super::find::{Asked, by_hour};
use super::key::{self, EVENTS};
use super::shelf::{Shelf, Shelved, hour};
use super::{CountBy, CountKey, EventCounts, TagScope, tags};
use crate::error::Error;
use crate::model::ids::Seq;
use crate::model::time::Millis;
use crate::store::query::{EventQuery, Expr};

/// Rows that one count reads at most.
const MAX_ROWS: usize = 20_000;
/// Rows that are read at once.
const CHUNK: usize = 1_000;
/// Values of a tag that are counted by.
const MAX_VALUES: u32 = 50;
/// Milliseconds of an hour.
const HOUR: i64 = 60 * Millis::MINUTE;

/// Counts what a question means.
pub(in crate::store) async fn count(
    shelf: &mut impl Shelf,
    query: &EventQuery,
    by: &CountBy,
) -> Result<EventCounts, Error> {
    if *by == CountBy::Issue && query.filter == Expr::everything() {
        return by_issue_alone(shelf, query).await;
    }
    let asked = Asked::new(shelf, query).await?;
    let mut tally = Tally {
        sums: BTreeMap::new(),
        rows: 0,
        is_incomplete: asked.is_incomplete,
    };
    let values = match by {
        CountBy::Tag(name) => tally.values(shelf, &asked, name).await?,
        _ => Vec::new(),
    };
    for span in shelf.spans().await?.iter().rev() {
        let mut found = asked.in_span(shelf, span).await?;
        if !found.is_empty() {
            found -= gone(shelf, span, &asked).await?;
        }
        let times = query.times.as_ref();
        tally.is_incomplete |= leave_out(shelf, span, times, &mut found, &mut tally.rows).await?;
        if found.is_empty() {
            continue;
        }
        match by {
            CountBy::Nothing => tally.add(CountKey::All, found.len()),
            CountBy::Hour => {
                let hours = span.hours();
                for (hour, set) in by_hour(shelf, span.id, *hours.start(), *hours.end()).await? {
                    let at = Millis(hour.saturating_mul(HOUR));
                    tally.add(CountKey::Hour(at), found.intersection_len(&set));
                }
            }
            CountBy::Tag(_) => {
                let all: Vec<u64> = values
                    .iter()
                    .flat_map(|(_, of)| of.iter().copied())
                    .collect();
                let sets = shelf.sets(span.id, EVENTS, &all).await?;
                for (value, numbers) in &values {
                    let sets = numbers.iter().filter_map(|number| sets.get(number));
                    let events = sets.map(|set| found.intersection_len(set)).sum();
                    tally.add(CountKey::Tag(value.clone()), events);
                }
            }
            CountBy::Issue => tally.issues(shelf, span, &found).await?,
        }
    }
    Ok(sorted(tally.sums, by, tally.is_incomplete))
}

struct Tally {
    sums: BTreeMap<CountKey, u64>,
    rows: usize,
    is_incomplete: bool,
}

impl Tally {
    fn add(&mut self, key: CountKey, events: u64) {
        if events > 0 {
            let sum = self.sums.entry(key).or_default();
            *sum = sum.saturating_add(events);
        }
    }

    /// Returns the most frequent values of a tag, each with its numbers in all projects.
    async fn values(
        &mut self,
        shelf: &mut impl Shelf,
        asked: &Asked,
        name: &str,
    ) -> Result<Vec<(String, Vec<u64>)>, Error> {
        let scope = TagScope::Projects(asked.projects.clone());
        let mut values = Vec::new();
        for summary in tags::summaries(shelf, &scope, Some(name), MAX_VALUES).await? {
            self.is_incomplete |= summary.unique > u64::from(MAX_VALUES) || summary.others > 0;
            for value in summary.top {
                let of = |project: &_| key::tag_of(*project, name, &value.value);
                values.push((value.value.clone(), asked.projects.iter().map(of).collect()));
            }
        }
        Ok(values)
    }

    /// Counts by issue, row by row, the latest first.
    async fn issues(
        &mut self,
        shelf: &mut impl Shelf,
        span: &Shelved,
        found: &RoaringBitmap,
    ) -> Result<(), Error> {
        let mut places = found.iter().rev().map(|offset| place(span.first, offset));
        loop {
            let chunk: Vec<Seq> = places.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            if self.rows >= MAX_ROWS {
                self.is_incomplete = true;
                return Ok(());
            }
            self.rows = self.rows.saturating_add(chunk.len());
            for issue in shelf.issues(span, &chunk).await? {
                self.add(CountKey::Issue(issue), 1);
            }
        }
    }
}

/// Leaves out what happened in the first or last hour, before or after the times asked for. Returns
/// true when there was too much to look at, of which nothing is left in.
pub(super) async fn leave_out(
    shelf: &mut impl Shelf,
    span: &Shelved,
    times: Option<&RangeInclusive<Millis>>,
    found: &mut RoaringBitmap,
    read: &mut usize,
) -> Result<bool, Error> {
    let Some(times) = times.filter(|_| !found.is_empty()) else {
        return Ok(false);
    };
    let (first, last) = (*times.start(), *times.end());
    let begins = |at: Millis| at.0.rem_euclid(HOUR) == 0;
    let mut edges = Vec::new();
    if !begins(first) && first > span.min_happened {
        edges.push(hour(first));
    }
    if !begins(last.plus(1)) && last < span.max_happened {
        edges.push(hour(last));
    }
    edges.dedup();
    let mut is_too_much = false;
    for edge in edges {
        let Some(set) = by_hour(shelf, span.id, edge, edge).await?.remove(&edge) else {
            continue;
        };
        let doubtful = set & &*found;
        *found -= &doubtful;
        let seqs: Vec<Seq> = doubtful
            .iter()
            .map(|offset| place(span.first, offset))
            .collect();
        for chunk in seqs.chunks(CHUNK) {
            if *read >= MAX_ROWS {
                is_too_much = true;
                break;
            }
            *read = read.saturating_add(chunk.len());
            for (seq, at) in shelf.times(span, chunk).await? {
                if times.contains(&at) {
                    let offset = seq.0.saturating_sub(span.first.0);
                    found.extend(u32::try_from(offset).ok());
                }
            }
        }
    }
    Ok(is_too_much)
}

fn sorted(sums: BTreeMap<CountKey, u64>, by: &CountBy, is_incomplete: bool) -> EventCounts {
    let mut counts: Vec<_> = sums.into_iter().collect();
    if *by != CountBy::Hour {
        counts.sort_by(|(a, one), (b, two)| (two.cmp(one)).then_with(|| a.cmp(b)));
    }
    EventCounts {
        counts,
        is_incomplete,
    }
}

/// Returns events that the index has and nobody is shown any more.
pub(super) async fn gone(
    shelf: &mut impl Shelf,
    span: &Shelved,
    asked: &Asked,
) -> Result<RoaringBitmap, Error> {
    let gone = shelf.gone(span, &asked.projects).await?;
    let mut all = gone.offsets;
    let groups = gone.groups.into_iter().map(key::group);
    let projects = gone.projects.into_iter().map(key::project);
    let numbers: Vec<u64> = groups.chain(projects).collect();
    if !numbers.is_empty() {
        for set in shelf.sets(span.id, EVENTS, &numbers).await?.values() {
            all |= set;
        }
    }
    Ok(all)
}

/// Counts by issue from the sums by hour, where nothing but projects and times is asked for.
async fn by_issue_alone(shelf: &mut impl Shelf, query: &EventQuery) -> Result<EventCounts, Error> {
    let projects = shelf.shown(&query.projects).await?;
    let asked = match &query.times {
        Some(times) => hour(*times.start())..=hour(*times.end()),
        None => i64::MIN..=i64::MAX,
    };
    let mut sums = BTreeMap::<CountKey, u64>::new();
    for span in shelf.spans().await? {
        let hours = span.hours_within(&asked);
        if hours.is_empty() {
            continue;
        }
        for (issue, events) in shelf.sums(&span, &projects, hours).await? {
            let sum = sums.entry(CountKey::Issue(issue)).or_default();
            *sum = sum.saturating_add(events);
        }
    }
    Ok(sorted(sums, &CountBy::Issue, false))
}
