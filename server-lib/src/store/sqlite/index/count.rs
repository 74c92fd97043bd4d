//! Counts events by what the index knows.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use rusqlite::{Connection, params};

use super::find::Asked;
use super::read::{Runs, hours_within};
use super::tags;
use crate::error::Error;
use crate::model::ids::{GroupId, IssueId, Seq};
use crate::model::time::Millis;
use crate::store::index::ask::place;
use crate::store::index::key::{self, EVENTS};
use crate::store::index::{CountBy, CountKey, EventCounts};
use crate::store::query::{EventQuery, Expr};
use crate::store::sqlite::floors;
use crate::store::sqlite::partition::{self, Span};
use crate::store::sqlite::row::{counted, one, rows};

/// Rows that one count reads at most.
const MAX_ROWS: u64 = 20_000;
/// Values of a tag, or issues, that are counted by.
const MAX_KEYS: usize = 50;
/// Milliseconds of an hour.
const HOUR: i64 = 60 * Millis::MINUTE;

/// Counts what a question means.
pub(super) fn count(
    connection: &Connection,
    query: &EventQuery,
    by: &CountBy,
) -> Result<EventCounts, Error> {
    if *by == CountBy::Issue && query.filter == Expr::everything() {
        return by_issue_alone(connection, query);
    }
    let asked = Asked::new(connection, query)?;
    let mut tally = Tally {
        connection,
        query,
        sums: BTreeMap::new(),
        rows: 0,
        is_incomplete: asked.is_incomplete,
    };
    let values = match by {
        CountBy::Tag(name) => tally.values(&asked, name)?,
        _ => Vec::new(),
    };
    for span in partition::all(connection)?.iter().rev() {
        let mut found = asked.in_span(connection, span)?;
        if !found.is_empty() {
            found -= gone(connection, span, &asked)?;
        }
        tally.leave_out(span, &mut found)?;
        if found.is_empty() {
            continue;
        }
        let runs = Runs::of(connection, span.id)?;
        match by {
            CountBy::Nothing => tally.add(CountKey::All, found.len()),
            CountBy::Hour => {
                let all = hours_within(span, &(i64::MIN..=i64::MAX));
                for (hour, set) in runs.hours(connection, &all)? {
                    let at = Millis(hour.saturating_mul(HOUR));
                    tally.add(CountKey::Hour(at), found.intersection_len(&set));
                }
            }
            CountBy::Tag(_) => {
                for (value, numbers) in &values {
                    let mut set = RoaringBitmap::new();
                    for number in numbers {
                        set |= runs.set(connection, EVENTS, *number)?;
                    }
                    tally.add(CountKey::Tag(value.clone()), found.intersection_len(&set));
                }
            }
            CountBy::Issue => tally.issues(span, &found)?,
        }
    }
    Ok(tally.finish(by))
}

struct Tally<'a> {
    connection: &'a Connection,
    query: &'a EventQuery,
    sums: BTreeMap<CountKey, u64>,
    rows: u64,
    is_incomplete: bool,
}

