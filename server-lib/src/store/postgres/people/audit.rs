//! The audit log.

use tokio_postgres::Row;

use super::super::failure::corrupt;
use super::super::pool::Lease;
use super::super::row::{big, count, get, int, number, text};
use super::next;
use crate::error::Error;
use crate::model::ids::{AuditId, OrganisationId, ProjectId, TokenId, UserId};
use crate::model::people::{AuditActor, AuditEntry, AuditNote};
use crate::model::time::Millis;
use crate::store::people::EndedPeople;

const ENTRIES: &str = "SELECT id, organisation, at, person, token, actor, action, target, \
                       project, address FROM audit_log \
                       WHERE organisation = $1 AND id < $2 ORDER BY id DESC LIMIT $3";

/// Writes an entry.
pub(super) async fn note(lease: &mut Lease, note: &AuditNote) -> Result<(), Error> {
    let id = i64::from(next(lease, "audit").await?);
    lease
        .execute(
            "INSERT INTO audit_log \
             (id, organisation, at, person, token, actor, action, target, project, address) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &id,
                &int(note.organisation.0),
                &note.at.0,
                &note.actor.user.map(|user| int(user.0)),
                &note.actor.token.map(|token| int(token.0)),
                &text(&note.actor.label),
                &text(&note.action),
                &text(&note.target),
                &note.project.map(|project| int(project.0)),
                &text(&note.address),
            ],
        )
        .await?;
    Ok(())
}

/// Returns entries, newest first.
pub(super) async fn list(
    lease: &mut Lease,
    organisation: OrganisationId,
    before: Option<AuditId>,
    limit: u64,
) -> Result<Vec<AuditEntry>, Error> {
    let before = before.map_or(i64::MAX, AuditId::to_i64);
    let rows = lease
        .query(ENTRIES, &[&int(organisation.0), &before, &big(limit)])
        .await?;
    rows.iter().map(entry).collect()
}

/// Forgets what is old, and what is more than the log may hold.
pub(super) async fn forget(lease: &mut Lease, ended: EndedPeople) -> Result<u64, Error> {
    lease
        .execute(
            "DELETE FROM audit_log WHERE at < $1 \
             OR id <= (SELECT id FROM audit_log ORDER BY id DESC LIMIT 1 OFFSET $2)",
            &[&ended.noted.0, &big(ended.entries)],
        )
        .await
}

fn entry(row: &Row) -> Result<AuditEntry, Error> {
    let own = |column| -> Result<Option<u32>, Error> {
        let value: Option<i32> = get(row, column)?;
        let value = value.map(u32::try_from).transpose();
        value.map_err(|_| corrupt("number"))
    };
    Ok(AuditEntry {
        id: AuditId(count(row, 0)?),
        note: AuditNote {
            organisation: OrganisationId(number(row, 1)?),
            at: Millis(get(row, 2)?),
            actor: AuditActor {
                user: own(3)?.map(UserId),
                token: own(4)?.map(TokenId),
                label: get(row, 5)?,
            },
            action: get(row, 6)?,
            target: get(row, 7)?,
            project: own(8)?.map(ProjectId),
            address: get(row, 9)?,
        },
    })
}
