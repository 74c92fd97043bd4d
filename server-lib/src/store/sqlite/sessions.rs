//! Sessions: how each stands.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, params};

use super::connection::damaged;
use super::row::{counted, one, rows, stored};
use super::session_sums::{self, Place};
use super::writer::Memory;
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::session::{SessionChange, SessionState, SessionTally};
use crate::model::time::Millis;
use crate::store::health::{Known, Moved, SESSION_AGE, turn};

/// Old sessions that one step forgets.
const FORGOTTEN: i64 = 1000;

const FIND: &str =
    "SELECT minute, release, environment, state, sequence, errors, begun, user, duration_ms, received
    FROM sessions WHERE project = ?1 AND sid = ?2";

const PUT: &str = "INSERT OR REPLACE INTO sessions (project, sid, minute, release, environment,
    state, sequence, errors, user, received, duration_ms, begun)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

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
        // Of a deleted project not even the latest is shown.
        if !memory.floors.shows(tally.project, Millis(i64::MAX)) {
            continue;
        }
        let place = Place {
            project: tally.project,
            minute: tally.started.minute(),
            release: memory.names.intern(transaction, &tally.release)?,
            environment: memory.names.intern(transaction, &tally.environment)?,
        };
        moved.entry(place).or_default().tally(tally);
    }
    session_sums::write(transaction, moved)
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
    let place = || {
        Ok(Place {
            project: change.project,
            minute: change.started.minute(),
            release: memory.names.intern(transaction, &change.release)?,
            environment: memory.names.intern(transaction, &change.environment)?,
        })
    };
    let Some(now) = turn(known.as_ref(), change, place, moved)? else {
        return Ok(());
    };
    transaction.prepare_cached(PUT)?.execute(params![
        change.project.0,
        change.sid,
        now.place.minute,
        now.place.release,
        now.place.environment,
        now.told.code(),
        stored(now.sequence),
        stored(now.errors),
        now.user,
        now.received.0,
        now.duration_ms.map(stored),
        now.begun
    ])?;
    Ok(())
}

fn find(
    connection: &Connection,
    project: ProjectId,
    sid: [u8; 16],
) -> Result<Option<Known<Place>>, Error> {
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
            user: row.get(7)?,
            duration_ms: row.get::<_, Option<i64>>(8)?.map(counted),
            received: Millis(row.get(9)?),
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
        moved.entry(known.place).or_default().erase(&known);
        delete.execute(params![project.0, sid])?;
    }
    session_sums::write(transaction, moved)?;
    Ok(sids.len() as u64)
}

/// Forgets some sessions that were not heard of for long.
pub(super) fn forget(transaction: &Transaction<'_>, now: Millis) -> Result<(), Error> {
    let forget = "DELETE FROM sessions WHERE (project, sid) IN
        (SELECT project, sid FROM sessions WHERE received < ?1 ORDER BY received LIMIT ?2)";
    let oldest = now.plus(-SESSION_AGE).0;
    transaction
        .prepare_cached(forget)?
        .execute(params![oldest, FORGOTTEN])?;
    Ok(())
}

/// Returns how a session stands.
pub(super) fn state(
    connection: &Connection,
    project: ProjectId,
    sid: [u8; 16],
) -> Result<Option<SessionState>, Error> {
    let known = find(connection, project, sid)?;
    Ok(known.map(|known| known.shown()))
}
