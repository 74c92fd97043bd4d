//! Ignored issues that come back without a further event of their own: because it is time, or
//! because they have become frequent.

use rusqlite::{Connection, Transaction, params};

use super::reopen;
use crate::error::Error;
use crate::model::ids::Seq;
use crate::model::issue::Reopened;
use crate::model::time::Millis;
use crate::store::sqlite::partition;
use crate::store::sqlite::row::{counted, one, rows};

/// Issues that one call looks at.
const MAX_LOOKED_AT: i64 = 500;
/// Days that are compared with the last one.
const DAYS: u64 = 7;
/// The last day has so many times the events of an average one …
const TIMES: u64 = 10;
/// … and at least so many.
const LEAST: u64 = 50;

/// Reports whether there may be something to do.
pub(super) fn is_anybody(connection: &Connection, now: Millis) -> Result<bool, Error> {
    let timed = "SELECT 1 FROM issues WHERE wake_at <= ?1 LIMIT 1";
    let escalating = "SELECT 1 FROM issues WHERE wake_escalating = 1 LIMIT 1";
    Ok(one(connection, timed, [now.0], |_| Ok(()))?.is_some()
        || one(connection, escalating, [], |_| Ok(()))?.is_some())
}

/// Opens the issues whose time has come, and those that have become frequent.
pub(super) fn wake_all(transaction: &Transaction<'_>, now: Millis) -> Result<Vec<Reopened>, Error> {
    let timed = "SELECT id FROM issues WHERE wake_at <= ?1 ORDER BY wake_at LIMIT ?2";
    let columns = params![now.0, MAX_LOOKED_AT];
    let timed: Vec<i64> = rows(transaction, timed, columns, |row| Ok(row.get(0)?))?;
    let mut woken = Vec::new();
    for issue in timed {
        woken.push(reopen::wake(transaction, issue, "time", Seq(0), now)?);
    }
    let waiting =
        "SELECT id FROM issues WHERE wake_escalating = 1 ORDER BY last_seen DESC LIMIT ?1";
    let waiting: Vec<i64> = rows(transaction, waiting, [MAX_LOOKED_AT], |row| Ok(row.get(0)?))?;
    for issue in waiting {
        if is_frequent(transaction, issue, now)? {
            woken.push(reopen::wake(transaction, issue, "escalating", Seq(0), now)?);
        }
    }
    Ok(woken)
}

fn is_frequent(connection: &Connection, issue: i64, now: Millis) -> Result<bool, Error> {
    let hour = now.minute().div_euclid(60);
    let day = hour.saturating_sub(24);
    let week = day.saturating_sub(24 * 7);
    let (mut lately, mut before) = (0_u64, 0_u64);
    for span in partition::all(connection)? {
        let count = format!(
            "SELECT coalesce(sum(hours.events), 0) FROM groups JOIN hours_{} AS hours
                ON hours.group_id = groups.id
            WHERE groups.issue = ?1 AND hours.hour > ?2 AND hours.hour <= ?3",
            span.id
        );
        for (sum, from, to) in [(&mut lately, day, hour), (&mut before, week, day)] {
            let events = one(connection, &count, params![issue, from, to], |row| {
                Ok(counted(row.get(0)?))
            })?;
            *sum = sum.saturating_add(events.unwrap_or(0));
        }
    }
    let bound = before.saturating_mul(TIMES) / DAYS;
    Ok(lately >= LEAST && lately > bound)
}
