//! Splits events up and counts each part, from sets; people and issues from sums by hour where the
//! question is wide, and from rows, so many at most, where it is narrow.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;

use super::ask::place;
use super::count::{gone, leave_out};
use super::find::{Asked, by_hour};
use super::key::{self, ACTIVE, EVENTS, PEOPLE};
use super::page::{Entries, read_set};
use super::parts::{Part, PartKey, Parts, Split, SplitBy};
use super::people::{self, People};
use super::shelf::{Brief, Shelf, Shelved, hour};
use super::values::{Values, values_of};
use crate::error::Error;
use crate::model::ids::{ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::query::{EventQuery, Expr};

/// Rows that one question reads at most.
const MAX_ROWS: usize = 4_000;
/// Rows that are read at once.
const CHUNK: usize = 500;
/// Parts of one answer.
const MAX_PARTS: usize = 20_000;
/// Events of the last hour of a part, and of its first, whose times are looked up.
const NEAREST: usize = 8;
/// Milliseconds of an hour.
const HOUR: i64 = 60 * Millis::MINUTE;
/// People and issues of longer periods are taken from sums of whole hours.
const WIDE: i64 = 3 * HOUR;

type Key = (Vec<PartKey>, Option<i64>);

/// What becomes a part.
#[derive(Debug, Default)]
struct Sum {
    events: u64,
    people: People,
    issues: RoaringBitmap,
    last: Nearest,
    first: Nearest,
}

/// Events of the hour that is nearest to an end of the period.
#[derive(Debug, Default)]
struct Nearest {
    hour: Option<i64>,
    places: Vec<(usize, Seq)>,
}

/// Splits what a question means.
pub(in crate::store) async fn split(
    shelf: &mut impl Shelf,
    query: &EventQuery,
    split: &Split,
) -> Result<Parts, Error> {
    let asked = Asked::new(shelf, query).await?;
    let mut values = Vec::with_capacity(split.by.len());
    let mut is_incomplete = asked.is_incomplete;
    for by in &split.by {
        values.push(values_of(shelf, &asked, query, by, &mut is_incomplete).await?);
    }
    let mut tally = Tally {
        query,
        split,
        projects: asked.projects.clone(),
        is_summed: is_summed(query, split),
        sums: BTreeMap::new(),
        rows: 0,
        is_incomplete,
    };
    let spans = shelf.spans().await?;
    let mut doubtful = 0;
    for (nth, span) in spans.iter().enumerate().rev() {
        let mut found = asked.in_span(shelf, span).await?;
        if !found.is_empty() {
            found -= gone(shelf, span, &asked).await?;
        }
        let times = query.times.as_ref();
        tally.is_incomplete |= leave_out(shelf, span, times, &mut found, &mut doubtful).await?;
        if !found.is_empty() {
            tally.span(shelf, (nth, span), &found, &values).await?;
        }
    }
    if tally.is_summed {
        for span in &spans {
            tally.add_sums(shelf, span).await?;
        }
        tally.move_groups(shelf).await?;
    }
    tally.finish(shelf, &spans).await
}

/// Reports whether people and issues are those of sums by project and hour.
fn is_summed(query: &EventQuery, split: &Split) -> bool {
    let is_long = query
        .times
        .as_ref()
        .is_none_or(|times| times.end().since(*times.start()) >= WIDE);
    let is_of_hours = split.step.is_none_or(|step| step.rem_euclid(HOUR) == 0);
    let is_wanted = split.measures.users || split.measures.issues;
    let is_by_project = split.by.iter().all(|by| *by == SplitBy::Project);
    is_wanted && is_long && is_of_hours && is_by_project && query.filter == Expr::everything()
}

struct Tally<'a> {
    query: &'a EventQuery,
    split: &'a Split,
    projects: Vec<ProjectId>,
    is_summed: bool,
    sums: BTreeMap<Key, Sum>,
    rows: usize,
    is_incomplete: bool,
}

