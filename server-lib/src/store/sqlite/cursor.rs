//! Walks over events newest first, over all partitions at once, without reading what it skips.
//!
//! A question is asked of each partition and project or group by a cursor of its own; a cursor is opened
//! when the walk comes to the latest time of its partition. A question that wants certain levels,
//! environments or releases lets the sums tell which minutes have such events, and looks at no
//! others.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use rusqlite::{Connection, params};

use super::floors::Floor;
use super::partition::Span;
use super::question::Question;
use super::sums::GRAINS;
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;

/// Rows that a cursor reads at once: few at first, because a page is short.
const CHUNK: std::ops::RangeInclusive<u32> = 32..=4096;

/// Calls `visit` with partition, time and place of each event, newest first, until it says false.
pub(super) fn walk(
    connection: &Connection,
    question: &Question,
    spans: &[Span],
    mut visit: impl FnMut(&Span, i64, i64) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut closed: Vec<_> = spans
        .iter()
        .filter_map(|span| Some((span, question.within(span)?)))
        .flat_map(|(span, times)| {
            let of_project = move |(project, floor): &(ProjectId, Floor)| {
                let (project, floor) = (*project, *floor);
                let owners = question.owners(project).into_iter();
                owners.map(move |owner| (span, (project, owner, floor), times))
            };
            question.projects.iter().flat_map(of_project)
        })
        .collect();
    closed.sort_by_key(|(_, _, (_, last))| *last);
    let mut open = BinaryHeap::new();
    loop {
        while let Some((span, owner, times)) = closed.last().copied() {
            let newest = open
                .peek()
                .map_or(i64::MIN, |cursor: &Cursor<'_>| cursor.head.0);
            if newest > times.1 {
                break;
            }
            closed.pop();
            open.extend(Cursor::open(connection, question, span, owner, times)?);
        }
        let Some(mut cursor) = open.pop() else {
            return Ok(());
        };
        let (happened, seq) = cursor.head;
        if !visit(cursor.span, happened, seq)? {
            return Ok(());
        }
        if cursor.advance(connection)? {
            open.push(cursor);
        }
    }
}

/// A place in one partition's events of one project or issue.
struct Cursor<'a> {
    question: &'a Question,
    span: &'a Span,
    project: ProjectId,
    /// The column that the index is searched by, and its value.
    owner: (&'static str, i64),
    floor: Option<Millis>,
    head: (i64, i64),
    ready: VecDeque<(i64, i64)>,
    chunk: u32,
    /// What is being read.
    range: Option<Range>,
    /// What comes after: the times below, of which the sums tell the next minute.
    rest: Option<(i64, i64)>,
}

/// Times of which events are still to be read.
#[derive(Clone, Copy)]
struct Range {
    first: i64,
    /// Time and place that come before in the order of the walk, and were read already.
    before: (i64, i64),
}

impl Range {
    fn new(first: i64, last: i64) -> Self {
        Self {
            first,
            before: (last, i64::MAX),
        }
    }
}

impl<'a> Cursor<'a> {
    fn open(
        connection: &Connection,
        question: &'a Question,
        span: &'a Span,
        (project, owner, floor): (ProjectId, (&'static str, i64), Floor),
        (first, last): (i64, i64),
    ) -> Result<Option<Self>, Error> {
        let is_narrow = question.is_narrow();
        let hides = floor.hides_from(span.opened);
        let mut cursor = Self {
            question,
            span,
            project,
            owner,
            floor: hides.then_some(floor.received),
            head: (0, 0),
            ready: VecDeque::new(),
            chunk: *CHUNK.start(),
            range: (!is_narrow).then_some(Range::new(first, last)),
            rest: is_narrow.then_some((first, last)),
        };
        Ok(cursor.advance(connection)?.then_some(cursor))
    }

    /// Moves to the next event; false when there is none.
    fn advance(&mut self, connection: &Connection) -> Result<bool, Error> {
        loop {
            if let Some(head) = self.ready.pop_front() {
                self.head = head;
                return Ok(true);
            }
            if let Some(range) = self.range {
                self.range = self.read(connection, range)?;
            } else if let Some((first, last)) = self.rest {
                self.next_minute(connection, first, last)?;
            } else {
                return Ok(false);
            }
        }
    }

    /// Reads some events of a range, and returns what is left of it.
    fn read(&mut self, connection: &Connection, range: Range) -> Result<Option<Range>, Error> {
        let (column, owner) = self.owner;
        let is_narrow = self.question.is_narrow();
        // Without the second half, the index answers alone.
        let columns = match is_narrow || self.floor.is_some() {
            true => "happened, seq, received, level, environment, release",
            false => "happened, seq",
        };
        let mut select = connection.prepare_cached(&format!(
            "SELECT {columns} FROM events_{} WHERE {column} = ?1 AND happened BETWEEN ?2 AND ?3
                AND (happened < ?3 OR seq < ?4)
            ORDER BY happened DESC, seq DESC LIMIT ?5",
            self.span.id
        ))?;
        let mut rows = select.query(params![
            owner,
            range.first,
            range.before.0,
            range.before.1,
            self.chunk
        ])?;
        let mut read = 0;
        let mut last = range.before;
        while let Some(row) = rows.next()? {
            read += 1;
            last = (row.get(0)?, row.get(1)?);
            let is_shown = match self.floor {
                Some(floor) => row.get::<_, i64>(2)? > floor.0,
                None => true,
            };
            if is_shown
                && (!is_narrow || self.question.matches(row.get(3)?, row.get(4)?, row.get(5)?))
            {
                self.ready.push_back(last);
            }
        }
        let is_done = read < self.chunk;
        self.chunk = self.chunk.saturating_mul(2).min(*CHUNK.end());
        let rest = Range {
            before: last,
            ..range
        };
        Ok((!is_done).then_some(rest))
    }

    /// Goes to the latest minute up to `last` that has matching events.
    fn next_minute(&mut self, connection: &Connection, first: i64, last: i64) -> Result<(), Error> {
        let minutes = (Millis(first).minute(), Millis(last).minute());
        let found = latest_minute(connection, self.question, self.span, self.project, minutes)?;
        self.rest = None;
        if let Some(minute) = found {
            let begin = minute.saturating_mul(Millis::MINUTE);
            let end = begin.saturating_add(Millis::MINUTE - 1);
            self.range = Some(Range::new(begin.max(first), end.min(last)));
            self.rest = (first < begin).then_some((first, begin.saturating_sub(1)));
        }
        Ok(())
    }
}

impl PartialEq for Cursor<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head
    }
}

impl Eq for Cursor<'_> {}

impl PartialOrd for Cursor<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cursor<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.head.cmp(&other.head)
    }
}

