//! Finds issues by conditions.

use std::collections::VecDeque;

use roaring::RoaringBitmap;
use rusqlite::{Connection, params};

use super::row::Reader;
use crate::error::Error;
use crate::model::ids::{IssueId, ProjectId};
use crate::model::issue::{Issue, IssueStatus};
use crate::store::index::members;
use crate::store::pick::{self, MAX_PASSED, MAX_ROWS, MAX_SORTED, Picker};
use crate::store::query::{
    IssueCursor, IssueOrder, IssuePage, IssuePredicate, IssueQuery, TextPattern,
};
use crate::store::sqlite::index::{SqliteShelf, ready};
use crate::store::sqlite::names;
use crate::store::sqlite::row::rows;

/// Issues that are read of one project and status at once: few at first.
const CHUNK: std::ops::RangeInclusive<u32> = 32..=2048;

/// Answers a question.
pub(super) fn search(connection: &Connection, query: &IssueQuery) -> Result<IssuePage, Error> {
    let mut reader = Reader::default();
    let mut projects = query.projects.clone();
    projects.sort_unstable();
    projects.dedup();
    let mut shown = Vec::new();
    for project in projects {
        if reader.shows(connection, project)? {
            shown.push(project);
        }
    }
    let picker = Picker::new(query);
    let mut sets = Vec::new();
    for predicate in picker.lookups() {
        sets.push(look_up(connection, &shown, predicate)?);
    }
    let candidates = picker.candidates(&sets);
    let mut search = Search {
        connection,
        query,
        reader,
        picker: &picker,
        sets: &sets,
        projects: &shown,
    };
    match candidates {
        Some(few) if few.len() <= MAX_SORTED => search.sort(&few),
        candidates => search.walk(candidates.as_ref()),
    }
}

struct Search<'a> {
    connection: &'a Connection,
    query: &'a IssueQuery,
    reader: Reader,
    picker: &'a Picker<'a>,
    sets: &'a [RoaringBitmap],
    projects: &'a [ProjectId],
}

impl Search<'_> {
    fn limit(&self) -> usize {
        usize::try_from(self.query.limit).unwrap_or(usize::MAX)
    }

    /// Fetches all candidates and sorts them.
    fn sort(&mut self, candidates: &RoaringBitmap) -> Result<IssuePage, Error> {
        let mut found: Vec<(i64, Issue)> = Vec::new();
        for id in candidates {
            let Some(issue) = self.reader.read(self.connection, i64::from(id))? else {
                continue;
            };
            let value = pick::value(self.query.order, &issue);
            if self.projects.contains(&issue.project)
                && pick::is_behind(self.query.after, value, issue.id)
                && self.picker.picks(&issue, self.sets)
            {
                found.push((value, issue));
            }
        }
        found.sort_unstable_by_key(|(value, issue)| std::cmp::Reverse((*value, issue.id)));
        let has_more = found.len() > self.limit();
        found.truncate(self.limit());
        let last = found.last().filter(|_| has_more);
        let next = last.map(|(value, issue)| IssueCursor {
            value: *value,
            id: issue.id,
        });
        let issues = found.into_iter().map(|(_, issue)| issue).collect();
        Ok(IssuePage { issues, next })
    }

    /// Walks over the issues in their order, within bounds.
    fn walk(&mut self, candidates: Option<&RoaringBitmap>) -> Result<IssuePage, Error> {
        let mut streams = Vec::new();
        for project in self.projects {
            for status in self.picker.statuses() {
                streams.push(Stream::new(*project, status, self.query.after));
            }
        }
        let mut page = IssuePage::default();
        let (mut looked_at, mut passed) = (0_usize, 0_usize);
        while let Some((value, id)) = next(self.connection, self.query.order, &mut streams)? {
            let is_candidate = u32::try_from(id)
                .is_ok_and(|id| candidates.is_none_or(|candidates| candidates.contains(id)));
            let cursor = IssueCursor {
                value,
                id: IssueId::from_i64(id).unwrap_or_default(),
            };
            passed = passed.saturating_add(1);
            if is_candidate {
                looked_at = looked_at.saturating_add(1);
                let issue = self.reader.read(self.connection, id)?;
                page.issues
                    .extend(issue.filter(|issue| self.picker.picks(issue, self.sets)));
            }
            let is_full = page.issues.len() >= self.limit();
            if is_full || looked_at >= MAX_ROWS || passed >= MAX_PASSED {
                page.next = Some(cursor);
                break;
            }
        }
        if page.next.is_some() && next(self.connection, self.query.order, &mut streams)?.is_none() {
            page.next = None;
        }
        Ok(page)
    }
}

/// The issues of one project and status, in order.
struct Stream {
    project: ProjectId,
    status: IssueStatus,
    after: Option<(i64, i64)>,
    ready: VecDeque<(i64, i64)>,
    chunk: u32,
    is_done: bool,
}

impl Stream {
    fn new(project: ProjectId, status: IssueStatus, after: Option<IssueCursor>) -> Self {
        Self {
            project,
            status,
            after: after.map(|after| (after.value, after.id.to_i64())),
            ready: VecDeque::new(),
            chunk: *CHUNK.start(),
            is_done: false,
        }
    }

