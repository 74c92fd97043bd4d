//! Sessions: each counted once, in the minute when it began, and moved between states by updates.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rusqlite::{Connection, Transaction, params};

use super::connection::damaged;
use super::names::NameId;
use super::row::{counted, one, rows, stored};
use super::writer::Memory;
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::session::{SessionChange, SessionState, SessionTally};
use crate::model::time::Millis;
use crate::store::SessionTotals;

const FIND: &str =
    "SELECT minute, release, environment, state, sequence, errors, begun FROM sessions
    WHERE project = ?1 AND sid = ?2";

const PUT: &str = "INSERT OR REPLACE INTO sessions (project, sid, minute, release, environment,
    state, sequence, errors, user, received, duration_ms, begun)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

const BEGIN: &str = "UPDATE sessions SET begun = 1 WHERE project = ?1 AND sid = ?2";

const COUNT: &str = include_str!("sql/count_sessions.sql");

/// Where a session is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    project: ProjectId,
    minute: i64,
    release: NameId,
    environment: NameId,
}

/// Sessions to add to a place; negative ones leave it.
#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    total: i64,
    errored: i64,
    abnormal: i64,
    crashed: i64,
}

impl Moved {
    fn begin(&mut self) {
        self.total = self.total.saturating_add(1);
    }

    fn add(&mut self, state: SessionState, count: i64) {
        let sum = match state {
            SessionState::Errored => &mut self.errored,
            SessionState::Abnormal => &mut self.abnormal,
            SessionState::Crashed => &mut self.crashed,
            SessionState::Ok | SessionState::Exited => return,
        };
        *sum = sum.saturating_add(count);
    }
}

/// A session as its row has it.
struct Known {
    place: Place,
    told: SessionState,
    sequence: u64,
    errors: u64,
    begun: bool,
}

/// Writes what updates and sums change.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    changes: &[SessionChange],
    tallies: &[SessionTally],
) -> Result<(), Error> {
    let mut moved = BTreeMap::<Place, Moved>::new();
    for change in changes {
        update(transaction, memory, change, &mut moved)?;
    }
    for tally in tallies {
        let place = Place {
            project: tally.project,
            minute: tally.started.minute(),
            release: memory.names.intern(transaction, &tally.release)?,
            environment: memory.names.intern(transaction, &tally.environment)?,
        };
        let sum = moved.entry(place).or_default();
        for (state, count) in [
            (SessionState::Exited, tally.exited),
            (SessionState::Errored, tally.errored),
            (SessionState::Abnormal, tally.abnormal),
            (SessionState::Crashed, tally.crashed),
        ] {
            sum.total = sum.total.saturating_add(stored(count));
            sum.add(state, stored(count));
        }
    }
    write(transaction, &moved)
}

/// Writes to the sums what has moved.
fn write(transaction: &Transaction<'_>, moved: &BTreeMap<Place, Moved>) -> Result<(), Error> {
    let mut count = transaction.prepare_cached(COUNT)?;
    for (place, moved) in moved {
        count.execute(params![
            place.project.0,
            place.minute,
            place.release,
            place.environment,
            moved.total,
            moved.errored,
            moved.abnormal,
            moved.crashed
        ])?;
    }
    Ok(())
}

fn update(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    change: &SessionChange,
    moved: &mut BTreeMap<Place, Moved>,
) -> Result<(), Error> {
    if !memory.floors.shows(change.project, change.received) {
        return Ok(());
    }
    let known = find(transaction, change.project, change.sid)?;
    let was_begun = known.as_ref().is_some_and(|known| known.begun);
    let begins = change.begins && !was_begun;
    let told = change.state;
    // An errored session had an error, whatever the count says.
    let errors = change.errors.max(u64::from(told == SessionState::Errored));
    let (place, errors) = match &known {
        Some(known) if known.told.is_final() || change.sequence <= known.sequence => {
            if begins {
                moved.entry(known.place).or_default().begin();
                let name = params![change.project.0, change.sid];
                transaction.prepare_cached(BEGIN)?.execute(name)?;
            }
            return Ok(());
        }
        Some(known) => {
            let left = moved.entry(known.place).or_default();
            left.add(shown(known.told, known.errors), -1);
            (known.place, errors.max(known.errors))
        }
        None => {
            let place = Place {
                project: change.project,
                minute: change.started.minute(),
                release: memory.names.intern(transaction, &change.release)?,
                environment: memory.names.intern(transaction, &change.environment)?,
            };
            (place, errors)
        }
    };
    let entered = moved.entry(place).or_default();
    entered.add(shown(told, errors), 1);
    if begins {
        entered.begin();
    }
    transaction.prepare_cached(PUT)?.execute(params![
        change.project.0,
        change.sid,
        place.minute,
        place.release,
        place.environment,
        told.code(),
        stored(change.sequence),
        stored(errors),
        change.user,
        change.received.0,
        change.duration_ms.map(stored),
        was_begun || begins
    ])?;
    Ok(())
}

/// Returns as what a session counts that told a state.
fn shown(told: SessionState, errors: u64) -> SessionState {
    match told {
        SessionState::Ok | SessionState::Exited if errors > 0 => SessionState::Errored,
        told => told,
    }
}

fn find(
    connection: &Connection,
    project: ProjectId,
    sid: [u8; 16],
) -> Result<Option<Known>, Error> {
    one(connection, FIND, params![project.0, sid], |row| {
        Ok(Known {
            place: Place {
                project,
                minute: row.get(0)?,
                release: row.get(1)?,
                environment: row.get(2)?,
            },
            told: SessionState::from_code(row.get(3)?).ok_or_else(|| damaged("session state"))?,
            sequence: counted(row.get(4)?),
            errors: counted(row.get(5)?),
            begun: row.get(6)?,
        })
    })
}

/// Erases up to `most` sessions of a person, and takes them out of the sums; returns how many.
pub(super) fn erase_user(
    transaction: &Transaction<'_>,
    project: ProjectId,
    user: i64,
    most: usize,
) -> Result<u64, Error> {
    let select = "SELECT sid FROM sessions WHERE project = ?1 AND user = ?2 LIMIT ?3";
    let columns = params![project.0, user, stored(most as u64)];
    let sids: Vec<[u8; 16]> = rows(transaction, select, columns, |row| Ok(row.get(0)?))?;
    let mut moved = BTreeMap::<Place, Moved>::new();
    let mut delete =
        transaction.prepare_cached("DELETE FROM sessions WHERE project = ?1 AND sid = ?2")?;
    for sid in &sids {
        let Some(known) = find(transaction, project, *sid)? else {
            continue;
        };
        let left = moved.entry(known.place).or_default();
        left.add(shown(known.told, known.errors), -1);
        left.total = left.total.saturating_sub(i64::from(known.begun));
        delete.execute(params![project.0, sid])?;
    }
    write(transaction, &moved)?;
    Ok(sids.len() as u64)
}

/// Returns how a session stands.
pub(super) fn state(
    connection: &Connection,
    project: ProjectId,
    sid: [u8; 16],
) -> Result<Option<SessionState>, Error> {
    let known = find(connection, project, sid)?;
    Ok(known.map(|known| shown(known.told, known.errors)))
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
