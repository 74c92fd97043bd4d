//! Takes what was erased out of the runs of the index.

use std::sync::Arc;

use super::PostgresShelf;
use super::add::position;
use super::merging::{clear_remains, write};
use crate::error::{Error, ErrorKind};
use crate::model::ids::{GroupId, PartitionId, ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::index::merging::Merging;
use crate::store::index::purge::{ErasedEvent, Going, MAX_ERASED};
use crate::store::index::shelf::Shelved;
use crate::store::postgres::pool::{Lease, Pool};
use crate::store::postgres::row::{get, int, number, project, seq};

/// The rest behind each step, in lengths of the step.
const RESTS: u32 = 3;

/// A partition with something that goes.
struct Task {
    partition: PartitionId,
    erased: Vec<i64>,
    mark: Option<i64>,
    merging: Option<Merging>,
}

/// Notes that a project was deleted that partitions have.
pub(in crate::store::postgres) async fn note_deleted(lease: &mut Lease) -> Result<(), Error> {
    lease
        .execute(
            "INSERT INTO stale_partitions AS s (id, mark, seq) \
             SELECT p.id, 1, d.position FROM partitions p CROSS JOIN digest d \
             ON CONFLICT (id) DO UPDATE SET mark = s.mark + 1, seq = EXCLUDED.seq",
            &[],
        )
        .await?;
    Ok(())
}

/// Notes events that were erased, by place, project and group.
pub(in crate::store::postgres) async fn note_events(
    lease: &mut Lease,
    events: &[(i64, i32, i64)],
) -> Result<(), Error> {
    let seqs: Vec<i64> = events.iter().map(|(seq, _, _)| *seq).collect();
    let projects: Vec<i32> = events.iter().map(|(_, project, _)| *project).collect();
    let groups: Vec<i64> = events.iter().map(|(_, _, group)| *group).collect();
    lease
        .execute(
            "INSERT INTO erased_events (seq, project, group_id) \
             SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) \
             ON CONFLICT DO NOTHING",
            &[&seqs, &projects, &groups],
        )
        .await?;
    Ok(())
}

/// Notes groups that lost events and have others.
pub(in crate::store::postgres) async fn note_groups(
    lease: &mut Lease,
    groups: &[i64],
) -> Result<(), Error> {
    lease
        .execute(
            "INSERT INTO stale_groups AS s (id, mark, seq) \
             SELECT g.id, 1, d.position FROM groups g CROSS JOIN digest d WHERE g.id = ANY($1) \
             ON CONFLICT (id) DO UPDATE SET mark = s.mark + 1, seq = EXCLUDED.seq",
            &[&groups],
        )
        .await?;
    Ok(())
}

/// Does some of what is to be done after erasures; false when it is nothing.
pub(super) async fn purge(pool: &Arc<Pool>) -> Result<bool, Error> {
    let mut lease = pool.lend().await?;
    let any = "SELECT WHERE EXISTS (SELECT FROM erased_events) \
               OR EXISTS (SELECT FROM stale_partitions)";
    if lease.query_opt(any, &[]).await?.is_none() {
        return Ok(false);
    }
    if clear_remains(&mut lease).await? {
        return Ok(true);
    }
    lease
        .begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let found = task(&mut lease).await?;
    lease.commit().await?;
    let Some(mut task) = found else {
        return Ok(false);
    };
    if let Some(merging) = task.merging.take() {
        write(&mut lease, merging, RESTS).await?;
    }
    complete(&mut lease, &task).await?;
    while clear_remains(&mut lease).await? {}
    let vacuum = format!("VACUUM (SKIP_LOCKED) pages_{}, texts", task.partition);
    match lease.run(&vacuum).await {
        // Dropped meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        other => other.map(|()| true),
    }
}

/// Finds a partition of which something goes that the index knows.
async fn task(lease: &mut Lease) -> Result<Option<Task>, Error> {
    let indexed = position(lease).await?;
    let found = lease
        .query_opt(
            "SELECT p.id, p.first_seq, p.last_seq, p.min_happened, p.max_happened, s.mark \
             FROM partitions p LEFT JOIN stale_partitions s ON s.id = p.id AND s.seq <= $1 \
             WHERE s.id IS NOT NULL OR EXISTS (SELECT FROM erased_events e \
             WHERE e.seq BETWEEN p.first_seq AND LEAST(p.last_seq, $1)) ORDER BY p.id LIMIT 1",
            &[&indexed.to_i64()],
        )
        .await?;
    let Some(row) = found else { return Ok(None) };
    let span = Shelved {
        id: PartitionId(number(&row, 0)?),
        first: seq(&row, 1)?,
        min_happened: Millis(get(&row, 3)?),
        max_happened: Millis(get(&row, 4)?),
    };
    let (last, mark): (Seq, Option<i64>) = (seq(&row, 2)?, get(&row, 5)?);
    let rows = lease
        .query(
            "SELECT seq, project, group_id FROM erased_events WHERE seq BETWEEN $1 AND $2 \
             ORDER BY seq LIMIT $3",
            &[
                &span.first.to_i64(),
                &last.min(indexed).to_i64(),
                &i64::from(MAX_ERASED),
            ],
        )
        .await?;
    let mut erased = Vec::with_capacity(rows.len());
    for row in &rows {
        erased.push(ErasedEvent {
            seq: seq(row, 0)?,
            project: project(row, 1)?,
            group: GroupId::from_i64(get(row, 2)?).unwrap_or_default(),
        });
    }
    let deleted: Vec<ProjectId> = match mark {
        Some(_) => {
            let deleted = "SELECT project FROM hidden WHERE received = 9223372036854775807";
            let rows = lease.query(deleted, &[]).await?;
            rows.iter()
                .map(|row| project(row, 0))
                .collect::<Result<_, _>>()?
        }
        None => Vec::new(),
    };
    let going = Going::new(&mut PostgresShelf::new(lease), &span, &erased, &deleted).await?;
    let rows = lease
        .query(
            "SELECT id, level FROM runs WHERE part = $1 AND complete ORDER BY level, id",
            &[&int(span.id.0)],
        )
        .await?;
    let runs = rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?)));
    let runs = runs.collect::<Result<Vec<_>, Error>>()?;
    let is_needed = !going.is_empty() && !runs.is_empty();
    Ok(Some(Task {
        partition: span.id,
        erased: erased.iter().map(|event| event.seq.to_i64()).collect(),
        mark,
        merging: is_needed.then(|| Merging::without(span.id, &runs, going)),
    }))
}

/// Forgets what is gone with the old runs.
async fn complete(lease: &mut Lease, task: &Task) -> Result<(), Error> {
    let part = int(task.partition.0);
    lease.begin("BEGIN").await?;
    lease
        .execute(
            "DELETE FROM unindexed WHERE part = $1 AND seq = ANY($2)",
            &[&part, &task.erased],
        )
        .await?;
    lease
        .execute(
            "DELETE FROM erased_events WHERE seq = ANY($1)",
            &[&task.erased],
        )
        .await?;
    if let Some(mark) = task.mark {
        lease
            .execute(
                "DELETE FROM stale_partitions WHERE id = $1 AND mark = $2",
                &[&part, &mark],
            )
            .await?;
    }
    lease.commit().await
}
