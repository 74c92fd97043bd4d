//! Sums of sessions by project, minute, release and environment, with who had them and how long
//! they took.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rusqlite::{Connection, Row, Transaction, params};

use super::connection::damaged;
use super::names::NameId;
use super::row::{counted, one, rows, stored};
use super::writer::{counter, set_counter};
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;
use crate::store::SessionTotals;
use crate::store::health::{
    Detail, Kept, Moved, ROLLS, Roll, Rolled, STEPS, oldest_kept, together,
};

/// Old sums of a project that one step removes.
const REMOVED: i64 = 1000;

const COUNT: &str = include_str!("sql/count_sessions.sql");

/// Where a session is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Whose it is.
    pub(super) project: ProjectId,
    /// The minute in which it began.
    pub(super) minute: i64,
    /// Its release.
    pub(super) release: NameId,
    /// Its environment.
    pub(super) environment: NameId,
}

/// Writes to the sums what has moved.
pub(super) fn write(
    transaction: &Transaction<'_>,
    moved: BTreeMap<Place, Moved>,
) -> Result<(), Error> {
    if moved.is_empty() {
        return Ok(());
    }
    let rolled = rolled(transaction)?;
    let mut sums = BTreeMap::<Place, Moved>::new();
    for (place, moved) in moved {
        let minute = rolled.place(place.minute);
        sums.entry(Place { minute, ..place })
            .or_default()
            .add(moved);
    }
    for (place, moved) in &sums {
        let mut detail = None;
        if moved.has_detail() {
            let known = detail.insert(detail_at(transaction, *place)?.unwrap_or_default());
            moved.apply(known);
        }
        let counts = [moved.total, moved.errored, moved.abnormal, moved.crashed];
        put(transaction, *place, &Kept { counts, detail })?;
    }
    Ok(())
}

/// Adds counts to a row, and sets its detail where there is one.
fn put(connection: &Connection, place: Place, kept: &Kept) -> Result<(), Error> {
    let [total, errored, abnormal, crashed] = kept.counts;
    connection.prepare_cached(COUNT)?.execute(params![
        place.project.0,
        place.minute,
        place.release,
        place.environment,
        total,
        errored,
        abnormal,
        crashed,
        kept.detail.as_ref().map(Detail::to_bytes)
    ])?;
    Ok(())
}

fn detail_at(connection: &Connection, place: Place) -> Result<Option<Detail>, Error> {
    let select = "SELECT detail FROM session_counts
        WHERE project = ?1 AND minute = ?2 AND release = ?3 AND environment = ?4";
    let columns = params![
        place.project.0,
        place.minute,
        place.release,
        place.environment
    ];
    let found = one(connection, select, columns, |row| detail(row, 0))?;
    Ok(found.flatten())
}

/// Reads a column that holds a detail, or nothing.
pub(super) fn detail(row: &Row<'_>, column: usize) -> Result<Option<Detail>, Error> {
    let Some(bytes) = row
        .get_ref(column)?
        .as_blob_or_null()
        .map_err(|_| broken())?
    else {
        return Ok(None);
    };
    Detail::from_bytes(bytes).map(Some).ok_or_else(broken)
}

fn broken() -> Error {
    damaged("detail of sessions")
}

fn rolled(connection: &Connection) -> Result<Rolled, Error> {
    let [hours, days] = ROLLS;
    Ok(Rolled {
        hours: counter(connection, hours.counter)?,
        days: counter(connection, days.counter)?,
    })
}

/// Forgets a person in up to `most` rows behind a place; returns the last place that was looked at,
/// if there may be more.
pub(super) fn forget_person(
    transaction: &Transaction<'_>,
    (project, user): (ProjectId, i64),
    after: Option<(i64, NameId, NameId)>,
    most: usize,
) -> Result<Option<(i64, NameId, NameId)>, Error> {
    let (minute, release, environment) = after.unwrap_or((i64::MIN, 0, 0));
    let select = "SELECT minute, release, environment, detail FROM session_counts
        WHERE project = ?1 AND (minute, release, environment) > (?2, ?3, ?4)
        AND detail IS NOT NULL ORDER BY minute, release, environment LIMIT ?5";
    let columns = params![project.0, minute, release, environment, stored(most as u64)];
    let found = rows(transaction, select, columns, |row| {
        Ok(((row.get(0)?, row.get(1)?, row.get(2)?), detail(row, 3)?))
    })?;
    let last = found.last().map(|(place, _)| *place);
    let is_whole = found.len() < most;
    let set = "UPDATE session_counts SET detail = ?5
        WHERE project = ?1 AND minute = ?2 AND release = ?3 AND environment = ?4";
    let mut set = transaction.prepare_cached(set)?;
    for ((minute, release, environment), detail) in found {
        let (minute, release, environment): (i64, NameId, NameId) = (minute, release, environment);
        if let Some(mut detail) = detail
            && detail.forget(user)
        {
            let bytes = detail.to_bytes();
            set.execute(params![project.0, minute, release, environment, bytes])?;
        }
    }
    Ok(last.filter(|_| !is_whole))
}

