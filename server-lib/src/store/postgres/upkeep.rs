//! Retention, erasure, checks.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::digest::{LOCK, PARTED_TABLES};
use super::pool::Pool;
use super::row::{big, count, get, int, number, project, seq};
use super::{backup, check, erase};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::model::ids::{PartitionId, ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::{DeadRecords, Partition, Upkeep};

/// Upkeep in PostgreSQL.
#[derive(Debug)]
pub(super) struct PostgresUpkeep {
    pool: Arc<Pool>,
    clock: Arc<dyn Clock>,
}

impl PostgresUpkeep {
    /// Makes the part.
    pub(super) fn new(pool: Arc<Pool>, clock: Arc<dyn Clock>) -> Self {
        Self { pool, clock }
    }
}

#[async_trait]
impl Upkeep for PostgresUpkeep {
    async fn partitions(&self) -> Result<Vec<Partition>, Error> {
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query(
                "SELECT id, first_seq, last_seq, opened, newest, events FROM partitions \
                 ORDER BY id",
                &[],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Partition {
                    id: PartitionId(number(row, 0)?),
                    first: seq(row, 1)?,
                    last: seq(row, 2)?,
                    opened: Millis(get(row, 3)?),
                    newest: Millis(get(row, 4)?),
                    events: count(row, 5)?,
                })
            })
            .collect()
    }

    async fn drop_partition(&self, id: PartitionId) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        // Dropping waits for readers, and whoever comes meanwhile waits for it: not for long.
        lease.begin("BEGIN; SET LOCAL lock_timeout = '2s'").await?;
        lease.query(LOCK, &[]).await?;
        let row = lease
            .query_one(
                "SELECT max(id), count(*) FILTER (WHERE id = $1) FROM partitions",
                &[&int(id.0)],
            )
            .await?;
        if count(&row, 1)? == 0 {
            return Err(Error::because(
                ErrorKind::NotFound,
                format!("there is no partition {id}"),
            ));
        }
        if get::<Option<i32>>(&row, 0)? == Some(int(id.0)) {
            return Err(Error::because(
                ErrorKind::Conflict,
                format!("partition {id} is the last one and still written to"),
            ));
        }
        lease
            .execute(
                "DELETE FROM erased_events e USING partitions p WHERE p.id = $1 \
                 AND e.seq BETWEEN p.first_seq AND p.last_seq",
                &[&int(id.0)],
            )
            .await?;
        lease
            .execute("DELETE FROM stale_partitions WHERE id = $1", &[&int(id.0)])
            .await?;
        lease
            .execute("DELETE FROM partitions WHERE id = $1", &[&int(id.0)])
            .await?;
        lease
            .execute("DELETE FROM runs WHERE part = $1", &[&int(id.0)])
            .await?;
        for table in PARTED_TABLES {
            lease.run(&format!("DROP TABLE {table}_{id}")).await?;
        }
        lease.commit().await
    }

    async fn hide_before(&self, project: ProjectId, received: Millis) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        lease
            .execute(
                "INSERT INTO hidden AS h (project, received) VALUES ($1, $2) \
                 ON CONFLICT (project) DO UPDATE \
                 SET received = GREATEST(h.received, EXCLUDED.received)",
                &[&int(project.0), &received.0],
            )
            .await?;
        Ok(())
    }

    async fn received_of_nth(
        &self,
        project: ProjectId,
        newer: u64,
    ) -> Result<Option<Millis>, Error> {
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query_text(
                "SELECT received FROM events WHERE project = $1 AND received > COALESCE(\
                 (SELECT received FROM hidden WHERE project = $1), -9223372036854775808) \
                 ORDER BY received DESC OFFSET $2 LIMIT 1",
                &[&int(project.0), &big(newer)],
            )
            .await?;
        rows.first().map(|row| get(row, 0).map(Millis)).transpose()
    }

    async fn erase(&self, seqs: &[Seq]) -> Result<u64, Error> {
        let mut lease = self.pool.lend().await?;
        erase::by_place(&mut lease, seqs).await
    }

    async fn erase_user(&self, project: ProjectId, user: i64) -> Result<u64, Error> {
        let mut lease = self.pool.lend().await?;
        erase::by_person(&mut lease, project, user).await
    }

    async fn sweep(&self, rows: u64) -> Result<u64, Error> {
        erase::sweep(&self.pool, rows, self.clock.now()).await
    }

    async fn dead(&self, seqs: RangeInclusive<Seq>) -> Result<DeadRecords, Error> {
        let mut lease = self.pool.lend().await?;
        let marks = lease
            .query(
                "SELECT seq FROM dead WHERE seq BETWEEN $1 AND $2 ORDER BY seq",
                &[&seqs.start().to_i64(), &seqs.end().to_i64()],
            )
            .await?;
        let projects = lease
            .query("SELECT project, received FROM hidden ORDER BY project", &[])
            .await?;
        Ok(DeadRecords {
            seqs: marks
                .iter()
                .map(|row| seq(row, 0))
                .collect::<Result<_, _>>()?,
            projects: projects
                .iter()
                .map(|row| Ok((project(row, 0)?, Millis(get(row, 1)?))))
                .collect::<Result<_, Error>>()?,
        })
    }

    async fn buried(&self, seqs: RangeInclusive<Seq>) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        lease
            .execute(
                "DELETE FROM dead WHERE seq BETWEEN $1 AND $2",
                &[&seqs.start().to_i64(), &seqs.end().to_i64()],
            )
            .await?;
        Ok(())
    }

    async fn space(&self) -> Result<Vec<(String, u64)>, Error> {
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query(
                "SELECT relname::text, pg_total_relation_size(oid) FROM pg_class \
                 WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' \
                 ORDER BY 2 DESC, 1",
                &[],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((get(row, 0)?, count(row, 1)?)))
            .collect()
    }

    async fn backup(&self, into: &Path) -> Result<(), Error> {
        backup::write(&self.pool, into).await
    }

    async fn check(&self) -> Result<Vec<String>, Error> {
        check::findings(&self.pool).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.pool.close();
        Ok(())
    }
}