    fn fill(&mut self, connection: &Connection, order: IssueOrder) -> Result<(), Error> {
        if self.is_done || !self.ready.is_empty() {
            return Ok(());
        }
        let (value, id) = self.after.unwrap_or((i64::MAX, i64::MAX));
        let of = (self.project.0, self.status.code());
        let read: Vec<(i64, i64)> = if order == IssueOrder::Priority {
            let (priority, time) = match self.after {
                Some(_) => pick::split_priority(value),
                None => (i64::MAX, i64::MAX),
            };
            let select = "SELECT priority, last_seen, id FROM issues
                WHERE project = ?1 AND status = ?2 AND (priority, last_seen, id) < (?3, ?4, ?5)
                ORDER BY priority DESC, last_seen DESC, id DESC LIMIT ?6";
            let columns = params![of.0, of.1, priority, time, id, self.chunk];
            rows(connection, select, columns, |row| {
                Ok((pick::priority_value(row.get(0)?, row.get(1)?), row.get(2)?))
            })?
        } else {
            let select = match order {
                IssueOrder::FirstSeen => {
                    "SELECT first_seen, id FROM issues
                    WHERE project = ?1 AND status = ?2 AND (first_seen, id) < (?3, ?4)
                    ORDER BY first_seen DESC, id DESC LIMIT ?5"
                }
                IssueOrder::Events => {
                    "SELECT events, id FROM issues
                    WHERE project = ?1 AND status = ?2 AND (events, id) < (?3, ?4)
                    ORDER BY events DESC, id DESC LIMIT ?5"
                }
                IssueOrder::Users => {
                    "SELECT users, id FROM issues
                    WHERE project = ?1 AND status = ?2 AND (users, id) < (?3, ?4)
                    ORDER BY users DESC, id DESC LIMIT ?5"
                }
                IssueOrder::LastSeen | IssueOrder::Priority => {
                    "SELECT last_seen, id FROM issues
                    WHERE project = ?1 AND status = ?2 AND (last_seen, id) < (?3, ?4)
                    ORDER BY last_seen DESC, id DESC LIMIT ?5"
                }
            };
            let columns = params![of.0, of.1, value, id, self.chunk];
            rows(connection, select, columns, |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
        };
        self.is_done = u32::try_from(read.len()).is_ok_and(|read| read < self.chunk);
        self.after = read.last().copied().or(self.after);
        self.ready = read.into();
        self.chunk = self.chunk.saturating_mul(2).min(*CHUNK.end());
        Ok(())
    }
}

/// Takes the greatest of all streams.
fn next(
    connection: &Connection,
    order: IssueOrder,
    streams: &mut [Stream],
) -> Result<Option<(i64, i64)>, Error> {
    for stream in &mut *streams {
        stream.fill(connection, order)?;
    }
    let greatest = streams
        .iter_mut()
        .max_by_key(|stream| stream.ready.front().copied());
    Ok(greatest.and_then(|stream| stream.ready.pop_front()))
}

/// Returns the issues that meet a condition.
fn look_up(
    connection: &Connection,
    projects: &[ProjectId],
    predicate: &IssuePredicate,
) -> Result<RoaringBitmap, Error> {
    use IssuePredicate as Is;
    let mut found = RoaringBitmap::new();
    let mut add = |id: i64| {
        if let Ok(id) = u32::try_from(id) {
            found.insert(id);
        }
    };
    match predicate {
        Is::Id(id) => add(id.to_i64()),
        Is::BookmarkedBy(person) | Is::SubscribedBy(person) => {
            let select = match predicate {
                Is::BookmarkedBy(_) => {
                    "SELECT issue FROM issue_marks WHERE person = ?1 AND bookmarked = 1"
                }
                _ => "SELECT issue FROM issue_marks WHERE person = ?1 AND subscribed = 1",
            };
            rows(connection, select, [person.as_str()], |row| Ok(row.get(0)?))?
                .into_iter()
                .for_each(add);
        }
        Is::Tag(name, test) => {
            let mut shelf = SqliteShelf::new(connection);
            return ready(members::issues_with_tag(&mut shelf, projects, name, test));
        }
        Is::Text(text) => {
            let mut shelf = SqliteShelf::new(connection);
            return ready(members::issues_with_text(&mut shelf, text));
        }
        _ => {
            for project in projects {
                ids_of(connection, *project, predicate)?
                    .into_iter()
                    .for_each(&mut add);
            }
        }
    }
    Ok(found)
}

fn ids_of(
    connection: &Connection,
    project: ProjectId,
    predicate: &IssuePredicate,
) -> Result<Vec<i64>, Error> {
    use IssuePredicate as Is;
    let project = project.0;
    let id = |row: &rusqlite::Row<'_>| Ok(row.get(0)?);
    match predicate {
        Is::Number(number) => {
            let select = "SELECT id FROM issues WHERE project = ?1 AND number = ?2";
            let number = i64::try_from(*number).unwrap_or(i64::MAX);
            rows(connection, select, params![project, number], id)
        }
        Is::IsAssigned => {
            let select = "SELECT id FROM issues WHERE project = ?1 AND assignee IS NOT NULL";
            rows(connection, select, [project], id)
        }
        Is::AssignedTo(actors) => {
            let select = "SELECT id FROM issues WHERE project = ?1 AND assignee = ?2";
            let mut all = Vec::new();
            for actor in actors {
                all.extend(rows(
                    connection,
                    select,
                    params![project, actor.as_str()],
                    id,
                )?);
            }
            Ok(all)
        }
        Is::FirstRelease(TextPattern::Equals(release))
        | Is::LastRelease(TextPattern::Equals(release)) => {
            let Some(name) = names::find(connection, release)?.filter(|name| *name != 0) else {
                return Ok(Vec::new());
            };
            let select = match predicate {
                Is::FirstRelease(_) => {
                    "SELECT id FROM issues
                    WHERE project = ?1 AND first_release = ?2 AND first_release <> 0"
                }
                _ => {
                    "SELECT id FROM issues
                    WHERE project = ?1 AND last_release = ?2 AND last_release <> 0"
                }
            };
            rows(connection, select, params![project, name], id)
        }
        _ => Ok(Vec::new()),
    }
}
