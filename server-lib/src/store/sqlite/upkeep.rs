//! Retention, erasure, backup and checks, and the statistics that upkeep's neighbours read.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::connection::{self, Role};
use super::floors;
use super::index::purging;
use super::partition::{self, Span};
use super::question::Question;
use super::row::{counted, not_found, one, rows};
use super::writer::{Durability, Writer};
use super::{Sqlite, backup, check, count, erase, outcomes, session_sums, sessions, space, sweep};
use crate::error::{Error, ErrorKind};
use crate::model::ids::{PartitionId, ProjectId, Seq};
use crate::model::outcome::OutcomeCount;
use crate::model::session::SessionState;
use crate::model::time::Millis;
use crate::store::query::{EventFilter, OutcomeFilter, OutcomeRow};
use crate::store::{DeadRecords, Partition, SessionTotals, Stats, Upkeep};

/// The rest behind each dropped table or index, in lengths of its dropping.
const REST_FACTOR: u32 = 9;

#[async_trait]
impl Upkeep for Sqlite {
    async fn partitions(&self) -> Result<Vec<Partition>, Error> {
        self.read(|connection| {
            let spans = partition::all(connection)?;
            Ok(spans.into_iter().map(Span::to_partition).collect())
        })
        .await
    }

    async fn drop_partition(&self, id: PartitionId) -> Result<(), Error> {
        self.writer.run(move |writer| condemn(writer, id)).await?;
        self.drop_condemned().await
    }

    async fn hide_before(&self, project: ProjectId, received: Millis) -> Result<(), Error> {
        self.writer
            .run(move |writer| {
                writer.write(Durability::Power, |transaction, _| {
                    floors::raise(transaction, project, received)
                })
            })
            .await
    }

    async fn received_of_nth(
        &self,
        project: ProjectId,
        newer: u64,
    ) -> Result<Option<Millis>, Error> {
        self.read(move |connection| received_of_nth(connection, project, newer))
            .await
    }

    async fn erase(&self, seqs: &[Seq]) -> Result<u64, Error> {
        let mut erased = 0_u64;
        for step in seqs.chunks(erase::STEP) {
            let step = step.to_vec();
            let rows = self
                .writer
                .run(move |writer| {
                    writer.erase(Durability::Power, |transaction, memory| {
                        erase::erase(transaction, memory, &step)
                    })
                })
                .await?;
            erased = erased.saturating_add(rows);
        }
        if erased > 0 {
            self.writer.run(Writer::forget_erased).await?;
        }
        Ok(erased)
    }

    async fn erase_user(&self, project: ProjectId, user: i64) -> Result<u64, Error> {
        let mut seqs = Vec::new();
        for span in self.read(partition::all).await? {
            let find = move |connection: &Connection| {
                match partition::holding(connection, span.first)? {
                    Some(span) => erase::of_user(connection, &span, project, user),
                    // Dropped meanwhile.
                    None => Ok(Vec::new()),
                }
            };
            seqs.extend(self.read(find).await?);
        }
        let mut erased = self.erase(&seqs).await?;
        loop {
            let step = self.writer.run(move |writer| {
                writer.erase(Durability::Power, |transaction, _| {
                    sessions::erase_user(transaction, project, user, erase::STEP)
                })
            });
            let sessions = step.await?;
            erased = erased.saturating_add(sessions);
            if sessions < erase::STEP as u64 {
                break;
            }
        }
        let mut after = None;
        loop {
            let step = self.writer.run(move |writer| {
                writer.erase(Durability::Power, |transaction, _| {
                    let person = (project, user);
                    session_sums::forget_person(transaction, person, after, erase::STEP)
                })
            });
            after = step.await?;
            if after.is_none() {
                break;
            }
        }
        self.writer.run(Writer::forget_erased).await?;
        Ok(erased)
    }

    async fn sweep(&self, rows: u64) -> Result<u64, Error> {
        self.drop_condemned().await?;
        let mut removed = 0_u64;
        while removed < rows {
            let most = rows.saturating_sub(removed).min(erase::STEP as u64);
            let step = self
                .writer
                .run(move |writer| sweep::step(writer, most))
                .await?;
            removed = removed.saturating_add(step.removed);
            if step.is_done {
                self.writer.run(Writer::forget_erased).await?;
                break;
            }
        }
        if removed == 0 {
            self.writer.run(sweep::tidy).await?;
        }
        Ok(removed)
    }

