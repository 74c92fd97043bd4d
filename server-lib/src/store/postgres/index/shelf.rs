//! Reads what questions need: pages by their first keys, rows, words.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use roaring::RoaringBitmap;

use super::shown;
use crate::error::Error;
use crate::model::event::EventRow;
use crate::model::ids::{GroupId, IssueId, PartitionId, ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::index::ask::Sets;
use crate::store::index::page::{Entries, read_set};
use crate::store::index::shelf::{Brief, Gone, Shelf, Shelved, StoredPage};
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{
    count, event_columns, events, get, int, number, project, projects, seq,
};
use crate::store::state::Words;

/// Pages that are read at once.
const PAGES: usize = 128;
/// Places that are read at once.
const PLACES: i64 = 10_000;
/// Groups that one search finds.
const MAX_FOUND: i64 = 200_000;

/// A reader of the index, in a transaction that somebody else begins and ends.
pub(in crate::store::postgres) struct PostgresShelf<'a> {
    lease: &'a mut Lease,
    runs: HashMap<PartitionId, Vec<i64>>,
}

impl<'a> PostgresShelf<'a> {
    /// Makes a reader for one answer.
    pub(in crate::store::postgres) fn new(lease: &'a mut Lease) -> Self {
        Self {
            lease,
            runs: HashMap::new(),
        }
    }

    async fn runs(&mut self, partition: PartitionId) -> Result<Vec<i64>, Error> {
        if let Some(runs) = self.runs.get(&partition) {
            return Ok(runs.clone());
        }
        let sql = "SELECT id FROM runs WHERE part = $1 AND complete ORDER BY id";
        let rows = self.lease.query(sql, &[&int(partition.0)]).await?;
        let runs: Vec<i64> = rows
            .iter()
            .map(|row| get(row, 0))
            .collect::<Result<_, _>>()?;
        self.runs.insert(partition, runs.clone());
        Ok(runs)
    }
}

