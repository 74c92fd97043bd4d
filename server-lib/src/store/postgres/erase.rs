//! Taking events and items out of the index: rows go, sums are corrected, bodies are marked.

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::digest::{BEGIN, Counted, LOCK, add_events, lost_items, mark_dead, sessions};
use super::index::purging;
use super::issues::remove;
use super::pool::{Lease, Pool};
use super::row::{Sixteen, big, get, int, seq};
use super::session_sums;
use crate::error::Error;
use crate::model::ids::{ProjectId, Seq};
use crate::model::time::Millis;

/// Rows that one transaction takes out at most, so that digest never waits long.
const CHUNK: usize = 500;
/// Events of one person that are looked up at once.
const LOOKED_UP: i64 = 100_000;

/// Erases events or items by place, with the items that belong to the events.
pub(super) async fn by_place(lease: &mut Lease, seqs: &[Seq]) -> Result<u64, Error> {
    let mut erased = 0_u64;
    for chunk in seqs.chunks(CHUNK) {
        let chunk: Vec<_> = chunk.iter().map(|seq| seq.to_i64()).collect();
        lease.begin(BEGIN).await?;
        lease.query(LOCK, &[]).await?;
        let mut gone = Vec::new();
        let events = delete_events(lease, &chunk).await?;
        for row in &events {
            gone.push(seq(row, 1)?);
        }
        let mut parts = Vec::new();
        for row in delete_items_of(lease, &events).await? {
            gone.push(seq(&row, 0)?);
            parts.push(get(&row, 1)?);
        }
        let items = lease
            .query(
                "DELETE FROM items WHERE seq = ANY($1) RETURNING seq, part",
                &[&chunk],
            )
            .await?;
        for row in &items {
            gone.push(seq(row, 0)?);
            parts.push(get(row, 1)?);
        }
        lost_items(lease, &parts).await?;
        mark_dead(lease, &gone).await?;
        let owners = events
            .iter()
            .map(|row| Ok((get(row, 1)?, get(row, 2)?, get(row, 3)?)));
        let owners = owners.collect::<Result<Vec<_>, Error>>()?;
        purging::note_events(lease, &owners).await?;
        let groups = events.iter().map(|row| get::<i64>(row, 3));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        remove::remove_empty(lease, &groups).await?;
        lease.commit().await?;
        erased = erased.saturating_add(gone.len() as u64);
    }
    Ok(erased)
}

/// Erases the events and the sessions of a person.
pub(super) async fn by_person(
    lease: &mut Lease,
    project: ProjectId,
    person: i64,
) -> Result<u64, Error> {
    let mut erased = 0_u64;
    loop {
        let rows = lease
            .query(
                "SELECT seq FROM events WHERE project = $1 AND person = $2 LIMIT $3",
                &[&int(project.0), &person, &LOOKED_UP],
            )
            .await?;
        if rows.is_empty() {
            break;
        }
        let seqs = rows.iter().map(|row| seq(row, 0));
        let seqs = seqs.collect::<Result<Vec<_>, _>>()?;
        erased = erased.saturating_add(by_place(lease, &seqs).await?);
    }
    erased = erased.saturating_add(sessions_of(lease, project, person).await?);
    Ok(erased)
}

/// Erases the sessions of a person, and the person in the sums.
async fn sessions_of(lease: &mut Lease, project: ProjectId, person: i64) -> Result<u64, Error> {
    let mut erased = 0_u64;
    let chunk = big(CHUNK as u64);
    loop {
        lease.begin(BEGIN).await?;
        lease.query(LOCK, &[]).await?;
        let gone = sessions::erase(lease, project, person, chunk).await?;
        lease.commit().await?;
        erased = erased.saturating_add(gone);
        if gone < CHUNK as u64 {
            break;
        }
    }
    let mut after = None;
    loop {
        lease.begin(BEGIN).await?;
        lease.query(LOCK, &[]).await?;
        after = session_sums::forget_person(lease, (project, person), after, chunk).await?;
        lease.commit().await?;
        if after.is_none() {
            return Ok(erased);
        }
    }
}