/// Puts some old sums together, and removes some that are too old.
pub(super) fn roll(transaction: &Transaction<'_>, now: Millis) -> Result<(), Error> {
    let mut projects = transaction.prepare_cached("SELECT id FROM projects ORDER BY id")?;
    let projects = projects.query_map([], |row| row.get(0).map(ProjectId))?;
    let projects = projects.collect::<Result<Vec<_>, _>>()?;
    for step in ROLLS {
        for _ in 0..STEPS {
            if !roll_piece(transaction, &projects, step, now)? {
                break;
            }
        }
    }
    let delete = "DELETE FROM session_counts WHERE project = ?1 AND minute IN
        (SELECT minute FROM session_counts WHERE project = ?1 AND minute < ?2 LIMIT ?3)";
    let mut delete = transaction.prepare_cached(delete)?;
    for project in projects {
        delete.execute(params![project.0, oldest_kept(now), REMOVED])?;
    }
    Ok(())
}

/// Puts the next hour or day together; false when there is none.
fn roll_piece(
    transaction: &Transaction<'_>,
    projects: &[ProjectId],
    step: Roll,
    now: Millis,
) -> Result<bool, Error> {
    let from = counter(transaction, step.counter)?;
    let find = "SELECT min(minute) FROM session_counts WHERE project = ?1 AND minute >= ?2";
    let mut oldest: Option<i64> = None;
    for project in projects {
        let found = one(transaction, find, params![project.0, from], |row| {
            Ok(row.get(0)?)
        })?;
        let found: Option<i64> = found.flatten();
        oldest = oldest.into_iter().chain(found).min();
    }
    let Some((first, last)) = oldest.and_then(|oldest| step.piece(oldest, now)) else {
        return Ok(false);
    };
    let select = "SELECT release, environment, total, errored, abnormal, crashed, detail
        FROM session_counts WHERE project = ?1 AND minute BETWEEN ?2 AND ?3";
    let delete = "DELETE FROM session_counts WHERE project = ?1 AND minute BETWEEN ?2 AND ?3";
    for project in projects {
        let columns = params![project.0, first, last];
        let found = rows(transaction, select, columns, |row| {
            let names: (NameId, NameId) = (row.get(0)?, row.get(1)?);
            let counts = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
            let detail = detail(row, 6)?;
            Ok((names, Kept { counts, detail }))
        })?;
        transaction.prepare_cached(delete)?.execute(columns)?;
        for ((release, environment), kept) in together(found) {
            let place = Place {
                project: *project,
                minute: first,
                release,
                environment,
            };
            put(transaction, place, &kept)?;
        }
    }
    set_counter(transaction, step.counter, last.saturating_add(1))?;
    Ok(true)
}

/// Returns sums of the sessions that began in the minutes of the times.
pub(super) fn totals(
    connection: &Connection,
    project: ProjectId,
    times: &RangeInclusive<Millis>,
) -> Result<SessionTotals, Error> {
    let sum = "SELECT coalesce(sum(total), 0), coalesce(sum(errored), 0),
        coalesce(sum(abnormal), 0), coalesce(sum(crashed), 0)
        FROM session_counts WHERE project = ?1 AND minute BETWEEN ?2 AND ?3";
    let columns = params![project.0, times.start().minute(), times.end().minute()];
    let totals = one(connection, sum, columns, |row| {
        Ok(SessionTotals {
            total: counted(row.get(0)?),
            errored: counted(row.get(1)?),
            abnormal: counted(row.get(2)?),
            crashed: counted(row.get(3)?),
        })
    })?;
    Ok(totals.unwrap_or_default())
}