/// Returns the latest minute among `first..=last` that has matching events: looks through the
/// minutes of the last hour, the hours of its day, the days, and back down.
fn latest_minute(
    connection: &Connection,
    question: &Question,
    span: &Span,
    project: ProjectId,
    (first, last): (i64, i64),
) -> Result<Option<i64>, Error> {
    let [minute, hour, day] = GRAINS;
    let find = |grain: i64, from: i64, to: i64| {
        latest_bucket(connection, question, span, project, grain, from, to)
    };
    let minutes_of = |number: i64, grain: i64| {
        let begin = number.saturating_mul(grain);
        (begin.max(first), begin.saturating_add(grain - 1).min(last))
    };
    let hours_of = |number: i64| {
        let ratio = day / hour;
        let begin = number.saturating_mul(ratio);
        (begin, begin.saturating_add(ratio - 1))
    };
    let mut end = last;
    while first <= end {
        let (from, to) = minutes_of(end.div_euclid(hour), hour);
        if let Some(found) = find(minute, from, to.min(end))? {
            return Ok(Some(found));
        }
        let (from, _) = hours_of(end.div_euclid(day));
        let found = match find(hour, from, end.div_euclid(hour).saturating_sub(1))? {
            Some(found) => Some(found),
            None => {
                let earliest = first.div_euclid(day);
                let latest = end.div_euclid(day).saturating_sub(1);
                match find(day, earliest, latest)? {
                    Some(found) => {
                        let (from, to) = hours_of(found);
                        find(hour, from, to)?
                    }
                    None => None,
                }
            }
        };
        // The hour may have its matches before `first`; then the next round ends the search.
        let Some(found) = found else {
            return Ok(None);
        };
        let (_, to) = minutes_of(found, hour);
        end = to.min(end.div_euclid(hour).saturating_mul(hour).saturating_sub(1));
    }
    Ok(None)
}

fn latest_bucket(
    connection: &Connection,
    question: &Question,
    span: &Span,
    project: ProjectId,
    grain: i64,
    from: i64,
    to: i64,
) -> Result<Option<i64>, Error> {
    if to < from {
        return Ok(None);
    }
    let mut select = connection.prepare_cached(&format!(
        "SELECT bucket, level, environment, release FROM counts_{}
        WHERE project = ?1 AND grain = ?2 AND bucket BETWEEN ?3 AND ?4 ORDER BY bucket DESC",
        span.id
    ))?;
    let mut rows = select.query(params![project.0, grain, from, to])?;
    while let Some(row) = rows.next()? {
        if question.matches(row.get(1)?, row.get(2)?, row.get(3)?) {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

/// Leaves out as many of the newest events as the sums allow, by ending the question earlier.
/// Returns how many are still to be left out.
pub(super) fn skip(
    question: &mut Question,
    spans: &[Span],
    offset: u64,
    count: impl Fn(&Question) -> Result<u64, Error>,
) -> Result<u64, Error> {
    let times = spans.iter().filter_map(|span| question.within(span));
    let Some((first, last)) = times.reduce(|one, next| (one.0.min(next.0), one.1.max(next.1)))
    else {
        return Ok(offset);
    };
    let newer_than = |minute: i64| {
        let first = minute.saturating_add(1).saturating_mul(Millis::MINUTE);
        count(&question.since(first))
    };
    // The earliest minute after whose end there are no more events than to leave out.
    let mut low = Millis(first).minute().saturating_sub(1);
    let mut high = Millis(last).minute();
    while low < high {
        let middle = low.midpoint(high);
        match newer_than(middle)? <= offset {
            true => high = middle,
            false => low = middle.saturating_add(1),
        }
    }
    let skipped = newer_than(high)?;
    let end = high.saturating_add(1).saturating_mul(Millis::MINUTE);
    question.last = question.last.min(end.saturating_sub(1));
    Ok(offset.saturating_sub(skipped))
}