impl Tally<'_> {
    /// Adds the events of a partition.
    async fn span(
        &mut self,
        shelf: &mut impl Shelf,
        (nth, span): (usize, &Shelved),
        found: &RoaringBitmap,
        values: &[Values],
    ) -> Result<(), Error> {
        let measures = self.split.measures;
        let is_of_hours = self
            .split
            .step
            .is_some_and(|step| step.rem_euclid(HOUR) == 0);
        let mut hours = BTreeMap::new();
        if is_of_hours || measures.first || measures.last {
            let asked = self.query.times.as_ref();
            let own = match asked {
                Some(times) => span.hours_within(&(hour(*times.start())..=hour(*times.end()))),
                None => span.hours(),
            };
            hours = by_hour(shelf, span.id, *own.start(), *own.end()).await?;
        }
        let mut leaves = vec![(Vec::new(), found.clone())];
        for values in values {
            leaves = self.part(shelf, span, values, leaves).await?;
        }
        for (key, set) in leaves {
            match self.split.step {
                Some(step) if is_of_hours => {
                    for (hour, of_hour) in &hours {
                        let events = set.intersection_len(of_hour);
                        if events == 0 {
                            continue;
                        }
                        let at = hour.saturating_mul(HOUR).div_euclid(step);
                        let key = (key.clone(), Some(at.saturating_mul(step)));
                        if self.is_only_counted() {
                            self.count(key, events);
                            continue;
                        }
                        let set = &set & of_hour;
                        self.leaf(shelf, (nth, span), key, &set, &hours).await?;
                    }
                }
                Some(step) => self.by_rows(shelf, span, &key, &set, step).await?,
                None => {
                    self.leaf(shelf, (nth, span), (key, None), &set, &hours)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// Splits sets by the values of one thing.
    async fn part(
        &mut self,
        shelf: &mut impl Shelf,
        span: &Shelved,
        values: &Values,
        leaves: Vec<(Vec<PartKey>, RoaringBitmap)>,
    ) -> Result<Vec<(Vec<PartKey>, RoaringBitmap)>, Error> {
        let numbers = values.values.iter().flat_map(|(_, of)| of.iter().copied());
        let present = values.present.iter().flatten().copied();
        let numbers: Vec<u64> = numbers.chain(present).collect();
        let sets = shelf.sets(span.id, EVENTS, &numbers).await?;
        let joined = |numbers: &[u64]| {
            let mut all = RoaringBitmap::new();
            for set in numbers.iter().filter_map(|number| sets.get(number)) {
                all |= set;
            }
            all
        };
        let mut split: Vec<(&PartKey, RoaringBitmap)> = Vec::new();
        for (key, of) in &values.values {
            split.push((key, joined(of)));
        }
        let absent = PartKey::Tag(None);
        let present = values.present.as_ref().map(|numbers| joined(numbers));
        let mut parts = Vec::new();
        for (key, set) in leaves {
            let mut add = |value: &PartKey, set: RoaringBitmap| {
                if !set.is_empty() {
                    let mut key = key.clone();
                    key.push(value.clone());
                    parts.push((key, set));
                }
            };
            for (value, of) in &split {
                add(value, of & &set);
            }
            if let Some(present) = &present {
                add(&absent, set - present);
            }
            if parts.len() > MAX_PARTS {
                self.is_incomplete = true;
                parts.truncate(MAX_PARTS);
                break;
            }
        }
        Ok(parts)
    }

    /// Returns the sum of a part; `None` when there are too many.
    fn sum(&mut self, key: Key) -> Option<&mut Sum> {
        if self.sums.len() >= MAX_PARTS && !self.sums.contains_key(&key) {
            self.is_incomplete = true;
            return None;
        }
        Some(self.sums.entry(key).or_default())
    }

    /// Returns true when the number of events of a part is all that its events are needed for.
    fn is_only_counted(&self) -> bool {
        let measures = self.split.measures;
        let is_summed = self.is_summed || !(measures.users || measures.issues);
        is_summed && !measures.first && !measures.last
    }

    fn count(&mut self, key: Key, events: u64) {
        if let Some(sum) = self.sum(key) {
            sum.events = sum.events.saturating_add(events);
        }
    }

    /// Adds events of one part.
    async fn leaf(
        &mut self,
        shelf: &mut impl Shelf,
        (nth, span): (usize, &Shelved),
        key: Key,
        set: &RoaringBitmap,
        hours: &BTreeMap<i64, RoaringBitmap>,
    ) -> Result<(), Error> {
        let measures = self.split.measures;
        let Some(sum) = self.sum(key.clone()) else {
            return Ok(());
        };
        sum.events = sum.events.saturating_add(set.len());
        let places = |offsets: Vec<u32>| {
            let places = offsets.into_iter().map(|offset| place(span.first, offset));
            places.map(|place| (nth, place)).collect::<Vec<_>>()
        };
        if measures.last
            && let Some((hour, of_hour)) = hours.iter().rev().find(|(_, of)| !set.is_disjoint(of))
        {
            let nearest = (set & of_hour).iter().rev().take(NEAREST).collect();
            sum.last.offer(*hour, places(nearest), |new, old| new > old);
        }
        if measures.first
            && let Some((hour, of_hour)) = hours.iter().find(|(_, of)| !set.is_disjoint(of))
        {
            let nearest = (set & of_hour).iter().take(NEAREST).collect();
            sum.first
                .offer(*hour, places(nearest), |new, old| new < old);
        }
        if (measures.users || measures.issues) && !self.is_summed {
            self.people_and_issues(shelf, span, &key, set).await?;
        }
        Ok(())
    }

    /// Adds who was affected and which issues, row by row, the latest first.
    async fn people_and_issues(
        &mut self,
        shelf: &mut impl Shelf,
        span: &Shelved,
        key: &Key,
        set: &RoaringBitmap,
    ) -> Result<(), Error> {
        let mut offsets = set.iter().rev();
        while let Some(seqs) = self.some_rows(span, &mut offsets) {
            for brief in shelf.briefs(span, &seqs).await? {
                if let Some(sum) = self.sums.get_mut(key) {
                    sum.note(brief);
                }
            }
        }
        Ok(())
    }

    /// Adds events by times that are no hours, row by row, the latest first.
    async fn by_rows(
        &mut self,
        shelf: &mut impl Shelf,
        span: &Shelved,
        key: &[PartKey],
        set: &RoaringBitmap,
        step: i64,
    ) -> Result<(), Error> {
        let step = step.max(1);
        let mut offsets = set.iter().rev();
        while let Some(seqs) = self.some_rows(span, &mut offsets) {
            for brief in shelf.briefs(span, &seqs).await? {
                let at = brief.at.0.div_euclid(step).saturating_mul(step);
                if let Some(sum) = self.sum((key.to_vec(), Some(at))) {
                    sum.events = sum.events.saturating_add(1);
                    sum.note(brief);
                }
            }
        }
        Ok(())
    }

    /// Takes the next rows to read; `None` at the end, or when enough were read.
    fn some_rows(
        &mut self,
        span: &Shelved,
        offsets: &mut impl Iterator<Item = u32>,
    ) -> Option<Vec<Seq>> {
        let room = MAX_ROWS.saturating_sub(self.rows).min(CHUNK);
        let mut offsets = offsets.peekable();
        offsets.peek()?;
        if room == 0 {
            self.is_incomplete = true;
            return None;
        }
        let seqs: Vec<Seq> = offsets
            .take(room)
            .map(|offset| place(span.first, offset))
            .collect();
        self.rows = self.rows.saturating_add(seqs.len());
        Some(seqs)
    }

    /// Adds people and issues of a partition from the sums by project and hour.
    async fn add_sums(&mut self, shelf: &mut impl Shelf, span: &Shelved) -> Result<(), Error> {
        let hours = match &self.query.times {
            Some(times) => span.hours_within(&(hour(*times.start())..=hour(*times.end()))),
            None => span.hours(),
        };
        if hours.is_empty() {
            return Ok(());
        }
        let (first, last) = (*hours.start(), *hours.end());
        let gone = shelf.gone(span, &self.projects).await?;
        let deleted: RoaringBitmap = gone.groups.iter().map(|group| group.0).collect();
        for project in self.projects.clone() {
            if gone.projects.contains(&project) {
                continue;
            }
            let from = key::project_hour(project, first);
            let until = key::behind(&key::project_hour(project, last));
            let measures = self.split.measures;
            for (kind, is_wanted) in [(PEOPLE, measures.users), (ACTIVE, measures.issues)] {
                if !is_wanted {
                    continue;
                }
                for page in shelf.pages(span.id, kind, &from, &until).await? {
                    self.add_page(kind, project, (first, last), &deleted, &page)?;
                }
            }
        }
        Ok(())
    }

    fn add_page(
        &mut self,
        kind: u8,
        project: ProjectId,
        (first, last): (i64, i64),
        deleted: &RoaringBitmap,
        page: &[u8],
    ) -> Result<(), Error> {
        let mut entries = Entries::unpack(page)?;
        while let Some((key, value)) = entries.next()? {
            let Some((of, hour)) = key::read_project_hour(key) else {
                continue;
            };
            if of != project || !(first..=last).contains(&hour) {
                continue;
            }
            let by = self.split.by.iter().map(|_| PartKey::Project(project));
            let at = self.split.step.map(|step| {
                let at = hour.saturating_mul(HOUR);
                at.div_euclid(step).saturating_mul(step)
            });
            // Where nothing is shown any more there is no part.
            let Some(sum) = self.sums.get_mut(&(by.collect(), at)) else {
                continue;
            };
            if kind == PEOPLE {
                sum.people.add(&People::from_bytes(value));
            } else {
                let mut groups = RoaringBitmap::new();
                read_set(value, &mut groups)?;
                groups -= deleted;
                sum.issues |= groups;
            }
        }
        Ok(())
    }

    /// Makes issues of groups: they have the same numbers, but for those that moved.
    async fn move_groups(&mut self, shelf: &mut impl Shelf) -> Result<(), Error> {
        if !self.split.measures.issues {
            return Ok(());
        }
        let moved = shelf.moved().await?;
        for sum in self.sums.values_mut() {
            let mut joined = Vec::new();
            for (group, issue) in &moved {
                if sum.issues.remove(*group) {
                    joined.push(*issue);
                }
            }
            sum.issues.extend(joined);
        }
        Ok(())
    }

    /// Looks up times and makes the answer.
    async fn finish(self, shelf: &mut impl Shelf, spans: &[Shelved]) -> Result<Parts, Error> {
        let mut wanted = BTreeMap::<usize, BTreeSet<Seq>>::new();
        for sum in self.sums.values() {
            for (nth, seq) in sum.last.places.iter().chain(&sum.first.places) {
                wanted.entry(*nth).or_default().insert(*seq);
            }
        }
        let mut times = BTreeMap::<Seq, Millis>::new();
        for (nth, seqs) in wanted {
            let Some(span) = spans.get(nth) else { continue };
            let seqs: Vec<Seq> = seqs.into_iter().collect();
            for chunk in seqs.chunks(CHUNK) {
                times.extend(shelf.times(span, chunk).await?);
            }
        }
        let of = |nearest: &Nearest| {
            let places = nearest.places.iter();
            places
                .filter_map(|(_, seq)| times.get(seq).copied())
                .collect::<Vec<_>>()
        };
        let measures = self.split.measures;
        let part = |((key, at), sum): (Key, Sum)| Part {
            key,
            at: at.map(Millis),
            events: sum.events,
            users: match measures.users {
                true => sum.people.count(),
                false => 0,
            },
            issues: match measures.issues {
                true => sum.issues.len(),
                false => 0,
            },
            first: of(&sum.first).into_iter().min(),
            last: of(&sum.last).into_iter().max(),
        };
        Ok(Parts {
            parts: self.sums.into_iter().map(part).collect(),
            is_incomplete: self.is_incomplete,
        })
    }
}

impl Sum {
    fn note(&mut self, brief: Brief) {
        if let Some(user) = brief.user {
            self.people.insert(people::number(user));
        }
        self.issues.extend(u32::try_from(brief.issue.0).ok());
    }
}

impl Nearest {
    /// Takes events of an hour when none of a nearer one are known.
    fn offer(
        &mut self,
        hour: i64,
        places: Vec<(usize, Seq)>,
        is_nearer: impl Fn(i64, i64) -> bool,
    ) {
        match self.hour {
            Some(known) if known == hour => self.places.extend(places),
            Some(known) if !is_nearer(hour, known) => {}
            _ => {
                self.hour = Some(hour);
                self.places = places;
            }
        }
    }
}