/// Removes up to `limit` rows that are hidden. Their bodies are dead by the project's mark.
pub(super) async fn sweep(
    pool: &std::sync::Arc<Pool>,
    limit: u64,
    now: Millis,
) -> Result<u64, Error> {
    let mut lease = pool.lend().await?;
    let limit = big(limit.min(CHUNK as u64));
    lease.begin(BEGIN).await?;
    lease.query(LOCK, &[]).await?;
    let rows = lease
        .query(
            "SELECT e.seq FROM hidden h CROSS JOIN LATERAL (SELECT seq FROM events \
             WHERE project = h.project AND received <= h.received LIMIT $1) AS e LIMIT $1",
            &[&limit],
        )
        .await?;
    let events = places(&rows)?;
    let deleted = delete_events(&mut lease, &events).await?;
    let mut removed = deleted.len() as u64;
    if removed > 0 {
        note_late(&mut lease, &deleted).await?;
    }
    let left = limit.saturating_sub(big(removed));
    let rows = lease
        .query(
            "SELECT i.seq FROM hidden h CROSS JOIN LATERAL (SELECT seq FROM items \
             WHERE project = h.project AND received <= h.received LIMIT $1) AS i LIMIT $1",
            &[&left],
        )
        .await?;
    let items = places(&rows)?;
    let sql = "DELETE FROM items WHERE seq = ANY($1) RETURNING part";
    let gone = lease.query(sql, &[&items]).await?;
    let parts: Result<Vec<i32>, _> = gone.iter().map(|row| get(row, 0)).collect();
    lost_items(&mut lease, &parts?).await?;
    removed = removed.saturating_add(gone.len() as u64);
    if removed == 0 {
        forget_deleted_projects(&mut lease).await?;
        sessions::forget(&mut lease, now).await?;
        session_sums::roll(&mut lease, now).await?;
        let condemned = remove::condemned(&mut lease, limit).await?;
        if !condemned.is_empty() {
            lease.commit().await?;
            let condemned: Vec<_> = condemned.into_iter().filter_map(Seq::from_i64).collect();
            return by_place(&mut lease, &condemned).await;
        }
    }
    lease.commit().await?;
    Ok(removed)
}

/// Marks partitions again that got events of a project after it was deleted.
async fn note_late(lease: &mut Lease, deleted: &[Row]) -> Result<(), Error> {
    let mut projects: Vec<i32> = Vec::new();
    for row in deleted {
        projects.push(get(row, 2)?);
    }
    let select = "SELECT FROM hidden WHERE received = 9223372036854775807 AND project = ANY($1) \
                  LIMIT 1";
    if lease.query_opt(select, &[&projects]).await?.is_some() {
        purging::note_deleted(lease).await?;
    }
    Ok(())
}

/// Removes what deleted projects have besides events and items.
async fn forget_deleted_projects(lease: &mut Lease) -> Result<(), Error> {
    remove::clear_projects(lease).await?;
    for table in [
        "issue_numbers",
        "outcomes",
        "environments",
        "sessions",
        "session_counts",
    ] {
        lease
            .run(&format!(
                "DELETE FROM {table} WHERE project IN \
                 (SELECT project FROM hidden WHERE received = 9223372036854775807)"
            ))
            .await?;
    }
    Ok(())
}

fn places(rows: &[Row]) -> Result<Vec<i64>, Error> {
    rows.iter().map(|row| get(row, 0)).collect()
}

/// Deletes events and takes them out of the sums; returns what was deleted, see the statement.
async fn delete_events(lease: &mut Lease, seqs: &[i64]) -> Result<Vec<Row>, Error> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let rows = lease
        .query(
            "DELETE FROM events WHERE seq = ANY($1) RETURNING part, seq, project, group_id, \
             happened, level, environment, release, event_id",
            &[&seqs],
        )
        .await?;
    let mut parts: BTreeMap<i32, Vec<Counted<'_>>> = BTreeMap::new();
    let mut places: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for row in &rows {
        places.entry(get(row, 0)?).or_default().push(get(row, 1)?);
        parts.entry(get(row, 0)?).or_default().push(Counted {
            project: get(row, 2)?,
            group: get(row, 3)?,
            happened: Millis(get(row, 4)?),
            level: get(row, 5)?,
            environment: get(row, 6)?,
            release: get(row, 7)?,
        });
    }
    for (part, events) in &parts {
        add_events(lease, *part, events, -1).await?;
        lease
            .execute(
                "INSERT INTO unindexed (part, seq) SELECT $1, unnest($2::bigint[]) \
                 ON CONFLICT DO NOTHING",
                &[part, &places.remove(part).unwrap_or_default()],
            )
            .await?;
        lease
            .execute(
                "UPDATE partitions SET events = events - $2 WHERE id = $1",
                &[part, &big(events.len() as u64)],
            )
            .await?;
    }
    drop(parts);
    Ok(rows)
}

async fn delete_items_of(lease: &mut Lease, events: &[Row]) -> Result<Vec<Row>, Error> {
    let mut projects: Vec<i32> = Vec::new();
    let mut ids: Vec<Sixteen> = Vec::new();
    for row in events {
        projects.push(get(row, 2)?);
        ids.push(get(row, 8)?);
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // The sum hides the project from the planner, which would read all of its items.
    lease
        .query(
            "DELETE FROM items i USING unnest($1::integer[], $2::uuid[]) AS k (project, event_id) \
             WHERE i.event_id = k.event_id AND i.project + 0 = k.project RETURNING i.seq, i.part",
            &[&projects, &ids],
        )
        .await
}
