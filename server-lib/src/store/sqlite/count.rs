//! Counts events from the sums of whole days, hours and minutes, and from the index where the times
//! asked for begin or end within a minute.

use rusqlite::{Connection, params};

use super::partition::Span;
use super::question::Question;
use super::row::{counted, one};
use super::sums::GRAINS;
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;

/// Counts the events that a question asks for.
pub(super) fn count(
    connection: &Connection,
    question: &Question,
    spans: &[Span],
) -> Result<u64, Error> {
    let mut sum = 0_u64;
    for span in spans {
        let Some((first, last)) = question.within(span) else {
            continue;
        };
        let counter = Counter {
            connection,
            question,
            span,
        };
        for (project, floor) in &question.projects {
            let hidden = floor.hides_from(span.opened).then_some(floor.received);
            let part = match hidden {
                Some(floor) if floor >= span.newest => 0,
                Some(_) => counter.scan(*project, first, last, hidden)?,
                None if question.groups.is_some() => counter.edge(*project, first, last)?,
                None => counter.sums(*project, first, last)?,
            };
            sum = sum.saturating_add(part);
        }
    }
    Ok(sum)
}

struct Counter<'a> {
    connection: &'a Connection,
    question: &'a Question,
    span: &'a Span,
}

impl Counter<'_> {
    /// Counts from sums, and the edges from the index.
    fn sums(&self, project: ProjectId, first: i64, last: i64) -> Result<u64, Error> {
        // No event lies beyond the partition's own times, so its first and last minute are whole.
        let begin = match first <= self.span.min_happened.0 {
            true => Millis(first).minute(),
            false => Millis(first.saturating_sub(1)).minute().saturating_add(1),
        };
        let end = match last >= self.span.max_happened.0 {
            true => Millis(last).minute().saturating_add(1),
            false => Millis(last.saturating_add(1)).minute(),
        };
        if end <= begin {
            return self.edge(project, first, last);
        }
        let before = begin.saturating_mul(Millis::MINUTE).saturating_sub(1);
        let after = end.saturating_mul(Millis::MINUTE);
        let mut sum = self.buckets(project, 2, begin, end)?;
        if first <= before {
            sum = sum.saturating_add(self.edge(project, first, before.min(last))?);
        }
        if after <= last {
            sum = sum.saturating_add(self.edge(project, after.max(first), last)?);
        }
        Ok(sum)
    }

    /// Adds up the minutes from `begin` to before `end`, in the largest intervals that fit, of the
    /// grain and the smaller ones.
    fn buckets(
        &self,
        project: ProjectId,
        grain: usize,
        begin: i64,
        end: i64,
    ) -> Result<u64, Error> {
        let Some(length) = GRAINS.get(grain).copied() else {
            return Ok(0);
        };
        if end <= begin {
            return Ok(0);
        }
        let from = begin.saturating_add(length - 1).div_euclid(length);
        let to = end.div_euclid(length);
        let Some(smaller) = grain.checked_sub(1) else {
            return self.sum(project, length, from, to);
        };
        if to <= from {
            return self.buckets(project, smaller, begin, end);
        }
        let middle = self.sum(project, length, from, to)?;
        let before = self.buckets(project, smaller, begin, from.saturating_mul(length))?;
        let after = self.buckets(project, smaller, to.saturating_mul(length), end)?;
        Ok(middle.saturating_add(before).saturating_add(after))
    }

    /// Adds up the intervals from `from` to before `to`.
    fn sum(&self, project: ProjectId, grain: i64, from: i64, to: i64) -> Result<u64, Error> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT level, environment, release, events FROM counts_{}
            WHERE project = ?1 AND grain = ?2 AND bucket >= ?3 AND bucket < ?4",
            self.span.id
        ))?;
        let mut rows = select.query(params![project.0, grain, from, to])?;
        let mut sum = 0_u64;
        while let Some(row) = rows.next()? {
            if self.question.matches(row.get(0)?, row.get(1)?, row.get(2)?) {
                sum = sum.saturating_add(counted(row.get(3)?));
            }
        }
        Ok(sum)
    }

    /// Counts in the index.
    fn edge(&self, project: ProjectId, first: i64, last: i64) -> Result<u64, Error> {
        if self.question.is_narrow() {
            return self.scan(project, first, last, None);
        }
        let mut sum = 0_u64;
        for (column, owner) in self.question.owners(project) {
            let select = format!(
                "SELECT count(*) FROM events_{} WHERE {column} = ?1 AND happened BETWEEN ?2 AND ?3",
                self.span.id
            );
            let columns = params![owner, first, last];
            let count = one(self.connection, &select, columns, |row| Ok(row.get(0)?))?;
            sum = sum.saturating_add(counted(count.unwrap_or(0)));
        }
        Ok(sum)
    }

    /// Counts rows one by one, those that arrived after the floor.
    fn scan(
        &self,
        project: ProjectId,
        first: i64,
        last: i64,
        floor: Option<Millis>,
    ) -> Result<u64, Error> {
        let floor = floor.map_or(i64::MIN, |floor| floor.0);
        let mut count = 0_u64;
        for (column, owner) in self.question.owners(project) {
            let mut select = self.connection.prepare_cached(&format!(
                "SELECT level, environment, release FROM events_{}
                WHERE {column} = ?1 AND happened BETWEEN ?2 AND ?3 AND received > ?4",
                self.span.id
            ))?;
            let mut rows = select.query(params![owner, first, last, floor])?;
            while let Some(row) = rows.next()? {
                if self.question.matches(row.get(0)?, row.get(1)?, row.get(2)?) {
                    count = count.saturating_add(1);
                }
            }
        }
        Ok(count)
    }
}
