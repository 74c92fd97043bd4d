//! Outcomes: counts by minute; old ones by hour, then by day.

use std::collections::{BTreeMap, HashMap};

use mini_sentry::ratelimit::DataCategory;
use rusqlite::{Connection, Transaction, params};

use super::connection::damaged;
use super::names;
use super::row::{counted, rows, stored};
use super::writer::{Memory, counter, set_counter};
use crate::error::Error;
use crate::model::event::NewEvent;
use crate::model::ids::ProjectId;
use crate::model::outcome::{Outcome, OutcomeCount};
use crate::model::time::Millis;
use crate::store::query::{OutcomeFilter, OutcomeRow};

const ADD: &str = "INSERT INTO outcomes (project, minute, category, outcome, reason, key, quantity)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity";

const SUM: &str = include_str!("sql/outcomes.sql");
const ROLL: &str = include_str!("sql/roll_outcomes.sql");

/// The reason of duplicates.
const DUPLICATE: &str = "duplicate";

/// The reason of events that people want no more of.
const DISCARDED: &str = "discarded";

/// Each step of summing: from what age, to what length, both in minutes, and the counter that
/// tells how far it is.
const ROLLS: [(i64, i64, &str); 2] = [
    (3 * 24 * 60, 60, "rolled_hours"),
    (30 * 24 * 60, 24 * 60, "rolled_days"),
];

/// Events of a batch that were counted as accepted and are not stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Corrections {
    duplicates: Counts,
    discarded: Counts,
}

type Counts = HashMap<(ProjectId, DataCategory), u64>;

impl Corrections {
    /// Counts an event that was there already.
    pub(super) fn duplicate(&mut self, event: &NewEvent) {
        add_one(
            &mut self.duplicates,
            event.project,
            event.facts.kind.category(),
        );
    }

    /// Counts a transaction that was there already.
    pub(super) fn duplicate_transaction(&mut self, project: ProjectId) {
        add_one(&mut self.duplicates, project, DataCategory::Transaction);
    }

    /// Counts an event of a kind that nobody wants any more.
    pub(super) fn discarded(&mut self, event: &NewEvent) {
        add_one(
            &mut self.discarded,
            event.project,
            event.facts.kind.category(),
        );
    }
}

fn add_one(counts: &mut Counts, project: ProjectId, category: DataCategory) {
    let count = counts.entry((project, category)).or_default();
    *count = count.saturating_add(1);
}

/// Takes as many of a count as are left to correct.
fn take_from(counts: &mut Counts, count: &OutcomeCount, left: u64) -> u64 {
    if count.outcome != Outcome::Accepted {
        return 0;
    }
    let Some(wrong) = counts.get_mut(&(count.project, count.category)) else {
        return 0;
    };
    let taken = left.min(*wrong);
    *wrong = wrong.saturating_sub(taken);
    taken
}

/// Adds counts, those of duplicates as invalid ones and those of discarded events as filtered.
pub(super) fn add(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    counts: &[OutcomeCount],
    corrections: &Corrections,
) -> Result<(), Error> {
    let mut wrong = corrections.clone();
    let mut sums = BTreeMap::<_, u64>::new();
    let duplicate = memory.names.intern(transaction, DUPLICATE)?;
    let discarded = memory.names.intern(transaction, DISCARDED)?;
    for count in counts {
        let reason = memory.names.intern(transaction, &count.reason)?;
        let key = count.key.map_or(0, |key| key.0);
        let category = count.category.as_str();
        let place = (count.project.0, count.at.minute(), category);
        let moved = take_from(&mut wrong.duplicates, count, count.quantity);
        let kept = count.quantity.saturating_sub(moved);
        let dropped = take_from(&mut wrong.discarded, count, kept);
        let kept = kept.saturating_sub(dropped);
        let invalid = (place, Outcome::Invalid.code(), duplicate, key);
        let judged = (place, count.outcome.code(), reason, key);
        let filtered = (place, Outcome::Filtered.code(), discarded, key);
        for (sum, quantity) in [(invalid, moved), (filtered, dropped), (judged, kept)] {
            if quantity > 0 {
                let sum = sums.entry(sum).or_default();
                *sum = sum.saturating_add(quantity);
            }
        }
    }
    let mut insert = transaction.prepare_cached(ADD)?;
    for (((project, minute, category), outcome, reason, key), quantity) in sums {
        insert.execute(params![
            project,
            minute,
            category,
            outcome,
            reason,
            key,
            stored(quantity)
        ])?;
    }
    Ok(())
}

