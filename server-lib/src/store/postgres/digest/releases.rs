//! Makes the releases known that events and sessions tell.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::model::event::NewEvent;
use crate::model::ids::ProjectId;
use crate::store::Batch;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{int, text};

/// Notes the releases of a batch, with the times of their events.
pub(super) async fn note(
    lease: &mut Lease,
    batch: &Batch,
    events: &[&NewEvent],
) -> Result<(), Error> {
    let mut told: BTreeMap<(ProjectId, &str), Option<(i64, i64)>> = BTreeMap::new();
    for session in &batch.sessions {
        told.entry((session.project, &session.release)).or_default();
    }
    for tally in &batch.tallies {
        told.entry((tally.project, &tally.release)).or_default();
    }
    for event in events {
        let at = event.facts.timestamp.0;
        let times = told
            .entry((event.project, &event.facts.release))
            .or_default();
        let (first, last) = times.unwrap_or((at, at));
        *times = Some((first.min(at), last.max(at)));
    }
    told.retain(|(_, release), _| !release.is_empty());
    if told.is_empty() {
        return Ok(());
    }
    let projects: Vec<_> = told.keys().map(|(project, _)| int(project.0)).collect();
    let versions: Vec<_> = told.keys().map(|(_, release)| text(release)).collect();
    let first: Vec<_> = told
        .values()
        .map(|times| times.map(|(first, _)| first))
        .collect();
    let last: Vec<_> = told
        .values()
        .map(|times| times.map(|(_, last)| last))
        .collect();
    lease
        .execute(
            "INSERT INTO releases AS r (project, version, created, url, reference, archived, \
             first_event, last_event) \
             SELECT n.project, n.version, $5, '', '', false, min(n.first_event), \
             max(n.last_event) FROM unnest($1::integer[], $2::text[], $3::bigint[], $4::bigint[]) \
             AS n (project, version, first_event, last_event) GROUP BY n.project, n.version \
             ORDER BY n.project, n.version \
             ON CONFLICT (project, version) DO UPDATE \
             SET first_event = LEAST(r.first_event, EXCLUDED.first_event), \
             last_event = GREATEST(r.last_event, EXCLUDED.last_event) \
             WHERE EXCLUDED.first_event IS NOT NULL",
            &[&projects, &versions, &first, &last, &batch.received.0],
        )
        .await?;
    Ok(())
}
