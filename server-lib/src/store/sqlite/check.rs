//! Looks for damage: in the file, and between tables that must agree.

use rusqlite::Connection;

use super::partition::{self, Span};
use super::row::{counted, one, rows};
use super::sums::GRAINS;
use super::writer::counter;
use crate::error::Error;

/// Returns what is wrong, one line each.
pub(super) fn check(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut findings = rows(connection, "PRAGMA quick_check(20)", [], |row| {
        Ok(row.get::<_, String>(0)?)
    })?;
    findings.retain(|finding| finding != "ok");
    let orphans = rows(connection, "PRAGMA foreign_key_check", [], |row| {
        let table: String = row.get(0)?;
        Ok(format!(
            "a row of {table} belongs to a row that is not there"
        ))
    })?;
    findings.extend(orphans);
    if findings.is_empty() {
        agreement(connection, &mut findings)?;
    }
    Ok(findings)
}

fn agreement(connection: &Connection, findings: &mut Vec<String>) -> Result<(), Error> {
    let position = counted(counter(connection, "position")?);
    let mut before: Option<Span> = None;
    for span in partition::all(connection)? {
        let id = span.id;
        if position < span.last.0 {
            let last = span.last;
            findings.push(format!(
                "partition {id} ends at {last}, digest at {position}"
            ));
        }
        if before.is_some_and(|before| before.last >= span.first) {
            findings.push(format!("partition {id} overlaps the one before"));
        }
        before = Some(span);
        let outside = format!(
            "SELECT count(*) FROM events_{id} WHERE seq < ?1 OR seq > ?2
                OR group_id NOT IN
                    (SELECT id FROM groups UNION ALL SELECT id FROM deleted_groups)"
        );
        let columns = [span.first.to_i64(), span.last.to_i64()];
        match one(connection, &outside, columns, |row| Ok(row.get(0)?))? {
            Some(0) | None => (),
            Some(count) => {
                let count: i64 = count;
                findings.push(format!("{count} events of partition {id} belong nowhere"));
            }
        }
        numbers(connection, &span, findings)?;
    }
    Ok(())
}

/// Compares the numbers that stand for the same rows.
fn numbers(connection: &Connection, span: &Span, findings: &mut Vec<String>) -> Result<(), Error> {
    let id = span.id;
    for (table, noted) in [("events", span.events), ("items", span.items)] {
        let count = format!("SELECT count(*) FROM {table}_{id}");
        let count = one(connection, &count, [], |row| Ok(row.get(0)?))?;
        let count = counted(count.unwrap_or(0));
        if count != noted {
            findings.push(format!(
                "partition {id} has {count} {table} and notes {noted}"
            ));
        }
    }
    for grain in GRAINS {
        let sum = format!("SELECT coalesce(sum(events), 0) FROM counts_{id} WHERE grain = ?1");
        let sum = one(connection, &sum, [grain], |row| Ok(row.get(0)?))?;
        let sum = counted(sum.unwrap_or(0));
        if sum != span.events {
            let events = span.events;
            findings.push(format!(
                "the sums of {grain} minutes of partition {id} are {sum} of {events}"
            ));
        }
    }
    Ok(())
}
