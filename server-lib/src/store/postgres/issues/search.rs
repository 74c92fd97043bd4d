//! Finds issues by conditions.

use roaring::RoaringBitmap;
use tokio_postgres::Row;

use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::issue::Issue;
use crate::store::index::members;
use crate::store::index::shelf::Shelf as _;
use crate::store::pick::{self, MAX_ROWS, MAX_SORTED, Picker};
use crate::store::postgres::index::PostgresShelf;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{big, get, issue, issue_columns, projects, text};
use crate::store::query::{
    IssueCursor, IssueOrder, IssuePage, IssuePredicate, IssueQuery, TextPattern,
};

/// Issues that are read at once: few at first.
const CHUNK: std::ops::RangeInclusive<usize> = 50..=1_000;

/// Walks over issues by a column, through the index that is made for it.
macro_rules! walking {
    ($inner:literal, $outer:literal) => {
        concat!(
            "SELECT ",
            issue_columns!(),
            " FROM unnest($1::integer[]) AS p (project) \
             CROSS JOIN unnest($2::smallint[]) AS t (status) \
             CROSS JOIN LATERAL (SELECT * FROM issues i WHERE i.project = p.project \
             AND i.status = t.status AND (",
            $inner,
            ", i.id) < ($3, $4) AND ($5::bigint[] IS NULL OR i.id = ANY($5)) ORDER BY ",
            $inner,
            " DESC, i.id DESC LIMIT $6) AS s ORDER BY ",
            $outer,
            " DESC, s.id DESC LIMIT $6"
        )
    };
}
/// Answers a question.
pub(super) async fn search(lease: &mut Lease, query: &IssueQuery) -> Result<IssuePage, Error> {
    let shown = PostgresShelf::new(lease).shown(&query.projects).await?;
    let picker = Picker::new(query);
    let mut sets = Vec::new();
    for predicate in picker.lookups() {
        sets.push(look_up(lease, &shown, predicate).await?);
    }
    let candidates = picker.candidates(&sets);
    let mut search = Search {
        lease,
        query,
        picker: &picker,
        sets: &sets,
        projects: &shown,
    };
    match candidates {
        Some(few) if few.len() <= MAX_SORTED => search.sort(&few).await,
        candidates => search.walk(candidates.as_ref()).await,
    }
}

struct Search<'a> {
    lease: &'a mut Lease,
    query: &'a IssueQuery,
    picker: &'a Picker<'a>,
    sets: &'a [RoaringBitmap],
    projects: &'a [ProjectId],
}

impl Search<'_> {
    fn limit(&self) -> usize {
        usize::try_from(self.query.limit).unwrap_or(usize::MAX)
    }

    fn value(&self, issue: &Issue) -> i64 {
        pick::value(self.query.order, issue)
    }

    /// Fetches all candidates and sorts them.
    async fn sort(&mut self, candidates: &RoaringBitmap) -> Result<IssuePage, Error> {
        let ids: Vec<i64> = candidates.iter().map(i64::from).collect();
        let rows = self
            .lease
            .query(
                concat!(
                    "SELECT ",
                    issue_columns!(),
                    " FROM issues s WHERE s.id = ANY($1) AND s.project = ANY($2) \
                     AND s.merged_into IS NULL"
                ),
                &[&ids, &projects(self.projects)],
            )
            .await?;
        let mut found = issues(&rows)?;
        found.retain(|issue| {
            pick::is_behind(self.query.after, self.value(issue), issue.id)
                && self.picker.picks(issue, self.sets)
        });
        found.sort_unstable_by_key(|issue| std::cmp::Reverse((self.value(issue), issue.id)));
        let has_more = found.len() > self.limit();
        found.truncate(self.limit());
        let last = found.last().filter(|_| has_more);
        Ok(IssuePage {
            next: last.map(|issue| IssueCursor {
                value: self.value(issue),
                id: issue.id,
            }),
            issues: found,
        })
    }

    /// Walks over the issues in their order, within bounds.
    async fn walk(&mut self, candidates: Option<&RoaringBitmap>) -> Result<IssuePage, Error> {
        let ids: Option<Vec<i64>> =
            candidates.map(|candidates| candidates.iter().map(i64::from).collect());
        let statuses: Vec<i16> = (self.picker.statuses().iter())
            .map(|status| i16::from(status.code()))
            .collect();
        let mut page = IssuePage::default();
        let mut after = self.query.after;
        let mut chunk = self
            .limit()
            .saturating_add(1)
            .clamp(*CHUNK.start(), *CHUNK.end());
        let mut looked_at = 0_usize;
        loop {
            let rows = self.chunk(&statuses, ids.as_ref(), after, chunk).await?;
            let is_end = rows.len() < chunk;
            for issue in issues(&rows)? {
                if page.issues.len() >= self.limit() || looked_at >= MAX_ROWS {
                    page.next = after;
                    return Ok(page);
                }
                looked_at = looked_at.saturating_add(1);
                after = Some(IssueCursor {
                    value: self.value(&issue),
                    id: issue.id,
                });
                if self.picker.picks(&issue, self.sets) {
                    page.issues.push(issue);
                }
            }
            if is_end {
                return Ok(page);
            }
            chunk = chunk.saturating_mul(2).min(*CHUNK.end());
        }
    }

    async fn chunk(
        &mut self,
        statuses: &[i16],
        ids: Option<&Vec<i64>>,
        after: Option<IssueCursor>,
        chunk: usize,
    ) -> Result<Vec<Row>, Error> {
        let sql = match self.query.order {
            IssueOrder::LastSeen => walking!("i.last_seen", "s.last_seen"),
            IssueOrder::FirstSeen => walking!("i.first_seen", "s.first_seen"),
            IssueOrder::Events => walking!("i.events", "s.events"),
            IssueOrder::Users => walking!("i.users", "s.users"),
            IssueOrder::Priority => concat!(
                "SELECT ",
                issue_columns!(),
                " FROM unnest($1::integer[]) AS p (project) \
                 CROSS JOIN unnest($2::smallint[]) AS t (status) \
                 CROSS JOIN LATERAL (SELECT * FROM issues i WHERE i.project = p.project \
                 AND i.status = t.status AND (i.priority, i.last_seen, i.id) < ($3, $4, $5) \
                 AND ($6::bigint[] IS NULL OR i.id = ANY($6)) \
                 ORDER BY i.priority DESC, i.last_seen DESC, i.id DESC LIMIT $7) AS s \
                 ORDER BY s.priority DESC, s.last_seen DESC, s.id DESC LIMIT $7"
            ),
        };
        let value = after.map_or(i64::MAX, |after| after.value);
        let id = after.map_or(i64::MAX, |after| after.id.to_i64());
        let of = projects(self.projects);
        let count = big(chunk as u64);
        if self.query.order == IssueOrder::Priority {
            let (priority, time) = match after {
                Some(_) => pick::split_priority(value),
                None => (i64::from(i16::MAX), i64::MAX),
            };
            let priority = i16::try_from(priority).unwrap_or(i16::MAX);
            return self
                .lease
                .query(sql, &[&of, &statuses, &priority, &time, &id, &ids, &count])
                .await;
        }
        self.lease
            .query(sql, &[&of, &statuses, &value, &id, &ids, &count])
            .await
    }
}