    async fn dead(&self, seqs: RangeInclusive<Seq>) -> Result<DeadRecords, Error> {
        self.read(move |connection| {
            let select = "SELECT seq FROM dead_records WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq";
            let range = params![seqs.start().to_i64(), seqs.end().to_i64()];
            Ok(DeadRecords {
                seqs: rows(connection, select, range, |row| {
                    Ok(Seq(counted(row.get(0)?)))
                })?,
                projects: floors::all(connection)?,
            })
        })
        .await
    }

    async fn buried(&self, seqs: RangeInclusive<Seq>) -> Result<(), Error> {
        self.writer
            .run(move |writer| {
                writer.write(Durability::Process, |transaction, _| {
                    let delete = "DELETE FROM dead_records WHERE seq BETWEEN ?1 AND ?2";
                    let range = params![seqs.start().to_i64(), seqs.end().to_i64()];
                    transaction.execute(delete, range)?;
                    Ok(())
                })
            })
            .await
    }

    async fn space(&self) -> Result<Vec<(String, u64)>, Error> {
        let sizes = Arc::clone(&self.sizes);
        let path = self.path.clone();
        let ids = self.ids.dir().to_owned();
        self.read(move |connection| {
            let mut sizes: Vec<_> = space::of_tables(connection, &sizes)?.into_iter().collect();
            let mut log = path.into_os_string();
            log.push("-wal");
            sizes.push((
                "write-ahead log".to_owned(),
                space::of_path(Path::new(&log)),
            ));
            sizes.push(("event ids".to_owned(), space::of_path(&ids)));
            sizes.retain(|(_, bytes)| *bytes > 0);
            sizes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
            Ok(sizes)
        })
        .await
    }

    async fn backup(&self, into: &Path) -> Result<(), Error> {
        let (from, into) = (self.path.clone(), into.to_owned());
        let copying = tokio::task::spawn_blocking(move || backup::copy(&from, &into));
        copying
            .await
            .map_err(|error| Error::new(ErrorKind::System, error))?
    }

    async fn check(&self) -> Result<Vec<String>, Error> {
        let (ids, path) = (Arc::clone(&self.ids), self.path.clone());
        // With a connection of its own: the full text of an older one remembers segments that are
        // merged by now, and would call it damage that they are gone.
        let checking = tokio::task::spawn_blocking(move || {
            let mut connection = connection::open(&path, Role::Reader)?;
            let mut findings = check::check(&*connection.transaction()?)?;
            findings.extend(ids.check());
            Ok(findings)
        });
        checking
            .await
            .unwrap_or_else(|error| Err(Error::new(ErrorKind::System, error)))
    }

    async fn close(&self) -> Result<(), Error> {
        self.readers.close().await;
        let ended = self.writer.run(|writer| {
            writer.ids.close();
            Ok(())
        });
        let ended = ended.await;
        self.writer.close().await;
        ended
    }
}

#[async_trait]
impl Stats for Sqlite {
    async fn add_outcomes(&self, counts: &[OutcomeCount]) -> Result<(), Error> {
        if counts.is_empty() {
            return Ok(());
        }
        let counts = counts.to_vec();
        self.writer
            .run(move |writer| {
                writer.write(Durability::Process, |transaction, memory| {
                    outcomes::add(
                        transaction,
                        memory,
                        &counts,
                        &outcomes::Corrections::default(),
                    )
                })
            })
            .await
    }

    async fn outcomes(&self, filter: &OutcomeFilter) -> Result<Vec<OutcomeRow>, Error> {
        let filter = filter.clone();
        self.read(move |connection| outcomes::sums(connection, &filter))
            .await
    }

    async fn session(
        &self,
        project: ProjectId,
        sid: [u8; 16],
    ) -> Result<Option<SessionState>, Error> {
        self.read(move |connection| sessions::state(connection, project, sid))
            .await
    }

    async fn session_totals(
        &self,
        project: ProjectId,
        times: RangeInclusive<Millis>,
    ) -> Result<SessionTotals, Error> {
        self.read(move |connection| session_sums::totals(connection, project, &times))
            .await
    }
}

impl Sqlite {
    /// Drops the tables of partitions that are already gone from all answers. One tree at a time
    /// and with rests, so that batches come in between and nobody waits long.
    async fn drop_condemned(&self) -> Result<(), Error> {
        loop {
            let started = Instant::now();
            if !self.writer.run(drop_tree).await? {
                return Ok(());
            }
            tokio::time::sleep(started.elapsed().saturating_mul(REST_FACTOR)).await;
        }
    }
}