/// Returns sums by interval.
pub(super) fn sums(
    connection: &Connection,
    filter: &OutcomeFilter,
) -> Result<Vec<OutcomeRow>, Error> {
    let interval = i64::from(filter.interval_minutes.max(1));
    let (first, last) = (filter.times.start().minute(), filter.times.end().minute());
    let mut all = Vec::new();
    let mut projects = filter.projects.clone();
    projects.sort_unstable();
    projects.dedup();
    for project in projects {
        let columns = params![project.0, first, last, interval];
        all.extend(rows(connection, SUM, columns, |row| {
            let category: String = row.get(1)?;
            let bucket: i64 = row.get(0)?;
            let minute = bucket.saturating_mul(interval);
            Ok(OutcomeRow {
                at: Millis(minute.saturating_mul(Millis::MINUTE)),
                project,
                category: DataCategory::from_name(&category),
                outcome: Outcome::from_code(row.get(2)?).ok_or_else(|| damaged("outcome"))?,
                reason: names::text(connection, row.get(3)?)?,
                quantity: counted(row.get(4)?),
            })
        })?);
    }
    all.sort_by_key(|row| row.at);
    Ok(all)
}

/// Puts old counts together, those of one day of one step. Returns whether there may be more.
pub(super) fn roll(transaction: &Transaction<'_>, now: Millis) -> Result<bool, Error> {
    for (age, length, progress) in ROLLS {
        let end = (now.minute().saturating_sub(age)).div_euclid(24 * 60) * 24 * 60;
        let oldest = "SELECT min(minute) FROM (SELECT (SELECT min(minute) FROM outcomes
            WHERE outcomes.project = projects.id AND minute >= ?1) AS minute FROM projects)";
        let from = counter(transaction, progress)?;
        let oldest: Option<i64> = transaction
            .prepare_cached(oldest)?
            .query_row([from], |row| row.get(0))?;
        let Some(day) = oldest.map(|minute| minute.div_euclid(24 * 60) * 24 * 60) else {
            continue;
        };
        if day >= end {
            continue;
        }
        let next = day.saturating_add(24 * 60);
        let mut projects = transaction.prepare_cached("SELECT id FROM projects ORDER BY id")?;
        let projects = projects.query_map([], |row| row.get::<_, i64>(0))?;
        for project in projects.collect::<Result<Vec<_>, _>>()? {
            roll_project(transaction, project, day, next, length)?;
        }
        set_counter(transaction, progress, next)?;
        return Ok(true);
    }
    Ok(false)
}

fn roll_project(
    transaction: &Transaction<'_>,
    project: i64,
    day: i64,
    next: i64,
    length: i64,
) -> Result<(), Error> {
    let columns = params![project, day, next, length];
    let sums = rows(transaction, ROLL, columns, |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, i64>(2)?,
            row.get::<_, i64>(3)?,
            row.get::<_, i64>(4)?,
            row.get::<_, i64>(5)?,
        ))
    })?;
    let delete = "DELETE FROM outcomes WHERE project = ?1 AND minute >= ?2 AND minute < ?3";
    transaction
        .prepare_cached(delete)?
        .execute(params![project, day, next])?;
    let mut insert = transaction.prepare_cached(ADD)?;
    for (minute, category, outcome, reason, key, quantity) in sums {
        insert.execute(params![
            project, minute, category, outcome, reason, key, quantity
        ])?;
    }
    Ok(())
}