impl Tally<'_> {
    fn add(&mut self, key: CountKey, events: u64) {
        if events > 0 {
            let sum = self.sums.entry(key).or_default();
            *sum = sum.saturating_add(events);
        }
    }

    /// Returns the most frequent values of a tag, each with its numbers in all projects.
    fn values(&mut self, asked: &Asked, name: &str) -> Result<Vec<(String, Vec<u64>)>, Error> {
        let scope = crate::store::index::TagScope::Projects(asked.projects.clone());
        let most = u32::try_from(MAX_KEYS).unwrap_or(u32::MAX);
        let mut values = Vec::new();
        for summary in tags::summaries(self.connection, &scope, Some(name), most)? {
            self.is_incomplete |= summary.unique > u64::from(most) || summary.others > 0;
            for value in summary.top {
                let of = |project: &_| key::tag_of(*project, name, &value.value);
                values.push((value.value.clone(), asked.projects.iter().map(of).collect()));
            }
        }
        Ok(values)
    }

    /// Leaves out what happened in the first or last hour, before or after the times asked for.
    fn leave_out(&mut self, span: &Span, found: &mut RoaringBitmap) -> Result<(), Error> {
        let Some(times) = &self.query.times else {
            return Ok(());
        };
        if found.is_empty() {
            return Ok(());
        }
        let (first, last) = (times.start().0, times.end().0);
        let is_whole = |edge: i64, hour: i64| edge == hour.saturating_mul(HOUR);
        let mut edges = Vec::new();
        let begins = first.div_euclid(HOUR);
        if !is_whole(first, begins) && first > span.min_happened.0 {
            edges.push(begins);
        }
        let ends = last.div_euclid(HOUR);
        if !is_whole(last.saturating_add(1), ends.saturating_add(1)) && last < span.max_happened.0 {
            edges.push(ends);
        }
        let runs = Runs::of(self.connection, span.id)?;
        for hour in edges {
            let of_hour = runs.hours(self.connection, &(hour..=hour))?;
            let Some(set) = of_hour.get(&hour) else {
                continue;
            };
            for offset in set & &*found {
                if self.rows >= MAX_ROWS {
                    self.is_incomplete = true;
                    found.remove(offset);
                    continue;
                }
                self.rows = self.rows.saturating_add(1);
                let select = format!("SELECT happened FROM events_{} WHERE seq = ?1", span.id);
                let seq = place(span.first, offset).to_i64();
                let at: Option<i64> = one(self.connection, &select, [seq], |row| Ok(row.get(0)?))?;
                if at.is_none_or(|at| at < first || at > last) {
                    found.remove(offset);
                }
            }
        }
        Ok(())
    }

    /// Counts by issue, row by row, the latest first.
    fn issues(&mut self, span: &Span, found: &RoaringBitmap) -> Result<(), Error> {
        let select = format!(
            "SELECT groups.issue FROM events_{} JOIN groups ON groups.id = group_id WHERE seq = ?1",
            span.id
        );
        for offset in found.iter().rev() {
            if self.rows >= MAX_ROWS {
                self.is_incomplete = true;
                return Ok(());
            }
            self.rows = self.rows.saturating_add(1);
            let seq = place(span.first, offset).to_i64();
            let issue = one(self.connection, &select, [seq], |row| {
                Ok(IssueId(counted(row.get(0)?)))
            })?;
            if let Some(issue) = issue {
                self.add(CountKey::Issue(issue), 1);
            }
        }
        Ok(())
    }

    fn finish(self, by: &CountBy) -> EventCounts {
        sorted(self.sums, by, self.is_incomplete)
    }
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
fn gone(connection: &Connection, span: &Span, asked: &Asked) -> Result<RoaringBitmap, Error> {
    let offset = |seq: i64| {
        let offset = Seq(counted(seq)).0.saturating_sub(span.first.0);
        u32::try_from(offset).unwrap_or(u32::MAX)
    };
    let mut gone = RoaringBitmap::new();
    let select = format!("SELECT seq FROM unindexed_{}", span.id);
    rows(connection, &select, [], |row| {
        gone.insert(offset(row.get(0)?));
        Ok(())
    })?;
    let runs = Runs::of(connection, span.id)?;
    let deleted = "SELECT id FROM deleted_groups";
    let deleted: Vec<u32> = rows(connection, deleted, [], |row| Ok(row.get(0)?))?;
    for group in deleted {
        gone |= runs.set(connection, EVENTS, key::group(GroupId(group)))?;
    }
    for project in &asked.projects {
        let floor = floors::of(connection, *project)?;
        if !floor.hides_from(span.opened) {
            continue;
        }
        if floor.received >= span.newest {
            gone |= runs.set(connection, EVENTS, key::project(*project))?;
            continue;
        }
        let select = format!(
            "SELECT seq FROM events_{} WHERE project = ?1 AND received <= ?2",
            span.id
        );
        rows(
            connection,
            &select,
            params![project.0, floor.received.0],
            |row| {
                gone.insert(offset(row.get(0)?));
                Ok(())
            },
        )?;
    }
    Ok(gone)
}

/// Counts by issue from the sums by hour, where nothing but projects and times is asked for.
fn by_issue_alone(connection: &Connection, query: &EventQuery) -> Result<EventCounts, Error> {
    let hour = |at: &Millis| at.minute().div_euclid(60);
    let times = query.times.as_ref();
    let (first, last) = times.map_or((i64::MIN, i64::MAX), |times| {
        (hour(times.start()), hour(times.end()))
    });
    let mut sums = BTreeMap::<CountKey, u64>::new();
    for span in partition::all(connection)? {
        let select = format!(
            "SELECT issue, sum(hours.events) FROM hours_{} AS hours
            JOIN groups ON groups.id = hours.group_id
            WHERE project = ?1 AND hour BETWEEN ?2 AND ?3 GROUP BY issue",
            span.id
        );
        if hour(&span.max_happened) < first || hour(&span.min_happened) > last {
            continue;
        }
        for project in &query.projects {
            rows(
                connection,
                &select,
                params![project.0, first, last],
                |row| {
                    let issue = CountKey::Issue(IssueId(counted(row.get(0)?)));
                    let sum = sums.entry(issue).or_default();
                    *sum = sum.saturating_add(counted(row.get(1)?));
                    Ok(())
                },
            )?;
        }
    }
    Ok(sorted(sums, &CountBy::Issue, false))
}
