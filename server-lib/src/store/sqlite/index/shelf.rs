//! Reads what questions need: pages by their first keys, rows, words.

use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use roaring::RoaringBitmap;
use rusqlite::{Connection, params};

use crate::error::{Error, ErrorKind};
use crate::model::event::EventRow;
use crate::model::ids::{GroupId, IssueId, PartitionId, ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::index::ask::Sets;
use crate::store::index::page::{Entries, read_set};
use crate::store::index::shelf::{Brief, Gone, Shelf, Shelved, StoredPage};
use crate::store::sqlite::connection::damaged;
use crate::store::sqlite::events::EventReader;
use crate::store::sqlite::floors::{self, DELETED};
use crate::store::sqlite::partition::{self, Span};
use crate::store::sqlite::row::{counted, one, rows};
use crate::store::state::Words;

/// Texts that one search finds.
const MAX_FOUND: u32 = 200_000;

/// Returns what a future has, of which nothing waits: everything that this shelf does is done when
/// it returns.
pub(in crate::store::sqlite) fn ready<T>(
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Err(Error::because(
            ErrorKind::System,
            "the index waits for nothing",
        )),
    }
}

/// A reader of the index.
pub(in crate::store::sqlite) struct SqliteShelf<'a> {
    connection: &'a Connection,
    reader: EventReader,
    spans: Vec<Span>,
}

