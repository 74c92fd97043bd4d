//! Merges runs, in small transactions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::PostgresShelf;
use super::add::{exists, insert_pages, next_run, position};
use crate::error::Error;
use crate::model::ids::{PartitionId, Seq};
use crate::store::index::merging::Merging;
use crate::store::index::page::Page;
use crate::store::postgres::pool::{Lease, Pool};
use crate::store::postgres::row::{get, int, seq};

/// The longest rest.
const MAX_REST: Duration = Duration::from_secs(1);

/// Merges some runs; false when there is nothing to merge.
pub(super) async fn merge(pool: &Arc<Pool>) -> Result<bool, Error> {
    let mut lease = pool.lend().await?;
    if clear_remains(&mut lease).await? {
        return Ok(true);
    }
    let Some(merging) = task(&mut lease).await? else {
        return Ok(false);
    };
    write(&mut lease, merging, 0).await?;
    Ok(true)
}

/// Writes the new run step by step and shows it instead of the old ones. Behind each step it rests,
/// so many lengths of the step.
pub(super) async fn write(
    lease: &mut Lease,
    mut merging: Merging,
    rests: u32,
) -> Result<(), Error> {
    let part = int(merging.partition.0);
    lease.begin("BEGIN").await?;
    let run = next_run(lease).await?;
    lease
        .execute(
            "INSERT INTO runs (id, part, level, complete) VALUES ($1, $2, $3, false)",
            &[&run, &part, &merging.level],
        )
        .await?;
    lease.commit().await?;
    loop {
        let started = Instant::now();
        // Pages of complete runs never change; the partition may go.
        lease.begin("BEGIN").await?;
        if !exists(lease, part).await? {
            lease.rollback().await?;
            break;
        }
        let mut shelf = PostgresShelf::new(lease);
        let (pages, is_done): (Vec<Page>, bool) = merging.advance(&mut shelf).await?;
        insert_pages(lease, part, run, &pages).await?;
        if is_done {
            lease
                .execute(
                    "UPDATE runs SET complete = (id = $1) WHERE id = $1 OR id = ANY($2)",
                    &[&run, &merging.runs],
                )
                .await?;
        }
        lease.commit().await?;
        if is_done {
            break;
        }
        let rest = started.elapsed().saturating_mul(rests);
        tokio::time::sleep(rest.min(MAX_REST)).await;
    }
    Ok(())
}

/// Finds runs that are worth merging.
async fn task(lease: &mut Lease) -> Result<Option<Merging>, Error> {
    let indexed = position(lease).await?;
    let partitions = lease
        .query("SELECT id, last_seq FROM partitions ORDER BY id", &[])
        .await?;
    let rows = lease
        .query(
            "SELECT part, id, level FROM runs WHERE complete ORDER BY part, level, id",
            &[],
        )
        .await?;
    let mut known: std::collections::BTreeMap<i32, Vec<(i64, i64)>> = Default::default();
    for row in &rows {
        known
            .entry(get(row, 0)?)
            .or_default()
            .push((get(row, 1)?, get(row, 2)?));
    }
    for (place, partition) in partitions.iter().enumerate() {
        let (id, last): (i32, Seq) = (get(partition, 0)?, seq(partition, 1)?);
        let is_last = place.saturating_add(1) == partitions.len();
        let runs = known.remove(&id).unwrap_or_default();
        let partition = PartitionId::from_i64(i64::from(id)).unwrap_or_default();
        let merging = Merging::choose(partition, &runs, !is_last && last <= indexed);
        if merging.is_some() {
            return Ok(merging);
        }
    }
    Ok(None)
}

/// Removes a run that is no more, or was not completed; false when there is none.
pub(super) async fn clear_remains(lease: &mut Lease) -> Result<bool, Error> {
    let found = lease
        .query_opt(
            "SELECT id, part FROM runs WHERE NOT complete ORDER BY id LIMIT 1",
            &[],
        )
        .await?;
    let Some(found) = found else { return Ok(false) };
    let (run, part): (i64, i32) = (get(&found, 0)?, get(&found, 1)?);
    lease.begin("BEGIN").await?;
    if exists(lease, part).await? {
        lease
            .execute_text(&format!("DELETE FROM pages_{part} WHERE run = $1"), &[&run])
            .await?;
    }
    lease
        .execute("DELETE FROM runs WHERE id = $1", &[&run])
        .await?;
    lease.commit().await?;
    Ok(true)
}