fn issues(rows: &[Row]) -> Result<Vec<Issue>, Error> {
    rows.iter().map(issue).collect()
}

/// Returns the issues that meet a condition.
async fn look_up(
    lease: &mut Lease,
    of: &[ProjectId],
    predicate: &IssuePredicate,
) -> Result<RoaringBitmap, Error> {
    use IssuePredicate as Is;
    let ids = projects(of);
    let rows = match predicate {
        Is::Id(id) => return Ok(u32::try_from(id.0).ok().into_iter().collect()),
        Is::Tag(name, test) => {
            let mut shelf = PostgresShelf::new(lease);
            return members::issues_with_tag(&mut shelf, of, name, test).await;
        }
        Is::Text(words) => {
            let mut shelf = PostgresShelf::new(lease);
            return members::issues_with_text(&mut shelf, words).await;
        }
        Is::BookmarkedBy(person) => {
            let sql = "SELECT issue FROM issue_marks WHERE person = $1 AND bookmarked";
            lease.query(sql, &[&text(person.as_str())]).await?
        }
        Is::SubscribedBy(person) => {
            let sql = "SELECT issue FROM issue_marks WHERE person = $1 AND subscribed";
            lease.query(sql, &[&text(person.as_str())]).await?
        }
        Is::Number(number) => {
            let sql = "SELECT id FROM issues WHERE project = ANY($1) AND number = $2";
            lease.query(sql, &[&ids, &big(*number)]).await?
        }
        Is::IsAssigned => {
            let sql = "SELECT id FROM issues WHERE project = ANY($1) AND assignee IS NOT NULL";
            lease.query(sql, &[&ids]).await?
        }
        Is::AssignedTo(actors) => {
            let actors: Vec<_> = actors.iter().map(|actor| text(actor.as_str())).collect();
            let sql = "SELECT id FROM issues WHERE project = ANY($1) AND assignee = ANY($2)";
            lease.query(sql, &[&ids, &actors]).await?
        }
        Is::FirstRelease(TextPattern::Equals(release)) => {
            let sql = "SELECT id FROM issues WHERE project = ANY($1) AND first_release = $2 \
                AND first_release <> ''";
            lease.query(sql, &[&ids, &text(release)]).await?
        }
        Is::LastRelease(TextPattern::Equals(release)) => {
            let sql = "SELECT id FROM issues WHERE project = ANY($1) AND last_release = $2 \
                AND last_release <> ''";
            lease.query(sql, &[&ids, &text(release)]).await?
        }
        _ => Vec::new(),
    };
    let mut found = RoaringBitmap::new();
    for row in &rows {
        found.extend(u32::try_from(get::<i64>(row, 0)?).ok());
    }
    Ok(found)
}