impl<'a> SqliteShelf<'a> {
    /// Makes a reader for one answer.
    pub(in crate::store::sqlite) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            reader: EventReader::default(),
            spans: Vec::new(),
        }
    }

    fn runs(&self, partition: PartitionId) -> Result<Vec<i64>, Error> {
        let select = "SELECT id FROM runs WHERE partition = ?1 AND complete = 1 ORDER BY id";
        rows(
            self.connection,
            select,
            [partition.0],
            |row| Ok(row.get(0)?),
        )
    }

    /// Returns the page that has a key, if any has.
    fn page_with(
        &self,
        partition: PartitionId,
        run: i64,
        kind: u8,
        key: &[u8],
    ) -> Result<Option<StoredPage>, Error> {
        let select = format!(
            "SELECT first, body FROM pages_{partition} WHERE run = ?1 AND kind = ?2 AND first <= ?3
            ORDER BY first DESC LIMIT 1"
        );
        one(self.connection, &select, params![run, kind, key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    fn page_behind(
        &self,
        partition: PartitionId,
        run: i64,
        kind: u8,
        key: &[u8],
    ) -> Result<Option<StoredPage>, Error> {
        let select = format!(
            "SELECT first, body FROM pages_{partition} WHERE run = ?1 AND kind = ?2 AND first > ?3
            ORDER BY first LIMIT 1"
        );
        one(self.connection, &select, params![run, kind, key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// Returns a partition as its row in the registry has it.
    fn span(&mut self, id: PartitionId) -> Result<Span, Error> {
        if self.spans.is_empty() {
            self.spans = partition::all(self.connection)?;
        }
        let found = self.spans.iter().find(|span| span.id == id);
        found.copied().ok_or_else(|| damaged("partition"))
    }
}

impl Shelf for SqliteShelf<'_> {
    async fn spans(&mut self) -> Result<Vec<Shelved>, Error> {
        self.spans = partition::all(self.connection)?;
        let shelved = |span: &Span| Shelved {
            id: span.id,
            first: span.first,
            min_happened: span.min_happened,
            max_happened: span.max_happened,
        };
        Ok(self.spans.iter().map(shelved).collect())
    }

    async fn shown(&mut self, projects: &[ProjectId]) -> Result<Vec<ProjectId>, Error> {
        let mut projects = projects.to_vec();
        projects.sort_unstable();
        projects.dedup();
        let mut shown = Vec::with_capacity(projects.len());
        for project in projects {
            if floors::of(self.connection, project)?.received != DELETED {
                shown.push(project);
            }
        }
        Ok(shown)
    }

    async fn groups(&mut self, issue: IssueId) -> Result<Vec<GroupId>, Error> {
        let select = "SELECT id FROM groups WHERE issue =
            (SELECT coalesce(merged_into, id) FROM issues WHERE id = ?1)";
        rows(self.connection, select, [issue.to_i64()], |row| {
            Ok(GroupId(row.get(0)?))
        })
    }

    async fn with_words(&mut self, words: &Words) -> Result<RoaringBitmap, Error> {
        let terms: Vec<String> = (words.terms.iter())
            .map(|(term, is_open)| format!("\"{term}\"{}", if *is_open { "*" } else { "" }))
            .collect();
        let select = "SELECT texts.group_id
            FROM (SELECT rowid AS id FROM text_words WHERE text_words MATCH ?1 LIMIT ?2) AS found
            CROSS JOIN texts ON texts.id = found.id";
        let mut groups = RoaringBitmap::new();
        rows(
            self.connection,
            select,
            params![terms.join(" "), MAX_FOUND],
            |row| {
                groups.insert(row.get(0)?);
                Ok(())
            },
        )?;
        Ok(groups)
    }

    async fn known_groups(&mut self) -> Result<RoaringBitmap, Error> {
        let select = "SELECT id FROM groups WHERE project NOT IN
            (SELECT project FROM project_floors WHERE received = ?1) ORDER BY id";
        let mut groups = RoaringBitmap::new();
        rows(self.connection, select, [DELETED.0], |row| {
            groups.insert(row.get(0)?);
            Ok(())
        })?;
        Ok(groups)
    }

    async fn moved(&mut self) -> Result<Vec<(u32, u32)>, Error> {
        let select = "SELECT id, issue FROM groups WHERE issue <> id";
        rows(self.connection, select, [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    async fn sets(
        &mut self,
        partition: PartitionId,
        kind: u8,
        numbers: &[u64],
    ) -> Result<Sets, Error> {
        let mut sets = Sets::default();
        for run in self.runs(partition)? {
            for number in numbers {
                let wanted = number.to_be_bytes();
                let Some((_, body)) = self.page_with(partition, run, kind, &wanted)? else {
                    continue;
                };
                let mut entries = Entries::unpack(&body)?;
                while let Some((key, value)) = entries.next()? {
                    if key >= wanted.as_slice() {
                        if key == wanted {
                            read_set(value, sets.entry(*number).or_default())?;
                        }
                        break;
                    }
                }
            }
        }
        Ok(sets)
    }

    async fn pages(
        &mut self,
        partition: PartitionId,
        kind: u8,
        from: &[u8],
        until: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error> {
        let between = format!(
            "SELECT body FROM pages_{partition} WHERE run = ?1 AND kind = ?2
                AND first > ?3 AND first < ?4 ORDER BY first"
        );
        let mut pages = Vec::new();
        for run in self.runs(partition)? {
            pages.extend(
                self.page_with(partition, run, kind, from)?
                    .map(|(_, body)| body),
            );
            let columns = params![run, kind, from, until];
            pages.extend(rows(self.connection, &between, columns, |row| {
                Ok(row.get::<_, Vec<u8>>(0)?)
            })?);
        }
        Ok(pages)
    }

    async fn first_pages(
        &mut self,
        partition: PartitionId,
        kind: u8,
        from: &[u8],
        until: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error> {
        let mut pages = Vec::new();
        for run in self.runs(partition)? {
            pages.extend(
                self.page_with(partition, run, kind, from)?
                    .map(|(_, body)| body),
            );
            let next = self.page_behind(partition, run, kind, from)?;
            let next = next.filter(|(first, _)| first.as_slice() < until);
            pages.extend(next.map(|(_, body)| body));
        }
        Ok(pages)
    }

    async fn page_after(
        &mut self,
        partition: PartitionId,
        run: i64,
        kind: u8,
        key: &[u8],
    ) -> Result<Option<StoredPage>, Error> {
        self.page_behind(partition, run, kind, key)
    }

    async fn rows(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<EventRow>, Error> {
        let span = self.span(span.id)?;
        let mut found = Vec::with_capacity(seqs.len());
        for seq in seqs {
            found.extend(self.reader.read(self.connection, &span, *seq)?);
        }
        Ok(found)
    }

    async fn times(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<(Seq, Millis)>, Error> {
        let select = format!("SELECT happened FROM events_{} WHERE seq = ?1", span.id);
        let mut times = Vec::with_capacity(seqs.len());
        for seq in seqs {
            let at = one(self.connection, &select, [seq.to_i64()], |row| {
                Ok(Millis(row.get(0)?))
            })?;
            times.extend(at.map(|at| (*seq, at)));
        }
        Ok(times)
    }

    async fn issues(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<IssueId>, Error> {
        let select = format!(
            "SELECT issue FROM events_{} JOIN groups ON groups.id = group_id WHERE seq = ?1",
            span.id
        );
        let mut issues = Vec::with_capacity(seqs.len());
        for seq in seqs {
            issues.extend(one(self.connection, &select, [seq.to_i64()], |row| {
                Ok(IssueId(counted(row.get(0)?)))
            })?);
        }
        Ok(issues)
    }

    async fn briefs(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<Brief>, Error> {
        let select = format!(
            "SELECT happened, issue, user FROM events_{}
                JOIN groups ON groups.id = group_id WHERE seq = ?1",
            span.id
        );
        let mut briefs = Vec::with_capacity(seqs.len());
        for seq in seqs {
            briefs.extend(one(self.connection, &select, [seq.to_i64()], |row| {
                Ok(Brief {
                    at: Millis(row.get(0)?),
                    issue: IssueId(counted(row.get(1)?)),
                    user: row.get(2)?,
                })
            })?);
        }
        Ok(briefs)
    }

    async fn gone(&mut self, span: &Shelved, projects: &[ProjectId]) -> Result<Gone, Error> {
        let span = self.span(span.id)?;
        let mut gone = Gone::default();
        let mut add = |seq: i64| {
            let offset = counted(seq).saturating_sub(span.first.0);
            gone.offsets.extend(u32::try_from(offset).ok());
        };
        let select = format!("SELECT seq FROM unindexed_{}", span.id);
        rows(self.connection, &select, [], |row| {
            add(row.get(0)?);
            Ok(())
        })?;
        let mut hidden = Vec::new();
        for project in projects {
            let floor = floors::of(self.connection, *project)?;
            if !floor.hides_from(span.opened) {
                continue;
            }
            if floor.received >= span.newest {
                hidden.push(*project);
                continue;
            }
            let select = format!(
                "SELECT seq FROM events_{} WHERE project = ?1 AND received <= ?2",
                span.id
            );
            let columns = params![project.0, floor.received.0];
            rows(self.connection, &select, columns, |row| {
                add(row.get(0)?);
                Ok(())
            })?;
        }
        gone.projects = hidden;
        let deleted = "SELECT id FROM deleted_groups";
        gone.groups = rows(self.connection, deleted, [], |row| Ok(GroupId(row.get(0)?)))?;
        Ok(gone)
    }

    async fn sums(
        &mut self,
        span: &Shelved,
        projects: &[ProjectId],
        hours: RangeInclusive<i64>,
    ) -> Result<Vec<(IssueId, u64)>, Error> {
        let select = format!(
            "SELECT issue, sum(hours.events) FROM hours_{} AS hours
                JOIN groups ON groups.id = hours.group_id
            WHERE project = ?1 AND hour BETWEEN ?2 AND ?3 GROUP BY issue",
            span.id
        );
        let mut sums = Vec::new();
        for project in projects {
            let columns = params![project.0, hours.start(), hours.end()];
            sums.extend(rows(self.connection, &select, columns, |row| {
                Ok((IssueId(counted(row.get(0)?)), counted(row.get(1)?)))
            })?);
        }
        Ok(sums)
    }
}