impl Shelf for PostgresShelf<'_> {
    async fn spans(&mut self) -> Result<Vec<Shelved>, Error> {
        let rows = self
            .lease
            .query(
                "SELECT id, first_seq, min_happened, max_happened FROM partitions ORDER BY id",
                &[],
            )
            .await?;
        let span = |row| {
            Ok(Shelved {
                id: PartitionId(number(row, 0)?),
                first: seq(row, 1)?,
                min_happened: Millis(get(row, 2)?),
                max_happened: Millis(get(row, 3)?),
            })
        };
        rows.iter().map(span).collect()
    }

    async fn shown(&mut self, asked: &[ProjectId]) -> Result<Vec<ProjectId>, Error> {
        let rows = self
            .lease
            .query(
                "SELECT DISTINCT p.project FROM unnest($1::integer[]) AS p (project) \
                 WHERE NOT EXISTS (SELECT FROM hidden h WHERE h.project = p.project \
                 AND h.received = 9223372036854775807) ORDER BY 1",
                &[&projects(asked)],
            )
            .await?;
        rows.iter().map(|row| project(row, 0)).collect()
    }

    async fn groups(&mut self, issue: IssueId) -> Result<Vec<GroupId>, Error> {
        let rows = self
            .lease
            .query(
                "SELECT id FROM groups WHERE issue = \
                 (SELECT COALESCE(merged_into, id) FROM issues WHERE id = $1)",
                &[&issue.to_i64()],
            )
            .await?;
        let group = |row| Ok(GroupId::from_i64(get(row, 0)?).unwrap_or_default());
        rows.iter().map(group).collect()
    }

    async fn with_words(&mut self, words: &Words) -> Result<RoaringBitmap, Error> {
        // Terms are letters, digits and blanks only.
        let term = |(term, is_open): &(String, bool)| {
            let words: Vec<String> = term.split(' ').map(|word| format!("'{word}'")).collect();
            let phrase = words.join(" <-> ");
            if *is_open {
                format!("({phrase}:*)")
            } else {
                format!("({phrase})")
            }
        };
        let query: Vec<String> = words.terms.iter().map(term).collect();
        let rows = self
            .lease
            .query(
                "SELECT DISTINCT group_id FROM texts WHERE words @@ to_tsquery('simple', $1) \
                 LIMIT $2",
                &[&query.join(" & "), &MAX_FOUND],
            )
            .await?;
        let mut groups = RoaringBitmap::new();
        for row in &rows {
            groups.extend(u32::try_from(get::<i64>(row, 0)?).ok());
        }
        Ok(groups)
    }

    async fn known_groups(&mut self) -> Result<RoaringBitmap, Error> {
        let mut groups = RoaringBitmap::new();
        let mut after = 0_i64;
        loop {
            let rows = self
                .lease
                .query(
                    "SELECT id FROM groups WHERE id > $1 AND project NOT IN (SELECT project \
                     FROM hidden WHERE received = 9223372036854775807) ORDER BY id LIMIT $2",
                    &[&after, &PLACES],
                )
                .await?;
            for row in &rows {
                after = get(row, 0)?;
                groups.extend(u32::try_from(after).ok());
            }
            if i64::try_from(rows.len()).is_ok_and(|read| read < PLACES) {
                return Ok(groups);
            }
        }
    }

    async fn moved(&mut self) -> Result<Vec<(u32, u32)>, Error> {
        let sql = "SELECT id, issue FROM groups WHERE issue <> id";
        let rows = self.lease.query(sql, &[]).await?;
        let mut moved = Vec::with_capacity(rows.len());
        for row in &rows {
            let (group, issue): (i64, i64) = (get(row, 0)?, get(row, 1)?);
            moved.extend(u32::try_from(group).ok().zip(u32::try_from(issue).ok()));
        }
        Ok(moved)
    }

    async fn sets(
        &mut self,
        partition: PartitionId,
        kind: u8,
        numbers: &[u64],
    ) -> Result<Sets, Error> {
        let mut sets = Sets::default();
        let runs = self.runs(partition).await?;
        if runs.is_empty() || numbers.is_empty() {
            return Ok(sets);
        }
        let sql = format!(
            "SELECT k.key, p.body FROM unnest($1::bytea[]) AS k (key) \
             CROSS JOIN unnest($2::bigint[]) AS r (run) CROSS JOIN LATERAL (SELECT body \
             FROM pages_{partition} WHERE run = r.run AND kind = $3 AND first <= k.key \
             ORDER BY first DESC LIMIT 1) AS p"
        );
        let kind = i16::from(kind);
        for numbers in numbers.chunks(PAGES.div_euclid(runs.len()).max(1)) {
            let keys: Vec<[u8; 8]> = numbers.iter().map(|number| number.to_be_bytes()).collect();
            let keys: Vec<&[u8]> = keys.iter().map(<[u8; 8]>::as_slice).collect();
            let rows = self.lease.query_text(&sql, &[&keys, &runs, &kind]).await?;
            for row in &rows {
                let (wanted, body): (&[u8], &[u8]) = (get(row, 0)?, get(row, 1)?);
                let number = wanted
                    .try_into()
                    .map(u64::from_be_bytes)
                    .unwrap_or_default();
                let mut entries = Entries::unpack(body)?;
                while let Some((key, value)) = entries.next()? {
                    if key >= wanted {
                        if key == wanted {
                            read_set(value, sets.entry(number).or_default())?;
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
        let runs = self.runs(partition).await?;
        let sql = format!(
            "SELECT p.body FROM unnest($1::bigint[]) WITH ORDINALITY AS r (run, nth) \
             JOIN pages_{partition} p ON p.run = r.run AND p.kind = $2 AND p.first < $4 \
             AND p.first >= COALESCE((SELECT q.first FROM pages_{partition} q \
             WHERE q.run = r.run AND q.kind = $2 AND q.first <= $3 \
             ORDER BY q.first DESC LIMIT 1), $3) \
             ORDER BY r.nth, p.first"
        );
        let kind = i16::from(kind);
        let rows = self
            .lease
            .query_text(&sql, &[&runs, &kind, &from, &until])
            .await?;
        rows.iter().map(|row| get(row, 0)).collect()
    }

    async fn first_pages(
        &mut self,
        partition: PartitionId,
        kind: u8,
        from: &[u8],
        until: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error> {
        let runs = self.runs(partition).await?;
        let sql = format!(
            "SELECT p.body FROM unnest($1::bigint[]) AS r (run) CROSS JOIN LATERAL (\
             (SELECT body FROM pages_{partition} WHERE run = r.run AND kind = $2 \
             AND first <= $3 ORDER BY first DESC LIMIT 1) UNION ALL \
             (SELECT body FROM pages_{partition} WHERE run = r.run AND kind = $2 \
             AND first > $3 AND first < $4 ORDER BY first LIMIT 1)) AS p"
        );
        let kind = i16::from(kind);
        let rows = self
            .lease
            .query_text(&sql, &[&runs, &kind, &from, &until])
            .await?;
        rows.iter().map(|row| get(row, 0)).collect()
    }

    async fn page_after(
        &mut self,
        partition: PartitionId,
        run: i64,
        kind: u8,
        key: &[u8],
    ) -> Result<Option<StoredPage>, Error> {
        let sql = format!(
            "SELECT first, body FROM pages_{partition} WHERE run = $1 AND kind = $2 \
             AND first > $3 ORDER BY first LIMIT 1"
        );
        let rows = self
            .lease
            .query_text(&sql, &[&run, &i16::from(kind), &key])
            .await?;
        let page = |row| Ok((get(row, 0)?, get(row, 1)?));
        rows.first().map(page).transpose()
    }

    async fn rows(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<EventRow>, Error> {
        let wanted: Vec<_> = seqs.iter().map(|seq| seq.to_i64()).collect();
        let rows = self
            .lease
            .query(
                concat!(
                    "SELECT ",
                    event_columns!(),
                    " FROM unnest($2::bigint[]) WITH ORDINALITY AS k (seq, nth) \
                     JOIN events e ON e.part = $1 AND e.seq = k.seq ORDER BY k.nth"
                ),
                &[&int(span.id.0), &wanted],
            )
            .await?;
        shown(self.lease, events(&rows)?).await
    }

    async fn times(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<(Seq, Millis)>, Error> {
        let wanted: Vec<_> = seqs.iter().map(|seq| seq.to_i64()).collect();
        let rows = self
            .lease
            .query(
                "SELECT seq, happened FROM events WHERE part = $1 AND seq = ANY($2)",
                &[&int(span.id.0), &wanted],
            )
            .await?;
        let time = |row| Ok((seq(row, 0)?, Millis(get(row, 1)?)));
        rows.iter().map(time).collect()
    }

    async fn issues(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<IssueId>, Error> {
        let wanted: Vec<_> = seqs.iter().map(|seq| seq.to_i64()).collect();
        let rows = self
            .lease
            .query(
                "SELECT g.issue FROM events e JOIN groups g ON g.id = e.group_id \
                 WHERE e.part = $1 AND e.seq = ANY($2)",
                &[&int(span.id.0), &wanted],
            )
            .await?;
        rows.iter().map(|row| Ok(IssueId(count(row, 0)?))).collect()
    }

    async fn briefs(&mut self, span: &Shelved, seqs: &[Seq]) -> Result<Vec<Brief>, Error> {
        let wanted: Vec<_> = seqs.iter().map(|seq| seq.to_i64()).collect();
        let rows = self
            .lease
            .query(
                "SELECT e.happened, g.issue, e.person FROM events e \
                 JOIN groups g ON g.id = e.group_id WHERE e.part = $1 AND e.seq = ANY($2)",
                &[&int(span.id.0), &wanted],
            )
            .await?;
        let brief = |row| {
            Ok(Brief {
                at: Millis(get(row, 0)?),
                issue: IssueId(count(row, 1)?),
                user: get(row, 2)?,
            })
        };
        rows.iter().map(brief).collect()
    }

    async fn gone(&mut self, span: &Shelved, of: &[ProjectId]) -> Result<Gone, Error> {
        let part = int(span.id.0);
        let mut gone = Gone::default();
        for select in [
            "SELECT seq FROM unindexed WHERE part = $1 AND seq > $2 AND $3::integer[] IS NOT NULL \
             ORDER BY seq LIMIT $4",
            "SELECT e.seq FROM hidden h JOIN events e ON e.project = h.project \
             AND e.received <= h.received WHERE e.part = $1 AND e.seq > $2 \
             AND h.project = ANY($3) ORDER BY e.seq LIMIT $4",
        ] {
            let mut after = 0_i64;
            loop {
                let rows = self
                    .lease
                    .query(select, &[&part, &after, &projects(of), &PLACES])
                    .await?;
                for row in &rows {
                    let place = seq(row, 0)?;
                    after = place.to_i64();
                    let offset = place.0.saturating_sub(span.first.0);
                    gone.offsets.extend(u32::try_from(offset).ok());
                }
                if i64::try_from(rows.len()).is_ok_and(|read| read < PLACES) {
                    break;
                }
            }
        }
        let rows = self
            .lease
            .query("SELECT id FROM deleted_groups", &[])
            .await?;
        for row in &rows {
            gone.groups.extend(GroupId::from_i64(get(row, 0)?));
        }
        Ok(gone)
    }

    async fn sums(
        &mut self,
        span: &Shelved,
        of: &[ProjectId],
        hours: RangeInclusive<i64>,
    ) -> Result<Vec<(IssueId, u64)>, Error> {
        let first = hours.start().saturating_mul(60);
        let last = hours.end().saturating_mul(60).saturating_add(59);
        let rows = self
            .lease
            .query(
                "SELECT g.issue, sum(c.events)::bigint FROM issue_counts c \
                 JOIN groups g ON g.id = c.group_id WHERE c.part = $1 \
                 AND g.project = ANY($2) AND c.minute BETWEEN $3 AND $4 GROUP BY g.issue",
                &[&int(span.id.0), &projects(of), &first, &last],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((IssueId(count(row, 0)?), count(row, 1)?)))
            .collect()
    }
}