/// Takes a partition out of all answers.
fn condemn(writer: &mut Writer, id: PartitionId) -> Result<(), Error> {
    let floor = writer.write(Durability::Power, |transaction, _| {
        let spans = partition::all(transaction)?;
        let span = spans.iter().find(|span| span.id == id);
        let span = span.ok_or_else(|| not_found("partition"))?;
        if spans.last().is_some_and(|last| last.id == id) {
            return Err(Error::because(
                ErrorKind::Conflict,
                "the last partition is being written",
            ));
        }
        let condemn = "UPDATE partitions SET dropping = 1 WHERE id = ?1";
        transaction.execute(condemn, [id.0])?;
        let forget = "DELETE FROM dead_records WHERE seq BETWEEN ?1 AND ?2";
        transaction.execute(forget, params![span.first.to_i64(), span.last.to_i64()])?;
        purging::forget(transaction, id, (span.first, span.last))?;
        let left = spans.iter().find(|span| span.id != id);
        Ok(left.map_or(0, |span| span.first.0))
    })?;
    writer.ids.raise_floor(floor);
    Ok(())
}

/// Drops one index or table of a partition that is to go; false when there is none.
fn drop_tree(writer: &mut Writer) -> Result<bool, Error> {
    let find = "SELECT id FROM partitions WHERE dropping = 1 ORDER BY id LIMIT 1";
    let id: Option<i64> = one(writer.connection(), find, [], |row| Ok(row.get(0)?))?;
    let Some(id) = id else {
        return Ok(false);
    };
    writer.write(Durability::Process, |transaction, _| {
        let trees = [
            ("INDEX", format!("events_{id}_project")),
            ("INDEX", format!("events_{id}_group")),
            ("INDEX", format!("pages_{id}_first")),
            ("TABLE", format!("pages_{id}")),
            ("TABLE", format!("hours_{id}")),
            ("TABLE", format!("unindexed_{id}")),
            ("TABLE", format!("items_{id}")),
            ("TABLE", format!("counts_{id}")),
            ("TABLE", format!("events_{id}")),
        ];
        for (kind, name) in trees {
            let exists = "SELECT 1 FROM sqlite_schema WHERE name = ?1";
            if one(transaction, exists, [&name], |_| Ok(()))?.is_some() {
                transaction.execute(&format!("DROP {kind} {name}"), [])?;
                return Ok(true);
            }
        }
        transaction.execute("DELETE FROM runs WHERE partition = ?1", [id])?;
        transaction.execute("DELETE FROM partitions WHERE id = ?1", [id])?;
        Ok(true)
    })
}

fn received_of_nth(
    connection: &Connection,
    project: ProjectId,
    newer: u64,
) -> Result<Option<Millis>, Error> {
    let filter = EventFilter {
        projects: vec![project],
        ..EventFilter::default()
    };
    let question = Question::new(connection, &filter)?;
    let mut left = newer;
    for span in partition::all(connection)?.iter().rev() {
        let events = count::count(connection, &question, std::slice::from_ref(span))?;
        if events <= left {
            left = left.saturating_sub(events);
            continue;
        }
        return nth_newest(connection, span, &question, left);
    }
    Ok(None)
}

/// Returns when the event arrived that has `newer` shown ones of the project after it in the
/// partition.
fn nth_newest(
    connection: &Connection,
    span: &Span,
    question: &Question,
    newer: u64,
) -> Result<Option<Millis>, Error> {
    let Some((project, floor)) = question.projects.first() else {
        return Ok(None);
    };
    // Where nothing is hidden, the index alone has the places.
    let mut seqs: Vec<i64> = if floor.hides_from(span.opened) {
        let select = format!(
            "SELECT seq FROM events_{} WHERE project = ?1 AND received > ?2",
            span.id
        );
        let columns = params![project.0, floor.received.0];
        rows(connection, &select, columns, |row| Ok(row.get(0)?))?
    } else {
        let select = format!("SELECT seq FROM events_{} WHERE project = ?1", span.id);
        rows(connection, &select, [project.0], |row| Ok(row.get(0)?))?
    };
    let nth = usize::try_from(newer).unwrap_or(usize::MAX);
    if seqs.len() <= nth {
        return Ok(None);
    }
    let (_, seq, _) = seqs.select_nth_unstable_by(nth, |one, next| next.cmp(one));
    let select = format!("SELECT received FROM events_{} WHERE seq = ?1", span.id);
    one(connection, &select, [*seq], |row| Ok(Millis(row.get(0)?)))
}
