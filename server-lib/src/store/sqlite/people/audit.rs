//! The audit log.

use rusqlite::{Connection, Row, Transaction, params};

use super::super::connection::damaged;
use super::super::row::{rows, stored};
use crate::error::Error;
use crate::model::ids::{AuditId, OrganisationId, ProjectId, TokenId, UserId};
use crate::model::people::{AuditActor, AuditEntry, AuditNote};
use crate::model::time::Millis;
use crate::store::people::EndedPeople;

/// Writes an entry.
pub(super) fn note(transaction: &Transaction<'_>, note: &AuditNote) -> Result<(), Error> {
    let insert = "INSERT INTO audit_log
        (organisation, at, user, token, actor, action, target, project, address)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let columns = params![
        note.organisation.0,
        note.at.0,
        note.actor.user.map(|user| user.0),
        note.actor.token.map(|token| token.0),
        note.actor.label,
        note.action,
        note.target,
        note.project.map(|project| project.0),
        note.address
    ];
    transaction.execute(insert, columns)?;
    Ok(())
}

/// Returns entries, newest first.
pub(super) fn list(
    connection: &Connection,
    organisation: OrganisationId,
    before: Option<AuditId>,
    limit: u64,
) -> Result<Vec<AuditEntry>, Error> {
    let select = "SELECT id, organisation, at, user, token, actor, action, target, project, address
        FROM audit_log WHERE organisation = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    let before = before.map_or(i64::MAX, AuditId::to_i64);
    let asked = params![organisation.0, before, stored(limit)];
    rows(connection, select, asked, entry)
}

/// Forgets what is old, and what is more than the log may hold.
pub(super) fn forget(transaction: &Transaction<'_>, ended: EndedPeople) -> Result<u64, Error> {
    let delete = "DELETE FROM audit_log WHERE at < ?1
        OR id <= (SELECT id FROM audit_log ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    let gone = transaction.execute(delete, params![ended.noted.0, stored(ended.entries)])?;
    Ok(gone as u64)
}

fn entry(row: &Row<'_>) -> Result<AuditEntry, Error> {
    let user: Option<u32> = row.get(3)?;
    let token: Option<u32> = row.get(4)?;
    let project: Option<u32> = row.get(8)?;
    Ok(AuditEntry {
        id: AuditId::from_i64(row.get(0)?).ok_or_else(|| damaged("entry number"))?,
        note: AuditNote {
            organisation: OrganisationId(row.get(1)?),
            at: Millis(row.get(2)?),
            actor: AuditActor {
                user: user.map(UserId),
                token: token.map(TokenId),
                label: row.get(5)?,
            },
            action: row.get(6)?,
            target: row.get(7)?,
            project: project.map(ProjectId),
            address: row.get(9)?,
        },
    })
}
